/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder of one attempt, STATE/attempts/17.3-2:
 *
 *     work/      the task's working folder; inputs are laid here, outputs are taken from here
 *     temporary/ its TMPDIR; never searched for outputs
 *     snapshot   how the top level of work/ looked before the task started; missing: empty
 *
 * work and temporary belong to the task's user, mode 0700; the rest to the agent. STATE itself must
 * let that user pass (mode 0711). The agent may be root and the content of work/ is made by
 * strangers, so nothing here follows a link out of work/ (openat2 with RESOLVE_BENEATH), opens a
 * device, or hands out a file of another user.
 *
 * Everything is on the disk: an agent that was restarted opens the folder again.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct scratch;

/*
 * Makes the folder and opens it; `attempt` is one file name. Whatever lies there from before is
 * removed. uid and gid own it (geteuid(), getegid() if the agent is not root).
 */
int scratch_make(const char *state_folder, const char *attempt, uid_t uid, gid_t gid,
                 struct scratch **ret_scratch, struct error *err);
/* Opens what scratch_make() made; -ENOENT if it is not there. */
int scratch_open(const char *state_folder, const char *attempt, uid_t uid, gid_t gid,
                 struct scratch **ret_scratch, struct error *err);
/* Closes and frees, removes nothing. Accepts NULL, returns NULL. */
struct scratch *scratch_free(struct scratch *scratch);
/* Removes the attempt's folder with everything in it, however deep or closed. Missing is success.
 */
int scratch_remove(const char *state_folder, const char *attempt, struct error *err);

/*
 * Empties the scratch of an attempt that is over, if that is quickly done: unlinks these names at
 * the top level of work and looks whether anything else is left. Returns 0 if work and temporary
 * are as scratch_make() leaves them, 1 if they are not (any more).
 */
int scratch_empty(struct scratch *scratch, const char *const *names, size_t count);
/*
 * Makes an emptied scratch that of another attempt of the same user: all that costs is a rename,
 * where making and removing folders costs file systems a lot. On failure the scratch is as before.
 */
int scratch_reuse(struct scratch *scratch, const char *state_folder, const char *attempt,
                  struct error *err);

/* Absolute paths of work and temporary; the scratch's. */
const char *scratch_work(const struct scratch *scratch);
const char *scratch_temporary(const struct scratch *scratch);

/*
 * Lays one input: a copy of the rest of the open file `content` (shared blocks where the file
 * system can), with `mode` (permission bits only, made readable for the owner). Folders on the way
 * are made. A name that is not contained (sys/file.h) is -EINVAL, one that is there -EEXIST.
 */
int scratch_add_file(struct scratch *scratch, const char *name, int content, mode_t mode,
                     struct error *err);
int scratch_add_folder(struct scratch *scratch, const char *name, mode_t mode, struct error *err);

/*
 * Removes what lies at that name, before what was saved is laid there: a file, or all that is below
 * a folder unless a folder is to come. Nothing of the task may run.
 */
int scratch_make_way(struct scratch *scratch, const char *name, bool for_folder, struct error *err);

/*
 * Remembers what lies at the top level now; to be called when all inputs are there. Where there are
 * none it need not be.
 */
int scratch_take_snapshot(struct scratch *scratch, struct error *err);

enum scratch_kind { SCRATCH_FILE, SCRATCH_FOLDER };

struct scratch_output {
    char *name; /* owned; relative to work, contained */
    uint64_t size;
    mode_t mode; /* permission bits */
    enum scratch_kind kind;
};

struct scratch_outputs {
    struct scratch_output *items; /* owned; a folder stands before what is in it */
    size_t count;
    size_t capacity;
    char *skipped; /* owned; NULL, or a line per entry that is neither file nor folder */
};

/* Files and folders of one list; what an attempt can say in one message (wire.h) has room for it.
 */
enum { SCRATCH_OUTPUTS_MAX = 65534 };

#define SCRATCH_OUTPUTS_INIT ((struct scratch_outputs){0})

void scratch_outputs_deinit(struct scratch_outputs *outputs);

/*
 * Lists these outputs, folders with all that is in them, in the order of the names (within folders
 * by bytes). Errors name the culprit: -ENOENT (missing), -EXDEV (a link that leads out of work),
 * -EPERM (a file or folder of another user), -EINVAL (the name itself), -E2BIG (more than
 * SCRATCH_OUTPUTS_MAX entries). *ret_outputs must be empty or initialised; it is untouched on
 * failure.
 */
int scratch_collect_listed(struct scratch *scratch, const char *const *names, size_t count,
                           struct scratch_outputs *ret_outputs, struct error *err);

/*
 * Lists the files of the top level that are new or changed since the snapshot (by inode, size or
 * mtime), but those in `excluded`. Folders, links and the files of others are left out: nobody
 * asked for them by name. -E2BIG as above, or if twice as many lie there.
 */
int scratch_collect_changed(struct scratch *scratch, const char *const *excluded, size_t count,
                            struct scratch_outputs *ret_outputs, struct error *err);

/* Opens a regular file below work for reading under the same rules; returns the descriptor. */
int scratch_open_output(struct scratch *scratch, const char *name, struct error *err);

/*
 * Sums up the disk space (allocated blocks, and never less than one of 4 KiB for what has a name)
 * of work and temporary, looking at no more than `entries_max` entries. Returns 0, or 1 if there
 * was more and *ret_bytes is a lower bound.
 */
int scratch_measure(struct scratch *scratch, uint64_t entries_max, uint64_t *ret_bytes,
                    struct error *err);
/*
 * The disk space of each attempt's files that have no name any more, but are open or mapped in its
 * container. It looks at all processes of the computer, some microseconds each, and at those of
 * other users only as root. A task that runs bare has 0.
 */
void scratch_measure_unlinked(struct scratch *const *scratches, size_t count, uint64_t *ret_bytes);

DEFINE_CLEANUP(struct scratch *, scratch_free);
