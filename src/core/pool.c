/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool's life: made, prepared, stepped, loaded from its rows, compared and checked.
 *
 * A step takes the event apart, then lets leases end, then joins ready work and free nodes, then
 * lets tasks make way for those that their nodes rank higher, then lets suspended tasks go where
 * nodes are left, then wakes nodes for what still waits, and last writes out the jobs that it
 * touched. Every event passes through these in this order, so that a
 * plain tick is nothing special.
 */
#include "core/pool_internal.h"

#include "base/memory.h"

#include <assert.h>
#include <errno.h>

void pool_effects_deinit(struct pool_effects *effects)
{
    free(effects->items);
    *effects = POOL_EFFECTS_INIT;
}

struct pool_effect *pool_emit(struct pool_effects *effects, enum pool_effect_kind kind)
{
    struct pool_effect *effect;

    assert(effects->length < effects->capacity);
    effect = &effects->items[effects->length++];
    *effect = (struct pool_effect){.kind = kind};
    return effect;
}

void pool_emit_reply(struct pool_effects *effects, uint64_t caller, enum pool_reply reply,
                     uint32_t count)
{
    struct pool_effect *effect;

    if (caller == 0)
        return;
    effect = pool_emit(effects, POOL_REPLY);
    effect->reply.caller = caller;
    effect->reply.reply = reply;
    effect->reply.count = count;
}

struct pool *pool_new(const struct pool_options *options)
{
    struct pool *pool = memory_try_allocate(1, sizeof(*pool));

    if (!pool)
        return NULL;
    pool->options = *options;
    pool->free_kind = NONE;
    pool->free_job = NONE;
    pool->free_task = NONE;
    pool->job_order = POOL_LIST_INIT;
    pool->leases = POOL_LIST_INIT;
    pool->restored_leases = POOL_LIST_INIT;
    pool->suspended = POOL_LIST_INIT;
    pool->waiting_to_move = POOL_LIST_INIT;
    return pool;
}

struct pool *pool_free(struct pool *pool)
{
    if (!pool)
        return NULL;
    for (size_t i = 0; i < pool->kind_count; i++) {
        heap_deinit(&pool->kinds[i].ready);
        free(pool->kinds[i].slots);
    }
    for (size_t i = 0; i < pool->job_count; i++)
        free(pool->jobs[i].parts);
    free(pool->kinds);
    free(pool->pinned_kinds);
    free(pool->jobs);
    free(pool->spare_parts);
    free(pool->dirty_jobs);
    free(pool->tasks);
    free(pool->nodes);
    free(pool->fresh_nodes);
    free(pool->tempting_nodes);
    free(pool->segments);
    map_deinit(&pool->kind_by_request);
    map_deinit(&pool->job_by_number);
    map_deinit(&pool->task_by_id);
    map_deinit(&pool->task_by_epoch);
    heap_deinit(&pool->fresh_kinds);
    heap_deinit(&pool->eager_kinds);
    heap_deinit(&pool->sleepers);
    fit_deinit(&pool->ready_kinds);
    pool_classes_deinit(pool);
    free(pool);
    return NULL;
}

/*
 * The most effects that a step can have. A start is a trace, a save, a send, and its part, its job
 * and the job's end; an expiry, a report's item or a user's choice is no more than that each.
 */
static size_t step_bound(const struct pool *pool, const struct pool_event *event)
{
    enum { EFFECTS_EACH = 6, EFFECTS_ALWAYS = 16 };
    size_t things = STARTS_PER_STEP + EXPIRIES_PER_STEP + LOOKS_PER_STEP;
    /* A task that takes some away takes them all, and some may have begun in this step. */
    size_t outranked = LOOKS_PER_STEP + pool->claims_per_node_max + STARTS_PER_STEP;
    const struct pool_node *node;
    const struct pool_job *job;

    switch (event->kind) {
    case POOL_REMOVE:
    case POOL_HOLD:
    case POOL_RELEASE:
        job = pool_find_job(pool, event->choice.job);
        for (enum task_state state = 0; job && state < TASK_STATE_COUNT; state++)
            things += job->objects[state];
        things += job ? job->part_count : 0;
        break;
    case POOL_NODE_REPORTED:
        node = pool_find_node(pool, event->reported.node);
        things += event->reported.item_count + (node ? node->claim_count : 0);
        break;
    case POOL_NODE_DRAINED:
        node = pool_find_node(pool, event->drained.node);
        things += node ? node->claim_count : 0;
        break;
    case POOL_SUBMIT:
        things += event->submit.part_count;
        break;
    case POOL_TICK:
    case POOL_NODE_CONNECTED:
    case POOL_NODE_DISCONNECTED:
    case POOL_NODE_FORGOTTEN:
    case POOL_NODE_WOKEN:
    case POOL_NODE_CHANGED:
    case POOL_COLLECTED:
    case POOL_REFUSED:
    case POOL_CHECKPOINT_COLLECTED:
        break;
    }
    return (things + outranked) * EFFECTS_EACH + EFFECTS_ALWAYS;
}

int pool_prepare(struct pool *pool, const struct pool_event *event, struct pool_effects *effects)
{
    int r = pool_reserve_tasks(pool, STARTS_PER_STEP + 1);

    if (r == 0 && event->kind == POOL_SUBMIT)
        r = pool_reserve_job(pool, event->submit.parts, event->submit.part_count);
    if (r == 0 && event->kind == POOL_NODE_CONNECTED)
        r = pool_reserve_node(pool, event->connected.node);
    if (r == 0 && event->kind == POOL_NODE_CHANGED)
        r = pool_reserve_change(pool, event);
    if (r < 0)
        return r;
    if (!array_try_reserve(effects->items, effects->capacity,
                           effects->length + step_bound(pool, event)))
        return -ENOMEM;
    return 0;
}

static void pool_dispatch(struct pool *pool, const struct pool_event *event,
                          struct pool_effects *effects)
{
    switch (event->kind) {
    case POOL_TICK:
        break;
    case POOL_SUBMIT:
        pool_submit(pool, event, effects);
        break;
    case POOL_REMOVE:
    case POOL_HOLD:
    case POOL_RELEASE:
        pool_choose(pool, event, effects);
        break;
    case POOL_NODE_CONNECTED:
        pool_node_connected(pool, event, effects);
        break;
    case POOL_NODE_DISCONNECTED:
        pool_node_disconnected(pool, event);
        break;
    case POOL_NODE_FORGOTTEN:
        pool_node_forgotten(pool, event, effects);
        break;
    case POOL_NODE_DRAINED:
        pool_node_drained(pool, event, effects);
        break;
    case POOL_NODE_WOKEN:
        pool_node_woken(pool, event, effects);
        break;
    case POOL_NODE_REPORTED:
        pool_node_reported(pool, &event->reported, effects);
        break;
    case POOL_NODE_CHANGED:
        pool_node_changed(pool, event);
        break;
    case POOL_COLLECTED:
        pool_collected(pool, event, effects);
        break;
    case POOL_REFUSED:
        pool_refused(pool, event, effects);
        break;
    case POOL_CHECKPOINT_COLLECTED:
        pool_checkpoint_collected(pool, event, effects);
        break;
    }
}

/*
 * Whether the program was away, suspended or waiting for its disk, at a time for which it was asked
 * to call. Being a little late is no absence: a busy server always is.
 */
static bool pool_was_away(const struct pool *pool, uint64_t now_ms)
{
    uint64_t asked_ms = pool_next_step_ms(pool);

    if (asked_ms < pool->now_ms)
        asked_ms = pool->now_ms;
    return now_ms > asked_ms && now_ms - asked_ms > pool->options.margin_ms;
}

void pool_step(struct pool *pool, const struct pool_event *event, struct pool_effects *effects)
{
    bool away = pool_was_away(pool, event->now_ms);
    uint64_t epoch = pool->epoch;

    assert(event->now_ms >= pool->now_ms);
    pool->now_ms = event->now_ms;
    if (!pool->has_begun)
        pool->begun_ms = pool->now_ms;
    pool->has_begun = true;
    /* Who did not listen cannot say who was silent. A restart would give new leases as well. */
    if (away)
        pool_renew_all_claims(pool);
    pool_dispatch(pool, event, effects);
    pool_expire_claims(pool, effects);
    pool_schedule(pool, effects);
    pool_make_way(pool, effects);
    pool_move_suspended(pool, effects);
    pool_wake_sleepers(pool, effects);
    if (pool->epoch != epoch)
        pool_emit(effects, POOL_SAVE_EPOCH)->epoch = pool->epoch;
    pool_flush_jobs(pool, effects);
}

uint64_t pool_next_step_ms(const struct pool *pool)
{
    const struct pool_task *first = pool_first_to_expire(pool);
    const struct pool_task *suspended = pool_first_to_look_at(pool);
    uint64_t next_ms = pool->now_ms + pool->options.heartbeat_ms;
    uint64_t wake_ms = pool_next_wake_ms(pool);

    if (pool_schedule_is_due(pool) || pool_way_is_due(pool))
        return pool->now_ms;
    if (!first)
        return wake_ms;
    if (wake_ms < next_ms)
        next_ms = wake_ms;
    /* Each heartbeat at least, so that an absence shows before it has cost anybody a lease. */
    if (first->expires_ms < next_ms)
        next_ms = first->expires_ms;
    return suspended && suspended->look_ms < next_ms ? suspended->look_ms : next_ms;
}

int pool_load_epoch(struct pool *pool, uint64_t epoch)
{
    pool->epoch = epoch;
    return 0;
}

int pool_load_node(struct pool *pool, const struct pool_node_row *row)
{
    int r = pool_reserve_node(pool, row->node);

    if (r < 0)
        return r;
    pool->nodes[row->node].row = *row;
    pool->nodes[row->node].known = true;
    pool->nodes[row->node].capacity = row->capacity;
    if (row->asleep && !row->forgotten)
        pool_add_sleeper(pool, &pool->nodes[row->node], 0);
    return 0;
}

int pool_load_job(struct pool *pool, const struct pool_job_row *row, const struct pool_part *parts,
                  size_t part_count)
{
    struct pool_job *job;
    uint32_t unstarted;
    int r;

    if (row->job == 0 || pool_find_job(pool, row->job) || !pool_parts_are_valid(parts, part_count))
        return -EINVAL;
    r = pool_reserve_job(pool, parts, part_count);
    if (r < 0)
        return r;
    job = pool_add_job(pool, row, parts, part_count);
    unstarted = pool_count_unstarted(job);
    pool->counts.tasks += job->task_count;
    pool->counts.by_state[row->held ? TASK_HELD : TASK_IDLE] += unstarted;
    pool->counts.by_state[TASK_COMPLETED] += row->completed;
    pool->counts.by_state[TASK_REMOVED] += row->removed_count;
    for (uint32_t i = 0; i < job->part_count; i++)
        pool_queue_part(pool, &job->parts[i]);
    /* A job whose last task was over just before the crash is let go by the first step. */
    pool_touch_job(pool, job);
    return 0;
}

/* Makes the object of a loaded row and corrects what the job's row had counted it as. */
static struct pool_task *load_object(struct pool *pool, struct pool_job *job,
                                     struct pool_part_object *part, const struct pool_task_row *row)
{
    struct pool_task *task = pool_add_task(pool, job, part, row->task);

    if (row->task >= part->row.next) {
        job->ahead++;
        pool->counts.by_state[job->row.held ? TASK_HELD : TASK_IDLE]--;
    }
    job->objects[task->row.state]--;
    job->objects[row->state]++;
    if (!task_state_is_over(row->state))
        pool->counts.by_state[row->state]++;
    task->row = *row;
    task->row.node = NONE;
    task->row.epoch = 0;
    return task;
}

/* Whether the row agrees with itself and with what was loaded before. */
static bool row_is_valid(const struct pool *pool, const struct pool_task_row *row)
{
    bool runs = row->state == TASK_RUNNING || row->state == TASK_SUSPENDED;

    if (row->state >= TASK_STATE_COUNT || pool_find_task(pool, row->job, row->task))
        return false;
    if (row->node == NONE)
        return row->epoch == 0 && !runs;
    return row->state != TASK_COMPLETED && row->epoch > 0 && row->epoch <= pool->epoch &&
           pool_find_node(pool, row->node) && !pool_find_claim(pool, row->epoch);
}

int pool_load_task(struct pool *pool, const struct pool_task_row *row, uint64_t now_ms)
{
    struct pool_job *job = pool_find_job(pool, row->job);
    struct pool_part_object *part = job ? pool_find_part(job, row->task) : NULL;
    bool claimed = row->node != NONE;
    struct pool_task *task;
    int r;

    if (!part || !row_is_valid(pool, row))
        return -EINVAL;
    r = pool_reserve_tasks(pool, 1);
    if (r < 0)
        return r;
    if (now_ms > pool->now_ms)
        pool->now_ms = now_ms;
    task = load_object(pool, job, part, row);
    if (claimed) {
        pool_restore_claim(pool, task, row->node, row->epoch);
        /* Whoever is claimed in another state was told to leave before the restart. */
        task->stopping = row->state != TASK_RUNNING && row->state != TASK_SUSPENDED;
        if (row->state == TASK_SUSPENDED)
            pool_watch_suspended(pool, task);
    } else if (row->state == TASK_IDLE) {
        pool_queue_returned(pool, task);
    }
    pool_queue_part(pool, part);
    return 0;
}

static uint64_t digest_of_row(const uint64_t *numbers, size_t count)
{
    struct digest digest = DIGEST_INIT;

    for (size_t i = 0; i < count; i++)
        digest_add(&digest, numbers[i]);
    return digest.value;
}

static uint64_t digest_of_job(const struct pool_job *job)
{
    const struct pool_job_row *row = &job->row;
    uint64_t sum = digest_of_row((uint64_t[]){row->job, (uint64_t)row->priority, row->held,
                                              row->removed, row->completed, row->removed_count},
                                 6);

    for (uint32_t i = 0; i < job->part_count; i++)
        sum += digest_of_row((uint64_t[]){row->job, i, job->parts[i].row.next}, 3);
    return sum;
}

static uint64_t digest_of_node(const struct pool_node_row *row)
{
    const struct resources *capacity = &row->capacity;

    return digest_of_row((uint64_t[]){row->node, row->machine, row->forgotten, row->drained,
                                      row->asleep, row->wakes, capacity->cpus, capacity->memory,
                                      capacity->disk, capacity->gpus},
                         10);
}

/* Sums are used because the order in memory is not the order of the rows. */
uint64_t pool_digest(const struct pool *pool)
{
    uint64_t sum = digest_of_row(&pool->epoch, 1);

    for (size_t i = 0; i < pool->node_count; i++)
        if (pool->nodes[i].known)
            sum += digest_of_node(&pool->nodes[i].row);
    for (size_t i = 0; i < pool->job_count; i++)
        if (pool->jobs[i].row.job != 0)
            sum += digest_of_job(&pool->jobs[i]);
    for (size_t i = 0; i < pool->task_count; i++) {
        const struct pool_task_row *row = &pool->tasks[i].row;

        if (row->job != 0)
            sum += digest_of_row((uint64_t[]){row->job, row->task, row->state, row->attempts,
                                              row->node, row->epoch, row->checkpoint},
                                 7);
    }
    return sum;
}

static void assert_task(const struct pool *pool, const struct pool_task *task)
{
    bool runs = task->row.state == TASK_RUNNING || task->row.state == TASK_SUSPENDED;

    assert(pool_find_task(pool, task->row.job, task->row.task) == task);
    assert((task->phase == CLAIM_NONE) == (task->row.node == NONE));
    assert((task->phase == CLAIM_NONE) == (task->row.epoch == 0));
    assert(!runs || task->phase != CLAIM_NONE);
    assert(task->phase == CLAIM_NONE || task->stopping == !runs);
    assert(!task->stopping || task->phase != CLAIM_NONE);
    assert(task->promised_node == NONE || task->stopping);
    assert((task->look_ms > 0) ==
           (task->row.state == TASK_SUSPENDED && pool->options.move_suspended_ms > 0));
    assert(task->returned == (task->row.state == TASK_IDLE && task->phase == CLAIM_NONE));
    if (task->phase == CLAIM_NONE)
        return;
    assert(pool_find_claim(pool, task->row.epoch) == task);
    assert(task->row.epoch <= pool->epoch);
}

static void assert_node(const struct pool *pool, const struct pool_node *node)
{
    struct resources used = {0};
    uint32_t claims = 0;

    for (uint32_t t = node->claims.first; t != NONE; t = pool->tasks[t].of_node.next) {
        assert(pool->tasks[t].row.node == node->row.node);
        resources_give(&used, &pool->tasks[t].part->row.request);
        claims++;
    }
    assert(claims == node->claim_count);
    assert(used.cpus == node->used.cpus);
    assert(used.memory == node->used.memory);
    assert(used.disk == node->used.disk);
    assert(used.gpus == node->used.gpus);
    assert(!node->connected || (node->known && !node->row.forgotten));
    pool_assert_offer(pool, node);
    pool_assert_way(pool, node);
}

static void assert_job(const struct pool *pool, const struct pool_job *job)
{
    struct pool_counts counts = pool_count_of_job(job);
    uint32_t objects = 0, sum = 0;

    for (uint32_t t = job->tasks.first; t != NONE; t = pool->tasks[t].of_job.next)
        objects++;
    for (enum task_state state = 0; state < TASK_STATE_COUNT; state++) {
        assert(objects >= job->objects[state]);
        objects -= job->objects[state];
        sum += counts.by_state[state];
    }
    assert(objects == 0);
    assert(sum == job->task_count);
    for (uint32_t i = 0; i < job->part_count; i++) {
        const struct pool_part *part = &job->parts[i].row;

        assert(part->next >= part->first);
        assert(part->next <= part->first + part->count);
        assert(part->next == part->first + part->count ||
               !pool_find_task(pool, job->row.job, part->next));
    }
}

void pool_assert_invariants(const struct pool *pool)
{
    struct pool_counts sum = {0};

    for (size_t i = 0; i < pool->task_count; i++)
        if (pool->tasks[i].row.job != 0)
            assert_task(pool, &pool->tasks[i]);
    for (size_t i = 0; i < pool->node_count; i++)
        assert_node(pool, &pool->nodes[i]);
    pool_assert_sleep(pool);
    for (size_t i = 0; i < pool->job_count; i++) {
        struct pool_counts counts;

        if (pool->jobs[i].row.job == 0)
            continue;
        assert_job(pool, &pool->jobs[i]);
        counts = pool_count_of_job(&pool->jobs[i]);
        for (enum task_state state = 0; state < TASK_STATE_COUNT; state++)
            sum.by_state[state] += counts.by_state[state];
    }
    for (enum task_state state = 0; state < TASK_STATE_COUNT; state++)
        assert(sum.by_state[state] == pool->counts.by_state[state]);
}
