/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See source.h. Places are worked out only when a message is made: the lines before it are counted
 * then, so reading itself keeps no line numbers.
 *
 * A place is a pointer into a source's own copy of its text. What is made of several lines, or of
 * macros, lies elsewhere, and a table of copies leads back. So every part of the reader can name a
 * place without knowing how the text came there.
 */
#include "source.h"

#include "base/memory.h"

#include <stdarg.h>
#include <string.h>

/* A line that is longer is shown in part, so that the caret is still in sight. */
enum { EXCERPT_LENGTH_MAX = 120, EXCERPT_BEFORE_MAX = 60 };

/* Beyond so many copies, which nobody writes by hand, messages about copies go without a place. */
enum { COPY_COUNT_MAX = 1000 * 1000 };

struct place {
    const char *name;
    size_t line;
    size_t column;
    struct slice text;   /* the line */
    const char *pointer; /* the place in it */
};

void sources_deinit(struct sources *sources)
{
    for (size_t i = 0; i < sources->count; i++) {
        free(sources->items[i].name);
        free((char *)sources->items[i].text.data);
    }
    free(sources->items);
    free(sources->copies);
    *sources = SOURCES_INIT;
}

/* What some editors put in front of UTF-8 (RFC 3629, section 6) is no part of the text. */
static struct slice skip_mark(struct slice text)
{
    static const char mark[] = "\xef\xbb\xbf";
    size_t length = sizeof(mark) - 1;

    if (text.length < length || memcmp(text.data, mark, length) != 0)
        return text;
    return (struct slice){.data = text.data + length, .length = text.length - length};
}

struct slice sources_add(struct sources *sources, const char *name, struct slice text)
{
    struct source *source;

    text = skip_mark(text);
    array_reserve(sources->items, sources->capacity, sources->count + 1);
    source = &sources->items[sources->count++];
    source->name = memory_copy_string(name);
    source->text = (struct slice){.data = slice_copy(text), .length = text.length};
    return source->text;
}

void sources_add_copy(struct sources *sources, struct slice copy, const char *origin, bool fixed)
{
    if (copy.length == 0 || sources->copy_count == COPY_COUNT_MAX)
        return;
    array_reserve(sources->copies, sources->copy_capacity, sources->copy_count + 1);
    sources->copies[sources->copy_count++] =
        (struct source_copy){.text = copy, .origin = origin, .fixed = fixed};
}

/*
 * The end counts as inside: that is where something is missing. Compared as numbers, because C does
 * not say how pointers into different arrays compare (C17, 6.5.8).
 */
static bool slice_holds(struct slice slice, const char *at)
{
    return (uintptr_t)at >= (uintptr_t)slice.data &&
           (uintptr_t)at <= (uintptr_t)slice.data + slice.length;
}

/* Copies stand one behind the other: the end of one is a place in it only if none begins there. */
static const char *sources_origin(const struct sources *sources, const char *at)
{
    const struct source_copy *found = NULL;

    for (size_t i = 0; i < sources->copy_count; i++) {
        const struct source_copy *copy = &sources->copies[i];

        if (slice_holds(copy->text, at) && (!found || at != copy->text.data + copy->text.length))
            found = copy;
    }
    if (!found)
        return at;
    /* Where a macro stood, other characters stand: then its start is as near as one gets. */
    return found->fixed ? found->origin : found->origin + (at - found->text.data);
}

/* Few sources: the text, the command line, the item files. */
static const struct source *sources_find(const struct sources *sources, const char *at)
{
    for (size_t i = 0; i < sources->count; i++)
        if (slice_holds(sources->items[i].text, at))
            return &sources->items[i];
    return NULL;
}

/* UTF-8: what is not the first byte of a character. */
static bool byte_continues_character(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* People count characters, not bytes. */
static size_t count_characters(const char *from, const char *to)
{
    size_t count = 0;

    for (; from < to; from++)
        if (!byte_continues_character(*from))
            count++;
    return count;
}

/* Lines are counted from the start: this happens once per message. */
static bool sources_locate(const struct sources *sources, const char *at, struct place *ret_place)
{
    const struct source *source;
    const char *end;

    at = sources_origin(sources, at);
    source = sources_find(sources, at);
    if (!source)
        return false;
    *ret_place = (struct place){
        .name = source->name, .line = 1, .text = {.data = source->text.data}, .pointer = at};
    for (const char *p = source->text.data; p < at; p++)
        if (*p == '\n') {
            ret_place->line++;
            ret_place->text.data = p + 1;
        }
    end = source->text.data + source->text.length;
    while (ret_place->text.data + ret_place->text.length < end &&
           ret_place->text.data[ret_place->text.length] != '\n')
        ret_place->text.length++;
    ret_place->column = 1 + count_characters(ret_place->text.data, at);
    return true;
}

/* Appends text from outside so that it cannot play tricks on a terminal. */
static void append_harmless(struct buffer *text, const char *data, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        bool harmless = (unsigned char)data[i] >= ' ' && data[i] != 0x7f;

        buffer_append_character(text, harmless || data[i] == '\t' ? data[i] : '?');
    }
}

/* A tab moves the caret as far as it moved the text above. */
static void append_caret_line(struct buffer *text, const char *from, const char *to)
{
    for (; from < to; from++)
        if (!byte_continues_character(*from))
            buffer_append_character(text, *from == '\t' ? '\t' : ' ');
    buffer_append_character(text, '^');
}

static void append_excerpt(struct buffer *text, const struct place *place)
{
    const char *start = place->text.data, *end = start + place->text.length;

    /* The end of the line may be the very place that is meant. */
    while (end > start && (end[-1] == '\r' || end[-1] == ' ') && end > place->pointer)
        end--;
    /* A line of a million characters would push the message off the screen. */
    if (end - start > EXCERPT_LENGTH_MAX && place->pointer - start > EXCERPT_BEFORE_MAX) {
        start = place->pointer - EXCERPT_BEFORE_MAX;
        while (start < place->pointer && byte_continues_character(*start))
            start++;
    }
    if (end - start > EXCERPT_LENGTH_MAX)
        end = start + EXCERPT_LENGTH_MAX;
    buffer_append_character(text, '\n');
    append_harmless(text, start, (size_t)(end - start));
    buffer_append_character(text, '\n');
    append_caret_line(text, start, place->pointer);
}

void sources_describe(const struct sources *sources, const char *at, const char *message,
                      struct buffer *text)
{
    struct place place;
    bool located = sources_locate(sources, at, &place);

    if (located)
        buffer_appendf(text, "%s:%zu:%zu: ", place.name, place.line, place.column);
    append_harmless(text, message, strlen(message));
    if (located)
        append_excerpt(text, &place);
}

int sources_error_formatted(const struct sources *sources, const char *at, struct error *err,
                            int code, const char *format, va_list arguments)
{
    _cleanup_buffer_ struct buffer message = BUFFER_INIT, text = BUFFER_INIT;

    /* Whoever does not want to know need not wait for the lines to be counted. */
    if (!err)
        return code;
    buffer_append_formatted(&message, format, arguments);
    sources_describe(sources, at, buffer_text(&message), &text);
    return error_set(err, code, "%s", buffer_text(&text));
}

int sources_error(const struct sources *sources, const char *at, struct error *err, int code,
                  const char *format, ...)
{
    va_list arguments;
    int r;

    va_start(arguments, format);
    r = sources_error_formatted(sources, at, err, code, format, arguments);
    va_end(arguments);
    return r;
}
