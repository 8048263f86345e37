/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of tasks that stand still, given back to whoever is there: a child process of the
 * keeper pushes one group after the other out of memory, because to write gigabytes to a disk takes
 * long. It has the lowest priority, and can be stopped at any moment, with nothing to clean up:
 * what it has done stays done, and a task that goes on gets its memory back page by page.
 */
#pragma once

#include "cgroup_limits.h"

#include <sys/types.h>

struct push_out {
    pid_t child;  /* 0: there is none */
    uint64_t key; /* of the task whose group it is */
};

#define PUSH_OUT_INIT ((struct push_out){0})

/* There must be no child. Whether there is one now: a process may be refused. */
bool push_out_begin(struct push_out *push_out, uint64_t key, const struct cgroup_limits *limits);
/* Nothing is said of it any more, and its end is that of any orphan. Harmless without a child. */
void push_out_stop(struct push_out *push_out);
/*
 * To be asked of each child that was waited for. Whether it was this one, which is gone then;
 * *ret_is_out: next to nothing of the task is in memory any more.
 */
bool push_out_has_ended(struct push_out *push_out, pid_t pid, int wait_status, bool *ret_is_out);
