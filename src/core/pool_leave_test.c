/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes that are to become empty, and what has to leave them. */
#include "core/pool_fixture.h"

static struct pool_node_view view_of(const struct pool_fixture *fixture, uint32_t node)
{
    struct pool_node_view view;

    assert_true(pool_view_node(fixture->pool, node, &view));
    return view;
}

static void nothing_new_starts_on_a_drained_node(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_join(fixture, 0, 2);
    fixture_drain(fixture, 0, true, false);
    assert_int_equal(fixture_reply(fixture), POOL_REPLY_DONE);
    assert_true(fixture_find(fixture, POOL_SAVE_NODE)->node.drained);
    fixture_submit(fixture, 1, 1);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
    fixture_report(fixture, 0, true, 0, NULL, 0);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
    assert_int_equal(view_of(fixture, 0).state, NODE_DRAINED);
    fixture_drain(fixture, 0, false, false);
    assert_false(fixture_find(fixture, POOL_SAVE_NODE)->node.drained);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 1);
}

static void what_runs_on_a_drained_node_goes_on_to_its_end(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t epoch;

    fixture_submit(fixture, 1, 2);
    fixture_join(fixture, 0, 1);
    epoch = fixture_started(fixture);
    fixture_show(fixture, 0, epoch, ATTEMPT_RUNNING);
    fixture_drain(fixture, 0, true, false);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
    assert_int_equal(fixture_find(fixture, POOL_REPLY)->reply.count, 1);
    assert_int_equal(view_of(fixture, 0).state, NODE_CLAIMED);
    assert_true(view_of(fixture, 0).drained);
    fixture_end(fixture, 0, epoch, OUTCOME_EXITED, REASON_ENDED_BY_ITSELF);
    fixture_collected(fixture, epoch, REASON_NONE);
    assert_int_equal(fixture_counts(fixture, 1).by_state[TASK_COMPLETED], 1);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
    assert_int_equal(view_of(fixture, 0).state, NODE_DRAINED);
}

static void what_must_leave_at_once_starts_elsewhere_when_it_has_left(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t epoch;

    fixture_submit(fixture, 1, 1);
    fixture_join(fixture, 0, 1);
    epoch = fixture_started(fixture);
    fixture_show(fixture, 0, epoch, ATTEMPT_RUNNING);
    fixture_join(fixture, 1, 1);
    fixture_drain(fixture, 0, true, true);
    assert_int_equal(fixture_find(fixture, POOL_SEND_STOP)->send.reason, REASON_NODE_DRAINED);
    assert_int_equal(fixture_state(fixture, 1, 0), TASK_IDLE);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
    fixture_end(fixture, 0, epoch, OUTCOME_VACATED, REASON_VACATED);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.node, 1);
}

static void who_is_not_connected_is_told_to_leave_when_he_is_back(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t epoch;

    fixture_submit(fixture, 1, 1);
    fixture_join(fixture, 0, 1);
    epoch = fixture_started(fixture);
    fixture_disconnect(fixture, 0);
    fixture_drain(fixture, 0, true, true);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
    fixture_connect(fixture, 0, 1);
    fixture_show(fixture, 0, epoch, ATTEMPT_RUNNING);
    assert_int_equal(fixture_find(fixture, POOL_SEND_STOP)->send.epoch, epoch);
}

static void draining_twice_changes_nothing(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_join(fixture, 0, 1);
    fixture_drain(fixture, 0, true, true);
    fixture_drain(fixture, 0, true, true);
    assert_int_equal(fixture_reply(fixture), POOL_REPLY_DONE);
    assert_int_equal(fixture_count(fixture, POOL_SAVE_NODE), 0);
}

static void a_node_that_is_not_there_is_not_drained(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_drain(fixture, 0, true, false);
    assert_int_equal(fixture_reply(fixture), POOL_REPLY_WRONG_STATE);
    fixture_join(fixture, 0, 1);
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_FORGOTTEN, .forgotten_node = 0});
    fixture_drain(fixture, 0, true, false);
    assert_int_equal(fixture_reply(fixture), POOL_REPLY_WRONG_STATE);
    assert_int_equal(fixture_count(fixture, POOL_SAVE_NODE), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(nothing_new_starts_on_a_drained_node),
        fixture_test(what_runs_on_a_drained_node_goes_on_to_its_end),
        fixture_test(what_must_leave_at_once_starts_elsewhere_when_it_has_left),
        fixture_test(who_is_not_connected_is_told_to_leave_when_he_is_back),
        fixture_test(draining_twice_changes_nothing),
        fixture_test(a_node_that_is_not_there_is_not_drained),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
