/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the trees of control groups are mounted, and where in them this process is.
 *
 * PCs of today have one tree, of version 2, for everything. Hybrid hosts have one of version 2
 * beside several of version 1, each with controllers that the first then lacks. Both files that
 * say so are in cgroups(7) and proc(5): /proc/self/mountinfo and /proc/self/cgroup.
 */
#pragma once

#include "base/error.h"

enum cgroup_controller {
    CGROUP_MEMORY,
    CGROUP_PROCESSES, /* the kernel's "pids", which counts threads */
    CGROUP_CPUS,
    CGROUP_CPU_TIME, /* the kernel's "cpuacct" of version 1; version 2 counts in any group */
    CGROUP_CONTROLLERS
};

struct cgroup_place {
    char *mount; /* owned; NULL: there is no such tree, or this process is nowhere in it */
    char *own;   /* owned; the folder of this process's group: `mount` itself or below it */
};

struct cgroup_places {
    struct cgroup_place unified;                           /* version 2 */
    struct cgroup_place freezer;                           /* version 1, with the freezer */
    struct cgroup_place by_controller[CGROUP_CONTROLLERS]; /* version 1, with that controller */
};

#define CGROUP_PLACES_INIT      ((struct cgroup_places){0})
#define _cleanup_cgroup_places_ _cleanup_(cgroup_places_deinit)

/* As the kernel calls it in its files: "memory", "pids", "cpu", "cpuacct". */
const char *cgroup_controller_name(enum cgroup_controller controller);

/* Reads both files. What cannot be read counts as empty: then there are no places. */
void cgroup_places_read(struct cgroup_places *ret_places);
/* The same from their texts; exposed for its test. The result is the caller's to deinitialise. */
void cgroup_places_parse(const char *mounts, const char *groups, struct cgroup_places *ret_places);
void cgroup_places_deinit(struct cgroup_places *places);
