/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See expression.h. A text is walked token by token, with just enough tokens for the questions that
 * are asked: names, strings, quoted names, and everything else one character at a time.
 */
#include "expression.h"

#include "text.h"

#include "base/number.h"

#include <string.h>

void expression_append_quoted(struct buffer *text, struct slice value)
{
    while (value.length > 0) {
        struct slice plain = text_take(&value, '"');
        bool has_quote = plain.data + plain.length < value.data;

        buffer_append_slice(text, plain);
        if (has_quote)
            buffer_append_text(text, "\\\"");
    }
}

void expression_append_string(struct buffer *text, struct slice value)
{
    buffer_append_character(text, '"');
    expression_append_quoted(text, value);
    buffer_append_character(text, '"');
}

/* The length of what a quote encloses, with both; or of all the rest if it is never closed. */
static size_t quoted_length(struct slice text)
{
    size_t at = 1;

    for (; at < text.length && text.data[at] != text.data[0]; at++)
        if (text.data[at] == '\\' && at + 1 < text.length && text.data[at + 1] == text.data[0])
            at++;
    return at < text.length ? at + 1 : text.length;
}

/* Takes the next token off the front of *text, and white space before it; empty at the end. */
static struct slice take_token(struct slice *text)
{
    struct slice token;

    while (text->length > 0 && text_is_space(*text->data))
        *text = text_behind(*text, 1);
    token = (struct slice){text->data, text->length > 0 ? 1 : 0};
    if (token.length > 0 && (*token.data == '"' || *token.data == '\''))
        token.length = quoted_length(*text);
    else if (token.length > 0 && text_is_of_name(*token.data))
        while (token.length < text->length && text_is_of_name(token.data[token.length]))
            token.length++;
    *text = text_behind(*text, token.length);
    return token;
}

/* A sign before a number is an operator to the language, and part of it to everybody who reads it.
 */
enum expression_kind expression_classify(struct slice text)
{
    struct slice rest, number;
    double value;

    text = slice_trim(text);
    if (text.length == 0)
        return EXPRESSION_OTHER;
    if (*text.data == '"')
        return quoted_length(text) == text.length && text.data[text.length - 1] == '"' &&
                       text.length > 1
                   ? EXPRESSION_STRING
                   : EXPRESSION_OTHER;
    if (slice_equals_ignoring_case(text, "true") || slice_equals_ignoring_case(text, "false"))
        return EXPRESSION_BOOLEAN;
    if (slice_equals_ignoring_case(text, "undefined"))
        return EXPRESSION_UNDEFINED;
    rest = text;
    number = *text.data == '-' ? text_behind(text, 1) : text;
    if (number.length == 0 || !text_is_digit(*number.data) || number_parse_double(rest, &value) < 0)
        return EXPRESSION_OTHER;
    return EXPRESSION_NUMBER;
}

double expression_number(struct slice text)
{
    double value = 0;

    (void)number_parse_double(slice_trim(text), &value);
    return value;
}

/* A backslash before the closing quote is one of the text. */
void expression_unquote(struct slice text, struct buffer *value)
{
    text = slice_trim(text);
    for (size_t i = 1; i + 1 < text.length; i++) {
        if (text.data[i] == '\\' && text.data[i + 1] == '"' && i + 2 < text.length)
            i++;
        buffer_append_character(value, text.data[i]);
    }
}

/* The name in a token, without the quotes of 'NAME'. */
static struct slice token_name(struct slice token)
{
    if (token.length > 2 && *token.data == '\'')
        return (struct slice){token.data + 1, token.length - 2};
    return token;
}

/* A name with a parenthesis behind it is a function. */
bool expression_mentions(struct slice text, const char *name)
{
    /* What stands two tokens before: the scope, if a '.' is between. */
    struct slice scope = {0}, before = {0}, token;

    while ((token = take_token(&text)).length > 0) {
        bool is_member = slice_equals(before, ".");
        struct slice rest = text;

        if (slice_equals_ignoring_case(token_name(token), name) && *token.data != '"' &&
            (!is_member || slice_equals_ignoring_case(scope, "target")) &&
            !slice_equals(take_token(&rest), "("))
            return true;
        scope = before;
        before = token;
    }
    return false;
}

/* Of what stands outside of parentheses; =?= is the other operator with a '?' in it. */
static bool has_operator(struct slice text, bool is_or_wanted)
{
    struct slice before = {0}, token;
    size_t depth = 0;

    while ((token = take_token(&text)).length > 0) {
        if (strchr("([{", *token.data))
            depth++;
        else if (strchr(")]}", *token.data) && depth > 0)
            depth--;
        else if (depth == 0 && *token.data == '?' && !slice_equals(before, "="))
            return true;
        else if (depth == 0 && is_or_wanted && *token.data == '|' && slice_equals(before, "|"))
            return true;
        before = token;
    }
    return false;
}

bool expression_binds_weaker_than_or(struct slice text)
{
    return has_operator(text, false);
}

bool expression_binds_weaker_than_and(struct slice text)
{
    return has_operator(text, true);
}
