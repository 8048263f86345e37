/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attempts' folders (runtime/scratch.h), from one attempt to the next.
 *
 * Making and removing folders is the dearest thing about a short task, so an emptied one is kept as
 * a spare for the next attempt of the same user. Of the others what is small is removed at once,
 * and the rest is moved to trash/ and removed by a child (errand.h), one at a time. A new agent
 * empties the trash of the one before.
 */
#pragma once

#include "runtime/identity.h"
#include "runtime/scratch.h"
#include "state.h"

#include <uv.h>

enum { FOLDERS_SPARE_MAX = 32 };

struct errand;

struct folders_spare {
    struct scratch *scratch; /* owned */
    char *name;              /* owned */
    uid_t uid;
};

struct folders {
    uv_loop_t *loop;
    const struct state *state;
    struct folders_spare spares[FOLDERS_SPARE_MAX];
    size_t spare_count;
    struct errand *errand; /* NULL: the trash is not being emptied */
    bool has_more;         /* came to the trash since that began */
    uint64_t next_name;    /* in the trash, and of spares */
};

void folders_init(struct folders *folders, uv_loop_t *loop, const struct state *state);
/* Removes the spares and stops removing. */
void folders_deinit(struct folders *folders);

/* As scratch_make(); `name` is the folder's in attempts/. */
int folders_make(struct folders *folders, const char *name, const struct identity *identity,
                 struct scratch **ret_scratch, struct error *err);
/* The attempt is over and everything in its folder may go. Takes the scratch over. */
void folders_give_back(struct folders *folders, struct scratch *scratch, const char *name,
                       const struct identity *identity);
/* Removes a folder in attempts/ that no attempt has. */
void folders_remove(struct folders *folders, const char *name);
/* Removes what lies in the trash. */
void folders_empty_trash(struct folders *folders);
