/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has to leave a node although the task is wanted. It is Idle then, but stays claimed until the
 * node has let go, as after a user's hold and release. A result whose outputs are on their way is
 * there already: it is waited for.
 *
 * A node that is drained gets nothing new. What it has goes on to its end, or leaves at once.
 *
 * A task that was suspended for long leaves if there is another node for it. The pass over them
 * comes after the one that joins ready work and free nodes: what is offered then, nobody waits for.
 * The room is promised to whoever leaves for it, so that two do not leave for the same; promised
 * room is held back from nobody else. Who finds no node is looked at again each heartbeat.
 */
#include "core/pool_internal.h"

/* Where a task has just begun it stays so long, that it does not flee from node to node. */
enum { STAYS_MS = 30000 };

void pool_tell_to_leave(struct pool *pool, struct pool_task *task, enum reason reason,
                        struct pool_effects *effects)
{
    if (task->stopping || task->phase == CLAIM_COLLECTING)
        return;
    pool_move_task(pool, task, TASK_IDLE, reason, effects);
    task->stopping = true;
    /* Without a connection the node learns it when it reports the attempt again. */
    if (pool->nodes[task->row.node].connected)
        pool_send(pool, effects, POOL_SEND_STOP, task, reason);
    pool_save_task(task, effects);
}

void pool_node_drained(struct pool *pool, const struct pool_event *event,
                       struct pool_effects *effects)
{
    struct pool_node *node = pool_find_node(pool, event->drained.node);
    bool drained = event->drained.drained;

    if (!node || node->row.forgotten) {
        pool_emit_reply(effects, event->caller, POOL_REPLY_WRONG_STATE, 0);
        return;
    }
    if (node->row.drained != drained) {
        node->row.drained = drained;
        pool_emit(effects, POOL_SAVE_NODE)->node = node->row;
    }
    if (drained && event->drained.now)
        for (uint32_t t = node->claims.first; t != NONE; t = pool->tasks[t].of_node.next)
            pool_tell_to_leave(pool, &pool->tasks[t], REASON_NODE_DRAINED, effects);
    pool_place_node(pool, node);
    pool_emit_reply(effects, event->caller, POOL_REPLY_DONE, node->claim_count);
}

struct pool_task *pool_first_to_look_at(const struct pool *pool)
{
    uint32_t first = pool->suspended.first, waiting = pool->waiting_to_move.first;

    if (first == NONE ||
        (waiting != NONE && pool->tasks[waiting].look_ms < pool->tasks[first].look_ms))
        first = waiting;
    return first == NONE ? NULL : &pool->tasks[first];
}

/* All of a list wait equally long, so the last one is the last to be looked at. */
void pool_watch_suspended(struct pool *pool, struct pool_task *task)
{
    if (pool->options.move_suspended_ms == 0)
        return;
    task->look_ms = pool->now_ms + pool->options.move_suspended_ms;
    POOL_LIST_APPEND(&pool->suspended, pool->tasks, pool_task_index(pool, task), of_suspended);
}

void pool_unwatch_suspended(struct pool *pool, struct pool_task *task)
{
    struct pool_list *list = task->waits_to_move ? &pool->waiting_to_move : &pool->suspended;

    if (task->look_ms == 0)
        return;
    POOL_LIST_REMOVE(list, pool->tasks, pool_task_index(pool, task), of_suspended);
    task->waits_to_move = false;
    task->look_ms = 0;
}

static void look_again(struct pool *pool, struct pool_task *task)
{
    pool_unwatch_suspended(pool, task);
    task->waits_to_move = true;
    task->look_ms = pool->now_ms + pool->options.heartbeat_ms;
    POOL_LIST_APPEND(&pool->waiting_to_move, pool->tasks, pool_task_index(pool, task),
                     of_suspended);
}

/*
 * A node that is not heard could not be told, and the lease of what is there ends soon. What is
 * frozen because its lease has ended goes on as soon as the node hears that it is renewed: that it
 * may be reported after a time without a server is no reason to throw it away.
 */
static bool may_move(const struct pool *pool, const struct pool_task *task)
{
    const struct pool_node *node = &pool->nodes[task->row.node];

    return task->phase != CLAIM_COLLECTING && node->connected && node->owner_present &&
           pool->now_ms - task->begun_ms >= STAYS_MS;
}

static void look_at_suspended(struct pool *pool, struct pool_task *task,
                              struct pool_effects *effects)
{
    struct pool_node *node = may_move(pool, task) ? pool_offer_elsewhere(pool, task) : NULL;

    if (!node) {
        look_again(pool, task);
        return;
    }
    pool_tell_to_leave(pool, task, REASON_SUSPENDED_TOO_LONG, effects);
    task->promised_node = node->row.node;
    resources_give(&node->promised, &task->part->row.request);
}

void pool_move_suspended(struct pool *pool, struct pool_effects *effects)
{
    /* While work is still to be joined with nodes, there is no telling what is left of them. */
    if (pool_schedule_is_due(pool))
        return;
    for (int i = 0; i < LOOKS_PER_STEP; i++) {
        struct pool_task *first = pool_first_to_look_at(pool);

        if (!first || first->look_ms > pool->now_ms)
            return;
        look_at_suspended(pool, first, effects);
    }
}

void pool_drop_promise(struct pool *pool, struct pool_task *task)
{
    if (task->promised_node == NONE)
        return;
    resources_take(&pool->nodes[task->promised_node].promised, &task->part->row.request);
    task->promised_node = NONE;
}
