/* SPDX-License-Identifier: Apache-2.0 */
/* When something begins to hold, and when it ends. */
#include "hysteresis.h"

#include "base/test.h"

enum { FOR_MS = 60, LOOK_MS = 10 };

/* So many looks, one after the other, at the same level. */
static bool look(struct hysteresis *hysteresis, uint64_t *now_ms, enum hysteresis_level level,
                 unsigned int looks)
{
    bool holds = hysteresis->holds;

    for (unsigned int i = 0; i < looks; i++) {
        uint64_t from_ms = *now_ms;

        *now_ms += LOOK_MS;
        holds = hysteresis_step(hysteresis, level, from_ms, *now_ms, FOR_MS);
    }
    return holds;
}

static void it_holds_once_it_was_high_for_long(void **state)
{
    struct hysteresis hysteresis = {0};
    uint64_t now_ms = 1000;

    (void)state;
    assert_false(look(&hysteresis, &now_ms, HYSTERESIS_HIGH, 5));
    assert_true(look(&hysteresis, &now_ms, HYSTERESIS_HIGH, 1));
    assert_true(look(&hysteresis, &now_ms, HYSTERESIS_HIGH, 20));
}

static void a_pause_begins_the_time_anew(void **state)
{
    struct hysteresis hysteresis = {0};
    uint64_t now_ms = 1000;

    (void)state;
    for (unsigned int i = 0; i < 20; i++) {
        assert_false(look(&hysteresis, &now_ms, HYSTERESIS_HIGH, 5));
        assert_false(look(&hysteresis, &now_ms, i % 2 ? HYSTERESIS_LOW : HYSTERESIS_BETWEEN, 1));
    }
}

static void it_ends_once_it_was_low_for_as_long(void **state)
{
    struct hysteresis hysteresis = {0};
    uint64_t now_ms = 1000;

    (void)state;
    assert_true(look(&hysteresis, &now_ms, HYSTERESIS_HIGH, 6));
    assert_true(look(&hysteresis, &now_ms, HYSTERESIS_BETWEEN, 100));
    assert_true(look(&hysteresis, &now_ms, HYSTERESIS_LOW, 5));
    assert_true(look(&hysteresis, &now_ms, HYSTERESIS_HIGH, 1));
    assert_true(look(&hysteresis, &now_ms, HYSTERESIS_LOW, 5));
    assert_false(look(&hysteresis, &now_ms, HYSTERESIS_LOW, 1));
    assert_false(look(&hysteresis, &now_ms, HYSTERESIS_BETWEEN, 100));
}

static void without_a_time_the_level_alone_counts(void **state)
{
    struct hysteresis hysteresis = {0};

    (void)state;
    assert_false(hysteresis_step(&hysteresis, HYSTERESIS_BETWEEN, 10, 10, 0));
    assert_true(hysteresis_step(&hysteresis, HYSTERESIS_HIGH, 10, 10, 0));
    assert_true(hysteresis_step(&hysteresis, HYSTERESIS_BETWEEN, 10, 10, 0));
    assert_false(hysteresis_step(&hysteresis, HYSTERESIS_LOW, 10, 10, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_holds_once_it_was_high_for_long),
        cmocka_unit_test(a_pause_begins_the_time_anew),
        cmocka_unit_test(it_ends_once_it_was_low_for_as_long),
        cmocka_unit_test(without_a_time_the_level_alone_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
