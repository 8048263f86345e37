/* SPDX-License-Identifier: Apache-2.0 */
#include "core/fit.h"

#include "base/memory.h"
#include "base/random.h"
#include "base/test.h"

static void put(struct fit *fit, uint32_t item, uint64_t key, uint64_t a, uint64_t b, uint64_t c)
{
    fit_set(fit, item, &(struct fit_entry){.key = key, .amounts = {a, b, c}});
}

static uint32_t find(const struct fit *fit, uint64_t a, uint64_t b, uint64_t c)
{
    return fit_find(fit, (uint64_t[FIT_AMOUNTS]){a, b, c});
}

static void nothing_fits_where_nothing_is(void **state)
{
    struct fit fit = FIT_INIT;

    (void)state;
    assert_int_equal(find(&fit, 0, 0, 0), UINT32_MAX);
    assert_true(fit_try_reserve(&fit, 1));
    assert_int_equal(find(&fit, 0, 0, 0), UINT32_MAX);
    assert_null(fit_get(&fit, 0));
    assert_null(fit_get(&fit, 1000));
    fit_remove(&fit, 0);
    fit_deinit(&fit);
}

static void the_smallest_key_that_fits_is_found(void **state)
{
    struct fit fit = FIT_INIT;

    (void)state;
    assert_true(fit_try_reserve(&fit, 5));
    put(&fit, 0, 7, 1, 1, 1);
    put(&fit, 1, 5, 9, 1, 1);
    put(&fit, 2, 5, 9, 9, 9);
    put(&fit, 3, 1, 1, 9, 1);
    put(&fit, 4, UINT64_MAX - 1, UINT64_MAX, UINT64_MAX, UINT64_MAX);
    assert_int_equal(find(&fit, 0, 0, 0), 3);
    assert_int_equal(find(&fit, 2, 0, 0), 1);
    assert_int_equal(find(&fit, 2, 2, 0), 2);
    assert_int_equal(find(&fit, 10, 0, 0), 4);
    put(&fit, 1, 9, 9, 1, 1);
    assert_int_equal(find(&fit, 2, 0, 0), 2);
    fit_remove(&fit, 2);
    assert_int_equal(find(&fit, 2, 0, 0), 1);
    assert_int_equal(fit_get(&fit, 1)->key, 9);
    fit_deinit(&fit);
}

static void it_grows_with_what_is_in_it(void **state)
{
    struct fit fit = FIT_INIT;

    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        assert_true(fit_try_reserve(&fit, i + 1));
        put(&fit, i, 1000 - i, i, i, i);
        assert_int_equal(find(&fit, i, i, i), i);
        assert_int_equal(find(&fit, 0, 0, 0), i);
    }
    fit_deinit(&fit);
}

static void without_memory_it_stays_as_it_is(void **state)
{
    struct fit fit = FIT_INIT;

    (void)state;
    assert_true(fit_try_reserve(&fit, 8));
    put(&fit, 7, 1, 1, 1, 1);
    memory_fail_at(1);
    assert_false(fit_try_reserve(&fit, 9));
    memory_fail_at(0);
    assert_int_equal(find(&fit, 1, 1, 1), 7);
    fit_deinit(&fit);
}

static bool holds(const struct fit_entry *entry, const uint64_t *needed)
{
    for (int i = 0; i < FIT_AMOUNTS; i++)
        if (entry->amounts[i] < needed[i])
            return false;
    return true;
}

static uint32_t find_by_walking(const struct fit *fit, uint32_t count, const uint64_t *needed)
{
    uint32_t best = UINT32_MAX;

    for (uint32_t i = 0; i < count; i++) {
        const struct fit_entry *entry = fit_get(fit, i);

        if (entry && holds(entry, needed) &&
            (best == UINT32_MAX || entry->key < fit_get(fit, best)->key))
            best = i;
    }
    return best;
}

/* Few values, some just below the largest number, and some so alike that the tree cannot tell. */
static uint64_t draw_amount(struct random *random)
{
    static const uint64_t bases[] = {0, UINT64_MAX - 6, (1ULL << 62) + 1, UINT64_MAX / 2 - 3};

    return bases[random_below(random, 4)] + random_below(random, 7);
}

static void draw_amounts(struct random *random, bool spread, uint64_t *ret_amounts)
{
    for (int i = 0; i < FIT_AMOUNTS; i++)
        ret_amounts[i] = spread ? draw_amount(random) : random_below(random, 6);
}

static void compare_with_a_walk(bool spread)
{
    struct random random = {.state = 1};
    struct fit fit = FIT_INIT;

    assert_true(fit_try_reserve(&fit, 50));
    for (int i = 0; i < 20000; i++) {
        uint32_t item = (uint32_t)random_below(&random, 50);
        struct fit_entry entry = {.key = random_below(&random, 5)};
        uint64_t needed[FIT_AMOUNTS];

        draw_amounts(&random, spread, entry.amounts);
        if (random_chance(&random, 300000))
            fit_remove(&fit, item);
        else
            fit_set(&fit, item, &entry);
        draw_amounts(&random, spread, needed);
        assert_int_equal(fit_find(&fit, needed), find_by_walking(&fit, 50, needed));
    }
    fit_deinit(&fit);
}

static void it_finds_what_a_walk_finds(void **state)
{
    (void)state;
    compare_with_a_walk(false);
    compare_with_a_walk(true);
}

/* What was asked about, and who is said yes to. */
struct asked {
    unsigned counts[50];
    uint32_t accepted;
};

static bool note_asked(const void *user_data, uint32_t item)
{
    struct asked *asked = *(struct asked *const *)user_data;

    asked->counts[item]++;
    return item == asked->accepted;
}

static void each_that_fits_is_asked_about_once_if_none_is_accepted(void **state)
{
    struct fit fit = FIT_INIT;
    struct asked asked = {.accepted = UINT32_MAX}, *asking = &asked;

    (void)state;
    assert_true(fit_try_reserve(&fit, 50));
    for (uint32_t i = 0; i < 50; i++)
        put(&fit, i, i % 7, i % 3, i % 5, 1);
    assert_int_equal(fit_find_if(&fit, (uint64_t[FIT_AMOUNTS]){1, 2, 1}, note_asked, &asking),
                     UINT32_MAX);
    for (uint32_t i = 0; i < 50; i++)
        assert_int_equal(asked.counts[i], i % 3 >= 1 && i % 5 >= 2);
    asked.accepted = 47;
    assert_int_equal(fit_find_if(&fit, (uint64_t[FIT_AMOUNTS]){1, 2, 1}, note_asked, &asking), 47);
    fit_deinit(&fit);
}

/* Whoever visits all of them each time does not come to the end of this test. */
static void among_many_equal_things_the_first_is_found_without_a_walk(void **state)
{
    enum { COUNT = 1 << 17 };
    struct fit fit = FIT_INIT;

    (void)state;
    assert_true(fit_try_reserve(&fit, COUNT));
    for (uint32_t i = 0; i < COUNT; i++)
        put(&fit, i, 5, 1, 1, 1);
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(find(&fit, 1, 1, 1), i);
        put(&fit, i, 6, 0, 1, 1);
    }
    assert_int_equal(find(&fit, 1, 1, 1), UINT32_MAX);
    fit_deinit(&fit);
}

/* Nor does he here, who looks at all that have enough of one amount and too little of another. */
static void that_nothing_fits_is_found_without_a_walk(void **state)
{
    enum { COUNT = 1 << 17 };
    struct fit fit = FIT_INIT;

    (void)state;
    assert_true(fit_try_reserve(&fit, COUNT));
    for (uint32_t i = 0; i < COUNT; i++)
        put(&fit, i, i % 1000, (i * 40503ULL) % COUNT, COUNT - (i * 40503ULL) % COUNT, 1);
    for (uint32_t i = 0; i < COUNT; i++)
        assert_int_equal(find(&fit, i, COUNT - i + 1, 1), UINT32_MAX);
    assert_int_equal(find(&fit, 40503, COUNT - 40503, 1), 1);
    fit_deinit(&fit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_fits_where_nothing_is),
        cmocka_unit_test(the_smallest_key_that_fits_is_found),
        cmocka_unit_test(it_grows_with_what_is_in_it),
        cmocka_unit_test(without_memory_it_stays_as_it_is),
        cmocka_unit_test(it_finds_what_a_walk_finds),
        cmocka_unit_test(each_that_fits_is_asked_about_once_if_none_is_accepted),
        cmocka_unit_test(among_many_equal_things_the_first_is_found_without_a_walk),
        cmocka_unit_test(that_nothing_fits_is_found_without_a_walk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
