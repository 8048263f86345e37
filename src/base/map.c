/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See map.h. The load stays under three quarters: above it the runs of neighbours that a search
 * walks through grow steeply (Knuth, volume 3, 6.4).
 *
 * The string map is an index from a text's hash to the first of a chain of entries. The chain is
 * there because two texts can have one hash; the entries lie in one array without gaps, so that
 * their memory is one block that grows between steps.
 */
#include "map.h"

#include "memory.h"

#include <assert.h>
#include <string.h>

/* The finaliser of MurmurHash3: every input bit reaches every output bit. */
static uint64_t map_hash(uint64_t key)
{
    key ^= key >> 33;
    key *= 0xff51afd7ed558ccdULL;
    key ^= key >> 33;
    key *= 0xc4ceb9fe1a85ec53ULL;
    return key ^ key >> 33;
}

/* The key's slot, or the free one where it belongs. The load leaves one free, so this ends. */
static size_t map_find_slot(const struct map *map, uint64_t key)
{
    size_t mask = map->capacity - 1;
    size_t slot = map_hash(key) & mask;

    while (map->entries[slot].used && map->entries[slot].key != key)
        slot = (slot + 1) & mask;
    return slot;
}

void map_deinit(struct map *map)
{
    free(map->entries);
    *map = MAP_INIT;
}

bool map_try_reserve(struct map *map, size_t count)
{
    struct map larger = {.capacity = map->capacity ? map->capacity : 16};

    while (larger.capacity / 4 * 3 < count)
        if (__builtin_mul_overflow(larger.capacity, (size_t)2, &larger.capacity))
            return false;
    if (larger.capacity == map->capacity)
        return true;
    /* Built beside the old one, which is left as it is if there is no memory. */
    larger.entries = memory_try_allocate(larger.capacity, sizeof(*larger.entries));
    if (!larger.entries)
        return false;
    for (size_t i = 0; i < map->capacity; i++)
        if (map->entries[i].used)
            larger.entries[map_find_slot(&larger, map->entries[i].key)] = map->entries[i];
    larger.count = map->count;
    free(map->entries);
    *map = larger;
    return true;
}

void map_put(struct map *map, uint64_t key, uint64_t value)
{
    struct map_entry *entry;

    /* A key that is there needs no room, also when the map is as full as it was reserved for. */
    if (map->capacity == 0 || !map->entries[map_find_slot(map, key)].used)
        if (!map_try_reserve(map, map->count + 1))
            abort();
    entry = &map->entries[map_find_slot(map, key)];
    if (!entry->used)
        map->count++;
    *entry = (struct map_entry){.key = key, .value = value, .used = true};
}

bool map_get(const struct map *map, uint64_t key, uint64_t *ret_value)
{
    const struct map_entry *entry;

    /* An empty map has no slots to look into. */
    if (map->capacity == 0)
        return false;
    entry = &map->entries[map_find_slot(map, key)];
    if (!entry->used)
        return false;
    *ret_value = entry->value;
    return true;
}

/* Moves later members of the probe sequence into the gap, so that no tombstone is needed. */
bool map_remove(struct map *map, uint64_t key)
{
    size_t mask = map->capacity - 1;
    size_t gap, next;

    if (map->capacity == 0)
        return false;
    gap = map_find_slot(map, key);
    if (!map->entries[gap].used)
        return false;
    for (next = (gap + 1) & mask; map->entries[next].used; next = (next + 1) & mask) {
        size_t home = map_hash(map->entries[next].key) & mask;

        /* An entry whose home lies behind the gap is found as before; moved, it would not be. */
        if (((next - home) & mask) < ((next - gap) & mask))
            continue;
        map->entries[gap] = map->entries[next];
        gap = next;
    }
    map->entries[gap].used = false;
    map->count--;
    return true;
}

struct string_map_entry {
    char *key; /* owned; NULL if the entry is free */
    uint64_t value;
    uint64_t next; /* index of the next entry with the same hash, plus one; or of a free one */
};

static char key_character(const struct string_map *map, char character)
{
    if (map->ignore_case && character >= 'A' && character <= 'Z')
        return (char)(character - 'A' + 'a');
    return character;
}

/* FNV-1a: short texts, byte by byte, and map_hash() mixes what it leaves badly mixed. */
static uint64_t string_map_hash(const struct string_map *map, const char *key)
{
    uint64_t hash = 0xcbf29ce484222325ULL;

    for (; *key; key++) {
        hash ^= (unsigned char)key_character(map, *key);
        hash *= 0x100000001b3ULL;
    }
    return hash;
}

static bool string_map_keys_equal(const struct string_map *map, const char *a, const char *b)
{
    for (; *a && *b; a++, b++)
        if (key_character(map, *a) != key_character(map, *b))
            return false;
    return *a == *b;
}

void string_map_init(struct string_map *map, bool ignore_case)
{
    *map = (struct string_map){.ignore_case = ignore_case};
}

void string_map_deinit(struct string_map *map)
{
    for (size_t i = 0; i < map->length; i++)
        free(map->entries[i].key);
    free(map->entries);
    map_deinit(&map->index);
    string_map_init(map, map->ignore_case);
}

static struct string_map_entry *string_map_find(const struct string_map *map, const char *key)
{
    uint64_t next;

    if (!map_get(&map->index, string_map_hash(map, key), &next))
        return NULL;
    for (; next != 0; next = map->entries[next - 1].next)
        if (string_map_keys_equal(map, map->entries[next - 1].key, key))
            return &map->entries[next - 1];
    return NULL;
}

void string_map_put(struct string_map *map, const char *key, uint64_t value)
{
    struct string_map_entry *entry = string_map_find(map, key);
    uint64_t hash = string_map_hash(map, key);
    uint64_t next = 0;

    if (entry) {
        entry->value = value;
        return;
    }
    array_reserve(map->entries, map->capacity, map->length + 1);
    /* The new entry goes to the front of its chain, if there is one: nobody has to walk it. */
    map_get(&map->index, hash, &next);
    map->entries[map->length++] =
        (struct string_map_entry){.key = memory_copy_string(key), .value = value, .next = next};
    map_put(&map->index, hash, map->length);
}

bool string_map_get(const struct string_map *map, const char *key, uint64_t *ret_value)
{
    const struct string_map_entry *entry = string_map_find(map, key);

    if (!entry)
        return false;
    *ret_value = entry->value;
    return true;
}

/* Makes whatever pointed at entry `from` (an index plus one) point at `to` instead. */
static void string_map_relink(struct string_map *map, uint64_t hash, uint64_t from, uint64_t to)
{
    uint64_t next = 0;

    map_get(&map->index, hash, &next);
    assert(next != 0);
    if (next == from) {
        if (to == 0)
            map_remove(&map->index, hash);
        else
            map_put(&map->index, hash, to);
        return;
    }
    while (map->entries[next - 1].next != from)
        next = map->entries[next - 1].next;
    map->entries[next - 1].next = to;
}

/* Two chains may change: that of the entry, and that of the last one, which takes its place. */
bool string_map_remove(struct string_map *map, const char *key)
{
    struct string_map_entry *entry = string_map_find(map, key);
    struct string_map_entry *last;
    uint64_t place;

    if (!entry)
        return false;
    place = (uint64_t)(entry - map->entries) + 1;
    string_map_relink(map, string_map_hash(map, key), place, entry->next);
    free(entry->key);
    /* The last entry moves into the gap, and whatever pointed at it follows. */
    last = &map->entries[map->length - 1];
    if (entry != last) {
        string_map_relink(map, string_map_hash(map, last->key), map->length, place);
        *entry = *last;
    }
    map->length--;
    return true;
}

size_t string_map_count(const struct string_map *map)
{
    return map->length;
}
