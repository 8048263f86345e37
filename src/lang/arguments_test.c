/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/arguments.h"
#include "lang/environment.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

typedef int (*splitter)(struct slice, struct arena *, struct list *, const char **);

/* What `text` is split into, joined with '|'; or the message if it cannot be split. */
static char *split(splitter function, const char *text)
{
    _cleanup_arena_ struct arena arena = ARENA_INIT;
    _cleanup_list_ struct list list = LIST_OF_TEXTS_INIT;
    struct buffer joined = BUFFER_INIT;
    const char *message = NULL;

    list_clear(&list);
    if (function(slice_from_text(text), &arena, &list, &message) < 0)
        buffer_append_text(&joined, message);
    for (size_t i = 0; !message && i < list.count; i++)
        buffer_appendf(&joined, "%s%s", i > 0 ? "|" : "", list.items[i]);
    return buffer_take(&joined);
}

#define ASSERT_SPLIT(function, text, expected)                                                     \
    do {                                                                                           \
        _cleanup_free_ char *joined_ = split((function), (text));                                  \
        assert_string_equal(joined_, (expected));                                                  \
    } while (0)

static void old_arguments_are_split_at_white_space(void **state)
{
    (void)state;
    ASSERT_SPLIT(arguments_split, "one \\\"two\\\" 'three'", "one|\"two\"|'three'");
    ASSERT_SPLIT(arguments_split, "  a\t b  ", "a|b");
    ASSERT_SPLIT(arguments_split, "", "");
    ASSERT_SPLIT(arguments_split, "C:\\dir\\file \\", "C:\\dir\\file|\\");
}

static void new_arguments_know_quotes(void **state)
{
    (void)state;
    ASSERT_SPLIT(arguments_split, "\"3 simple arguments\"", "3|simple|arguments");
    ASSERT_SPLIT(arguments_split, "\"one 'two with spaces' 3\"", "one|two with spaces|3");
    ASSERT_SPLIT(arguments_split, "\"one \"\"two\"\" 'spacey ''quoted'' argument'\"",
                 "one|\"two\"|spacey 'quoted' argument");
    ASSERT_SPLIT(arguments_split, " \"a'b c'd '' e\" ", "ab cd||e");
    ASSERT_SPLIT(arguments_split, "\"\"", "");
}

static void quotes_out_of_place_are_errors(void **state)
{
    (void)state;
    ASSERT_SPLIT(arguments_split, "a \"b\"",
                 "a double quote within the arguments; write \\\" for the character, or put all of "
                 "the arguments in double quotes");
    ASSERT_SPLIT(arguments_split, "\"a", "the double quote at the start is never closed");
    ASSERT_SPLIT(arguments_split, "\"", "the double quote at the start is never closed");
    ASSERT_SPLIT(arguments_split, "\"a\" b",
                 "behind the closing double quote there is more; inside, a double quote is written "
                 "twice");
    ASSERT_SPLIT(arguments_split, "\"a 'b\"",
                 "a single quote is never closed; inside a group it is written twice");
}

static void an_old_environment_is_split_at_semicolons(void **state)
{
    (void)state;
    ASSERT_SPLIT(environment_merge, "one=1; two=2;three=\"no 'special' meaning\"",
                 "one=1|two=2|three=\"no 'special' meaning\"");
    ASSERT_SPLIT(environment_merge, ";A=;;B=a b ;", "A=|B=a b ");
}

static void a_new_environment_is_split_like_arguments(void **state)
{
    (void)state;
    ASSERT_SPLIT(environment_merge, "\"one=1 two=\"\"2\"\" three='spacey ''quoted'' value'\"",
                 "one=1|two=\"2\"|three=spacey 'quoted' value");
}

static void of_variables_with_one_name_the_last_counts(void **state)
{
    (void)state;
    ASSERT_SPLIT(environment_merge, "A=1;AB=2;A=3", "A=3|AB=2");
}

static void many_variables_are_compared_all_the_same(void **state)
{
    _cleanup_arena_ struct arena arena = ARENA_INIT;
    _cleanup_list_ struct list list = LIST_OF_TEXTS_INIT;
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    const char *message;

    (void)state;
    list_clear(&list);
    for (int i = 0; i < 2000; i++)
        buffer_appendf(&text, "N%d=%d;", i % 1000, i);
    assert_int_equal(
        environment_merge((struct slice){text.data, text.length}, &arena, &list, &message), 0);
    assert_int_equal(list.count, 1000);
    assert_string_equal(list.items[0], "N0=1000");
    assert_string_equal(list.items[999], "N999=1999");
    assert_null(list.items[1000]);
}

static void a_variable_without_a_value_is_an_error(void **state)
{
    (void)state;
    ASSERT_SPLIT(environment_merge, "A", "an environment variable is not of the form NAME=value");
    ASSERT_SPLIT(environment_merge, "=1", "an environment variable has no name before its '='");
}

static void what_the_node_fills_in_stays_whole_in_an_environment(void **state)
{
    (void)state;
    ASSERT_SPLIT(environment_merge,
                 "\"A=$$([ ifThenElse(Cpus > 1, \"\"it's x\"\", [a = 1; b].b) ])y B=1\"",
                 "A=$$([ ifThenElse(Cpus > 1, \"it's x\", [a = 1; b].b) ])y|B=1");
    ASSERT_SPLIT(environment_merge, "A=$$([ [a = 1; b = 2].b ]);B=$$(X:1;2);C=$;D=$$([1",
                 "A=$$([ [a = 1; b = 2].b ])|B=$$(X:1;2)|C=$|D=$$([1");
    ASSERT_SPLIT(environment_merge, "\"A=$$(X:a b) B=$$(X y=z)\"", "A=$$(X:a b)|B=$$(X|y=z)");
    ASSERT_SPLIT(arguments_split, "\"$$([ 1 ])\"", "$$([|1|])");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(old_arguments_are_split_at_white_space),
        cmocka_unit_test(new_arguments_know_quotes),
        cmocka_unit_test(quotes_out_of_place_are_errors),
        cmocka_unit_test(an_old_environment_is_split_at_semicolons),
        cmocka_unit_test(a_new_environment_is_split_like_arguments),
        cmocka_unit_test(of_variables_with_one_name_the_last_counts),
        cmocka_unit_test(many_variables_are_compared_all_the_same),
        cmocka_unit_test(what_the_node_fills_in_stays_whole_in_an_environment),
        cmocka_unit_test(a_variable_without_a_value_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
