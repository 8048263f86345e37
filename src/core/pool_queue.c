/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is ready, which nodes have room, and the pass that joins them.
 *
 * Ready work is kept per kind (request and class), so that matching costs what the change costs.
 * The pass rests on one invariant: for every kind that is not fresh and every node that is not
 * fresh, either the kind has nothing ready, or the node has no room for it or does not suit. So a
 * freed node is shown to all kinds, new work is shown to all nodes, and nothing else is ever tried.
 * One step starts STARTS_PER_STEP tasks at most; the pool then asks to be called again at once.
 *
 * Order: higher priority first, then the older job, then the lower part; within a part, tasks that
 * came back before those that never started. A node that ranks tasks has its choice among those of
 * one priority, which takes a look at all kinds. Of nodes, those of the class that the task
 * prefers; among them where it is likeliest to come to its end; then the one with the most free
 * CPUs.
 */
#include "core/pool_internal.h"

#include <assert.h>
#include <string.h>

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
    pool_touch_part(pool, part);
}

/* Passes over tasks that a user singled out before their turn. */
static void part_skip_objects(struct pool *pool, struct pool_part_object *part)
{
    const struct pool_job *job = &pool->jobs[part->job];

    while (job->ahead > 0 && part->row.next < part->row.first + part->row.count) {
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

void pool_place_kind(struct pool *pool, struct pool_kind *kind)
{
    const struct heap_entry *first = heap_first(&kind->ready);
    uint32_t index = (uint32_t)(kind - pool->kinds);
    struct fit_entry entry;

    if (!first) {
        fit_remove(&pool->ready_kinds, index);
        heap_remove(&pool->fresh_kinds, index);
        heap_remove(&pool->eager_kinds, index);
        return;
    }
    if (!fit_get(&pool->ready_kinds, index))
        kind->ready_ms = pool->now_ms;
    entry.key = first->key;
    pool_write_rest(&kind->request, kind->needed_ms, entry.amounts);
    fit_set(&pool->ready_kinds, index, &entry);
    if (heap_contains(&pool->fresh_kinds, index))
        heap_set(&pool->fresh_kinds, index, first->key);
    if (heap_contains(&pool->eager_kinds, index))
        heap_set(&pool->eager_kinds, index, first->key);
}

/* Takes the part in or out of its kind's heap, as its state demands. */
static void part_update(struct pool *pool, struct pool_part_object *part)
{
    struct pool_kind *kind = &pool->kinds[part->kind];
    bool ready = part_is_ready(pool, part);

    if (ready == heap_contains(&kind->ready, part->slot))
        return;
    if (ready)
        heap_set(&kind->ready, part->slot, part->key);
    else
        heap_remove(&kind->ready, part->slot);
    pool_place_kind(pool, kind);
}

void pool_queue_part(struct pool *pool, struct pool_part_object *part)
{
    const struct pool_kind *kind = &pool->kinds[part->kind];

    part_update(pool, part);
    if (heap_contains(&kind->ready, part->slot))
        heap_set(&pool->fresh_kinds, part->kind, heap_first(&kind->ready)->key);
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

struct resources pool_room_beside(const struct resources *capacity, const struct resources *used)
{
    return (struct resources){
        .cpus = capacity->cpus > used->cpus ? capacity->cpus - used->cpus : 0,
        .memory = capacity->memory > used->memory ? capacity->memory - used->memory : 0,
        .disk = capacity->disk > used->disk ? capacity->disk - used->disk : 0,
        .gpus = capacity->gpus > used->gpus ? capacity->gpus - used->gpus : 0,
    };
}

static struct resources whole_room(const struct pool_node *node)
{
    return pool_room_beside(&node->capacity, &node->used);
}

/* What becomes free is kept from the moment on at which it does, and what was free all the time. */
struct resources pool_node_room(const struct pool_node *node)
{
    const struct pool_way *way = &node->way;
    struct resources kept = pool_room_beside(&way->kept, &way->leaving), room = whole_room(node);

    return pool_room_beside(&room, &kept);
}

uint64_t pool_later_ms(const struct pool *pool, uint64_t after_ms)
{
    return after_ms < UINT64_MAX - pool->now_ms ? pool->now_ms + after_ms : UINT64_MAX;
}

uint64_t pool_lent_ms(const struct pool *pool, const struct pool_node *node)
{
    if (node->lent_until_ms == UINT64_MAX)
        return UINT64_MAX;
    return node->lent_until_ms > pool->now_ms ? node->lent_until_ms - pool->now_ms : 0;
}

void pool_write_needs(const struct pool *pool, const struct resources *request, uint64_t needed_ms,
                      uint64_t ret_amounts[FIT_AMOUNTS])
{
    ret_amounts[0] = request->cpus > 0 ? request->cpus : 1;
    ret_amounts[1] = request->memory;
    ret_amounts[2] = request->disk;
    ret_amounts[3] = request->gpus;
    /* Until when, and not how long, so that what stands in the tree stays true with time. */
    ret_amounts[4] = needed_ms > 0 ? pool_later_ms(pool, needed_ms) : 0;
}

void pool_write_rest(const struct resources *request, uint64_t time_ms,
                     uint64_t ret_amounts[FIT_AMOUNTS])
{
    ret_amounts[0] = UINT64_MAX - request->cpus;
    ret_amounts[1] = UINT64_MAX - request->memory;
    ret_amounts[2] = UINT64_MAX - request->disk;
    ret_amounts[3] = UINT64_MAX - request->gpus;
    ret_amounts[4] = UINT64_MAX - time_ms;
}

bool pool_node_is_open(const struct pool_node *node)
{
    return node->connected && node->synchronised && !node->owner_present && !node->leaving &&
           !node->row.drained && !node->row.asleep;
}

bool pool_node_is_usable(const struct pool_node *node)
{
    return pool_node_is_open(node) && node->capacity.cpus > node->used.cpus;
}

/* No two keys are equal, so of all classes together there is one best node. */
static struct fit_entry node_offer(const struct pool_node *node)
{
    struct resources room = pool_node_room(node);

    return (struct fit_entry){
        .key = (uint64_t)(UINT8_MAX - node->stay) << 52 | (uint64_t)(UINT32_MAX - room.cpus) << 20 |
               node->row.node,
        .amounts = {room.cpus, room.memory, room.disk, room.gpus, node->lent_until_ms},
    };
}

/*
 * A node with other room than before is shown to the kinds first; what is still free then, is
 * offered. Between the two its old offer may stand, which nobody looks at.
 */
void pool_place_node(struct pool *pool, struct pool_node *node)
{
    const struct fit_entry *offered = pool_offer_of(pool, node);
    struct fit_entry offer = node_offer(node);

    pool_place_way(pool, node);
    if (!pool_node_is_usable(node)) {
        pool_withdraw(pool, node);
        return;
    }
    if (node->fresh || (offered && memcmp(offered, &offer, sizeof(offer)) == 0))
        return;
    assert(pool->fresh_node_count < pool->fresh_node_capacity);
    pool->fresh_nodes[pool->fresh_node_count++] = node->row.node;
    node->fresh = true;
}

void pool_assert_offer(const struct pool *pool, const struct pool_node *node)
{
    const struct fit_entry *offered = pool_offer_of(pool, node);
    struct fit_entry offer = node_offer(node);

    if (node->fresh)
        return;
    assert(pool_node_is_usable(node) == (offered != NULL));
    assert(!offered || memcmp(offered, &offer, sizeof(offer)) == 0);
}

void pool_node_is_tried(struct pool *pool, struct pool_node *node)
{
    struct fit_entry offer = node_offer(node);

    node->fresh = false;
    if (pool_node_is_usable(node))
        pool_offer(pool, node, &offer);
    else
        pool_withdraw(pool, node);
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

    assert(pool_class_suits(pool, kind->job_class, node->node_class));
    task->row.attempts++;
    pool_take_way(pool, node, kind);
    pool_begin_claim(pool, task, node->row.node, ++pool->epoch);
    pool_move_task(pool, task, TASK_RUNNING, REASON_FIRST_IN_LINE, effects);
    pool_save_task(task, effects);
    pool_send_start(pool, task, effects);
}

/* A node to which kinds are shown. */
struct showing {
    const struct pool *pool;
    const struct pool_node *node;
    uint32_t node_class;
    struct resources room; /* for those for whom nothing is kept */
};

/* Room is kept for whoever is ranked as high as those for whom others make way. */
static bool kind_may_have(const struct showing *showing, const struct pool_kind *kind)
{
    const struct pool_way *way = &showing->node->way;

    return way->tasks == 0 || resources_fit(&kind->request, &showing->room) ||
           pool_rank(showing->pool, kind->job_class, showing->node_class) >= way->rank;
}

static bool kind_suits(const void *user_data, uint32_t index)
{
    const struct showing *showing = user_data;
    const struct pool_kind *kind = &showing->pool->kinds[index];

    return pool_class_suits(showing->pool, kind->job_class, showing->node_class) &&
           kind_may_have(showing, kind);
}

static struct showing showing_of(const struct pool *pool, const struct pool_node *node)
{
    return (struct showing){
        .pool = pool, .node = node, .node_class = node->node_class, .room = pool_node_room(node)};
}

/* The kind whose first ready task goes before all others of those that fit; NULL if none does. */
static struct pool_kind *first_kind_for(struct pool *pool, const struct pool_node *node)
{
    struct resources room = whole_room(node);
    uint64_t needed[FIT_AMOUNTS];
    struct showing showing = showing_of(pool, node);
    uint32_t index;

    pool_write_rest(&room, pool_lent_ms(pool, node), needed);
    index = fit_find_if(&pool->ready_kinds, needed, kind_suits, &showing);
    return index == NONE ? NULL : &pool->kinds[index];
}

/* The best so far of the kinds that a node may choose from. */
struct choice {
    struct showing showing;
    uint64_t priority; /* as in keys */
    uint64_t key;
    int64_t rank;
    struct pool_kind *kind;
};

static uint64_t key_of(const struct pool_kind *kind)
{
    return heap_first(&kind->ready)->key;
}

/* Looks at all, so it takes none. */
static bool weigh_kind(const void *user_data, uint32_t index)
{
    struct choice *choice = *(struct choice *const *)user_data;
    struct pool_kind *kind = &choice->showing.pool->kinds[index];
    int64_t rank;

    if (!kind_suits(&choice->showing, index) ||
        key_of(kind) >> POOL_KEY_PRIORITY != choice->priority)
        return false;
    rank = pool_rank(choice->showing.pool, kind->job_class, choice->showing.node_class);
    if (rank > choice->rank || (rank == choice->rank && key_of(kind) < choice->key)) {
        choice->rank = rank;
        choice->key = key_of(kind);
        choice->kind = kind;
    }
    return false;
}

static struct pool_kind *weigh_kinds(struct pool *pool, const struct pool_node *node,
                                     struct pool_kind *kind)
{
    struct choice choice = {
        .showing = showing_of(pool, node),
        .priority = key_of(kind) >> POOL_KEY_PRIORITY,
        .key = key_of(kind),
        .rank = pool_rank(pool, kind->job_class, node->node_class),
        .kind = kind,
    };
    struct choice *chosen = &choice;
    struct resources room = whole_room(node);
    uint64_t needed[FIT_AMOUNTS];

    pool_write_rest(&room, pool_lent_ms(pool, node), needed);
    (void)fit_find_if(&pool->ready_kinds, needed, weigh_kind, &chosen);
    return choice.kind;
}

/*
 * Whom the node takes where it may take this kind: of those of its priority the one that it ranks
 * highest. Nodes that rank nobody, which are nearly all, are not asked.
 */
static struct pool_kind *choose_kind(struct pool *pool, const struct pool_node *node,
                                     struct pool_kind *kind)
{
    return pool->node_classes[node->node_class].rank_count > 0 ? weigh_kinds(pool, node, kind)
                                                               : kind;
}

static size_t schedule_nodes(struct pool *pool, size_t budget, struct pool_effects *effects)
{
    while (pool->fresh_node_count > 0 && budget > 0) {
        struct pool_node *node = &pool->nodes[pool->fresh_nodes[pool->fresh_node_count - 1]];
        struct pool_kind *kind = pool_node_is_usable(node) ? first_kind_for(pool, node) : NULL;

        if (!kind && pool_end_way(pool, node))
            continue;
        if (!kind) {
            pool->fresh_node_count--;
            pool_node_is_tried(pool, node);
            continue;
        }
        start_task(pool, choose_kind(pool, node, kind), node, effects);
        budget--;
    }
    return budget;
}

static void schedule_kinds(struct pool *pool, size_t budget, struct pool_effects *effects)
{
    while (pool->fresh_kinds.length > 0 && budget > 0) {
        uint32_t index = heap_first(&pool->fresh_kinds)->item;
        struct pool_kind *kind = &pool->kinds[index];
        struct pool_node *node = pool_best_offer(pool, kind);

        if (!node) {
            heap_remove(&pool->fresh_kinds, index);
            pool_ask_way(pool, kind);
            continue;
        }
        /* It has less room, not more: nobody else is to be tried on it. */
        node->fresh = true;
        start_task(pool, choose_kind(pool, node, kind), node, effects);
        pool_node_is_tried(pool, node);
        budget--;
    }
}

void pool_schedule(struct pool *pool, struct pool_effects *effects)
{
    size_t budget = STARTS_PER_STEP;

    pool_show_news(pool);
    budget = schedule_nodes(pool, budget, effects);
    /* While nodes are still to be tried, there is no telling what is left for the kinds. */
    if (budget > 0)
        schedule_kinds(pool, budget, effects);
}

bool pool_schedule_is_due(const struct pool *pool)
{
    return pool->fresh_node_count > 0 || pool->fresh_kinds.length > 0 || pool->classes_have_news;
}
