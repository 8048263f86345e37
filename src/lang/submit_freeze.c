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

int frozen_text_parse(struct slice text, struct buffer *value)
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

        if (!symbol->automatic || !symbol->automatic_is_used)
            continue;
        buffer_appendf(text, "$AUTO(%s) = ", symbol->name);
        freeze_text(symbol->automatic, text);
        buffer_append_character(text, '\n');
    }
    if (macros->draws)
        buffer_appendf(text, "$SEED(%llu)\n", (unsigned long long)macros->seed);
}

/* A value that ends with a backslash would continue: one more, and an empty line, undo that. */
static void freeze_definition(const struct definition *definition, struct buffer *text)
{
    struct slice value = definition->value;

    buffer_append_slice(text, definition->name);
    buffer_append_text(text, value.length > 0 ? " = " : " =");
    buffer_append_slice(text, value);
    if (value.length > 0 && value.data[value.length - 1] == '\\')
        buffer_append_text(text, "\\\n");
    buffer_append_character(text, '\n');
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
