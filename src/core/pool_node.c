/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes: who may connect, what their reports mean for the claims they hold, and the end of leases.
 *
 * A report says what is. Each claim that it lists is confirmed, and renewed if the report was full;
 * a claim that a full report does not list is gone if the agent has accepted its epoch or a higher
 * one, for it refuses older ones for ever; otherwise its start is still on the way, or was lost and
 * is sent again. An attempt that is listed but has no claim here is to be forgotten. Nothing else
 * is ever concluded from silence but that the lease runs out.
 */
#include "core/pool_internal.h"

#include "base/memory.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum {
    /* A start that two full reports did not show was lost; one may have crossed it on the way. */
    REPORTS_UNTIL_RESENT = 2,
    /* A node that takes no start does not keep its task for ever: then the lease runs out. */
    STARTS_REPEATED_MAX = 5,
    /* More starts than were ever lost with a copy, and too few to count through 64 bits with. */
    EPOCHS_LIFTED_MAX = 1 << 30,
    /* A connection that was silent for this many heartbeats may be replaced by a new one. */
    HEARTBEATS_UNTIL_SILENT = 2,
    NODE_NUMBER_MAX = 1 << 20,
    /* An end that moves by less is the same: it came on ways that take their time. */
    END_MOVES_MS = 5000
};

struct pool_node *pool_find_node(const struct pool *pool, uint32_t number)
{
    if (number >= pool->node_count || !pool->nodes[number].known)
        return NULL;
    return &pool->nodes[number];
}

int pool_reserve_node(struct pool *pool, uint32_t number)
{
    size_t needed = (size_t)number + 1;
    size_t more = needed > pool->node_count ? needed - pool->node_count : 0;

    if (needed > NODE_NUMBER_MAX)
        return -E2BIG;
    if (!array_try_reserve(pool->nodes, pool->node_capacity, needed) ||
        !array_try_reserve(pool->fresh_nodes, pool->fresh_node_capacity, needed) ||
        !array_try_reserve(pool->tempting_nodes, pool->tempting_node_capacity, needed) ||
        !heap_try_reserve(&pool->sleepers, needed) || pool_reserve_node_class(pool, 0) < 0 ||
        pool_reserve_members(pool, 0, more) < 0)
        return -ENOMEM;
    for (; pool->node_count < needed; pool->node_count++) {
        struct pool_node *node = &pool->nodes[pool->node_count];

        *node = (struct pool_node){.row.node = (uint32_t)pool->node_count,
                                   .claims = POOL_LIST_INIT,
                                   .lent_until_ms = UINT64_MAX};
        pool_join_class(pool, node, 0);
    }
    return 0;
}

static enum pool_reply node_admission(const struct pool *pool, const struct pool_node *node,
                                      const struct pool_event *event)
{
    uint64_t silent_ms = HEARTBEATS_UNTIL_SILENT * pool->options.heartbeat_ms;

    if (node->row.forgotten)
        return POOL_REPLY_NODE_IS_FORGOTTEN;
    if (node->row.machine != 0 && node->row.machine != event->connected.machine)
        return POOL_REPLY_NODE_IS_CLONE;
    if (node->connected && node->session != event->connected.session &&
        pool->now_ms - node->heard_ms < silent_ms)
        return POOL_REPLY_NODE_IS_CONNECTED;
    return POOL_REPLY_NODE_ACCEPTED;
}

static void node_close_session(const struct pool_node *node, struct pool_effects *effects)
{
    struct pool_effect *effect = pool_emit(effects, POOL_CLOSE_SESSION);

    effect->send.node = node->row.node;
    effect->send.session = node->session;
}

void pool_node_connected(struct pool *pool, const struct pool_event *event,
                         struct pool_effects *effects)
{
    struct pool_node *node = &pool->nodes[event->connected.node];
    enum pool_reply reply = node_admission(pool, node, event);

    pool_emit_reply(effects, event->caller, reply, 0);
    if (reply != POOL_REPLY_NODE_ACCEPTED)
        return;
    if (node->connected && node->session != event->connected.session)
        node_close_session(node, effects);
    if (pool_wake_up(pool, node) || node->row.machine != event->connected.machine || !node->known) {
        node->row.machine = event->connected.machine;
        pool_emit(effects, POOL_SAVE_NODE)->node = node->row;
    }
    node->known = true;
    node->connected = true;
    node->synchronised = false;
    node->leaving = false;
    node->session = event->connected.session;
    node->heard_ms = pool->now_ms;
    node->capacity = event->connected.capacity;
    pool_place_waker(pool, node);
    pool_place_node(pool, node);
}

void pool_node_disconnected(struct pool *pool, const struct pool_event *event)
{
    struct pool_node *node = pool_find_node(pool, event->disconnected.node);

    if (!node || !node->connected || node->session != event->disconnected.session)
        return;
    node->connected = false;
    node->synchronised = false;
    pool_drop_expectation(pool, node);
    pool_place_waker(pool, node);
    pool_place_node(pool, node);
}

void pool_node_forgotten(struct pool *pool, const struct pool_event *event,
                         struct pool_effects *effects)
{
    struct pool_node *node = pool_find_node(pool, event->forgotten_node);

    if (!node || node->row.forgotten) {
        pool_emit_reply(effects, event->caller, POOL_REPLY_WRONG_STATE, 0);
        return;
    }
    /* Its claims run out like those of a node that was switched off: it may still be computing. */
    node->row.forgotten = true;
    pool_emit(effects, POOL_SAVE_NODE)->node = node->row;
    if (node->connected)
        node_close_session(node, effects);
    node->connected = false;
    node->synchronised = false;
    pool_forget_sleeper(pool, node);
    pool_place_waker(pool, node);
    pool_place_node(pool, node);
    pool_emit_reply(effects, event->caller, POOL_REPLY_DONE, node->claim_count);
}

void pool_send_forget(const struct pool *pool, uint32_t number, uint64_t epoch,
                      struct pool_effects *effects)
{
    const struct pool_node *node = &pool->nodes[number];
    struct pool_effect *effect;

    /* Without a connection the node learns it when it reports the attempt again. */
    if (!node->connected)
        return;
    effect = pool_emit(effects, POOL_SEND_FORGET);
    effect->send.node = number;
    effect->send.session = node->session;
    effect->send.epoch = epoch;
}

/* Epoch 0 renews nothing: it only tells the agent that its report was heard. */
static void send_renewal(const struct pool *pool, const struct pool_node *node, uint64_t epoch,
                         struct pool_effects *effects)
{
    struct pool_effect *effect = pool_emit(effects, POOL_SEND_RENEW);

    effect->send.epoch = epoch;
    effect->send.node = node->row.node;
    effect->send.session = node->session;
    effect->send.answers_ms = node->answers_ms;
    effect->send.lease_ms = pool->options.lease_ms;
}

/* The result is on the node; its outputs must come before it is recorded. */
static void claim_collect(struct pool *pool, struct pool_task *task, struct pool_effects *effects)
{
    uint64_t session = pool->nodes[task->row.node].session;

    if (task->phase == CLAIM_COLLECTING && task->collect_session == session)
        return;
    pool_move_claim(task, CLAIM_COLLECTING);
    task->collect_session = session;
    pool_send(pool, effects, POOL_COLLECT, task, REASON_ENDED_BY_ITSELF);
}

static void claim_failed(struct pool *pool, struct pool_task *task, enum reason reason,
                         struct pool_effects *effects)
{
    if (task->row.state == TASK_RUNNING || task->row.state == TASK_SUSPENDED)
        pool_move_task(pool, task, TASK_HELD, reason, effects);
    pool_return_task(pool, task, reason, effects);
}

static void claim_ended(struct pool *pool, struct pool_task *task,
                        const struct pool_report_item *item, struct pool_effects *effects)
{
    bool wanted = !task->stopping;

    if (wanted && item->outcome == OUTCOME_EXITED) {
        claim_collect(pool, task, effects);
        return;
    }
    pool_send_forget(pool, task->row.node, item->epoch, effects);
    if (wanted && item->outcome == OUTCOME_FAILED)
        claim_failed(pool, task, item->reason, effects);
    else
        pool_return_task(pool, task, item->reason, effects);
}

static void claim_shown(struct pool *pool, struct pool_task *task, enum task_state state,
                        enum reason reason, struct pool_effects *effects)
{
    if (task->phase == CLAIM_OFFERED)
        pool_move_claim(task, CLAIM_CONFIRMED);
    if (task->stopping) {
        /* The node may have missed it; saying it again does no harm. */
        pool_send(pool, effects, POOL_SEND_STOP, task, REASON_BY_USER);
        return;
    }
    if (task->row.state == state)
        return;
    pool_move_task(pool, task, state, reason, effects);
    pool_save_task(task, effects);
}

/* Nodes list attempts as they got them, and so do we: mostly it is the claim that `next` names. */
static struct pool_task *find_listed(const struct pool *pool, uint64_t epoch, uint32_t *next)
{
    struct pool_task *task = *next == NONE ? NULL : &pool->tasks[*next];

    if (!task || task->row.epoch != epoch)
        task = pool_find_claim(pool, epoch);
    if (task)
        *next = task->of_node.next;
    return task;
}

static void report_item(struct pool *pool, struct pool_node *node, const struct pool_report *report,
                        const struct pool_report_item *item, struct pool_task *task,
                        struct pool_effects *effects)
{
    if (!task || task->row.node != node->row.node) {
        pool_send_forget(pool, node->row.node, item->epoch, effects);
        return;
    }
    task->seen_report = node->report_count;
    if (report->full) {
        pool_renew_claim(pool, task);
        send_renewal(pool, node, item->epoch, effects);
    }
    switch (item->state) {
    case ATTEMPT_PREPARING:
        claim_shown(pool, task, task->row.state, REASON_NONE, effects);
        break;
    case ATTEMPT_RUNNING:
        claim_shown(pool, task, TASK_RUNNING, item->reason, effects);
        break;
    case ATTEMPT_SUSPENDED:
        claim_shown(pool, task, TASK_SUSPENDED, item->reason, effects);
        break;
    case ATTEMPT_ENDED:
        claim_ended(pool, task, item, effects);
        break;
    case ATTEMPT_STATE_COUNT:
        abort();
    }
    if (item->checkpoint != 0)
        pool_checkpoint_shown(pool, item->epoch, item->checkpoint, effects);
}

/*
 * Whether the start of a claim that the report does not show must be sent again: it was sent in
 * another session, or its lease is over and the node will not take it any more, or it was lost.
 */
static bool start_was_in_vain(const struct pool_node *node, const struct pool_report *report,
                              struct pool_task *task)
{
    if (task->start_session != node->session || report->sent_ms >= task->start_end_ms)
        return true;
    return ++task->reports_since >= REPORTS_UNTIL_RESENT;
}

/* Looks at the claims of a node that its full report did not list. */
static void report_missing(struct pool *pool, struct pool_node *node,
                           const struct pool_report *report, struct pool_effects *effects)
{
    uint32_t next;

    for (uint32_t t = node->claims.first; t != NONE; t = next) {
        struct pool_task *task = &pool->tasks[t];

        next = task->of_node.next;
        if (task->seen_report == node->report_count)
            continue;
        if (task->row.epoch <= report->highest_epoch) {
            pool_return_task(pool, task, REASON_AGENT_LOST_IT, effects);
            continue;
        }
        if (task->stopping) {
            /* It never arrived in this session, and older sessions are closed to the agent. */
            if (task->start_session != node->session)
                pool_return_task(pool, task, REASON_AGENT_LOST_IT, effects);
            continue;
        }
        if (!start_was_in_vain(node, report, task) || task->starts_repeated == STARTS_REPEATED_MAX)
            continue;
        pool_send_start(pool, task, effects);
        pool_renew_claim(pool, task);
        task->starts_repeated++;
    }
}

/*
 * A node has accepted what this pool never gave: the rows are older than the node, restored from a
 * copy. Epochs go on above it, or the node would refuse every start until they had caught up. One
 * report lifts them by so much at most that no node can use them up.
 */
static void lift_epoch(struct pool *pool, uint64_t highest)
{
    if (highest <= pool->epoch)
        return;
    pool->epoch =
        highest - pool->epoch < EPOCHS_LIFTED_MAX ? highest : pool->epoch + EPOCHS_LIFTED_MAX;
}

/* The same end is told with each report, and is news only if it is another one. */
void pool_hear_end(const struct pool *pool, struct pool_node *node, uint64_t lent_ms)
{
    uint64_t until_ms = lent_ms > 0 ? pool_later_ms(pool, lent_ms) : UINT64_MAX;
    uint64_t before_ms = node->lent_until_ms;
    uint64_t moved_ms = until_ms > before_ms ? until_ms - before_ms : before_ms - until_ms;

    if (moved_ms >= END_MOVES_MS)
        node->lent_until_ms = until_ms;
}

void pool_node_reported(struct pool *pool, const struct pool_report *report,
                        struct pool_effects *effects)
{
    struct pool_node *node = pool_find_node(pool, report->node);
    uint32_t next;

    if (!node || !node->connected || node->session != report->session)
        return;
    next = node->claims.first;
    node->heard_ms = pool->now_ms;
    node->report_count++;
    node->answers_ms = report->sent_ms;
    node->owner_present = report->owner_present;
    node->leaving = report->leaving;
    pool_hear_end(pool, node, report->lent_ms);
    for (size_t i = 0; i < report->item_count; i++) {
        struct pool_task *task = find_listed(pool, report->items[i].epoch, &next);

        report_item(pool, node, report, &report->items[i], task, effects);
    }
    if (report->full) {
        report_missing(pool, node, report, effects);
        lift_epoch(pool, report->highest_epoch);
        node->synchronised = true;
    }
    pool_hear_sleep(pool, node, report->asleep, effects);
    /* To who wants to sleep and shall not, the answer is none: he asks again. */
    if (report->full && report->asleep == node->row.asleep)
        send_renewal(pool, node, 0, effects);
    pool_place_waker(pool, node);
    pool_place_node(pool, node);
}

void pool_collected(struct pool *pool, const struct pool_event *event, struct pool_effects *effects)
{
    struct pool_task *task = pool_find_claim(pool, event->collected.epoch);

    if (!task || task->phase != CLAIM_COLLECTING)
        return;
    pool_send_forget(pool, task->row.node, task->row.epoch, effects);
    if (event->collected.failure != REASON_NONE) {
        claim_failed(pool, task, event->collected.failure, effects);
        return;
    }
    pool_move_task(pool, task, TASK_COMPLETED, REASON_ENDED_BY_ITSELF, effects);
    pool_return_task(pool, task, REASON_ENDED_BY_ITSELF, effects);
}

void pool_refused(struct pool *pool, const struct pool_event *event, struct pool_effects *effects)
{
    struct pool_task *task = pool_find_claim(pool, event->collected.epoch);

    if (!task || task->phase != CLAIM_OFFERED)
        return;
    if (task->starts_repeated == 0) {
        claim_failed(pool, task, event->collected.failure, effects);
        return;
    }
    /* The node may have it all the same: the claim stands until that is known. */
    if (task->stopping)
        return;
    task->stopping = true;
    pool_move_task(pool, task, TASK_HELD, event->collected.failure, effects);
    pool_save_task(task, effects);
}

/* A node that let a lease run out is offered nothing until it is heard again. */
static void expire_claim(struct pool *pool, struct pool_task *task, struct pool_effects *effects)
{
    pool->nodes[task->row.node].synchronised = false;
    pool_return_task(pool, task, REASON_LEASE_ENDED, effects);
}

void pool_expire_claims(struct pool *pool, struct pool_effects *effects)
{
    for (int i = 0; i < EXPIRIES_PER_STEP; i++) {
        struct pool_task *first = pool_first_to_expire(pool);

        if (!first || first->expires_ms > pool->now_ms)
            return;
        expire_claim(pool, first, effects);
    }
}
