/* SPDX-License-Identifier: Apache-2.0 */
/* Small things about slices that every reader of the language needs. */
#pragma once

#include "base/buffer.h"

#include <string.h>

/* ASCII's white space, whatever the locale says. */
static inline bool text_is_space(char character)
{
    return character == ' ' || (character >= '\t' && character <= '\r');
}

/* ASCII's letters and digits. */
static inline bool text_is_digit(char character)
{
    return character >= '0' && character <= '9';
}

static inline char text_lower(char character)
{
    return character >= 'A' && character <= 'Z' ? (char)(character - 'A' + 'a') : character;
}

static inline char text_upper(char character)
{
    return character >= 'a' && character <= 'z' ? (char)(character - 'a' + 'A') : character;
}

static inline bool text_is_letter(char character)
{
    return text_lower(character) >= 'a' && text_lower(character) <= 'z';
}

/* What names are made of: letters, digits and '_'. */
static inline bool text_is_of_name(char character)
{
    return text_is_letter(character) || text_is_digit(character) || character == '_';
}

/* What stands behind the first `count` bytes. */
static inline struct slice text_behind(struct slice text, size_t count)
{
    return (struct slice){.data = text.data + count, .length = text.length - count};
}

/* Whether the text begins with `prefix`; case is ignored. */
static inline bool text_begins(struct slice text, const char *prefix)
{
    size_t length = strlen(prefix);

    return text.length >= length &&
           slice_equals_ignoring_case((struct slice){text.data, length}, prefix);
}

/* Takes exactly `count` digits, nine at most, off the front of *text, or nothing. */
static inline bool text_take_digits(struct slice *text, size_t count, int *ret_number)
{
    int number = 0;

    if (text->length < count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!text_is_digit(text->data[i]))
            return false;
        number = number * 10 + (text->data[i] - '0');
    }
    *text = text_behind(*text, count);
    *ret_number = number;
    return true;
}

/* Takes what stands before the next `separator`, and that itself, off the front of *text. */
static inline struct slice text_take(struct slice *text, char separator)
{
    const char *end = text->length > 0 ? memchr(text->data, separator, text->length) : NULL;
    struct slice taken = {text->data, end ? (size_t)(end - text->data) : text->length};

    *text = text_behind(*text, taken.length + (end ? 1 : 0));
    return taken;
}

/* Takes the next word off the front of *text: up to white space, or one of `stops`. */
static inline struct slice text_take_word(struct slice *text, const char *stops)
{
    struct slice word = {0};

    *text = slice_trim(*text);
    word.data = text->data;
    while (word.length < text->length && !text_is_space(word.data[word.length]) &&
           !strchr(stops, word.data[word.length]))
        word.length++;
    *text = text_behind(*text, word.length);
    return word;
}

/*
 * Takes the next item off the front of *text: what stands up to one of the `separators`, without
 * white space around it. Passes over those that are empty; returns false if there is none.
 */
static inline bool text_take_item(struct slice *text, const char *separators,
                                  struct slice *ret_item)
{
    struct slice item = {0};

    while (text->length > 0 && item.length == 0) {
        item.data = text->data;
        while (item.length < text->length && !strchr(separators, item.data[item.length]))
            item.length++;
        *text = text_behind(*text, item.length + (item.length < text->length ? 1 : 0));
        item = slice_trim(item);
    }
    if (item.length > 0)
        *ret_item = item;
    return item.length > 0;
}

/* As strcmp(3), but ASCII's capitals count as small letters. Ends at the first difference. */
static inline int text_compare_ignoring_case(const char *a, const char *b)
{
    for (;; a++, b++) {
        int left = text_lower(*a), right = text_lower(*b);

        if (left != right || left == '\0')
            return left - right;
    }
}
