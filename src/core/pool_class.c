/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Classes: which tasks may run on which nodes, and where they would rather.
 *
 * Each node class offers its own nodes, the best first; each job class knows the node classes that
 * suit, the preferred ones first. So the best node for a task is the best of few offers, and nodes
 * that do not suit cost nothing, however many there are.
 *
 * None of this is in the rows: classes are numbers that the caller gives and derives anew after a
 * restart.
 */
#include "core/pool_internal.h"

#include "base/memory.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static void job_class_deinit(struct pool_job_class *class)
{
    free(class->preferences);
    free(class->suiting);
}

void pool_classes_deinit(struct pool *pool)
{
    for (size_t i = 0; i < pool->job_class_count; i++)
        job_class_deinit(&pool->job_classes[i]);
    for (size_t i = 0; i < pool->node_class_count; i++) {
        fit_deinit(&pool->node_classes[i].offered);
        fit_deinit(&pool->node_classes[i].yielding);
        free(pool->node_classes[i].members);
        free(pool->node_classes[i].ranks);
    }
    free(pool->job_classes);
    free(pool->node_classes);
}

/* Room for what a job class can hold of `count` node classes. */
static bool reserve_preferences(struct pool_job_class *class, size_t count)
{
    return array_try_reserve(class->preferences, class->preference_capacity, count) &&
           array_try_reserve(class->suiting, class->suiting_capacity, count);
}

/* Where the node class stands among those that suit, or belongs, if it is preferred that much. */
static size_t suiting_place(const struct pool_job_class *class, uint32_t node_class,
                            int64_t preference)
{
    size_t low = 0, high = class->suiting_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint32_t other = class->suiting[middle];

        if (class->preferences[other] > preference ||
            (class->preferences[other] == preference && other < node_class))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void insert_suiting(struct pool_job_class *class, uint32_t node_class)
{
    size_t at = suiting_place(class, node_class, class->preferences[node_class]);

    memmove(&class->suiting[at + 1], &class->suiting[at],
            (class->suiting_count - at) * sizeof(*class->suiting));
    class->suiting[at] = node_class;
    class->suiting_count++;
}

static void remove_suiting(struct pool_job_class *class, uint32_t node_class)
{
    size_t at = suiting_place(class, node_class, class->preferences[node_class]);

    assert(class->suiting[at] == node_class);
    class->suiting_count--;
    memmove(&class->suiting[at], &class->suiting[at + 1],
            (class->suiting_count - at) * sizeof(*class->suiting));
}

void pool_set_preference(struct pool *pool, uint32_t job_class, uint32_t node_class,
                         int64_t preference)
{
    struct pool_job_class *class = &pool->job_classes[job_class];
    int64_t before = class->preferences[node_class];

    assert(job_class < pool->job_class_count && node_class < pool->node_class_count);
    if (preference == before)
        return;
    if (before == POOL_NEVER)
        class->has_news = pool->classes_have_news = true;
    else
        remove_suiting(class, node_class);
    class->preferences[node_class] = preference;
    if (preference != POOL_NEVER)
        insert_suiting(class, node_class);
}

/* What is true of a pair before anything is told of it. */
static void set_untold(struct pool_job_class *class, bool takes_any, uint32_t node_class)
{
    class->preferences[node_class] = takes_any ? 0 : POOL_NEVER;
    if (takes_any)
        insert_suiting(class, node_class);
}

int pool_reserve_job_class(struct pool *pool, uint32_t job_class)
{
    size_t needed = (size_t)job_class + 1;

    if (!array_try_reserve(pool->job_classes, pool->job_class_capacity, needed))
        return -ENOMEM;
    while (pool->job_class_count < needed) {
        struct pool_job_class *class = &pool->job_classes[pool->job_class_count];

        *class = (struct pool_job_class){0};
        if (!reserve_preferences(class, pool->node_class_count)) {
            job_class_deinit(class);
            return -ENOMEM;
        }
        for (uint32_t i = 0; i < pool->node_class_count; i++)
            set_untold(class, pool->job_class_count == 0, i);
        pool->job_class_count++;
    }
    return 0;
}

int pool_reserve_node_class(struct pool *pool, uint32_t node_class)
{
    size_t needed = (size_t)node_class + 1;

    if (!array_try_reserve(pool->node_classes, pool->node_class_capacity, needed))
        return -ENOMEM;
    for (size_t i = 0; i < pool->job_class_count; i++)
        if (!reserve_preferences(&pool->job_classes[i], needed))
            return -ENOMEM;
    while (pool->node_class_count < needed) {
        uint32_t number = (uint32_t)pool->node_class_count++;

        pool->node_classes[number] =
            (struct pool_node_class){.offered = FIT_INIT, .yielding = FIT_INIT};
        for (size_t i = 0; i < pool->job_class_count; i++)
            set_untold(&pool->job_classes[i], i == 0, number);
    }
    return 0;
}

void pool_show_news(struct pool *pool)
{
    if (!pool->classes_have_news)
        return;
    for (uint32_t i = 0; i < pool->kind_count; i++) {
        const struct heap_entry *first = heap_first(&pool->kinds[i].ready);

        if (first && pool->job_classes[pool->kinds[i].job_class].has_news)
            heap_set(&pool->fresh_kinds, i, first->key);
    }
    for (uint32_t i = 0; i < pool->job_class_count; i++)
        pool->job_classes[i].has_news = false;
    pool->classes_have_news = false;
}

/*
 * From that one on no node class suits. All at once: a number that is used again may have suited
 * a hundred thousand, and one by one each would move those behind it.
 */
static void suit_none_from(struct pool *pool, struct pool_job_class *class, size_t first)
{
    size_t kept = 0;

    for (size_t i = 0; i < class->suiting_count; i++)
        if (class->suiting[i] < first)
            class->suiting[kept++] = class->suiting[i];
    class->suiting_count = kept;
    for (size_t i = first; i < pool->node_class_count; i++)
        class->preferences[i] = POOL_NEVER;
}

/* Those that wait are looked at again, and so are the nodes on which some run. */
static void set_rank(struct pool *pool, uint32_t job_class, uint32_t node_class, int64_t rank)
{
    struct pool_node_class *nodes = &pool->node_classes[node_class];
    struct pool_job_class *tasks = &pool->job_classes[job_class];

    if (nodes->ranks[job_class] == rank)
        return;
    nodes->ranks[job_class] = rank;
    tasks->is_ranked = true;
    if (pool_class_suits(pool, job_class, node_class))
        tasks->has_news = pool->classes_have_news = true;
    pool_note_rank(pool, tasks, nodes);
}

int pool_set_job_class(struct pool *pool, uint32_t job_class, const int64_t *preferences,
                       size_t count)
{
    int r = count > 0 ? pool_reserve_node_class(pool, (uint32_t)count - 1) : 0;

    if (r == 0)
        r = pool_reserve_job_class(pool, job_class);
    if (r < 0)
        return r;
    suit_none_from(pool, &pool->job_classes[job_class], count);
    for (size_t i = 0; i < pool->node_class_count; i++)
        if (job_class < pool->node_classes[i].rank_count)
            set_rank(pool, job_class, (uint32_t)i, POOL_NEVER);
    for (uint32_t i = 0; i < count; i++)
        pool_set_preference(pool, job_class, i, preferences[i]);
    return 0;
}

int pool_set_node_class(struct pool *pool, uint32_t node_class, const int64_t *preferences,
                        size_t count)
{
    int r = count > 0 ? pool_reserve_job_class(pool, (uint32_t)count - 1) : 0;

    if (r == 0)
        r = pool_reserve_node_class(pool, node_class);
    if (r < 0)
        return r;
    for (size_t i = 0; i < pool->job_class_count; i++)
        pool_note_rank(pool, &pool->job_classes[i], &pool->node_classes[node_class]);
    pool->node_classes[node_class].rank_count = 0;
    for (uint32_t i = 1; i < pool->job_class_count; i++)
        pool_set_preference(pool, i, node_class, i < count ? preferences[i] : POOL_NEVER);
    return 0;
}

void pool_set_rank(struct pool *pool, uint32_t job_class, uint32_t node_class, int64_t rank)
{
    struct pool_node_class *class = &pool->node_classes[node_class];

    assert(job_class < pool->job_class_count && node_class < pool->node_class_count);
    /* Also for members that have yet to come. */
    if (!fit_try_reserve(&class->yielding, class->member_capacity))
        return;
    array_reserve(class->ranks, class->rank_capacity, (size_t)job_class + 1);
    while (class->rank_count <= job_class)
        class->ranks[class->rank_count++] = POOL_NEVER;
    set_rank(pool, job_class, node_class, rank);
}

bool pool_rank_is_told(const struct pool *pool, uint32_t job_class, uint32_t node_class)
{
    const struct pool_node_class *class = &pool->node_classes[node_class];

    return job_class < class->rank_count && class->ranks[job_class] != POOL_NEVER;
}

int64_t pool_rank(const struct pool *pool, uint32_t job_class, uint32_t node_class)
{
    return pool_rank_is_told(pool, job_class, node_class)
               ? pool->node_classes[node_class].ranks[job_class]
               : 0;
}

bool pool_uses_job_class(const struct pool *pool, uint32_t job_class)
{
    return job_class < pool->job_class_count && pool->job_classes[job_class].part_count > 0;
}

bool pool_uses_node_class(const struct pool *pool, uint32_t node_class)
{
    return node_class < pool->node_class_count && pool->node_classes[node_class].member_count > 0;
}

bool pool_class_suits(const struct pool *pool, uint32_t job_class, uint32_t node_class)
{
    return pool->job_classes[job_class].preferences[node_class] != POOL_NEVER;
}

int pool_reserve_members(struct pool *pool, uint32_t node_class, size_t more)
{
    struct pool_node_class *class = &pool->node_classes[node_class];
    size_t needed = class->member_count + more;

    if (!array_try_reserve(class->members, class->member_capacity, needed) ||
        !fit_try_reserve(&class->offered, needed) ||
        (class->rank_count > 0 && !fit_try_reserve(&class->yielding, needed)))
        return -ENOMEM;
    return 0;
}

void pool_join_class(struct pool *pool, struct pool_node *node, uint32_t node_class)
{
    struct pool_node_class *class = &pool->node_classes[node_class];

    assert(class->member_count < class->member_capacity);
    node->node_class = node_class;
    node->place = (uint32_t) class->member_count;
    class->members[class->member_count++] = node->row.node;
}

/* The last member takes the place that becomes free. */
void pool_leave_class(struct pool *pool, struct pool_node *node)
{
    struct pool_node_class *class = &pool->node_classes[node->node_class];
    uint32_t last = (uint32_t) class->member_count - 1;
    struct pool_node *moved = &pool->nodes[class->members[last]];
    const struct fit_entry *offer;

    pool_withdraw(pool, node);
    pool_move_way(class, last, node->place);
    class->member_count--;
    if (moved == node)
        return;
    offer = fit_get(&class->offered, last);
    class->members[node->place] = moved->row.node;
    moved->place = node->place;
    if (!offer)
        return;
    fit_set(&class->offered, moved->place, offer);
    fit_remove(&class->offered, last);
}

const struct fit_entry *pool_offer_of(const struct pool *pool, const struct pool_node *node)
{
    return fit_get(&pool->node_classes[node->node_class].offered, node->place);
}

void pool_offer(struct pool *pool, struct pool_node *node, const struct fit_entry *offer)
{
    fit_set(&pool->node_classes[node->node_class].offered, node->place, offer);
}

void pool_withdraw(struct pool *pool, struct pool_node *node)
{
    fit_remove(&pool->node_classes[node->node_class].offered, node->place);
}

/*
 * Classes that are equally good compete: the one with the best node goes first. A class whose best
 * node, with or without room, is no better than what was found is not looked into.
 */
struct pool_node *pool_best_offer(const struct pool *pool, const struct pool_kind *kind)
{
    const struct pool_job_class *class = &pool->job_classes[kind->job_class];
    uint64_t needed[FIT_AMOUNTS];
    struct pool_node *best = NULL;
    uint64_t best_key = UINT64_MAX;
    int64_t best_preference = 0;

    pool_write_needs(pool, &kind->request, kind->needed_ms, needed);
    for (size_t i = 0; i < class->suiting_count; i++) {
        const struct pool_node_class *nodes = &pool->node_classes[class->suiting[i]];
        uint32_t place;

        if (best && class->preferences[class->suiting[i]] < best_preference)
            break;
        if (fit_first_key(&nodes->offered) >= best_key)
            continue;
        place = fit_find(&nodes->offered, needed);
        if (place == NONE || fit_get(&nodes->offered, place)->key >= best_key)
            continue;
        best = &pool->nodes[nodes->members[place]];
        best_key = fit_get(&nodes->offered, place)->key;
        best_preference = class->preferences[class->suiting[i]];
    }
    return best;
}

/* A node class in which another place for a task is looked for. */
struct elsewhere {
    const struct pool *pool;
    const struct pool_node_class *nodes;
    const struct pool_task *task;
};

static bool may_be_promised(const void *user_data, uint32_t place)
{
    const struct elsewhere *elsewhere = user_data;
    const struct pool_node *node = &elsewhere->pool->nodes[elsewhere->nodes->members[place]];
    struct resources room = pool_node_room(node), needed = elsewhere->task->part->row.request;

    resources_give(&needed, &node->promised);
    assert(node->row.node != elsewhere->task->row.node); /* its owner is there */
    return resources_fit(&needed, &room);
}

struct pool_node *pool_offer_elsewhere(const struct pool *pool, const struct pool_task *task)
{
    const struct pool_part *part = &task->part->row;
    const struct pool_job_class *class = &pool->job_classes[part->job_class];
    uint64_t needed[FIT_AMOUNTS];

    pool_write_needs(pool, &part->request, part->needed_ms, needed);
    for (size_t i = 0; i < class->suiting_count; i++) {
        struct elsewhere elsewhere = {
            .pool = pool, .nodes = &pool->node_classes[class->suiting[i]], .task = task};
        uint32_t place =
            fit_find_if(&elsewhere.nodes->offered, needed, may_be_promised, &elsewhere);

        if (place != NONE)
            return &pool->nodes[elsewhere.nodes->members[place]];
    }
    return NULL;
}

int pool_reserve_change(struct pool *pool, const struct pool_event *event)
{
    int r = pool_reserve_node_class(pool, event->changed.node_class);

    if (r == 0)
        r = pool_reserve_members(pool, event->changed.node_class, 1);
    return r;
}

void pool_node_changed(struct pool *pool, const struct pool_event *event)
{
    struct pool_node *node = pool_find_node(pool, event->changed.node);

    if (!node)
        return;
    if (node->node_class != event->changed.node_class) {
        pool_leave_class(pool, node);
        pool_join_class(pool, node, event->changed.node_class);
    }
    node->stay = event->changed.stay;
    pool_place_node(pool, node);
}
