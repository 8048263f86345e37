/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which attempt has which of the node's GPUs. How many it has is the brain's matter; which ones
 * they are is decided here when it starts, is kept in its note (note.h), and ends with its last
 * process. The task is told in its environment, as HTCondor's starter does it (HTCondor manual,
 * "ENVIRONMENT_FOR_Assigned<name>"), and nothing else keeps it from the others.
 */
#pragma once

#include "attempt.h"
#include "base/arena.h"
#include "runtime/gpu.h"

enum { GPUS_VARIABLES_MAX = 8 };

/*
 * Gives the attempt as many as it asks for, the first `lent` of the list that no other attempt has
 * which runs. -EBUSY if they are too few: what the brain counts is not what is there.
 */
int gpus_assign(const struct gpu_list *list, size_t lent, const struct attempts *attempts,
                struct attempt *attempt, struct error *err);

/*
 * How many of the first `lent` nobody else can have while this attempt runs, that was found after a
 * restart: those that may be its own, which can be more than it asked for if other cards are there
 * now; and all, if nothing was hidden from it (start.gpus_given).
 */
uint32_t gpus_count_held(const struct gpu_list *list, size_t lent, const struct attempt *attempt);

/*
 * The variables that tell a task of its GPUs ("" or what gpus_assign() wrote), from `arena`;
 * none on a node that has no GPUs. Returns how many.
 */
size_t gpus_variables(const struct gpu_list *list, const char *assigned, struct arena *arena,
                      const char *ret_variables[GPUS_VARIABLES_MAX]);
