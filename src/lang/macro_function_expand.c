/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See macro_internal.h: the values of functions, for one task. As in HTCondor, an argument is
 * looked up as a macro, and only then is it what it says; but where a macro is what makes sense, a
 * name that is defined nowhere is an error, as it is in $(NAME).
 */
#include "classad.h"
#include "macro_internal.h"
#include "text.h"

#include "base/memory.h"
#include "base/random.h"

#include <errno.h>
#include <string.h>

/*
 * What evaluating an expression counts as. One with ads or eval() in it can be short and do much,
 * up to CLASSAD_STEP_COUNT_MAX.
 */
enum { EXPRESSION_STEPS = 100, LARGE_EXPRESSION_STEPS = 100 * 1000 };

/* One function being computed. */
struct call {
    struct expansion *expansion;
    const struct segment *segment;
    const struct macro_function *function;
    struct error *err;
};

static struct slice whole(const struct buffer *text)
{
    return slice_trim((struct slice){buffer_text(text), text->length});
}

static bool must_be_macro(const struct call *call, const struct macro_argument *argument)
{
    const struct macros *macros = call->expansion->macros;
    const struct symbol *symbol = &macros->symbols[argument->name->index];

    /* In $Fn(data.txt), a file is meant: hardly any macro has a '.' in its name. */
    if (call->function->kind == FUNCTION_FILE_NAME && strchr(symbol->name, '.'))
        return false;
    /* The task's own numbers, where there is no task: HTCondor would take the word "Process". */
    if (symbol->builtin != BUILTIN_NONE)
        return true;
    return !macros->allow_undefined && !call->expansion->allow_undefined;
}

/* Appends what an argument stands for. */
static int append_argument(const struct call *call, const struct macro_argument *argument,
                           struct buffer *text)
{
    if (argument->name) {
        struct meaning meaning = expansion_find(call->expansion, argument->name);

        if (meaning.kind != MEANING_NOTHING || must_be_macro(call, argument))
            return expansion_append(call->expansion, argument->name, meaning, text, call->err);
    }
    return macros_expand(call->expansion, &argument->text, text, call->err);
}

/* Whether the text may hold an ad, or make one. */
static bool may_be_large(struct slice text)
{
    for (; text.length > 0; text = text_behind(text, 1))
        if (text.data[0] == '[' || text_begins(text, "eval"))
            return true;
    return false;
}

/* Sets `ret_value` to what a ClassAd expression is; it lives as long as the evaluator. */
static int evaluate(const struct call *call, struct slice text,
                    struct classad_expression **ret_owner, struct classad_evaluator *evaluator,
                    struct classad_value *ret_value)
{
    struct expansion *expansion = call->expansion;
    struct classad_failure failure;
    uint64_t steps = may_be_large(text) ? LARGE_EXPRESSION_STEPS : EXPRESSION_STEPS + text.length;

    if (steps > expansion->steps_left)
        return expansion_fail(expansion, call->segment->text.data, -E2BIG, call->err,
                              "expanding this value takes too many steps");
    expansion->steps_left -= steps;
    if (classad_expression_parse(text, CLASSAD_OLD, ret_owner, &failure) < 0)
        return expansion_fail(expansion, call->segment->text.data, -EINVAL, call->err,
                              "the expression '%.*s' cannot be read: %s", SLICE_SHOWN(text),
                              failure.message);
    *ret_value = classad_evaluate(evaluator, classad_expression_node(*ret_owner), NULL, NULL);
    return 0;
}

/* What arithmetic cannot say may be an expression: ifThenElse(...), 3 > 2 ? 1 : 0. */
static int number_from_expression(const struct call *call, struct slice text,
                                  const struct segment *segment, struct number *ret_number)
{
    _cleanup_classad_evaluator_ struct classad_evaluator evaluator = CLASSAD_EVALUATOR_INIT;
    _cleanup_classad_expression_ struct classad_expression *expression = NULL;
    const struct call quiet = {call->expansion, call->segment, call->function, NULL};
    struct classad_value value = {0};
    double real;
    int r;

    r = evaluate(&quiet, text, &expression, &evaluator, &value);
    if (r == 0 && classad_value_as_real(&value, &real)) {
        *ret_number =
            value.type == CLASSAD_REAL
                ? (struct number){.is_real = true, .real = real}
                : (struct number){.integer = (int64_t)(value.type == CLASSAD_INTEGER ? value.integer
                                                                                     : real != 0)};
        return 0;
    }
    /* It knows best what is wrong. */
    return expansion_read_number(call->expansion, text, segment, ret_number, call->err);
}

static int compute_number(const struct call *call, uint32_t index, struct number *ret_number)
{
    const struct macro_argument *argument = &call->function->arguments[index];
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    int r;

    r = append_argument(call, argument, &text);
    if (r < 0)
        return r;
    if (expansion_read_number(call->expansion, whole(&text),
                              argument->name ? argument->name : call->segment, ret_number,
                              NULL) == 0)
        return 0;
    return number_from_expression(call, whole(&text),
                                  argument->name ? argument->name : call->segment, ret_number);
}

/* A real is cut off, as in HTCondor. */
static int compute_integer(const struct call *call, uint32_t index, int64_t *ret_integer)
{
    struct number number;
    int r;

    r = compute_number(call, index, &number);
    if (r < 0)
        return r;
    if (number.is_real && !(number.real > -0x1p63 && number.real < 0x1p63))
        return expansion_fail(call->expansion, call->segment->text.data, -EINVAL, call->err,
                              "the number is too large");
    *ret_integer = number.is_real ? (int64_t)number.real : number.integer;
    return 0;
}

static int append_number(const struct call *call, struct number number, struct buffer *text)
{
    static const struct macro_format plain_integer = {.number = {.precision = -1}};
    /* HTCondor's, which writes 3.0 as 3. */
    static const struct macro_format plain_real = {.number = {.conversion = 'G', .precision = 16}};
    bool is_real = call->function->kind == FUNCTION_REAL;
    const struct macro_format *given = call->function->format;
    const struct macro_format *format = given ? given : is_real ? &plain_real : &plain_integer;
    size_t start = text->length;

    buffer_append_slice(text, format->before);
    if (number_format_append(&format->number, number, text) < 0)
        return expansion_fail(call->expansion, call->segment->text.data, -EINVAL, call->err,
                              "the result does not fit the number format");
    buffer_append_slice(text, format->behind);
    if (given && is_real && !memchr(text->data + start, '.', text->length - start))
        buffer_append_text(text, ".0");
    return 0;
}

static int expand_number(const struct call *call, struct buffer *text)
{
    struct number number = {0};
    int r;

    if (call->function->kind == FUNCTION_INT)
        r = compute_integer(call, 0, &number.integer);
    else
        r = compute_number(call, 0, &number);
    return r < 0 ? r : append_number(call, number, text);
}

static void append_string(const struct macro_format *format, struct slice value,
                          struct buffer *text)
{
    size_t precision =
        format && format->number.precision >= 0 ? (size_t)format->number.precision : value.length;
    size_t width = format ? (size_t)format->number.width : 0;

    if (value.length > precision)
        value.length = precision;
    if (format)
        buffer_append_slice(text, format->before);
    for (size_t i = value.length; i < width && !format->left; i++)
        buffer_append_character(text, ' ');
    buffer_append_slice(text, value);
    for (size_t i = value.length; i < width && format->left; i++)
        buffer_append_character(text, ' ');
    if (format)
        buffer_append_slice(text, format->behind);
}

/* What is no expression, or none with a string for a value, is the string itself. */
static int expand_string(const struct call *call, struct buffer *text)
{
    _cleanup_classad_evaluator_ struct classad_evaluator evaluator = CLASSAD_EVALUATOR_INIT;
    _cleanup_classad_expression_ struct classad_expression *expression = NULL;
    const struct call quiet = {call->expansion, call->segment, call->function, NULL};
    _cleanup_buffer_ struct buffer argument = BUFFER_INIT;
    struct classad_value value = {0};
    struct slice result;
    int r;

    r = append_argument(call, &call->function->arguments[0], &argument);
    if (r < 0)
        return r;
    result = whole(&argument);
    r = evaluate(&quiet, result, &expression, &evaluator, &value);
    if (r == -E2BIG)
        return evaluate(call, result, &expression, &evaluator, &value);
    if (r == 0 && value.type == CLASSAD_STRING)
        result = classad_value_text(&value);
    append_string(call->function->format, result, text);
    return 0;
}

/* The same for a task each time, and another one for each task. */
static uint64_t draw_below(const struct call *call, uint64_t bound)
{
    const struct expansion *expansion = call->expansion;
    uint64_t process = expansion->scope->has_task ? expansion->scope->process : 0;
    struct random random = {.state = expansion->macros->seed ^ call->function->draw};

    random.state = random_next(&random) + process;
    random.state = random_next(&random);
    return random_below(&random, bound);
}

/* Strings without their quotes, anything else as ClassAds write it. */
static int expand_evaluation(const struct call *call, struct buffer *text)
{
    _cleanup_classad_evaluator_ struct classad_evaluator evaluator = CLASSAD_EVALUATOR_INIT;
    _cleanup_classad_expression_ struct classad_expression *expression = NULL;
    _cleanup_buffer_ struct buffer argument = BUFFER_INIT;
    struct classad_value value;
    int r;

    /* What random() gives is another for each task. */
    evaluator.seed = draw_below(call, UINT64_MAX);
    evaluator.now_seconds = call->expansion->macros->submit_seconds;
    r = append_argument(call, &call->function->arguments[0], &argument);
    if (r == 0)
        r = evaluate(call, whole(&argument), &expression, &evaluator, &value);
    if (r < 0)
        return r;
    if (value.type == CLASSAD_STRING)
        buffer_append_slice(text, classad_value_text(&value));
    else
        classad_value_print(&value, CLASSAD_NEW, text);
    return 0;
}

/* Into 0..high; what is negative counts from the end. */
static int64_t clamp(int64_t value, int64_t high)
{
    if (value < 0)
        value = value < -high ? 0 : value + high;
    return value > high ? high : value;
}

static int expand_part(const struct call *call, struct buffer *text)
{
    _cleanup_buffer_ struct buffer argument = BUFFER_INIT;
    int64_t start, length = INT64_MAX;
    struct slice value;
    int r;

    r = append_argument(call, &call->function->arguments[0], &argument);
    if (r == 0)
        r = compute_integer(call, 1, &start);
    if (r == 0 && call->function->count == 3)
        r = compute_integer(call, 2, &length);
    if (r < 0)
        return r;
    value = whole(&argument);
    value = text_behind(value, (size_t)clamp(start, (int64_t)value.length));
    value.length = (size_t)clamp(length, (int64_t)value.length);
    buffer_append_slice(text, value);
    return 0;
}

/* The item of that number in a list, without white space around it; items that are empty are none.
 */
static bool find_item(struct slice list, const char *separators, uint64_t index,
                      struct slice *ret_item)
{
    while (text_take_item(&list, separators, ret_item))
        if (index-- == 0)
            return true;
    return false;
}

static int expand_choice(const struct call *call, struct buffer *text)
{
    _cleanup_buffer_ struct buffer list = BUFFER_INIT;
    uint32_t count = call->function->count;
    struct slice item;
    int64_t index;
    int r;

    r = compute_integer(call, 0, &index);
    if (r == 0 && count == 2)
        r = append_argument(call, &call->function->arguments[1], &list);
    if (r < 0)
        return r;
    if (count == 2 && index >= 0 && find_item(whole(&list), ",", (uint64_t)index, &item)) {
        buffer_append_slice(text, item);
        return 0;
    }
    if (count == 2 || index < 0 || index >= count - 1)
        return expansion_fail(call->expansion, call->segment->text.data, -EINVAL, call->err,
                              "there is no item number %lld to choose; the first has number 0",
                              (long long)index);
    r = append_argument(call, &call->function->arguments[index + 1], &list);
    if (r == 0)
        buffer_append_slice(text, whole(&list));
    return r;
}

static uint64_t count_items(struct slice list, const char *separators)
{
    uint64_t count = 0;
    bool inside = false;

    for (size_t i = 0; i < list.length; i++) {
        bool separates = strchr(separators, list.data[i]) != NULL;

        count += !separates && !inside;
        inside = !separates;
    }
    return count;
}

static bool is_literal(const struct macro_argument *argument)
{
    return !argument->name &&
           (argument->text.count == 0 ||
            (argument->text.count == 1 && argument->text.segments[0].kind == SEGMENT_TEXT));
}

static int expand_random_choice(const struct call *call, struct buffer *text)
{
    const struct macro_function *function = call->function;
    const char *separators = ", \t\r\n";
    _cleanup_buffer_ struct buffer list = BUFFER_INIT;
    uint32_t chosen = function->count > 1 ? (uint32_t)draw_below(call, function->count) : 0;
    struct slice item;
    uint64_t count;
    int r;

    r = append_argument(call, &function->arguments[chosen], &list);
    if (r < 0)
        return r;
    item = whole(&list);
    /* The one argument is a list if it is a macro, and else all there is to choose. */
    if (function->count == 1 && !is_literal(&function->arguments[0])) {
        count = count_items(item, separators);
        if (count == 0)
            return expansion_fail(call->expansion, call->segment->text.data, -EINVAL, call->err,
                                  "there is nothing to choose from");
        find_item(item, separators, draw_below(call, count), &item);
    }
    buffer_append_slice(text, item);
    return 0;
}

static int expand_random_integer(const struct call *call, struct buffer *text)
{
    static const struct number_format plain = {0};
    int64_t low, high, step = 1;
    uint64_t steps;
    int r;

    r = compute_integer(call, 0, &low);
    if (r == 0)
        r = compute_integer(call, 1, &high);
    if (r == 0 && call->function->count == 3)
        r = compute_integer(call, 2, &step);
    if (r < 0)
        return r;
    if (low > high || step < 1)
        return expansion_fail(call->expansion, call->segment->text.data, -EINVAL, call->err,
                              step < 1 ? "the step must be 1 or more"
                                       : "the smallest number is larger than the largest");
    /* Without a sign, because the two may be at either end of all numbers. */
    steps = ((uint64_t)high - (uint64_t)low) / (uint64_t)step;
    steps = steps == UINT64_MAX ? steps : steps + 1;
    return number_format_append(
        &plain,
        (struct number){.integer =
                            (int64_t)((uint64_t)low + draw_below(call, steps) * (uint64_t)step)},
        text);
}

/* The folder that the task's relative paths count from, as far as it is known. */
static int append_folder(const struct call *call, struct buffer *folder)
{
    const struct macro_function *function = call->function;
    _cleanup_buffer_ struct buffer own = BUFFER_INIT;
    int r = 0;

    for (uint32_t i = function->count; r == 0 && i < function->argument_count; i++) {
        const struct segment *name = function->arguments[i].name;
        struct meaning meaning = expansion_find(call->expansion, name);

        if (meaning.kind == MEANING_NOTHING)
            continue;
        buffer_clear(&own);
        r = expansion_append(call->expansion, name, meaning, &own, call->err);
        if (own.length == 0)
            continue;
        if (own.data[0] == '/')
            buffer_clear(folder);
        else if (folder->length > 0 && folder->data[folder->length - 1] != '/')
            buffer_append_character(folder, '/');
        buffer_append_slice(folder, whole(&own));
    }
    return r;
}

static int expand_file_name(const struct call *call, struct buffer *text)
{
    const struct macro_function *function = call->function;
    _cleanup_buffer_ struct buffer path = BUFFER_INIT, folder = BUFFER_INIT, result = BUFFER_INIT;
    size_t suffix = function->suffix.length;
    int r;

    r = append_argument(call, &function->arguments[0], &path);
    if (r == 0 && function->parts.is_full)
        r = append_folder(call, &folder);
    if (r < 0)
        return r;
    file_name_append(&function->parts, whole(&path), whole(&folder), &result);
    /* As basename(1) does it: not if nothing were left. */
    if (suffix > 0 && result.length > suffix &&
        memcmp(result.data + result.length - suffix, function->suffix.data, suffix) == 0)
        result.length -= suffix;
    buffer_append(text, buffer_text(&result), result.length);
    return 0;
}

int function_expand(struct expansion *expansion, const struct segment *segment, struct buffer *text,
                    struct error *err)
{
    const struct call call = {
        .expansion = expansion, .segment = segment, .function = segment->function, .err = err};

    switch (segment->function->kind) {
    case FUNCTION_FILE_NAME:
        return expand_file_name(&call, text);
    case FUNCTION_INT:
    case FUNCTION_REAL:
        return expand_number(&call, text);
    case FUNCTION_STRING:
        return expand_string(&call, text);
    case FUNCTION_EVAL:
        return expand_evaluation(&call, text);
    case FUNCTION_SUBSTR:
        return expand_part(&call, text);
    case FUNCTION_CHOICE:
        return expand_choice(&call, text);
    case FUNCTION_RANDOM_CHOICE:
        return expand_random_choice(&call, text);
    case FUNCTION_RANDOM_INTEGER:
        return expand_random_integer(&call, text);
    }
    abort();
}
