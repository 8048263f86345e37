/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an attempt is held to, from what its task asked for: request_memory, request_disk and
 * request_cpus are promises to the node's owner. And the sentences for a task that broke one, by
 * which its user learns what to ask for.
 */
#pragma once

#include "attempt.h"
#include "runtime/keeper_message.h"

/* Bytes of memory of all its processes. Never less than what the smallest program needs. */
uint64_t limits_memory(const struct wire_start *start);
/* Processes and threads at once. */
uint64_t limits_processes(const struct wire_start *start);
/*
 * Bytes on the disk in its scratch folder. Its inputs come on top: they were brought there for it,
 * and whether request_disk counts them is a matter of habit.
 */
uint64_t limits_disk(const struct wire_start *start);
/* How much the inputs of that take at most, in whole blocks. */
uint64_t limits_input_size(const struct wire_start *start);

/* Adds to the result's detail what it had asked for, what it used, and what to do. */
void limits_explain_memory(struct attempt *attempt);
void limits_explain_disk(struct attempt *attempt);
void limits_explain_processes(struct attempt *attempt);

/*
 * How well a limit is kept here, in a word for people: "enforced" by the kernel; "watched", so that
 * a task may be over for a moment before it is ended; "by user" and not task by task; "shared" when
 * others want it too; "no".
 */
struct limits_words {
    const char *memory, *processes, *cpus, *disk;
};

struct limits_words limits_describe(const struct keeper_means *means);

/* Says once in the log how tasks are held, and to what. */
void limits_announce(const struct keeper_means *means);
