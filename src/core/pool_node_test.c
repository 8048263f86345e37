/* SPDX-License-Identifier: Apache-2.0 */
/* Who may connect, and what reports mean for the claims of a node. */
#include "core/pool_fixture.h"

#include <errno.h>

/* A job of one task that node 0 has; returns its epoch. */
static uint64_t start_one(struct pool_fixture *fixture)
{
    fixture_submit(fixture, 1, 1);
    fixture_join(fixture, 0, 1);
    return fixture_started(fixture);
}

static void hello(struct pool_fixture *fixture, uint64_t session, uint64_t machine)
{
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_CONNECTED,
                                              .connected = {.node = 0,
                                                            .session = session,
                                                            .machine = machine,
                                                            .capacity = {1, 1, 1}}});
}

static void a_new_node_is_let_in_and_saved(void **state)
{
    struct pool_fixture *fixture = *state;

    hello(fixture, 1, 77);
    assert_int_equal(fixture_reply(fixture), POOL_REPLY_NODE_ACCEPTED);
    assert_int_equal(fixture_find(fixture, POOL_SAVE_NODE)->node.machine, 77);
    hello(fixture, 1, 77);
    assert_int_equal(fixture_reply(fixture), POOL_REPLY_NODE_ACCEPTED);
    assert_int_equal(fixture_count(fixture, POOL_SAVE_NODE), 0);
    assert_int_equal(fixture_count(fixture, POOL_CLOSE_SESSION), 0);
}

static void another_machine_with_the_same_identity_is_a_clone(void **state)
{
    struct pool_fixture *fixture = *state;

    hello(fixture, 1, 77);
    fixture->now_ms += 1000000;
    hello(fixture, 2, 78);
    assert_int_equal(fixture_reply(fixture), POOL_REPLY_NODE_IS_CLONE);
}

static void a_second_connection_is_refused_while_the_first_is_alive(void **state)
{
    struct pool_fixture *fixture = *state;

    hello(fixture, 1, 77);
    fixture->now_ms += 2 * FIXTURE_HEARTBEAT_MS - 1;
    hello(fixture, 2, 77);
    assert_int_equal(fixture_reply(fixture), POOL_REPLY_NODE_IS_CONNECTED);
    fixture->now_ms += 1;
    hello(fixture, 2, 77);
    assert_int_equal(fixture_reply(fixture), POOL_REPLY_NODE_ACCEPTED);
    assert_int_equal(fixture_find(fixture, POOL_CLOSE_SESSION)->send.session, 1);
}

static void a_node_number_has_a_limit(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_event event = {.kind = POOL_NODE_CONNECTED, .connected.node = UINT32_MAX};

    assert_int_equal(pool_prepare(fixture->pool, &event, &fixture->effects), -E2BIG);
}

static void a_forgotten_node_is_closed_and_stays_out(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_node_view view;
    uint64_t epoch = start_one(fixture);

    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_FORGOTTEN, .forgotten_node = 0});
    assert_int_equal(fixture_reply(fixture), POOL_REPLY_DONE);
    assert_int_equal(fixture_find(fixture, POOL_REPLY)->reply.count, 1);
    assert_true(fixture_find(fixture, POOL_SAVE_NODE)->node.forgotten);
    assert_int_equal(fixture_count(fixture, POOL_CLOSE_SESSION), 1);
    assert_false(pool_view_node(fixture->pool, 0, &view));
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_FORGOTTEN, .forgotten_node = 0});
    assert_int_equal(fixture_reply(fixture), POOL_REPLY_WRONG_STATE);
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_FORGOTTEN, .forgotten_node = 7});
    assert_int_equal(fixture_reply(fixture), POOL_REPLY_WRONG_STATE);
    fixture_connect(fixture, 0, 1);
    assert_int_equal(fixture_reply(fixture), POOL_REPLY_NODE_IS_FORGOTTEN);
    /* It may still be computing: its task waits for the end of the lease. */
    fixture_join(fixture, 1, 1);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
    fixture_tick(fixture, FIXTURE_LEASE_MS + FIXTURE_MARGIN_MS);
    assert_true(fixture_started(fixture) > epoch);
}

static void a_node_without_connection_can_be_forgotten(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_join(fixture, 0, 1);
    fixture_disconnect(fixture, 0);
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_FORGOTTEN, .forgotten_node = 0});
    assert_int_equal(fixture_reply(fixture), POOL_REPLY_DONE);
    assert_int_equal(fixture_count(fixture, POOL_CLOSE_SESSION), 0);
}

static void words_of_an_old_session_mean_nothing(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t epoch = start_one(fixture);
    struct pool_event old = {.kind = POOL_NODE_REPORTED,
                             .reported = {.node = 0, .session = 999, .full = true}};

    fixture_step(fixture, old);
    assert_int_equal(fixture->effects.length, 0);
    old.reported.node = 7;
    fixture_step(fixture, old);
    assert_int_equal(fixture->effects.length, 0);
    fixture_step(fixture,
                 (struct pool_event){.kind = POOL_NODE_DISCONNECTED, .disconnected = {0, 999}});
    fixture_step(fixture,
                 (struct pool_event){.kind = POOL_NODE_DISCONNECTED, .disconnected = {7, 1}});
    fixture_show(fixture, 0, epoch, ATTEMPT_RUNNING);
    assert_int_equal(fixture_state(fixture, 1, 0), TASK_RUNNING);
    fixture_disconnect(fixture, 0);
    fixture_disconnect(fixture, 0);
    fixture_show(fixture, 0, epoch, ATTEMPT_RUNNING);
    assert_int_equal(fixture->effects.length, 0);
}

static void a_full_report_is_answered_and_renews_what_it_lists(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t epoch = start_one(fixture);
    size_t renewals = 0;

    fixture->now_ms += 5000;
    fixture_show(fixture, 0, epoch, ATTEMPT_PREPARING);
    for (size_t i = 0; i < fixture->effects.length; i++) {
        const struct pool_effect *effect = &fixture->effects.items[i];

        if (effect->kind != POOL_SEND_RENEW)
            continue;
        renewals++;
        assert_true(effect->send.epoch == epoch || effect->send.epoch == 0);
        assert_int_equal(effect->send.answers_ms, fixture->now_ms / 2);
        assert_int_equal(effect->send.lease_ms, FIXTURE_LEASE_MS);
    }
    assert_int_equal(renewals, 2);
    fixture_tick(fixture, FIXTURE_LEASE_MS + FIXTURE_MARGIN_MS - 1);
    assert_int_equal(fixture_count(fixture, POOL_TRACE), 0);
    fixture_tick(fixture, 1);
    assert_int_equal(fixture_count(fixture, POOL_TRACE), 1);
}

static void news_renews_nothing(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t epoch = start_one(fixture);
    struct pool_report_item item = {
        .epoch = epoch, .state = ATTEMPT_SUSPENDED, .reason = REASON_OWNER_RETURNED};

    fixture->now_ms += 5000;
    fixture_report(fixture, 0, false, epoch, &item, 1);
    assert_int_equal(fixture_count(fixture, POOL_SEND_RENEW), 0);
    assert_int_equal(fixture_find(fixture, POOL_TRACE)->trace.reason, REASON_OWNER_RETURNED);
    assert_int_equal(fixture_find(fixture, POOL_SAVE_TASK)->task.state, TASK_SUSPENDED);
    item.state = ATTEMPT_RUNNING;
    fixture_report(fixture, 0, false, epoch, &item, 1);
    assert_int_equal(fixture_state(fixture, 1, 0), TASK_RUNNING);
    fixture_report(fixture, 0, false, epoch, &item, 1);
    assert_int_equal(fixture->effects.length, 0);
    fixture_tick(fixture, FIXTURE_LEASE_MS + FIXTURE_MARGIN_MS - 5000);
    assert_int_equal(fixture_find(fixture, POOL_TRACE)->trace.reason, REASON_LEASE_ENDED);
}

static void an_attempt_without_a_claim_is_to_be_forgotten(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t epoch = start_one(fixture);

    fixture_join(fixture, 1, 1);
    /* Unknown, and another node's. */
    fixture_show(fixture, 1, 12345, ATTEMPT_RUNNING);
    assert_int_equal(fixture_find(fixture, POOL_SEND_FORGET)->send.epoch, 12345);
    fixture_show(fixture, 1, epoch, ATTEMPT_RUNNING);
    assert_int_equal(fixture_find(fixture, POOL_SEND_FORGET)->send.node, 1);
    assert_int_equal(fixture_state(fixture, 1, 0), TASK_RUNNING);
}

static void a_lost_start_is_sent_again_after_two_reports(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t epoch = start_one(fixture);

    fixture_report(fixture, 0, true, 0, NULL, 0);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
    fixture_report(fixture, 0, true, 0, NULL, 0);
    assert_int_equal(fixture_started(fixture), epoch);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.attempt, 1);
}

/* A full report of nothing that left the node at this moment of its clock. */
static void report_sent(struct pool_fixture *fixture, uint64_t sent_ms)
{
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_REPORTED,
                                              .reported = {.node = 0,
                                                           .session = fixture->sessions[0],
                                                           .sent_ms = sent_ms,
                                                           .full = true}});
}

/* A report of after the end of its lease: whatever is on the way, the node takes it no more. */
static void a_start_whose_lease_is_over_is_sent_again_at_once(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_submit(fixture, 1, 1);
    fixture_connect(fixture, 0, 1);
    report_sent(fixture, 100);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 1);
    report_sent(fixture, 100 + FIXTURE_LEASE_MS - 1);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
    report_sent(fixture, 200);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 1);
    report_sent(fixture, 200 + FIXTURE_LEASE_MS);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 1);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.attempt, 1);
}

static void a_node_that_takes_no_start_does_not_keep_its_task(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t epoch = start_one(fixture);
    size_t starts = 1;

    for (int i = 0; i < 100; i++) {
        /* A third of the time that the claim has on the server, so that its end is not missed. */
        fixture_tick(fixture, (FIXTURE_LEASE_MS + FIXTURE_MARGIN_MS) / 3);
        if (fixture_state(fixture, 1, 0) == TASK_IDLE)
            break;
        fixture_report(fixture, 0, true, 0, NULL, 0);
        starts += fixture_count(fixture, POOL_SEND_START);
    }
    assert_int_equal(starts, 6);
    assert_int_equal(fixture_state(fixture, 1, 0), TASK_IDLE);
    /* The others come first now; but if it is the only one, it may try again. */
    fixture_report(fixture, 0, true, 0, NULL, 0);
    assert_true(fixture_started(fixture) > epoch);
}

static void in_a_new_session_a_start_is_sent_again_at_once(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t epoch = start_one(fixture);

    fixture_disconnect(fixture, 0);
    fixture_join(fixture, 0, 1);
    assert_int_equal(fixture_started(fixture), epoch);
}

static void an_epoch_that_was_seen_and_is_not_held_is_gone(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t epoch = start_one(fixture);

    fixture_report(fixture, 0, true, epoch, NULL, 0);
    assert_true(fixture_started(fixture) > epoch);
    assert_int_equal(fixture_find(fixture, POOL_TRACE)->trace.reason, REASON_AGENT_LOST_IT);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.attempt, 2);
}

static void a_start_that_shall_stop_and_never_arrived_is_gone_with_its_session(void **state)
{
    struct pool_fixture *fixture = *state;

    start_one(fixture);
    fixture_choose(fixture, POOL_HOLD, 1, 0);
    fixture_report(fixture, 0, true, 0, NULL, 0);
    assert_int_equal(fixture_count(fixture, POOL_SAVE_TASK), 0);
    fixture_disconnect(fixture, 0);
    fixture_join(fixture, 0, 1);
    assert_int_equal(fixture_find(fixture, POOL_SAVE_TASK)->task.node, NONE);
    assert_int_equal(fixture_state(fixture, 1, 0), TASK_HELD);
}

static void a_result_is_recorded_when_its_outputs_are_there(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t epoch = start_one(fixture);

    fixture_end(fixture, 0, epoch, OUTCOME_EXITED, REASON_ENDED_BY_ITSELF);
    assert_int_equal(fixture_find(fixture, POOL_COLLECT)->send.epoch, epoch);
    assert_int_equal(fixture_count(fixture, POOL_SEND_FORGET), 0);
    /* It asks once a session. */
    fixture_end(fixture, 0, epoch, OUTCOME_EXITED, REASON_ENDED_BY_ITSELF);
    assert_int_equal(fixture_count(fixture, POOL_COLLECT), 0);
    fixture_disconnect(fixture, 0);
    fixture_connect(fixture, 0, 1);
    fixture_end(fixture, 0, epoch, OUTCOME_EXITED, REASON_ENDED_BY_ITSELF);
    assert_int_equal(fixture_count(fixture, POOL_COLLECT), 1);
    fixture_collected(fixture, epoch, REASON_NONE);
    assert_int_equal(fixture_find(fixture, POOL_SAVE_TASK)->task.state, TASK_COMPLETED);
    assert_int_equal(fixture_find(fixture, POOL_SAVE_TASK)->task.epoch, 0);
    assert_int_equal(fixture_find(fixture, POOL_SEND_FORGET)->send.epoch, epoch);
    assert_int_equal(fixture_find(fixture, POOL_SAVE_JOB)->job.completed, 1);
    assert_int_equal(fixture_count(fixture, POOL_JOB_OVER), 1);
    fixture_collected(fixture, epoch, REASON_NONE);
    assert_int_equal(fixture->effects.length, 0);
}

static void outputs_that_find_no_place_hold_the_task(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t epoch = start_one(fixture);

    fixture_collected(fixture, epoch, REASON_NONE);
    assert_int_equal(fixture->effects.length, 0);
    fixture_end(fixture, 0, epoch, OUTCOME_EXITED, REASON_ENDED_BY_ITSELF);
    fixture_collected(fixture, epoch, REASON_DISK_FULL_AT_SUBMITTER);
    assert_int_equal(fixture_find(fixture, POOL_SAVE_TASK)->task.state, TASK_HELD);
    assert_int_equal(fixture_find(fixture, POOL_SAVE_TASK)->task.reason,
                     REASON_DISK_FULL_AT_SUBMITTER);
    assert_int_equal(fixture_count(fixture, POOL_SEND_FORGET), 1);
}

static void what_fails_is_held_and_what_was_vacated_is_offered(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t epoch = start_one(fixture);

    fixture_end(fixture, 0, epoch, OUTCOME_VACATED, REASON_OWNER_RETURNED);
    assert_int_equal(fixture_find(fixture, POOL_TRACE)->trace.to, TASK_IDLE);
    epoch = fixture_started(fixture);
    fixture_end(fixture, 0, epoch, OUTCOME_LOST, REASON_LEASE_ENDED);
    epoch = fixture_started(fixture);
    fixture_end(fixture, 0, epoch, OUTCOME_FAILED, REASON_CANNOT_START);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
    assert_int_equal(fixture_state(fixture, 1, 0), TASK_HELD);
}

static void a_start_that_cannot_be_made_holds_the_task(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_event refused = {.kind = POOL_REFUSED,
                                 .collected = {.epoch = 1, .failure = REASON_CANNOT_EXPAND}};

    fixture_step(fixture, refused);
    assert_int_equal(fixture->effects.length, 0);
    refused.collected.epoch = start_one(fixture);
    fixture_step(fixture, refused);
    assert_int_equal(fixture_find(fixture, POOL_SAVE_TASK)->task.reason, REASON_CANNOT_EXPAND);
    assert_int_equal(fixture_find(fixture, POOL_SAVE_TASK)->task.node, NONE);
}

static void a_claim_stands_when_its_start_can_only_not_be_repeated(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_event refused = {.kind = POOL_REFUSED,
                                 .collected = {.epoch = 1, .failure = REASON_CANNOT_EXPAND}};
    uint64_t epoch = start_one(fixture);

    refused.collected.epoch = epoch;
    fixture_report(fixture, 0, true, 0, NULL, 0);
    fixture_report(fixture, 0, true, 0, NULL, 0);
    fixture_step(fixture, refused);
    assert_int_equal(fixture_find(fixture, POOL_SAVE_TASK)->task.state, TASK_HELD);
    assert_int_equal(fixture_find(fixture, POOL_SAVE_TASK)->task.epoch, epoch);
    fixture_step(fixture, refused);
    assert_int_equal(fixture->effects.length, 0);
    fixture_show(fixture, 0, epoch, ATTEMPT_RUNNING);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 1);
    fixture_step(fixture, refused);
    assert_int_equal(fixture->effects.length, 0);
}

static void an_owner_keeps_work_away(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_report report = {.node = 0, .full = true, .owner_present = true};
    struct pool_node_view view;

    fixture_connect(fixture, 0, 1);
    fixture_submit(fixture, 1, 1);
    report.session = fixture->sessions[0];
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_REPORTED, .reported = report});
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
    assert_true(pool_view_node(fixture->pool, 0, &view));
    assert_int_equal(view.state, NODE_OWNER);
    report.owner_present = false;
    report.leaving = true;
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_REPORTED, .reported = report});
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
    report.leaving = false;
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_REPORTED, .reported = report});
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 1);
}

static void a_node_that_comes_back_smaller_gets_nothing_more(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_report_item items[2] = {{.state = ATTEMPT_RUNNING}, {.state = ATTEMPT_RUNNING}};
    struct pool_node_view view;

    fixture_submit(fixture, 1, 5);
    fixture_join(fixture, 0, 2);
    items[0].epoch = 1;
    items[1].epoch = 2;
    fixture_disconnect(fixture, 0);
    fixture_connect(fixture, 0, 1);
    fixture_report(fixture, 0, true, 2, items, 2);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
    assert_true(pool_view_node(fixture->pool, 0, &view));
    assert_int_equal(view.claims, 2);
    assert_int_equal(view.available.cpus, 0);
    fixture_end(fixture, 0, 1, OUTCOME_VACATED, REASON_VACATED);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
}

static void a_report_may_name_an_attempt_twice(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t epoch = start_one(fixture);
    struct pool_report_item items[] = {
        {.epoch = epoch, .state = ATTEMPT_ENDED, .outcome = OUTCOME_VACATED},
        {.epoch = epoch, .state = ATTEMPT_ENDED, .outcome = OUTCOME_VACATED},
        {.epoch = UINT64_MAX, .state = ATTEMPT_RUNNING},
    };

    fixture_report(fixture, 0, true, UINT64_MAX, items, 3);
    assert_int_equal(fixture_count(fixture, POOL_SEND_FORGET), 3);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 1);
}

/* The agent found nothing to tell the computer by: then nothing can tell a copy of it either. */
static void a_computer_without_a_fingerprint_is_let_in(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_node_view view;

    hello(fixture, 1, 0);
    assert_int_equal(fixture_reply(fixture), POOL_REPLY_NODE_ACCEPTED);
    assert_int_equal(fixture_count(fixture, POOL_SAVE_NODE), 1);
    assert_true(pool_view_node(fixture->pool, 0, &view));
    hello(fixture, 1, 0);
    assert_int_equal(fixture_count(fixture, POOL_SAVE_NODE), 0);
}

static void a_number_between_others_is_no_node_yet(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_node_view view;

    fixture_join(fixture, 5, 1);
    assert_false(pool_view_node(fixture->pool, 3, &view));
    fixture_report(fixture, 3, true, 0, NULL, 0);
    assert_int_equal(fixture->effects.length, 0);
}

/* It learns it when it reports the attempt again. */
static void who_is_out_of_reach_is_not_told_to_forget(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t epoch = start_one(fixture);

    fixture_end(fixture, 0, epoch, OUTCOME_EXITED, REASON_ENDED_BY_ITSELF);
    fixture_disconnect(fixture, 0);
    fixture_collected(fixture, epoch, REASON_NONE);
    assert_int_equal(fixture_find(fixture, POOL_SAVE_TASK)->task.state, TASK_COMPLETED);
    assert_int_equal(fixture_count(fixture, POOL_SEND_FORGET), 0);
    fixture_connect(fixture, 0, 1);
    fixture_end(fixture, 0, epoch, OUTCOME_EXITED, REASON_ENDED_BY_ITSELF);
    assert_int_equal(fixture_find(fixture, POOL_SEND_FORGET)->send.epoch, epoch);
}

static void what_fails_while_it_is_frozen_is_held_too(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t epoch = start_one(fixture);

    fixture_show(fixture, 0, epoch, ATTEMPT_SUSPENDED);
    fixture_end(fixture, 0, epoch, OUTCOME_FAILED, REASON_OVER_DISK);
    assert_int_equal(fixture_state(fixture, 1, 0), TASK_HELD);
    assert_int_equal(fixture_find(fixture, POOL_SAVE_TASK)->task.reason, REASON_OVER_DISK);
}

static void what_its_owner_froze_goes_elsewhere_when_its_lease_ends(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t epoch = start_one(fixture);

    fixture_show(fixture, 0, epoch, ATTEMPT_SUSPENDED);
    fixture_join(fixture, 1, 1);
    fixture_tick(fixture, FIXTURE_LEASE_MS + FIXTURE_MARGIN_MS);
    assert_int_equal(fixture_find(fixture, POOL_TRACE)->trace.from, TASK_SUSPENDED);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.node, 1);
}

/* The user was faster: what he decided stands. */
static void a_start_that_cannot_be_made_ends_the_claim_of_a_held_task(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t epoch = start_one(fixture);

    fixture_choose(fixture, POOL_HOLD, 1, 0);
    fixture_step(fixture, (struct pool_event){
                              .kind = POOL_REFUSED,
                              .collected = {.epoch = epoch, .failure = REASON_CANNOT_EXPAND}});
    assert_int_equal(fixture_find(fixture, POOL_SAVE_TASK)->task.node, NONE);
    assert_int_equal(fixture_find(fixture, POOL_SAVE_TASK)->task.reason, REASON_BY_USER);
    assert_int_equal(fixture_state(fixture, 1, 0), TASK_HELD);
}

static void a_pool_restored_from_an_old_copy_goes_on_above_what_its_nodes_had(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_submit(fixture, 1, 1);
    fixture_connect(fixture, 0, 1);
    fixture_report(fixture, 0, true, 300, NULL, 0);
    assert_int_equal(fixture_started(fixture), 301);
    assert_int_equal(fixture_find(fixture, POOL_SAVE_EPOCH)->epoch, 301);
}

static void no_node_can_use_the_epochs_up(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_connect(fixture, 0, 1);
    fixture_report(fixture, 0, true, UINT64_MAX, NULL, 0);
    assert_int_equal(fixture_find(fixture, POOL_SAVE_EPOCH)->epoch, 1 << 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_new_node_is_let_in_and_saved),
        fixture_test(another_machine_with_the_same_identity_is_a_clone),
        fixture_test(a_second_connection_is_refused_while_the_first_is_alive),
        fixture_test(a_node_number_has_a_limit),
        fixture_test(a_forgotten_node_is_closed_and_stays_out),
        fixture_test(a_node_without_connection_can_be_forgotten),
        fixture_test(words_of_an_old_session_mean_nothing),
        fixture_test(a_full_report_is_answered_and_renews_what_it_lists),
        fixture_test(news_renews_nothing),
        fixture_test(an_attempt_without_a_claim_is_to_be_forgotten),
        fixture_test(a_lost_start_is_sent_again_after_two_reports),
        fixture_test(a_start_whose_lease_is_over_is_sent_again_at_once),
        fixture_test(a_node_that_takes_no_start_does_not_keep_its_task),
        fixture_test(in_a_new_session_a_start_is_sent_again_at_once),
        fixture_test(an_epoch_that_was_seen_and_is_not_held_is_gone),
        fixture_test(a_start_that_shall_stop_and_never_arrived_is_gone_with_its_session),
        fixture_test(a_result_is_recorded_when_its_outputs_are_there),
        fixture_test(outputs_that_find_no_place_hold_the_task),
        fixture_test(what_fails_is_held_and_what_was_vacated_is_offered),
        fixture_test(a_start_that_cannot_be_made_holds_the_task),
        fixture_test(a_claim_stands_when_its_start_can_only_not_be_repeated),
        fixture_test(an_owner_keeps_work_away),
        fixture_test(a_node_that_comes_back_smaller_gets_nothing_more),
        fixture_test(a_report_may_name_an_attempt_twice),
        fixture_test(a_computer_without_a_fingerprint_is_let_in),
        fixture_test(a_number_between_others_is_no_node_yet),
        fixture_test(who_is_out_of_reach_is_not_told_to_forget),
        fixture_test(what_fails_while_it_is_frozen_is_held_too),
        fixture_test(what_its_owner_froze_goes_elsewhere_when_its_lease_ends),
        fixture_test(a_start_that_cannot_be_made_ends_the_claim_of_a_held_task),
        fixture_test(a_pool_restored_from_an_old_copy_goes_on_above_what_its_nodes_had),
        fixture_test(no_node_can_use_the_epochs_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
