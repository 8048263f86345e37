/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tasks of a user left outside of their scratch folders: files in the folders to which
 * everybody may write, and shared memory, semaphores and message queues of System V. It would take
 * the owner's memory and disk for ever.
 */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <sys/types.h>
#include <time.h>

/*
 * Removes from each of these folders (NULL at the end) what belongs to one of the uids and has not
 * changed since `before`, folders with all that is in them; no link is followed, and what another
 * file system has mounted there stays. A folder that is missing has nothing. Goes on after an
 * error, and returns the first one.
 */
int leavings_remove_files(const char *const *folders, const uid_t *uids, size_t count,
                          struct timespec before, struct error *err);

/* The same for the objects of System V IPC; only root may. */
void leavings_remove_ipc(const uid_t *uids, size_t count, struct timespec before);

/* Both, for /tmp, /var/tmp, /dev/shm and /dev/mqueue. */
int leavings_remove(const uid_t *uids, size_t count, struct timespec before, struct error *err);
