/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is ready, which nodes have room, and the pass that joins them.
 *
 * Ready work is kept per kind of request, so that matching costs what the change costs. The pass
 * rests on one invariant: for every kind that is not fresh and every node that is not fresh, either
 * the kind has nothing ready or the node has no room for it. So a freed node is shown to all kinds,
 * new work is shown to all nodes, and nothing else is ever tried. One step starts STARTS_PER_STEP
 * tasks at most; the pool then asks to be called again at once.
 *
 * Order: higher priority first, then the older job, then the lower part; within a part, tasks that
 * came back before those that never started. Of nodes, the one with the most free CPUs.
 */
#include "core/pool_internal.h"

#include <assert.h>

struct pool_part_object *pool_find_part(const struct pool_job *job, uint32_t task)
{
    uint32_t low = 0, high = job->part_count;

    if (task >= job->task_count)
        return NULL;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if (job->parts[middle].row.first <= task)
            low = middle;
        else
            high = middle;
    }
    return &job->parts[low];
}

static void part_advance(struct pool *pool, struct pool_part_object *part)
{
    part->row.next++;
    part->dirty = true;
    pool_touch_job(pool, &pool->jobs[part->job]);
}

/* Passes over tasks that a user singled out before their turn. */
static void part_skip_objects(struct pool *pool, struct pool_part_object *part)
{
    const struct pool_job *job = &pool->jobs[part->job];

    while (part->row.next < part->row.first + part->row.count) {
        struct pool_task *object = pool_find_task(pool, job->row.job, part->row.next);

        if (!object)
            return;
        pool->jobs[part->job].ahead--;
        part_advance(pool, part);
        pool_release_task(pool, object);
    }
}

static bool part_is_ready(struct pool *pool, struct pool_part_object *part)
{
    const struct pool_job *job = &pool->jobs[part->job];

    part_skip_objects(pool, part);
    if (part->returned.first != NONE)
        return true;
    if (job->row.held || job->row.removed)
        return false;
    return part->row.next < part->row.first + part->row.count;
}

static void kind_set_fresh(struct pool *pool, struct pool_kind *kind, bool fresh)
{
    if (kind->fresh == fresh)
        return;
    kind->fresh = fresh;
    if (fresh)
        pool->fresh_kinds++;
    else
        pool->fresh_kinds--;
}

/* Takes the part in or out of its kind's heap, as its state demands. */
static void part_update(struct pool *pool, struct pool_part_object *part)
{
    struct pool_kind *kind = &pool->kinds[part->kind];

    if (part_is_ready(pool, part))
        heap_set(&kind->ready, part->slot, part->key);
    else
        heap_remove(&kind->ready, part->slot);
}

void pool_queue_part(struct pool *pool, struct pool_part_object *part)
{
    part_update(pool, part);
    if (heap_contains(&pool->kinds[part->kind].ready, part->slot))
        kind_set_fresh(pool, &pool->kinds[part->kind], true);
}

void pool_queue_returned(struct pool *pool, struct pool_task *task)
{
    struct pool_part_object *part = task->part;

    assert(!task->returned);
    assert(task->row.state == TASK_IDLE);
    assert(task->phase == CLAIM_NONE);
    POOL_LIST_APPEND(&part->returned, pool->tasks, pool_task_index(pool, task), of_part);
    task->returned = true;
    pool_queue_part(pool, part);
}

void pool_unqueue_returned(struct pool *pool, struct pool_task *task)
{
    struct pool_part_object *part = task->part;

    assert(task->returned);
    POOL_LIST_REMOVE(&part->returned, pool->tasks, pool_task_index(pool, task), of_part);
    task->returned = false;
    part_update(pool, part);
}

struct resources pool_node_room(const struct pool_node *node)
{
    const struct resources *capacity = &node->capacity, *used = &node->used;

    return (struct resources){
        .cpus = capacity->cpus > used->cpus ? capacity->cpus - used->cpus : 0,
        .memory = capacity->memory > used->memory ? capacity->memory - used->memory : 0,
        .disk = capacity->disk > used->disk ? capacity->disk - used->disk : 0,
    };
}

static void node_leave_bucket(struct pool *pool, struct pool_node *node)
{
    struct pool_list *bucket;

    if (node->bucket == NONE)
        return;
    bucket = &pool->buckets[node->bucket];
    POOL_LIST_REMOVE(bucket, pool->nodes, node->row.node, in_bucket);
    if (bucket->first == NONE)
        pool->buckets_used[node->bucket / 64] &= ~(1ULL << node->bucket % 64);
    node->bucket = NONE;
}

static void node_enter_bucket(struct pool *pool, struct pool_node *node, uint32_t cpus)
{
    uint32_t number = cpus < BUCKET_COUNT ? cpus : BUCKET_COUNT;

    POOL_LIST_APPEND(&pool->buckets[number], pool->nodes, node->row.node, in_bucket);
    pool->buckets_used[number / 64] |= 1ULL << number % 64;
    node->bucket = number;
}

void pool_place_node(struct pool *pool, struct pool_node *node)
{
    bool usable = node->known && node->connected && node->synchronised && !node->owner_present &&
                  !node->leaving && !node->row.forgotten;
    struct resources room = pool_node_room(node);

    node_leave_bucket(pool, node);
    if (!usable || room.cpus == 0)
        return;
    node_enter_bucket(pool, node, room.cpus);
    if (node->fresh)
        return;
    assert(pool->fresh_node_count < pool->fresh_node_capacity);
    pool->fresh_nodes[pool->fresh_node_count++] = node->row.node;
    node->fresh = true;
}

/* The fullest non-empty bucket at or below `from`; NONE if there is none. */
static uint32_t bucket_at_or_below(const struct pool *pool, uint32_t from)
{
    uint64_t word = pool->buckets_used[from / 64];

    if (from % 64 != 63)
        word &= (1ULL << (from % 64 + 1)) - 1;
    for (uint32_t i = from / 64;; word = pool->buckets_used[--i]) {
        if (word != 0)
            return i * 64 + 63 - (uint32_t)__builtin_clzll(word);
        if (i == 0)
            return NONE;
    }
}

static struct pool_node *find_node_with_room(const struct pool *pool,
                                             const struct resources *request)
{
    uint32_t needed = request->cpus < BUCKET_COUNT ? request->cpus : BUCKET_COUNT;
    uint32_t bucket = bucket_at_or_below(pool, BUCKET_COUNT);

    while (bucket != NONE && bucket >= needed) {
        for (uint32_t n = pool->buckets[bucket].first; n != NONE;
             n = pool->nodes[n].in_bucket.next) {
            struct resources room = pool_node_room(&pool->nodes[n]);

            if (resources_fit(request, &room))
                return &pool->nodes[n];
        }
        bucket = bucket == 0 ? NONE : bucket_at_or_below(pool, bucket - 1);
    }
    return NULL;
}

/* Takes the first ready task out of the kind: one that came back, or makes the next unstarted one.
 */
static struct pool_task *kind_take_first(struct pool *pool, struct pool_kind *kind)
{
    uint32_t slot = heap_first(&kind->ready)->item;
    struct pool_part_object *part = kind->slots[slot].part;
    struct pool_task *task;

    if (part->returned.first != NONE) {
        task = &pool->tasks[part->returned.first];
        pool_unqueue_returned(pool, task);
        return task;
    }
    task = pool_add_task(pool, &pool->jobs[part->job], part, part->row.next);
    part_advance(pool, part);
    part_update(pool, part);
    return task;
}

static void start_task(struct pool *pool, struct pool_kind *kind, struct pool_node *node,
                       struct pool_effects *effects)
{
    struct pool_task *task = kind_take_first(pool, kind);
    uint64_t lease = pool->options.lease_ms + pool->options.margin_ms;

    task->row.attempts++;
    pool_begin_claim(pool, task, node->row.node, ++pool->epoch, pool->now_ms + lease);
    pool_move_task(pool, task, TASK_RUNNING, REASON_FIRST_IN_LINE, effects);
    pool_save_task(task, effects);
    pool_send(pool, effects, POOL_SEND_START, task, REASON_FIRST_IN_LINE);
    task->start_session = node->session;
}

/* The kind whose first ready task goes before all others of those that fit; NULL if none does. */
static struct pool_kind *first_kind_for(struct pool *pool, const struct resources *room,
                                        bool only_fresh)
{
    struct pool_kind *best = NULL;
    uint64_t best_key = UINT64_MAX;

    for (size_t i = 0; i < pool->kind_count; i++) {
        struct pool_kind *kind = &pool->kinds[i];
        const struct heap_entry *first = heap_first(&kind->ready);

        if (!first || (only_fresh && !kind->fresh) || first->key >= best_key)
            continue;
        if (room && !resources_fit(&kind->request, room))
            continue;
        best = kind;
        best_key = first->key;
    }
    return best;
}

static size_t schedule_nodes(struct pool *pool, size_t budget, struct pool_effects *effects)
{
    while (pool->fresh_node_count > 0 && budget > 0) {
        struct pool_node *node = &pool->nodes[pool->fresh_nodes[pool->fresh_node_count - 1]];
        struct resources room = pool_node_room(node);
        struct pool_kind *kind = node->bucket == NONE ? NULL : first_kind_for(pool, &room, false);

        if (!kind) {
            pool->fresh_node_count--;
            node->fresh = false;
            continue;
        }
        start_task(pool, kind, node, effects);
        budget--;
    }
    return budget;
}

static void schedule_kinds(struct pool *pool, size_t budget, struct pool_effects *effects)
{
    while (pool->fresh_kinds > 0 && budget > 0) {
        struct pool_kind *kind = first_kind_for(pool, NULL, true);
        struct pool_node *node = kind ? find_node_with_room(pool, &kind->request) : NULL;

        if (node) {
            /* It is not fresh work for this node only because we are just serving it. */
            node->fresh = true;
            start_task(pool, kind, node, effects);
            node->fresh = false;
            budget--;
        } else if (kind) {
            kind_set_fresh(pool, kind, false);
        } else {
            for (size_t i = 0; i < pool->kind_count; i++)
                kind_set_fresh(pool, &pool->kinds[i], false);
        }
    }
}

void pool_schedule(struct pool *pool, struct pool_effects *effects)
{
    size_t budget = schedule_nodes(pool, STARTS_PER_STEP, effects);

    /* While nodes are still to be tried, there is no telling what is left for the kinds. */
    if (budget > 0)
        schedule_kinds(pool, budget, effects);
}

bool pool_schedule_is_due(const struct pool *pool)
{
    return pool->fresh_node_count > 0 || pool->fresh_kinds > 0;
}
