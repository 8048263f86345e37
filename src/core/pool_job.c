/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs and their parts: how they come, how they are counted, saved and let go.
 *
 * The job's flags speak for the tasks that are no objects yet; each object has its own state. So
 * holding a job of a million tasks costs what its started ones cost. What users do to jobs stands
 * in pool_choice.c.
 */
#include "core/pool_internal.h"

#include "base/digest.h"
#include "base/memory.h"

#include <assert.h>
#include <errno.h>

enum { PRIORITY_LIMIT = 1000 };

struct pool_job *pool_find_job(const struct pool *pool, uint32_t number)
{
    uint64_t index;

    if (!map_get(&pool->job_by_number, number, &index))
        return NULL;
    return &pool->jobs[index];
}

/* Kinds: found by their request and class, made and freed with the parts that have it. */

bool pool_parts_are_alike(const struct pool_part *left, const struct pool_part *right)
{
    return left->job_class == right->job_class && left->needed_ms == right->needed_ms &&
           resources_are_equal(&left->request, &right->request);
}

static bool kind_is_of(const struct pool_kind *kind, const struct pool_part *part)
{
    return pool_parts_are_alike(&(struct pool_part){.request = kind->request,
                                                    .job_class = kind->job_class,
                                                    .needed_ms = kind->needed_ms},
                                part);
}

/* The place in the map for the kind of this part: its own, or the free one where it belongs. */
static uint64_t find_kind_place(const struct pool *pool, const struct pool_part *part,
                                struct pool_kind **ret_kind)
{
    struct digest digest = DIGEST_INIT;
    uint64_t key, index;

    digest_add(&digest, part->request.cpus);
    digest_add(&digest, part->request.memory);
    digest_add(&digest, part->request.disk);
    digest_add(&digest, part->request.gpus);
    digest_add(&digest, part->job_class);
    digest_add(&digest, part->needed_ms);
    /*
     * Two requests with one digest stand one behind the other. If the first is freed, the second is
     * not found any more and made anew: two kinds with one request are no fault.
     */
    for (key = digest.value; map_get(&pool->kind_by_request, key, &index); key++)
        if (kind_is_of(&pool->kinds[index], part)) {
            *ret_kind = &pool->kinds[index];
            return key;
        }
    *ret_kind = NULL;
    return key;
}

static struct pool_kind *find_kind(const struct pool *pool, const struct pool_part *part)
{
    struct pool_kind *kind;

    find_kind_place(pool, part, &kind);
    return kind;
}

static bool reserve_kind(struct pool *pool)
{
    size_t needed = pool->kind_count + 1;

    if (pool->free_kind != NONE)
        return true;
    if (!array_try_reserve(pool->kinds, pool->kind_capacity, needed) ||
        !map_try_reserve(&pool->kind_by_request, needed) ||
        !heap_try_reserve(&pool->fresh_kinds, needed) ||
        !heap_try_reserve(&pool->eager_kinds, needed) ||
        !fit_try_reserve(&pool->ready_kinds, needed))
        return false;
    pool->kinds[pool->kind_count] = (struct pool_kind){.free_slot = NONE, .next_free = NONE};
    pool->free_kind = (uint32_t)pool->kind_count++;
    return true;
}

/* Returns NULL if there is no memory. */
static struct pool_kind *get_kind(struct pool *pool, const struct pool_part *part)
{
    struct pool_kind *kind;
    uint64_t key = find_kind_place(pool, part, &kind);
    uint32_t index;

    if (kind)
        return kind;
    if (!reserve_kind(pool))
        return NULL;
    index = pool->free_kind;
    kind = &pool->kinds[index];
    pool->free_kind = kind->next_free;
    kind->request = part->request;
    kind->job_class = part->job_class;
    kind->needed_ms = part->needed_ms;
    kind->map_key = key;
    map_put(&pool->kind_by_request, key, index);
    return kind;
}

static void release_kind(struct pool *pool, struct pool_kind *kind)
{
    if (kind->part_count > 0 || kind->pins > 0)
        return;
    map_remove(&pool->kind_by_request, kind->map_key);
    kind->next_free = pool->free_kind;
    pool->free_kind = (uint32_t)(kind - pool->kinds);
}

static void unpin_kinds(struct pool *pool)
{
    while (pool->pinned_kind_count > 0) {
        struct pool_kind *kind = &pool->kinds[pool->pinned_kinds[--pool->pinned_kind_count]];

        kind->pins = 0;
        release_kind(pool, kind);
    }
}

/* The kind of a part that is about to come, with room for it beside the others that are. */
static bool pin_kind(struct pool *pool, const struct pool_part *part)
{
    struct pool_kind *kind;
    size_t needed;

    if (!array_try_reserve(pool->pinned_kinds, pool->pinned_kind_capacity,
                           pool->pinned_kind_count + 1))
        return false;
    kind = get_kind(pool, part);
    if (!kind)
        return false;
    if (kind->pins++ == 0)
        pool->pinned_kinds[pool->pinned_kind_count++] = (uint32_t)(kind - pool->kinds);
    needed = (size_t)kind->slot_count + kind->pins;
    return array_try_reserve(kind->slots, kind->slots_capacity, needed) &&
           heap_try_reserve(&kind->ready, needed);
}

static int reserve_kinds(struct pool *pool, const struct pool_part *parts, size_t part_count)
{
    unpin_kinds(pool);
    for (size_t i = 0; i < part_count; i++)
        if (!pin_kind(pool, &parts[i]) || pool_reserve_job_class(pool, parts[i].job_class) < 0)
            return -ENOMEM;
    return 0;
}

bool pool_parts_are_valid(const struct pool_part *parts, size_t part_count)
{
    uint64_t first = 0;

    for (size_t i = 0; i < part_count; i++) {
        const struct pool_part *part = &parts[i];

        if (part->first != first || part->count == 0 || part->next < first ||
            part->next > first + part->count)
            return false;
        first += part->count;
    }
    return part_count > 0 && first < NONE;
}

int pool_reserve_job(struct pool *pool, const struct pool_part *parts, size_t part_count)
{
    size_t jobs = pool->job_count + 1;

    if (part_count > POOL_PARTS_PER_JOB_MAX)
        return -E2BIG;
    if (pool->spare_part_count < part_count) {
        struct pool_part_object *spare = memory_try_allocate(part_count, sizeof(*spare));

        if (!spare)
            return -ENOMEM;
        free(pool->spare_parts);
        pool->spare_parts = spare;
        pool->spare_part_count = part_count;
    }
    if (!array_try_reserve(pool->jobs, pool->job_capacity, jobs) ||
        !array_try_reserve(pool->dirty_jobs, pool->dirty_job_capacity, jobs) ||
        !map_try_reserve(&pool->job_by_number, jobs))
        return -ENOMEM;
    return reserve_kinds(pool, parts, part_count);
}

/* The heap's key: priority, then job, then part; each in its own bits. */
static uint64_t part_key(const struct pool_job_row *row, uint32_t part)
{
    int32_t priority = row->priority;

    if (priority > PRIORITY_LIMIT)
        priority = PRIORITY_LIMIT;
    if (priority < -PRIORITY_LIMIT)
        priority = -PRIORITY_LIMIT;
    return (uint64_t)(PRIORITY_LIMIT - priority) << POOL_KEY_PRIORITY | (uint64_t)row->job << 16 |
           part;
}

static void kind_take_slot(struct pool *pool, struct pool_part_object *part)
{
    struct pool_kind *kind = &pool->kinds[part->kind];

    part->slot = kind->free_slot;
    if (part->slot == NONE)
        part->slot = kind->slot_count++;
    else
        kind->free_slot = kind->slots[part->slot].next_free;
    kind->slots[part->slot] = (struct pool_slot){.part = part, .next_free = NONE};
    kind->part_count++;
}

static void kind_give_slot(struct pool *pool, struct pool_part_object *part)
{
    struct pool_kind *kind = &pool->kinds[part->kind];

    heap_remove(&kind->ready, part->slot);
    pool_place_kind(pool, kind);
    kind->slots[part->slot] = (struct pool_slot){.next_free = kind->free_slot};
    kind->free_slot = part->slot;
    kind->part_count--;
    release_kind(pool, kind);
}

static void add_part(struct pool *pool, struct pool_job *job, uint32_t number,
                     const struct pool_part *row)
{
    struct pool_part_object *part = &job->parts[number];

    *part = (struct pool_part_object){
        .row = *row,
        .job = (uint32_t)(job - pool->jobs),
        .number = number,
        .kind = (uint32_t)(find_kind(pool, row) - pool->kinds),
        .key = part_key(&job->row, number),
        .returned = POOL_LIST_INIT,
    };
    kind_take_slot(pool, part);
    pool->job_classes[row->job_class].part_count++;
    job->task_count += row->count;
}

/* To the kind's heap it is a part that goes and another one that comes. */
int pool_set_part_class(struct pool *pool, uint32_t job, uint32_t task, uint32_t job_class)
{
    struct pool_job *object = pool_find_job(pool, job);
    struct pool_part_object *part = object ? pool_find_part(object, task) : NULL;
    struct pool_part row;

    if (!part || part->row.job_class == job_class)
        return 0;
    row = part->row;
    row.job_class = job_class;
    if (reserve_kinds(pool, &row, 1) < 0)
        return -ENOMEM;
    pool->job_classes[part->row.job_class].part_count--;
    pool->job_classes[part->row.job_class].claim_count -= part->claim_count;
    kind_give_slot(pool, part);
    part->row = row;
    part->kind = (uint32_t)(find_kind(pool, &row) - pool->kinds);
    kind_take_slot(pool, part);
    pool->job_classes[job_class].part_count++;
    pool->job_classes[job_class].claim_count += part->claim_count;
    /* What runs of it may be ranked otherwise, and nobody knows where that is. */
    for (size_t i = 0; part->claim_count > 0 && i < pool->node_class_count; i++)
        pool_note_rank(pool, &pool->job_classes[job_class], &pool->node_classes[i]);
    unpin_kinds(pool);
    pool_queue_part(pool, part);
    return 0;
}

/* Keeps the list in order of numbers; a new job has the highest, so this walks only while loading.
 */
static void order_job(struct pool *pool, uint32_t index)
{
    uint32_t before = pool->job_order.last;
    struct pool_link *link = &pool->jobs[index].order;

    while (before != NONE && pool->jobs[before].row.job > pool->jobs[index].row.job)
        before = pool->jobs[before].order.previous;
    link->previous = before;
    link->next = before == NONE ? pool->job_order.first : pool->jobs[before].order.next;
    if (before == NONE)
        pool->job_order.first = index;
    else
        pool->jobs[before].order.next = index;
    if (link->next == NONE)
        pool->job_order.last = index;
    else
        pool->jobs[link->next].order.previous = index;
}

static uint32_t take_job_index(struct pool *pool)
{
    uint32_t index = pool->free_job;

    if (index == NONE)
        return (uint32_t)pool->job_count++;
    pool->free_job = pool->jobs[index].order.next;
    return index;
}

struct pool_job *pool_add_job(struct pool *pool, const struct pool_job_row *row,
                              const struct pool_part *parts, size_t part_count)
{
    uint32_t index = take_job_index(pool);
    struct pool_job *job = &pool->jobs[index];

    assert(pool->spare_part_count >= part_count);
    *job = (struct pool_job){
        .row = *row,
        .parts = pool->spare_parts,
        .part_count = (uint32_t)part_count,
        .tasks = POOL_LIST_INIT,
    };
    pool->spare_parts = NULL;
    pool->spare_part_count = 0;
    for (size_t i = 0; i < part_count; i++)
        add_part(pool, job, (uint32_t)i, &parts[i]);
    unpin_kinds(pool);
    map_put(&pool->job_by_number, row->job, index);
    order_job(pool, index);
    return job;
}

void pool_submit(struct pool *pool, const struct pool_event *event, struct pool_effects *effects)
{
    struct pool_job_row row = {
        .job = event->submit.job, .priority = event->submit.priority, .held = event->submit.held};
    struct pool_job *job;

    assert(row.job != 0 && !pool_find_job(pool, row.job));
    assert(pool_parts_are_valid(event->submit.parts, event->submit.part_count));
    job = pool_add_job(pool, &row, event->submit.parts, event->submit.part_count);
    pool->counts.by_state[row.held ? TASK_HELD : TASK_IDLE] += job->task_count;
    pool->counts.tasks += job->task_count;
    for (uint32_t i = 0; i < job->part_count; i++)
        pool_queue_part(pool, &job->parts[i]);
    pool_touch_job(pool, job);
    pool_emit_reply(effects, event->caller, POOL_REPLY_DONE, job->task_count);
}

uint32_t pool_count_unstarted(const struct pool_job *job)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < job->part_count; i++) {
        const struct pool_part *part = &job->parts[i].row;

        count += part->first + part->count - part->next;
    }
    return count - job->ahead;
}

struct pool_counts pool_count_of_job(const struct pool_job *job)
{
    struct pool_counts counts = {.tasks = job->task_count};

    for (enum task_state state = 0; state < TASK_STATE_COUNT; state++)
        counts.by_state[state] = job->objects[state];
    counts.by_state[job->row.held ? TASK_HELD : TASK_IDLE] += pool_count_unstarted(job);
    counts.by_state[TASK_COMPLETED] = job->row.completed;
    counts.by_state[TASK_REMOVED] = job->row.removed_count;
    return counts;
}

void pool_touch_job(struct pool *pool, struct pool_job *job)
{
    if (job->dirty)
        return;
    job->dirty = true;
    assert(pool->dirty_job_count < pool->dirty_job_capacity);
    pool->dirty_jobs[pool->dirty_job_count++] = (uint32_t)(job - pool->jobs);
}

void pool_touch_part(struct pool *pool, struct pool_part_object *part)
{
    struct pool_job *job = &pool->jobs[part->job];

    pool_touch_job(pool, job);
    if (part->dirty)
        return;
    part->dirty = true;
    part->next_dirty = job->dirty_parts;
    job->dirty_parts = part;
}

static void drop_part(struct pool *pool, struct pool_part_object *part)
{
    pool->job_classes[part->row.job_class].part_count--;
    kind_give_slot(pool, part);
}

static void drop_job(struct pool *pool, struct pool_job *job)
{
    uint32_t index = (uint32_t)(job - pool->jobs);

    for (uint32_t i = 0; i < job->part_count; i++)
        drop_part(pool, &job->parts[i]);
    pool->counts.tasks -= job->task_count;
    pool->counts.by_state[TASK_COMPLETED] -= job->row.completed;
    pool->counts.by_state[TASK_REMOVED] -= job->row.removed_count;
    POOL_LIST_REMOVE(&pool->job_order, pool->jobs, index, order);
    map_remove(&pool->job_by_number, job->row.job);
    free(job->parts);
    *job = (struct pool_job){.order.next = pool->free_job};
    pool->free_job = index;
}

static void flush_parts(struct pool_job *job, struct pool_effects *effects)
{
    while (job->dirty_parts) {
        struct pool_part_object *part = job->dirty_parts;
        struct pool_effect *effect = pool_emit(effects, POOL_SAVE_PART);

        job->dirty_parts = part->next_dirty;
        part->dirty = false;
        effect->part.job = job->row.job;
        effect->part.part = part->number;
        effect->part.next = part->row.next;
    }
}

static void flush_job(struct pool *pool, struct pool_job *job, struct pool_effects *effects)
{
    job->dirty = false;
    flush_parts(job, effects);
    pool_emit(effects, POOL_SAVE_JOB)->job = job->row;
    if (job->row.completed + job->row.removed_count < job->task_count || job->tasks.first != NONE)
        return;
    pool_emit(effects, POOL_JOB_OVER)->job_over = job->row.job;
    drop_job(pool, job);
}

void pool_flush_jobs(struct pool *pool, struct pool_effects *effects)
{
    for (size_t i = 0; i < pool->dirty_job_count; i++)
        flush_job(pool, &pool->jobs[pool->dirty_jobs[i]], effects);
    pool->dirty_job_count = 0;
}
