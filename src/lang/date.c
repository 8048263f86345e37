/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See date.h. Two computations, each without a loop or a table: a date to its day and back, after
 * which everything else is small.
 */
#include "date.h"

#include <assert.h>

/* Years beyond this are not dates any more, but would still have to be computed with. */
static const int64_t seconds_max = (int64_t)DAY_SECONDS * 366 * 1000 * 1000;

/*
 * The year begins in March here, so that the odd day of a leap year is its last; an era is 400
 * years, after which everything repeats.
 */
int64_t date_to_days(int64_t year, int month, int day)
{
    int64_t shifted = year - (month <= 2);
    int64_t era = date_quotient(shifted, 400), year_of_era = shifted - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

int date_weekday(int64_t days)
{
    return (int)date_remainder(days + 4, 7); /* 1970 began on a Thursday */
}

const char *date_weekday_name(int weekday)
{
    static const char *const names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday"};

    assert(weekday >= 0);
    assert(weekday < 7);
    return names[weekday];
}

void date_complete(struct date *date)
{
    int64_t days = date_to_days(date->year, date->month, date->day);

    date->weekday = date_weekday(days);
    date->year_day = (int)(days - date_to_days(date->year, 1, 1));
}

struct date date_from_days(int64_t days)
{
    int64_t shifted = days + 719468;
    int64_t era = date_quotient(shifted, 146097), day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    struct date date = {
        .month = (int)(month < 10 ? month + 3 : month - 9),
        .day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
    };

    date.year = year_of_era + era * 400 + (date.month <= 2);
    date_complete(&date);
    return date;
}

struct date date_from_time(int64_t seconds, int32_t offset_seconds)
{
    struct date date;
    int64_t rest;

    if (seconds > seconds_max)
        seconds = seconds_max;
    if (seconds < -seconds_max)
        seconds = -seconds_max;
    seconds += offset_seconds;
    date = date_from_days(date_quotient(seconds, DAY_SECONDS));
    date.offset_seconds = offset_seconds;
    rest = date_remainder(seconds, DAY_SECONDS);
    date.hours = (int)(rest / HOUR_SECONDS);
    date.minutes = (int)(rest % HOUR_SECONDS / MINUTE_SECONDS);
    date.seconds = (int)(rest % MINUTE_SECONDS);
    return date;
}
