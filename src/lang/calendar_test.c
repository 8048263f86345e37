/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/calendar.h"

#include "base/test.h"
#include "lang/date.h"

#include <errno.h>

static int64_t minute(int year, int month, int day, int hours, int minutes)
{
    return date_to_days(year, month, day) * 1440 + hours * 60 + minutes;
}

static void read_hours(struct calendar *calendar, const char *hours, const char *holidays)
{
    struct error err = ERROR_INIT;

    if (calendar_parse(hours, calendar, &err) < 0 ||
        calendar_add_holidays(calendar, holidays, &err) < 0)
        fail_msg("'%s' and '%s': %s", hours, holidays, error_text(&err));
}

/* ---- reading and writing ---- */

static void assert_hours(const char *text, const char *expected)
{
    _cleanup_calendar_ struct calendar calendar = CALENDAR_INIT, again = CALENDAR_INIT;
    _cleanup_buffer_ struct buffer written = BUFFER_INIT, rewritten = BUFFER_INIT;

    read_hours(&calendar, text, "");
    calendar_write(&calendar, &written);
    assert_string_equal(buffer_text(&written), expected);
    read_hours(&again, buffer_text(&written), "");
    calendar_write(&again, &rewritten);
    assert_string_equal(buffer_text(&rewritten), expected);
}

static void hours_are_read_as_people_write_them(void **state)
{
    (void)state;
    assert_hours("Mon-Fri 07:00-19:00", "Mon-Fri 07:00-19:00");
    assert_hours("Mon-Fri 07:00-12:00, Mon-Thu 13:00-19:00; Sat 08:00-12:00",
                 "Mon-Fri 07:00-12:00; Mon-Thu 13:00-19:00; Sat 08:00-12:00");
    assert_hours("Mon,Wed 08:00-10:00", "Mon,Wed 08:00-10:00");
    assert_hours(" mON , Wed-frid,SUNDAY 8:00 - 24:00\t", "Mon,Wed-Fri,Sun 08:00-24:00");
    assert_hours("Mo-Fr,\n 7:30-16:00", "Mon-Fri 07:30-16:00");
    assert_hours("tues,thurs 08:00-10:00", "Tue,Thu 08:00-10:00");
    assert_hours("20:00-00:00", "20:00-24:00");
    assert_hours("22:00-06:00", "22:00-06:00");
}

static void a_comma_goes_on_with_the_days_and_a_semicolon_begins_anew(void **state)
{
    (void)state;
    assert_hours("Mon-Fri 07:00-12:00, 13:00-19:00", "Mon-Fri 07:00-12:00, 13:00-19:00");
    assert_hours("Mon-Fri 07:00-12:00; 13:00-19:00", "Mon-Fri 07:00-12:00; 13:00-19:00");
    assert_hours("07:00-12:00, 13:00-19:00, Sat, Sun 8:00-9:00",
                 "07:00-12:00, 13:00-19:00; Sat-Sun 08:00-09:00");
}

static void a_range_of_days_runs_over_the_end_of_the_week(void **state)
{
    (void)state;
    assert_hours("Sat-Mon 07:00-12:00", "Mon,Sat-Sun 07:00-12:00");
    assert_hours("Tue-Mon 07:00-12:00", "07:00-12:00");
    assert_hours("Tue-Tue 07:00-12:00", "Tue 07:00-12:00");
}

static void never_and_always_stand_for_themselves(void **state)
{
    (void)state;
    assert_hours("", "never");
    assert_hours(" \n", "never");
    assert_hours("Never", "never");
    assert_hours(" ALWAYS ", "always");
    assert_hours("00:00-24:00", "always");
}

static void assert_holidays(const char *text, const char *expected)
{
    _cleanup_calendar_ struct calendar calendar = CALENDAR_INIT, again = CALENDAR_INIT;
    _cleanup_buffer_ struct buffer written = BUFFER_INIT, rewritten = BUFFER_INIT;

    read_hours(&calendar, "", text);
    calendar_write_holidays(&calendar, &written);
    assert_string_equal(buffer_text(&written), expected);
    read_hours(&again, "", buffer_text(&written));
    calendar_write_holidays(&again, &rewritten);
    assert_string_equal(buffer_text(&rewritten), expected);
}

static void holidays_are_dates_and_ranges_of_dates(void **state)
{
    (void)state;
    assert_holidays("", "");
    assert_holidays(" ,; ", "");
    assert_holidays("2026-12-25, 2026-12-27..2027-01-06, 12-25",
                    "2026-12-25, 2026-12-27..2027-01-06, 12-25");
    assert_holidays("12-24 .. 01-01;2028-02-29\n02-29..02-29,", "12-24..01-01, 2028-02-29, 02-29");
}

static void holidays_add_up_and_hours_replace_each_other(void **state)
{
    _cleanup_calendar_ struct calendar calendar = CALENDAR_INIT;
    _cleanup_buffer_ struct buffer written = BUFFER_INIT;

    (void)state;
    read_hours(&calendar, "Mon 07:00-08:00", "12-25");
    read_hours(&calendar, "Tue 07:00-08:00", "12-26");
    calendar_write(&calendar, &written);
    buffer_append_text(&written, " / ");
    calendar_write_holidays(&calendar, &written);
    assert_string_equal(buffer_text(&written), "Tue 07:00-08:00 / 12-25, 12-26");
}

/* ---- mistakes ---- */

static const char hours_hint[] =
    "write hours as in 'Mon-Fri 07:00-12:00, 13:00-19:00; Sat 22:00-06:00', 'always' or 'never'";
static const char time_hint[] = "write times from 00:00 to 23:59, and 24:00 for an end at midnight";
static const char holiday_hint[] =
    "write 2026-12-25 for a day, 12-25 for a day of each year, and 2026-12-27..2027-01-06 for all "
    "days between";

static void assert_bad_hours(const char *text, const char *expected, const char *hint)
{
    _cleanup_calendar_ struct calendar calendar = CALENDAR_INIT;
    _cleanup_buffer_ struct buffer written = BUFFER_INIT;
    _cleanup_error_ struct error err = ERROR_INIT;

    read_hours(&calendar, "Sun 01:00-02:00", "");
    assert_int_equal(calendar_parse(text, &calendar, &err), -EINVAL);
    assert_string_equal(error_text(&err), expected);
    assert_string_equal(err.hint, hint);
    calendar_write(&calendar, &written);
    assert_string_equal(buffer_text(&written), "Sun 01:00-02:00");
}

static void a_wrong_day_is_named_with_its_place_and_the_nearest(void **state)
{
    (void)state;
    assert_bad_hours("Mon-Fry 07:00-19:00", "'Fry' at character 5 is no day of the week",
                     "did you mean 'Fri'?");
    assert_bad_hours("Wendesday 07:00-19:00", "'Wendesday' at character 1 is no day of the week",
                     "did you mean 'Wednesday'?");
    assert_bad_hours("nevr", "'nevr' at character 1 is no day of the week",
                     "did you mean 'never'?");
    assert_bad_hours("M 07:00-19:00", "'M' at character 1 is no day of the week", hours_hint);
    assert_bad_hours("never, Sat 07:00-19:00", "'never' at character 1 is no day of the week",
                     hours_hint);
    assert_bad_hours("Mon\xe2\x80\x93"
                     "Fri 07:00-19:00",
                     "'\xe2\x80\x93' at character 4 stands where the hours of these days should",
                     hours_hint);
    assert_bad_hours("\xc3\xa4, Mon", "'\xc3\xa4' at character 1 is no day of the week",
                     hours_hint);
}

static void a_wrong_time_is_named_with_its_place(void **state)
{
    static const char *const times[] = {"25:00", "24:01", "7",       "7am",  "07.00", "0700",
                                        "7:0",   "7:000", "123:000", "7:60", "7:5x",  "7::0"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(times); i++) {
        _cleanup_buffer_ struct buffer text = BUFFER_INIT, expected = BUFFER_INIT;

        buffer_appendf(&text, "Mon %s-19:00", times[i]);
        buffer_appendf(&expected, "'%s' at character 5 is no time of the day", times[i]);
        assert_bad_hours(buffer_text(&text), buffer_text(&expected), time_hint);
    }
    assert_bad_hours("24:00-06:00", "'24:00' at character 1 is no time of the day", time_hint);
    assert_bad_hours("Mon 07:00-Tue", "'Tue' at character 11 is no time of the day", time_hint);
    assert_bad_hours("07:00-07:00", "'07:00' at character 7 ends the period where it begins",
                     "write 00:00-24:00 for the whole day");
}

static void what_is_missing_or_too_much_is_said(void **state)
{
    (void)state;
    assert_bad_hours("Mon-Fri", "it ends where the hours of these days should follow", hours_hint);
    assert_bad_hours("Mon-Fri; 07:00-19:00",
                     "';' at character 8 stands where the hours of these days should", hours_hint);
    assert_bad_hours("Mon Wed 07:00-19:00",
                     "'Wed' at character 5 stands where the hours of these days should",
                     hours_hint);
    assert_bad_hours("Mon,", "it ends where a day of the week should follow", hours_hint);
    assert_bad_hours("07:00-08:00,", "it ends where a day of the week should follow", hours_hint);
    assert_bad_hours("07:00-08:00;;", "';' at character 13 is no day of the week", hours_hint);
    assert_bad_hours("07:00", "it ends where '-' and an end should follow", hours_hint);
    assert_bad_hours("07:00-", "it ends where a time of the day should follow", time_hint);
    assert_bad_hours("07:00, 08:00", "',' at character 6 stands where '-' and an end should",
                     hours_hint);
    assert_bad_hours("07:00-08:00 09:00-10:00",
                     "'09:00' at character 13 stands where ',' or ';' should", hours_hint);
}

static void assert_bad_holidays(const char *text, const char *expected)
{
    _cleanup_calendar_ struct calendar calendar = CALENDAR_INIT;
    _cleanup_buffer_ struct buffer written = BUFFER_INIT;
    _cleanup_error_ struct error err = ERROR_INIT;

    read_hours(&calendar, "", "12-25");
    assert_int_equal(calendar_add_holidays(&calendar, text, &err), -EINVAL);
    assert_string_equal(error_text(&err), expected);
    assert_string_equal(err.hint, holiday_hint);
    calendar_write_holidays(&calendar, &written);
    assert_string_equal(buffer_text(&written), "12-25");
}

static void a_wrong_holiday_is_named_with_its_place(void **state)
{
    static const char *const dates[] = {"2026-02-29", "2026-13-01", "2026-00-01", "2026-01-00",
                                        "26-12-25",   "25.12.2026", "12/25",      "12-32",
                                        "2026-12-2x", "2026.12-25", "12-25-",     "Christmas"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(dates); i++) {
        _cleanup_buffer_ struct buffer text = BUFFER_INIT, expected = BUFFER_INIT;

        buffer_appendf(&text, "12-24, %s", dates[i]);
        buffer_appendf(&expected, "'%s' at character 8 is no date", dates[i]);
        assert_bad_holidays(buffer_text(&text), buffer_text(&expected));
    }
    assert_bad_holidays("2026-12-24..12-26", "'12-26' at character 13 and the date before it are "
                                             "one with a year and one without");
    assert_bad_holidays("2026-12-24..2026-12-23",
                        "'2026-12-23' at character 13 lies before the date that it follows");
    assert_bad_holidays("12-24..", "it ends where a date should follow");
}

static void no_more_is_read_than_anybody_writes(void **state)
{
    _cleanup_calendar_ struct calendar calendar = CALENDAR_INIT;
    _cleanup_buffer_ struct buffer hours = BUFFER_INIT, holidays = BUFFER_INIT;
    _cleanup_error_ struct error err = ERROR_INIT;

    (void)state;
    for (int i = 0; i < CALENDAR_PERIODS_MAX; i++)
        buffer_appendf(&hours, "%s07:00-08:00", i > 0 ? ", " : "");
    for (int i = 0; i < CALENDAR_HOLIDAYS_MAX; i++)
        buffer_append_text(&holidays, "12-25 ");
    read_hours(&calendar, buffer_text(&hours), buffer_text(&holidays));
    buffer_append_text(&hours, "; 07:00-08:00");
    assert_int_equal(calendar_parse(buffer_text(&hours), &calendar, &err), -E2BIG);
    assert_string_equal(error_text(&err), "there are more than 32 periods");
    assert_int_equal(calendar_add_holidays(&calendar, "12-26", &err), -E2BIG);
    assert_string_equal(error_text(&err), "there are more than 366 holidays");
}

/* ---- answers ---- */

static void a_period_covers_its_first_minute_and_not_its_end(void **state)
{
    _cleanup_calendar_ struct calendar calendar = CALENDAR_INIT;

    (void)state;
    read_hours(&calendar, "Mon-Fri 07:00-19:00", "");
    /* A Thursday. */
    assert_false(calendar_covers(&calendar, minute(2026, 11, 26, 6, 59)));
    assert_true(calendar_covers(&calendar, minute(2026, 11, 26, 7, 0)));
    assert_true(calendar_covers(&calendar, minute(2026, 11, 26, 18, 59)));
    assert_false(calendar_covers(&calendar, minute(2026, 11, 26, 19, 0)));
    assert_int_equal(calendar_next_change(&calendar, minute(2026, 11, 26, 7, 0)),
                     minute(2026, 11, 26, 19, 0));
    assert_int_equal(calendar_next_change(&calendar, minute(2026, 11, 27, 19, 0)),
                     minute(2026, 11, 30, 7, 0));
}

static void a_period_over_midnight_belongs_to_the_day_on_which_it_begins(void **state)
{
    _cleanup_calendar_ struct calendar calendar = CALENDAR_INIT;

    (void)state;
    read_hours(&calendar, "Thu-Fri 22:00-06:00", "2026-11-27");
    /* Thursday's night goes on into the holiday; the holiday's own does not begin. */
    assert_int_equal(calendar_next_change(&calendar, minute(2026, 11, 26, 22, 0)),
                     minute(2026, 11, 27, 6, 0));
    assert_false(calendar_covers(&calendar, minute(2026, 11, 27, 22, 0)));
    assert_false(calendar_covers(&calendar, minute(2026, 11, 28, 0, 0)));
    assert_int_equal(calendar_next_change(&calendar, minute(2026, 11, 27, 6, 0)),
                     minute(2026, 12, 3, 22, 0));
}

static void periods_that_touch_are_one(void **state)
{
    _cleanup_calendar_ struct calendar calendar = CALENDAR_INIT;

    (void)state;
    read_hours(&calendar, "Mon-Tue 00:00-24:00; Wed 00:00-12:00, 11:00-13:00", "");
    assert_int_equal(calendar_next_change(&calendar, minute(2026, 11, 23, 0, 0)),
                     minute(2026, 11, 25, 13, 0));
}

static void what_never_changes_is_said_at_once(void **state)
{
    _cleanup_calendar_ struct calendar calendar = CALENDAR_INIT;
    int64_t now = minute(2026, 11, 26, 12, 0), far = INT64_MAX / 60;

    (void)state;
    assert_false(calendar_covers(&calendar, now));
    assert_true(calendar_next_change(&calendar, now) == INT64_MAX);
    read_hours(&calendar, "always", "");
    assert_true(calendar_covers(&calendar, now));
    assert_true(calendar_next_change(&calendar, now) == INT64_MAX);
    assert_true(calendar_next_change(&calendar, far) == INT64_MAX);
    assert_true(calendar_next_change(&calendar, -far) == INT64_MAX);
}

static void beyond_the_horizon_is_never(void **state)
{
    _cleanup_calendar_ struct calendar calendar = CALENDAR_INIT, other = CALENDAR_INIT;
    int64_t change = minute(2028, 2, 29, 7, 0), horizon = CALENDAR_HORIZON_DAYS * 1440;

    (void)state;
    /* All of each year is off but the day that most years lack. */
    read_hours(&calendar, "07:00-19:00", "03-01..02-28");
    assert_int_equal(calendar_next_change(&calendar, change - horizon), change);
    assert_true(calendar_next_change(&calendar, change - horizon - 1) == INT64_MAX);
    read_hours(&other, "always", "2020-01-01..2030-01-01");
    change = minute(2030, 1, 2, 0, 0);
    assert_int_equal(calendar_next_change(&other, change - horizon), change);
    assert_true(calendar_next_change(&other, change - horizon - 1) == INT64_MAX);
}

static void assert_time(int64_t local_minute, int64_t now_minute, const char *expected)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    calendar_write_time(local_minute, now_minute, &text);
    assert_string_equal(buffer_text(&text), expected);
}

static void a_time_is_written_as_short_as_it_is_clear(void **state)
{
    int64_t now = minute(2026, 11, 26, 12, 0);

    (void)state;
    assert_time(minute(2026, 11, 26, 19, 0), now, "19:00");
    assert_time(minute(2026, 11, 26, 0, 5), now, "00:05");
    assert_time(minute(2026, 11, 27, 0, 0), now, "Fri 00:00");
    assert_time(minute(2026, 11, 30, 7, 0), now, "Mon 07:00");
    assert_time(minute(2026, 12, 2, 23, 59), now, "Wed 23:59");
    assert_time(minute(2026, 12, 3, 7, 0), now, "2026-12-03 07:00");
    assert_time(minute(2026, 12, 28, 7, 0), now, "2026-12-28 07:00");
    assert_time(minute(2026, 11, 25, 7, 0), now, "2026-11-25 07:00");
    assert_time(-1, now, "1969-12-31 23:59");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hours_are_read_as_people_write_them),
        cmocka_unit_test(a_comma_goes_on_with_the_days_and_a_semicolon_begins_anew),
        cmocka_unit_test(a_range_of_days_runs_over_the_end_of_the_week),
        cmocka_unit_test(never_and_always_stand_for_themselves),
        cmocka_unit_test(holidays_are_dates_and_ranges_of_dates),
        cmocka_unit_test(holidays_add_up_and_hours_replace_each_other),
        cmocka_unit_test(a_wrong_day_is_named_with_its_place_and_the_nearest),
        cmocka_unit_test(a_wrong_time_is_named_with_its_place),
        cmocka_unit_test(what_is_missing_or_too_much_is_said),
        cmocka_unit_test(a_wrong_holiday_is_named_with_its_place),
        cmocka_unit_test(no_more_is_read_than_anybody_writes),
        cmocka_unit_test(a_period_covers_its_first_minute_and_not_its_end),
        cmocka_unit_test(a_period_over_midnight_belongs_to_the_day_on_which_it_begins),
        cmocka_unit_test(periods_that_touch_are_one),
        cmocka_unit_test(what_never_changes_is_said_at_once),
        cmocka_unit_test(beyond_the_horizon_is_never),
        cmocka_unit_test(a_time_is_written_as_short_as_it_is_clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
