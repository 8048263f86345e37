/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is given out piece by piece and taken back all at once: for the many small texts of
 * one parse or one request, which die together. What was given out never moves. Running out of
 * memory ends the process (memory.h).
 */
#pragma once

#include "buffer.h"

struct arena {
    struct arena_block *first;   /* owned chain */
    struct arena_block *current; /* the block that is being filled; NULL while empty */
    size_t used;                 /* bytes given out of the current block */
};

#define ARENA_INIT      ((struct arena){0})
#define _cleanup_arena_ _cleanup_(arena_deinit)

void arena_deinit(struct arena *arena);
/* Takes everything back and keeps the blocks, so that the next round allocates nothing. */
void arena_clear(struct arena *arena);

/* Memory for `count` things of `size` bytes, aligned for any type, not zeroed; never NULL. */
void *arena_allocate(struct arena *arena, size_t count, size_t size);
/* A copy with a NUL behind. */
char *arena_copy(struct arena *arena, struct slice text);
