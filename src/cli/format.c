/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See format.h. Rounded for reading: three digits are what the eye takes in, and whoever wants to
 * compute takes the bare values of -af or --json.
 */
#define _GNU_SOURCE
#include "format.h"

#include <inttypes.h>
#include <time.h>

void format_size(struct buffer *buffer, uint64_t bytes)
{
    static const char units[] = "BKMGTPE";
    double value = (double)bytes;
    size_t unit = 0;

    /* From 999.5 on, rounding would show a fourth digit where the next unit shows two. */
    while (value >= 999.5 && units[unit + 1] != '\0') {
        value /= 1024;
        unit++;
    }
    if (unit > 0 && value < 9.95)
        buffer_appendf(buffer, "%.1f%c", value, units[unit]);
    else
        buffer_appendf(buffer, "%.0f%c", value, units[unit]);
}

/* As HTCondor writes it, with the days in front of a '+'; short ones in seconds. */
void format_duration(struct buffer *buffer, double seconds)
{
    uint64_t whole;

    /* Clocks of two computers may differ by a little. */
    if (!(seconds > 0))
        seconds = 0;
    if (seconds < 59.95) {
        buffer_appendf(buffer, seconds < 9.995 ? "%.2fs" : "%.1fs", seconds);
        return;
    }
    whole = (uint64_t)(seconds + 0.5);
    if (whole >= 86400)
        buffer_appendf(buffer, "%" PRIu64 "+%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64, whole / 86400,
                       whole / 3600 % 24, whole / 60 % 60, whole % 60);
    else if (whole >= 3600)
        buffer_appendf(buffer, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, whole / 3600,
                       whole / 60 % 60, whole % 60);
    else
        buffer_appendf(buffer, "%" PRIu64 ":%02" PRIu64, whole / 60, whole % 60);
}

static void append_time(struct buffer *buffer, const struct tm *parts, const char *format)
{
    char text[64];

    if (strftime(text, sizeof(text), format, parts) > 0)
        buffer_append_text(buffer, text);
}

void format_time(struct buffer *buffer, double seconds)
{
    time_t moment = (time_t)seconds;
    struct tm parts;

    if (localtime_r(&moment, &parts))
        append_time(buffer, &parts, "%Y-%m-%d %H:%M:%S");
}

/* As much as tells it apart from now: within a day the time of day, within a year the day. */
void format_time_short(struct buffer *buffer, double seconds, double now)
{
    time_t moment = (time_t)seconds, current = (time_t)now;
    struct tm parts, today;

    if (!localtime_r(&moment, &parts) || !localtime_r(&current, &today))
        return;
    if (parts.tm_year != today.tm_year)
        append_time(buffer, &parts, "%Y-%m-%d");
    else if (parts.tm_yday != today.tm_yday)
        append_time(buffer, &parts, "%m-%d %H:%M");
    else
        append_time(buffer, &parts, "%H:%M:%S");
}

void format_count(struct buffer *buffer, uint64_t count, const char *word)
{
    buffer_appendf(buffer, "%" PRIu64 " %s%s", count, word, count == 1 ? "" : "s");
}
