/* SPDX-License-Identifier: Apache-2.0 */
/* When leases end, what then becomes of their tasks, and when the pool wants to be called. */
#include "core/pool_fixture.h"

enum { WHOLE_MS = FIXTURE_LEASE_MS + FIXTURE_MARGIN_MS };

static void only_a_pool_with_claims_must_be_called(void **state)
{
    struct pool_fixture *fixture = *state;

    assert_true(pool_next_step_ms(fixture->pool) == UINT64_MAX);
    fixture_submit(fixture, 1, 5);
    assert_true(pool_next_step_ms(fixture->pool) == UINT64_MAX);
    fixture_join(fixture, 0, 1);
    assert_int_equal(pool_next_step_ms(fixture->pool), fixture->now_ms + FIXTURE_HEARTBEAT_MS);
    fixture_tick(fixture, WHOLE_MS - 10);
    assert_int_equal(pool_next_step_ms(fixture->pool), fixture->now_ms + 10);
}

static void a_task_is_offered_again_after_lease_and_margin(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t epoch;

    fixture_submit(fixture, 1, 1);
    fixture_join(fixture, 0, 1);
    epoch = fixture_started(fixture);
    fixture_join(fixture, 1, 1);
    fixture_tick(fixture, WHOLE_MS - 1);
    assert_int_equal(fixture->effects.length, 0);
    fixture_tick(fixture, 1);
    assert_int_equal(fixture_find(fixture, POOL_TRACE)->trace.reason, REASON_LEASE_ENDED);
    assert_true(fixture_started(fixture) > epoch);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.node, 1);
}

static void a_node_that_let_a_lease_end_is_offered_nothing_until_it_is_heard(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_submit(fixture, 1, 1);
    fixture_join(fixture, 0, 1);
    fixture_tick(fixture, WHOLE_MS);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
    fixture_report(fixture, 0, true, 1, NULL, 0);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 1);
}

static void leases_end_in_the_order_of_their_renewals(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t first;

    fixture_submit(fixture, 1, 2);
    fixture_join(fixture, 0, 1);
    first = fixture_started(fixture);
    fixture->now_ms += 10;
    fixture_join(fixture, 1, 1);
    fixture->now_ms += 10;
    fixture_show(fixture, 0, first, ATTEMPT_RUNNING);
    fixture_tick(fixture, WHOLE_MS - 10);
    assert_int_equal(fixture_count(fixture, POOL_TRACE), 1);
    assert_int_equal(fixture_find(fixture, POOL_TRACE)->trace.node, 1);
    assert_int_equal(pool_next_step_ms(fixture->pool), fixture->now_ms + 10);
}

static void a_held_or_removed_task_only_loses_its_claim(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_submit(fixture, 1, 2);
    fixture_join(fixture, 0, 2);
    fixture_choose(fixture, POOL_HOLD, 1, 0);
    fixture_choose(fixture, POOL_REMOVE, 1, 1);
    fixture_tick(fixture, WHOLE_MS);
    assert_int_equal(fixture_count(fixture, POOL_TRACE), 0);
    assert_int_equal(fixture_count(fixture, POOL_SAVE_TASK), 2);
    assert_int_equal(fixture_state(fixture, 1, 0), TASK_HELD);
    assert_int_equal(fixture_counts(fixture, 1).by_state[TASK_REMOVED], 1);
}

static void a_result_whose_outputs_never_come_is_computed_again(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t epoch;

    fixture_submit(fixture, 1, 1);
    fixture_join(fixture, 0, 1);
    epoch = fixture_started(fixture);
    fixture_end(fixture, 0, epoch, OUTCOME_EXITED, REASON_ENDED_BY_ITSELF);
    fixture_tick(fixture, WHOLE_MS);
    assert_int_equal(fixture_state(fixture, 1, 0), TASK_IDLE);
    fixture_collected(fixture, epoch, REASON_NONE);
    assert_int_equal(fixture->effects.length, 0);
}

static void a_whole_building_goes_dark_over_several_steps(void **state)
{
    struct pool_fixture *fixture = *state;
    size_t ended;

    fixture_submit(fixture, 1, 300);
    fixture_join(fixture, 0, 300);
    while (pool_next_step_ms(fixture->pool) <= fixture->now_ms)
        fixture_tick(fixture, 0);
    assert_int_equal(fixture_counts(fixture, 1).by_state[TASK_RUNNING], 300);
    fixture_tick(fixture, WHOLE_MS);
    ended = fixture_count(fixture, POOL_TRACE);
    assert_true(ended > 0 && ended < 300);
    while (pool_next_step_ms(fixture->pool) <= fixture->now_ms) {
        fixture_tick(fixture, 0);
        ended += fixture_count(fixture, POOL_TRACE);
    }
    assert_int_equal(ended, 300);
    assert_true(pool_next_step_ms(fixture->pool) == UINT64_MAX);
}

/* Its computer was suspended, or its disk was slow: the reports that came meanwhile are unread. */
static void a_server_that_was_away_ends_no_lease(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_submit(fixture, 1, 2);
    fixture_join(fixture, 0, 1);
    fixture_tick(fixture, 1000);
    fixture_join(fixture, 1, 1);
    fixture->now_ms += 10 * WHOLE_MS;
    fixture_tick(fixture, 1000);
    assert_int_equal(fixture->effects.length, 0);
    fixture_show(fixture, 1, 2, ATTEMPT_RUNNING);
    fixture_tick(fixture, WHOLE_MS - 1001);
    assert_int_equal(fixture->effects.length, 0);
    fixture_tick(fixture, 1);
    assert_int_equal(fixture_count(fixture, POOL_TRACE), 1);
    assert_int_equal(fixture_find(fixture, POOL_TRACE)->trace.node, 0);
}

/* However short before the end of the lease it is back: nobody was heard since the last heartbeat.
 */
static void an_absence_counts_from_the_last_call(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_submit(fixture, 1, 1);
    fixture_join(fixture, 0, 1);
    fixture->now_ms += WHOLE_MS;
    fixture_tick(fixture, 0);
    assert_int_equal(fixture->effects.length, 0);
}

static void a_server_that_is_only_busy_ends_leases_late(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_submit(fixture, 1, 1);
    fixture_join(fixture, 0, 1);
    fixture_tick(fixture, WHOLE_MS - 1);
    fixture->now_ms += 1 + FIXTURE_MARGIN_MS;
    fixture_tick(fixture, 0);
    assert_int_equal(fixture_find(fixture, POOL_TRACE)->trace.reason, REASON_LEASE_ENDED);
}

/* Nobody asked it to come earlier. */
static void a_pool_without_claims_is_not_away(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_join(fixture, 0, 1);
    fixture->now_ms += 100 * WHOLE_MS;
    fixture_submit(fixture, 1, 1);
    fixture_tick(fixture, WHOLE_MS);
    assert_int_equal(fixture_find(fixture, POOL_TRACE)->trace.reason, REASON_LEASE_ENDED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(only_a_pool_with_claims_must_be_called),
        fixture_test(a_task_is_offered_again_after_lease_and_margin),
        fixture_test(a_node_that_let_a_lease_end_is_offered_nothing_until_it_is_heard),
        fixture_test(leases_end_in_the_order_of_their_renewals),
        fixture_test(a_held_or_removed_task_only_loses_its_claim),
        fixture_test(a_result_whose_outputs_never_come_is_computed_again),
        fixture_test(a_whole_building_goes_dark_over_several_steps),
        fixture_test(a_server_that_was_away_ends_no_lease),
        fixture_test(an_absence_counts_from_the_last_call),
        fixture_test(a_server_that_is_only_busy_ends_leases_late),
        fixture_test(a_pool_without_claims_is_not_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
