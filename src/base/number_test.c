/* SPDX-License-Identifier: Apache-2.0 */
#include "base/number.h"
#include "base/test.h"

#include <errno.h>

#define SLICE(text) slice_from_text(text)

/* What a parser leaves in its result when it stores nothing. */
enum { UNTOUCHED = 99 };

struct example {
    const char *text;
    int result;
    uint64_t value;
};

static void whole_numbers_are_read_to_the_last_character(void **state)
{
    static const struct example examples[] = {
        {"0", 0, 0},
        {"+7", 0, 7},
        {" 42\r\n", 0, 42},
        {"007", 0, 7},
        {"18446744073709551615", 0, UINT64_MAX},
        {"18446744073709551616", -ERANGE, UNTOUCHED},
        {"99999999999999999999999", -ERANGE, UNTOUCHED},
        {"", -EINVAL, UNTOUCHED},
        {" ", -EINVAL, UNTOUCHED},
        {"+", -EINVAL, UNTOUCHED},
        {"-1", -EINVAL, UNTOUCHED},
        {"1 2", -EINVAL, UNTOUCHED},
        {"1.0", -EINVAL, UNTOUCHED},
        {"0x10", -EINVAL, UNTOUCHED},
        {"12a", -EINVAL, UNTOUCHED},
        {"+ 1", -EINVAL, UNTOUCHED},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(examples); i++) {
        uint64_t value = UNTOUCHED;

        assert_int_equal(number_parse_u64(SLICE(examples[i].text), &value), examples[i].result);
        assert_int_equal(value, examples[i].value);
    }
}

static void signed_numbers_reach_both_ends(void **state)
{
    static const struct {
        const char *text;
        int result;
        int64_t value;
    } examples[] = {
        {"-1", 0, -1},
        {"9223372036854775807", 0, INT64_MAX},
        {"-9223372036854775808", 0, INT64_MIN},
        {"9223372036854775808", -ERANGE, UNTOUCHED},
        {"-9223372036854775809", -ERANGE, UNTOUCHED},
        {"-", -EINVAL, UNTOUCHED},
        {"--1", -EINVAL, UNTOUCHED},
        {"-+1", -EINVAL, UNTOUCHED},
        {"- 1", -EINVAL, UNTOUCHED},
        {"-0", 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(examples); i++) {
        int64_t value = UNTOUCHED;

        assert_int_equal(number_parse_i64(SLICE(examples[i].text), &value), examples[i].result);
        assert_true(value == examples[i].value);
    }
}

static void fractions_are_decimal_and_finite(void **state)
{
    static const struct {
        const char *text;
        int result;
        double value;
    } examples[] = {
        {"1.5", 0, 1.5},
        {" -2e3 ", 0, -2000},
        {".5", 0, 0.5},
        {"5.", 0, 5},
        {"1e999", -ERANGE, UNTOUCHED},
        {"nan", -EINVAL, UNTOUCHED},
        {"inf", -EINVAL, UNTOUCHED},
        {"0x1p3", -EINVAL, UNTOUCHED},
        {"1,5", -EINVAL, UNTOUCHED},
        {"1.2.3", -EINVAL, UNTOUCHED},
        {"e", -EINVAL, UNTOUCHED},
        {"", -EINVAL, UNTOUCHED},
        {"1e", -EINVAL, UNTOUCHED},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(examples); i++) {
        double value = UNTOUCHED;

        assert_int_equal(number_parse_double(SLICE(examples[i].text), &value), examples[i].result);
        assert_true(value == examples[i].value);
    }
}

static void a_slice_ends_where_it_says(void **state)
{
    struct slice slice = {.data = "123456", .length = 3};
    double fraction;
    uint64_t value;

    (void)state;
    assert_int_equal(number_parse_u64(slice, &value), 0);
    assert_int_equal(value, 123);
    assert_int_equal(number_parse_double(slice, &fraction), 0);
    assert_true(fraction == 123);
    assert_int_equal(number_parse_u64((struct slice){.data = "1\0", .length = 2}, &value), -EINVAL);
}

static void sizes_count_in_powers_of_1024(void **state)
{
    static const struct example examples[] = {
        {"3", 0, 3072},
        {"1.5", 0, 1536},
        {"0.0001", 0, 1},
        {"10B", 0, 10},
        {"2K", 0, 2048},
        {"2 kb", 0, 2048},
        {"2KiB", 0, 2048},
        {"1.5G", 0, 1610612736},
        {"1t", 0, 1099511627776},
        {"8191P", 0, 8191ULL << 50},
        {"8192P", -ERANGE, UNTOUCHED},
        {"-1", -EINVAL, UNTOUCHED},
        {"1X", -EINVAL, UNTOUCHED},
        {"1KX", -EINVAL, UNTOUCHED},
        {"1BB", -EINVAL, UNTOUCHED},
        {"G", -EINVAL, UNTOUCHED},
        {"1 G B", -EINVAL, UNTOUCHED},
        {"1e3", -EINVAL, UNTOUCHED},
        {"", -EINVAL, UNTOUCHED},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(examples); i++) {
        uint64_t value = UNTOUCHED;

        assert_int_equal(number_parse_size(SLICE(examples[i].text), 1024, &value),
                         examples[i].result);
        assert_int_equal(value, examples[i].value);
    }
}

static void durations_become_milliseconds(void **state)
{
    static const struct example examples[] = {
        {"90", 0, 90000},         {"90s", 0, 90000},    {"1.5m", 0, 90000},
        {"2H", 0, 7200000},       {"1 d", 0, 86400000}, {"250ms", 0, 250},
        {"0.1ms", 0, 1},          {"0", 0, 0},          {"-1s", -EINVAL, 99},
        {"5 weeks", -EINVAL, 99}, {"s", -EINVAL, 99},   {"999999999999999999d", -ERANGE, 99},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(examples); i++) {
        uint64_t value = UNTOUCHED;

        assert_int_equal(number_parse_duration(SLICE(examples[i].text), &value),
                         examples[i].result);
        assert_int_equal(value, examples[i].value);
    }
}

static void a_duration_is_said_as_short_as_it_can_be(void **state)
{
    static const struct {
        uint64_t ms;
        const char *text;
    } examples[] = {{86400000 * 5ULL, "5d"}, {5400000, "90m"}, {7200000, "2h"},
                    {30000, "30s"},          {1500, "1500ms"}, {0, "0d"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(examples); i++) {
        _cleanup_buffer_ struct buffer text = BUFFER_INIT;

        number_append_duration(&text, examples[i].ms);
        assert_string_equal(text.data, examples[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_duration_is_said_as_short_as_it_can_be),
        cmocka_unit_test(whole_numbers_are_read_to_the_last_character),
        cmocka_unit_test(signed_numbers_reach_both_ends),
        cmocka_unit_test(fractions_are_decimal_and_finite),
        cmocka_unit_test(a_slice_ends_where_it_says),
        cmocka_unit_test(sizes_count_in_powers_of_1024),
        cmocka_unit_test(durations_become_milliseconds),
    };

    return cmocka_run_group_tests_name("number", tests, NULL, NULL);
}
