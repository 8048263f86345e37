/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/expression.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static bool mentions(const char *text, const char *name)
{
    return expression_mentions(slice_from_text(text), name);
}

static void a_name_is_found_wherever_it_means_the_computer(void **state)
{
    (void)state;
    assert_true(mentions("Arch == \"X86_64\"", "Arch"));
    assert_true(mentions("(target.ARCH==1)", "arch"));
    assert_true(mentions("TARGET . Arch", "Arch"));
    assert_true(mentions("x && 'Arch'", "Arch"));
    assert_true(mentions("foo(Arch)", "Arch"));
    assert_false(mentions("MY.Arch == 1", "Arch"));
    assert_false(mentions("\"Arch\" == x", "Arch"));
    assert_false(mentions("\"a \\\" Arch\"", "Arch"));
    assert_false(mentions("OpSysArch + Archive", "Arch"));
    assert_false(mentions("Arch(1)", "Arch"));
    assert_false(mentions("other.Arch", "Arch"));
    assert_false(mentions("", "Arch"));
}

static void literals_are_told_apart(void **state)
{
    static const struct {
        const char *text;
        enum expression_kind kind;
    } cases[] = {
        {"1", EXPRESSION_NUMBER},
        {" -2.5 ", EXPRESSION_NUMBER},
        {"True", EXPRESSION_BOOLEAN},
        {"\"a\"", EXPRESSION_STRING},
        {"\"a \\\" b\"", EXPRESSION_STRING},
        {"UNDEFINED", EXPRESSION_UNDEFINED},
        {"1 + 1", EXPRESSION_OTHER},
        {"\"a\" + \"b\"", EXPRESSION_OTHER},
        {"\"a", EXPRESSION_OTHER},
        {"\"", EXPRESSION_OTHER},
        {"a", EXPRESSION_OTHER},
        {"", EXPRESSION_OTHER},
        {"-", EXPRESSION_OTHER},
        {"inf", EXPRESSION_OTHER},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        assert_int_equal(expression_classify(slice_from_text(cases[i].text)), cases[i].kind);
}

static void a_string_comes_back_as_it_was(void **state)
{
    static const char *const texts[] = {"", "a", "a\"b", "log\\worker", "\"\""};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        _cleanup_buffer_ struct buffer quoted = BUFFER_INIT, back = BUFFER_INIT;

        expression_append_string(&quoted, slice_from_text(texts[i]));
        expression_unquote((struct slice){quoted.data, quoted.length}, &back);
        assert_string_equal(buffer_text(&back), texts[i]);
    }
}

static void weaker_operators_are_seen_outside_of_parentheses(void **state)
{
    (void)state;
    assert_true(expression_binds_weaker_than_or(slice_from_text("a ? b : c")));
    assert_false(expression_binds_weaker_than_or(slice_from_text("a =?= b || c")));
    assert_false(expression_binds_weaker_than_or(slice_from_text("(a ? b : c)")));
    assert_true(expression_binds_weaker_than_and(slice_from_text("a || b")));
    assert_false(expression_binds_weaker_than_and(slice_from_text("a && (b || \"|| ?\")")));
    assert_false(expression_binds_weaker_than_and(slice_from_text("a | b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_found_wherever_it_means_the_computer),
        cmocka_unit_test(literals_are_told_apart),
        cmocka_unit_test(a_string_comes_back_as_it_was),
        cmocka_unit_test(weaker_operators_are_seen_outside_of_parentheses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
