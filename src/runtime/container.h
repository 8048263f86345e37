/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contained tasks: each in user, pid, mount, ipc, uts, cgroup and network namespaces of its own,
 * without rights, behind a filter of system calls, with a tiny process 1.
 *
 * Two programs do it. This one, the keeper, asks `dusk-init` (container_main.c), which is static,
 * small and a part of the binary: it makes the namespaces, builds the root out of mounts, enters
 * it, and is process 1 there until the program has ended. doc/specification/container.md has the
 * steps, and what a task finds.
 *
 *     keeper ── vfork, limits, execve ──> dusk-init launch ── clone ──> dusk-init, in the
 * namespaces │                                     │ maps of user ids, then exit      │ mounts,
 * execve └──────────── reports: pid, failure ──┴──────────────────────────> dusk-init run ── fork
 * ──> program
 */
#pragma once

#include "birth.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

#define CONTAINER_WORK      "/job"             /* the working folder, seen from within */
#define CONTAINER_TEMPORARY "/tmp"             /* and the one for what is temporary */
#define CONTAINER_INIT      "/.dusk/dusk-init" /* process 1, below the root */

/* What every task finds below /dev; each is the node's own. */
#define CONTAINER_DEVICES "null", "zero", "full", "random", "urandom", "tty"

#define CONTAINER_SPECIMEN    "specimen" /* what dusk-init is asked to be for checkpoint_probe() */
#define CONTAINER_SPECIMEN_GO "go"       /* and the file that ends it */

enum {
    CONTAINER_SPECIMEN_STATUS = 42, /* with this */
    CONTAINER_UID =
        61184, /* the task's user and group, seen from within, if it has one of its own */
    CONTAINER_ROOT_UID = 65534, /* on the node, whoever is root within: nobody */
    CONTAINER_SIGNAL_BASE =
        128, /* process 1 of a task that a signal killed exits with this and it */
};

/* ---- for the keeper and its child ---- */

/* What passes to dusk-init and back: open for the time of one start. */
struct container_start {
    int specification; /* a memfd: the request, then the filter */
    int reports[2];    /* a pipe; its end is the program's execve() */
};

#define CONTAINER_START_INIT ((struct container_start){.specification = -1, .reports = {-1, -1}})

/* Returns 0 or a negative errno. `environment` is the program's whole one. */
int container_start_prepare(struct container_start *start, const struct keeper_spawn *spawn,
                            const char **environment);
/*
 * In the child: becomes dusk-init, with `marker` (NULL: nothing) as its environment. Returns a
 * negative errno.
 */
int container_launch(const struct container_start *start, const struct keeper_spawn *spawn,
                     const char *marker);
/*
 * Waits, for seconds at most, until the program runs: 0 and the pid of process 1, which is the
 * caller's child. Returns 1 if it did not, `birth` says why, and no process is left. `launcher` is
 * the child that became dusk-init; it is reaped.
 */
int container_start_await(struct container_start *start, pid_t launcher, struct birth *birth,
                          pid_t *ret_leader);
void container_start_deinit(struct container_start *start);

/*
 * As wait4(-1, …, WNOHANG): the next child that has ended, 0 if none has, -1 if there is none.
 * Process 1 cannot die of a signal of its
 * own will, so it says by its name which one its program died of, and that is what is returned.
 */
pid_t container_reap(int *ret_status, struct rusage *ret_usage);

/* ---- for the agent ---- */

/* Writes dusk-init below the root `folder`, where CONTAINER_INIT is. 0 or a negative errno. */
int container_install_init(const char *folder, struct error *err);
/* Which one that is: two nodes on which this is the same have the same dusk-init. */
const char *container_init_version(void);

struct container_tree;

/*
 * Runs something in a container made of `tree`, with folders of its own below `folder`. Returns 0,
 * or a negative errno and what was in the way: it says whether tasks can be contained here.
 */
int container_probe(const struct container_tree *tree, const char *folder, struct error *err);

/* The filter of system calls that tasks live behind, for seccomp(2); made once, never freed. */
int container_filter(struct slice *ret_filter);
