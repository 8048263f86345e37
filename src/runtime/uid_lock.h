/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The locks by which the agents of one computer, each with a state folder of its own, share the
 * range of uids that they run tasks as (identity.h): /run/dusk/uids/UID, where /run can be written.
 *
 * An agent has its lock as long as it lives. Its keeper has one as well, because tasks outlive
 * their agent: without, another agent would give the uid to another user meanwhile, and each could
 * read and kill what is the other's. The agent that comes back finds its own keeper's lock by the
 * owner's name in the file.
 */
#pragma once

#include "base/buffer.h"

#include <sys/types.h>

enum uid_holder { UID_HOLDER_AGENT, UID_HOLDER_KEEPER };

/*
 * Locks the uid for the agent of `owner` (process_tree_make_marker()) or for its keeper, as long as
 * *ret_fd is open. Returns 0; -EBUSY if it is another owner's; another negative errno where there
 * can be no locks.
 */
int uid_lock(uid_t uid, enum uid_holder holder, const char *owner, int *ret_fd);
