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

/* A full report of one attempt, while the owner is there. */
static void report_owned(struct pool_fixture *fixture, uint32_t node,
                         const struct pool_report_item *item)
{
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_REPORTED,
                                              .reported = {.node = node,
                                                           .session = fixture->sessions[node],
                                                           .highest_epoch = item->epoch,
                                                           .full = true,
                                                           .owner_present = true,
                                                           .items = item,
                                                           .item_count = 1}});
}

static void freeze(struct pool_fixture *fixture, uint32_t node, uint64_t epoch)
{
    report_owned(fixture, node,
                 &(struct pool_report_item){
                     .epoch = epoch, .state = ATTEMPT_SUSPENDED, .reason = REASON_OWNER_RETURNED});
}

static void vacate(struct pool_fixture *fixture, uint32_t node, uint64_t epoch)
{
    report_owned(fixture, node,
                 &(struct pool_report_item){.epoch = epoch,
                                            .state = ATTEMPT_ENDED,
                                            .outcome = OUTCOME_VACATED,
                                            .reason = REASON_VACATED});
}

/* Frozen on the nodes from 0 on, one task each, since they have been there for long. */
static void freeze_tasks(struct pool_fixture *fixture, uint32_t count)
{
    for (uint32_t n = 0; n < count; n++) {
        fixture_join(fixture, n, 1);
        fixture_submit(fixture, n + 1, 1);
    }
    fixture_tick(fixture, FIXTURE_LEASE_MS);
    for (uint32_t n = 0; n < count; n++)
        freeze(fixture, n, n + 1);
}

static void who_is_suspended_for_long_goes_to_a_free_node(void **state)
{
    struct pool_fixture *fixture = *state;

    freeze_tasks(fixture, 1);
    fixture_join(fixture, 1, 1);
    fixture_tick(fixture, FIXTURE_MOVE_MS - 1);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
    fixture_tick(fixture, 1);
    assert_int_equal(fixture_find(fixture, POOL_SEND_STOP)->send.reason, REASON_SUSPENDED_TOO_LONG);
    assert_int_equal(fixture_state(fixture, 1, 0), TASK_IDLE);
    vacate(fixture, 0, 1);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.node, 1);
}

static void without_another_node_he_stays_until_there_is_one(void **state)
{
    struct pool_fixture *fixture = *state;

    freeze_tasks(fixture, 1);
    fixture_tick(fixture, FIXTURE_MOVE_MS);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
    freeze(fixture, 0, 1);
    fixture_join(fixture, 1, 1);
    fixture_tick(fixture, FIXTURE_HEARTBEAT_MS);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 1);
}

static void two_do_not_leave_for_the_same_room(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_task_row row;

    freeze_tasks(fixture, 3);
    fixture_join(fixture, 3, 2);
    fixture_tick(fixture, FIXTURE_MOVE_MS);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 2);
    freeze(fixture, 2, 3);
    /* What was promised is taken by who comes back, and the room of the third stays promised. */
    vacate(fixture, 0, 1);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.node, 3);
    fixture_tick(fixture, FIXTURE_HEARTBEAT_MS - 1);
    assert_int_equal(fixture_state(fixture, 3, 0), TASK_SUSPENDED);
    assert_true(pool_view_claim(fixture->pool, 3, &row));
}

static void who_goes_on_is_not_moved(void **state)
{
    struct pool_fixture *fixture = *state;

    freeze_tasks(fixture, 2);
    fixture_tick(fixture, FIXTURE_MOVE_MS / 2);
    fixture_show(fixture, 0, 1, ATTEMPT_RUNNING);
    fixture_tick(fixture, FIXTURE_MOVE_MS / 2);
    fixture_show(fixture, 1, 2, ATTEMPT_RUNNING);
    fixture_join(fixture, 2, 2);
    fixture_tick(fixture, FIXTURE_LEASE_MS / 2);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
}

static void who_has_come_just_now_is_not_moved(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_submit(fixture, 1, 1);
    fixture_join(fixture, 0, 1);
    freeze(fixture, 0, 1);
    fixture_join(fixture, 1, 1);
    fixture_tick(fixture, FIXTURE_MOVE_MS);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
    fixture_tick(fixture, FIXTURE_HEARTBEAT_MS);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 1);
}

static void who_cannot_be_told_or_has_ended_is_not_moved(void **state)
{
    struct pool_fixture *fixture = *state;

    freeze_tasks(fixture, 2);
    fixture_join(fixture, 2, 2);
    fixture_disconnect(fixture, 0);
    fixture_end(fixture, 1, 2, OUTCOME_EXITED, REASON_ENDED_BY_ITSELF);
    fixture_tick(fixture, FIXTURE_MOVE_MS);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
    assert_int_equal(fixture_state(fixture, 1, 0), TASK_SUSPENDED);
}

/* What is free again, although its own attempt is still frozen there, is no other node. */
static void nobody_is_moved_to_where_he_is_or_where_nothing_suits(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_report_item item = {.epoch = 1, .state = ATTEMPT_SUSPENDED};
    struct pool_part part = {.count = 1, .request = {1, 1, 1}, .job_class = 1};

    assert_int_equal(pool_set_job_class(fixture->pool, 1, (int64_t[]){0, POOL_NEVER}, 2), 0);
    fixture_join(fixture, 0, 2);
    fixture_submit_parts(fixture, 1, 0, false, &part, 1);
    fixture_join(fixture, 1, 1);
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_CHANGED,
                                              .changed = {.node = 1, .node_class = 1}});
    fixture_tick(fixture, FIXTURE_LEASE_MS);
    fixture_report(fixture, 0, true, 1, &item, 1);
    fixture_tick(fixture, FIXTURE_MOVE_MS + FIXTURE_HEARTBEAT_MS);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
    assert_int_equal(fixture_state(fixture, 1, 0), TASK_SUSPENDED);
}

/* More than one step looks at, on one node; and one in their midst goes on for a moment. */
static void many_are_looked_at_in_turn(void **state)
{
    enum { COUNT = 300, ONE = 150 };
    struct pool_fixture *fixture = *state;
    struct pool_report_item items[COUNT];

    fixture_join(fixture, 0, COUNT);
    fixture_submit(fixture, 1, COUNT);
    fixture_tick(fixture, 0);
    for (uint32_t i = 0; i < COUNT; i++)
        items[i] = (struct pool_report_item){.epoch = i + 1, .state = ATTEMPT_SUSPENDED};
    fixture_report(fixture, 0, true, COUNT, items, COUNT);
    assert_int_equal(fixture_counts(fixture, 1).by_state[TASK_SUSPENDED], COUNT);
    fixture_tick(fixture, FIXTURE_MOVE_MS);
    fixture_report(fixture, 0, false, COUNT,
                   &(struct pool_report_item){.epoch = ONE, .state = ATTEMPT_RUNNING}, 1);
    fixture_report(fixture, 0, true, COUNT, items, COUNT);
    fixture_tick(fixture, 2 * FIXTURE_HEARTBEAT_MS);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
    fixture_join(fixture, 1, COUNT);
    fixture_tick(fixture, FIXTURE_HEARTBEAT_MS + 1);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), COUNT);
}

/* As after a time without a server: he is about to hear that the lease is renewed. */
static void what_is_frozen_for_its_lease_is_not_moved(void **state)
{
    struct pool_report_item item = {.epoch = 1, .state = ATTEMPT_SUSPENDED};
    struct pool_fixture *fixture = *state;
    struct pool_report report = {
        .node = 0, .highest_epoch = 1, .full = true, .items = &item, .item_count = 1};

    fixture_join(fixture, 0, 1);
    fixture_submit(fixture, 1, 1);
    fixture_tick(fixture, FIXTURE_LEASE_MS);
    fixture_join(fixture, 1, 1);
    report.session = fixture->sessions[0];
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_REPORTED, .reported = report});
    assert_int_equal(fixture_state(fixture, 1, 0), TASK_SUSPENDED);
    fixture_tick(fixture, FIXTURE_MOVE_MS + 1);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
}

static void nobody_is_moved_if_that_is_not_wanted(void **state)
{
    static const struct pool_options options = {.lease_ms = FIXTURE_LEASE_MS,
                                                .margin_ms = FIXTURE_MARGIN_MS,
                                                .heartbeat_ms = FIXTURE_HEARTBEAT_MS};
    struct pool_fixture *fixture = *state;

    pool_free(fixture->pool);
    fixture->pool = pool_new(&options);
    freeze_tasks(fixture, 1);
    fixture_join(fixture, 1, 1);
    fixture_tick(fixture, FIXTURE_LEASE_MS);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
    fixture_show(fixture, 0, 1, ATTEMPT_RUNNING);
    assert_int_equal(fixture_state(fixture, 1, 0), TASK_RUNNING);
}

static void suspended_tasks_are_watched_after_a_restart(void **state)
{
    static const struct pool_options options = {.lease_ms = FIXTURE_LEASE_MS,
                                                .margin_ms = FIXTURE_MARGIN_MS,
                                                .heartbeat_ms = FIXTURE_HEARTBEAT_MS,
                                                .restored_lease_ms = FIXTURE_LEASE_MS,
                                                .move_suspended_ms = FIXTURE_MOVE_MS};
    struct pool_fixture *fixture = *state;
    struct pool_part part = {.count = 1, .next = 1, .request = {1, 1, 1}};
    struct pool_task_row row = {
        .job = 1, .state = TASK_SUSPENDED, .attempts = 1, .node = 0, .epoch = 1};

    pool_free(fixture->pool);
    fixture->pool = pool_new(&options);
    assert_int_equal(pool_load_epoch(fixture->pool, 1), 0);
    assert_int_equal(pool_load_node(fixture->pool, &(struct pool_node_row){.machine = 1}), 0);
    assert_int_equal(pool_load_job(fixture->pool, &(struct pool_job_row){.job = 1}, &part, 1), 0);
    assert_int_equal(pool_load_task(fixture->pool, &row, fixture->now_ms), 0);
    fixture_connect(fixture, 0, 1);
    freeze(fixture, 0, 1);
    fixture_join(fixture, 1, 1);
    fixture_tick(fixture, FIXTURE_LEASE_MS);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 1);
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
        fixture_test(who_is_suspended_for_long_goes_to_a_free_node),
        fixture_test(without_another_node_he_stays_until_there_is_one),
        fixture_test(two_do_not_leave_for_the_same_room),
        fixture_test(who_goes_on_is_not_moved),
        fixture_test(who_has_come_just_now_is_not_moved),
        fixture_test(who_cannot_be_told_or_has_ended_is_not_moved),
        fixture_test(nobody_is_moved_to_where_he_is_or_where_nothing_suits),
        fixture_test(many_are_looked_at_in_turn),
        fixture_test(what_is_frozen_for_its_lease_is_not_moved),
        fixture_test(nobody_is_moved_if_that_is_not_wanted),
        fixture_test(suspended_tasks_are_watched_after_a_restart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
