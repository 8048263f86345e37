/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Days and dates without the C library's calendar, which asks the environment for the zone and the
 * locale for names. Days are counted from 1970-01-01 in the proleptic Gregorian calendar.
 */
#pragma once

#include <stdint.h>

enum { DAY_SECONDS = 86400, HOUR_SECONDS = 3600, MINUTE_SECONDS = 60 };

struct date {
    int64_t year;
    int month; /* 1..12 */
    int day;   /* 1..31 */
    int hours, minutes, seconds;
    int weekday;            /* 0 is Sunday */
    int year_day;           /* 0..365 */
    int32_t offset_seconds; /* of the zone that it is a date of, east of Greenwich */
};

/* Of a division that rounds down, as times before 1970 want it; the divisor is above 0. */
static inline int64_t date_quotient(int64_t number, int64_t divisor)
{
    return number / divisor - (number % divisor < 0);
}

static inline int64_t date_remainder(int64_t number, int64_t divisor)
{
    return number - date_quotient(number, divisor) * divisor;
}

/* The month must be 1..12; a day that the month lacks counts on into the next one. */
int64_t date_to_days(int64_t year, int month, int day);
/* The date at 00:00, complete. Any number of days down to and up to INT64_MAX / DAY_SECONDS. */
struct date date_from_days(int64_t days);
/* Seconds since 1970 in UTC as a clock shows them that is ahead of it by the offset. */
struct date date_from_time(int64_t seconds, int32_t offset_seconds);
/* 0..6, where 0 is Sunday. */
int date_weekday(int64_t days);
/* Works out the weekday and the day of the year of the other fields. */
void date_complete(struct date *date);
/* "Sunday" for 0; its first three letters are the short name. */
const char *date_weekday_name(int weekday);
