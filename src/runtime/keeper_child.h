/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the keeper to the running program: fork, make the child what the request says, execve.
 *
 * The child reports through a pipe that execve() closes: its end without a word means that the
 * program runs, otherwise it carries a keeper_failure.
 */
#pragma once

#include "keeper_message.h"

#include <sys/types.h>

struct keeper_child {
    pid_t pid;
    int report; /* readable when it is known how the start went; the caller's */
};

/*
 * Starts the child in the control group `group` (descriptor of its folder, or -1). `variable`
 * (NAME=VALUE) is added to the environment. Returns 0 or the negative errno of what failed before
 * there was a child.
 */
int keeper_child_start(const struct keeper_spawn *spawn, const char *variable, int group,
                       struct keeper_child *ret_child);

/*
 * Reads the report, once. Returns 0 if the program runs, 1 and the failure, whose path lies in
 * `path`, or -EAGAIN while it is not known.
 */
int keeper_child_read_report(int report, struct buffer *path, struct keeper_failure *ret_failure);
