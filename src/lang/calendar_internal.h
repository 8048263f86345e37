/* SPDX-License-Identifier: Apache-2.0 */
/* What calendar_parse.c reads and calendar.c answers from. */
#pragma once

#include "calendar.h"

enum { DAY_MINUTES = 24 * 60, HOUR_MINUTES = 60 };
enum { EVERY_DAY = 0x7f };

struct calendar_period {
    uint8_t weekdays; /* a bit for each day on which it begins: 1 is Sunday, as date_weekday() */
    uint16_t begin;   /* minutes from 00:00 of that day: 0..1439 */
    uint16_t end;     /* the first minute behind it, at most a day after `begin` */
};

/* From `first` to `last`, both included. */
struct calendar_holiday {
    bool is_yearly;
    int32_t first; /* days since 1970-01-01; if yearly, what calendar_year_day() makes of it */
    int32_t last;  /* if yearly, it may lie before `first`, in the year after */
};

/* A day of any year as a number that grows in its course, the same with and without a 29th. */
static inline int32_t calendar_year_day(int month, int day)
{
    return month * 32 + day;
}
