/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Task objects: their states, and the claim that may stand on one.
 *
 * The table below is the whole life of a task as people see it. A claim is separate: a held or
 * removed task may still be claimed by a node that has not let go of it yet, and as long as it is,
 * nobody else gets it. Only pool_move_task() changes a state; it counts and traces. Only
 * pool_move_claim() changes the phase of a claim.
 */
#include "core/pool_internal.h"

#include "base/memory.h"

#include <assert.h>
#include <errno.h>

static const bool task_move_allowed[TASK_STATE_COUNT][TASK_STATE_COUNT] = {
    [TASK_IDLE] = {[TASK_RUNNING] = true, [TASK_HELD] = true, [TASK_REMOVED] = true},
    [TASK_RUNNING] = {[TASK_SUSPENDED] = true,
                      [TASK_IDLE] = true,
                      [TASK_HELD] = true,
                      [TASK_COMPLETED] = true,
                      [TASK_REMOVED] = true},
    [TASK_SUSPENDED] = {[TASK_RUNNING] = true,
                        [TASK_IDLE] = true,
                        [TASK_HELD] = true,
                        [TASK_COMPLETED] = true,
                        [TASK_REMOVED] = true},
    [TASK_HELD] = {[TASK_IDLE] = true, [TASK_REMOVED] = true},
};

/*
 * The life of a claim. Whatever happens, it can end; but it never becomes less than it was, so that
 * a report that was overtaken on its way takes nothing back. Outputs are asked for again in each
 * new session, for those that were on their way broke off with the old one.
 */
static const bool claim_move_allowed[CLAIM_PHASE_COUNT][CLAIM_PHASE_COUNT] = {
    [CLAIM_NONE] = {[CLAIM_OFFERED] = true},
    [CLAIM_OFFERED] = {[CLAIM_CONFIRMED] = true, [CLAIM_COLLECTING] = true, [CLAIM_NONE] = true},
    [CLAIM_CONFIRMED] = {[CLAIM_COLLECTING] = true, [CLAIM_NONE] = true},
    [CLAIM_COLLECTING] = {[CLAIM_COLLECTING] = true, [CLAIM_NONE] = true},
};

static uint64_t task_id_key(uint32_t job, uint32_t task)
{
    return (uint64_t)job << 32 | task;
}

uint32_t pool_task_index(const struct pool *pool, const struct pool_task *task)
{
    return (uint32_t)(task - pool->tasks);
}

struct pool_task *pool_find_task(const struct pool *pool, uint32_t job, uint32_t task)
{
    uint64_t index;

    if (!map_get(&pool->task_by_id, task_id_key(job, task), &index))
        return NULL;
    return &pool->tasks[index];
}

struct pool_task *pool_find_claim(const struct pool *pool, uint64_t epoch)
{
    uint64_t index;

    if (!map_get(&pool->task_by_epoch, epoch, &index))
        return NULL;
    return &pool->tasks[index];
}

int pool_reserve_tasks(struct pool *pool, size_t more)
{
    size_t before = pool->task_count;
    size_t needed = pool->task_count + more - pool->free_task_count;

    if (more <= pool->free_task_count)
        return 0;
    if (needed >= NONE || !array_try_reserve(pool->tasks, pool->task_capacity, needed) ||
        !map_try_reserve(&pool->task_by_id, needed) ||
        !map_try_reserve(&pool->task_by_epoch, needed))
        return -ENOMEM;
    for (size_t i = needed; i-- > before;) {
        pool->tasks[i] = (struct pool_task){.of_job.next = pool->free_task};
        pool->free_task = (uint32_t)i;
        pool->free_task_count++;
    }
    pool->task_count = needed;
    return 0;
}

struct pool_task *pool_add_task(struct pool *pool, struct pool_job *job,
                                struct pool_part_object *part, uint32_t task)
{
    uint32_t index = pool->free_task;
    struct pool_task *object;

    assert(index != NONE);
    object = &pool->tasks[index];
    pool->free_task = object->of_job.next;
    pool->free_task_count--;
    *object = (struct pool_task){
        .row = {.job = job->row.job,
                .task = task,
                .state = job->row.held ? TASK_HELD : TASK_IDLE,
                .node = NONE},
        .job = (uint32_t)(job - pool->jobs),
        .part = part,
        .promised_node = NONE,
    };
    POOL_LIST_APPEND(&job->tasks, pool->tasks, index, of_job);
    map_put(&pool->task_by_id, task_id_key(job->row.job, task), index);
    job->objects[object->row.state]++;
    return object;
}

static bool task_is_kept(const struct pool_task *task)
{
    /* A task that was removed before its turn must still be passed over when that comes. */
    return !task_state_is_over(task->row.state) || task->phase != CLAIM_NONE ||
           task->row.task >= task->part->row.next;
}

void pool_release_task(struct pool *pool, struct pool_task *task)
{
    struct pool_job *job = &pool->jobs[task->job];
    uint32_t index = pool_task_index(pool, task);

    if (task_is_kept(task))
        return;
    assert(!task->returned);
    job->objects[task->row.state]--;
    POOL_LIST_REMOVE(&job->tasks, pool->tasks, index, of_job);
    map_remove(&pool->task_by_id, task_id_key(task->row.job, task->row.task));
    *task = (struct pool_task){.of_job.next = pool->free_task};
    pool->free_task = index;
    pool->free_task_count++;
    pool_touch_job(pool, job);
}

void pool_save_task(const struct pool_task *task, struct pool_effects *effects)
{
    pool_emit(effects, POOL_SAVE_TASK)->task = task->row;
}

void pool_move_task(struct pool *pool, struct pool_task *task, enum task_state to,
                    enum reason reason, struct pool_effects *effects)
{
    struct pool_job *job = &pool->jobs[task->job];
    enum task_state from = task->row.state;
    struct pool_effect *trace;
    bool first = task->row.reason == REASON_NONE; /* each move leaves its reason in the row */

    assert(task_move_allowed[from][to]);
    job->objects[from]--;
    job->objects[to]++;
    pool->counts.by_state[from]--;
    pool->counts.by_state[to]++;
    if (to == TASK_COMPLETED)
        job->row.completed++;
    if (to == TASK_REMOVED)
        job->row.removed_count++;
    if (from == TASK_SUSPENDED)
        pool_unwatch_suspended(pool, task);
    if (to == TASK_SUSPENDED)
        pool_watch_suspended(pool, task);
    task->row.state = to;
    task->row.reason = reason;
    pool_touch_job(pool, job);
    trace = pool_emit(effects, POOL_TRACE);
    trace->trace.job = task->row.job;
    trace->trace.task = task->row.task;
    trace->trace.attempt = task->row.attempts;
    trace->trace.node = task->row.node;
    trace->trace.from = from;
    trace->trace.to = to;
    trace->trace.reason = reason;
    trace->trace.first = first;
}

static struct pool_list *leases_of(struct pool *pool, const struct pool_task *task)
{
    return task->restored ? &pool->restored_leases : &pool->leases;
}

/* All leases of a list are equally long, so the last one renewed is the last one to end. */
static void enter_leases(struct pool *pool, struct pool_task *task, uint64_t lease_ms)
{
    struct pool_list *leases = leases_of(pool, task);
    uint32_t index = pool_task_index(pool, task);

    task->expires_ms = pool->now_ms + lease_ms + pool->options.margin_ms;
    assert(leases->last == NONE || pool->tasks[leases->last].expires_ms <= task->expires_ms);
    POOL_LIST_APPEND(leases, pool->tasks, index, of_leases);
}

static void leave_leases(struct pool *pool, struct pool_task *task)
{
    struct pool_list *leases = leases_of(pool, task);

    POOL_LIST_REMOVE(leases, pool->tasks, pool_task_index(pool, task), of_leases);
    task->restored = false;
}

struct pool_task *pool_first_to_expire(const struct pool *pool)
{
    uint32_t first = pool->leases.first, restored = pool->restored_leases.first;

    if (first == NONE ||
        (restored != NONE && pool->tasks[restored].expires_ms < pool->tasks[first].expires_ms))
        first = restored;
    return first == NONE ? NULL : &pool->tasks[first];
}

void pool_move_claim(struct pool_task *task, enum claim_phase to)
{
    assert(claim_move_allowed[task->phase][to]);
    task->phase = to;
}

static void begin_claim(struct pool *pool, struct pool_task *task, uint32_t node_number,
                        uint64_t epoch)
{
    struct pool_node *node = &pool->nodes[node_number];
    uint32_t index = pool_task_index(pool, task);

    assert(epoch != 0);
    pool_move_claim(task, CLAIM_OFFERED);
    task->row.node = node_number;
    task->row.epoch = epoch;
    task->begun_ms = pool->now_ms;
    map_put(&pool->task_by_epoch, epoch, index);
    POOL_LIST_APPEND(&node->claims, pool->tasks, index, of_node);
    node->claim_count++;
    if (node->claim_count > pool->claims_per_node_max)
        pool->claims_per_node_max = node->claim_count;
    task->part->claim_count++;
    pool->job_classes[task->part->row.job_class].claim_count++;
    resources_give(&node->used, &task->part->row.request);
    pool_place_node(pool, node);
}

void pool_begin_claim(struct pool *pool, struct pool_task *task, uint32_t node, uint64_t epoch)
{
    begin_claim(pool, task, node, epoch);
    enter_leases(pool, task, pool->options.lease_ms);
}

void pool_restore_claim(struct pool *pool, struct pool_task *task, uint32_t node, uint64_t epoch)
{
    begin_claim(pool, task, node, epoch);
    task->restored = true;
    task->starts_repeated = 1;
    enter_leases(pool, task, pool->options.restored_lease_ms);
}

void pool_renew_claim(struct pool *pool, struct pool_task *task)
{
    assert(task->phase != CLAIM_NONE);
    leave_leases(pool, task);
    enter_leases(pool, task, pool->options.lease_ms);
}

static void renew_all_of(struct pool *pool, const struct pool_list *leases, uint64_t lease_ms)
{
    /* They get the same end, so that their order stays right. */
    for (uint32_t t = leases->first; t != NONE; t = pool->tasks[t].of_leases.next)
        pool->tasks[t].expires_ms = pool->now_ms + lease_ms + pool->options.margin_ms;
}

void pool_renew_all_claims(struct pool *pool)
{
    renew_all_of(pool, &pool->leases, pool->options.lease_ms);
    renew_all_of(pool, &pool->restored_leases, pool->options.restored_lease_ms);
}

void pool_end_claim(struct pool *pool, struct pool_task *task)
{
    struct pool_node *node = &pool->nodes[task->row.node];
    uint32_t index = pool_task_index(pool, task);

    assert(task->phase != CLAIM_NONE);
    leave_leases(pool, task);
    map_remove(&pool->task_by_epoch, task->row.epoch);
    POOL_LIST_REMOVE(&node->claims, pool->tasks, index, of_node);
    node->claim_count--;
    task->part->claim_count--;
    pool->job_classes[task->part->row.job_class].claim_count--;
    resources_take(&node->used, &task->part->row.request);
    pool_move_claim(task, CLAIM_NONE);
    task->stopping = false;
    task->starts_repeated = 0;
    task->row.node = NONE;
    task->row.epoch = 0;
    task->collect_session = 0;
    task->saving = 0;
    pool_drop_promise(pool, task);
    pool_leave_way(pool, node, task);
    pool_place_node(pool, node);
}

void pool_return_task(struct pool *pool, struct pool_task *task, enum reason reason,
                      struct pool_effects *effects)
{
    if (task->row.state == TASK_RUNNING || task->row.state == TASK_SUSPENDED)
        pool_move_task(pool, task, TASK_IDLE, reason, effects);
    pool_end_claim(pool, task);
    pool_save_task(task, effects);
    if (task->row.state == TASK_IDLE)
        pool_queue_returned(pool, task);
    pool_release_task(pool, task);
}

void pool_send(const struct pool *pool, struct pool_effects *effects, enum pool_effect_kind kind,
               const struct pool_task *task, enum reason reason)
{
    const struct pool_node *node = &pool->nodes[task->row.node];
    struct pool_effect *effect = pool_emit(effects, kind);

    effect->send.node = task->row.node;
    effect->send.session = node->session;
    effect->send.epoch = task->row.epoch;
    effect->send.answers_ms = node->answers_ms;
    effect->send.lease_ms = pool->options.lease_ms;
    effect->send.job = task->row.job;
    effect->send.task = task->row.task;
    effect->send.attempt = task->row.attempts;
    effect->send.request = task->part->row.request;
    effect->send.reason = reason;
    effect->send.checkpoint = task->row.checkpoint;
}

void pool_send_start(const struct pool *pool, struct pool_task *task, struct pool_effects *effects)
{
    const struct pool_node *node = &pool->nodes[task->row.node];

    pool_send(pool, effects, POOL_SEND_START, task, REASON_FIRST_IN_LINE);
    task->start_session = node->session;
    task->start_end_ms = node->answers_ms + pool->options.lease_ms;
    task->reports_since = 0;
}
