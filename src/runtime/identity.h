/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose user id a task runs under. An agent that is an ordinary user runs all tasks as itself. An
 * agent that is root gives every user of the pool an unprivileged uid of his own, from a range
 * (61184..65519, as systemd's DynamicUser has it), that needs no entry in passwd: chosen once,
 * remembered in STATE/uids, never shared by two users and never one that passwd or group know.
 *
 * Several agents may run on one computer. Where /run/dusk can be written, locks (uid_lock.h) that
 * are held as long as the agent lives, and as long as its keeper does, keep them from using the
 * same uid; else the search starts at a place that depends on state folder and user, so that they
 * rarely meet.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <sys/types.h>

enum { IDENTITY_UID_FIRST = 61184, IDENTITY_UID_LAST = 65519 };

struct identity {
    bool becomes_user; /* false: the task runs as the agent does */
    uid_t uid;
    gid_t gid; /* the group of the same number */
};

struct identities; /* all that one agent has given away */

/* Reads STATE/uids. `first` and `last` bound the range, both included; 0, 0 for the usual one. */
int identities_open(const char *state_folder, uid_t first, uid_t last,
                    struct identities **ret_identities, struct error *err);
/* Gives the locks back. Accepts NULL, returns NULL. */
struct identities *identities_free(struct identities *identities);

/*
 * The identity for a user of the pool ("anna@lab.example"); the same one as long as this agent
 * lives, and after its restart unless another agent or an account took it meanwhile. Returns
 * -EUSERS if the range is used up, -EINVAL for a name that is empty, too long or has control
 * characters.
 */
int identities_get(struct identities *identities, const char *user, struct identity *ret_identity,
                   struct error *err);

DEFINE_CLEANUP(struct identities *, identities_free);
