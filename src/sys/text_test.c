/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include "base/test.h"
#include "terminal.h"

static void assert_printable(const char *text, bool utf8, const char *expected)
{
    _cleanup_buffer_ struct buffer buffer = BUFFER_INIT;

    text_append_printable(&buffer, text, utf8);
    assert_string_equal(buffer_text(&buffer), expected);
}

static void assert_fitted(const char *text, size_t width, bool right, bool utf8,
                          const char *expected)
{
    _cleanup_buffer_ struct buffer buffer = BUFFER_INIT;

    text_append_fitted(&buffer, text, width, right, utf8);
    assert_string_equal(buffer_text(&buffer), expected);
}

static void characters_that_steer_a_terminal_are_replaced(void **state)
{
    (void)state;
    assert_printable("a\033[2Jb\r\n\t\x7f", false, "a?[2Jb????");
    assert_printable("a\033b", true,
                     "a\xef\xbf\xbd"
                     "b");
    /* CSI as one byte of Latin-1, and as a character of UTF-8. */
    assert_printable("\x9b"
                     "2J",
                     true,
                     "\xef\xbf\xbd"
                     "2J");
    assert_printable("\xc2\x9b"
                     "2J",
                     true,
                     "\xef\xbf\xbd"
                     "2J");
}

static void writing_is_never_turned_to_the_left(void **state)
{
    (void)state;
    assert_printable("a\u202eb", true,
                     "a\xef\xbf\xbd"
                     "b");
    assert_printable("a\u2067b", true,
                     "a\xef\xbf\xbd"
                     "b");
}

static void broken_utf8_is_replaced_byte_by_byte(void **state)
{
    (void)state;
    assert_printable("\xc3(", true, "\xef\xbf\xbd(");
    assert_printable("\xc0\xaf", true, "\xef\xbf\xbd\xef\xbf\xbd");
    assert_printable("\xe2\x82", true, "\xef\xbf\xbd\xef\xbf\xbd");
    assert_printable("\xed\xa0\x80", true, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

static void without_utf8_there_is_only_ascii(void **state)
{
    (void)state;
    assert_printable("für", false, "f?r");
    assert_printable("für", true, "für");
}

static void lines_and_tabs_stay_in_texts_of_several_lines(void **state)
{
    _cleanup_buffer_ struct buffer buffer = BUFFER_INIT;

    (void)state;
    text_append_lines(&buffer, "a\n\tb\033", false);
    assert_string_equal(buffer_text(&buffer), "a\n\tb?");
}

static void width_counts_columns_not_bytes(void **state)
{
    (void)state;
    assert_int_equal(text_width("abc", true), 3);
    assert_int_equal(text_width("für", true), 3);
    assert_int_equal(text_width("日本", true), 4);
    assert_int_equal(text_width("e\u0301", true), 1);
}

static void a_text_is_filled_or_cut_to_its_width(void **state)
{
    (void)state;
    assert_fitted("abc", 5, false, true, "abc  ");
    assert_fitted("abc", 5, true, true, "  abc");
    assert_fitted("abc", 3, false, true, "abc");
    assert_fitted("abcdef", 4, false, true, "abc…");
    assert_fitted("abcdef", 4, false, false, "abc~");
    assert_fitted("abc", 1, false, true, "…");
    assert_fitted("abc", 0, false, true, "");
    /* A wide character that would stand half outside leaves a blank. */
    assert_fitted("日本語", 4, false, true, "日 …");
}

static void the_locale_says_whether_it_is_utf8(void **state)
{
    (void)state;
    assert_true(terminal_locale_is_utf8(NULL, NULL, "de_DE.UTF-8"));
    assert_true(terminal_locale_is_utf8("", "C.utf8", "C"));
    assert_false(terminal_locale_is_utf8("C", NULL, "de_DE.UTF-8"));
    assert_false(terminal_locale_is_utf8(NULL, NULL, NULL));
    assert_false(terminal_locale_is_utf8(NULL, NULL, "de_DE"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_that_steer_a_terminal_are_replaced),
        cmocka_unit_test(writing_is_never_turned_to_the_left),
        cmocka_unit_test(broken_utf8_is_replaced_byte_by_byte),
        cmocka_unit_test(without_utf8_there_is_only_ascii),
        cmocka_unit_test(lines_and_tabs_stay_in_texts_of_several_lines),
        cmocka_unit_test(width_counts_columns_not_bytes),
        cmocka_unit_test(a_text_is_filled_or_cut_to_its_width),
        cmocka_unit_test(the_locale_says_whether_it_is_utf8),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
