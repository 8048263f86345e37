/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See match_queue.h. Classes of nodes stand in the order in which they came, so that for each class
 * of tasks one number says what is still to be compared, and a new class of nodes is at the end for
 * all of them. The fleeting ones have an order of their own: to look at them again is to begin that
 * one again.
 */
#include "core/match_queue.h"

#include "base/memory.h"

#include <stdlib.h>

enum { LASTING, FLEETING, ORDER_COUNT };

void match_queue_deinit(struct match_queue *queue)
{
    for (size_t i = 0; i < ORDER_COUNT; i++)
        free(queue->nodes[i].items);
    free(queue->jobs);
    heap_deinit(&queue->waiting);
}

bool match_queue_try_reserve(struct match_queue *queue, size_t count)
{
    if (!heap_try_reserve(&queue->waiting, count) ||
        !array_try_reserve(queue->jobs, queue->job_capacity, count))
        return false;
    while (queue->job_count < count)
        queue->jobs[queue->job_count++] = (struct match_queue_job){0};
    return true;
}

static void place(struct match_queue *queue, uint32_t number)
{
    const struct match_queue_job *job = &queue->jobs[number];

    heap_set(&queue->waiting, number, job->spent + job->dearest);
}

void match_queue_add_job(struct match_queue *queue, uint32_t job, bool is_fleeting, uint64_t guess)
{
    queue->jobs[job] =
        (struct match_queue_job){.is_known = true, .is_fleeting = is_fleeting, .dearest = guess};
    place(queue, job);
}

void match_queue_add_node(struct match_queue *queue, uint32_t node, bool is_fleeting)
{
    struct match_queue_order *order = &queue->nodes[is_fleeting ? FLEETING : LASTING];

    array_reserve(order->items, order->capacity, order->count + 1);
    order->items[order->count++] = node;
    for (uint32_t i = 0; i < queue->job_count; i++) {
        if (!queue->jobs[i].is_known || heap_contains(&queue->waiting, i))
            continue;
        queue->jobs[i].spent = 0;
        place(queue, i);
    }
}

void match_queue_remove_job(struct match_queue *queue, uint32_t job)
{
    heap_remove(&queue->waiting, job);
    queue->jobs[job] = (struct match_queue_job){0};
}

void match_queue_keep_nodes(struct match_queue *queue,
                            bool (*keeps)(const void *user_data, uint32_t node),
                            const void *user_data)
{
    for (size_t which = 0; which < ORDER_COUNT; which++) {
        struct match_queue_order *order = &queue->nodes[which];
        _cleanup_free_ uint32_t *kept_before =
            memory_allocate((order->count + 1) * sizeof(*kept_before));
        uint32_t kept = 0;

        for (size_t i = 0; i < order->count; i++) {
            kept_before[i] = kept;
            if (keeps(user_data, order->items[i]))
                order->items[kept++] = order->items[i];
        }
        kept_before[order->count] = kept;
        order->count = kept;
        for (size_t i = 0; i < queue->job_count; i++)
            queue->jobs[i].next[which] = kept_before[queue->jobs[i].next[which]];
    }
}

void match_queue_look_again(struct match_queue *queue)
{
    const struct heap_entry *first = heap_first(&queue->waiting);
    uint64_t least = first ? first->key : 0;

    for (uint32_t i = 0; i < queue->job_count; i++) {
        struct match_queue_job *job = &queue->jobs[i];

        if (!job->is_known || heap_contains(&queue->waiting, i) ||
            (!job->is_fleeting && queue->nodes[FLEETING].count == 0))
            continue;
        job->next[FLEETING] = 0;
        if (job->is_fleeting)
            job->next[LASTING] = 0;
        job->spent = least;
        place(queue, i);
    }
}

bool match_queue_waits(const struct match_queue *queue, uint32_t job)
{
    return heap_contains(&queue->waiting, job);
}

bool match_queue_first(const struct match_queue *queue, uint32_t *ret_job)
{
    const struct heap_entry *first = heap_first(&queue->waiting);

    if (!first)
        return false;
    *ret_job = first->item;
    return true;
}

bool match_queue_take(struct match_queue *queue, uint32_t job, uint32_t *ret_node)
{
    for (size_t which = 0; which < ORDER_COUNT; which++) {
        const struct match_queue_order *order = &queue->nodes[which];
        uint32_t *next = &queue->jobs[job].next[which];

        if (*next < order->count) {
            *ret_node = order->items[(*next)++];
            return true;
        }
    }
    return false;
}

void match_queue_charge(struct match_queue *queue, uint32_t job, uint64_t steps)
{
    queue->jobs[job].spent += steps;
    if (queue->jobs[job].dearest < steps)
        queue->jobs[job].dearest = steps;
}

void match_queue_settle(struct match_queue *queue, uint32_t job)
{
    const uint32_t *next = queue->jobs[job].next;

    if (next[LASTING] < queue->nodes[LASTING].count ||
        next[FLEETING] < queue->nodes[FLEETING].count)
        place(queue, job);
    else
        heap_remove(&queue->waiting, job);
}
