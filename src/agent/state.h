/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's state folder:
 *
 *     lock      held as long as the agent lives, so that two never share a folder
 *     epoch     the highest epoch that was ever seen
 *     owner     what its owner said last (word.h)
 *     figures   what was done here each day of a year (recording.h)
 *     identity/ key and certificates (net/identity.h)
 *     content/  the inputs that are kept for later tasks (content.h)
 *     images/   the images that are kept likewise (images.h)
 *     attempts/ the folders of the attempts (runtime/scratch.h)
 *     trash/    what is being removed (folders.h)
 *     uids, speed, keeper.*  of the runtime
 *
 * An agent that is root runs tasks as other users, who must be able to pass through all folders
 * down to attempts/. Where the state folder lies behind a closed one, attempts/ and trash/ are kept
 * in a folder of their own in the system's place for large temporary files instead.
 */
#pragma once

#include "base/error.h"

#include <stdint.h>

struct state {
    char *folder;   /* owned, as all texts here */
    char *identity; /* paths below it */
    char *content;
    char *images;
    char *scratch; /* what holds attempts/ and trash/; usually `folder` */
    char *trash;
    int lock;
    int epoch_file;
    uint64_t epoch; /* what the file says */
};

/*
 * Makes what is missing and takes the lock; -EBUSY if another agent has it. The caller's struct is
 * to be deinitialised also after a failure.
 */
int state_open(const char *folder, struct state *ret_state, struct error *err);
/* Gives the lock back, and leaves no empty folder outside of the state folder. */
void state_deinit(struct state *state);

/*
 * Remembers the highest epoch. Survives the agent's end but perhaps not the computer's: with that
 * all attempts are gone as well, and what an epoch protects against cannot happen.
 */
void state_save_epoch(struct state *state, uint64_t epoch);
