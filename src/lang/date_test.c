/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/date.h"

#include "base/test.h"

/* Counts days by itself, one after the other. */
static void count_one_day(struct date *date)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = date->year % 4 == 0 && (date->year % 100 != 0 || date->year % 400 == 0);
    int length = lengths[date->month - 1] + (date->month == 2 && leap);

    date->weekday = (date->weekday + 1) % 7;
    date->year_day++;
    if (++date->day <= length)
        return;
    date->day = 1;
    if (++date->month <= 12)
        return;
    date->month = 1;
    date->year++;
    date->year_day = 0;
}

static void each_day_of_eight_centuries_has_its_date(void **state)
{
    /* 1600-01-01 was a Saturday, 135140 days before 1970. */
    struct date expected = {.year = 1600, .month = 1, .day = 1, .weekday = 6};

    (void)state;
    for (int64_t days = -135140; expected.year < 2400; days++) {
        struct date date = date_from_days(days);

        assert_int_equal(date.year, expected.year);
        assert_int_equal(date.month, expected.month);
        assert_int_equal(date.day, expected.day);
        assert_int_equal(date.weekday, expected.weekday);
        assert_int_equal(date_weekday(days), expected.weekday);
        assert_int_equal(date.year_day, expected.year_day);
        assert_int_equal(date_to_days(date.year, date.month, date.day), days);
        count_one_day(&expected);
    }
}

static void a_time_is_shown_as_the_clock_of_its_offset_does(void **state)
{
    struct date date = date_from_time(-1, 0);

    (void)state;
    assert_int_equal(date.year, 1969);
    assert_int_equal(date.hours, 23);
    assert_int_equal(date.seconds, 59);
    date = date_from_time(1798239600, 3600); /* 2026-12-25 23:00 in UTC */
    assert_int_equal(date.day, 26);
    assert_int_equal(date.hours, 0);
    assert_string_equal(date_weekday_name(date.weekday), "Saturday");
}

static void days_that_no_calendar_has_reached_are_computed_with(void **state)
{
    int64_t days = INT64_MAX / DAY_SECONDS;

    (void)state;
    assert_true(date_from_days(days).year > 0);
    assert_true(date_from_days(-days).year < 0);
    assert_true(date_from_time(INT64_MAX, 0).year > 0);
    assert_true(date_from_time(INT64_MIN, 0).year < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_day_of_eight_centuries_has_its_date),
        cmocka_unit_test(a_time_is_shown_as_the_clock_of_its_offset_does),
        cmocka_unit_test(days_that_no_calendar_has_reached_are_computed_with),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
