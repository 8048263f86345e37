/* SPDX-License-Identifier: Apache-2.0 */
#include "nudge.h"

#include "base/test.h"

enum { LIMIT = 16, MINUTE_MS = 60000 };

static void a_small_motion_is_no_use_and_a_large_one_is(void **state)
{
    struct nudge knocked = {0}, moved = {0};

    (void)state;
    assert_false(nudge_add(&knocked, LIMIT - 1, MINUTE_MS, LIMIT));
    assert_true(nudge_add(&moved, LIMIT, MINUTE_MS, LIMIT));
}

static void small_ones_add_up_within_a_second(void **state)
{
    struct nudge nudge = {0};

    (void)state;
    assert_false(nudge_add(&nudge, 10, MINUTE_MS, LIMIT));
    assert_true(nudge_add(&nudge, 6, MINUTE_MS + 1000, LIMIT));
}

static void what_was_before_that_second_is_forgotten(void **state)
{
    struct nudge nudge = {0};

    (void)state;
    assert_true(nudge_add(&nudge, 300, MINUTE_MS, LIMIT));
    assert_false(nudge_add(&nudge, 10, MINUTE_MS + 1001, LIMIT));
    assert_false(nudge_add(&nudge, 10, MINUTE_MS + 2002, LIMIT));
}

static void without_a_limit_any_motion_is_a_use(void **state)
{
    struct nudge nudge = {0};

    (void)state;
    assert_true(nudge_add(&nudge, 1, MINUTE_MS, 0));
}

static void a_distance_has_no_direction(void **state)
{
    (void)state;
    assert_int_equal(nudge_distance(3), 3);
    assert_int_equal(nudge_distance(-3), 3);
    assert_int_equal(nudge_distance(INT32_MIN), 2147483648);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_motion_is_no_use_and_a_large_one_is),
        cmocka_unit_test(small_ones_add_up_within_a_second),
        cmocka_unit_test(what_was_before_that_second_is_forgotten),
        cmocka_unit_test(without_a_limit_any_motion_is_a_use),
        cmocka_unit_test(a_distance_has_no_direction),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
