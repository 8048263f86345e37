/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What users do to jobs and tasks that are there: remove, hold, release.
 *
 * A task that runs changes its state at once, and its claim is told to stop; it stays claimed until
 * the node has let go. A task that has not started becomes an object when it is named alone; when
 * the whole job is meant, the job's flags do.
 */
#include "core/pool_internal.h"

#include <assert.h>

static enum task_state choice_target(enum pool_event_kind kind)
{
    if (kind == POOL_REMOVE)
        return TASK_REMOVED;
    return kind == POOL_HOLD ? TASK_HELD : TASK_IDLE;
}

static bool choice_applies(enum task_state from, enum task_state to)
{
    if (to == TASK_IDLE)
        return from == TASK_HELD;
    return from != to && !task_state_is_over(from);
}

/* Asks the node to let go of an attempt whose task is wanted no more, or not now. */
static void stop_claim(struct pool *pool, struct pool_task *task, struct pool_effects *effects)
{
    if (task->phase == CLAIM_NONE || task->stopping)
        return;
    if (task->phase == CLAIM_COLLECTING) {
        /* Nothing runs any more; what it left is not wanted. */
        pool_send_forget(pool, task->row.node, task->row.epoch, effects);
        pool_end_claim(pool, task);
        return;
    }
    task->stopping = true;
    if (pool->nodes[task->row.node].connected)
        pool_send(pool, effects, POOL_SEND_STOP, task, REASON_BY_USER);
}

static bool choose_task(struct pool *pool, struct pool_task *task, enum task_state to,
                        struct pool_effects *effects)
{
    if (!choice_applies(task->row.state, to))
        return false;
    if (task->returned)
        pool_unqueue_returned(pool, task);
    pool_move_task(pool, task, to, REASON_BY_USER, effects);
    if (to != TASK_IDLE)
        stop_claim(pool, task, effects);
    pool_save_task(task, effects);
    if (to == TASK_IDLE && task->phase == CLAIM_NONE)
        pool_queue_returned(pool, task);
    pool_release_task(pool, task);
    return true;
}

/* The tasks of the job that never started: no objects, so the job's row says it for all. */
static uint32_t choose_unstarted(struct pool *pool, struct pool_job *job, enum task_state to)
{
    enum task_state from = job->row.held ? TASK_HELD : TASK_IDLE;
    uint32_t count = pool_count_unstarted(job);

    if (job->row.removed || count == 0 || !choice_applies(from, to))
        return 0;
    pool->counts.by_state[from] -= count;
    pool->counts.by_state[to] += count;
    job->row.held = to == TASK_HELD;
    job->row.removed = to == TASK_REMOVED;
    if (to == TASK_REMOVED)
        job->row.removed_count += count;
    return count;
}

/* No task of the part will start any more: its next one lies behind its end. */
static void part_close(struct pool *pool, struct pool_job *job, struct pool_part_object *part)
{
    uint32_t end = part->row.first + part->row.count;

    if (part->row.next != end)
        pool_touch_part(pool, part);
    part->row.next = end;
    job->ahead = 0;
}

static uint32_t choose_job(struct pool *pool, struct pool_job *job, enum task_state to,
                           struct pool_effects *effects)
{
    uint32_t changed = choose_unstarted(pool, job, to);
    uint32_t next;

    if (to == TASK_REMOVED)
        for (uint32_t i = 0; i < job->part_count; i++)
            part_close(pool, job, &job->parts[i]);
    for (uint32_t t = job->tasks.first; t != NONE; t = next) {
        next = pool->tasks[t].of_job.next;
        if (choose_task(pool, &pool->tasks[t], to, effects))
            changed++;
        else
            pool_release_task(pool, &pool->tasks[t]);
    }
    for (uint32_t i = 0; i < job->part_count; i++)
        pool_queue_part(pool, &job->parts[i]);
    pool_touch_job(pool, job);
    return changed;
}

/*
 * The task as an object, made one if it has not started and the choice changes it; NULL if there is
 * nothing to change.
 */
static struct pool_task *single_out(struct pool *pool, struct pool_job *job, uint32_t number,
                                    enum task_state to)
{
    struct pool_task *task = pool_find_task(pool, job->row.job, number);
    struct pool_part_object *part = pool_find_part(job, number);

    assert(part);
    if (task)
        return choice_applies(task->row.state, to) ? task : NULL;
    if (number < part->row.next || !choice_applies(job->row.held ? TASK_HELD : TASK_IDLE, to))
        return NULL;
    job->ahead++;
    return pool_add_task(pool, job, part, number);
}

static uint32_t choose_one(struct pool *pool, struct pool_job *job, uint32_t number,
                           enum task_state to, struct pool_effects *effects)
{
    struct pool_task *task = single_out(pool, job, number, to);

    if (!task)
        return 0;
    choose_task(pool, task, to, effects);
    pool_queue_part(pool, pool_find_part(job, number));
    return 1;
}

void pool_choose(struct pool *pool, const struct pool_event *event, struct pool_effects *effects)
{
    enum task_state to = choice_target(event->kind);
    struct pool_job *job = pool_find_job(pool, event->choice.job);
    uint32_t number = event->choice.task;
    uint32_t changed;

    if (!job) {
        pool_emit_reply(effects, event->caller, POOL_REPLY_NO_SUCH_JOB, 0);
        return;
    }
    if (number != NONE && number >= job->task_count) {
        pool_emit_reply(effects, event->caller, POOL_REPLY_NO_SUCH_TASK, 0);
        return;
    }
    changed = number == NONE ? choose_job(pool, job, to, effects)
                             : choose_one(pool, job, number, to, effects);
    pool_emit_reply(effects, event->caller, changed > 0 ? POOL_REPLY_DONE : POOL_REPLY_WRONG_STATE,
                    changed);
}
