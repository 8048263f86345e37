/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What holds a task together where no control group does: a small process between the keeper and
 * the task, one per task.
 *
 * The warden is a subreaper (prctl(2), PR_SET_CHILD_SUBREAPER): whatever the task starts stays
 * below it, however often it forks, begins sessions, cleans its environment and lets its parents
 * end. So the kernel says whose a process is, and nothing that a task can write has a voice in it.
 * When the leader has ended the warden kills what is left until wait(2) says that there is nothing,
 * which no look at /proc could say for certain; it does the same when the keeper is gone. Then it
 * ends, and that is the end of the task.
 */
#pragma once

#include "base/buffer.h"
#include "keeper_message.h"

#include <sys/types.h>

struct warden_report;

struct warden {
    pid_t pid;                    /* 0: none */
    struct warden_report *report; /* shared with it; ours to unmap */
};

/*
 * Starts a warden, and by it the program (keeper_child.h). Returns 0, the warden and the leader's
 * pid when the program runs; 1 and *ret_failure, whose path lies in `path`, if it could not be
 * started; then no process is left.
 */
int warden_start(const struct keeper_spawn *spawn, const char *variable, struct warden *ret_warden,
                 pid_t *ret_leader, struct buffer *path, struct keeper_failure *ret_failure);

/*
 * To be asked when the warden was reaped: puts how the leader ended, and what all of the task used,
 * into the result. False if the warden was killed before it could know.
 */
bool warden_read_end(const struct warden *warden, struct keeper_result *result);

/* Forgets a warden that was reaped. */
void warden_deinit(struct warden *warden);
