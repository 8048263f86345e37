/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing attempts' folders without stopping for large ones: what is small goes at once, the rest
 * is moved to trash/ and removed by a child (errand.h), one at a time. A new agent empties the
 * trash of the one before.
 */
#pragma once

#include "runtime/scratch.h"
#include "state.h"

#include <uv.h>

struct errand;

struct removal {
    uv_loop_t *loop;
    const struct state *state;
    struct errand *errand; /* NULL: the trash is not being emptied */
    bool has_more;         /* came to the trash since that began */
    uint64_t next_name;
};

void removal_init(struct removal *removal, uv_loop_t *loop, const struct state *state);
void removal_deinit(struct removal *removal);

/* Closes the scratch (NULL if it was never made) and removes the folder in attempts/. */
void removal_remove(struct removal *removal, struct scratch *scratch, const char *folder);
/* Removes what lies in the trash. */
void removal_empty_trash(struct removal *removal);
