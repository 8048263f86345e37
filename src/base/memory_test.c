/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"
#include "base/test.h"

#include <string.h>

static void allocated_memory_is_zeroed(void **state)
{
    _cleanup_free_ char *memory = memory_allocate(1000);

    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(memory[i], 0);
}

static void nothing_is_a_size_too(void **state)
{
    _cleanup_free_ void *allocated = memory_allocate(0);
    _cleanup_free_ void *tried = memory_try_allocate(0, 0);
    _cleanup_free_ void *resized = memory_resize(NULL, 0, 8);

    (void)state;
    assert_non_null(allocated);
    assert_non_null(tried);
    assert_non_null(resized);
}

static void copies_end_with_a_nul(void **state)
{
    _cleanup_free_ char *text = memory_copy_string("text");
    _cleanup_free_ char *bytes = memory_copy_bytes("a\0b", 3);
    _cleanup_free_ char *nothing = memory_copy_bytes(NULL, 0);

    (void)state;
    assert_string_equal(text, "text");
    assert_memory_equal(bytes, "a\0b", 4);
    assert_string_equal(nothing, "");
}

static void an_array_grows_by_more_than_it_must(void **state)
{
    _cleanup_free_ uint32_t *items = NULL;
    size_t capacity = 0, growths = 0;

    (void)state;
    for (uint32_t i = 0; i < 100000; i++) {
        size_t before = capacity;

        array_reserve(items, capacity, i + 1);
        growths += capacity != before;
        items[i] = i;
    }
    for (uint32_t i = 0; i < 100000; i++)
        assert_int_equal(items[i], i);
    assert_true(growths < 40);
    assert_true(capacity < 2 * 100000);
}

static void exactly_the_nth_allocation_fails(void **state)
{
    void *given[3];

    (void)state;
    memory_fail_at(2);
    for (int i = 0; i < 3; i++)
        given[i] = memory_try_allocate(1, 1);
    assert_non_null(given[0]);
    assert_null(given[1]);
    assert_non_null(given[2]);
    free(given[0]);
    free(given[2]);
}

static void a_refused_growth_changes_nothing(void **state)
{
    _cleanup_free_ char *items = NULL;
    char *before;
    size_t capacity = 0;

    (void)state;
    array_reserve(items, capacity, 10);
    before = items;
    memory_fail_at(1);
    assert_false(array_try_reserve(items, capacity, 11));
    assert_ptr_equal(items, before);
    assert_int_equal(capacity, 10);
    assert_true(array_try_reserve(items, capacity, 11));
}

static void products_that_overflow_are_refused(void **state)
{
    _cleanup_free_ uint64_t *items = NULL;
    size_t capacity = 0;

    (void)state;
    assert_false(array_try_reserve(items, capacity, SIZE_MAX / 4));
    assert_int_equal(capacity, 0);
    assert_null(memory_try_allocate(SIZE_MAX / 4, 8));
}

static void allocate_while_there_is_none(void)
{
    memory_fail_at(1);
    free(memory_allocate(1));
}

static void copy_while_there_is_none(void)
{
    memory_fail_at(1);
    free(memory_copy_string("x"));
}

static void reserve_while_there_is_none(void)
{
    char *items = NULL;
    size_t capacity = 0;

    memory_fail_at(1);
    array_reserve(items, capacity, 1);
    free(items);
}

static void resize_beyond_everything(void)
{
    free(memory_resize(NULL, SIZE_MAX / 2, 4));
}

static void a_shortage_ends_the_process(void **state)
{
    (void)state;
    assert_true(test_aborts(allocate_while_there_is_none));
    assert_true(test_aborts(copy_while_there_is_none));
    assert_true(test_aborts(reserve_while_there_is_none));
    assert_true(test_aborts(resize_beyond_everything));
}

static void allocate_while_forbidden(void)
{
    memory_forbid(true);
    free(memory_try_allocate(1, 1));
}

static void grow_while_forbidden(void)
{
    char *items = NULL;
    size_t capacity = 0;

    memory_forbid(true);
    if (array_try_reserve(items, capacity, 1))
        free(items);
}

static void what_is_forbidden_aborts(void **state)
{
    (void)state;
    assert_true(test_aborts(allocate_while_forbidden));
    assert_true(test_aborts(grow_while_forbidden));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocated_memory_is_zeroed),
        cmocka_unit_test(nothing_is_a_size_too),
        cmocka_unit_test(copies_end_with_a_nul),
        cmocka_unit_test(an_array_grows_by_more_than_it_must),
        cmocka_unit_test(exactly_the_nth_allocation_fails),
        cmocka_unit_test(a_refused_growth_changes_nothing),
        cmocka_unit_test(products_that_overflow_are_refused),
        cmocka_unit_test(a_shortage_ends_the_process),
        cmocka_unit_test(what_is_forbidden_aborts),
    };

    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
