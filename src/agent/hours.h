/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Working hours on the clock of the wall: whether it is that time now, and whether it soon will be.
 * Asked at each change and once a minute, because that clock leaps: with summer time, and when
 * somebody sets it.
 */
#pragma once

#include "core/words.h"
#include "lang/calendar.h"

#include <uv.h>

struct hours {
    const struct calendar *calendar;
    uint64_t closing_ms; /* so long before the hours nothing is begun any more */
    uv_timer_t timer;
    void (*on_lasts)(void *userdata, enum owner_reason reason, bool holds);
    void *userdata;
};

/* Calls back at once, and then whenever the timer looks; nothing is looked at without hours. */
void hours_begin(struct hours *hours, uv_loop_t *loop);

/* How long the working hours go on that it is now; false if they never end. */
bool hours_find_end(const struct hours *hours, uint64_t *ret_ms);

/* How long it is before they begin, 0 if it is that time; false if they never do. */
bool hours_find_begin(const struct hours *hours, uint64_t *ret_ms);

/* What holds at this wall time, for the test: OWNER_REASON_NONE, _HOURS or _CLOSING. */
enum owner_reason hours_look(const struct calendar *calendar, uint64_t closing_ms,
                             int64_t local_minute);
