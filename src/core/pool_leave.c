/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has to leave a node although its task is wanted.
 *
 * A node that is drained gets nothing new. What it has goes on to its end, or is told to leave at
 * once; then its task is Idle, but stays claimed until the node has let go, as after a user's hold
 * and release. A result whose outputs are on their way is there already: it is waited for.
 */
#include "core/pool_internal.h"

static void tell_to_leave(struct pool *pool, struct pool_task *task, enum reason reason,
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
            tell_to_leave(pool, &pool->tasks[t], REASON_NODE_DRAINED, effects);
    pool_place_node(pool, node);
    pool_emit_reply(effects, event->caller, POOL_REPLY_DONE, node->claim_count);
}
