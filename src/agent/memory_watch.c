/* SPDX-License-Identifier: Apache-2.0 */
/* See memory_watch.h. */
#include "memory_watch.h"

#include "body.h"
#include "presence/reading.h"
#include "sys/log.h"

enum { LOOK_MS = 10000, LOOK_MIN_MS = 500 };

static void tell(struct body *body, bool is_short)
{
    struct agent_event event = {.kind = is_short ? AGENT_MEMORY_SHORT : AGENT_MEMORY_ENOUGH};

    if (is_short == body->memory_watch.is_short)
        return;
    log_debug("memory: %s", is_short ? "short" : "enough");
    body->memory_watch.is_short = is_short;
    body_post(body, &event);
}

static void on_look(uv_timer_t *timer)
{
    tell(timer->data, reading_memory_is_short("/proc"));
}

/* The first look comes with what was asked for at the latest, and never in the moment of a key. */
static uint64_t look_ms(const struct body *body)
{
    uint64_t within_ms = body->options.settings->give_back_memory_within_ms;

    if (within_ms >= LOOK_MS)
        return LOOK_MS;
    return within_ms > LOOK_MIN_MS ? within_ms : LOOK_MIN_MS;
}

void memory_watch_init(struct body *body)
{
    uv_timer_init(&body->loop, &body->memory_watch.timer);
    body->memory_watch.timer.data = body;
}

void memory_watch_follow(struct body *body)
{
    uv_timer_t *timer = &body->memory_watch.timer;
    bool is_wanted = agent_owner(body->brain) == OWNER_PRESENT && agent_has_work(body->brain);

    if (is_wanted == (uv_is_active((uv_handle_t *)timer) != 0))
        return;
    if (is_wanted) {
        uv_timer_start(timer, on_look, look_ms(body), look_ms(body));
        return;
    }
    uv_timer_stop(timer);
    tell(body, false);
}
