/* SPDX-License-Identifier: Apache-2.0 */
/* See until.h. Days are counted by mktime(3), so that those with 23 or 25 hours come out right. */
#define _GNU_SOURCE
#include "until.h"

#include "base/number.h"
#include "exit_code.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum { HOURS = 24, MINUTES = 60 };

static int refuse(struct error *err, const char *text, const char *what)
{
    error_set(err, FAILURE_USAGE, "'%s' is no %s", text, what);
    error_hint(err, "write '2h' or '90m', or 'until 18:00'");
    return FAILURE_USAGE;
}

static int parse_time_of_day(const char *text, struct tm *time, struct error *err)
{
    const char *colon = strchr(text, ':');
    uint64_t hour, minute;

    if (!colon || strlen(colon + 1) != 2 ||
        number_parse_u64((struct slice){text, (size_t)(colon - text)}, &hour) < 0 ||
        number_parse_u64(slice_from_text(colon + 1), &minute) < 0 || hour >= HOURS ||
        minute >= MINUTES)
        return refuse(err, text, "time of day");
    time->tm_hour = (int)hour;
    time->tm_min = (int)minute;
    time->tm_sec = 0;
    return 0;
}

static int find_time_of_day(const char *text, double now, double *ret_end, struct error *err)
{
    time_t second = (time_t)now;
    struct tm time, asked;
    int r;

    localtime_r(&second, &time);
    r = parse_time_of_day(text, &time, err);
    if (r < 0)
        return r;
    time.tm_isdst = -1;
    asked = time;
    *ret_end = (double)mktime(&asked);
    if (*ret_end > now)
        return 0;
    time.tm_mday++;
    *ret_end = (double)mktime(&time);
    return 0;
}

int until_parse(char *const *words, size_t count, double now, double *ret_end, struct error *err)
{
    uint64_t ms;

    if (count == 2 && strcmp(words[0], "until") == 0)
        return find_time_of_day(words[1], now, ret_end, err);
    if (strcmp(words[0], "until") == 0)
        return refuse(err, words[0], "time alone");
    if (count != 1 || number_parse_duration(slice_from_text(words[0]), &ms) < 0 || ms == 0)
        return refuse(err, words[0], "duration");
    *ret_end = now + (double)ms / 1000;
    return 0;
}
