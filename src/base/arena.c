/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See arena.h. A chain of blocks, each twice as large as the one before up to a limit; after a
 * clear the chain is filled again from its start, and a block that is too small for a piece is
 * passed over.
 *
 * Blocks are never made larger, because a piece may not move once somebody points at it. What is
 * left at a block's end when a piece does not fit is lost until the next clear: at most as much as
 * the piece is long, and pieces are short.
 */
#include "arena.h"

#include "memory.h"

#include <assert.h>
#include <stdalign.h>
#include <string.h>

/*
 * A page is enough for most command lines. The limit keeps what was parsed of a large submit file,
 * and stays in memory, from holding up to twice what it needs.
 */
enum {
    BLOCK_SIZE_MIN = 4096,
    BLOCK_SIZE_MAX = 1024 * 1024,
};

struct arena_block {
    struct arena_block *next;
    size_t size;
    alignas(max_align_t) char bytes[];
};

void arena_deinit(struct arena *arena)
{
    while (arena->first) {
        struct arena_block *next = arena->first->next;

        free(arena->first);
        arena->first = next;
    }
    *arena = ARENA_INIT;
}

void arena_clear(struct arena *arena)
{
    arena->current = arena->first;
    arena->used = 0;
}

static struct arena_block *arena_block_new(size_t size_before, size_t needed)
{
    size_t size = size_before ? size_before * 2 : BLOCK_SIZE_MIN;
    struct arena_block *block;

    if (size > BLOCK_SIZE_MAX)
        size = BLOCK_SIZE_MAX;
    /* A piece above the limit gets a block of its own, of just its size. */
    if (size < needed)
        size = needed;
    block = memory_allocate(sizeof(*block) + size);
    block->size = size;
    return block;
}

/*
 * Moves on to the next block with room for `needed` bytes, which is made if there is none. Blocks
 * that are passed over stay in the chain, so that the next round finds them again.
 */
static void arena_advance(struct arena *arena, size_t needed)
{
    struct arena_block **link = arena->current ? &arena->current->next : &arena->first;
    size_t size_before = arena->current ? arena->current->size : 0;

    while (*link && (*link)->size < needed)
        link = &(*link)->next;
    if (!*link)
        *link = arena_block_new(size_before, needed);
    arena->current = *link;
    arena->used = 0;
}

void *arena_allocate(struct arena *arena, size_t count, size_t size)
{
    size_t bytes, rounded;
    char *piece;

    /* Half of all there is leaves room for rounding up and for the block's head. */
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 2)
        abort();
    rounded = (bytes + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (!arena->current || arena->current->size - arena->used < rounded)
        arena_advance(arena, rounded);
    piece = arena->current->bytes + arena->used;
    arena->used += rounded;
    assert(arena->used <= arena->current->size);
    return piece;
}

char *arena_copy(struct arena *arena, struct slice text)
{
    char *copy = arena_allocate(arena, text.length + 1, 1);

    if (text.length > 0)
        memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    return copy;
}
