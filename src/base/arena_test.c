/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <string.h>

static void what_was_given_out_never_moves(void **state)
{
    _cleanup_arena_ struct arena arena = ARENA_INIT;
    const char *copies[1000];

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(copies); i++)
        copies[i] = arena_copy(&arena, slice_from_text("the same text each time"));
    for (size_t i = 0; i < ARRAY_LENGTH(copies); i++)
        assert_string_equal(copies[i], "the same text each time");
}

static void pieces_are_aligned_and_apart(void **state)
{
    _cleanup_arena_ struct arena arena = ARENA_INIT;

    (void)state;
    for (size_t size = 0; size < 100; size++) {
        char *piece = arena_allocate(&arena, 1, size);
        char *next = arena_allocate(&arena, 1, 1);

        assert_int_equal((uintptr_t)piece % _Alignof(max_align_t), 0);
        assert_true(next >= piece + size || next < piece);
    }
}

static void a_piece_larger_than_any_block_fits(void **state)
{
    _cleanup_arena_ struct arena arena = ARENA_INIT;
    char *large;

    (void)state;
    arena_copy(&arena, slice_from_text("small"));
    large = arena_allocate(&arena, 5, 1024 * 1024);
    memset(large, 'x', 5 * 1024 * 1024);
    assert_string_equal(arena_copy(&arena, slice_from_text("small")), "small");
}

static void a_second_round_allocates_nothing(void **state)
{
    _cleanup_arena_ struct arena arena = ARENA_INIT;

    (void)state;
    for (size_t i = 0; i < 10000; i++)
        arena_allocate(&arena, 3, 7);
    arena_clear(&arena);
    memory_forbid(true);
    for (size_t i = 0; i < 10000; i++)
        arena_allocate(&arena, 3, 7);
    memory_forbid(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_given_out_never_moves),
        cmocka_unit_test(pieces_are_aligned_and_apart),
        cmocka_unit_test(a_piece_larger_than_any_block_fits),
        cmocka_unit_test(a_second_round_allocates_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
