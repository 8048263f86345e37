/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See calendar.h. All that is asked here comes down to occurrences: a period on a day on which it
 * begins, as a span of local minutes. No occurrence is longer than a day, so only those of today
 * and of yesterday can cover a minute; and no table of the week is made, because holidays take
 * single days out of it.
 *
 * The next change is looked for in leaps, not minute by minute: outside of all periods it is the
 * next beginning, within one it is where the chain of occurrences that touch or overlap ends.
 */
#include "calendar_internal.h"
#include "date.h"

#include <assert.h>
#include <inttypes.h>

void calendar_deinit(struct calendar *calendar)
{
    free(calendar->periods);
    free(calendar->holidays);
    *calendar = CALENDAR_INIT;
}

/* ---- questions ---- */

static bool holiday_has(const struct calendar_holiday *holiday, int64_t day, int32_t year_day)
{
    if (!holiday->is_yearly)
        return day >= holiday->first && day <= holiday->last;
    if (holiday->first <= holiday->last)
        return year_day >= holiday->first && year_day <= holiday->last;
    return year_day >= holiday->first || year_day <= holiday->last;
}

static bool day_is_holiday(const struct calendar *calendar, int64_t day)
{
    int32_t year_day;
    struct date date;

    /* Most calendars have none, and a date takes some divisions. */
    if (calendar->holiday_count == 0)
        return false;
    date = date_from_days(day);
    year_day = calendar_year_day(date.month, date.day);
    for (size_t i = 0; i < calendar->holiday_count; i++)
        if (holiday_has(&calendar->holidays[i], day, year_day))
            return true;
    return false;
}

/* The latest end of what begins on this day and covers the minute; the minute itself if nothing. */
static int64_t latest_end(const struct calendar *calendar, int64_t day, int64_t local_minute)
{
    int64_t minute = local_minute - day * DAY_MINUTES, end = minute;
    unsigned weekday = 1u << date_weekday(day);

    for (size_t i = 0; i < calendar->period_count; i++) {
        const struct calendar_period *period = &calendar->periods[i];

        if (period->weekdays & weekday && minute >= period->begin && period->end > end)
            end = period->end;
    }
    /* Holidays are asked last, because they cost most. */
    return end > minute && day_is_holiday(calendar, day) ? local_minute : day * DAY_MINUTES + end;
}

/* The same of all days: only what began today or yesterday can cover it. */
static int64_t covered_until(const struct calendar *calendar, int64_t local_minute)
{
    int64_t today = date_quotient(local_minute, DAY_MINUTES);
    int64_t since_today = latest_end(calendar, today, local_minute);
    int64_t since_yesterday = latest_end(calendar, today - 1, local_minute);

    return since_today > since_yesterday ? since_today : since_yesterday;
}

bool calendar_covers(const struct calendar *calendar, int64_t local_minute)
{
    return covered_until(calendar, local_minute) > local_minute;
}

/* The first beginning behind this minute that lies on this day; INT64_MAX if there is none. */
static int64_t first_begin(const struct calendar *calendar, int64_t day, int64_t local_minute)
{
    int64_t minute = local_minute - day * DAY_MINUTES, first = INT64_MAX;
    unsigned weekday = 1u << date_weekday(day);

    for (size_t i = 0; i < calendar->period_count; i++) {
        const struct calendar_period *period = &calendar->periods[i];

        if (period->weekdays & weekday && period->begin > minute && period->begin < first)
            first = period->begin;
    }
    return first < INT64_MAX && !day_is_holiday(calendar, day) ? day * DAY_MINUTES + first
                                                               : INT64_MAX;
}

static int64_t next_begin(const struct calendar *calendar, int64_t local_minute)
{
    int64_t today = date_quotient(local_minute, DAY_MINUTES), begin = INT64_MAX;

    for (int64_t day = today; begin == INT64_MAX && day <= today + CALENDAR_HORIZON_DAYS; day++)
        begin = first_begin(calendar, day, local_minute);
    return begin;
}

/* Goes from end to end until nothing covers the minute there, or `limit` is passed. */
static int64_t next_end(const struct calendar *calendar, int64_t local_minute, int64_t limit)
{
    int64_t at = local_minute, until = covered_until(calendar, at);

    while (until > at && until <= limit) {
        at = until;
        until = covered_until(calendar, at);
    }
    return until;
}

int64_t calendar_next_change(const struct calendar *calendar, int64_t local_minute)
{
    int64_t limit = local_minute + (int64_t)CALENDAR_HORIZON_DAYS * DAY_MINUTES;
    int64_t change = calendar_covers(calendar, local_minute)
                         ? next_end(calendar, local_minute, limit)
                         : next_begin(calendar, local_minute);

    return change <= limit ? change : INT64_MAX;
}

/* ---- writing ---- */

static void write_clock(int minute, struct buffer *text)
{
    buffer_appendf(text, "%02d:%02d", minute / HOUR_MINUTES, minute % HOUR_MINUTES);
}

/* From Monday on: 0 is Monday here. */
static bool has_weekday(uint8_t weekdays, int from_monday)
{
    return weekdays & 1u << (from_monday + 1) % 7;
}

static const char *weekday_from_monday(int from_monday)
{
    return date_weekday_name((from_monday + 1) % 7);
}

/* "Mon-Wed,Fri "; nothing for every day. */
static void write_weekdays(uint8_t weekdays, struct buffer *text)
{
    const char *before = "";

    if (weekdays == EVERY_DAY)
        return;
    for (int first = 0; first < 7; first++) {
        int last = first;

        if (!has_weekday(weekdays, first))
            continue;
        while (last < 6 && has_weekday(weekdays, last + 1))
            last++;
        buffer_appendf(text, "%s%.3s", before, weekday_from_monday(first));
        if (last > first)
            buffer_appendf(text, "-%.3s", weekday_from_monday(last));
        before = ",";
        first = last;
    }
    buffer_append_character(text, ' ');
}

static bool is_always(const struct calendar *calendar)
{
    const struct calendar_period *first = calendar->periods;

    return calendar->period_count == 1 && first->weekdays == EVERY_DAY && first->begin == 0 &&
           first->end == DAY_MINUTES;
}

void calendar_write(const struct calendar *calendar, struct buffer *text)
{
    if (calendar->period_count == 0 || is_always(calendar)) {
        buffer_append_text(text, calendar->period_count == 0 ? "never" : "always");
        return;
    }
    for (size_t i = 0; i < calendar->period_count; i++) {
        const struct calendar_period *period = &calendar->periods[i];
        bool goes_on = i > 0 && period->weekdays == period[-1].weekdays;

        /* Other days stand behind a semicolon, because a reader sees that better than a comma. */
        if (i > 0)
            buffer_append_text(text, goes_on ? ", " : "; ");
        if (!goes_on)
            write_weekdays(period->weekdays, text);
        write_clock(period->begin, text);
        buffer_append_character(text, '-');
        write_clock(period->end > DAY_MINUTES ? period->end - DAY_MINUTES : period->end, text);
    }
}

static void write_date(const struct date *date, struct buffer *text)
{
    buffer_appendf(text, "%04" PRId64 "-%02d-%02d", date->year, date->month, date->day);
}

static void write_holiday_day(const struct calendar_holiday *holiday, int32_t day,
                              struct buffer *text)
{
    struct date date;

    if (holiday->is_yearly) {
        buffer_appendf(text, "%02d-%02d", (int)day / 32, (int)day % 32);
        return;
    }
    date = date_from_days(day);
    write_date(&date, text);
}

void calendar_write_holidays(const struct calendar *calendar, struct buffer *text)
{
    for (size_t i = 0; i < calendar->holiday_count; i++) {
        const struct calendar_holiday *holiday = &calendar->holidays[i];

        if (i > 0)
            buffer_append_text(text, ", ");
        write_holiday_day(holiday, holiday->first, text);
        if (holiday->last == holiday->first)
            continue;
        buffer_append_text(text, "..");
        write_holiday_day(holiday, holiday->last, text);
    }
}

void calendar_write_time(int64_t local_minute, int64_t now_minute, struct buffer *text)
{
    int64_t day = date_quotient(local_minute, DAY_MINUTES);
    int64_t days_ahead = day - date_quotient(now_minute, DAY_MINUTES);
    struct date date = date_from_days(day);

    assert(local_minute < INT64_MAX);
    /* A week ahead the name would be that of today. */
    if (days_ahead > 0 && days_ahead < 7)
        buffer_appendf(text, "%.3s", date_weekday_name(date.weekday));
    else if (days_ahead != 0)
        write_date(&date, text);
    if (days_ahead != 0)
        buffer_append_character(text, ' ');
    write_clock((int)date_remainder(local_minute, DAY_MINUTES), text);
}
