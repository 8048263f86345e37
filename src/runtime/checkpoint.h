/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contained tasks, written into a folder and begun again from one, here or on another node: all
 * that dusk knows of CRIU (criu(8), criu.org). CRIU is a command, run as a child process of whoever
 * keeps the task, who must be root; nothing here waits for it but the probe.
 *
 * A checkpoint is a folder with CRIU's images, its log, and `mounts`, the names of what the task
 * has from its node. It does not have the task's files: /job and /tmp are to be kept with it, as
 * they are while the task stands still. The folder above must be closed to other users, because
 * the images are not: root within reads them. Restoring runs what is in the images, as root at
 * first: who restores must know that a node of his own pool wrote them.
 *
 * The number within is the same for every node's user (container.h); which number of the node that
 * is, the images know as well, so that is written anew before they are used.
 */
#pragma once

#include "cgroup.h"
#include "container_tree.h"
#include "keeper_message.h"

#include <stdbool.h>
#include <sys/types.h>

#define CHECKPOINT_MOUNTS   "mounts"     /* of a checkpoint's folder */
#define CHECKPOINT_LOG      "criu.log"   /* of the last run */
#define CHECKPOINT_LEADER   "leader.pid" /* process 1 of what was restored, by the node's number */
#define CHECKPOINT_VARIABLE "DUSK_CRIU"  /* the CRIU that tests use */

/* ---- runs of CRIU ---- */

/*
 * Begins to write the task whose process 1 is `leader` into the folder, which must be empty and
 * nobody else's. `group` is the folder of its control group; what is frozen there stays so, whether
 * it can be saved or not, but for CRIU's own instructions; NULL: it has none, and goes on
 * afterwards. Returns 0 and CRIU's process, the caller's child; or a negative errno and a message.
 *
 * The child must be left to its end: if it is killed on its way the task is not what it was.
 */
int checkpoint_begin_dump(const struct keeper_checkpoint *checkpoint, pid_t leader,
                          const char *group, pid_t *ret_child, struct error *err);
/*
 * Begins to bring the task back, with the folders and the user of `spawn`, in `group` (NULL: the
 * caller's), where CRIU itself is meanwhile. All that is mounted must be
 * reachable for root within, whom the node knows as nobody. Process 1 becomes the caller's child as
 * well.
 */
int checkpoint_begin_restore(const struct keeper_spawn *spawn, const struct cgroup *group,
                             pid_t *ret_child, struct error *err);
/* Process 1 of what is being restored: known before any of it runs. Else 0. */
pid_t checkpoint_read_leader(const char *folder);

enum checkpoint_verb { CHECKPOINT_DUMP, CHECKPOINT_RESTORE };

/* Says for people why CRIU ended with this status, which is no success. */
void checkpoint_explain(const struct keeper_checkpoint *checkpoint, enum checkpoint_verb verb,
                        int wait_status, struct error *err);

/* ---- whether it works ---- */

/*
 * Saves and restores a small contained process that listens on a socket, in a container made of
 * `tree`, with folders of its own below `folder`. Takes half a second, and 25 at most; the caller
 * must not wait meanwhile for children that it does not know. Returns 0, or a negative errno and
 * the reason why tasks are not saved on this node, in a line. `criu` as in keeper_checkpoint.
 */
int checkpoint_probe(const char *criu, const struct container_tree *tree, const char *folder,
                     struct error *err);

/* ---- parts, for the module and its tests ---- */

/* What lies in the images of a user namespace: root within, and the task's user. */
void checkpoint_encode_ids(uint32_t uid, uint32_t gid, struct buffer *image);
/*
 * Appends the name of each mount that is not the container's own, a line each ("usr", "job",
 * "dev/null"), from the text of a /proc/PID/mountinfo. -ENOTSUP and a message if one has a name
 * that CRIU's options have no room for.
 */
int checkpoint_list_mounts(char *mountinfo, struct buffer *names, struct error *err);
/* Where this node has what a task knows by this name; the caller's. NULL: it has no such thing. */
char *checkpoint_find_source(const struct keeper_spawn *spawn, struct slice name);
/* What a log of CRIU says, for people; "" if nothing is known of it. */
void checkpoint_find_reason(const char *log, struct buffer *reason);
