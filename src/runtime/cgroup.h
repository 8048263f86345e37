/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control groups, version 2 (the kernel's Documentation/admin-guide/cgroup-v2.rst): one group for a
 * task's whole tree, which nothing in it can leave, so that freezing and killing are certain.
 *
 * All groups of a keeper lie in one that it makes below its own. That works for root, and for a
 * user where the group was delegated to him; on hybrid hosts the version 2 tree has no controllers,
 * but freezing, killing and CPU figures need none. Needs Linux 5.14 (cgroup.kill).
 *
 * Groups are used again: making and removing one costs a fifth of a short task. Where the memory
 * controller is there each task gets a fresh one, because memory.peak cannot be set back. A group
 * that was once killed is given up too: kernels up to 6.18 at least compare its count of kills with
 * that of the parent's group when a process is born into it (cgroup_css_set_fork()), and kill the
 * newborn.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct cgroup {
    struct cgroup *next_spare;
    int folder; /* O_PATH */
    int events; /* cgroup.events: wakes poll(POLLPRI) when populated or frozen changes */
    int statistics;
    unsigned number;
    bool has_memory;
    bool was_killed;         /* and so cannot be used again */
    uint64_t user_us_before; /* what earlier tasks of this group used; read at its end */
    uint64_t system_us_before;
};

struct cgroup_root {
    int folder; /* O_PATH; -1: groups cannot be used here */
    char *path; /* owned */
    struct cgroup *spare;
    unsigned made;
    bool has_memory; /* the memory controller works in the groups */
};

#define CGROUP_ROOT_INIT ((struct cgroup_root){.folder = -1})

/*
 * The folder of the group that this process is in, and in *ret_mount the folder of the tree's
 * root, of which it begins with; NULL without version 2. The caller frees both.
 */
char *cgroup_find_own(char **ret_mount);

/*
 * Makes the group for a keeper's groups and tries whether a process can be started in one. Returns
 * 0, or a negative errno that says why there are no groups here; that is nothing to worry about.
 * Its name is `mark`, by which the keepers of one state folder know their groups, and a number that
 * no other group ever had.
 */
int cgroup_root_open(struct cgroup_root *root, const char *mark, struct error *err);
/* Removes all groups that are empty. */
void cgroup_root_close(struct cgroup_root *root);
/*
 * Kills all that lives in or below the group at this path, and removes it; missing is success. A
 * group without this mark is somebody else's, whatever a copied file says, and is left alone.
 */
void cgroup_remove_stale(const char *path, const char *mark);

/* An empty, thawed group, the caller's until cgroup_give_back(). Returns 0 or a negative errno. */
int cgroup_take(struct cgroup_root *root, uint64_t memory_max, struct cgroup **ret_group);
/* The group must be empty. */
void cgroup_give_back(struct cgroup_root *root, struct cgroup *group);

int cgroup_kill(struct cgroup *group);
/* Takes effect a moment later; cgroup_read_events() tells. */
int cgroup_freeze(const struct cgroup *group, bool frozen);
int cgroup_read_events(const struct cgroup *group, bool *ret_populated, bool *ret_frozen);
/* CPU time since it was taken. */
int cgroup_read_cpu(const struct cgroup *group, uint64_t *ret_user_us, uint64_t *ret_system_us);
/* The most memory used since it was taken; -ENOENT without memory controller. */
int cgroup_read_memory_peak(const struct cgroup *group, uint64_t *ret_bytes);
/* Calls back with each process of the group (not of groups that it made below itself). */
int cgroup_each_process(const struct cgroup *group, void (*each)(void *context, int pid),
                        void *context);
