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

/* Says once in the log what this node holds its tasks to, and how. */
void limits_announce(const struct keeper_means *means);
