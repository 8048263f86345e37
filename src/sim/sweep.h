/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much of a sweep's work is done, and how much is thrown away, in a pool whose owners come and
 * go (owners.h): the pool's brain gives out the tasks, as in any pool; nothing else goes wrong.
 *
 * Somebody submits a sweep, and a minute after its end the next one, day and night. When an owner
 * comes, what runs on his computer is frozen at once; if he is still there after two minutes (or
 * as long as is said) it is vacated, all that it computed is lost, and it begins anew elsewhere.
 * The first weeks are not counted: the pool fills, and the nodes' histories (core/history.h) are
 * learned.
 *
 * The nodes are all the same but for their owners, so HTCondor's default order, which looks at what
 * a computer is and never at when its owner comes, is a fixed one: here that of their numbers.
 */
#pragma once

#include "sim/owners.h"

#include <stdio.h>

struct sweep_options {
    uint64_t seed;
    struct owners owners;
    uint32_t nodes;
    uint32_t cpus;           /* of each node; a task takes one */
    uint32_t tasks;          /* of each sweep */
    uint64_t task_ms;        /* a task computes for half as long to one and a half times as long */
    uint64_t suspend_for_ms; /* frozen so long, a task is vacated */
    uint64_t move_suspended_ms; /* as pool.h has it */
    bool by_history; /* nodes that stay free for long go first; else they are in a fixed order */
    uint32_t learning_days;
    uint32_t days; /* that count */
};

/* What was seen in the days that count. */
struct sweep_result {
    uint64_t days;
    uint64_t finished;      /* tasks */
    uint64_t finished_ms;   /* computed by attempts that finished */
    uint64_t lost_ms;       /* and by those that were vacated */
    uint64_t vacated;       /* attempts */
    uint64_t moved;         /* of them, by the pool, while they were frozen */
    uint64_t sweeps;        /* that were submitted and are finished */
    uint64_t sweeps_ms;     /* what they took, together */
    uint64_t sweep_ms_max;  /* the longest */
    uint64_t sweeps_open;   /* at the end */
    uint64_t looks[2];      /* at a node, each hour: in office hours, at other times */
    uint64_t owners_met[2]; /* and how often its owner was there */
    uint64_t pairs;         /* of free nodes with different histories, each hour one */
    uint64_t pairs_right;   /* where the better one stayed free for longer */
};

/* The same options give the same result. */
struct sweep_result sweep_run(const struct sweep_options *options);
void sweep_result_add(struct sweep_result *sum, const struct sweep_result *result);
/* Two results of the same owners, one with each order of the nodes. */
void sweep_print(const struct sweep_result *fixed, const struct sweep_result *learned, FILE *out);
