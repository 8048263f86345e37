/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"

#include "base/test.h"

#include <stdlib.h>
#include <time.h>

/* As POSIX spells them, so that no table of zones need be there. */
static void set_zone(const char *zone)
{
    assert_int_equal(setenv("TZ", zone, 1), 0);
    tzset();
}

static void a_local_minute_is_what_the_clock_on_the_wall_shows(void **state)
{
    /* 2027-01-01 00:00 in UTC. */
    const int64_t seconds = 20819 * 86400;

    (void)state;
    set_zone("UTC0");
    assert_int_equal(clock_local_minute(seconds + 59), 20819 * 1440);
    assert_int_equal(clock_local_minute(-1), -1);
    set_zone("IST-5:30");
    assert_int_equal(clock_local_minute(seconds), 20819 * 1440 + 330);
    set_zone("EST5");
    assert_int_equal(clock_local_minute(seconds), 20819 * 1440 - 300);
    assert_int_equal(clock_local_minute(0), -300);
}

static void summer_time_leaps_over_minutes_and_repeats_them(void **state)
{
    /* 2027-03-28 01:00 and 2027-10-31 01:00 in UTC. */
    const int64_t spring = 20905 * 86400 + 3600, autumn = 21122 * 86400 + 3600;

    (void)state;
    set_zone("CET-1CEST,M3.5.0,M10.5.0/3");
    assert_int_equal(clock_local_minute(spring - 1), 20905 * 1440 + 119);
    assert_int_equal(clock_local_minute(spring), 20905 * 1440 + 180);
    assert_int_equal(clock_local_minute(autumn - 1), 21122 * 1440 + 179);
    assert_int_equal(clock_local_minute(autumn), 21122 * 1440 + 120);
}

static void the_time_until_a_minute_knows_of_summer_time(void **state)
{
    /* The hour before the leap of spring, and two before that of autumn. */
    const int64_t spring = 20905 * 86400, autumn = 21122 * 86400 - 3600;

    (void)state;
    set_zone("CET-1CEST,M3.5.0,M10.5.0/3");
    assert_int_equal(clock_ms_until((double)spring, 20905 * 1440 + 240), 2 * 3600000);
    assert_int_equal(clock_ms_until((double)autumn, 21122 * 1440 + 240), 4 * 3600000);
    assert_int_equal(clock_ms_until((double)spring + 0.5, 20905 * 1440 + 61), 59500);
    assert_int_equal(clock_ms_until((double)spring, 20905 * 1440 + 60), 0);
    assert_int_equal(clock_ms_until((double)spring, 20905 * 1440), 0);
}

static void a_time_without_a_year_is_taken_as_it_is(void **state)
{
    (void)state;
    set_zone("EST5");
    assert_true(clock_local_minute(INT64_MAX) == INT64_MAX / 60);
    assert_true(clock_local_minute(INT64_MIN) == INT64_MIN / 60 - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_local_minute_is_what_the_clock_on_the_wall_shows),
        cmocka_unit_test(summer_time_leaps_over_minutes_and_repeats_them),
        cmocka_unit_test(the_time_until_a_minute_knows_of_summer_time),
        cmocka_unit_test(a_time_without_a_year_is_taken_as_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
