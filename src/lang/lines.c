/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See lines.h. A line that stands alone is not copied; only joined ones are.
 *
 * Lines end at a line feed; a carriage return before it goes with the white space, so that files
 * from Windows read like any others. The last line needs no end.
 */
#include "lines.h"

#include "submit.h"

#include "base/memory.h"

#include <errno.h>
#include <string.h>

void line_reader_init(struct line_reader *reader, struct sources *sources, struct arena *arena,
                      struct slice text)
{
    *reader = (struct line_reader){
        .sources = sources,
        .arena = arena,
        .at = text.data,
        .end = text.data + text.length,
    };
}

static bool line_reader_next_physical(struct line_reader *reader, struct slice *ret_line)
{
    const char *start = reader->at, *newline;
    size_t left = (size_t)(reader->end - start);

    /* A text that ends with a line feed has no empty line behind it. */
    if (left == 0)
        return false;
    newline = memchr(start, '\n', left);
    reader->at = newline ? newline + 1 : reader->end;
    *ret_line = slice_trim((struct slice){
        .data = start,
        .length = newline ? (size_t)(newline - start) : left,
    });
    return true;
}

/* White space behind the backslash is trimmed away already: nobody can see it. */
static bool line_continues(struct slice line)
{
    return line.length > 0 && line.data[line.length - 1] == '\\';
}

/* In a file of items '#' has no meaning: there it may be the first letter of one. */
static bool line_is_comment(const struct line_reader *reader, struct slice line)
{
    return !reader->keep_comments && line.length > 0 && line.data[0] == '#';
}

/* Says where the line begins. */
static int line_too_long(const struct line_reader *reader, const char *at, struct error *err)
{
    return sources_error(reader->sources, at, err, -E2BIG,
                         "this line is longer than %zu bytes with its continuations",
                         SUBMIT_LINE_LENGTH_MAX);
}

/* The pieces of a logical line. */
struct pieces {
    struct slice *items; /* owned */
    size_t count;
    size_t capacity;
    size_t length; /* of all together */
};

/* Only the array: the texts are the sources'. */
static void pieces_deinit(struct pieces *pieces)
{
    free(pieces->items);
}

/* Collects `line`, which ends with a backslash, and what continues it, without the backslashes. */
static int line_reader_collect(struct line_reader *reader, struct slice line, struct pieces *pieces,
                               struct error *err)
{
    const char *start = line.data;
    bool continues = true;

    /* A comment in between is passed over; the continuation goes on behind it, as in HTCondor. */
    while (continues) {
        continues = line_continues(line);
        line.length -= continues ? 1 : 0;
        array_reserve(pieces->items, pieces->capacity, pieces->count + 1);
        pieces->items[pieces->count++] = line;
        pieces->length += line.length;
        /* The pieces count too: a million empty continuations are memory as well. */
        if (pieces->length + pieces->count > SUBMIT_LINE_LENGTH_MAX)
            return line_too_long(reader, start, err);
        do
            continues = continues && line_reader_next_physical(reader, &line);
        while (continues && line_is_comment(reader, line));
    }
    return 0;
}

/* Each piece is noted with its origin, so that a mistake in it has its own line number. */
static int line_reader_join(struct line_reader *reader, struct slice line, struct slice *ret_line,
                            struct error *err)
{
    _cleanup_(pieces_deinit) struct pieces pieces = {0};
    char *joined;
    int r;

    r = line_reader_collect(reader, line, &pieces, err);
    if (r < 0)
        return r;
    joined = arena_allocate(reader->arena, pieces.length + 1, 1);
    *ret_line = (struct slice){.data = joined, .length = pieces.length};
    for (size_t i = 0; i < pieces.count; i++) {
        struct slice copy = {.data = joined, .length = pieces.items[i].length};

        memcpy(joined, pieces.items[i].data, copy.length);
        sources_add_copy(reader->sources, copy, pieces.items[i].data, false);
        joined += copy.length;
    }
    *joined = '\0';
    *ret_line = slice_trim(*ret_line);
    return 0;
}

int line_reader_next(struct line_reader *reader, struct slice *ret_line, struct error *err)
{
    struct slice line;
    int r;

    while (line_reader_next_physical(reader, &line)) {
        if (line.length == 0 || line_is_comment(reader, line))
            continue;
        if (line.length > SUBMIT_LINE_LENGTH_MAX)
            return line_too_long(reader, line.data, err);
        if (line_continues(line)) {
            r = line_reader_join(reader, line, &line, err);
            if (r < 0)
                return r;
            /* Nothing but backslashes: as if it were not there. */
            if (line.length == 0)
                continue;
        }
        *ret_line = line;
        return 1;
    }
    return 0;
}
