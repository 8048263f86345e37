/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See arguments.h. What is split is never longer than what was read, so each argument is written
 * into a piece of memory as long as the rest of the text.
 *
 * Both ways to write arguments come from HTCondor, and submit files that are twenty years old use
 * either. So they are read to the letter, also where one would do it otherwise today, and where
 * HTCondor itself refuses, the message says which of the two was taken for meant.
 */
#include "arguments.h"

#include "references.h"
#include "text.h"

#include <errno.h>
#include <string.h>

bool arguments_are_quoted(struct slice text)
{
    text = slice_trim(text);
    return text.length > 0 && text.data[0] == '"';
}

static int fail(const char *message, const char **ret_message)
{
    *ret_message = message;
    return -EINVAL;
}

/* Takes the double quotes off: from `text` to `raw`, which has room for it. */
static int unquote(struct slice text, char *raw, size_t *ret_length, const char **ret_message)
{
    size_t at = 1, length = 0;

    text = slice_trim(text);
    /* Behind the opening quote; the loop ends at the closing one, or where it should have been. */
    for (;; at++) {
        if (at == text.length)
            return fail("the double quote at the start is never closed", ret_message);
        if (text.data[at] == '"') {
            if (at + 1 == text.length)
                break;
            if (text.data[++at] != '"')
                return fail("behind the closing double quote there is more; inside, a double "
                            "quote is written twice",
                            ret_message);
        }
        raw[length++] = text.data[at];
    }
    *ret_length = length;
    return 0;
}

/* Reads a group in single quotes at *at; returns false if it is never closed. */
static bool read_group(struct slice text, size_t *at, char *word, size_t *length)
{
    for (++*at; *at < text.length; ++*at) {
        if (text.data[*at] == '\'') {
            /* Two of them are one of the argument's own, and the group goes on. */
            if (*at + 1 == text.length || text.data[*at + 1] != '\'') {
                ++*at;
                return true;
            }
            ++*at;
        }
        word[(*length)++] = text.data[*at];
    }
    return false;
}

/* Copies the reference at *at as it is, if there is one. */
static bool copy_reference(struct slice text, struct reference_horizon *horizon, size_t *at,
                           char *word, size_t *length)
{
    size_t size = references_measure(text_behind(text, *at), horizon);

    memcpy(word + *length, text.data + *at, size);
    *at += size;
    *length += size;
    return size > 0;
}

/*
 * White space separates outside of groups; a group may stand anywhere within an argument. Without a
 * horizon, references are text like any other.
 */
static int split_raw(struct slice text, struct reference_horizon *horizon, struct arena *arena,
                     struct list *list, const char **ret_message)
{
    char *word = arena_allocate(arena, text.length + 1, 1);
    size_t at = 0;

    while (at < text.length) {
        size_t length = 0;

        if (text_is_space(text.data[at])) {
            at++;
            continue;
        }
        while (at < text.length && !text_is_space(text.data[at])) {
            if (horizon && text.data[at] == '$' &&
                copy_reference(text, horizon, &at, word, &length))
                continue;
            if (text.data[at] != '\'')
                word[length++] = text.data[at++];
            else if (!read_group(text, &at, word, &length))
                return fail("a single quote is never closed; inside a group it is written twice",
                            ret_message);
        }
        word[length] = '\0';
        list_add(list, word);
        word += length + 1;
    }
    return 0;
}

int arguments_split_raw(struct slice text, struct arena *arena, struct list *list,
                        const char **ret_message)
{
    return split_raw(text, NULL, arena, list, ret_message);
}

static int split_quoted(struct slice text, struct reference_horizon *horizon, struct arena *arena,
                        struct list *list, const char **ret_message)
{
    char *raw = arena_allocate(arena, text.length, 1);
    size_t length;
    int r;

    /* In two steps, because a doubled double quote may stand within single quotes and without. */
    r = unquote(text, raw, &length, ret_message);
    if (r < 0)
        return r;
    return split_raw((struct slice){.data = raw, .length = length}, horizon, arena, list,
                     ret_message);
}

int arguments_split_environment(struct slice text, bool is_quoted, struct arena *arena,
                                struct list *list, const char **ret_message)
{
    struct reference_horizon horizon = {0};

    return is_quoted ? split_quoted(text, &horizon, arena, list, ret_message)
                     : split_raw(text, &horizon, arena, list, ret_message);
}

/* Single quotes have no meaning here, and a backslash has one only before a quote. */
static int split_old(struct slice text, struct arena *arena, struct list *list,
                     const char **ret_message)
{
    char *word = arena_allocate(arena, text.length + 1, 1);
    size_t at = 0;

    while (at < text.length) {
        size_t length = 0;

        for (; at < text.length && !text_is_space(text.data[at]); at++) {
            if (text.data[at] == '\\' && at + 1 < text.length && text.data[at + 1] == '"')
                at++;
            else if (text.data[at] == '"')
                return fail("a double quote within the arguments; write \\\" for the character, "
                            "or put all of the arguments in double quotes",
                            ret_message);
            word[length++] = text.data[at];
        }
        /* An empty argument cannot be written in this syntax. */
        if (length > 0) {
            word[length] = '\0';
            list_add(list, word);
            word += length + 1;
        }
        at++;
    }
    return 0;
}

int arguments_split(struct slice text, struct arena *arena, struct list *list,
                    const char **ret_message)
{
    if (arguments_are_quoted(text))
        return split_quoted(text, NULL, arena, list, ret_message);
    return split_old(text, arena, list, ret_message);
}

bool arguments_need_quotes(struct slice argument)
{
    for (size_t i = 0; i < argument.length; i++)
        if (text_is_space(argument.data[i]) || argument.data[i] == '\'')
            return true;
    return argument.length == 0;
}

void arguments_append_raw(struct slice argument, struct buffer *text)
{
    if (!arguments_need_quotes(argument)) {
        buffer_append_slice(text, argument);
        return;
    }
    buffer_append_character(text, '\'');
    for (size_t i = 0; i < argument.length; i++) {
        if (argument.data[i] == '\'')
            buffer_append_character(text, '\'');
        buffer_append_character(text, argument.data[i]);
    }
    buffer_append_character(text, '\'');
}
