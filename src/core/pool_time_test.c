/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks that say how long they take, and nodes whose owners' hours begin. */
#include "core/pool_fixture.h"

enum { MINUTE_MS = 60000 };

static size_t count_starts(struct pool_fixture *fixture, uint32_t node, uint64_t lent_ms)
{
    fixture_join_lent(fixture, node, 1, lent_ms);
    return fixture_count(fixture, POOL_SEND_START);
}

static void a_node_takes_what_ends_before_its_owners_hours(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_submit_lasting(fixture, 1, 9, 60 * MINUTE_MS);
    assert_int_equal(count_starts(fixture, 0, 60 * MINUTE_MS - 1), 0);
    assert_int_equal(count_starts(fixture, 1, 60 * MINUTE_MS), 1);
    assert_int_equal(count_starts(fixture, 2, 0), 1);
    fixture_submit(fixture, 2, 1);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.node, 0);
}

static void new_work_goes_where_there_is_time_for_it(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_join_lent(fixture, 0, 1, 10 * MINUTE_MS);
    fixture_join_lent(fixture, 1, 1, 30 * MINUTE_MS);
    fixture_submit_lasting(fixture, 1, 2, 20 * MINUTE_MS);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 1);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.node, 1);
}

static void a_long_task_stops_no_short_one_behind_it(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_submit_lasting(fixture, 1, 1, 20 * MINUTE_MS);
    fixture_submit_lasting(fixture, 2, 1, 5 * MINUTE_MS);
    fixture_join_lent(fixture, 0, 2, 10 * MINUTE_MS);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 1);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.job, 2);
}

static void time_passes_on_a_node_that_is_idle(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_join_lent(fixture, 0, 1, 10 * MINUTE_MS);
    fixture->now_ms += 3 * MINUTE_MS;
    fixture_submit_lasting(fixture, 1, 1, 8 * MINUTE_MS);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
    fixture->now_ms += 9 * MINUTE_MS;
    fixture_submit_lasting(fixture, 2, 1, 1);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
}

static void an_end_that_moves_is_news_and_one_that_trembles_is_none(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_explanation why;

    fixture_join_lent(fixture, 0, 1, 10 * MINUTE_MS);
    fixture_submit_lasting(fixture, 1, 1, 20 * MINUTE_MS);
    fixture_report_lent(fixture, 0, 10 * MINUTE_MS + 4999);
    assert_true(pool_explain_task(fixture->pool, 1, 0, &why));
    assert_int_equal(why.longest_lent_ms, 10 * MINUTE_MS);
    fixture_report_lent(fixture, 0, 10 * MINUTE_MS - 5000);
    assert_true(pool_explain_task(fixture->pool, 1, 0, &why));
    assert_int_equal(why.longest_lent_ms, 10 * MINUTE_MS - 5000);
    fixture_report_lent(fixture, 0, 20 * MINUTE_MS);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 1);
}

static void no_end_and_no_duration_are_too_far_to_be_reckoned_with(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_submit_lasting(fixture, 1, 1, UINT64_MAX);
    assert_int_equal(count_starts(fixture, 0, 10 * MINUTE_MS), 0);
    assert_int_equal(count_starts(fixture, 1, UINT64_MAX), 1);
}

static void what_takes_other_times_is_another_kind_of_task(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_part parts[] = {
        {.first = 0, .count = 1, .next = 0, .request = {1, 1, 1}, .needed_ms = 5 * MINUTE_MS},
        {.first = 1, .count = 1, .next = 1, .request = {1, 1, 1}, .needed_ms = 1 * MINUTE_MS}};

    assert_false(pool_parts_are_alike(&parts[0], &parts[1]));
    fixture_submit_parts(fixture, 1, 0, false, parts, 2);
    fixture_join_lent(fixture, 0, 2, 3 * MINUTE_MS);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 1);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.task, 1);
}

static void why_says_for_how_long_the_last_one_is_lent(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_explanation why;

    fixture_join_lent(fixture, 0, 1, 3 * MINUTE_MS);
    fixture_join_lent(fixture, 1, 1, 9 * MINUTE_MS);
    fixture_join_lent(fixture, 2, 1, 6 * MINUTE_MS);
    fixture_submit_lasting(fixture, 1, 1, 10 * MINUTE_MS);
    assert_true(pool_explain_task(fixture->pool, 1, 0, &why));
    assert_int_equal(why.closing, 3);
    assert_int_equal(why.longest_lent_ms, 9 * MINUTE_MS);
    assert_int_equal(why.needed_ms, 10 * MINUTE_MS);
    assert_int_equal(why.available + why.busy, 0);
    fixture->now_ms += 12 * MINUTE_MS;
    fixture_step(fixture, (struct pool_event){.kind = POOL_TICK});
    assert_true(pool_explain_task(fixture->pool, 1, 0, &why));
    assert_int_equal(why.longest_lent_ms, 0);
}

static void a_suspended_task_moves_where_there_is_time_for_it(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_submit_lasting(fixture, 1, 1, 20 * MINUTE_MS);
    fixture_join_lent(fixture, 0, 1, 30 * MINUTE_MS);
    fixture_join_lent(fixture, 1, 1, 10 * MINUTE_MS);
    fixture_show(fixture, 0, 1, ATTEMPT_SUSPENDED);
    fixture_tick(fixture, FIXTURE_MOVE_MS + FIXTURE_HEARTBEAT_MS);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
    fixture_show(fixture, 0, 1, ATTEMPT_SUSPENDED);
    fixture_report_lent(fixture, 1, 40 * MINUTE_MS);
    fixture_tick(fixture, FIXTURE_HEARTBEAT_MS);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_node_takes_what_ends_before_its_owners_hours),
        fixture_test(new_work_goes_where_there_is_time_for_it),
        fixture_test(a_long_task_stops_no_short_one_behind_it),
        fixture_test(time_passes_on_a_node_that_is_idle),
        fixture_test(an_end_that_moves_is_news_and_one_that_trembles_is_none),
        fixture_test(no_end_and_no_duration_are_too_far_to_be_reckoned_with),
        fixture_test(what_takes_other_times_is_another_kind_of_task),
        fixture_test(why_says_for_how_long_the_last_one_is_lent),
        fixture_test(a_suspended_task_moves_where_there_is_time_for_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
