/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all readers of a submit text need: to say what is wrong, to keep account of what the text
 * costs, to take in texts from elsewhere, and to put the values of macros into a statement's own
 * line.
 */
#include "submit_internal.h"

#include "base/memory.h"

#include <errno.h>
#include <string.h>

void reader_warn(struct submit_reader *reader, const char *at, const char *format, ...)
{
    struct submit_warnings *warnings = reader->warnings;
    _cleanup_buffer_ struct buffer message = BUFFER_INIT;
    struct buffer text = BUFFER_INIT;
    va_list arguments;

    /* The first ones are enough to see what is wrong. */
    if (!warnings || warnings->count >= WARNING_COUNT_MAX)
        return;
    va_start(arguments, format);
    buffer_append_formatted(&message, format, arguments);
    va_end(arguments);
    sources_describe(&reader->submit->sources, at, buffer_text(&message), &text);
    array_reserve(warnings->texts, warnings->capacity, warnings->count + 1);
    warnings->texts[warnings->count++] = buffer_take(&text);
}

int reader_error(struct submit_reader *reader, const char *place, int code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    sources_error_formatted(&reader->submit->sources, place, reader->err, code, format, arguments);
    va_end(arguments);
    return code;
}

/*
 * What is read here must be readable once more, by the server and after each of its restarts: the
 * canonical text is counted while it comes about, and refused before it is too large.
 */
int reader_count_size(struct submit_reader *reader, size_t size, const char *place)
{
    struct submit *submit = reader->submit;

    submit->frozen_size_max += size;
    if (submit->frozen_size_max <= SUBMIT_TEXT_SIZE_MAX)
        return 0;
    return reader_error(reader, place, -E2BIG, "with its items the submit is larger than 64 MiB");
}

/* One account for the whole text: no combination of many small things becomes large. */
int reader_count_steps(struct submit_reader *reader, uint64_t steps, const char *place)
{
    if (steps > reader->steps_left)
        return reader_error(reader, place, -E2BIG, "reading this text takes too many steps");
    reader->steps_left -= steps;
    return 0;
}

int reader_blame_world(struct submit_reader *reader, const char *place, int code, const char *what)
{
    _cleanup_error_ struct error cause = ERROR_INIT;

    if (!reader->err)
        return code;
    cause = *reader->err;
    *reader->err = ERROR_INIT;
    reader_error(reader, place, code, "%s: %s", what, error_text(&cause));
    if (cause.hint)
        error_hint(reader->err, "%s", cause.hint);
    return code;
}

int reader_add_source(struct submit_reader *reader, const char *name, struct slice text,
                      const char *place, struct slice *ret_text)
{
    const char *nul;

    /* Before it is copied. */
    if (text.length > SUBMIT_TEXT_SIZE_MAX)
        return reader_error(reader, place, -E2BIG, "%s is larger than 64 MiB", name);
    text = sources_add(&reader->submit->sources, name, text);
    /* From here on, texts may be handed out as C strings. */
    nul = text.length > 0 ? memchr(text.data, '\0', text.length) : NULL;
    if (nul)
        return reader_error(reader, nul, -EINVAL, "this is not text: it holds a NUL byte");
    *ret_text = text;
    return 0;
}

int reader_load(struct submit_reader *reader, struct slice name, bool is_command, const char *what,
                struct slice *ret_text)
{
    const struct submit_world *world = reader->submit->macros.world;
    _cleanup_free_ char *copy = slice_copy(name);
    _cleanup_buffer_ struct buffer text = BUFFER_INIT, source = BUFFER_INIT;
    int (*load)(void *, const char *, struct buffer *, struct error *) = NULL;
    int r;

    /* Only the submitter's side has a world: no server runs or opens what a text names. */
    if (world)
        load = is_command ? world->run_command : world->read_file;
    if (!load)
        return reader_error(reader, name.data, -EINVAL,
                            is_command ? "commands cannot be run here"
                                       : "files cannot be read here");
    r = load(world->user_data, copy, &text, reader->err);
    if (r < 0)
        return reader_blame_world(reader, name.data, r, what);
    buffer_appendf(&source, is_command ? "output of '%s'" : "%s", copy);
    return reader_add_source(reader, buffer_text(&source),
                             (struct slice){buffer_text(&text), text.length}, name.data, ret_text);
}

int reader_expand(struct submit_reader *reader, struct slice *text, bool allow_undefined)
{
    struct submit *submit = reader->submit;
    struct macro_scope scope = {.horizon = (uint32_t)submit->macros.definition_count};
    struct expansion expansion = {.macros = &submit->macros,
                                  .scope = &scope,
                                  .steps_left = reader->steps_left,
                                  .allow_undefined = allow_undefined};
    _cleanup_buffer_ struct buffer expanded = BUFFER_INIT;
    struct template template;
    const char *origin = text->data;
    int r;

    /* Nothing to replace, and places stay exact. */
    if (text->length == 0 || !memchr(text->data, '$', text->length))
        return 0;
    r = macros_compile(&submit->macros, *text, MACRO_NONE, &template, reader->err);
    if (r == 0)
        r = macros_expand(&expansion, &template, &expanded, reader->err);
    if (r == 0)
        r = reader_count_size(reader, expanded.length, origin);
    if (r < 0)
        return r;
    reader->steps_left = expansion.steps_left;
    *text = (struct slice){.length = expanded.length};
    text->data =
        arena_copy(&submit->arena, (struct slice){buffer_text(&expanded), expanded.length});
    sources_add_copy(&submit->sources, *text, origin, true);
    *text = slice_trim(*text);
    return 0;
}

int reader_find_value(struct submit_reader *reader, const char *name, const char *other,
                      struct slice *ret_value)
{
    struct macros *macros = &reader->submit->macros;
    const char *const names[] = {name, other};

    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        uint32_t symbol = macros_find_symbol(macros, names[i]), definition;
        int r;

        if (symbol == MACRO_NONE)
            continue;
        macros->symbols[symbol].is_referenced = true;
        definition = macros_find_definition(macros, symbol, (uint32_t)macros->definition_count);
        if (definition == MACRO_NONE || macros->definitions[definition].value.length == 0)
            continue;
        *ret_value = macros->definitions[definition].value;
        r = reader_expand(reader, ret_value, false);
        return r < 0 ? r : 1;
    }
    return 0;
}
