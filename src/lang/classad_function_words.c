/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions on lists in a string, as "a, b c": words with any number of delimiters between them,
 * which are comma and space unless the last argument says otherwise. White space around a word is
 * no part of it.
 */
#include "classad_internal.h"

#include "base/number.h"

struct delimiters {
    bool has[UINT8_MAX + 1]; /* by character */
};

struct words {
    struct slice rest;
    const struct delimiters *delimiters;
};

static bool is_delimiter(const struct words *words, char character)
{
    return words->delimiters->has[(uint8_t)character];
}

static bool words_next(struct words *words, struct slice *ret_word)
{
    while (words->rest.length > 0) {
        size_t length = 0;
        struct slice word;

        while (length < words->rest.length && !is_delimiter(words, words->rest.data[length]))
            length++;
        word = slice_trim((struct slice){words->rest.data, length});
        words->rest = text_behind(words->rest, length + (length < words->rest.length));
        if (word.length > 0) {
            *ret_word = word;
            return true;
        }
    }
    return false;
}

static bool words_hold(struct words words, struct slice word, bool ignore_case)
{
    struct slice other;

    while (words_next(&words, &other))
        if (other.length == word.length && text_order(other, word, ignore_case) == 0)
            return true;
    return false;
}

/* The delimiters from argument `index` if it is there; false if that is no string. */
static bool take_delimiters(struct call *call, uint32_t index, struct delimiters *ret_delimiters)
{
    struct slice text = slice_from_text(", ");
    struct classad_value argument;

    *ret_delimiters = (struct delimiters){0};
    if (call->count > index) {
        argument = call_argument(call, index);
        if (argument.type != CLASSAD_STRING)
            return false;
        text = value_text(&argument);
    }
    for (size_t i = 0; i < text.length; i++)
        ret_delimiters->has[(uint8_t)text.data[i]] = true;
    return true;
}

struct classad_value classad_function_words_size(struct call *call)
{
    struct classad_value text = call_argument(call, 0);
    struct delimiters delimiters;
    struct slice word;
    struct words words;
    int64_t count = 0;

    if (!take_delimiters(call, 1, &delimiters) || text.type != CLASSAD_STRING)
        return VALUE_ERROR;
    words = (struct words){value_text(&text), &delimiters};
    while (words_next(&words, &word))
        count++;
    return value_integer(count);
}

/* A word as a number; ERROR if it is none. */
static struct classad_value word_value(struct slice word)
{
    int64_t integer;
    double real;

    if (number_parse_i64(word, &integer) == 0)
        return value_integer(integer);
    return number_parse_double(word, &real) == 0 ? value_real(real) : VALUE_ERROR;
}

static struct classad_value combine(char variant, const struct classad_value *total,
                                    const struct classad_value *number)
{
    struct classad_value better;

    if (total->type == CLASSAD_UNDEFINED)
        return *number;
    if (variant == 's' || variant == 'a')
        return classad_operate(OPERATOR_ADD, total, number);
    better = classad_operate(variant == '<' ? OPERATOR_LESS : OPERATOR_GREATER, number, total);
    return better.boolean ? *number : *total;
}

/* Sum, average, minimum and maximum; a real if one of the words is one. */
struct classad_value classad_function_words_sum(struct call *call)
{
    char variant = (char)call->variant;
    struct classad_value text = call_argument(call, 0), total = VALUE_UNDEFINED, count_value;
    struct delimiters delimiters;
    struct slice word;
    struct words words;
    bool real = variant == 'a';
    int64_t count = 0;

    if (!take_delimiters(call, 1, &delimiters) || text.type != CLASSAD_STRING)
        return VALUE_ERROR;
    for (words = (struct words){value_text(&text), &delimiters}; words_next(&words, &word);
         count++) {
        struct classad_value number = word_value(word);

        if (number.type == CLASSAD_ERROR)
            return number;
        real = real || number.type == CLASSAD_REAL;
        total = combine(variant, &total, &number);
    }
    if (count == 0)
        return variant == 'a' ? value_real(0) : variant == 's' ? value_integer(0) : total;
    if (real)
        total = value_to_real(call->evaluation, &total);
    count_value = value_integer(count);
    return variant == 'a' ? classad_operate(OPERATOR_DIVIDE, &total, &count_value) : total;
}

struct classad_value classad_function_words_member(struct call *call)
{
    struct classad_value word = call_argument(call, 0), text = call_argument(call, 1);
    struct delimiters delimiters;
    bool known = take_delimiters(call, 2, &delimiters);

    if (word.type == CLASSAD_UNDEFINED || text.type == CLASSAD_UNDEFINED)
        return VALUE_UNDEFINED;
    if (!known || word.type != CLASSAD_STRING || text.type != CLASSAD_STRING)
        return VALUE_ERROR;
    return value_boolean(words_hold((struct words){value_text(&text), &delimiters},
                                    value_text(&word), call->variant == 1));
}

/* Whether some word of the first is in the second, or, without `held`, is not in it. */
static struct classad_value some_word(struct call *call, struct classad_value first,
                                      struct classad_value second,
                                      const struct delimiters *delimiters, bool held)
{
    struct words words = {value_text(&first), delimiters};
    struct words others = {value_text(&second), delimiters};
    struct slice word;

    while (words_next(&words, &word)) {
        if (!evaluation_spend(call->evaluation, second.length))
            return VALUE_ERROR;
        if (words_hold(others, word, call->variant == 1) == held)
            return value_boolean(true);
    }
    return value_boolean(false);
}

/* Whether all words of the first are in the second; an UNDEFINED list is an empty one. */
struct classad_value classad_function_words_subset(struct call *call)
{
    struct classad_value first = call_argument(call, 0), second = call_argument(call, 1);
    struct classad_value missing;
    struct delimiters delimiters;

    if (!take_delimiters(call, 2, &delimiters) ||
        (first.type != CLASSAD_STRING && first.type != CLASSAD_UNDEFINED) ||
        (second.type != CLASSAD_STRING && second.type != CLASSAD_UNDEFINED))
        return VALUE_ERROR;
    if (first.type == CLASSAD_UNDEFINED)
        return second.type == CLASSAD_UNDEFINED ? second : value_boolean(true);
    if (second.type == CLASSAD_UNDEFINED)
        return value_boolean(false);
    missing = some_word(call, first, second, &delimiters, false);
    return missing.type == CLASSAD_BOOLEAN ? value_boolean(!missing.boolean) : missing;
}

struct classad_value classad_function_words_intersect(struct call *call)
{
    struct classad_value first = call_argument(call, 0), second = call_argument(call, 1);
    struct delimiters delimiters;
    bool known = take_delimiters(call, 2, &delimiters);

    if (first.type == CLASSAD_UNDEFINED || second.type == CLASSAD_UNDEFINED)
        return VALUE_UNDEFINED;
    if (!known || first.type != CLASSAD_STRING || second.type != CLASSAD_STRING)
        return VALUE_ERROR;
    return some_word(call, first, second, &delimiters, true);
}

/* stringList_regexpMember(pattern, list[, delimiters[, options]]); UNDEFINED for an empty list. */
struct classad_value classad_function_regexp_words(struct call *call)
{
    struct classad_value pattern = call_argument(call, 0), text = call_argument(call, 1);
    struct classad_value options =
        call->count > 3 ? call_argument(call, 3) : value_string((struct slice){"", 0});
    struct classad_value result = VALUE_UNDEFINED;
    struct delimiters delimiters;
    struct slice word;
    struct words words;

    if (!take_delimiters(call, 2, &delimiters) || pattern.type != CLASSAD_STRING ||
        text.type != CLASSAD_STRING || options.type != CLASSAD_STRING)
        return VALUE_ERROR;
    words = (struct words){value_text(&text), &delimiters};
    while (words_next(&words, &word)) {
        result = regexp_match(call, &pattern, &options, word);
        if (result.type != CLASSAD_BOOLEAN || result.boolean)
            return result;
    }
    return result;
}
