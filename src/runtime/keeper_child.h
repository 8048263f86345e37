/* SPDX-License-Identifier: Apache-2.0 */
/* From the keeper to the running program: a process, made what the request says, and execve(). */
#pragma once

#include "cgroup.h"
#include "keeper_message.h"

#include <sys/types.h>

/*
 * Starts the program in the control group `group` (NULL: in none), with `variable` (NAME=VALUE) in
 * its environment, and returns when it runs: 0 and its pid. Returns 1 and *ret_failure, whose path
 * lies in `path`, if it could not be started; then no process is left. After a few seconds of
 * waiting, for a dead file server, that is ETIMEDOUT.
 */
int keeper_child_start(const struct keeper_spawn *spawn, const char *variable,
                       const struct cgroup *group, pid_t *ret_pid, struct buffer *path,
                       struct keeper_failure *ret_failure);
