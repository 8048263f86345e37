/* SPDX-License-Identifier: Apache-2.0 */
/* How attempts end, how long their results are kept, and how an agent leaves. */
#include "core/agent_fixture.h"

static void finish(struct agent_fixture *fixture, uint64_t epoch)
{
    fixture_tell(fixture, AGENT_EXITED, epoch);
    fixture_tell(fixture, AGENT_COLLECTED, epoch);
}

static void a_result_is_kept_until_the_server_says_forget(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, 1);
    fixture_tell(fixture, AGENT_EXITED, 7);
    assert_int_equal(fixture_find(fixture, AGENT_COLLECT)->epoch, 7);
    assert_int_equal(fixture_item(fixture, 7).state, ATTEMPT_RUNNING);
    /* Others may have its room while its outputs are looked at. */
    assert_int_equal(agent_used(fixture->agent).cpus, 0);
    fixture_tell(fixture, AGENT_COLLECTED, 7);
    assert_int_equal(fixture_item(fixture, 7).outcome, OUTCOME_EXITED);
    fixture_pass(fixture, 100000000);
    assert_true(fixture_holds(fixture, 7));
    fixture_tell(fixture, AGENT_FORGET, 7);
    assert_int_equal(fixture_find(fixture, AGENT_DROP)->epoch, 7);
    assert_false(fixture_holds(fixture, 7));
}

static void outputs_that_cannot_be_listed_are_a_failure(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, 1);
    fixture_tell(fixture, AGENT_EXITED, 7);
    fixture_fail(fixture, AGENT_COLLECTED, 7, REASON_CANNOT_COLLECT_OUTPUT);
    assert_int_equal(fixture_item(fixture, 7).outcome, OUTCOME_FAILED);
    assert_int_equal(fixture_item(fixture, 7).reason, REASON_CANNOT_COLLECT_OUTPUT);
}

static void a_stop_is_polite_first_and_certain_after_the_grace(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, 1);
    fixture_tell(fixture, AGENT_STOP, 7);
    assert_int_equal(fixture_find(fixture, AGENT_TERMINATE)->epoch, 7);
    assert_int_equal(agent_next_step_ms(fixture->agent), fixture->now_ms + FIXTURE_GRACE_MS);
    fixture_pass(fixture, FIXTURE_GRACE_MS - 1);
    assert_int_equal(fixture_count(fixture, AGENT_KILL), 0);
    /* The server says it again and again; that makes the grace no longer. */
    fixture_tell(fixture, AGENT_STOP, 7);
    fixture_pass(fixture, 1);
    assert_int_equal(fixture_find(fixture, AGENT_KILL)->epoch, 7);
    fixture_tell(fixture, AGENT_EXITED, 7);
    assert_int_equal(fixture_count(fixture, AGENT_COLLECT), 0);
    assert_int_equal(fixture_item(fixture, 7).outcome, OUTCOME_VACATED);
    assert_int_equal(fixture_item(fixture, 7).reason, REASON_BY_USER);
}

/* The server, which still says stop, has not heard that it ended. */
static void who_says_stop_after_the_end_is_told_the_end_again(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, 1);
    fixture_tell(fixture, AGENT_EXITED, 7);
    fixture_tell(fixture, AGENT_STOP, 7);
    assert_int_equal(fixture->item_count, 1);
    fixture_tell(fixture, AGENT_COLLECTED, 7);
    assert_int_equal(fixture->item_count, 1);
    fixture_tell(fixture, AGENT_STOP, 7);
    assert_false(fixture_find(fixture, AGENT_REPORT)->full);
    assert_int_equal(fixture->item_count, 1);
    assert_int_equal(fixture->items[0].outcome, OUTCOME_EXITED);
}

static void what_is_to_be_forgotten_is_dropped_when_nothing_of_it_runs(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, 1);
    fixture_tell(fixture, AGENT_FORGET, 7);
    assert_int_equal(fixture_count(fixture, AGENT_KILL), 1);
    assert_int_equal(fixture_count(fixture, AGENT_DROP), 0);
    fixture_tell(fixture, AGENT_EXITED, 7);
    assert_int_equal(fixture_count(fixture, AGENT_DROP), 1);
    assert_int_equal(agent_count_attempts(fixture->agent), 0);
}

static void nobody_waits_for_outputs_that_are_not_wanted(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, 1);
    fixture_run(fixture, 8, 1);
    fixture_tell(fixture, AGENT_EXITED, 7);
    fixture_tell(fixture, AGENT_FORGET, 7);
    assert_int_equal(fixture_find(fixture, AGENT_DROP)->epoch, 7);
    fixture_tell(fixture, AGENT_COLLECTED, 7);
    assert_int_equal(fixture->effects.length, 0);
    assert_int_equal(fixture_phase(fixture, 8), AGENT_RUNNING);
}

static void an_attempt_that_vanishes_is_lost_at_once(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, 1);
    fixture_tell(fixture, AGENT_VANISHED, 7);
    assert_int_equal(fixture_phase(fixture, 7), AGENT_ENDED);
    assert_int_equal(fixture_item(fixture, 7).outcome, OUTCOME_LOST);
    assert_int_equal(fixture_item(fixture, 7).reason, REASON_AGENT_LOST_IT);
    assert_true(fixture_count(fixture, AGENT_REPORT) == 1);
    assert_int_equal(fixture_count(fixture, AGENT_COLLECT), 0);
    assert_int_equal(agent_used(fixture->agent).cpus, 0);
}

static void an_attempt_that_vanishes_while_it_has_to_go_was_vacated(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, 1);
    fixture_tell(fixture, AGENT_STOP, 7);
    fixture_tell(fixture, AGENT_VANISHED, 7);
    assert_int_equal(fixture_item(fixture, 7).outcome, OUTCOME_VACATED);
}

static void a_result_does_not_vanish(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, 1);
    finish(fixture, 7);
    fixture_tell(fixture, AGENT_VANISHED, 7);
    assert_int_equal(fixture_item(fixture, 7).outcome, OUTCOME_EXITED);
}

static void words_about_what_is_not_held_mean_nothing(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, 1);
    fixture_tell(fixture, AGENT_STOP, 8);
    fixture_tell(fixture, AGENT_FORGET, 8);
    fixture_tell(fixture, AGENT_EXITED, 8);
    assert_int_equal(fixture->effects.length, 0);
    assert_int_equal(fixture_phase(fixture, 7), AGENT_RUNNING);
}

static void an_agent_that_leaves_ends_all_and_says_so_last(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 1, 1);
    fixture_start(fixture, 2, 1);
    fixture_run(fixture, 3, 1);
    finish(fixture, 3);
    fixture_tell(fixture, AGENT_LEAVE, 0);
    assert_true(agent_is_leaving(fixture->agent));
    assert_true(fixture_find(fixture, AGENT_REPORT)->full);
    assert_int_equal(fixture_count(fixture, AGENT_LEFT), 0);
    assert_int_equal(fixture_phase(fixture, 1), AGENT_STOPPING);
    assert_int_equal(fixture_item(fixture, 2).outcome, OUTCOME_VACATED);
    assert_int_equal(fixture_item(fixture, 2).reason, REASON_AGENT_STOPPED);
    fixture_tell(fixture, AGENT_EXITED, 1);
    assert_true(fixture_find(fixture, AGENT_REPORT)->full);
    assert_true(fixture_find(fixture, AGENT_REPORT) < fixture_find(fixture, AGENT_LEFT));
    fixture_pass(fixture, 1);
    assert_int_equal(fixture_count(fixture, AGENT_LEFT), 0);
}

static void without_a_connection_it_leaves_as_well(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_tell(fixture, AGENT_DISCONNECTED, 0);
    fixture_tell(fixture, AGENT_LEAVE, 0);
    assert_int_equal(fixture_count(fixture, AGENT_LEFT), 1);
    assert_int_equal(fixture_count(fixture, AGENT_REPORT), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_result_is_kept_until_the_server_says_forget),
        fixture_test(outputs_that_cannot_be_listed_are_a_failure),
        fixture_test(a_stop_is_polite_first_and_certain_after_the_grace),
        fixture_test(who_says_stop_after_the_end_is_told_the_end_again),
        fixture_test(what_is_to_be_forgotten_is_dropped_when_nothing_of_it_runs),
        fixture_test(nobody_waits_for_outputs_that_are_not_wanted),
        fixture_test(an_attempt_that_vanishes_is_lost_at_once),
        fixture_test(an_attempt_that_vanishes_while_it_has_to_go_was_vacated),
        fixture_test(a_result_does_not_vanish),
        fixture_test(words_about_what_is_not_held_mean_nothing),
        fixture_test(an_agent_that_leaves_ends_all_and_says_so_last),
        fixture_test(without_a_connection_it_leaves_as_well),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
