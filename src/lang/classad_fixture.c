/* SPDX-License-Identifier: Apache-2.0 */
/* See classad_fixture.h. */
#include "classad_fixture.h"

#include <stdio.h>
#include <string.h>

static struct classad_expression *parse(const char *text, enum classad_spelling spelling)
{
    struct classad_expression *expression = NULL;
    struct classad_failure failure;

    if (classad_expression_parse(slice_from_text(text), spelling, &expression, &failure) < 0)
        fail_msg("cannot read '%s' at '%s': %s", text, failure.at, failure.message);
    return expression;
}

static struct classad *read_ad(const char *text)
{
    struct classad *ad = text ? classad_new() : NULL;
    struct classad_failure failure;

    if (ad && classad_read(ad, slice_from_text(text), CLASSAD_OLD, &failure) < 0)
        fail_msg("cannot read '%s' at '%s': %s", text, failure.at, failure.message);
    return ad;
}

/* The value of what is printed of a value must be printed the same. */
static void check_printing(const struct classad_value *value, enum classad_spelling spelling)
{
    _cleanup_classad_evaluator_ struct classad_evaluator evaluator = CLASSAD_EVALUATOR_INIT;
    _cleanup_buffer_ struct buffer printed = BUFFER_INIT, again = BUFFER_INIT;
    _cleanup_classad_expression_ struct classad_expression *copy = NULL;
    struct classad_value read;

    classad_value_print(value, spelling, &printed);
    copy = parse(printed.data, spelling);
    read = classad_evaluate(&evaluator, classad_expression_node(copy), NULL, NULL);
    classad_value_print(&read, spelling, &again);
    assert_string_equal(again.data, printed.data);
    /* Lists hold expressions, and NaN is not equal to itself. */
    assert_true(value->type >= CLASSAD_LIST || classad_value_is_same(value, &read) ||
                !classad_value_is_same(value, value));
}

static void check(const char *text, const struct classad *my, const struct classad *target,
                  const char *expected)
{
    _cleanup_classad_expression_ struct classad_expression *expression = parse(text, CLASSAD_NEW);
    struct classad_evaluator evaluator = {.now_seconds = 1234567890, .seed = 1};
    _cleanup_buffer_ struct buffer printed = BUFFER_INIT;
    struct classad_value value =
        classad_evaluate(&evaluator, classad_expression_node(expression), my, target);

    classad_value_print(&value, CLASSAD_NEW, &printed);
    if (strcmp(printed.data, expected) != 0)
        fail_msg("%s is %s, expected %s", text, printed.data, expected);
    check_printing(&value, CLASSAD_NEW);
    check_printing(&value, CLASSAD_OLD);
    classad_evaluator_deinit(&evaluator);
}

void assert_values(const struct classad_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check(cases[i].expression, NULL, NULL, cases[i].value);
}

void assert_value_in(const char *expression, const char *my, const char *target, const char *value)
{
    _cleanup_classad_ struct classad *my_ad = read_ad(my), *target_ad = read_ad(target);

    check(expression, my_ad, target_ad, value);
}

void assert_printed(const char *text, enum classad_spelling spelling, const char *printed)
{
    _cleanup_classad_expression_ struct classad_expression *expression = parse(text, spelling);
    _cleanup_classad_expression_ struct classad_expression *copy = NULL;
    _cleanup_buffer_ struct buffer once = BUFFER_INIT;

    classad_node_print(classad_expression_node(expression), spelling, &once);
    assert_string_equal(once.data, printed);
    copy = parse(once.data, spelling);
    assert_true(
        classad_node_is_same(classad_expression_node(expression), classad_expression_node(copy)));
}
