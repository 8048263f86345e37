/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All processes of one task, whatever they did to hide: the one place that knows that there are two
 * ways to hold them together.
 *
 * With a control group the kernel does it. Without, the task has a warden (warden.h), and its
 * processes are those below that one. Nothing that a task can change says whose a process is: not
 * its session, and not its environment.
 */
#pragma once

#include "cgroup.h"
#include "keeper_message.h"
#include "process_table.h"
#include "warden.h"

#include <sys/types.h>

#define PROCESS_TREE_VARIABLE "DUSK_KEEPER"

struct process_tree {
    pid_t leader;         /* 0: none yet */
    struct cgroup *group; /* NULL: held by its warden */
    struct warden warden; /* of a task without a group */
};

/* Sends the signal to each process of the tree. */
void process_tree_signal(const struct process_tree *tree, int signal);

/*
 * Kill and freeze are begun by these and have happened when the two questions below say so; where
 * nobody is woken (process_tree_wakes()) the call is repeated until then, because a tree may grow
 * while it is walked.
 */
void process_tree_kill(const struct process_tree *tree);
void process_tree_freeze(const struct process_tree *tree);
void process_tree_thaw(const struct process_tree *tree);

/* Whether the tree's group wakes whoever waits for that. */
bool process_tree_wakes(const struct process_tree *tree);
bool process_tree_is_frozen(const struct process_tree *tree);
/* Of a tree with a group, to be asked when the leader was reaped. */
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
/* How many processes live in it. The table is used in the same way. */
uint64_t process_tree_count(const struct process_tree *tree, struct process_table *table);

/*
 * Appends what tells this state folder's tasks from those of other agents, whatever the folder is
 * called. Returns 0 or a negative errno.
 */
int process_tree_make_marker(const char *state_folder, struct buffer *marker);

/*
 * Kills whatever carries a marker that starts so: what a keeper without groups left behind when it
 * was killed, and its wardens as well. The marker is a hint and no more: a process may have none,
 * and one with a false marker harms only itself.
 */
void process_tree_kill_stale(const char *marker_start);
