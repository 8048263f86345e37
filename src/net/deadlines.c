/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See deadlines.h. libwebsockets has timers per connection, but 4.1 keeps all of a context in one
 * sorted list that is walked from its start for each that is set: with 10,000 connections that
 * costs more than all else in a frame.
 *
 * The timer is not moved whenever the first deadline is. It comes when the one that was the first
 * would have been over, looks who is over now, and waits for whoever is the first then.
 */
#include "deadlines.h"

#include <stddef.h>

enum { READ_FIRST_MS = 1000 };

static void on_timer(uv_timer_t *timer);

static void wait_until(struct deadlines *deadlines, uint64_t due_ms)
{
    uint64_t now_ms = uv_now(deadlines->timer.loop);

    deadlines->due_ms = due_ms;
    uv_timer_start(&deadlines->timer, on_timer, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

/*
 * libuv runs its timers before it looks at the sockets. Where the whole process stood still (it was
 * stopped, the computer slept, a disk did not answer), what came meanwhile has not been read, and
 * nobody may be called late for it.
 */
static bool was_asleep(const struct deadlines *deadlines)
{
    return uv_now(deadlines->timer.loop) >= deadlines->due_ms + deadlines->length_ms / 2;
}

static void on_timer(uv_timer_t *timer)
{
    struct deadlines *deadlines = timer->data;
    uint64_t now_ms = uv_now(timer->loop);

    if (was_asleep(deadlines)) {
        wait_until(deadlines, now_ms + READ_FIRST_MS);
        return;
    }
    while (deadlines->first && deadlines->first->set_ms + deadlines->length_ms <= now_ms) {
        struct deadline *deadline = deadlines->first;

        deadline_clear(deadline);
        deadlines->on_over(deadline);
    }
    if (deadlines->first)
        wait_until(deadlines, deadlines->first->set_ms + deadlines->length_ms);
}

void deadlines_init(struct deadlines *deadlines, uv_loop_t *loop, uint64_t length_ms,
                    void (*on_over)(struct deadline *deadline))
{
    *deadlines = (struct deadlines){.length_ms = length_ms, .on_over = on_over};
    uv_timer_init(loop, &deadlines->timer);
    deadlines->timer.data = deadlines;
}

static void on_closed(uv_handle_t *handle)
{
    struct deadlines *deadlines = handle->data;

    deadlines->is_closed = true;
}

void deadlines_close(struct deadlines *deadlines)
{
    while (deadlines->first)
        deadline_clear(deadlines->first);
    uv_close((uv_handle_t *)&deadlines->timer, on_closed);
}

void deadline_set(struct deadline *deadline, struct deadlines *deadlines)
{
    deadline_clear(deadline);
    deadline->deadlines = deadlines;
    deadline->set_ms = uv_now(deadlines->timer.loop);
    deadline->next = NULL;
    deadline->previous = deadlines->last;
    if (deadlines->last)
        deadlines->last->next = deadline;
    else
        deadlines->first = deadline;
    deadlines->last = deadline;
    if (!uv_is_active((uv_handle_t *)&deadlines->timer))
        wait_until(deadlines, deadline->set_ms + deadlines->length_ms);
}

void deadline_clear(struct deadline *deadline)
{
    struct deadlines *deadlines = deadline->deadlines;

    if (!deadlines)
        return;
    if (deadline->previous)
        deadline->previous->next = deadline->next;
    else
        deadlines->first = deadline->next;
    if (deadline->next)
        deadline->next->previous = deadline->previous;
    else
        deadlines->last = deadline->previous;
    deadline->deadlines = NULL;
    /* An empty list must not keep a loop from ending. */
    if (!deadlines->first)
        uv_timer_stop(&deadlines->timer);
}
