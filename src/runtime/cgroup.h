/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control groups (the kernel's Documentation/admin-guide/cgroup-v2.rst): one group for a task's
 * whole tree, which nothing in it can leave, so that freezing and killing are certain.
 *
 * All groups of a keeper lie in one that it makes below its own, in the tree of version 2. That
 * works for root, and for a user where the group was delegated to him. Freezing, killing and CPU
 * figures need no controller; limits do (cgroup_limits.h), and where a controller has a tree of its
 * own, of version 1, the keeper has a group there as well, and each task one below it. Needs Linux
 * 5.14 (cgroup.kill). Where that cannot be had, the freezer's tree of version 1 takes its place
 * (cgroup_freezer.h), and CPU time is a controller's, too.
 *
 * Groups are used again: making and removing one costs a fifth of a short task. One whose memory
 * cannot be measured anew is not. A group that was once killed is given up too: kernels up to 6.18
 * at least compare its count of kills with that of the parent's group when a process is born into
 * it (cgroup_css_set_fork()), and kill the newborn.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "cgroup_limits.h"

struct cgroup {
    struct cgroup *next_spare;
    enum cgroup_version version;
    int folder; /* O_PATH */
    /*
     * cgroup.events: wakes poll(POLLPRI) when populated or frozen changes. Version 1 has no such
     * file (-1), and whoever waits looks again and again.
     */
    int events;
    bool was_killed;         /* and so cannot be used again */
    uint64_t user_us_before; /* what earlier tasks of this group used; read at its end */
    uint64_t system_us_before;
    struct cgroup_limits limits;
};

/* The keeper's group in a tree of version 1. */
struct cgroup_branch {
    int folder; /* O_PATH; -1: the controller is not there, or may not be used */
    char *path; /* owned */
};

/* The slice of systemd that all tasks of a computer are in, whichever keeper they have. */
#define CGROUP_SLICE "dusk.slice"

struct cgroup_root {
    enum cgroup_version version; /* of the tree that holds tasks; CGROUP_NONE: none does */
    int folder;                  /* O_PATH; -1: groups cannot be used here */
    int slice;                   /* O_PATH; -1: it does not give way with them */
    char *path;                  /* owned */
    struct cgroup_branch branches[CGROUP_CONTROLLERS];
    bool is_unified[CGROUP_CONTROLLERS]; /* the controller works in the groups of version 2 */
    struct cgroup *spare;
    unsigned made;
};

#define CGROUP_ROOT_INIT                                                                           \
    ((struct cgroup_root){                                                                         \
        .folder = -1,                                                                              \
        .slice = -1,                                                                               \
        .branches = {[CGROUP_MEMORY] = {.folder = -1},                                             \
                     [CGROUP_PROCESSES] = {.folder = -1},                                          \
                     [CGROUP_CPUS] = {.folder = -1},                                               \
                     [CGROUP_CPU_TIME] = {.folder = -1}},                                          \
    })

/*
 * The folder of the group that this process is in, and in *ret_mount the folder of the tree's
 * root, of which it begins with; NULL without version 2. The caller frees both.
 */
char *cgroup_find_own(char **ret_mount);

/*
 * Makes the group for a keeper's groups and tries whether a process can be started, frozen and
 * killed in one: in the tree of version 2, or else in the freezer's of version 1. Returns 0, or a
 * negative errno that says why there are no groups here; that is nothing to worry about.
 * Its name is `mark`, by which the keepers of one state folder know their groups, and a number that
 * no other group ever had.
 *
 * A keeper that is alone in its own group, because that was made for it, moves into one below: no
 * process may be where controllers are handed on.
 */
int cgroup_root_open(struct cgroup_root *root, const char *mark, struct error *err);
/* Removes all groups that are empty. */
void cgroup_root_close(struct cgroup_root *root);
/* Whether the groups hold tasks to this. */
bool cgroup_root_limits(const struct cgroup_root *root, enum cgroup_controller controller);
/*
 * From now on the slice that the groups are in gives way with them, if they are in one and it has
 * its share of the processors. A group is idle beside its siblings alone: in a slice that is not,
 * tasks have as much of the processors as all sessions of all people together. The keeper is in
 * that slice as well, so it must go before everybody.
 */
void cgroup_root_take_slice(struct cgroup_root *root);
/* Where all of the tasks together stand with everything else that wants the processors. */
enum cgroup_way {
    CGROUP_WAY_LAST,  /* behind everybody (cpu.idle): the usual one */
    CGROUP_WAY_EQUAL, /* as anybody: while some of them must run, to start or to end */
    CGROUP_WAY_FIRST, /* before everybody: while all of them must, to stand still */
};

/* Without groups for the processors nothing happens. From FIRST the way leads to LAST alone. */
void cgroup_root_set_way(const struct cgroup_root *root, enum cgroup_way way);
/*
 * The disk, too, is the tasks' when nobody else wants it, as far as weights of groups decide that.
 * What they have written is written out by the kernel, also while they stand still, and then counts
 * as their group's alone. For good: no moment needs it otherwise. The slice has a weight if systemd
 * gives it one (units/dusk.slice).
 */
void cgroup_root_yield_disk(const struct cgroup_root *root);
/* Appends the paths of the keeper's groups, a line each, for cgroup_remove_stale(). */
void cgroup_root_list(const struct cgroup_root *root, struct buffer *paths);
/*
 * Kills all that lives in or below the groups of this list, and removes them; missing is success. A
 * group without this mark is somebody else's, whatever a copied file says, and is left alone.
 */
void cgroup_remove_stale(const char *paths, const char *mark);

/* An empty, thawed group, the caller's until cgroup_give_back(). Returns 0 or a negative errno. */
int cgroup_take(struct cgroup_root *root, const struct cgroup_request *request,
                struct cgroup **ret_group);
/* The group must be empty. */
void cgroup_give_back(struct cgroup_root *root, struct cgroup *group);
/* Removes all groups that wait to be taken. */
void cgroup_discard_spares(struct cgroup_root *root);

/* The folder that a process must be born into (CLONE_INTO_CGROUP); -1: it joins afterwards. */
int cgroup_birthplace(const struct cgroup *group);
/*
 * The calling thread joins what it was not born into; for a child of vfork() that may still do what
 * its keeper may. Returns 0 or a negative errno.
 */
int cgroup_join(const struct cgroup *group);

/* In version 1 to be called again and again until the group is empty. */
int cgroup_kill(struct cgroup *group);
/*
 * Takes effect a moment later; cgroup_read_events() tells. In version 1 freezing, too, is repeated
 * until then, and has no effect on a group that was killed, because what is in it would not die.
 */
int cgroup_freeze(const struct cgroup *group, bool frozen);
int cgroup_read_events(const struct cgroup *group, bool *ret_populated, bool *ret_frozen);
/* CPU time since it was taken; -ENOENT where version 1 does not count it. */
int cgroup_read_cpu(const struct cgroup *group, uint64_t *ret_user_us, uint64_t *ret_system_us);
/* Calls back with each process of the group (not of groups that it made below itself). */
int cgroup_each_process(const struct cgroup *group, void (*each)(void *context, int pid),
                        void *context);
