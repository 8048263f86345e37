/* SPDX-License-Identifier: Apache-2.0 */
/* Functions on strings. What is no string becomes one, as string() makes it, where HTCondor does
 * so. */
#include "classad_internal.h"

#include "arguments.h"
#include "environment.h"

static struct slice buffer_slice(const struct buffer *text)
{
    return (struct slice){buffer_text(text), text->length};
}

/* Appends an argument's text; false if that makes the whole UNDEFINED or ERROR (in *ret_value). */
static bool append_text(struct evaluation *evaluation, const struct classad_value *value,
                        struct buffer *text, struct classad_value *ret_value)
{
    *ret_value = value_to_string(evaluation, value);
    if (ret_value->type != CLASSAD_STRING)
        return false;
    if (text->length + ret_value->length > CLASSAD_VALUE_SIZE_MAX) {
        *ret_value = VALUE_ERROR;
        return false;
    }
    buffer_append_slice(text, value_text(ret_value));
    return true;
}

struct classad_value classad_function_concatenate(struct call *call)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    for (uint32_t i = 0; i < call->count; i++) {
        struct classad_value argument = call_argument(call, i), wrong;

        if (!append_text(call->evaluation, &argument, &text, &wrong))
            return wrong;
    }
    return evaluation_string(call->evaluation, buffer_slice(&text));
}

/* One more part with the separator in front; UNDEFINED ones are passed over. */
static bool join_part(struct call *call, const struct classad_value *part, struct slice separator,
                      bool *first, struct buffer *text, struct classad_value *ret_wrong)
{
    if (part->type == CLASSAD_UNDEFINED)
        return true;
    if (!*first)
        buffer_append_slice(text, separator);
    *first = false;
    return append_text(call->evaluation, part, text, ret_wrong);
}

static struct classad_value join_list(struct call *call, struct slice separator,
                                      const struct classad_value *list)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    struct list_walk walk = list_walk_begin(call->evaluation, list);
    struct classad_value element, wrong;
    bool first = true;

    while (list_walk_next(&walk, &element))
        if (!join_part(call, &element, separator, &first, &text, &wrong))
            return wrong;
    return evaluation_string(call->evaluation, buffer_slice(&text));
}

/* join(separator, a, b, ...), join(separator, list) and join(list). */
struct classad_value classad_function_join(struct call *call)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    struct classad_value argument = call_argument(call, 0), separator, wrong;
    bool first = true;

    if (call->count == 1 && argument.type == CLASSAD_LIST)
        return join_list(call, (struct slice){"", 0}, &argument);
    separator = value_to_string(call->evaluation, &argument);
    if (separator.type != CLASSAD_STRING)
        return separator;
    for (uint32_t i = 1; i < call->count; i++) {
        argument = call_argument(call, i);
        if (call->count == 2 && argument.type == CLASSAD_LIST)
            return join_list(call, value_text(&separator), &argument);
        if (!join_part(call, &argument, value_text(&separator), &first, &text, &wrong))
            return wrong;
    }
    return evaluation_string(call->evaluation, buffer_slice(&text));
}

struct classad_value classad_function_change_case(struct call *call)
{
    struct classad_value argument = call_argument(call, 0);
    struct classad_value text = value_to_string(call->evaluation, &argument);
    char *copy;

    if (text.type != CLASSAD_STRING)
        return text;
    text = evaluation_string(call->evaluation, value_text(&text));
    if (text.type != CLASSAD_STRING)
        return text;
    copy = (char *)text.string;
    for (size_t i = 0; i < text.length; i++)
        copy[i] = call->variant == 'A' ? text_upper(copy[i]) : text_lower(copy[i]);
    return text;
}

/* As in Perl: a negative offset and a negative length count from the end. */
static struct slice cut(struct slice text, int64_t offset, bool has_length, int64_t length)
{
    int64_t size = (int64_t)text.length;

    if (offset < 0)
        offset = offset < -size ? 0 : size + offset;
    if (offset > size)
        offset = size;
    if (!has_length || length > size - offset)
        length = size - offset;
    else if (length < 0)
        length = length < offset - size ? 0 : size - offset + length;
    return (struct slice){text.data + offset, (size_t)length};
}

struct classad_value classad_function_substring(struct call *call)
{
    struct classad_value text = call_argument(call, 0), offset = call_argument(call, 1);
    struct classad_value length = call->count > 2 ? call_argument(call, 2) : value_integer(0);

    if (text.type == CLASSAD_UNDEFINED || offset.type == CLASSAD_UNDEFINED ||
        length.type == CLASSAD_UNDEFINED)
        return VALUE_UNDEFINED;
    if (text.type != CLASSAD_STRING || offset.type != CLASSAD_INTEGER ||
        length.type != CLASSAD_INTEGER)
        return VALUE_ERROR;
    return value_string(cut(value_text(&text), offset.integer, call->count > 2, length.integer));
}

/* Two arguments as strings; false with what the whole is then. */
static bool two_texts(struct call *call, struct classad_value texts[2],
                      struct classad_value *ret_value)
{
    *ret_value = VALUE_ERROR;
    for (uint32_t i = 0; i < 2; i++) {
        texts[i] = call_argument(call, i);
        if (texts[i].type == CLASSAD_UNDEFINED)
            *ret_value = VALUE_UNDEFINED;
        texts[i] = value_to_string(call->evaluation, &texts[i]);
    }
    return texts[0].type == CLASSAD_STRING && texts[1].type == CLASSAD_STRING;
}

struct classad_value classad_function_compare_text(struct call *call)
{
    struct classad_value texts[2], wrong;

    if (!two_texts(call, texts, &wrong))
        return wrong;
    return value_integer(
        text_order(value_text(&texts[0]), value_text(&texts[1]), call->variant == 1));
}

static bool is_digit_at(struct slice text, size_t at)
{
    return at < text.length && text_is_digit(text.data[at]);
}

static int byte_at(struct slice text, size_t at)
{
    return at < text.length ? (uint8_t)text.data[at] : 0;
}

/* How many zeros lead the number at `at`; a last one that is the number itself does not lead. */
static size_t leading_zeros(struct slice text, size_t at)
{
    size_t end = at;

    while (byte_at(text, end) == '0')
        end++;
    return end > at && !is_digit_at(text, end) ? end - at - 1 : end - at;
}

static size_t digits_from(struct slice text, size_t at)
{
    size_t end = at;

    while (is_digit_at(text, end))
        end++;
    return end - at;
}

/*
 * As strverscmp(3): by bytes, but where the first difference lies in a number, by that; a number
 * with more leading zeros is the smaller one. Less than, equal to or greater than 0.
 */
static int64_t version_order(struct slice left, struct slice right)
{
    size_t at = 0, start;
    size_t left_zeros, right_zeros;

    while (at < left.length && at < right.length && left.data[at] == right.data[at])
        at++;
    if (at == left.length && at == right.length)
        return 0;
    for (start = at; start > 0 && is_digit_at(left, start - 1); start--)
        continue;
    if (start == at && (!is_digit_at(left, at) || !is_digit_at(right, at)))
        return byte_at(left, at) - byte_at(right, at);
    left_zeros = leading_zeros(left, start);
    right_zeros = leading_zeros(right, start);
    if (left_zeros != right_zeros)
        return (int64_t)right_zeros - (int64_t)left_zeros;
    if (left_zeros == 0 && digits_from(left, start) != digits_from(right, start))
        return (int64_t)digits_from(left, start) - (int64_t)digits_from(right, start);
    return byte_at(left, at) - byte_at(right, at);
}

struct classad_value classad_function_compare_version(struct call *call)
{
    struct classad_value texts[2], wrong, order, zero = value_integer(0);

    if (!two_texts(call, texts, &wrong))
        return wrong;
    order = value_integer(version_order(value_text(&texts[0]), value_text(&texts[1])));
    if (call->variant < 0)
        return order;
    return classad_operate((enum classad_operator)call->variant, &order, &zero);
}

struct classad_value classad_function_version_in_range(struct call *call)
{
    struct classad_value texts[3];
    bool undefined = false;

    for (uint32_t i = 0; i < 3; i++) {
        texts[i] = call_argument(call, i);
        undefined = undefined || (i > 0 && texts[i].type == CLASSAD_UNDEFINED);
        texts[i] = value_to_string(call->evaluation, &texts[i]);
    }
    if (undefined)
        return VALUE_UNDEFINED;
    for (int i = 0; i < 3; i++)
        if (texts[i].type != CLASSAD_STRING)
            return VALUE_ERROR;
    return value_boolean(version_order(value_text(&texts[1]), value_text(&texts[0])) <= 0 &&
                         version_order(value_text(&texts[0]), value_text(&texts[2])) <= 0);
}

static bool is_one_of(char character, struct slice characters)
{
    return characters.length > 0 && memchr(characters.data, character, characters.length);
}

/*
 * Splits at any of the separators. White space around another separator is a part of it, but two
 * of the others beside each other have an empty text between them.
 */
static struct classad_value split(struct evaluation *evaluation, struct slice text,
                                  struct slice separators)
{
    struct list_builder builder = {.evaluation = evaluation};
    size_t start = 0;
    char before = ' ';

    for (size_t i = 0; i < text.length; i++) {
        bool space = text_is_space(text.data[i]);

        if (!is_one_of(text.data[i], separators))
            continue;
        if (i > start)
            list_builder_add(&builder, value_string((struct slice){text.data + start, i - start}));
        else if (!text_is_space(before) && before == text.data[i])
            list_builder_add(&builder, value_string((struct slice){"", 0}));
        if (!space)
            before = text.data[i];
        start = i + 1;
    }
    if (text.length > start)
        list_builder_add(&builder, value_string(text_behind(text, start)));
    return list_builder_finish(&builder);
}

struct classad_value classad_function_split(struct call *call)
{
    struct classad_value text = call_argument(call, 0);
    struct classad_value separators =
        call->count > 1 ? call_argument(call, 1) : value_string(slice_from_text(", \t"));

    if (text.type != CLASSAD_STRING || separators.type != CLASSAD_STRING)
        return VALUE_ERROR;
    return split(call->evaluation, value_text(&text), value_text(&separators));
}

/* user@domain, or slot@machine, whose first half is the one that may be missing. */
struct classad_value classad_function_split_at(struct call *call)
{
    struct classad_value text = call_argument(call, 0);
    struct list_builder builder = {.evaluation = call->evaluation};
    struct slice empty = {"", 0}, first, rest;
    bool found;

    if (text.type != CLASSAD_STRING)
        return VALUE_ERROR;
    rest = value_text(&text);
    found = rest.length > 0 && memchr(rest.data, '@', rest.length);
    first = text_take(&rest, '@');
    if (!found) {
        rest = call->variant == 1 ? first : empty;
        first = call->variant == 1 ? empty : first;
    }
    list_builder_add(&builder, value_string(first));
    list_builder_add(&builder, value_string(rest));
    return list_builder_finish(&builder);
}

/* The version of the syntax that the second argument asks for: 1 or 2; 0 if it is none. */
static int64_t syntax_version(struct call *call)
{
    struct classad_value version = call->count > 1 ? call_argument(call, 1) : value_integer(2);

    return version.type == CLASSAD_INTEGER && (version.integer == 1 || version.integer == 2)
               ? version.integer
               : 0;
}

/*
 * The parts of a text are charged before it is split: each is copied, aligned, and variables are
 * looked for among all that came before.
 */
static bool spend_on_parts(struct evaluation *evaluation, struct slice text)
{
    size_t bytes = (text.length + 1) * 16, rows = text.length / 64;

    if (bytes > evaluation->bytes_left || !evaluation_spend(evaluation, text.length + rows * rows))
        return false;
    evaluation->bytes_left -= bytes;
    return true;
}

static struct classad_value arguments_to_list(struct call *call, struct slice text, int64_t version)
{
    _cleanup_(list_deinit) struct list list = LIST_OF_TEXTS_INIT;
    struct list_builder builder = {.evaluation = call->evaluation};
    struct arena *arena = &call->evaluation->evaluator->arena;
    const char *message;
    int r;

    if (!spend_on_parts(call->evaluation, text))
        return VALUE_ERROR;
    list_clear(&list);
    r = version == 1 ? arguments_split(text, arena, &list, &message)
                     : arguments_split_raw(text, arena, &list, &message);
    if (r < 0)
        return VALUE_ERROR;
    for (size_t i = 0; i < list.count; i++)
        list_builder_add(&builder, value_string(slice_from_text(list.items[i])));
    return list_builder_finish(&builder);
}

static struct classad_value list_to_arguments(struct call *call, const struct classad_value *list,
                                              int64_t version)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    struct list_walk walk = list_walk_begin(call->evaluation, list);
    struct classad_value element;

    while (list_walk_next(&walk, &element)) {
        if (element.type != CLASSAD_STRING || text.length > CLASSAD_VALUE_SIZE_MAX ||
            !evaluation_spend(call->evaluation, value_text(&element).length / 16))
            return VALUE_ERROR;
        buffer_append_text(&text, walk.next > 1 ? " " : "");
        if (version == 2)
            arguments_append_raw(value_text(&element), &text);
        else if (arguments_need_quotes(value_text(&element)))
            return VALUE_ERROR;
        else
            buffer_append_slice(&text, value_text(&element));
    }
    return evaluation_string(call->evaluation, buffer_slice(&text));
}

/* argsToList() and listToArgs(). */
struct classad_value classad_function_arguments(struct call *call)
{
    struct classad_value argument = call_argument(call, 0);
    int64_t version = syntax_version(call);

    if (version == 0 || argument.type != (call->variant == 0 ? CLASSAD_STRING : CLASSAD_LIST))
        return VALUE_ERROR;
    if (call->variant == 0)
        return arguments_to_list(call, value_text(&argument), version);
    return list_to_arguments(call, &argument, version);
}

static struct classad_value environment_text(struct evaluation *evaluation,
                                             const struct list *variables)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    for (size_t i = 0; i < variables->count; i++) {
        buffer_append_text(&text, i > 0 ? " " : "");
        arguments_append_raw(slice_from_text(variables->items[i]), &text);
    }
    return evaluation_string(evaluation, buffer_slice(&text));
}

/* envV1ToV2() of one old environment, mergeEnvironment() of any number of new ones. */
struct classad_value classad_function_environment(struct call *call)
{
    _cleanup_(list_deinit) struct list variables = LIST_OF_TEXTS_INIT;
    struct arena *arena = &call->evaluation->evaluator->arena;
    const char *message;

    list_clear(&variables);
    for (uint32_t i = 0; i < call->count; i++) {
        struct classad_value argument = call_argument(call, i);
        int r;

        if (argument.type == CLASSAD_UNDEFINED && call->variant == 0)
            return argument;
        if (argument.type == CLASSAD_UNDEFINED)
            continue;
        if (argument.type != CLASSAD_STRING ||
            !spend_on_parts(call->evaluation, value_text(&argument)))
            return VALUE_ERROR;
        r = call->variant == 0
                ? environment_merge_old(value_text(&argument), arena, &variables, &message)
                : environment_merge_raw(value_text(&argument), arena, &variables, &message);
        if (r < 0)
            return VALUE_ERROR;
    }
    return environment_text(call->evaluation, &variables);
}
