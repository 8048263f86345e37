/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All processes of the computer at one moment, from /proc (proc(5)), for those who must find a
 * task's processes without a control group. A process may have ended, and a new one may have begun,
 * before the table is read to its end; whoever must be certain reads it again.
 */
#pragma once

#include "base/attributes.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct process {
    pid_t pid;
    pid_t parent;
    char state;       /* 'R', 'S', 'D', 'T', 'Z', ... */
    bool marked;      /* for the caller */
    uint64_t user_us; /* its own, and that of its children that it has waited for */
    uint64_t system_us;
};

struct process_table {
    struct process *items; /* owned; by pid */
    size_t count;
    size_t capacity;
};

#define PROCESS_TABLE_INIT ((struct process_table){0})

int process_table_read(struct process_table *table);
void process_table_deinit(struct process_table *table);

/* NULL if it is not in the table. */
const struct process *process_table_find(const struct process_table *table, pid_t pid);

/* Marks every process whose parent is marked, and their children, until no more are found. */
void process_table_mark_descendants(struct process_table *table);

/*
 * The value of this variable in the environment that the process was started with, or NULL if it
 * has none or may not be asked. The caller frees it.
 */
char *process_read_variable(pid_t pid, const char *name);

/* Whether this signal was sent to the process as a whole and waits for it. */
bool process_has_pending(pid_t pid, int signal);

/*
 * Whether the process, living or dead and not reaped, never came to an execve() of its own: flag
 * PF_FORKNOEXEC of the kernel's task.
 */
bool process_never_executed(pid_t pid);

struct process_memory {
    uint64_t resident; /* all that is in memory now, however many share it */
    uint64_t own;      /* of that, what is no file's: about what its end would give back */
};

/* Cheap; all zero if the process is gone. */
struct process_memory process_measure_memory(pid_t pid);
/*
 * The process's part of what is no file's, in bytes: what n processes share counts 1/n for each, so
 * that a tree has the right sum. The kernel walks the page tables for it. Returns its own resident
 * memory where the kernel does not tell.
 */
uint64_t process_measure_part(pid_t pid);

/*
 * Whether this process has a child that is none of the `count` pids; true if the kernel cannot say
 * (/proc/PID/task/TID/children).
 */
bool process_has_other_children(const pid_t *pids, size_t count);
/* Sends SIGKILL to those. */
void process_kill_other_children(const pid_t *pids, size_t count);
