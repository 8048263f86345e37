/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulator: one pool's brain and many agents' brains in one process, in virtual time, with
 * everything between them that can go wrong, drawn from a seed.
 *
 * It plays the server (with a disk, batches, commits and crashes), the network (delay, loss,
 * repetition, reordering, cuts one way or both), the computers (agents that are killed, power that
 * fails, lids that are closed, clocks that run apart, copied disks), the keeper with its processes,
 * the owners and the users. After every step it checks what must always be true; then the faults
 * stop, and everything must end.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct sim_options {
    uint64_t seed;
    uint32_t agents;
    uint32_t tasks;
    uint32_t cpus;        /* of each agent at most; drawn from 1 to this */
    uint64_t duration_ms; /* of the time with faults */
    uint64_t task_ms_max; /* how long a task computes, drawn from 1 s to this */
    uint32_t faults;      /* how often, in percent of the usual rates; 0: a perfect world */
    uint32_t loss;        /* messages lost, repeated, late, in a million */
    uint32_t repeat;
    uint32_t late;
    bool quiet_users;  /* no holds, releases and removes */
    bool check_rarely; /* invariants of the brains at every thousandth step only */
    FILE *trace;       /* NULL: none */
};

struct sim_result {
    uint64_t digest; /* of everything that happened, in order */
    uint64_t steps;  /* of all brains */
    uint64_t virtual_ms;
    uint64_t results;  /* recorded */
    uint64_t computed; /* attempts that ran to their end */
    uint64_t started;  /* attempts that ran at all */
    uint64_t server_crashes;
    uint64_t agent_crashes;
    uint64_t messages;
    uint64_t pool_steps;
    double pool_seconds; /* processor time in the pool's steps, for the bench */
};

/* The usual world of a seed: a few computers and tasks, all faults. */
struct sim_options sim_options_usual(uint64_t seed);

/* Runs to the end. A violation prints what was violated, and when, to stderr, and aborts. */
struct sim_result sim_run(const struct sim_options *options);

/* `dusk sim`; argv[0] is "sim". */
int sim_main(int argc, char **argv);
