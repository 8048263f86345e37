/* SPDX-License-Identifier: Apache-2.0 */
/* When an agent says something, and what; and what it finds when it starts again. */
#include "core/agent_fixture.h"

#include <string.h>

static void everything_is_said_on_connecting_and_at_each_heartbeat(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_connect(fixture);
    assert_true(fixture_find(fixture, AGENT_REPORT)->full);
    assert_int_equal(agent_session(fixture->agent), fixture->session);
    assert_int_equal(agent_next_step_ms(fixture->agent), fixture->now_ms + FIXTURE_HEARTBEAT_MS);
    fixture_pass(fixture, FIXTURE_HEARTBEAT_MS - 1);
    assert_int_equal(fixture->effects.length, 0);
    fixture_pass(fixture, 1);
    assert_true(fixture_find(fixture, AGENT_REPORT)->full);
    fixture_pass(fixture, FIXTURE_HEARTBEAT_MS);
    assert_true(fixture_find(fixture, AGENT_REPORT)->full);
}

static void news_is_said_at_once_and_once(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 1, 1);
    fixture_run(fixture, 2, 1);
    fixture_tell(fixture, AGENT_VANISHED, 2);
    assert_false(fixture_find(fixture, AGENT_REPORT)->full);
    assert_int_equal(fixture->item_count, 1);
    assert_int_equal(fixture->items[0].epoch, 2);
    assert_int_equal(fixture->items[0].job, 1);
    assert_int_equal(fixture->items[0].task, 2);
    assert_int_equal(fixture->items[0].attempt, 2);
    fixture_pass(fixture, 1);
    assert_int_equal(fixture->effects.length, 0);
    fixture_pass(fixture, FIXTURE_HEARTBEAT_MS);
    assert_int_equal(fixture->item_count, 2);
}

static void without_a_connection_nothing_is_said(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 1, 1);
    fixture_tell(fixture, AGENT_DISCONNECTED, 0);
    assert_int_equal(agent_session(fixture->agent), 0);
    fixture_tell(fixture, AGENT_VANISHED, 1);
    assert_int_equal(fixture_count(fixture, AGENT_REPORT), 0);
    assert_true(agent_next_step_ms(fixture->agent) == UINT64_MAX);
    fixture_connect(fixture);
    assert_true(fixture_find(fixture, AGENT_REPORT)->full);
}

static void the_server_says_how_often(void **state)
{
    struct agent_fixture *fixture = *state;
    struct agent_event event = {.kind = AGENT_CONNECTED};

    event.connected.session = 99;
    event.connected.heartbeat_ms = 500;
    fixture_step(fixture, event);
    assert_int_equal(agent_next_step_ms(fixture->agent), fixture->now_ms + 500);
}

static void each_phase_is_told_as_what_it_means_to_others(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_start(fixture, 1, 1);
    assert_int_equal(fixture_item(fixture, 1).state, ATTEMPT_PREPARING);
    fixture_tell(fixture, AGENT_FETCHED, 1);
    assert_int_equal(fixture_item(fixture, 1).state, ATTEMPT_PREPARING);
    fixture_tell(fixture, AGENT_STARTED, 1);
    assert_int_equal(fixture_item(fixture, 1).state, ATTEMPT_RUNNING);
    fixture_tell(fixture, AGENT_LAPSED, 1);
    assert_int_equal(fixture_item(fixture, 1).state, ATTEMPT_SUSPENDED);
    fixture_renew(fixture, 1);
    fixture_pass(fixture, 1);
    fixture_renew(fixture, 1);
    fixture_tell(fixture, AGENT_STOP, 1);
    assert_int_equal(fixture_item(fixture, 1).state, ATTEMPT_RUNNING);
    fixture_tell(fixture, AGENT_EXITED, 1);
    assert_int_equal(fixture_item(fixture, 1).state, ATTEMPT_ENDED);
}

static void each_phase_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (enum agent_phase a = 0; a < AGENT_PHASE_COUNT; a++)
        for (enum agent_phase b = 0; b < a; b++)
            assert_string_not_equal(agent_phase_name(a), agent_phase_name(b));
}

static void what_changes_is_seen_in_the_digest(void **state)
{
    struct agent_fixture *fixture = *state;
    uint64_t digests[5];

    digests[0] = agent_digest(fixture->agent);
    fixture_run(fixture, 1, 1);
    digests[1] = agent_digest(fixture->agent);
    fixture_pass(fixture, 1000);
    assert_true(agent_digest(fixture->agent) == digests[1]);
    fixture_renew(fixture, 1);
    digests[2] = agent_digest(fixture->agent);
    fixture_tell(fixture, AGENT_OWNER_RETURNED, 0);
    digests[3] = agent_digest(fixture->agent);
    fixture_connect(fixture);
    digests[4] = agent_digest(fixture->agent);
    for (size_t i = 0; i < ARRAY_LENGTH(digests); i++)
        for (size_t j = 0; j < i; j++)
            assert_true(digests[i] != digests[j]);
}

/* What an agent finds when it starts again. */

static void what_runs_is_found_again_and_goes_on(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_found(fixture, 7, AGENT_RUNNING);
    assert_int_equal(fixture_phase(fixture, 7), AGENT_RUNNING);
    assert_int_equal(fixture_count(fixture, AGENT_SPAWN), 0);
    assert_int_equal(fixture_find(fixture, AGENT_SAVE_EPOCH)->epoch, 7);
    assert_false(fixture_find(fixture, AGENT_REPORT)->full);
    assert_int_equal(fixture_item(fixture, 7).task, 7);
    /* One of an older start, found after it. */
    fixture_found(fixture, 5, AGENT_RUNNING);
    assert_int_equal(fixture_count(fixture, AGENT_SAVE_EPOCH), 0);
    assert_int_equal(agent_highest_epoch(fixture->agent), 7);
}

/* Why it is frozen nobody knows any more; a renewal is what it needs in any case. */
static void what_is_found_frozen_waits_for_a_renewal(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_found(fixture, 7, AGENT_FROZEN);
    assert_int_equal(fixture_item(fixture, 7).state, ATTEMPT_SUSPENDED);
    assert_int_equal(fixture_count(fixture, AGENT_THAW), 0);
    fixture_pass(fixture, 1);
    fixture_renew(fixture, 7);
    assert_int_equal(fixture_phase(fixture, 7), AGENT_RUNNING);
}

static void what_ended_meanwhile_is_collected(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_found(fixture, 7, AGENT_COLLECTING);
    assert_int_equal(fixture_find(fixture, AGENT_COLLECT)->epoch, 7);
    fixture_tell(fixture, AGENT_COLLECTED, 7);
    assert_int_equal(fixture_item(fixture, 7).outcome, OUTCOME_EXITED);
}

static void what_had_to_end_still_has_to(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_found(fixture, 7, AGENT_KILLING);
    fixture_tell(fixture, AGENT_EXITED, 7);
    assert_int_equal(fixture_item(fixture, 7).outcome, OUTCOME_VACATED);
}

/* The node's owner may have lowered what the agent may use, or taken memory out. */
static void more_is_found_than_the_node_may_use_now(void **state)
{
    static const struct resources requests[] = {
        {FIXTURE_CPUS + 1, 1, 1}, {1, FIXTURE_CPUS + 1, 1}, {1, 1, FIXTURE_CPUS + 1}};

    for (size_t i = 0; i < ARRAY_LENGTH(requests); i++) {
        struct agent_fixture *fixture = *state;
        struct agent_event found = {.kind = AGENT_FOUND,
                                    .epoch = 7,
                                    .found = {.request = requests[i],
                                              .phase = AGENT_RUNNING,
                                              .lease_end_ms = fixture->now_ms + FIXTURE_LEASE_MS}};

        fixture_step(fixture, found);
        assert_int_equal(fixture_phase(fixture, 7), AGENT_RUNNING);
        /* Nothing comes beside it, and nothing after it has as much room as it had. */
        fixture_start(fixture, 8, 1);
        assert_int_equal(fixture_phase(fixture, 8), AGENT_WAITING);
        fixture_tell(fixture, AGENT_EXITED, 7);
        assert_int_equal(fixture_phase(fixture, 8), AGENT_FETCHING);
        fixture_start(fixture, 9, FIXTURE_CPUS);
        assert_int_equal(fixture_phase(fixture, 9), AGENT_WAITING);
        fixture_start(fixture, 10, FIXTURE_CPUS + 1);
        assert_false(fixture_holds(fixture, 10));
        agent_fixture_tear_down(state);
        agent_fixture_set_up(state);
    }
}

static void what_it_accepted_before_the_restart_is_remembered(void **state)
{
    static const struct agent_options options = {
        .capacity = {1, 1, 1}, .attempts_max = 1, .highest_epoch = 41};
    struct agent_fixture *fixture = *state;

    agent_free(fixture->agent);
    fixture->agent = agent_new(&options);
    fixture_connect(fixture);
    assert_int_equal(agent_highest_epoch(fixture->agent), 41);
    fixture_start(fixture, 41, 1);
    assert_int_equal(agent_count_attempts(fixture->agent), 0);
    fixture_start(fixture, 42, 1);
    assert_int_equal(agent_count_attempts(fixture->agent), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(everything_is_said_on_connecting_and_at_each_heartbeat),
        fixture_test(news_is_said_at_once_and_once),
        fixture_test(without_a_connection_nothing_is_said),
        fixture_test(the_server_says_how_often),
        fixture_test(each_phase_is_told_as_what_it_means_to_others),
        fixture_test(each_phase_has_a_name_of_its_own),
        fixture_test(what_changes_is_seen_in_the_digest),
        fixture_test(what_runs_is_found_again_and_goes_on),
        fixture_test(what_is_found_frozen_waits_for_a_renewal),
        fixture_test(what_ended_meanwhile_is_collected),
        fixture_test(what_had_to_end_still_has_to),
        fixture_test(more_is_found_than_the_node_may_use_now),
        fixture_test(what_it_accepted_before_the_restart_is_remembered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
