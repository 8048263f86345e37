/* SPDX-License-Identifier: Apache-2.0 */
#include "format.h"

#include "base/test.h"

#include <stdlib.h>
#include <time.h>

static void assert_size(uint64_t bytes, const char *expected)
{
    _cleanup_buffer_ struct buffer buffer = BUFFER_INIT;

    format_size(&buffer, bytes);
    assert_string_equal(buffer.data, expected);
}

static void assert_duration(double seconds, const char *expected)
{
    _cleanup_buffer_ struct buffer buffer = BUFFER_INIT;

    format_duration(&buffer, seconds);
    assert_string_equal(buffer.data, expected);
}

static void sizes_have_at_most_three_digits_and_a_unit(void **state)
{
    (void)state;
    assert_size(0, "0B");
    assert_size(999, "999B");
    assert_size(1000, "1.0K");
    assert_size(1536, "1.5K");
    assert_size(10 * 1024, "10K");
    assert_size((uint64_t)128 << 20, "128M");
    assert_size((uint64_t)1023 << 20, "1.0G");
    assert_size((uint64_t)16 << 30, "16G");
    assert_size(UINT64_MAX, "16E");
}

static void durations_grow_from_hundredths_to_days(void **state)
{
    (void)state;
    assert_duration(0, "0.00s");
    assert_duration(0.021, "0.02s");
    assert_duration(12.34, "12.3s");
    assert_duration(59.96, "1:00");
    assert_duration(187, "3:07");
    assert_duration(3723, "1:02:03");
    assert_duration(2 * 86400 + 3723, "2+01:02:03");
    assert_duration(-3, "0.00s");
}

static void times_are_local(void **state)
{
    _cleanup_buffer_ struct buffer buffer = BUFFER_INIT;

    (void)state;
    assert_int_equal(setenv("TZ", "UTC", 1), 0);
    tzset();
    format_time(&buffer, 1772373909.75);
    assert_string_equal(buffer.data, "2026-03-01 14:05:09");
}

static void assert_short_time(double now, const char *expected)
{
    _cleanup_buffer_ struct buffer buffer = BUFFER_INIT;

    format_time_short(&buffer, 1772373909, now);
    assert_string_equal(buffer.data, expected);
}

static void a_short_time_leaves_out_what_is_the_same_now(void **state)
{
    (void)state;
    assert_int_equal(setenv("TZ", "UTC", 1), 0);
    tzset();
    assert_short_time(1772373909 + 3600, "14:05:09");
    assert_short_time(1772373909 + 86400, "03-01 14:05");
    assert_short_time(1772373909 - 86400, "03-01 14:05");
    assert_short_time(1772373909 + 366 * 86400, "2026-03-01");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_have_at_most_three_digits_and_a_unit),
        cmocka_unit_test(durations_grow_from_hundredths_to_days),
        cmocka_unit_test(times_are_local),
        cmocka_unit_test(a_short_time_leaves_out_what_is_the_same_now),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
