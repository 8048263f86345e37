/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/test.h"

enum { ITEMS = 200, ROUNDS = 100000 };

static void the_smallest_key_comes_first(void **state)
{
    struct heap heap = HEAP_INIT;

    (void)state;
    assert_null(heap_first(&heap));
    assert_true(heap_try_reserve(&heap, 3));
    heap_set(&heap, 0, 30);
    heap_set(&heap, 1, 10);
    heap_set(&heap, 2, 20);
    assert_int_equal(heap_first(&heap)->item, 1);
    heap_remove(&heap, 1);
    assert_int_equal(heap_first(&heap)->item, 2);
    heap_deinit(&heap);
}

static void equal_keys_come_in_order_of_their_items(void **state)
{
    struct heap heap = HEAP_INIT;

    (void)state;
    assert_true(heap_try_reserve(&heap, ITEMS));
    for (uint32_t i = ITEMS; i-- > 0;)
        heap_set(&heap, i, 7);
    for (uint32_t i = 0; i < ITEMS; i++) {
        assert_int_equal(heap_first(&heap)->item, i);
        heap_remove(&heap, i);
    }
    assert_null(heap_first(&heap));
    heap_deinit(&heap);
}

static void an_item_is_there_once_and_can_be_moved(void **state)
{
    struct heap heap = HEAP_INIT;

    (void)state;
    assert_true(heap_try_reserve(&heap, 2));
    heap_set(&heap, 0, 10);
    heap_set(&heap, 1, 20);
    heap_set(&heap, 0, 30);
    assert_int_equal(heap.length, 2);
    assert_int_equal(heap_first(&heap)->item, 1);
    heap_set(&heap, 0, 5);
    assert_int_equal(heap_first(&heap)->item, 0);
    heap_deinit(&heap);
}

static void removing_what_is_not_there_does_nothing(void **state)
{
    struct heap heap = HEAP_INIT;

    (void)state;
    heap_remove(&heap, 12345);
    assert_false(heap_contains(&heap, 12345));
    heap_deinit(&heap);
}

static uint32_t find_smallest(const uint64_t *keys)
{
    uint32_t smallest = ITEMS;

    for (uint32_t i = 0; i < ITEMS; i++)
        if (keys[i] != 0 && (smallest == ITEMS || keys[i] < keys[smallest]))
            smallest = i;
    return smallest;
}

static void a_heap_agrees_with_a_plain_array(void **state)
{
    uint64_t keys[ITEMS] = {0};
    struct random random = {.state = 3};
    struct heap heap = HEAP_INIT;

    (void)state;
    assert_true(heap_try_reserve(&heap, ITEMS));
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t item = (uint32_t)random_below(&random, ITEMS);
        uint32_t smallest;

        keys[item] = random_chance(&random, 400000) ? 0 : random_between(&random, 1, 50);
        if (keys[item] == 0)
            heap_remove(&heap, item);
        else
            heap_set(&heap, item, keys[item]);
        assert_int_equal(heap_contains(&heap, item), keys[item] != 0);
        smallest = find_smallest(keys);
        if (smallest == ITEMS)
            assert_null(heap_first(&heap));
        else
            assert_int_equal(heap_first(&heap)->item, smallest);
    }
    heap_deinit(&heap);
}

static void what_was_reserved_needs_no_memory(void **state)
{
    struct heap heap = HEAP_INIT;

    (void)state;
    assert_true(heap_try_reserve(&heap, ITEMS));
    memory_forbid(true);
    for (uint32_t i = 0; i < ITEMS; i++)
        heap_set(&heap, i, i);
    memory_forbid(false);
    heap_deinit(&heap);
}

/* It makes two allocations; each of them may be the one that fails. */
static void a_refused_reserve_keeps_what_is_there(void **state)
{
    struct heap heap = HEAP_INIT;

    (void)state;
    assert_true(heap_try_reserve(&heap, 8));
    heap_set(&heap, 7, 1);
    for (uint64_t n = 1; n <= 2; n++) {
        memory_fail_at(n);
        assert_false(heap_try_reserve(&heap, 1000 * n));
        memory_fail_at(0);
        assert_int_equal(heap_first(&heap)->item, 7);
        assert_false(heap_contains(&heap, 900));
    }
    assert_true(heap_try_reserve(&heap, 2000));
    heap_set(&heap, 1999, 0);
    assert_int_equal(heap_first(&heap)->item, 1999);
    heap_deinit(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_key_comes_first),
        cmocka_unit_test(equal_keys_come_in_order_of_their_items),
        cmocka_unit_test(an_item_is_there_once_and_can_be_moved),
        cmocka_unit_test(removing_what_is_not_there_does_nothing),
        cmocka_unit_test(a_heap_agrees_with_a_plain_array),
        cmocka_unit_test(what_was_reserved_needs_no_memory),
        cmocka_unit_test(a_refused_reserve_keeps_what_is_there),
    };

    return cmocka_run_group_tests_name("heap", tests, NULL, NULL);
}
