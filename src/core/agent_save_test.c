/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints on the node: how they are made, awaited, and what comes afterwards. */
#include "core/agent_fixture.h"

/* A start of a task that saves when it has to go, from its third checkpoint on; it runs. */
static void run_from_third(struct agent_fixture *fixture, uint64_t epoch)
{
    fixture_step(fixture, (struct agent_event){.kind = AGENT_START,
                                               .epoch = epoch,
                                               .start = {.session = fixture->session,
                                                         .request = {1, 1, 1},
                                                         .checkpoint = 3,
                                                         .saves_to_leave = true,
                                                         .answers_ms = fixture->now_ms,
                                                         .lease_ms = FIXTURE_LEASE_MS}});
    fixture_tell(fixture, AGENT_FETCHED, epoch);
    assert_int_equal(fixture_find(fixture, AGENT_SPAWN)->checkpoint, 3);
    fixture_tell(fixture, AGENT_STARTED, epoch);
}

static void what_saved_itself_starts_again_when_the_server_has_it(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, FIXTURE_CPUS);
    fixture_tell(fixture, AGENT_SAVED_ITSELF, 7);
    assert_int_equal(fixture_find(fixture, AGENT_SAVE)->checkpoint, 1);
    assert_int_equal(fixture_item(fixture, 7).checkpoint, 0);
    fixture_tell(fixture, AGENT_SAVED, 7);
    assert_int_equal(fixture->items[0].checkpoint, 1);
    assert_int_equal(fixture->items[0].state, ATTEMPT_RUNNING);
    /* Nobody takes the room that it needs to go on. */
    fixture_start(fixture, 8, 1);
    assert_int_equal(fixture_phase(fixture, 8), AGENT_WAITING);
    fixture_acknowledge(fixture, 7, 1);
    assert_int_equal(fixture_find(fixture, AGENT_SPAWN)->epoch, 7);
    assert_int_equal(fixture_find(fixture, AGENT_SPAWN)->checkpoint, 1);
    assert_int_equal(fixture_find(fixture, AGENT_DEADLINE)->epoch, 7);
    fixture_tell(fixture, AGENT_STARTED, 7);
    fixture_tell(fixture, AGENT_SAVED_ITSELF, 7);
    assert_int_equal(fixture_find(fixture, AGENT_SAVE)->checkpoint, 2);
}

static void an_answer_about_another_checkpoint_counts_for_nothing(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, 1);
    fixture_acknowledge(fixture, 7, 0);
    fixture_tell(fixture, AGENT_SAVED_ITSELF, 7);
    /* One that is not made yet cannot have been recorded. */
    fixture_acknowledge(fixture, 7, 1);
    fixture_tell(fixture, AGENT_SAVED, 7);
    fixture_acknowledge(fixture, 7, 2);
    fixture_acknowledge(fixture, 7, 0);
    assert_int_equal(fixture_phase(fixture, 7), AGENT_SAVING);
    fixture_tell(fixture, AGENT_SAVED, 8);
}

static void numbers_go_on_from_those_that_the_task_has(void **state)
{
    struct agent_fixture *fixture = *state;

    run_from_third(fixture, 7);
    fixture_save(fixture, 7);
    assert_int_equal(fixture_item(fixture, 7).checkpoint, 4);
}

static void a_set_that_cannot_be_made_is_a_failure(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, 1);
    fixture_tell(fixture, AGENT_SAVED_ITSELF, 7);
    fixture_fail(fixture, AGENT_SAVED, 7, REASON_CANNOT_SAVE);
    assert_int_equal(fixture_item(fixture, 7).outcome, OUTCOME_FAILED);
    assert_int_equal(fixture_item(fixture, 7).reason, REASON_CANNOT_SAVE);
    assert_int_equal(fixture_item(fixture, 7).checkpoint, 0);
}

static void what_it_leaves_when_it_must_go_is_saved(void **state)
{
    struct agent_fixture *fixture = *state;

    run_from_third(fixture, 7);
    fixture_tell(fixture, AGENT_STOP, 7);
    fixture_pass(fixture, FIXTURE_GRACE_MS - 1);
    fixture_tell(fixture, AGENT_EXITED, 7);
    assert_int_equal(fixture_find(fixture, AGENT_SAVE)->checkpoint, 4);
    fixture_tell(fixture, AGENT_SAVED, 7);
    assert_int_equal(fixture->items[0].checkpoint, 4);
    /* The files have a time of their own. */
    fixture_pass(fixture, FIXTURE_GRACE_MS - 1);
    assert_int_equal(agent_next_step_ms(fixture->agent), fixture->now_ms + 1);
    assert_int_equal(fixture_phase(fixture, 7), AGENT_SAVING);
    fixture_acknowledge(fixture, 7, 4);
    assert_int_equal(fixture_item(fixture, 7).outcome, OUTCOME_VACATED);
    assert_int_equal(fixture_item(fixture, 7).reason, REASON_BY_USER);
}

static void a_save_that_takes_too_long_is_given_up(void **state)
{
    struct agent_fixture *fixture = *state;

    run_from_third(fixture, 7);
    fixture_tell(fixture, AGENT_STOP, 7);
    fixture_tell(fixture, AGENT_EXITED, 7);
    fixture_tell(fixture, AGENT_SAVED, 7);
    /* Said again, it is no longer. */
    fixture_pass(fixture, FIXTURE_GRACE_MS - 1);
    fixture_tell(fixture, AGENT_STOP, 7);
    fixture_pass(fixture, 1);
    assert_int_equal(fixture_item(fixture, 7).outcome, OUTCOME_VACATED);
    assert_int_equal(fixture_item(fixture, 7).checkpoint, 0);
}

static void a_set_that_cannot_be_made_keeps_nobody_from_leaving(void **state)
{
    struct agent_fixture *fixture = *state;

    run_from_third(fixture, 7);
    fixture_tell(fixture, AGENT_STOP, 7);
    fixture_tell(fixture, AGENT_SAVED_ITSELF, 7);
    fixture_fail(fixture, AGENT_SAVED, 7, REASON_CANNOT_SAVE);
    assert_int_equal(fixture_item(fixture, 7).outcome, OUTCOME_VACATED);
    assert_int_equal(fixture_item(fixture, 7).reason, REASON_BY_USER);
}

static void what_vanishes_while_it_stops_is_no_checkpoint(void **state)
{
    struct agent_fixture *fixture = *state;

    run_from_third(fixture, 7);
    fixture_tell(fixture, AGENT_STOP, 7);
    fixture_tell(fixture, AGENT_VANISHED, 7);
    assert_int_equal(fixture_item(fixture, 7).outcome, OUTCOME_VACATED);
}

static void what_leaves_its_owner_is_suspended_until_it_is_gone(void **state)
{
    struct agent_fixture *fixture = *state;

    run_from_third(fixture, 7);
    fixture_tell(fixture, AGENT_OWNER_RETURNED, 0);
    for (int i = 0; i < 3; i++) {
        fixture_pass(fixture, FIXTURE_SUSPEND_MS / 3);
        fixture_renew(fixture, 7);
    }
    assert_int_equal(fixture_phase(fixture, 7), AGENT_STOPPING);
    fixture_tell(fixture, AGENT_EXITED, 7);
    fixture_tell(fixture, AGENT_SAVED, 7);
    assert_int_equal(fixture->items[0].state, ATTEMPT_SUSPENDED);
    assert_int_equal(fixture->items[0].checkpoint, 4);
    fixture_acknowledge(fixture, 7, 4);
    assert_int_equal(fixture_item(fixture, 7).reason, REASON_OWNER_RETURNED);
}

static void with_its_owner_there_it_does_not_go_on_here(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, 1);
    fixture_tell(fixture, AGENT_OWNER_RETURNED, 0);
    fixture_save(fixture, 7);
    assert_int_equal(fixture_phase(fixture, 7), AGENT_SAVING);
    fixture_acknowledge(fixture, 7, 1);
    assert_int_equal(fixture_item(fixture, 7).outcome, OUTCOME_VACATED);
    assert_int_equal(fixture_item(fixture, 7).reason, REASON_OWNER_RETURNED);
}

static void near_its_owner_it_goes_on(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, 1);
    fixture_save(fixture, 7);
    fixture_tell(fixture, AGENT_OWNER_NEAR, 0);
    fixture_acknowledge(fixture, 7, 1);
    assert_int_equal(fixture_phase(fixture, 7), AGENT_STARTING);
}

static void an_owner_bears_what_saves_for_a_while(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, 1);
    fixture_save(fixture, 7);
    fixture_tell(fixture, AGENT_OWNER_RETURNED, 0);
    for (uint64_t passed_ms = 0; passed_ms + 1000 < FIXTURE_SUSPEND_MS; passed_ms += 1000) {
        fixture_pass(fixture, 1000);
        fixture_renew(fixture, 7);
    }
    assert_int_equal(fixture_phase(fixture, 7), AGENT_SAVING);
    fixture_pass(fixture, 1000);
    assert_int_equal(fixture_item(fixture, 7).outcome, OUTCOME_VACATED);
    assert_int_equal(fixture_item(fixture, 7).reason, REASON_OWNER_RETURNED);
}

static void a_policy_says_itself_when_a_save_takes_too_long(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, 1);
    fixture_save(fixture, 7);
    fixture_tell(fixture, AGENT_OWNER_VACATES, 0);
    fixture_pass(fixture, 2 * FIXTURE_GRACE_MS);
    assert_int_equal(fixture_phase(fixture, 7), AGENT_SAVING);
    assert_int_equal(fixture_item(fixture, 7).state, ATTEMPT_SUSPENDED);
    fixture_tell(fixture, AGENT_OWNER_KILLS, 0);
    assert_int_equal(fixture_item(fixture, 7).outcome, OUTCOME_VACATED);
    assert_int_equal(fixture_item(fixture, 7).reason, REASON_OWNER_RETURNED);
}

static void others_give_what_saves_no_more_than_the_grace(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, 1);
    fixture_save(fixture, 7);
    fixture_tell(fixture, AGENT_OWNER_VACATES, 0);
    fixture_tell(fixture, AGENT_STOP, 7);
    fixture_tell(fixture, AGENT_OWNER_RETURNED, 0);
    fixture_pass(fixture, FIXTURE_GRACE_MS);
    assert_int_equal(fixture_item(fixture, 7).outcome, OUTCOME_VACATED);
}

/* Starts one of this user's, and it runs and has saved itself; then the owner keeps others out. */
static void save_one_of(struct agent_fixture *fixture, uint64_t user)
{
    struct agent_event keeps = {.kind = AGENT_OWNER_KEEPS};

    fixture_step(fixture, (struct agent_event){.kind = AGENT_START,
                                               .epoch = 7,
                                               .start = {.session = fixture->session,
                                                         .request = {1, 1, 1},
                                                         .user = user,
                                                         .answers_ms = fixture->now_ms,
                                                         .lease_ms = FIXTURE_LEASE_MS}});
    fixture_tell(fixture, AGENT_FETCHED, 7);
    fixture_tell(fixture, AGENT_STARTED, 7);
    fixture_save(fixture, 7);
    keeps.only_user = 5;
    fixture_step(fixture, keeps);
    fixture_acknowledge(fixture, 7, 1);
}

static void where_others_are_kept_out_only_the_owners_goes_on(void **state)
{
    struct agent_fixture *fixture = *state;

    save_one_of(fixture, 5);
    assert_int_equal(fixture_phase(fixture, 7), AGENT_STARTING);
}

static void where_others_are_kept_out_theirs_leaves(void **state)
{
    struct agent_fixture *fixture = *state;

    save_one_of(fixture, 6);
    assert_int_equal(fixture_item(fixture, 7).outcome, OUTCOME_VACATED);
}

static void a_task_gets_the_time_that_it_wants_and_no_more(void **state)
{
    struct agent_fixture *fixture = *state;
    struct agent_event event = {.kind = AGENT_START,
                                .epoch = 7,
                                .start = {.session = fixture->session,
                                          .request = {1, 1, 1},
                                          .vacate_ms = FIXTURE_GRACE_MS / 2,
                                          .answers_ms = fixture->now_ms,
                                          .lease_ms = FIXTURE_LEASE_MS}};

    fixture_step(fixture, event);
    event.epoch = 8;
    event.start.vacate_ms = 2 * FIXTURE_GRACE_MS;
    fixture_step(fixture, event);
    for (uint64_t epoch = 7; epoch <= 8; epoch++) {
        fixture_tell(fixture, AGENT_FETCHED, epoch);
        fixture_tell(fixture, AGENT_STARTED, epoch);
        fixture_tell(fixture, AGENT_STOP, epoch);
    }
    fixture_pass(fixture, FIXTURE_GRACE_MS / 2);
    assert_int_equal(fixture_phase(fixture, 7), AGENT_KILLING);
    assert_int_equal(fixture_phase(fixture, 8), AGENT_STOPPING);
    fixture_pass(fixture, FIXTURE_GRACE_MS / 2);
    assert_int_equal(fixture_phase(fixture, 8), AGENT_KILLING);
}

static void without_a_lease_it_waits_to_go_on(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, 1);
    fixture_save(fixture, 7);
    assert_true(agent_next_step_ms(fixture->agent) <= fixture->now_ms + FIXTURE_LEASE_MS);
    fixture_pass(fixture, FIXTURE_LEASE_MS);
    fixture_acknowledge(fixture, 7, 1);
    assert_int_equal(fixture_phase(fixture, 7), AGENT_SAVING);
    fixture_renew(fixture, 7);
    assert_int_equal(fixture_phase(fixture, 7), AGENT_STARTING);
}

static void without_a_lease_it_does_not_wait_for_ever(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, 1);
    fixture_save(fixture, 7);
    fixture_pass(fixture, FIXTURE_LEASE_MS + FIXTURE_KEEP_MS);
    assert_int_equal(fixture_item(fixture, 7).outcome, OUTCOME_LOST);
    assert_int_equal(fixture_item(fixture, 7).reason, REASON_LEASE_ENDED);
}

static void what_leaves_without_a_lease_is_lost(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, 1);
    fixture_save(fixture, 7);
    fixture_pass(fixture, FIXTURE_LEASE_MS - 1);
    fixture_tell(fixture, AGENT_STOP, 7);
    fixture_pass(fixture, 1);
    assert_int_equal(fixture_item(fixture, 7).outcome, OUTCOME_LOST);
}

static void an_agent_that_leaves_waits_for_its_checkpoints(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, 1);
    fixture_save(fixture, 7);
    fixture_tell(fixture, AGENT_LEAVE, 0);
    assert_int_equal(fixture_count(fixture, AGENT_LEFT), 0);
    fixture_acknowledge(fixture, 7, 1);
    assert_int_equal(fixture_item(fixture, 7).reason, REASON_AGENT_STOPPED);
    assert_int_equal(fixture_count(fixture, AGENT_LEFT), 1);
}

static void what_saved_itself_before_a_restart_is_saved_after_it(void **state)
{
    struct agent_fixture *fixture = *state;
    struct agent_event event = {.kind = AGENT_FOUND, .epoch = 7};

    event.found.job = 1;
    event.found.request = (struct resources){1, 1, 1};
    event.found.phase = AGENT_SAVING;
    event.found.checkpoint = 3;
    event.found.lease_end_ms = fixture->now_ms + FIXTURE_LEASE_MS;
    fixture_step(fixture, event);
    assert_int_equal(fixture_find(fixture, AGENT_SAVE)->checkpoint, 4);
    fixture_tell(fixture, AGENT_SAVED, 7);
    fixture_acknowledge(fixture, 7, 4);
    assert_int_equal(fixture_find(fixture, AGENT_SPAWN)->checkpoint, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(what_saved_itself_starts_again_when_the_server_has_it),
        fixture_test(an_answer_about_another_checkpoint_counts_for_nothing),
        fixture_test(numbers_go_on_from_those_that_the_task_has),
        fixture_test(a_set_that_cannot_be_made_is_a_failure),
        fixture_test(what_it_leaves_when_it_must_go_is_saved),
        fixture_test(a_save_that_takes_too_long_is_given_up),
        fixture_test(a_set_that_cannot_be_made_keeps_nobody_from_leaving),
        fixture_test(what_vanishes_while_it_stops_is_no_checkpoint),
        fixture_test(what_leaves_its_owner_is_suspended_until_it_is_gone),
        fixture_test(with_its_owner_there_it_does_not_go_on_here),
        fixture_test(near_its_owner_it_goes_on),
        fixture_test(an_owner_bears_what_saves_for_a_while),
        fixture_test(a_policy_says_itself_when_a_save_takes_too_long),
        fixture_test(others_give_what_saves_no_more_than_the_grace),
        fixture_test(where_others_are_kept_out_only_the_owners_goes_on),
        fixture_test(where_others_are_kept_out_theirs_leaves),
        fixture_test(a_task_gets_the_time_that_it_wants_and_no_more),
        fixture_test(without_a_lease_it_waits_to_go_on),
        fixture_test(without_a_lease_it_does_not_wait_for_ever),
        fixture_test(what_leaves_without_a_lease_is_lost),
        fixture_test(an_agent_that_leaves_waits_for_its_checkpoints),
        fixture_test(what_saved_itself_before_a_restart_is_saved_after_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
