/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See submit.h: a submit as text again. Values are written as they were read, because all that they
 * need beside themselves stands in the text too: the environment variables at the top, and the
 * items within their queue statements. Definitions keep their order and their place between the
 * queue statements, on which their meaning depends.
 *
 * The result is a submit file itself, so that there is one reader for what people write and for
 * what the server stores. Frozen once more it is the same text, byte by byte; a fuzzer holds that.
 */
#include "submit_internal.h"
#include "text.h"

#include "base/memory.h"
#include "base/number.h"

#include <errno.h>
#include <string.h>

/*
 * In double quotes; a backslash before itself, a quote, and as "\n" for a newline. Values of the
 * environment may hold anything, and a line ends where it ends.
 */
static void freeze_text(const char *value, struct buffer *text)
{
    buffer_append_character(text, '"');
    for (; *value; value++) {
        if (*value == '\\' || *value == '"')
            buffer_append_character(text, '\\');
        if (*value == '\n')
            buffer_append_text(text, "\\n");
        else
            buffer_append_character(text, *value);
    }
    buffer_append_character(text, '"');
}

static int frozen_text_parse(struct slice text, struct buffer *value)
{
    if (text.length < 2 || text.data[0] != '"' || text.data[text.length - 1] != '"')
        return -EINVAL;
    for (size_t i = 1; i + 1 < text.length; i++) {
        char character = text.data[i];

        /* The quote behind it was the last one, and not a character of the value. */
        if (character == '\\' && ++i + 1 == text.length)
            return -EINVAL;
        if (character == '\\')
            character = text.data[i] == 'n' ? '\n' : text.data[i];
        buffer_append_character(value, character);
    }
    return 0;
}

/* In the order in which they were asked for, which reading keeps. */
static void freeze_environment(const struct macros *macros, struct buffer *text)
{
    for (size_t i = 0; i < macros->environment_count; i++) {
        const struct environment_variable *variable = &macros->environment[i];

        /* Nobody knew it when it was asked for, so there is nothing to hand on. */
        if (variable->state == ENVIRONMENT_UNKNOWN)
            continue;
        buffer_appendf(text, "$ENV(%s)", variable->name);
        if (variable->state == ENVIRONMENT_SET) {
            buffer_append_text(text, " = ");
            freeze_text(variable->value, text);
        }
        buffer_append_character(text, '\n');
    }
    if (macros->environment_is_complete)
        buffer_append_text(text, "$ENV()\n");
}

static void freeze_automatics(const struct macros *macros, struct buffer *text)
{
    for (size_t i = 0; i < macros->symbol_count; i++) {
        const struct symbol *symbol = &macros->symbols[i];

        if (!symbol->automatic || !(symbol->automatic_is_used || macros->has_computed_names))
            continue;
        buffer_appendf(text, "$AUTO(%s) = ", symbol->name);
        freeze_text(symbol->automatic, text);
        buffer_append_character(text, '\n');
    }
    if (macros->draws)
        buffer_appendf(text, "$SEED(%llu)\n", (unsigned long long)macros->seed);
}

/* One that ends with a backslash would continue: one more, and an empty line, undo that. */
static void freeze_line(struct slice line, struct buffer *text)
{
    buffer_append_slice(text, line);
    if (line.length > 0 && line.data[line.length - 1] == '\\')
        buffer_append_text(text, "\\\n");
    buffer_append_character(text, '\n');
}

/* Its end is longer than whatever in it looks like one. */
static void freeze_here_document(struct slice value, struct buffer *text)
{
    size_t longest = 0;
    struct slice rest = value;

    while (rest.length > 0) {
        struct slice line = text_take(&rest, '\n');

        if (text_begins(line, "@end") && line.length > longest)
            longest = line.length;
    }
    buffer_append_text(text, " @=end");
    for (size_t i = strlen("@end"); i <= longest; i++)
        buffer_append_character(text, '_');
    buffer_append_character(text, '\n');
    while (value.length > 0)
        freeze_line(text_take(&value, '\n'), text);
    buffer_append_text(text, "@end");
    for (size_t i = strlen("@end"); i <= longest; i++)
        buffer_append_character(text, '_');
    buffer_append_character(text, '\n');
}

static void freeze_definition(const struct definition *definition, struct buffer *text)
{
    struct slice value = definition->value;

    buffer_append_slice(text, definition->name);
    if (value.length > 0 && memchr(value.data, '\n', value.length)) {
        freeze_here_document(value, text);
        return;
    }
    buffer_append_text(text, value.length > 0 ? " = " : " =");
    freeze_line(value, text);
}

/* Whether the field is read back as it is when white space and commas separate. */
static bool field_is_plain(const struct item_field *field, bool first, bool last)
{
    if (field->length == 0 || field->data[field->length - 1] == '\\')
        return false;
    if (first && (field->data[0] == '#' || field->data[0] == ')'))
        return false;
    for (uint32_t i = 0; i < field->length; i++) {
        char character = field->data[i];
        bool separates =
            character == ',' || character == ' ' || (character >= '\t' && character <= '\r');

        if (character == '\x1e' || character == '\x1f' || (separates && (!last || i == 0)))
            return false;
    }
    return true;
}

/* Plain where that reads back the same, because people look at this, too. */
static void freeze_row(const struct item_field *fields, size_t count, struct buffer *text)
{
    bool plain = true;

    for (size_t i = 0; i < count; i++)
        plain = plain && field_is_plain(&fields[i], i == 0, i + 1 == count);
    if (!plain)
        buffer_append_character(text, '\x1e');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_append_text(text, plain ? " " : "\x1f");
        buffer_append(text, fields[i].data, fields[i].length);
    }
    buffer_append_text(text, plain ? "\n" : "\x1e\n");
}

/* The count is a number by now, the items are lines. */
static void freeze_part(const struct submit *submit, const struct part *part, struct buffer *text)
{
    buffer_appendf(text, "queue %llu", (unsigned long long)part->repeat);
    for (size_t i = 0; i < part->variable_count; i++)
        buffer_appendf(text, "%s%s", i > 0 ? "," : " ",
                       submit->macros.symbols[part->variables[i]].name);
    if (part->variable_count > 0) {
        buffer_append_text(text, " from (\n");
        for (size_t i = 0; i < part->row_count; i++)
            freeze_row(part->fields + i * part->variable_count, part->variable_count, text);
        buffer_append_character(text, ')');
    }
    buffer_append_character(text, '\n');
}

static bool is_defined(const struct macros *macros, const char *name)
{
    uint32_t symbol = macros_find_symbol(macros, name);

    return symbol != MACRO_NONE && macros->symbols[symbol].definition_count > 0;
}

void submit_freeze(const struct submit *submit, struct buffer *text)
{
    uint32_t written = 0;

    freeze_environment(&submit->macros, text);
    freeze_automatics(&submit->macros, text);
    /* It may have been the caller's option; the text must say it by itself. */
    if (submit->macros.allow_undefined && !is_defined(&submit->macros, "allow_undefined"))
        buffer_append_text(text, "allow_undefined = true\n");
    for (size_t i = 0; i < submit->part_count; i++) {
        /* What is defined behind the last queue statement means nothing. */
        for (; written < submit->parts[i].horizon; written++)
            freeze_definition(&submit->macros.definitions[written], text);
        freeze_part(submit, &submit->parts[i], text);
    }
}

/* What a line of a frozen text says behind "$WORD(". */
struct frozen_line {
    const char *open;
    const char *name; /* between the parentheses */
    bool has_value;   /* '= "value"' behind them */
    struct buffer value;
};

static int read_frozen_line(struct submit_reader *reader, struct slice line,
                            struct frozen_line *frozen)
{
    const char *open = memchr(line.data, '(', line.length);
    const char *close = memchr(open, ')', line.length - (size_t)(open - line.data));
    struct slice rest;

    if (!close)
        return reader_error(reader, line.data, -EINVAL, "this parenthesis is never closed");
    frozen->open = open + 1;
    frozen->name =
        arena_copy(&reader->submit->arena, (struct slice){open + 1, (size_t)(close - open) - 1});
    rest = slice_trim(text_behind(line, (size_t)(close + 1 - line.data)));
    frozen->has_value = rest.length > 0;
    if (rest.length > 0 &&
        (rest.data[0] != '=' ||
         frozen_text_parse(slice_trim(text_behind(rest, 1)), &frozen->value) < 0))
        return reader_error(reader, rest.data, -EINVAL, "here '= \"value\"' is missing");
    return 0;
}

/* "$ENV(NAME) = "value""; "$ENV(NAME)": not set; "$ENV()": those were all. */
static int set_frozen_environment(struct submit_reader *reader, const struct frozen_line *frozen)
{
    struct macros *macros = &reader->submit->macros;

    /* From here on, what is not in the list is not set; nobody is asked. */
    if (*frozen->name == '\0')
        macros->environment_is_complete = true;
    else if (!frozen->has_value)
        macros_set_environment(macros, frozen->name, NULL);
    else if (!environment_name_is_valid(slice_from_text(frozen->name)))
        return reader_error(reader, frozen->open, -EINVAL,
                            "here the name of an environment variable is missing");
    else
        macros_set_environment(macros, frozen->name, buffer_text(&frozen->value));
    return 0;
}

/* "$AUTO(NAME) = "value"": what stands in a frozen text is used there. */
static int set_frozen_automatic(struct submit_reader *reader, const struct frozen_line *frozen)
{
    struct macros *macros = &reader->submit->macros;
    struct slice name = slice_from_text(frozen->name);
    uint32_t symbol;

    if (!macro_name_is_valid(name))
        return reader_error(reader, frozen->open, -EINVAL, "here the name of a macro is missing");
    macros_set_automatic(macros, name, buffer_text(&frozen->value));
    symbol = macros_symbol(macros, name);
    macros->symbols[symbol].automatic_is_used = true;
    return 0;
}

static int set_frozen_seed(struct submit_reader *reader, const struct frozen_line *frozen)
{
    struct macros *macros = &reader->submit->macros;

    if (number_parse_u64(slice_from_text(frozen->name), &macros->seed) < 0)
        return reader_error(reader, frozen->open, -EINVAL, "here a number is missing");
    macros->draws = true;
    return 0;
}

int frozen_read_line(struct submit_reader *reader, struct slice line)
{
    static const struct {
        const char *word;
        int (*set)(struct submit_reader *reader, const struct frozen_line *frozen);
    } kinds[] = {
        {"$ENV(", set_frozen_environment},
        {"$AUTO(", set_frozen_automatic},
        {"$SEED(", set_frozen_seed},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        struct frozen_line frozen = {0};
        int r;

        if (!text_begins(line, kinds[i].word))
            continue;
        r = read_frozen_line(reader, line, &frozen);
        if (r == 0)
            r = kinds[i].set(reader, &frozen);
        buffer_deinit(&frozen.value);
        return r;
    }
    return 1;
}
