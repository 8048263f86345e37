/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"
#include "base/test.h"

#include <string.h>

static void an_empty_buffer_is_an_empty_text(void **state)
{
    _cleanup_buffer_ struct buffer buffer = BUFFER_INIT;
    _cleanup_free_ char *taken = NULL;

    (void)state;
    assert_string_equal(buffer_text(&buffer), "");
    buffer_consume(&buffer, 0);
    buffer_clear(&buffer);
    taken = buffer_take(&buffer);
    assert_string_equal(taken, "");
}

static void appended_pieces_stand_in_order(void **state)
{
    _cleanup_buffer_ struct buffer buffer = BUFFER_INIT;

    (void)state;
    buffer_append_text(&buffer, "task ");
    buffer_appendf(&buffer, "%d.%s", 17, "3");
    buffer_append_character(&buffer, '#');
    buffer_append_slice(&buffer, (struct slice){.data = "2 and more", .length = 1});
    buffer_append(&buffer, NULL, 0);
    assert_string_equal(buffer_text(&buffer), "task 17.3#2");
    assert_int_equal(buffer.length, 11);
}

static void any_byte_is_content(void **state)
{
    _cleanup_buffer_ struct buffer buffer = BUFFER_INIT;

    (void)state;
    buffer_append(&buffer, "a\0b", 3);
    buffer_append_character(&buffer, '\0');
    assert_int_equal(buffer.length, 4);
    assert_memory_equal(buffer.data, "a\0b\0\0", 5);
}

static void a_buffer_grows_to_any_length(void **state)
{
    _cleanup_buffer_ struct buffer buffer = BUFFER_INIT;

    (void)state;
    for (int i = 0; i < 100000; i++)
        buffer_appendf(&buffer, "%d", i % 10);
    assert_int_equal(buffer.length, 100000);
    for (size_t i = 0; i < buffer.length; i++)
        assert_int_equal(buffer.data[i], '0' + (char)(i % 10));
    assert_int_equal(buffer.data[buffer.length], '\0');
}

static void consuming_drops_the_front(void **state)
{
    _cleanup_buffer_ struct buffer buffer = BUFFER_INIT;

    (void)state;
    buffer_append_text(&buffer, "line one\nline two");
    buffer_consume(&buffer, 9);
    assert_string_equal(buffer_text(&buffer), "line two");
    buffer_consume(&buffer, 8);
    assert_string_equal(buffer_text(&buffer), "");
}

static void consume_too_much(void)
{
    struct buffer buffer = BUFFER_INIT;

    buffer_append_text(&buffer, "x");
    buffer_consume(&buffer, 2);
}

static void nobody_consumes_more_than_there_is(void **state)
{
    (void)state;
    assert_true(test_aborts(consume_too_much));
}

static void a_taken_text_is_the_callers(void **state)
{
    _cleanup_buffer_ struct buffer buffer = BUFFER_INIT;
    _cleanup_free_ char *taken = NULL;

    (void)state;
    buffer_append_text(&buffer, "mine");
    taken = buffer_take(&buffer);
    buffer_append_text(&buffer, "yours");
    assert_string_equal(taken, "mine");
    assert_string_equal(buffer_text(&buffer), "yours");
}

static void slices_compare_by_content(void **state)
{
    struct slice slice = {.data = "Idle Running", .length = 4};

    (void)state;
    assert_true(slice_equals(slice, "Idle"));
    assert_false(slice_equals(slice, "Idle "));
    assert_false(slice_equals(slice, "idle"));
    assert_true(slice_equals_ignoring_case(slice, "iDLE"));
    assert_false(slice_equals_ignoring_case(slice, "Idl"));
    assert_true(slice_equals((struct slice){0}, ""));
    assert_false(slice_equals((struct slice){.data = "a\0b", .length = 3}, "a"));
}

static void only_ascii_has_a_case(void **state)
{
    (void)state;
    assert_false(slice_equals_ignoring_case(slice_from_text("\xc4"), "\xe4"));
    assert_false(slice_equals_ignoring_case(slice_from_text("["), "{"));
}

static void trimming_takes_white_space_from_both_ends(void **state)
{
    _cleanup_free_ char *copy = slice_copy(slice_trim(slice_from_text(" \t\v\f a b \r\n")));

    (void)state;
    assert_string_equal(copy, "a b");
    assert_int_equal(slice_trim(slice_from_text(" \n ")).length, 0);
    assert_int_equal(slice_trim((struct slice){0}).length, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_buffer_is_an_empty_text),
        cmocka_unit_test(appended_pieces_stand_in_order),
        cmocka_unit_test(any_byte_is_content),
        cmocka_unit_test(a_buffer_grows_to_any_length),
        cmocka_unit_test(consuming_drops_the_front),
        cmocka_unit_test(nobody_consumes_more_than_there_is),
        cmocka_unit_test(a_taken_text_is_the_callers),
        cmocka_unit_test(slices_compare_by_content),
        cmocka_unit_test(only_ascii_has_a_case),
        cmocka_unit_test(trimming_takes_white_space_from_both_ends),
    };

    return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
