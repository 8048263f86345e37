/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See heap.h: a binary heap whose items know their places, so that any of them can be moved or
 * taken out in logarithmic time: a job that is held, or an input that is used again, is seldom the
 * first of its queue.
 *
 * The arrays are sized by item number and not by how many are in, because a step may not allocate:
 * whoever has made room for an item can put it in at any time.
 */
#include "heap.h"

#include "memory.h"

#include <assert.h>
#include <string.h>

void heap_deinit(struct heap *heap)
{
    free(heap->entries);
    free(heap->places);
    *heap = HEAP_INIT;
}

bool heap_try_reserve(struct heap *heap, size_t item_count)
{
    size_t before = heap->places_capacity;

    /* If the second is refused, the first has only more room than it needs. */
    if (!array_try_reserve(heap->entries, heap->entries_capacity, item_count))
        return false;
    if (!array_try_reserve(heap->places, heap->places_capacity, item_count))
        return false;
    /* Zero says that an item is not in; what grows is not zeroed by itself. */
    if (heap->places_capacity > before)
        memset(heap->places + before, 0, (heap->places_capacity - before) * sizeof(*heap->places));
    return true;
}

/* Items break the tie, because the order among equals would else tell who came first. */
static bool heap_entry_before(const struct heap_entry *a, const struct heap_entry *b)
{
    return a->key < b->key || (a->key == b->key && a->item < b->item);
}

/* The one place where an entry gets a position, so that it and the item's note of it agree. */
static void heap_place(struct heap *heap, size_t position, struct heap_entry entry)
{
    heap->entries[position] = entry;
    heap->places[entry.item] = (uint32_t)position + 1;
}

/* The entry is held aside while others move into the gap: one write each in place of a swap. */
static void heap_sift_up(struct heap *heap, size_t position)
{
    struct heap_entry entry = heap->entries[position];

    while (position > 0) {
        size_t parent = (position - 1) / 2;

        if (!heap_entry_before(&entry, &heap->entries[parent]))
            break;
        heap_place(heap, position, heap->entries[parent]);
        position = parent;
    }
    heap_place(heap, position, entry);
}

static void heap_sift_down(struct heap *heap, size_t position)
{
    struct heap_entry entry = heap->entries[position];

    for (;;) {
        size_t child = 2 * position + 1;

        if (child >= heap->length)
            break;
        if (child + 1 < heap->length &&
            heap_entry_before(&heap->entries[child + 1], &heap->entries[child]))
            child++;
        if (!heap_entry_before(&heap->entries[child], &entry))
            break;
        heap_place(heap, position, heap->entries[child]);
        position = child;
    }
    heap_place(heap, position, entry);
}

void heap_set(struct heap *heap, uint32_t item, uint64_t key)
{
    struct heap_entry entry = {.key = key, .item = item};
    size_t position;

    assert(item < heap->places_capacity);
    if (heap->places[item] == 0) {
        assert(heap->length < heap->entries_capacity);
        heap_place(heap, heap->length++, entry);
        heap_sift_up(heap, heap->length - 1);
        return;
    }
    position = heap->places[item] - 1;
    heap->entries[position].key = key;
    /* The key may have gone either way; one of the two finds nothing to do. */
    heap_sift_up(heap, position);
    heap_sift_down(heap, heap->places[item] - 1);
}

void heap_remove(struct heap *heap, uint32_t item)
{
    size_t position;
    struct heap_entry last;

    if (!heap_contains(heap, item))
        return;
    position = heap->places[item] - 1;
    heap->places[item] = 0;
    last = heap->entries[--heap->length];
    if (position == heap->length)
        return;
    /*
     * The last one fills the gap. It need not be below its new parent: it comes from another branch
     * of the tree, so it may have to go up as well as down.
     */
    heap_place(heap, position, last);
    heap_sift_up(heap, position);
    heap_sift_down(heap, heap->places[last.item] - 1);
}

bool heap_contains(const struct heap *heap, uint32_t item)
{
    return item < heap->places_capacity && heap->places[item] != 0;
}

const struct heap_entry *heap_first(const struct heap *heap)
{
    return heap->length > 0 ? &heap->entries[0] : NULL;
}
