/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory, and what happens when there is none.
 *
 * Two ways, by room. The pure rooms grow their memory between steps and can be refused
 * (`memory_try_*` return NULL); a step itself never allocates. Everywhere else a failed allocation
 * of a size that was bounded before ends the process (`memory_allocate`, ...): a crash costs dusk
 * nothing but time, a half-handled shortage may cost a result.
 *
 * Tests may let the n-th allocation fail, or forbid allocation altogether for a while.
 */
#pragma once

#include "attributes.h"

#include <stdbool.h>
#include <stdint.h>

/* Zeroed memory, or the process ends with a message. The caller frees with free(). */
void *memory_allocate(size_t size);
/* Like realloc(count * size); a product that overflows ends the process as well. */
void *memory_resize(void *pointer, size_t count, size_t size);
char *memory_copy_string(const char *text);
/* Copies `length` bytes and adds a NUL. */
char *memory_copy_bytes(const void *data, size_t length);

/* Zeroed memory, or NULL. */
_must_check_ void *memory_try_allocate(size_t count, size_t size);
/*
 * Makes room for `needed` elements in a growing array: *items and *capacity are changed together
 * or not at all. New room is not zeroed. Returns false if there is no memory.
 */
_must_check_ bool memory_try_reserve(void **items, size_t *capacity, size_t needed, size_t size);

/* Like memory_try_reserve, but ends the process instead of failing. */
void memory_reserve(void **items, size_t *capacity, size_t needed, size_t size);

/* For tests: the n-th allocation from now (1 is the next) fails; 0 switches the fault off. */
void memory_fail_at(uint64_t n);
/* For tests and the simulator: while forbidden, any allocation through this file aborts. */
void memory_forbid(bool forbidden);

/* `items` is a typed pointer, `capacity` a size_t lvalue. */
#define array_reserve(items, capacity, needed)                                                     \
    memory_reserve((void **)&(items), &(capacity), (needed), sizeof(*(items)))
#define array_try_reserve(items, capacity, needed)                                                 \
    memory_try_reserve((void **)&(items), &(capacity), (needed), sizeof(*(items)))
