/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_write.h"
#include "base/test.h"

#include <math.h>

static void assert_text(const char *text, const char *expected)
{
    _cleanup_buffer_ struct buffer out = BUFFER_INIT;

    json_write_text(&out, text);
    assert_string_equal(out.data, expected);
}

static void a_text_is_quoted_and_escaped(void **state)
{
    (void)state;
    assert_text("", "\"\"");
    assert_text("sweep of 46", "\"sweep of 46\"");
    assert_text("a \"quote\" and a \\", "\"a \\\"quote\\\" and a \\\\\"");
    assert_text("a line\nand\x1b", "\"a line\\u000aand\\u001b\"");
    assert_text("\x7f", "\"\x7f\"");
    assert_text("Größe \xf0\x9f\x99\x82", "\"Größe \xf0\x9f\x99\x82\"");
    assert_text(NULL, "null");
}

static void what_is_no_utf8_becomes_a_replacement_character(void **state)
{
    (void)state;
    assert_text("a\xff\xc3(b", "\"a\\ufffd\\ufffd(b\"");
    assert_text("\xe2\x82", "\"\\ufffd\\ufffd\"");
    assert_true(json_text_is_valid("\xc3\xa4 \xf0\x9f\x99\x82"));
    assert_false(json_text_is_valid("\xc0\xaf"));
    assert_false(json_text_is_valid("\xed\xa0\x80"));
    assert_false(json_text_is_valid("\xf4\x90\x80\x80"));
    assert_false(json_text_is_valid("\xe2\x82"));
}

static void assert_seconds(double seconds, const char *expected)
{
    _cleanup_buffer_ struct buffer out = BUFFER_INIT;

    json_write_seconds(&out, seconds);
    assert_string_equal(out.data, expected);
}

static void seconds_have_six_digits_and_no_surprises(void **state)
{
    (void)state;
    assert_seconds(0, "0.000000");
    assert_seconds(1764111111.25, "1764111111.250000");
    assert_seconds(0.0000014, "0.000001");
    assert_seconds(1.9999999, "2.000000");
    assert_seconds(-1, "0.000000");
    assert_seconds((double)NAN, "0.000000");
    assert_seconds((double)INFINITY, "8796093022208.000000");
}

static void members_are_separated_by_commas(void **state)
{
    _cleanup_buffer_ struct buffer out = BUFFER_INIT;

    (void)state;
    buffer_append_character(&out, '{');
    json_write_name(&out, "first");
    json_write_number(&out, UINT64_MAX);
    json_write_name(&out, "second");
    buffer_append_text(&out, "[]");
    json_write_name(&out, "third");
    json_write_number(&out, 0);
    buffer_append_character(&out, '}');
    assert_string_equal(out.data, "{\"first\":18446744073709551615,\"second\":[],\"third\":0}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_quoted_and_escaped),
        cmocka_unit_test(what_is_no_utf8_becomes_a_replacement_character),
        cmocka_unit_test(seconds_have_six_digits_and_no_surprises),
        cmocka_unit_test(members_are_separated_by_commas),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
