/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Working hours: periods of the week, and holidays on which they do not hold.
 *
 * Hours, any case, blanks anywhere between the parts:
 *
 *     hours   = "" | "never" | "always" | clause {";" clause}
 *     clause  = period {"," period}
 *     period  = [days] TIME "-" TIME
 *     days    = range {"," range} [","]
 *     range   = DAY ["-" DAY]                     Sat-Mon runs over the end of the week
 *     DAY     = two letters of Monday..Sunday or more: Mo, Mon, Monday
 *     TIME    = 7:00, 07:00, and 24:00 as an end
 *
 * A comma goes on with the days of the period before ("Mon-Fri 07:00-12:00, 13:00-19:00"), as in
 * the opening hours of OpenStreetMap; a semicolon begins anew. A clause that begins without days
 * means every day. A period whose end lies before its beginning runs on into the next day; all of
 * it belongs to the day on which it begins.
 *
 * Holidays: dates between blanks, commas or semicolons. 2026-12-25 is that day, 12-25 that day of
 * each year, and A..B all days from A to B, both of the one form or of the other;
 * 12-24..01-01 runs over the end of each year. On a holiday no period begins; one that began the
 * evening before ends as it would.
 *
 * A local minute counts minutes from 1970-01-01 00:00 as the clock on the wall shows them, without
 * a zone (sys/clock.h: clock_local_minute()). It may be any that a time in seconds has: down to and
 * up to INT64_MAX / 60.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"

/*
 * More than anybody writes. They bound what an answer costs: ten milliseconds at the very worst,
 * well under one microsecond as people write hours.
 */
enum { CALENDAR_PERIODS_MAX = 32, CALENDAR_HOLIDAYS_MAX = 366 };

/* How far calendar_next_change() looks: over the longest holidays of a year. */
enum { CALENDAR_HORIZON_DAYS = 400 };

struct calendar_period;
struct calendar_holiday;

struct calendar {
    struct calendar_period *periods; /* owned */
    size_t period_count;
    size_t period_capacity;
    struct calendar_holiday *holidays; /* owned */
    size_t holiday_count;
    size_t holiday_capacity;
};

/* Covers nothing. */
#define CALENDAR_INIT      ((struct calendar){0})
#define _cleanup_calendar_ _cleanup_(calendar_deinit)

void calendar_deinit(struct calendar *calendar);

/*
 * Replaces the hours and keeps the holidays. -EINVAL, or -E2BIG beyond CALENDAR_PERIODS_MAX: the
 * error has what is wrong and at which character, the hint what would be right, and the calendar is
 * as it was.
 */
int calendar_parse(const char *text, struct calendar *calendar, struct error *err);
/* Adds to the holidays that are there already. Errors likewise. */
int calendar_add_holidays(struct calendar *calendar, const char *text, struct error *err);

/* Whether this minute lies within working hours. */
bool calendar_covers(const struct calendar *calendar, int64_t local_minute);
/*
 * The first minute behind this one for which calendar_covers() says otherwise; INT64_MAX if there
 * is none within CALENDAR_HORIZON_DAYS.
 *
 * The clock on the wall leaps when summer time begins and when it ends. So whoever waits for that
 * minute asks again now and then, and does not sleep until it by a clock that counts seconds.
 */
int64_t calendar_next_change(const struct calendar *calendar, int64_t local_minute);

/*
 * Appends the hours in one form whatever they were written in: "Mon-Fri 07:00-12:00, 13:00-19:00;
 * Sat 08:00-12:00". What reads it gets the same periods in the same order.
 */
void calendar_write(const struct calendar *calendar, struct buffer *text);
/* The same of the holidays: "2026-12-25, 12-24..12-26"; nothing if there are none. */
void calendar_write_holidays(const struct calendar *calendar, struct buffer *text);

/*
 * Appends a minute as a person would say it now: "19:00" today, "Mon 07:00" on the six days after,
 * "2026-12-28 07:00" on all others. Not for INT64_MAX.
 */
void calendar_write_time(int64_t local_minute, int64_t now_minute, struct buffer *text);
