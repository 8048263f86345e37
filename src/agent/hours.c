/* SPDX-License-Identifier: Apache-2.0 */
/* See hours.h. */
#include "hours.h"

#include "sys/clock.h"

enum { LOOK_MS = 60000 };

enum owner_reason hours_look(const struct calendar *calendar, uint64_t closing_ms,
                             int64_t local_minute)
{
    int64_t closing_minutes = (int64_t)((closing_ms + LOOK_MS - 1) / LOOK_MS);

    if (calendar_covers(calendar, local_minute))
        return OWNER_REASON_HOURS;
    if (calendar_next_change(calendar, local_minute) - local_minute <= closing_minutes)
        return OWNER_REASON_CLOSING;
    return OWNER_REASON_NONE;
}

/* At the full minute, at which hours begin and end. */
static void on_minute(uv_timer_t *timer)
{
    struct hours *hours = timer->data;
    double now = clock_wall_seconds();
    uint64_t past_ms = (uint64_t)(now * 1000) % LOOK_MS;
    enum owner_reason reason =
        hours_look(hours->calendar, hours->closing_ms, clock_local_minute((int64_t)now));

    /* What holds now before what does not any more, so that there is no moment between them. */
    if (reason != OWNER_REASON_NONE)
        hours->on_lasts(hours->userdata, reason, true);
    if (reason != OWNER_REASON_CLOSING)
        hours->on_lasts(hours->userdata, OWNER_REASON_CLOSING, false);
    if (reason != OWNER_REASON_HOURS)
        hours->on_lasts(hours->userdata, OWNER_REASON_HOURS, false);
    uv_timer_start(timer, on_minute, LOOK_MS - past_ms, 0);
}

void hours_begin(struct hours *hours, uv_loop_t *loop)
{
    uv_timer_init(loop, &hours->timer);
    hours->timer.data = hours;
    if (hours->calendar->period_count > 0)
        on_minute(&hours->timer);
}

/* When what holds now changes; false if it never does. */
static bool find_change(const struct hours *hours, bool *ret_are_now, uint64_t *ret_ms)
{
    double now = clock_wall_seconds();
    int64_t minute = clock_local_minute((int64_t)now);
    int64_t change = calendar_next_change(hours->calendar, minute);

    *ret_are_now = calendar_covers(hours->calendar, minute);
    if (change == INT64_MAX)
        return false;
    *ret_ms = clock_ms_until(now, change);
    return true;
}

bool hours_find_end(const struct hours *hours, uint64_t *ret_ms)
{
    bool are_now;

    return find_change(hours, &are_now, ret_ms) && are_now;
}

bool hours_find_begin(const struct hours *hours, uint64_t *ret_ms)
{
    bool are_now, will_change = find_change(hours, &are_now, ret_ms);

    if (are_now)
        *ret_ms = 0;
    return are_now || will_change;
}
