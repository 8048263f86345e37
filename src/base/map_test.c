/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/test.h"

enum { KEYS = 512, ROUNDS = 200000 };

static void a_key_that_was_put_is_found(void **state)
{
    struct map map = MAP_INIT;
    uint64_t value = 5;

    (void)state;
    assert_false(map_get(&map, 0, &value));
    assert_int_equal(value, 5);
    map_put(&map, 0, 1);
    map_put(&map, UINT64_MAX, 2);
    assert_true(map_get(&map, 0, &value));
    assert_int_equal(value, 1);
    assert_true(map_get(&map, UINT64_MAX, &value));
    assert_int_equal(value, 2);
    map_deinit(&map);
}

static void putting_again_replaces(void **state)
{
    struct map map = MAP_INIT;
    uint64_t value;

    (void)state;
    map_put(&map, 7, 1);
    map_put(&map, 7, 2);
    assert_int_equal(map.count, 1);
    assert_true(map_get(&map, 7, &value));
    assert_int_equal(value, 2);
    map_deinit(&map);
}

static void a_key_that_was_removed_is_not_found(void **state)
{
    struct map map = MAP_INIT;
    uint64_t value;

    (void)state;
    assert_false(map_remove(&map, 7));
    map_put(&map, 7, 1);
    assert_true(map_remove(&map, 7));
    assert_false(map_remove(&map, 7));
    assert_false(map_get(&map, 7, &value));
    map_deinit(&map);
}

/* Keys from a small range collide and wrap around all the time. */
static void a_map_agrees_with_a_plain_array(void **state)
{
    static uint64_t expected[KEYS];
    struct random random = {.state = 1};
    struct map map = MAP_INIT;

    (void)state;
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        uint64_t key = random_below(&random, KEYS), value = 0;

        if (random_chance(&random, 500000)) {
            map_put(&map, key, round);
            expected[key] = round;
        } else {
            assert_int_equal(map_remove(&map, key), expected[key] != 0);
            expected[key] = 0;
        }
        key = random_below(&random, KEYS);
        assert_int_equal(map_get(&map, key, &value), expected[key] != 0);
        assert_int_equal(value, expected[key]);
    }
    map_deinit(&map);
}

static void what_was_reserved_needs_no_memory(void **state)
{
    struct map map = MAP_INIT;

    (void)state;
    assert_true(map_try_reserve(&map, 12));
    memory_forbid(true);
    for (int round = 0; round < 2; round++)
        for (uint64_t key = 0; key < 12; key++)
            map_put(&map, key, key);
    memory_forbid(false);
    map_deinit(&map);
}

static void a_refused_reserve_changes_nothing(void **state)
{
    struct map map = MAP_INIT;
    uint64_t value;

    (void)state;
    map_put(&map, 7, 1);
    memory_fail_at(1);
    assert_false(map_try_reserve(&map, 1000));
    assert_false(map_try_reserve(&map, SIZE_MAX));
    assert_true(map_get(&map, 7, &value));
    assert_true(map_try_reserve(&map, 1000));
    map_deinit(&map);
}

static void text_keys_are_copied_and_compared_exactly(void **state)
{
    struct string_map map = STRING_MAP_INIT;
    char key[] = "pc1";
    uint64_t value;

    (void)state;
    string_map_put(&map, key, 1);
    key[2] = '2';
    assert_true(string_map_get(&map, "pc1", &value));
    assert_false(string_map_get(&map, "pc2", &value));
    assert_false(string_map_get(&map, "PC1", &value));
    assert_false(string_map_get(&map, "pc", &value));
    string_map_deinit(&map);
}

static void case_is_ignored_if_asked_for(void **state)
{
    struct string_map map;
    uint64_t value;

    (void)state;
    string_map_init(&map, true);
    string_map_put(&map, "Executable", 1);
    string_map_put(&map, "EXECUTABLE", 2);
    assert_int_equal(string_map_count(&map), 1);
    assert_true(string_map_get(&map, "executable", &value));
    assert_int_equal(value, 2);
    assert_true(string_map_remove(&map, "eXECUTABLE"));
    assert_int_equal(string_map_count(&map), 0);
    string_map_deinit(&map);
}

static void a_string_map_agrees_with_a_plain_array(void **state)
{
    static uint64_t expected[KEYS];
    struct random random = {.state = 2};
    struct string_map map = STRING_MAP_INIT;
    size_t count = 0;
    char key[16];

    (void)state;
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        uint64_t number = random_below(&random, KEYS), value = 0;

        snprintf(key, sizeof(key), "k%d", (int)number);
        if (random_chance(&random, 500000)) {
            string_map_put(&map, key, round);
            count += expected[number] == 0;
            expected[number] = round;
        } else {
            assert_int_equal(string_map_remove(&map, key), expected[number] != 0);
            count -= expected[number] != 0;
            expected[number] = 0;
        }
        number = random_below(&random, KEYS);
        snprintf(key, sizeof(key), "k%d", (int)number);
        assert_int_equal(string_map_get(&map, key, &value), expected[number] != 0);
        assert_int_equal(value, expected[number]);
        assert_int_equal(string_map_count(&map), count);
    }
    string_map_deinit(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_that_was_put_is_found),
        cmocka_unit_test(putting_again_replaces),
        cmocka_unit_test(a_key_that_was_removed_is_not_found),
        cmocka_unit_test(a_map_agrees_with_a_plain_array),
        cmocka_unit_test(what_was_reserved_needs_no_memory),
        cmocka_unit_test(a_refused_reserve_changes_nothing),
        cmocka_unit_test(text_keys_are_copied_and_compared_exactly),
        cmocka_unit_test(case_is_ignored_if_asked_for),
        cmocka_unit_test(a_string_map_agrees_with_a_plain_array),
    };

    return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
