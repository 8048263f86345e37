/* SPDX-License-Identifier: Apache-2.0 */
/* See tidying.h. The delay lets a row of short tasks of one user pass with one child at its end. */
#define _GNU_SOURCE
#include "tidying.h"

#include "base/memory.h"
#include "body.h"
#include "runtime/leavings.h"
#include "sys/log.h"

#include <time.h>

enum { DELAY_MS = 5000 };

/* What a child needs to know. */
struct tidying_round {
    struct timespec before;
    uid_t *uids; /* owned */
    size_t count;
};

static bool has_tasks(const struct body *body, uid_t uid)
{
    for (size_t i = 0; i < body->attempts.count; i++)
        if (body->attempts.items[i]->identity.uid == uid)
            return true;
    return false;
}

/* Takes those who have no task here; the others come again when theirs has gone. */
static struct tidying_round *take_round(struct body *body)
{
    struct tidying_round *round = memory_allocate(sizeof(*round));
    struct tidying *tidying = &body->tidying;

    *round = (struct tidying_round){0};
    round->uids = memory_allocate((tidying->count + 1) * sizeof(*round->uids));
    for (size_t i = 0; i < tidying->count; i++)
        if (!has_tasks(body, tidying->uids[i]))
            round->uids[round->count++] = tidying->uids[i];
    tidying->count = 0;
    clock_gettime(CLOCK_REALTIME, &round->before);
    return round;
}

static int run_round(void *context, struct error *err)
{
    const struct tidying *tidying = context;
    const struct tidying_round *round = tidying->round;

    return leavings_remove(round->uids, round->count, round->before, err);
}

/* Frees the round. */
static void end_round(struct tidying *tidying, int result, const struct error *err)
{
    if (result < 0)
        log_warning("cannot remove all that tasks have left: %s", error_text(err));
    free(tidying->round->uids);
    free(tidying->round);
    tidying->round = NULL;
}

static void on_done(void *context, int result, const struct error *err)
{
    struct tidying *tidying = context;

    tidying->errand = NULL;
    end_round(tidying, result, err);
}

static void on_due(uv_timer_t *timer)
{
    struct body *body = timer->data;
    struct tidying *tidying = &body->tidying;
    const struct errand_task task = {.run = run_round, .on_done = on_done, .context = tidying};
    _cleanup_error_ struct error err = ERROR_INIT;
    int r = 0;

    if (tidying->errand) {
        uv_timer_start(timer, on_due, DELAY_MS, 0);
        return;
    }
    tidying->round = take_round(body);
    if (tidying->round->count > 0)
        r = errand_start(&body->loop, &task, &tidying->errand, &err);
    if (!tidying->errand)
        end_round(tidying, r, &err);
}

void tidying_init(struct body *body)
{
    uv_timer_init(&body->loop, &body->tidying.timer);
    body->tidying.timer.data = body;
}

void tidying_deinit(struct body *body)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    struct tidying *tidying = &body->tidying;

    uv_timer_stop(&tidying->timer);
    if (tidying->errand) {
        errand_cancel(tidying->errand);
        on_done(tidying, run_round(tidying, &err), &err);
    }
    if (tidying->count > 0) {
        tidying->round = take_round(body);
        end_round(tidying, run_round(tidying, &err), &err);
    }
    free(tidying->uids);
    tidying->uids = NULL;
    tidying->capacity = 0;
}

void tidying_note(struct body *body, const struct attempt *attempt)
{
    struct tidying *tidying = &body->tidying;
    uid_t uid = attempt->identity.uid;
    bool is_noted = false;

    if (!attempt->identity.becomes_user)
        return;
    for (size_t i = 0; i < tidying->count; i++)
        is_noted = is_noted || tidying->uids[i] == uid;
    if (!is_noted) {
        array_reserve(tidying->uids, tidying->capacity, tidying->count + 1);
        tidying->uids[tidying->count++] = uid;
    }
    if (!uv_is_active((uv_handle_t *)&tidying->timer))
        uv_timer_start(&tidying->timer, on_due, DELAY_MS, 0);
}
