/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes that sleep, and who is woken for which work.
 *
 * A node that says it goes to sleep is offered no more and stands among the sleepers until it says
 * hello, by itself or because it was woken. Sleepers are looked at one by one, each when its pause
 * is over: if tasks have waited for long that it has room for, and more of them than those will
 * take that are being woken already, it is woken. So one task wakes one computer, and not the hall.
 *
 * A pause is a minute, in which a computer starts, and twice as long with each try; behind it
 * others go first. Who did not come after WAKES_MAX tries does not wake, until it says hello some
 * day. Between any two wakes lies WAKES_APART_MS, so that a hall of computers does not start in one
 * moment, on one fuse.
 *
 * A magic packet reaches a segment of the network only from within: the waker is a connected node
 * of the same segment, another one each time, or the server itself if it is there. So the last one
 * of a segment is not told that it may sleep.
 */
#include "core/pool_internal.h"

#include "base/memory.h"

#include <assert.h>
#include <errno.h>

enum { WAKES_MAX = 3, WAKE_PAUSE_MS = 60000, WAKES_APART_MS = 250 };

/* ---- segments ---- */

static int reserve_segment(struct pool *pool, uint32_t segment)
{
    size_t needed = (size_t)segment + 1;

    if (!array_try_reserve(pool->segments, pool->segment_capacity, needed))
        return -ENOMEM;
    for (; pool->segment_count < needed; pool->segment_count++)
        pool->segments[pool->segment_count] = (struct pool_segment){.wakers = POOL_LIST_INIT};
    return 0;
}

static void leave_segment(struct pool *pool, struct pool_node *node)
{
    if (!node->is_waker)
        return;
    POOL_LIST_REMOVE(&pool->segments[node->segment].wakers, pool->nodes, node->row.node,
                     of_segment);
    node->is_waker = false;
}

static void join_segment(struct pool *pool, struct pool_node *node)
{
    POOL_LIST_APPEND(&pool->segments[node->segment].wakers, pool->nodes, node->row.node,
                     of_segment);
    node->is_waker = true;
}

static bool can_wake_others(const struct pool_node *node)
{
    return node->connected && node->segment != 0 && !node->row.asleep;
}

void pool_place_waker(struct pool *pool, struct pool_node *node)
{
    if (!can_wake_others(node))
        leave_segment(pool, node);
    else if (!node->is_waker)
        join_segment(pool, node);
}

int pool_set_segment(struct pool *pool, uint32_t number, uint32_t segment)
{
    struct pool_node *node = pool_find_node(pool, number);

    if (!node || node->segment == segment)
        return 0;
    if (reserve_segment(pool, segment) < 0)
        return -ENOMEM;
    leave_segment(pool, node);
    node->segment = segment;
    pool_place_waker(pool, node);
    return 0;
}

int pool_set_own_segment(struct pool *pool, uint32_t segment)
{
    int r = reserve_segment(pool, segment);

    if (r == 0)
        pool->segments[segment].is_own = true;
    return r;
}

void pool_let_sleep(struct pool *pool, uint32_t number, bool sleeps_on, uint64_t lent_ms)
{
    struct pool_node *node = pool_find_node(pool, number);

    if (!node)
        return;
    node->sleeps_on = sleeps_on;
    if (node->row.asleep)
        pool_hear_end(pool, node, lent_ms);
}

/* ---- who sleeps ---- */

void pool_drop_expectation(struct pool *pool, struct pool_node *node)
{
    if (node->expected_tasks > 0)
        pool->kinds[node->expected_kind].expected_tasks -= node->expected_tasks;
    node->expected_tasks = 0;
}

void pool_add_sleeper(struct pool *pool, struct pool_node *node, uint64_t look_ms)
{
    if (node->row.wakes < WAKES_MAX)
        heap_set(&pool->sleepers, node->row.node, look_ms);
}

bool pool_wake_up(struct pool *pool, struct pool_node *node)
{
    if (!node->row.asleep)
        return false;
    heap_remove(&pool->sleepers, node->row.node);
    node->row.asleep = false;
    node->row.wakes = 0;
    node->row.capacity = (struct resources){0};
    return true;
}

/* Somebody has to stay who can wake the others, and whoever else went to sleep relies on it. */
static bool is_last_waker(const struct pool *pool, const struct pool_node *node)
{
    const struct pool_segment *segment;

    if (!node->is_waker)
        return false;
    segment = &pool->segments[node->segment];
    return !segment->is_own && segment->wakers.first == segment->wakers.last;
}

void pool_hear_sleep(struct pool *pool, struct pool_node *node, bool asleep,
                     struct pool_effects *effects)
{
    /* What it was given meanwhile keeps it awake: it learns of that before it is answered. */
    asleep = asleep && node->claim_count == 0 && !is_last_waker(pool, node);
    pool_drop_expectation(pool, node);
    if (asleep == node->row.asleep)
        return;
    if (asleep) {
        node->row.asleep = true;
        node->row.capacity = node->capacity;
        /* It has to lie down first: a packet that comes before that wakes nobody. */
        pool_add_sleeper(pool, node, pool->now_ms + pool->options.heartbeat_ms);
    } else {
        pool_wake_up(pool, node);
    }
    pool_emit(effects, POOL_SAVE_NODE)->node = node->row;
}

void pool_forget_sleeper(struct pool *pool, struct pool_node *node)
{
    pool_drop_expectation(pool, node);
    heap_remove(&pool->sleepers, node->row.node);
}

/* ---- who is woken ---- */

uint64_t pool_count_ready(const struct pool *pool, const struct pool_part_object *part,
                          uint64_t most)
{
    const struct pool_job_row *job = &pool->jobs[part->job].row;
    uint64_t count = job->held ? 0 : part->row.first + part->row.count - part->row.next;

    for (uint32_t t = part->returned.first; t != NONE && count < most;
         t = pool->tasks[t].of_part.next)
        count++;
    return count;
}

/* Each part in the heap has a task at least, so this looks at few. */
static bool waits_for_more(const struct pool *pool, const struct pool_kind *kind)
{
    uint64_t count = 0;

    for (size_t i = 0; i < kind->ready.length && count <= kind->expected_tasks; i++)
        count += pool_count_ready(pool, kind->slots[kind->ready.entries[i].item].part,
                                  kind->expected_tasks + 1);
    return count > kind->expected_tasks;
}

/* After a start the nodes that are awake have as long to come back as work that has just come. */
static bool has_waited(const struct pool *pool, const struct pool_kind *kind)
{
    uint64_t since_ms = kind->ready_ms > pool->begun_ms ? kind->ready_ms : pool->begun_ms;

    return pool->now_ms - since_ms >= pool->options.wake_after_ms;
}

/* A sleeper to which kinds are shown. */
struct sleeper {
    const struct pool *pool;
    const struct pool_node *node;
};

static bool wants_it_awake(const void *user_data, uint32_t index)
{
    const struct sleeper *sleeper = user_data;
    const struct pool_kind *kind = &sleeper->pool->kinds[index];

    return pool_class_suits(sleeper->pool, kind->job_class, sleeper->node->node_class) &&
           has_waited(sleeper->pool, kind) && waits_for_more(sleeper->pool, kind);
}

static uint32_t find_kind_for(const struct pool *pool, const struct pool_node *node)
{
    uint64_t needed[FIT_AMOUNTS];
    struct sleeper sleeper = {.pool = pool, .node = node};

    pool_write_rest(&node->row.capacity, pool_lent_ms(pool, node), needed);
    return fit_find_if(&pool->ready_kinds, needed, wants_it_awake, &sleeper);
}

static uint64_t times(uint64_t room, uint64_t request, uint64_t most)
{
    return request > 0 && room / request < most ? room / request : most;
}

/* So many tasks of the kind it can take at once; one of no CPUs takes one, too. */
static uint32_t count_room(const struct resources *room, const struct resources *request)
{
    uint64_t count = times(room->cpus, request->cpus > 0 ? request->cpus : 1, room->cpus);

    count = times(room->memory, request->memory, count);
    count = times(room->disk, request->disk, count);
    return (uint32_t)times(room->gpus, request->gpus, count);
}

static void send_packet(struct pool *pool, const struct pool_node *node,
                        struct pool_effects *effects)
{
    struct pool_segment *segment = &pool->segments[node->segment];
    struct pool_effect *effect = pool_emit(effects, POOL_WAKE);
    struct pool_node *waker;

    effect->wake.node = node->row.node;
    effect->wake.waker = NONE;
    if (segment->is_own)
        return;
    waker = &pool->nodes[segment->wakers.first];
    effect->wake.waker = waker->row.node;
    effect->wake.session = waker->session;
    leave_segment(pool, waker);
    join_segment(pool, waker);
}

static void wake(struct pool *pool, struct pool_node *node, uint32_t kind,
                 struct pool_effects *effects)
{
    send_packet(pool, node, effects);
    node->expected_kind = kind;
    node->expected_tasks = count_room(&node->row.capacity, &pool->kinds[kind].request);
    pool->kinds[kind].expected_tasks += node->expected_tasks;
    heap_set(&pool->sleepers, node->row.node,
             pool->now_ms + ((uint64_t)WAKE_PAUSE_MS << node->row.wakes));
    node->row.wakes++;
    pool_emit(effects, POOL_SAVE_NODE)->node = node->row;
    pool->wake_next_ms = pool->now_ms + WAKES_APART_MS;
}

static bool has_waker(const struct pool *pool, const struct pool_node *node)
{
    const struct pool_segment *segment;

    if (node->segment == 0)
        return false;
    segment = &pool->segments[node->segment];
    return segment->is_own || segment->wakers.first != NONE;
}

static bool may_be_woken(const struct pool *pool, const struct pool_node *node)
{
    return !node->connected && !node->sleeps_on && !node->row.drained && has_waker(pool, node) &&
           pool_lent_ms(pool, node) > 0;
}

/* An admin may know why it did not wake, and has mended that: its tries begin anew. */
void pool_node_woken(struct pool *pool, const struct pool_event *event,
                     struct pool_effects *effects)
{
    struct pool_node *node = pool_find_node(pool, event->woken_node);

    if (!node || node->row.forgotten || !node->row.asleep) {
        pool_emit_reply(effects, event->caller, POOL_REPLY_WRONG_STATE, 0);
        return;
    }
    if (!has_waker(pool, node)) {
        pool_emit_reply(effects, event->caller, POOL_REPLY_NO_WAKER, 0);
        return;
    }
    send_packet(pool, node, effects);
    pool_drop_expectation(pool, node);
    node->row.wakes = 0;
    pool_add_sleeper(pool, node, pool->now_ms + WAKE_PAUSE_MS);
    pool_emit(effects, POOL_SAVE_NODE)->node = node->row;
    pool_emit_reply(effects, event->caller, POOL_REPLY_DONE, 0);
}

/*
 * Returns whether it was woken. Who did not come lets all others go first: each is looked at within
 * a heartbeat.
 */
static bool look_at_sleeper(struct pool *pool, struct pool_node *node, struct pool_effects *effects)
{
    bool did_not_come = node->expected_tasks > 0;
    uint32_t kind = NONE;

    pool_drop_expectation(pool, node);
    if (node->row.wakes == WAKES_MAX) {
        heap_remove(&pool->sleepers, node->row.node);
        return false;
    }
    if (!did_not_come && may_be_woken(pool, node))
        kind = find_kind_for(pool, node);
    if (kind != NONE)
        wake(pool, node, kind, effects);
    else
        heap_set(&pool->sleepers, node->row.node,
                 pool->now_ms + pool->options.heartbeat_ms + did_not_come);
    return kind != NONE;
}

uint64_t pool_next_wake_ms(const struct pool *pool)
{
    const struct heap_entry *first = heap_first(&pool->sleepers);

    if (!first || pool->options.wake_after_ms == 0 ||
        fit_first_key(&pool->ready_kinds) == UINT64_MAX)
        return UINT64_MAX;
    return first->key > pool->wake_next_ms ? first->key : pool->wake_next_ms;
}

void pool_wake_sleepers(struct pool *pool, struct pool_effects *effects)
{
    /* While work is still to be joined with nodes, there is no telling what waits. */
    if (pool_schedule_is_due(pool))
        return;
    for (int i = 0; i < LOOKS_PER_STEP && pool_next_wake_ms(pool) <= pool->now_ms; i++)
        if (look_at_sleeper(pool, &pool->nodes[heap_first(&pool->sleepers)->item], effects))
            return;
}

bool pool_does_not_wake(const struct pool *pool, const struct pool_node *node)
{
    return node->row.asleep && !heap_contains(&pool->sleepers, node->row.node);
}

void pool_assert_sleep(const struct pool *pool)
{
    uint64_t expected = 0, of_kinds = 0;

    for (size_t i = 0; i < pool->node_count; i++) {
        const struct pool_node *node = &pool->nodes[i];

        assert(!heap_contains(&pool->sleepers, node->row.node) || node->row.asleep);
        assert(node->row.asleep || node->row.wakes == 0);
        assert(!node->row.asleep || node->claim_count == 0 || !node->connected);
        assert(node->is_waker == can_wake_others(node));
        expected += node->expected_tasks;
    }
    for (size_t i = 0; i < pool->kind_count; i++)
        of_kinds += pool->kinds[i].expected_tasks;
    assert(expected == of_kinds);
}
