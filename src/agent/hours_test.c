/* SPDX-License-Identifier: Apache-2.0 */
#include "hours.h"

#include "base/test.h"

/* 1970-01-05 was a Monday. */
enum { HOUR = 60, MONDAY = 4 * 24 * HOUR, MINUTE_MS = 60000 };

static enum owner_reason at(const char *text, uint64_t closing_ms, int64_t minute)
{
    _cleanup_calendar_ struct calendar calendar = CALENDAR_INIT;

    assert_int_equal(calendar_parse(text, &calendar, NULL), 0);
    return hours_look(&calendar, closing_ms, minute);
}

static void nothing_is_begun_before_the_hours_and_nothing_runs_in_them(void **state)
{
    static const char hours[] = "Mon-Fri 07:00-19:00";
    int64_t seven = MONDAY + 7 * HOUR;

    (void)state;
    assert_int_equal(at(hours, 30 * MINUTE_MS, seven - 31), OWNER_REASON_NONE);
    assert_int_equal(at(hours, 30 * MINUTE_MS, seven - 30), OWNER_REASON_CLOSING);
    assert_int_equal(at(hours, 30 * MINUTE_MS, seven - 1), OWNER_REASON_CLOSING);
    assert_int_equal(at(hours, 30 * MINUTE_MS, seven), OWNER_REASON_HOURS);
    assert_int_equal(at(hours, 30 * MINUTE_MS, MONDAY + 19 * HOUR), OWNER_REASON_NONE);
}

static void part_of_a_minute_counts_as_one(void **state)
{
    (void)state;
    assert_int_equal(at("Mon 07:00-08:00", 1, MONDAY + 7 * HOUR - 1), OWNER_REASON_CLOSING);
    assert_int_equal(at("Mon 07:00-08:00", 0, MONDAY + 7 * HOUR - 1), OWNER_REASON_NONE);
}

static void hours_that_never_end_never_close_either(void **state)
{
    (void)state;
    assert_int_equal(at("always", 30 * MINUTE_MS, MONDAY), OWNER_REASON_HOURS);
    assert_int_equal(at("never", 30 * MINUTE_MS, MONDAY), OWNER_REASON_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_begun_before_the_hours_and_nothing_runs_in_them),
        cmocka_unit_test(part_of_a_minute_counts_as_one),
        cmocka_unit_test(hours_that_never_end_never_close_either),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
