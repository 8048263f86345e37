/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/arithmetic.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* The value of an expression as text, or "offset: message". */
static char *evaluate(const char *expression, const char *format)
{
    struct slice text = slice_from_text(expression);
    struct number_format conversion = {.precision = -1};
    struct arithmetic_failure failure = {0};
    struct buffer result = BUFFER_INIT;
    const char *at = expression;
    struct number value;

    if (format)
        assert_int_equal(number_format_parse(slice_from_text(format), &conversion), 0);
    if (arithmetic_constant(&at, text.data + text.length, &value, &failure) < 0)
        buffer_appendf(&result, "%d: %s", (int)(failure.at - expression), failure.message);
    else if (number_format_append(&conversion, value, &result) < 0)
        buffer_append_text(&result, "does not fit");
    else if (*at)
        buffer_appendf(&result, " then %s", at);
    return buffer_take(&result);
}

#define ASSERT_VALUE(expression, format, expected)                                                 \
    do {                                                                                           \
        _cleanup_free_ char *value_ = evaluate((expression), (format));                            \
        assert_string_equal(value_, (expected));                                                   \
    } while (0)

static void products_come_before_sums_and_left_before_right(void **state)
{
    (void)state;
    ASSERT_VALUE("1 + 2 * 3", NULL, "7");
    ASSERT_VALUE("(1 + 2) * 3", NULL, "9");
    ASSERT_VALUE("10 - 3 - 2", NULL, "5");
    ASSERT_VALUE("100 / 5 / 2 * 3 % 4", NULL, "2");
    ASSERT_VALUE("- 2 * --3 - -+-1", NULL, "-7");
}

static void integers_stay_exact_and_reals_read_back(void **state)
{
    (void)state;
    ASSERT_VALUE("9007199254740993 + 0", NULL, "9007199254740993");
    ASSERT_VALUE("-7 / 2", NULL, "-3");
    ASSERT_VALUE("-7 % 3", NULL, "-1");
    ASSERT_VALUE("7 / 2.", NULL, "3.5");
    ASSERT_VALUE("0.1 + 0.2", NULL, "0.30000000000000004");
    ASSERT_VALUE("1e300 * 10", NULL, "1e+301");
    ASSERT_VALUE("-0.0", NULL, "-0.0");
    ASSERT_VALUE("-9223372036854775807 - 1", NULL, "-9223372036854775808");
}

static void what_does_not_fit_is_an_error(void **state)
{
    static const char overflow[] = "the result does not fit into 64 bits";
    _cleanup_buffer_ struct buffer expected = BUFFER_INIT;

    (void)state;
    buffer_appendf(&expected, "20: %s", overflow);
    ASSERT_VALUE("9223372036854775807 + 1", NULL, buffer_text(&expected));
    ASSERT_VALUE("9223372036854775807 * 2", NULL, buffer_text(&expected));
    ASSERT_VALUE("(-9223372036854775807 - 1) / -1", NULL,
                 "27: the result does not fit into 64 bits");
    ASSERT_VALUE("-(-9223372036854775807 - 1)", NULL, "0: the result does not fit into 64 bits");
    ASSERT_VALUE("9223372036854775808", NULL, "0: this number is too large");
    ASSERT_VALUE("1e308 * 10", NULL, "6: the result is too large");
    ASSERT_VALUE("1 / 0", NULL, "2: division by zero");
    ASSERT_VALUE("1 % 0", NULL, "2: division by zero");
    ASSERT_VALUE("1 / 0.0", NULL, "2: division by zero");
    ASSERT_VALUE("1.0 % 2", NULL, "4: a remainder needs integers");
}

static void what_is_no_expression_is_an_error(void **state)
{
    (void)state;
    ASSERT_VALUE("", NULL, "0: here a number or a macro is missing");
    ASSERT_VALUE("1 +", NULL, "3: here a number or a macro is missing");
    ASSERT_VALUE("(1", NULL, "0: this parenthesis is never closed");
    ASSERT_VALUE("1.2.3", NULL, "0: this is not a number");
    ASSERT_VALUE("name", NULL, "0: this is not a number");
    ASSERT_VALUE("1 2", NULL, "1 then 2");
}

static void nesting_has_an_end(void **state)
{
    _cleanup_buffer_ struct buffer deep = BUFFER_INIT, deeper = BUFFER_INIT;

    (void)state;
    for (int i = 0; i < 32; i++)
        buffer_append_text(&deep, "1+2*(");
    buffer_append_text(&deep, "3");
    for (int i = 0; i < 32; i++)
        buffer_append_text(&deep, ")");
    ASSERT_VALUE(buffer_text(&deep), NULL, "17179869183");
    for (int i = 0; i < 33; i++)
        buffer_append_text(&deeper, "(");
    ASSERT_VALUE(buffer_text(&deeper), NULL, "32: parentheses are nested too deeply");
}

static void numbers_are_written_as_printf_would(void **state)
{
    (void)state;
    ASSERT_VALUE("42", "%05d", "00042");
    ASSERT_VALUE("42", "%-5d", "42   ");
    ASSERT_VALUE("255", "%#x", "0xff");
    ASSERT_VALUE("2.9", "%d", "2");
    ASSERT_VALUE("3", "%.2f", "3.00");
    ASSERT_VALUE("12345.678", "%12.3e", "   1.235e+04");
    ASSERT_VALUE("1e19", "%d", "does not fit");
}

static void other_conversions_are_refused(void **state)
{
    static const char *const formats[] = {"",     "%",     "d",   "%s",   "%n",  "%*d",
                                          "%65d", "%.65f", "%dd", "x%d",  "%ld", "%99999999999d",
                                          "%%",   "%d ",   "%5",  "%.d.d"};
    struct number_format format;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(formats); i++)
        assert_true(number_format_parse(slice_from_text(formats[i]), &format) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_come_before_sums_and_left_before_right),
        cmocka_unit_test(integers_stay_exact_and_reals_read_back),
        cmocka_unit_test(what_does_not_fit_is_an_error),
        cmocka_unit_test(what_is_no_expression_is_an_error),
        cmocka_unit_test(nesting_has_an_end),
        cmocka_unit_test(numbers_are_written_as_printf_would),
        cmocka_unit_test(other_conversions_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
