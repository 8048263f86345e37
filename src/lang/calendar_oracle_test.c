/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random calendars against a slow oracle that shares nothing with the code but the text: it counts
 * dates by itself, compares holidays as texts, and paints each period into a row of minutes.
 */
#include "lang/calendar.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/test.h"

#include <string.h>

/* 2028 is a leap year. */
enum { FIRST_YEAR = 2027, YEARS = 3, DAYS = 3 * 365 + 1, MINUTES = DAYS * 1440 };
/* 2027-01-01 in local minutes; a Friday, which is 4 from Monday on. */
enum { FIRST_MINUTE = 20819 * 1440, FIRST_WEEKDAY = 4 };
enum { HORIZON = CALENDAR_HORIZON_DAYS * 1440, PERIODS = 6, SPANS = 8, CALENDARS = 12 };

struct oracle {
    struct random random;
    struct buffer hours, holidays; /* what the calendar reads */
    char dates[DAYS][16];          /* "2027-01-01" */
    bool off[DAYS];
    bool covered[MINUTES + 2 * 1440];
};

static void count_dates(struct oracle *oracle)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    size_t count = 0;

    for (int year = FIRST_YEAR; year < FIRST_YEAR + YEARS; year++)
        for (int month = 0; month < 12; month++)
            for (int day = 1; day <= lengths[month] + (month == 1 && year % 4 == 0); day++)
                snprintf(oracle->dates[count++], sizeof(oracle->dates[0]), "%04d-%02d-%02d",
                         year % 10000, month + 1, day % 100);
    assert_int_equal(count, DAYS);
}

/*
 * Half of them without a year: then the texts begin behind it. Half of them in the last days of the
 * first year, because ranges over the end of a year are of a kind of their own.
 */
static void draw_holidays(struct oracle *oracle)
{
    size_t first = random_below(&oracle->random, 2) ? random_below(&oracle->random, DAYS - 20)
                                                    : 355 + random_below(&oracle->random, 10);
    size_t last = first + random_below(&oracle->random, 20);
    size_t skip = random_below(&oracle->random, 2) ? strlen("2027-") : 0;
    const char *from = oracle->dates[first] + skip, *to = oracle->dates[last] + skip;

    buffer_appendf(&oracle->holidays, "%s..%s, ", from, to);
    for (int i = 0; i < DAYS; i++) {
        const char *date = oracle->dates[i] + skip;
        bool behind_first = strcmp(date, from) >= 0, before_last = strcmp(date, to) <= 0;

        if (strcmp(from, to) <= 0 ? behind_first && before_last : behind_first || before_last)
            oracle->off[i] = true;
    }
}

static void paint_period(struct oracle *oracle, const bool *on, int begin, int end)
{
    int length = end > begin ? end - begin : end + 1440 - begin;

    for (int i = 0; i < DAYS; i++)
        if (on[(i + FIRST_WEEKDAY) % 7] && !oracle->off[i])
            memset(&oracle->covered[i * 1440 + begin], true, (size_t)length);
}

static void draw_period(struct oracle *oracle)
{
    static const char *const names[] = {"Mon", "Tues", "wednesday", "THU", "Fr", "Sat", "Sunday"};
    int begin = (int)random_below(&oracle->random, 1440), end = begin;
    const char *before = oracle->hours.length > 0 ? "; " : "";
    bool on[7], any = false;

    for (int i = 0; i < 7; i++) {
        on[i] = random_below(&oracle->random, 3) == 0;
        if (on[i])
            buffer_appendf(&oracle->hours, "%s%s", any ? "," : before, names[i]);
        any = any || on[i];
    }
    /* Without days: every day. */
    if (!any) {
        buffer_append_text(&oracle->hours, before);
        memset(on, true, sizeof(on));
    }
    while (end == begin)
        end = (int)random_below(&oracle->random, 1441);
    buffer_appendf(&oracle->hours, " %d:%02d-%02d:%02d", begin / 60, begin % 60, end / 60,
                   end % 60);
    paint_period(oracle, on, begin, end);
}

/* `next` is the first minute of the row that differs, or its end. */
static void compare_minute(const struct oracle *oracle, const struct calendar *calendar, int minute,
                           int next)
{
    int64_t local_minute = (int64_t)FIRST_MINUTE + minute;
    int64_t expected = next - minute > HORIZON ? INT64_MAX : (int64_t)FIRST_MINUTE + next;
    bool at_change = next == minute + 1 || oracle->covered[minute] != oracle->covered[minute - 1];

    if (calendar_covers(calendar, local_minute) != oracle->covered[minute])
        fail_msg("'%s' without '%s' is wrong about minute %d", buffer_text(&oracle->hours),
                 buffer_text(&oracle->holidays), minute);
    /* What lies behind the row nobody knows. Most minutes have the answer of their neighbours. */
    if ((next == MINUTES && expected != INT64_MAX) || (!at_change && minute % 7 != 0))
        return;
    if (calendar_next_change(calendar, local_minute) != expected)
        fail_msg("'%s' without '%s' is wrong about what follows minute %d",
                 buffer_text(&oracle->hours), buffer_text(&oracle->holidays), minute);
}

static void compare(const struct oracle *oracle, const struct calendar *calendar)
{
    int next = MINUTES;

    /* Nobody painted the evening before the first day. */
    for (int minute = MINUTES - 1; minute > 1440; minute--) {
        if (minute + 1 < MINUTES && oracle->covered[minute] != oracle->covered[minute + 1])
            next = minute + 1;
        compare_minute(oracle, calendar, minute, next);
    }
}

/* Few periods and holidays leave long gaps, many overlap. */
static void compare_random_calendar(uint64_t seed)
{
    _cleanup_free_ struct oracle *oracle = memory_allocate(sizeof(*oracle));
    _cleanup_calendar_ struct calendar calendar = CALENDAR_INIT;

    oracle->random = (struct random){.state = seed};
    count_dates(oracle);
    for (uint64_t i = seed % SPANS; i > 0; i--)
        draw_holidays(oracle);
    for (uint64_t i = seed % PERIODS + 1; i > 0; i--)
        draw_period(oracle);
    assert_int_equal(calendar_parse(buffer_text(&oracle->hours), &calendar, NULL), 0);
    assert_int_equal(calendar_add_holidays(&calendar, buffer_text(&oracle->holidays), NULL), 0);
    compare(oracle, &calendar);
    buffer_deinit(&oracle->hours);
    buffer_deinit(&oracle->holidays);
}

static void every_minute_of_three_years_is_as_the_oracle_says(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < CALENDARS; seed++)
        compare_random_calendar(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_minute_of_three_years_is_as_the_oracle_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
