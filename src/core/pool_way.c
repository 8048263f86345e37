/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RANK takes work away (HTCondor manual, "Configuration for Execution Points", RANK): a task that
 * waits, and for which no node is free, takes the place of others whose node ranks it strictly
 * higher, if its priority is not lower than theirs. They are told to leave as those of a drained
 * node are, with the grace that they have there.
 *
 * Whom it takes away: of a node class that it prefers, on the node where the lowest ranked runs,
 * the lowest ranked ones, as many as are in its way; of equals the one that began last. A node
 * makes way for tasks of one kind at a time.
 *
 * The room is kept until all have left: whoever is ranked lower than those for whom it was made
 * does not get it, or it would be taken away from him again. So whatever happens there the ranks on
 * a node only rise by this, and nobody flees in a circle. A way is in no row; after a restart those
 * who were told to leave do, and the node has its choice.
 *
 * What this costs: nodes where somebody may make way stand in a tree of their class, by the lowest
 * rank there, so that a kind looks at classes; and a node on which something has changed looks at
 * the kinds. Where no node ranks tasks nothing stands anywhere.
 */
#include "core/pool_internal.h"

#include <assert.h>
#include <string.h>

/* A kind of which a task may take the place of others. */
struct taker {
    const struct pool *pool;
    const struct pool_kind *kind;
    uint32_t node_class;
    int64_t rank;
    uint64_t priority; /* as in keys: the highest is the least */
    struct resources request;
};

static struct taker taker_of(const struct pool *pool, const struct pool_kind *kind,
                             uint32_t node_class)
{
    struct taker taker = {
        .pool = pool,
        .kind = kind,
        .node_class = node_class,
        .rank = pool_rank(pool, kind->job_class, node_class),
        .priority = heap_first(&kind->ready)->key >> POOL_KEY_PRIORITY,
        .request = kind->request,
    };

    /* As for an offer. */
    if (taker.request.cpus == 0)
        taker.request.cpus = 1;
    return taker;
}

/* ---- who may make way ---- */

/* Of whom it is not known how he is ranked, he stays. */
static bool may_make_way(const struct pool *pool, const struct pool_task *task)
{
    return !task->stopping && !task->makes_way && task->phase != CLAIM_COLLECTING &&
           pool_rank_is_told(pool, task->part->row.job_class,
                             pool->nodes[task->row.node].node_class);
}

static int64_t rank_of(const struct pool *pool, const struct pool_task *task)
{
    return pool_rank(pool, task->part->row.job_class, pool->nodes[task->row.node].node_class);
}

static bool makes_way_for(const struct taker *taker, const struct pool_task *task)
{
    return may_make_way(taker->pool, task) && rank_of(taker->pool, task) < taker->rank &&
           task->part->key >> POOL_KEY_PRIORITY >= taker->priority;
}

/* So that what is larger is larger as a key, too. */
static uint64_t key_of_rank(int64_t rank)
{
    return (uint64_t)rank ^ (uint64_t)1 << 63;
}

/* False if nobody there may make way. */
static bool write_way(const struct pool *pool, const struct pool_node *node,
                      struct fit_entry *ret_entry)
{
    struct resources used = node->used, room;
    int64_t lowest = INT64_MAX;

    if (pool->node_classes[node->node_class].rank_count == 0 || !pool_node_is_open(node) ||
        node->way.leaving_count > 0)
        return false;
    for (uint32_t t = node->claims.first; t != NONE; t = pool->tasks[t].of_node.next) {
        const struct pool_task *task = &pool->tasks[t];

        if (!may_make_way(pool, task))
            continue;
        resources_take(&used, &task->part->row.request);
        if (rank_of(pool, task) < lowest)
            lowest = rank_of(pool, task);
    }
    room = pool_room_beside(&node->capacity, &used);
    *ret_entry = (struct fit_entry){
        .key = key_of_rank(lowest),
        .amounts = {room.cpus, room.memory, room.disk, room.gpus, node->lent_until_ms},
    };
    return lowest < INT64_MAX;
}

/* Returns whether somebody may make way there, and it is news. */
static bool place_way(struct pool *pool, struct pool_node *node)
{
    struct fit *yielding = &pool->node_classes[node->node_class].yielding;
    const struct fit_entry *before = fit_get(yielding, node->place);
    struct fit_entry entry;

    if (!write_way(pool, node, &entry)) {
        fit_remove(yielding, node->place);
        return false;
    }
    if (before && memcmp(before, &entry, sizeof(entry)) == 0)
        return false;
    fit_set(yielding, node->place, &entry);
    return true;
}

/* It is to be looked at whether somebody makes way there. */
static void tempt(struct pool *pool, struct pool_node *node)
{
    if (node->is_tempting)
        return;
    assert(pool->tempting_node_count < pool->tempting_node_capacity);
    pool->tempting_nodes[pool->tempting_node_count++] = node->row.node;
    node->is_tempting = true;
}

void pool_place_way(struct pool *pool, struct pool_node *node)
{
    if (place_way(pool, node))
        tempt(pool, node);
}

void pool_move_way(struct pool_node_class *class, uint32_t last, uint32_t place)
{
    const struct fit_entry *entry = fit_get(&class->yielding, last);

    if (entry && last != place)
        fit_set(&class->yielding, place, entry);
    else
        fit_remove(&class->yielding, place);
    fit_remove(&class->yielding, last);
}

/* ---- for whom ---- */

void pool_ask_way(struct pool *pool, struct pool_kind *kind)
{
    const struct heap_entry *first = heap_first(&kind->ready);

    if (first && pool->job_classes[kind->job_class].is_ranked)
        heap_set(&pool->eager_kinds, (uint32_t)(kind - pool->kinds), first->key);
}

void pool_note_rank(struct pool *pool, struct pool_job_class *tasks, struct pool_node_class *nodes)
{
    if (tasks->claim_count > 0 && nodes->rank_count > 0)
        tasks->is_ranked_anew = nodes->has_news = pool->ranks_have_news = true;
}

static bool runs_news(const struct pool *pool, const struct pool_node *node)
{
    for (uint32_t t = node->claims.first; t != NONE; t = pool->tasks[t].of_node.next)
        if (pool->job_classes[pool->tasks[t].part->row.job_class].is_ranked_anew)
            return true;
    return false;
}

/*
 * What waits may be ranked higher than somebody now. Each node may look at all kinds, or each kind
 * at all classes of nodes, whichever is less.
 */
static void show_class(struct pool *pool, const struct pool_node_class *class)
{
    size_t count = 0;

    for (size_t i = 0; i < class->member_count; i++) {
        struct pool_node *node = &pool->nodes[class->members[i]];

        if (!runs_news(pool, node))
            continue;
        (void)place_way(pool, node);
        if (count++ < pool->node_class_count)
            tempt(pool, node);
    }
    for (size_t i = 0; count > pool->node_class_count && i < pool->kind_count; i++)
        pool_ask_way(pool, &pool->kinds[i]);
}

static void show_ranks(struct pool *pool)
{
    if (!pool->ranks_have_news)
        return;
    pool->ranks_have_news = false;
    for (size_t i = 0; i < pool->node_class_count; i++) {
        if (pool->node_classes[i].has_news)
            show_class(pool, &pool->node_classes[i]);
        pool->node_classes[i].has_news = false;
    }
    for (size_t i = 0; i < pool->job_class_count; i++)
        pool->job_classes[i].is_ranked_anew = false;
}

/* Whether more tasks of the priority of its first are ready than those that others make way for. */
static bool waits_for_more(const struct taker *taker)
{
    const struct pool_kind *kind = taker->kind;
    uint64_t count = 0;

    for (size_t i = 0; i < kind->ready.length && count <= kind->awaited_tasks; i++)
        if (kind->ready.entries[i].key >> POOL_KEY_PRIORITY == taker->priority)
            count += pool_count_ready(taker->pool, kind->slots[kind->ready.entries[i].item].part,
                                      kind->awaited_tasks + 1);
    return count > kind->awaited_tasks;
}

/* What will be used of the node when all have left who were told to, and those have come. */
static struct resources used_then(const struct pool_node *node)
{
    struct resources used = node->used;

    resources_take(&used, &node->way.leaving);
    resources_give(&used, &node->way.kept);
    return used;
}

/* Whether one more has room there when all have left who make way for it. */
static bool can_take(const struct taker *taker, const struct pool_node *node)
{
    struct resources used = used_then(node), room;
    bool makes_any = node->way.leaving_count > 0;

    for (uint32_t t = node->claims.first; t != NONE; t = taker->pool->tasks[t].of_node.next) {
        const struct pool_task *task = &taker->pool->tasks[t];

        if (!makes_way_for(taker, task))
            continue;
        makes_any = true;
        resources_take(&used, &task->part->row.request);
    }
    room = pool_room_beside(&node->capacity, &used);
    return makes_any && resources_fit(&taker->request, &room);
}

static bool can_take_place(const void *user_data, uint32_t place)
{
    const struct taker *taker = user_data;
    const struct pool *pool = taker->pool;

    return can_take(taker, &pool->nodes[pool->node_classes[taker->node_class].members[place]]);
}

/* The node on which a task of the kind takes the place of others; NULL if there is none. */
static struct pool_node *find_node(const struct pool *pool, const struct pool_kind *kind,
                                   struct taker *ret_taker)
{
    const struct pool_job_class *class = &pool->job_classes[kind->job_class];
    uint64_t needed[FIT_AMOUNTS];

    pool_write_needs(pool, &kind->request, kind->needed_ms, needed);
    for (size_t i = 0; i < class->suiting_count; i++) {
        const struct pool_node_class *nodes = &pool->node_classes[class->suiting[i]];
        struct taker taker = taker_of(pool, kind, class->suiting[i]);
        uint32_t place;

        if (fit_first_key(&nodes->yielding) >= key_of_rank(taker.rank))
            continue;
        if (!waits_for_more(&taker))
            return NULL;
        place = fit_find_if(&nodes->yielding, needed, can_take_place, &taker);
        if (place == NONE)
            continue;
        *ret_taker = taker;
        return &pool->nodes[nodes->members[place]];
    }
    return NULL;
}

/* ---- making way ---- */

/* Whether it would leave something of what is lacking. */
static bool helps(const struct resources *request, const struct resources *needed,
                  const struct resources *room)
{
    return (needed->cpus > room->cpus && request->cpus > 0) ||
           (needed->memory > room->memory && request->memory > 0) ||
           (needed->disk > room->disk && request->disk > 0) ||
           (needed->gpus > room->gpus && request->gpus > 0);
}

/* NULL if there is room enough. */
static struct pool_task *next_to_leave(struct pool *pool, const struct pool_node *node,
                                       const struct taker *taker)
{
    struct resources used = used_then(node);
    struct resources room = pool_room_beside(&node->capacity, &used);
    struct pool_task *next = NULL;

    for (uint32_t t = node->claims.first; t != NONE; t = pool->tasks[t].of_node.next) {
        struct pool_task *task = &pool->tasks[t];

        if (!makes_way_for(taker, task) || !helps(&task->part->row.request, &taker->request, &room))
            continue;
        if (!next || rank_of(pool, task) <= rank_of(pool, next))
            next = task;
    }
    return next;
}

static void choose(struct pool_node *node, struct pool_task *task)
{
    task->makes_way = true;
    node->way.leaving_count++;
    resources_give(&node->way.leaving, &task->part->row.request);
}

static void spare(struct pool_node *node, struct pool_task *task)
{
    task->makes_way = false;
    node->way.leaving_count--;
    resources_take(&node->way.leaving, &task->part->row.request);
}

/* Without whom there is room enough, too, because somebody else leaves more than was needed. */
static void spare_some(struct pool *pool, struct pool_node *node)
{
    for (uint32_t t = node->claims.first; t != NONE; t = pool->tasks[t].of_node.next) {
        struct pool_task *task = &pool->tasks[t];
        struct resources used;

        if (!task->makes_way)
            continue;
        spare(node, task);
        used = used_then(node);
        if (!resources_fit(&used, &node->capacity))
            choose(node, task);
    }
}

/* Returns how many these are. */
static size_t tell_chosen(struct pool *pool, const struct pool_node *node,
                          struct pool_effects *effects)
{
    for (uint32_t t = node->claims.first; t != NONE; t = pool->tasks[t].of_node.next)
        if (pool->tasks[t].makes_way)
            pool_tell_to_leave(pool, &pool->tasks[t], REASON_OUTRANKED, effects);
    return node->way.leaving_count;
}

/* Returns how many were told to leave. */
static size_t make_way(struct pool *pool, struct pool_node *node, const struct taker *taker,
                       struct pool_effects *effects)
{
    struct pool_kind *kind = &pool->kinds[taker->kind - pool->kinds];
    struct pool_task *task;
    size_t count;

    node->way = (struct pool_way){
        .kind = (uint32_t)(kind - pool->kinds), .rank = taker->rank, .request = taker->request};
    do {
        while ((task = next_to_leave(pool, node, taker)))
            choose(node, task);
        node->way.tasks++;
        resources_give(&node->way.kept, &taker->request);
        kind->awaited_tasks++;
    } while (waits_for_more(taker) && can_take(taker, node));
    spare_some(pool, node);
    count = tell_chosen(pool, node, effects);
    pool_place_way(pool, node);
    /* It has less room for others than before, not more. */
    pool_node_is_tried(pool, node);
    return count;
}

static size_t look_at_kind(struct pool *pool, uint32_t index, struct pool_effects *effects)
{
    struct pool_kind *kind = &pool->kinds[index];
    struct taker taker;
    struct pool_node *node = find_node(pool, kind, &taker);

    if (node)
        return make_way(pool, node, &taker, effects);
    heap_remove(&pool->eager_kinds, index);
    return 0;
}

/* The best so far of the kinds that would take the place of others on a node. */
struct temptation {
    const struct pool *pool;
    const struct pool_node *node;
    struct taker taker; /* of no kind: there is none yet */
};

static bool is_better(const struct taker *taker, const struct taker *than)
{
    if (!than->kind || taker->priority != than->priority)
        return !than->kind || taker->priority < than->priority;
    return taker->rank > than->rank;
}

/* Looks at all, so it takes none. */
static bool weigh_taker(const void *user_data, uint32_t index)
{
    struct temptation *temptation = *(struct temptation *const *)user_data;
    const struct pool *pool = temptation->pool;
    const struct pool_node *node = temptation->node;
    struct taker taker = taker_of(pool, &pool->kinds[index], node->node_class);

    if (pool_class_suits(pool, taker.kind->job_class, node->node_class) &&
        is_better(&taker, &temptation->taker) && can_take(&taker, node) && waits_for_more(&taker))
        temptation->taker = taker;
    return false;
}

static size_t look_at_node(struct pool *pool, struct pool_node *node, struct pool_effects *effects)
{
    const struct fit_entry *entry =
        fit_get(&pool->node_classes[node->node_class].yielding, node->place);
    struct temptation temptation = {.pool = pool, .node = node}, *tempted = &temptation;
    struct resources room;
    uint64_t needed[FIT_AMOUNTS];

    node->is_tempting = false;
    if (!entry)
        return 0;
    room = (struct resources){(uint32_t)entry->amounts[0], entry->amounts[1], entry->amounts[2],
                              (uint32_t)entry->amounts[3]};
    pool_write_rest(&room, pool_lent_ms(pool, node), needed);
    (void)fit_find_if(&pool->ready_kinds, needed, weigh_taker, &tempted);
    return temptation.taker.kind ? make_way(pool, node, &temptation.taker, effects) : 0;
}

void pool_make_way(struct pool *pool, struct pool_effects *effects)
{
    size_t count = 0;

    /* While work is still to be joined with nodes, there is no telling for whom none is free. */
    if (pool_schedule_is_due(pool))
        return;
    show_ranks(pool);
    while (pool->eager_kinds.length > 0 && count < LOOKS_PER_STEP)
        count += look_at_kind(pool, heap_first(&pool->eager_kinds)->item, effects);
    while (pool->tempting_node_count > 0 && count < LOOKS_PER_STEP)
        count += look_at_node(pool, &pool->nodes[pool->tempting_nodes[--pool->tempting_node_count]],
                              effects);
}

bool pool_way_is_due(const struct pool *pool)
{
    return pool->ranks_have_news || pool->eager_kinds.length > 0 || pool->tempting_node_count > 0;
}

/* ---- the room that is left ---- */

void pool_take_way(struct pool *pool, struct pool_node *node, const struct pool_kind *kind)
{
    struct pool_way *way = &node->way;
    struct pool_kind *awaited = &pool->kinds[way->kind];

    if (way->tasks == 0 || pool_rank(pool, kind->job_class, node->node_class) < way->rank)
        return;
    way->tasks--;
    resources_take(&way->kept, &way->request);
    awaited->awaited_tasks--;
    /* It may have been somebody who is better still, or what waits now is of another priority. */
    pool_ask_way(pool, awaited);
}

bool pool_end_way(struct pool *pool, struct pool_node *node)
{
    struct pool_way *way = &node->way;

    if (way->tasks == 0 || way->leaving_count > 0)
        return false;
    pool->kinds[way->kind].awaited_tasks -= way->tasks;
    pool_ask_way(pool, &pool->kinds[way->kind]);
    *way = (struct pool_way){0};
    return true;
}

void pool_leave_way(struct pool *pool, struct pool_node *node, struct pool_task *task)
{
    if (pool->node_classes[node->node_class].rank_count > 0)
        tempt(pool, node);
    if (!task->makes_way)
        return;
    spare(node, task);
    /* So that it is shown, although there may be no more room for others than before. */
    pool_withdraw(pool, node);
    if (!pool_node_is_usable(node))
        (void)pool_end_way(pool, node);
}

void pool_assert_way(const struct pool *pool, const struct pool_node *node)
{
    const struct fit_entry *entry =
        fit_get(&pool->node_classes[node->node_class].yielding, node->place);
    struct resources leaving = {0};
    uint32_t leaving_count = 0;

    for (uint32_t t = node->claims.first; t != NONE; t = pool->tasks[t].of_node.next) {
        if (!pool->tasks[t].makes_way)
            continue;
        assert(pool->tasks[t].stopping);
        resources_give(&leaving, &pool->tasks[t].part->row.request);
        leaving_count++;
    }
    assert(leaving_count == node->way.leaving_count);
    assert(resources_are_equal(&leaving, &node->way.leaving));
    assert(node->way.tasks == 0 || leaving_count > 0 || node->fresh);
    assert(!entry || (pool_node_is_open(node) && leaving_count == 0));
}
