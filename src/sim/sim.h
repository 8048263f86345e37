/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulator: one pool's brain and many agents' brains in one process, in virtual time, with
 * everything between them that can go wrong, drawn from a seed.
 *
 * It plays the server (with a disk, batches, commits and crashes), the network (delay, loss,
 * repetition, reordering, cuts one way or both), the computers (agents that are killed or leave,
 * power that fails, lids that are closed, clocks that run apart, copied disks), the keeper with its
 * processes, the owners, the users and the administrator. After every step it checks what must
 * always be true; then the faults stop, and everything must end.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * What goes wrong in a world, in bits. Each seed draws its own mix: some faults are only found
 * where no others are in their way.
 */
enum sim_fault {
    SIM_FAULT_SERVER = 1 << 0,  /* crashes, failed and slow commits, no memory */
    SIM_FAULT_AGENTS = 1 << 1,  /* killed; stopped and started again */
    SIM_FAULT_POWER = 1 << 2,   /* switched off, lids closed; clocks that jump */
    SIM_FAULT_NETWORK = 1 << 3, /* cuts; loss, repetition and lateness have their own rates */
    SIM_FAULT_OWNERS = 1 << 4,  /* come and go */
    SIM_FAULT_USERS = 1 << 5,   /* hold, release, remove, ask again */
    SIM_FAULT_FILES = 1 << 6,   /* full disks, slow transfers, starts that cannot be made */
    SIM_FAULT_ADMIN = 1 << 7,   /* clones; nodes drained, forgotten and enrolled anew, resized */
    SIM_FAULT_ALL = (1 << 8) - 1
};

struct sim_options {
    uint64_t seed;
    uint32_t agents;
    uint32_t tasks;
    uint32_t cpus;              /* of each agent at most; drawn from 1 to this */
    uint64_t duration_ms;       /* of the time with faults */
    uint64_t task_ms_max;       /* how long a task computes, drawn from 1 s to this */
    uint32_t faults;            /* how often, in percent of the usual rates; 0: a perfect world */
    uint32_t fault_mix;         /* of enum sim_fault */
    uint32_t crash_parts;       /* of a million batches, how many end in a crash at each place */
    uint64_t move_suspended_ms; /* as pool.h has it */
    uint32_t policies;          /* computers that are lent by HTCondor's DESKTOP, in a million */
    bool hours;    /* some owners have working hours, and some tasks say how long they take */
    bool ranks;    /* computers take some tasks more gladly than others, and make way for them */
    uint32_t loss; /* messages lost, repeated, late, in a million */
    uint32_t repeat;
    uint32_t late;
    bool scripted; /* a scenario: nothing is drawn, every delay is its middle */
    FILE *trace;   /* NULL: none */
};

struct sim_result {
    uint64_t digest; /* of everything that happened, in order */
    uint64_t seeds;
    uint64_t steps; /* of all brains */
    uint64_t virtual_ms;
    uint64_t results;  /* recorded */
    uint64_t computed; /* attempts that ran to their end */
    uint64_t started;  /* attempts that ran at all */
    uint64_t server_crashes;
    uint64_t agent_crashes; /* and computers that lost their power */
    uint64_t messages;
    double seconds; /* of the processor */
};

/* The usual world of a seed: a few computers and tasks, a mix of faults. */
struct sim_options sim_options_usual(uint64_t seed);

/* Runs to the end. A violation prints what was violated, and when, to stderr, and aborts. */
struct sim_result sim_run(const struct sim_options *options);

/* Adds one result to a sum of results. Digests add up too, so that the order does not matter. */
void sim_result_add(struct sim_result *sum, const struct sim_result *result);

struct sim_seeds {
    uint64_t first, last;
    uint32_t jobs; /* processes at a time */
    /* What the command line says about the usual world of a seed. */
    void (*adapt)(struct sim_options *options, const void *userdata);
    const void *userdata;
};

/*
 * Runs all these seeds and sums them up. Returns 0, or 1 if one failed (it prints which), or a
 * negative value if there are no processes or no memory for it.
 */
int sim_run_seeds(const struct sim_seeds *seeds, struct sim_result *ret_result, struct error *err);

/*
 * Plays a scenario (scenario.c has the language). Its trace goes to `trace` or, if that is NULL, is
 * compared with the file beside it (x.scenario, x.trace), which is written instead if `update` is
 * set. Returns 0, or a negative value that says what is wrong in which line. A violation aborts.
 */
int sim_play(const char *path, FILE *trace, bool update, struct error *err);

/*
 * Times the pool's brain alone, with this many nodes that are all at work, and prints a line with
 * what a step and what a task costs.
 */
void sim_measure(uint32_t agents, FILE *out);
