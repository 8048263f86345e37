/* SPDX-License-Identifier: Apache-2.0 */
/* See heap.h: a binary heap whose items know their places. */
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

    if (!array_try_reserve(heap->entries, heap->entries_capacity, item_count))
        return false;
    if (!array_try_reserve(heap->places, heap->places_capacity, item_count))
        return false;
    if (heap->places_capacity > before)
        memset(heap->places + before, 0, (heap->places_capacity - before) * sizeof(*heap->places));
    return true;
}

static bool heap_entry_before(const struct heap_entry *a, const struct heap_entry *b)
{
    return a->key < b->key || (a->key == b->key && a->item < b->item);
}

static void heap_place(struct heap *heap, size_t position, struct heap_entry entry)
{
    heap->entries[position] = entry;
    heap->places[entry.item] = (uint32_t)position + 1;
}

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
