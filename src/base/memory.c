/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See memory.h. Growth is by half again, so that an array of n elements costs O(n) copies in all
 * and wastes at most a third.
 *
 * All of dusk's own memory comes through memory_try_allocate() and memory_try_resize(). So a test
 * can let any allocation fail, and the simulator can prove that a step makes none.
 */
#include "memory.h"

#include <stdio.h>
#include <string.h>

static uint64_t fail_countdown;
static bool allocation_forbidden;

/*
 * True if this allocation is the one that a test wants to fail. The counter stops at the fault:
 * what is allocated afterwards, to clean up or to complain, succeeds.
 */
static bool memory_must_fail(void)
{
    if (allocation_forbidden)
        abort();
    return fail_countdown > 0 && --fail_countdown == 0;
}

/*
 * abort() and no exit code: nothing of the state is to be cleaned up or saved by code that expects
 * memory, and a core file shows who asked for so much.
 */
static _noreturn_ void memory_end_process(size_t count, size_t size)
{
    fprintf(stderr, "dusk: out of memory: cannot allocate %zu times %zu bytes\n", count, size);
    abort();
}

void *memory_try_allocate(size_t count, size_t size)
{
    size_t bytes;

    /* calloc() would notice as well; a sanitizer's ends the process then. */
    if (memory_must_fail() || __builtin_mul_overflow(count, size, &bytes))
        return NULL;
    return calloc(1, bytes ? bytes : 1);
}

void *memory_allocate(size_t size)
{
    void *pointer = memory_try_allocate(1, size);

    if (!pointer)
        memory_end_process(1, size);
    return pointer;
}

static void *memory_try_resize(void *pointer, size_t count, size_t size)
{
    size_t bytes;

    if (memory_must_fail() || __builtin_mul_overflow(count, size, &bytes))
        return NULL;
    /* realloc() to nothing frees, and its NULL would look like a lack of memory. */
    return realloc(pointer, bytes ? bytes : 1);
}

void *memory_resize(void *pointer, size_t count, size_t size)
{
    void *resized = memory_try_resize(pointer, count, size);

    if (!resized)
        memory_end_process(count, size);
    return resized;
}

char *memory_copy_bytes(const void *data, size_t length)
{
    char *copy = memory_resize(NULL, length + 1, 1);

    if (length > 0)
        memcpy(copy, data, length);
    copy[length] = '\0';
    return copy;
}

char *memory_copy_string(const char *text)
{
    return memory_copy_bytes(text, strlen(text));
}

bool memory_try_reserve(void **items, size_t *capacity, size_t needed, size_t size)
{
    size_t grown = *capacity + *capacity / 2;
    void *resized;

    if (needed <= *capacity)
        return true;
    if (grown < needed)
        grown = needed;
    /* Most arrays that get one element get a few more. */
    if (grown < 8)
        grown = 8;
    resized = memory_try_resize(*items, grown, size);
    if (!resized)
        return false;
    *items = resized;
    *capacity = grown;
    return true;
}

void memory_reserve(void **items, size_t *capacity, size_t needed, size_t size)
{
    if (!memory_try_reserve(items, capacity, needed, size))
        memory_end_process(needed, size);
}

void memory_fail_at(uint64_t n)
{
    fail_countdown = n;
}

void memory_forbid(bool forbidden)
{
    allocation_forbidden = forbidden;
}
