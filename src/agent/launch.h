/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the server's `start` message to what the keeper is asked to run: program, arguments, a clean
 * environment, standard streams and limits.
 */
#pragma once

#include "attempt.h"
#include "base/arena.h"
#include "containing.h"
#include "runtime/gpu.h"
#include "runtime/keeper_message.h"

/* The task's standard streams, in its working folder, where they are kept. */
#define LAUNCH_STDOUT "_dusk_stdout"
#define LAUNCH_STDERR "_dusk_stderr"

/* What the task is told of the node. */
struct launch_node {
    const char *name;
    struct containing *containing;
    const char *image;           /* where that of the attempt lies here; NULL: it asks for none */
    const struct gpu_list *gpus; /* all that it has */
};

/*
 * Fills in the request for an attempt whose scratch is ready, all but note and deadline. What it
 * needs is allocated from `arena` and lives as long as that. -ENOENT if the program has no '/', is
 * no input and is found in no folder of the task's PATH.
 */
int launch_prepare(const struct attempt *attempt, const struct launch_node *node,
                   struct arena *arena, struct keeper_spawn *ret_spawn, struct error *err);
