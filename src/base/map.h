/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two hash maps: from a 64-bit key to a 64-bit value, and from text to a 64-bit value.
 *
 * Open addressing with linear probing and backward-shift deletion; the hash function is fixed, so
 * runs are reproducible. There is no iteration on purpose: whoever must walk keeps a list or an
 * array beside the map, so that no result depends on hash order.
 */
#pragma once

#include "attributes.h"

#include <stdbool.h>
#include <stdint.h>

struct map_entry {
    uint64_t key;
    uint64_t value;
    bool used;
};

struct map {
    struct map_entry *entries; /* owned */
    size_t capacity;           /* 0 or a power of two */
    size_t count;
};

#define MAP_INIT ((struct map){0})

void map_deinit(struct map *map);
/* Room for `count` keys in all without another allocation; false if there is no memory. */
_must_check_ bool map_try_reserve(struct map *map, size_t count);
/* Inserts or replaces. Grows by itself (memory.h says what happens then); never after a reserve. */
void map_put(struct map *map, uint64_t key, uint64_t value);
/* Returns false and leaves *ret_value untouched if the key is not there. */
bool map_get(const struct map *map, uint64_t key, uint64_t *ret_value);
/* Returns whether the key was there. */
bool map_remove(struct map *map, uint64_t key);

/* A string map owns copies of its keys. */
struct string_map {
    struct map index; /* hash of the key -> first entry in the chain, plus one */
    struct string_map_entry *entries;
    size_t length;
    size_t capacity;
    bool ignore_case;
};

#define STRING_MAP_INIT ((struct string_map){0})

/* ASCII case is ignored if asked for; that never changes during the map's life. */
void string_map_init(struct string_map *map, bool ignore_case);
void string_map_deinit(struct string_map *map);
void string_map_put(struct string_map *map, const char *key, uint64_t value);
bool string_map_get(const struct string_map *map, const char *key, uint64_t *ret_value);
bool string_map_remove(struct string_map *map, const char *key);
size_t string_map_count(const struct string_map *map);
