/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All processes of one task, whatever they did to hide: the one place that knows that there are two
 * ways to hold them together.
 *
 * With a control group the kernel does it. Without, the task is a session of its own, the keeper is
 * the subreaper of all that it started, and the processes of a task are: its leader, its session,
 * every orphan that carries the task's marker in its environment, and all descendants of those. An
 * orphan that left the session and cleaned its environment cannot be told from another task's; it
 * goes with the last task that lives without a group (`is_alone`). One with a marker that is not
 * the task's goes when nobody is left to whom it could belong (`is_last`).
 */
#pragma once

#include "cgroup.h"
#include "keeper_message.h"
#include "process_table.h"

#include <sys/types.h>

#define PROCESS_TREE_VARIABLE "DUSK_KEEPER"

struct process_tree {
    pid_t leader;         /* 0: none yet */
    struct cgroup *group; /* NULL: held by session and marker */
    const char *marker;   /* value of PROCESS_TREE_VARIABLE in the leader's environment */
    bool is_alone;        /* no other task without a group lives */
    bool is_last;         /* no other task at all lives */
};

/* Sends the signal to each process of the tree. */
void process_tree_signal(const struct process_tree *tree, int signal);

/*
 * Kill and freeze are begun by these and have happened when the two questions below say so; without
 * a group the call is repeated until then, because a tree may grow while it is walked.
 */
void process_tree_kill(const struct process_tree *tree);
void process_tree_freeze(const struct process_tree *tree);
void process_tree_thaw(const struct process_tree *tree);

bool process_tree_is_frozen(const struct process_tree *tree);
/* To be asked when the leader was reaped. */
bool process_tree_is_empty(const struct process_tree *tree);

/* CPU time, living processes, and memory now if that is more than the result's peak. */
void process_tree_measure(const struct process_tree *tree, struct keeper_result *result);

/*
 * The memory of the tree now, in bytes, for one that no group holds to its limit. It is cheap and a
 * little too high as long as that is below `limit`, and exact from there on. `table` was read a
 * moment ago and is marked anew; it is not used where the tree has a group.
 */
uint64_t process_tree_measure_memory(const struct process_tree *tree, struct process_table *table,
                                     uint64_t limit);

/*
 * Kills whatever carries a marker that starts so: what a keeper without groups left behind when it
 * was killed. Its leaders died with it (PR_SET_PDEATHSIG), their children may not have.
 */
void process_tree_kill_stale(const char *marker_start);
