/* SPDX-License-Identifier: Apache-2.0 */
/* What was seen of a node's days, and what is expected of the next. */
#include "core/history.h"

#include "base/test.h"

#include <string.h>

enum { HOUR = 3600, DAY = 24 * HOUR, WEEK = 7 * DAY, WEEKS = 8 };

/* An office: somebody comes at 9 on five days of the week and is there until 17. */
static void watch_office(struct history *history, uint64_t first_week)
{
    for (uint64_t week = first_week; week < first_week + WEEKS; week++)
        for (uint64_t day = 0; day < 7; day++) {
            uint64_t begin = week * WEEK + day * DAY;

            if (day >= 5) {
                history_add(history, begin, begin + DAY, false);
                continue;
            }
            history_add(history, begin, begin + 9 * HOUR, true);
            history_add(history, begin + 17 * HOUR, begin + DAY, false);
        }
}

static uint64_t at(uint64_t week, uint64_t day, uint64_t hour)
{
    return week * WEEK + day * DAY + hour * HOUR;
}

static void a_node_that_was_never_seen_is_expected_to_be_free_for_half_a_day(void **state)
{
    struct history history = {0};

    (void)state;
    assert_in_range(history_expected_s(&history, at(3, 2, 1)), 11 * HOUR, 14 * HOUR);
    assert_int_equal(history_chance(&history, at(3, 2, 1), 0), HISTORY_CERTAIN);
    assert_in_range(history_chance(&history, at(3, 2, 1), HOUR), HISTORY_CERTAIN * 9 / 10,
                    HISTORY_CERTAIN * 19 / 20);
}

static void an_office_is_free_overnight_and_not_over_the_morning(void **state)
{
    struct history history = {0};

    (void)state;
    watch_office(&history, 100);
    /* From 20 to 6 on a workday, from 8 to 10, and from Friday evening to Sunday. */
    assert_true(history_chance(&history, at(108, 1, 20), 10 * HOUR) > HISTORY_CERTAIN * 8 / 10);
    assert_true(history_chance(&history, at(108, 1, 8), 2 * HOUR) < HISTORY_CERTAIN / 2);
    assert_true(history_chance(&history, at(108, 4, 20), 36 * HOUR) > HISTORY_CERTAIN / 2);
    assert_true(history_expected_s(&history, at(108, 1, 20)) >
                3 * history_expected_s(&history, at(108, 1, 8)));
    assert_true(history_expected_s(&history, at(108, 5, 0)) >
                history_expected_s(&history, at(108, 1, 20)));
}

static void longer_is_never_likelier(void **state)
{
    struct history history = {0};
    uint32_t before = HISTORY_CERTAIN;

    (void)state;
    watch_office(&history, 0);
    for (uint64_t duration_s = 0; duration_s < 2 * WEEK; duration_s += 1234) {
        uint32_t chance = history_chance(&history, at(9, 3, 5) + 17, duration_s);

        assert_true(chance <= before);
        before = chance;
    }
    assert_int_equal(history_chance(&history, 17, 4 * WEEK),
                     history_chance(&history, 17, UINT64_MAX));
}

static void what_is_old_counts_less(void **state)
{
    struct history history = {0}, changed;

    (void)state;
    watch_office(&history, 0);
    changed = history;
    /* The office has moved: since then nobody comes. */
    history_add(&changed, WEEKS * WEEK, 2 * WEEKS * WEEK, false);
    assert_true(history_chance(&changed, at(20, 1, 8), 2 * HOUR) >
                history_chance(&history, at(20, 1, 8), 2 * HOUR));
    assert_true(changed.ends_sum < history.ends_sum / 4);
    /* After a year nothing is left of it. */
    history_add(&changed, at(70, 0, 0), at(70, 0, 1), false);
    history_add(&changed, at(200, 0, 0), at(200, 0, 1), false);
    assert_int_equal(changed.ends_sum, 0);
}

static void a_clock_that_jumps_does_no_harm(void **state)
{
    struct history history = {0}, before;

    (void)state;
    history_add(&history, at(10, 0, 0), at(10, 0, 4), true);
    before = history;
    history_add(&history, at(10, 0, 4), at(10, 0, 1), true);
    assert_memory_equal(&history, &before, sizeof(history));
    /* Back from the future: the weeks go on from there. */
    history_add(&history, at(5, 0, 0), at(5, 0, 1), false);
    assert_int_equal(history.week, 5);
    history_add(&history, at(6, 0, 0), at(6, 0, 1), false);
    assert_true(history.ends_sum < before.ends_sum && history.ends_sum > 0);
}

static void a_spell_over_the_turn_of_the_week_fades_once(void **state)
{
    struct history history = {0};
    uint32_t before;

    (void)state;
    history_add(&history, at(10, 0, 0), at(10, 0, 1), true);
    before = history.ends_sum;
    history_add(&history, at(10, 6, 22), at(11, 0, 2), false);
    assert_int_equal(history.ends_sum, before * 4 / 5);
    history_add(&history, at(10, 6, 23), at(11, 0, 3), false);
    assert_int_equal(history.ends_sum, before * 4 / 5);
}

static void no_time_is_too_long_and_no_count_too_high(void **state)
{
    struct history history = {0};

    (void)state;
    history_add(&history, 0, 10000ULL * WEEK, false);
    assert_int_equal(history.week, 10000);
    assert_true(history_chance(&history, 10000ULL * WEEK, 12 * HOUR) > HISTORY_CERTAIN / 2);
    for (int i = 0; i < 100; i++)
        history_add(&history, 10000ULL * WEEK, 10000ULL * WEEK, true);
    assert_int_equal(history.ends[0], UINT16_MAX);
    assert_true(history_chance(&history, 10000ULL * WEEK, HOUR) < HISTORY_CERTAIN / 5);
}

static void an_owner_who_is_never_away_for_long_leaves_no_hope(void **state)
{
    struct history history = {0};
    uint64_t begin = at(7, 2, 14);

    (void)state;
    for (uint64_t minute = 30; minute < 60; minute += 3)
        history_add(&history, begin + minute * 60, begin + minute * 60 + 60, true);
    assert_int_equal(history_chance(&history, at(8, 2, 14), HOUR), 0);
    assert_int_equal(history_chance(&history, at(8, 2, 14), 5 * HOUR), 0);
}

static void it_comes_back_from_its_bytes(void **state)
{
    _cleanup_buffer_ struct buffer bytes = BUFFER_INIT;
    struct history history = {0}, again = {0};

    (void)state;
    watch_office(&history, 3000);
    history_write(&history, &bytes);
    assert_int_equal(bytes.length, HISTORY_SIZE);
    assert_false(history_read((struct slice){bytes.data, bytes.length - 1}, &again));
    assert_true(history_read((struct slice){bytes.data, bytes.length}, &again));
    assert_memory_equal(&again, &history, sizeof(history));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_that_was_never_seen_is_expected_to_be_free_for_half_a_day),
        cmocka_unit_test(an_office_is_free_overnight_and_not_over_the_morning),
        cmocka_unit_test(longer_is_never_likelier),
        cmocka_unit_test(what_is_old_counts_less),
        cmocka_unit_test(a_clock_that_jumps_does_no_harm),
        cmocka_unit_test(a_spell_over_the_turn_of_the_week_fades_once),
        cmocka_unit_test(no_time_is_too_long_and_no_count_too_high),
        cmocka_unit_test(an_owner_who_is_never_away_for_long_leaves_no_hope),
        cmocka_unit_test(it_comes_back_from_its_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
