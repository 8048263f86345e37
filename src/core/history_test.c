/* SPDX-License-Identifier: Apache-2.0 */
/* What was seen of a node's days, and what is expected of the next. */
#include "core/history.h"

#include "base/test.h"

#include <string.h>

enum { MINUTE = 60, HOUR = 3600, DAY = 24 * HOUR, WEEK = 7 * DAY, WEEKS = 8 };

static uint64_t at(uint64_t week, uint64_t day, uint64_t hour)
{
    return week * WEEK + day * DAY + hour * HOUR;
}

/* A spell that is over, added at once. */
static void add_spell(struct history *history, uint64_t from_s, uint64_t to_s)
{
    history_add(history, from_s, from_s, to_s, true);
}

/* An office: somebody comes at 9 on the first five days of the week, and is there until 17. */
static void watch_office(struct history *history, uint64_t first_week)
{
    for (uint64_t week = first_week; week < first_week + WEEKS; week++) {
        for (uint64_t day = 0; day < 4; day++)
            add_spell(history, at(week, day, 17), at(week, day + 1, 9));
        add_spell(history, at(week, 4, 17), at(week + 1, 0, 9));
    }
}

static void a_node_that_was_never_seen_is_expected_to_be_free_the_longer_it_was(void **state)
{
    struct history history = {0};
    uint64_t now_s = at(3, 2, 20), fresh_s, old_s;

    (void)state;
    fresh_s = history_expected_s(&history, now_s, now_s);
    old_s = history_expected_s(&history, now_s - DAY, now_s);
    assert_in_range(fresh_s, 8 * HOUR, 16 * HOUR);
    assert_in_range(old_s, 20 * HOUR, 2 * DAY);
}

static void an_office_is_free_overnight_and_not_over_the_morning(void **state)
{
    struct history history = {0};
    uint64_t night_s, morning_s, weekend_s;

    (void)state;
    watch_office(&history, 100);
    night_s = history_expected_s(&history, at(108, 1, 17), at(108, 1, 20));
    morning_s = history_expected_s(&history, at(108, 1, 17), at(108, 2, 8));
    weekend_s = history_expected_s(&history, at(108, 4, 17), at(108, 4, 20));
    assert_in_range(night_s, 10 * HOUR, 20 * HOUR);
    assert_true(night_s > 2 * morning_s);
    assert_true(weekend_s > night_s + 3 * HOUR);
}

static void who_mostly_comes_back_soon_is_waited_for_first(void **state)
{
    struct history history = {0};
    uint64_t fresh_s, old_s;

    (void)state;
    /* Five hours do not divide a week, so its hours are all alike. */
    for (uint64_t from_s = at(50, 0, 0); from_s < at(58, 0, 0); from_s += 5 * HOUR) {
        add_spell(&history, from_s, from_s + 5 * MINUTE);
        add_spell(&history, from_s + 10 * MINUTE, from_s + 4 * HOUR);
    }
    fresh_s = history_expected_s(&history, at(58, 1, 2), at(58, 1, 2));
    old_s = history_expected_s(&history, at(58, 1, 1), at(58, 1, 2));
    assert_in_range(fresh_s, 4 * HOUR, 6 * HOUR);
    assert_true(old_s > fresh_s + HOUR);
}

static void it_does_not_matter_in_how_many_pieces_a_spell_is_added(void **state)
{
    struct history whole = {0}, pieces = {0};
    uint64_t from_s = at(7, 3, 8);

    (void)state;
    add_spell(&whole, from_s, from_s + 20 * HOUR);
    for (uint64_t hour = 0; hour < 20; hour++)
        history_add(&pieces, from_s, from_s + hour * HOUR, from_s + (hour + 1) * HOUR, hour == 19);
    assert_memory_equal(&whole, &pieces, sizeof(whole));
}

static void what_is_old_counts_less(void **state)
{
    struct history history = {0}, changed;

    (void)state;
    watch_office(&history, 0);
    changed = history;
    /* The office has moved: since then nobody comes. */
    history_add(&changed, at(8, 0, 17), at(8, 0, 17), at(16, 0, 0), false);
    assert_true(history_expected_s(&changed, at(19, 0, 0), at(20, 1, 8)) >
                history_expected_s(&history, at(19, 0, 0), at(20, 1, 8)));
    assert_true(changed.ends[DAY / HOUR + 9] < history.ends[DAY / HOUR + 9] / 4);
    /* After a year nothing is left of it. */
    history_add(&changed, at(70, 0, 0), at(70, 0, 0), at(70, 0, 1), false);
    history_add(&changed, at(200, 0, 0), at(200, 0, 0), at(200, 0, 1), false);
    assert_int_equal(changed.ends[DAY / HOUR + 9], 0);
    assert_int_equal(changed.age_ends[3], 0);
}

static void a_clock_that_jumps_does_no_harm(void **state)
{
    struct history history = {0}, before;

    (void)state;
    add_spell(&history, at(10, 0, 0), at(10, 0, 4));
    before = history;
    add_spell(&history, at(10, 0, 4), at(10, 0, 1));
    assert_memory_equal(&history, &before, sizeof(history));
    /* Free since the future is free since now. */
    assert_in_range(history_expected_s(&history, at(11, 0, 0), at(10, 0, 0)), HOUR,
                    history_expected_s(&history, at(10, 0, 0), at(10, 0, 0)));
    /* Back from the future: the weeks go on from there. */
    add_spell(&history, at(5, 0, 0), at(5, 0, 1));
    assert_int_equal(history.week, 5);
    history_add(&history, at(6, 1, 0), at(6, 1, 0), at(6, 1, 1), false);
    assert_int_equal(history.ends[4], before.ends[4] * 4 / 5);
}

static void a_spell_over_the_turn_of_the_week_fades_once(void **state)
{
    struct history history = {0};
    uint16_t before;

    (void)state;
    add_spell(&history, at(10, 0, 0), at(10, 0, 1));
    before = history.ends[1];
    history_add(&history, at(10, 6, 22), at(10, 6, 22), at(11, 0, 1), false);
    assert_int_equal(history.ends[1], before * 4 / 5);
    history_add(&history, at(10, 6, 22), at(10, 6, 23), at(11, 0, 1), false);
    assert_int_equal(history.ends[1], before * 4 / 5);
}

static void no_time_is_too_long_and_no_count_too_high(void **state)
{
    struct history history = {0};
    uint64_t now_s = 10000ULL * WEEK;

    (void)state;
    for (int i = 0; i < 4000; i++)
        history_add(&history, 0, 0, now_s, false);
    assert_int_equal(history.week, 10000);
    assert_int_equal(history.watched[0], UINT16_MAX);
    assert_int_equal(history.age_watched[HISTORY_AGES - 1], UINT32_MAX);
    assert_in_range(history_expected_s(&history, 0, now_s), 6 * DAY, WEEK);
    for (int i = 0; i < 1000; i++)
        add_spell(&history, now_s, now_s);
    assert_int_equal(history.ends[0], UINT16_MAX);
    assert_true(history_expected_s(&history, now_s, now_s) < HOUR);
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

static void longer_is_a_higher_step(void **state)
{
    (void)state;
    assert_int_equal(history_stay(0), 0);
    assert_int_equal(history_stay(299), 0);
    assert_int_equal(history_stay(300), 4);
    assert_int_equal(history_stay(450 + 450), 8);
    assert_int_equal(history_stay(WEEK), 43);
    assert_int_equal(history_stay(UINT64_MAX), 43);
    for (uint64_t second = 0; second < WEEK; second += 100)
        assert_true(history_stay(second) <= history_stay(second + 100));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_that_was_never_seen_is_expected_to_be_free_the_longer_it_was),
        cmocka_unit_test(an_office_is_free_overnight_and_not_over_the_morning),
        cmocka_unit_test(who_mostly_comes_back_soon_is_waited_for_first),
        cmocka_unit_test(it_does_not_matter_in_how_many_pieces_a_spell_is_added),
        cmocka_unit_test(what_is_old_counts_less),
        cmocka_unit_test(a_clock_that_jumps_does_no_harm),
        cmocka_unit_test(a_spell_over_the_turn_of_the_week_fades_once),
        cmocka_unit_test(no_time_is_too_long_and_no_count_too_high),
        cmocka_unit_test(it_comes_back_from_its_bytes),
        cmocka_unit_test(longer_is_a_higher_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
