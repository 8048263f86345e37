/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checkpoints (doc/specification/saving.md): which one of a task counts, and what a node is told of
 * those that it has made.
 *
 * A number that is above the task's is new: its files are brought, and when they are here, it is
 * the task's. One that is not was recorded before, by this very claim, for no attempt begins below
 * its task's number: the node has missed the answer and hears it again. A save changes neither the
 * task's state nor the claim's phase; what is on its way is remembered in no row, because the node
 * reports it until it is answered.
 */
#include "core/pool_internal.h"

/* The task is over for its user, whatever its attempt has saved. */
static bool is_wanted(const struct pool_task *task)
{
    return !task_state_is_over(task->row.state);
}

static void say_saved(const struct pool *pool, const struct pool_task *task, uint64_t checkpoint,
                      enum reason failure, struct pool_effects *effects)
{
    if (!pool->nodes[task->row.node].connected)
        return;
    pool_send(pool, effects, POOL_SEND_SAVED, task, failure);
    effects->items[effects->length - 1].send.checkpoint = checkpoint;
}

bool pool_takes_checkpoint(const struct pool *pool, uint64_t epoch, uint64_t checkpoint)
{
    const struct pool_task *task = pool_find_claim(pool, epoch);

    return task && is_wanted(task) && checkpoint > task->row.checkpoint;
}

void pool_checkpoint_shown(struct pool *pool, uint64_t epoch, uint64_t checkpoint,
                           struct pool_effects *effects)
{
    struct pool_task *task = pool_find_claim(pool, epoch);
    uint64_t session;

    /* What the report says besides may just have ended the claim. */
    if (!task)
        return;
    session = pool->nodes[task->row.node].session;
    if (!is_wanted(task)) {
        pool_send_forget(pool, task->row.node, epoch, effects);
        return;
    }
    if (checkpoint <= task->row.checkpoint) {
        say_saved(pool, task, checkpoint, REASON_NONE, effects);
        return;
    }
    if (task->saving == checkpoint && task->save_session == session)
        return;
    task->saving = checkpoint;
    task->save_session = session;
    pool_send(pool, effects, POOL_COLLECT_CHECKPOINT, task, REASON_NONE);
    effects->items[effects->length - 1].send.checkpoint = checkpoint;
}

void pool_checkpoint_collected(struct pool *pool, const struct pool_event *event,
                               struct pool_effects *effects)
{
    struct pool_task *task = pool_find_claim(pool, event->collected.epoch);
    uint64_t checkpoint = event->collected.checkpoint;

    if (!pool_takes_checkpoint(pool, event->collected.epoch, checkpoint))
        return;
    if (task->saving == checkpoint)
        task->saving = 0;
    if (event->collected.failure == REASON_NONE) {
        task->row.checkpoint = checkpoint;
        pool_save_task(task, effects);
        pool_send(pool, effects, POOL_CHECKPOINTED, task, REASON_NONE);
    }
    say_saved(pool, task, checkpoint, event->collected.failure, effects);
}
