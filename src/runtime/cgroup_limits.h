/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a control group holds its task to: memory, processes, and a share of the processors, by
 * whichever tree has the controller, of version 1 or 2 (the kernel's admin-guide/cgroup-v1/ and
 * cgroup-v2.rst).
 *
 * Both versions count the task's page cache as its memory. They give that up when they come to the
 * limit, so a task never fails for want of it, but its peak may be as high as the limit.
 */
#pragma once

#include "cgroup_places.h"

#include <stdbool.h>
#include <stdint.h>

/* What to hold a task to; 0: to nothing. */
struct cgroup_request {
    uint64_t memory_max;    /* bytes; in a tree of version 1 swap counts with it */
    uint64_t processes_max; /* and threads, at once */
    uint32_t cpus;          /* the share of a task with two is twice that of a task with one */
};

enum { CGROUP_NAME_SIZE = 32 };

enum cgroup_version { CGROUP_NONE, CGROUP_VERSION_1, CGROUP_VERSION_2 };

/* In version 1, for a thread that writes "0" (cgroup_limits.c says why not cgroup.procs). */
#define CGROUP_JOIN_FILE "tasks"

struct cgroup_limit {
    enum cgroup_version version; /* CGROUP_NONE: nothing holds the task to this */
    int folder;                  /* O_PATH; not ours to close */
};

struct cgroup_limits {
    struct cgroup_limit by_controller[CGROUP_CONTROLLERS];
    char name[CGROUP_NAME_SIZE];   /* of the group in its keeper's groups of version 1 */
    int peak;                      /* owned; version 2: the file with the most memory used */
    struct cgroup_request applied; /* what the files say already */
    bool has_refused;              /* a process; its number is for one task alone */
};

#define CGROUP_LIMITS_INIT ((struct cgroup_limits){.peak = -1})

/*
 * The controller works in the group: `folder` is that of the group itself in version 2, and the one
 * of the keeper's group above it in version 1. It must stay open as long as the limits.
 */
void cgroup_limits_open(struct cgroup_limits *limits, enum cgroup_controller controller,
                        enum cgroup_version version, int folder);
void cgroup_limits_close(struct cgroup_limits *limits);

/*
 * Holds the next task of the group to this and begins to measure anew. Returns a negative errno if
 * memory or processes cannot be limited; the share of the processors is a wish.
 */
int cgroup_limits_apply(struct cgroup_limits *limits, const struct cgroup_request *request);
/*
 * The calling thread joins the groups of version 1; for a child of vfork() that may still do what
 * its keeper may. Returns 0 or a negative errno.
 */
int cgroup_limits_join(const struct cgroup_limits *limits);
/* A task that stands still may be swapped out, so that its owner gets the memory (version 2). */
void cgroup_limits_set_frozen(const struct cgroup_limits *limits, bool frozen);
/*
 * Whether the next one is worth a try: version 2, and Linux 5.19 (memory.reclaim).
 */
bool cgroup_limits_can_push_out(const struct cgroup_limits *limits);
/*
 * Pushes what the group has in memory out of it, to swap and files, as far as that goes. It takes
 * as long as the disk does, so it is for a child process. Returns 0 if next to nothing is left,
 * -EAGAIN if more than that stays (there is no swap, or too little), or another negative errno.
 */
int cgroup_limits_push_out(const struct cgroup_limits *limits);

/* Whether the kernel has killed something of the task because it was at its limit of memory. */
bool cgroup_limits_were_exceeded(const struct cgroup_limits *limits);
/*
 * How many processes and threads the kernel has refused the task because it was at its limit; 0
 * where nobody counts them. A group that has refused one is not used again.
 */
uint64_t cgroup_limits_count_refused(struct cgroup_limits *limits);
/* Whether anything holds the task to this. */
bool cgroup_limits_hold(const struct cgroup_limits *limits, enum cgroup_controller controller);
/*
 * Whether the kernel ends the whole task then. In version 1 it kills one process, and somebody has
 * to look and kill the others.
 */
bool cgroup_limits_end_all(const struct cgroup_limits *limits);
/* The most memory used, in bytes; -ENOENT without the memory controller. */
int cgroup_limits_read_memory_peak(const struct cgroup_limits *limits, uint64_t *ret_bytes);
/*
 * CPU time of the group in its whole life, from a tree of version 1; -ENOENT where that has none.
 */
int cgroup_limits_read_cpu_time(const struct cgroup_limits *limits, uint64_t *ret_user_us,
                                uint64_t *ret_system_us);
/* Whether the next task can be measured and limited in the group as in a new one. */
bool cgroup_limits_can_start_anew(const struct cgroup_limits *limits);
