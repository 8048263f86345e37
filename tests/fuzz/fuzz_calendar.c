/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Working hours and, behind a NUL, holidays, as any bytes: nothing may crash or hang; what was
 * understood is written so that it reads back to the same; and the next change is where what is
 * covered changes, and not before.
 */
#include "base/memory.h"
#include "lang/calendar.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* 2026-11-26 00:00, where the walk begins. */
enum { FIRST_MINUTE = 20783 * 1440 };
/* Of the walk; and how many minutes of each step are looked at, when it is a long one. */
enum { CHANGES_MAX = 20, LOOKS_MAX = 50 };

static void write_all(const struct calendar *calendar, struct buffer *hours, struct buffer *days)
{
    calendar_write(calendar, hours);
    calendar_write_holidays(calendar, days);
}

static void read_back(const struct calendar *calendar)
{
    _cleanup_calendar_ struct calendar again = CALENDAR_INIT;
    _cleanup_buffer_ struct buffer hours = BUFFER_INIT, days = BUFFER_INIT;
    _cleanup_buffer_ struct buffer hours_again = BUFFER_INIT, days_again = BUFFER_INIT;

    write_all(calendar, &hours, &days);
    if (calendar_parse(buffer_text(&hours), &again, NULL) < 0 ||
        calendar_add_holidays(&again, buffer_text(&days), NULL) < 0)
        abort();
    write_all(&again, &hours_again, &days_again);
    if (strcmp(buffer_text(&hours), buffer_text(&hours_again)) != 0 ||
        strcmp(buffer_text(&days), buffer_text(&days_again)) != 0)
        abort();
    for (int64_t minute = FIRST_MINUTE; minute < FIRST_MINUTE + 8 * 1440; minute += 29)
        if (calendar_covers(calendar, minute) != calendar_covers(&again, minute))
            abort();
}

/* Nothing changes from `minute` to `end`, which does not belong to it. */
static void assert_steady(const struct calendar *calendar, int64_t minute, int64_t end)
{
    bool covered = calendar_covers(calendar, minute);
    int64_t step = (end - minute) / LOOKS_MAX + 1;

    for (int64_t at = minute; at < end; at += step)
        if (calendar_covers(calendar, at) != covered)
            abort();
    if (calendar_covers(calendar, end - 1) != covered)
        abort();
}

static void walk(const struct calendar *calendar)
{
    int64_t minute = FIRST_MINUTE;

    for (int i = 0; i < CHANGES_MAX; i++) {
        int64_t change = calendar_next_change(calendar, minute);
        int64_t horizon = minute + (int64_t)CALENDAR_HORIZON_DAYS * 1440;

        assert_steady(calendar, minute, change < INT64_MAX ? change : horizon + 1);
        if (change == INT64_MAX)
            return;
        if (change > horizon ||
            calendar_covers(calendar, change) == calendar_covers(calendar, minute))
            abort();
        minute = change;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_calendar_ struct calendar calendar = CALENDAR_INIT;
    _cleanup_error_ struct error err = ERROR_INIT;
    _cleanup_free_ char *text = memory_copy_bytes(data, size);
    size_t length = strlen(text);

    /* What is wrong with one of them does not touch the other. */
    (void)calendar_parse(text, &calendar, &err);
    if (length < size)
        (void)calendar_add_holidays(&calendar, text + length + 1, &err);
    read_back(&calendar);
    walk(&calendar);
    return 0;
}
