/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The freezer of version 1 (the kernel's admin-guide/cgroup-v1/freezer-subsystem.rst), for what has
 * no group of version 2. Like that it holds whatever is forked and is not seen by parents; but it
 * wakes nobody when it is done, it does not kill, and what is frozen does not die of SIGKILL before
 * it is thawed. `folder` is a group of its tree, opened with O_PATH; groups below it count with it.
 */
#pragma once

#include <stdbool.h>

/*
 * Freezing takes effect a moment later; cgroup_freezer_look() tells. Until then it is repeated:
 * some kernels, such as 5.4, may pass over what is just being forked.
 */
int cgroup_freezer_set(int folder, bool frozen);
/*
 * Whether any process is there, and whether all of them are frozen: as long as one is on the way,
 * they are not. Returns 0 or a negative errno.
 */
int cgroup_freezer_look(int folder, bool *ret_populated, bool *ret_frozen);
/*
 * Kills what is there and leaves it thawed. What was forked in this moment may have escaped, so
 * this is to be called again until nothing is left.
 */
int cgroup_freezer_kill(int folder);
