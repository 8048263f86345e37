/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A priority queue of small integers ("items"): smallest key first, equal keys by item, so that
 * the order never depends on history. Each item is in it at most once and can be moved or taken
 * out; the caller numbers its things from 0.
 */
#pragma once

#include "attributes.h"

#include <stdbool.h>
#include <stdint.h>

struct heap {
    struct heap_entry *entries; /* owned */
    uint32_t *places;           /* owned; item -> position in entries plus one, 0 if absent */
    size_t length;
    size_t entries_capacity;
    size_t places_capacity;
};

struct heap_entry {
    uint64_t key;
    uint32_t item;
};

#define HEAP_INIT ((struct heap){0})

void heap_deinit(struct heap *heap);
/* Room for items 0..item_count-1, all of them at once; false if there is no memory. */
_must_check_ bool heap_try_reserve(struct heap *heap, size_t item_count);

/* Inserts the item or changes its key. The item must be within what was reserved. */
void heap_set(struct heap *heap, uint32_t item, uint64_t key);
/* Takes the item out if it is in. */
void heap_remove(struct heap *heap, uint32_t item);
bool heap_contains(const struct heap *heap, uint32_t item);
/* The first entry, or NULL; valid until the next change. */
const struct heap_entry *heap_first(const struct heap *heap);
