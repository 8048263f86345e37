/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which pair of classes the matchmaker (match.h) evaluates next. Classes are numbers here.
 *
 * What a pair costs hangs on the requirements and the rank, so it is on the account of its class of
 * tasks, whichever of the two came second. A class of tasks waits while there are classes of nodes
 * that it was not compared with. First is the one that after another pair, as dear as its dearest
 * so far, would have spent the least: so what is simple is never long behind what is not, also when
 * nodes come whose classes are new to all.
 *
 * Memory that ends ends the process, but where it says otherwise.
 */
#pragma once

#include "base/heap.h"

struct match_queue_job {
    uint32_t next[2]; /* of the nodes in either order: those before it are compared */
    uint64_t spent;   /* since it waits, in steps */
    uint64_t dearest; /* pair of it so far, in steps, or what was guessed */
    bool is_known;
    bool is_fleeting;
};

struct match_queue_order {
    uint32_t *items; /* owned; classes of nodes as they came */
    size_t count;
    size_t capacity;
};

struct match_queue {
    struct match_queue_job *jobs; /* owned; by number */
    size_t job_count;
    size_t job_capacity;
    struct match_queue_order nodes[2]; /* those that last, and those that are fleeting */
    struct heap waiting;               /* classes of tasks */
};

void match_queue_deinit(struct match_queue *queue);
/* Room for classes of tasks below `count`; false if there is no memory. */
_must_check_ bool match_queue_try_reserve(struct match_queue *queue, size_t count);

/*
 * A fleeting class may suit others a minute later. A class of tasks, which must be within what was
 * reserved, is compared with all nodes; one of nodes, which must be new, with all tasks. Before a
 * pair of it was evaluated its pairs are taken to cost what is guessed, in steps.
 */
void match_queue_add_job(struct match_queue *queue, uint32_t job, bool is_fleeting, uint64_t guess);
void match_queue_add_node(struct match_queue *queue, uint32_t node, bool is_fleeting);
void match_queue_remove_job(struct match_queue *queue, uint32_t job);
/* Forgets the classes of nodes that `keeps` is false of; all at once, because each takes a look at
 * all that there are. */
void match_queue_keep_nodes(struct match_queue *queue,
                            bool (*keeps)(const void *user_data, uint32_t node),
                            const void *user_data);
/*
 * What is fleeting, on either side, is to be compared again. A class that still waits comes to its
 * end first, and one that begins again is no further ahead than the first of those that wait.
 */
void match_queue_look_again(struct match_queue *queue);

bool match_queue_waits(const struct match_queue *queue, uint32_t job);
/* The class of tasks whose turn it is; false if none waits. */
bool match_queue_first(const struct match_queue *queue, uint32_t *ret_job);
/* The next class of nodes for it, which counts as compared; false if there is none. */
bool match_queue_take(struct match_queue *queue, uint32_t job, uint32_t *ret_node);
/* What that pair cost, in steps. */
void match_queue_charge(struct match_queue *queue, uint32_t job, uint64_t steps);
/* Ends its turn: it waits at its new place, or no more. */
void match_queue_settle(struct match_queue *queue, uint32_t job);
