/* SPDX-License-Identifier: Apache-2.0 */
/* Which starts an agent takes, and what happens until the program runs. */
#include "core/agent_fixture.h"

#include "base/memory.h"

#include <errno.h>

static struct agent_event start_event(const struct agent_fixture *fixture, uint64_t epoch)
{
    return (struct agent_event){.kind = AGENT_START,
                                .epoch = epoch,
                                .start = {.session = fixture->session,
                                          .request = {1, 1, 1},
                                          .answers_ms = fixture->now_ms,
                                          .lease_ms = FIXTURE_LEASE_MS}};
}

static void a_start_is_taken_and_its_epoch_is_remembered(void **state)
{
    struct agent_fixture *fixture = *state;
    struct agent_attempt_view view;

    fixture_start(fixture, 7, 2);
    assert_int_equal(fixture_find(fixture, AGENT_SAVE_EPOCH)->epoch, 7);
    assert_int_equal(fixture_find(fixture, AGENT_FETCH)->epoch, 7);
    assert_int_equal(agent_highest_epoch(fixture->agent), 7);
    assert_int_equal(agent_count_attempts(fixture->agent), 1);
    view = agent_view_attempt(fixture->agent, 0);
    assert_int_equal(view.job, 1);
    assert_int_equal(view.task, 7);
    assert_int_equal(view.attempt, 2);
    assert_int_equal(view.request.cpus, 2);
    assert_int_equal(view.lease_end_ms, fixture->now_ms + FIXTURE_LEASE_MS);
}

static void the_keeper_knows_the_deadline_before_it_starts_the_program(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_start(fixture, 7, 1);
    fixture_tell(fixture, AGENT_FETCHED, 7);
    assert_int_equal(fixture_find(fixture, AGENT_DEADLINE)->deadline_ms,
                     fixture->now_ms + FIXTURE_LEASE_MS);
    assert_true(fixture_find(fixture, AGENT_DEADLINE) < fixture_find(fixture, AGENT_SPAWN));
    fixture_tell(fixture, AGENT_STARTED, 7);
    assert_int_equal(fixture_phase(fixture, 7), AGENT_RUNNING);
    assert_int_equal(agent_used(fixture->agent).cpus, 1);
}

/* One of an older session may have been repeated, or have waited in a queue for hours. */
static void a_start_of_another_session_is_not_taken(void **state)
{
    struct agent_fixture *fixture = *state;
    struct agent_event old = start_event(fixture, 7);

    fixture_connect(fixture);
    fixture_step(fixture, old);
    assert_int_equal(agent_count_attempts(fixture->agent), 0);
    assert_int_equal(agent_highest_epoch(fixture->agent), 0);
}

/* Its report was long on its way. The server hears at once that it must be sent anew. */
static void a_start_whose_lease_is_over_is_as_good_as_lost(void **state)
{
    struct agent_fixture *fixture = *state;
    struct agent_event start = start_event(fixture, 7);

    fixture->now_ms += FIXTURE_LEASE_MS;
    fixture_step(fixture, start);
    assert_int_equal(fixture_count(fixture, AGENT_SAVE_EPOCH), 0);
    assert_true(fixture_find(fixture, AGENT_REPORT)->full);
    assert_int_equal(agent_count_attempts(fixture->agent), 0);
    fixture_step(fixture, start_event(fixture, 7));
    assert_int_equal(fixture_phase(fixture, 7), AGENT_FETCHING);
}

/* So that the renewal comes before the next heartbeat would have asked for it. */
static void a_start_with_little_time_left_is_shown_at_once(void **state)
{
    struct agent_fixture *fixture = *state;
    struct agent_event start = start_event(fixture, 7);

    fixture_pass(fixture, FIXTURE_HEARTBEAT_MS);
    fixture_pass(fixture, FIXTURE_HEARTBEAT_MS);
    fixture_step(fixture, start);
    assert_true(fixture_find(fixture, AGENT_REPORT)->full);
    assert_int_equal(fixture->items[0].epoch, 7);
}

static void an_epoch_is_taken_only_once_and_no_lower_one_after_it(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, 1);
    fixture_start(fixture, 7, 1);
    fixture_start(fixture, 6, 1);
    assert_int_equal(fixture->effects.length, 0);
    fixture_tell(fixture, AGENT_FORGET, 7);
    fixture_tell(fixture, AGENT_EXITED, 7);
    assert_false(fixture_holds(fixture, 7));
    fixture_start(fixture, 7, 1);
    assert_int_equal(agent_count_attempts(fixture->agent), 0);
}

/* The server sees in the report that the epoch was accepted and is not held: it is gone. */
static void what_is_too_much_is_shown_as_accepted_and_not_held(void **state)
{
    struct agent_fixture *fixture = *state;

    for (uint64_t epoch = 1; epoch <= FIXTURE_ATTEMPTS; epoch++)
        fixture_start(fixture, epoch, 1);
    assert_int_equal(fixture_count(fixture, AGENT_REPORT), 0);
    fixture_start(fixture, 10, 1);
    assert_true(fixture_find(fixture, AGENT_REPORT)->full);
    assert_int_equal(agent_highest_epoch(fixture->agent), 10);
    assert_int_equal(agent_count_attempts(fixture->agent), FIXTURE_ATTEMPTS);
}

static void whoever_needs_a_gpu_waits_for_one(void **state)
{
    struct agent_fixture *fixture = *state;
    struct agent_event all = start_event(fixture, 7), one = start_event(fixture, 8);

    all.start.request.gpus = FIXTURE_CPUS;
    one.start.request.gpus = 1;
    fixture_step(fixture, all);
    fixture_step(fixture, one);
    assert_int_equal(fixture_phase(fixture, 7), AGENT_FETCHING);
    assert_int_equal(fixture_phase(fixture, 8), AGENT_WAITING);
    fixture_start(fixture, 9, 1);
    assert_int_equal(fixture_phase(fixture, 9), AGENT_FETCHING);
    fixture_tell(fixture, AGENT_FORGET, 7);
    assert_int_equal(fixture_phase(fixture, 8), AGENT_FETCHING);
}

/* Each may have used any of them, so together they count for more than there are. */
static void who_needs_no_gpu_starts_beside_two_that_were_found_with_all(void **state)
{
    struct agent_fixture *fixture = *state;
    struct agent_event found = {
        .kind = AGENT_FOUND, .found = {.request = {1, 1, 1, FIXTURE_CPUS}, .phase = AGENT_RUNNING}};
    struct agent_event one = start_event(fixture, 8);

    found.found.lease_end_ms = fixture->now_ms + FIXTURE_LEASE_MS;
    for (found.epoch = 5; found.epoch <= 6; found.epoch++)
        fixture_step(fixture, found);
    fixture_start(fixture, 7, 1);
    assert_int_equal(fixture_phase(fixture, 7), AGENT_FETCHING);
    one.start.request.gpus = 1;
    fixture_step(fixture, one);
    assert_int_equal(fixture_phase(fixture, 8), AGENT_WAITING);
    fixture_tell(fixture, AGENT_EXITED, 5);
    assert_int_equal(fixture_phase(fixture, 8), AGENT_WAITING);
    fixture_tell(fixture, AGENT_EXITED, 6);
    assert_int_equal(fixture_phase(fixture, 8), AGENT_FETCHING);
}

/* It was given away when the node was larger, and waiting would not help. */
static void what_can_never_fit_is_shown_as_accepted_and_not_held_too(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_start(fixture, 7, FIXTURE_CPUS + 1);
    assert_true(fixture_find(fixture, AGENT_REPORT)->full);
    assert_int_equal(agent_highest_epoch(fixture->agent), 7);
    assert_int_equal(agent_count_attempts(fixture->agent), 0);
}

static void an_agent_that_leaves_takes_nothing_more(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, 1);
    fixture_tell(fixture, AGENT_LEAVE, 0);
    fixture_start(fixture, 8, 1);
    assert_true(fixture_find(fixture, AGENT_REPORT)->full);
    assert_false(fixture_holds(fixture, 8));
    assert_int_equal(agent_highest_epoch(fixture->agent), 8);
}

/* The server may know earlier than the node that somebody has gone. */
static void who_finds_no_room_waits_for_those_who_leave(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 1, FIXTURE_CPUS);
    fixture_start(fixture, 2, 1);
    fixture_start(fixture, 3, 1);
    assert_int_equal(fixture_phase(fixture, 2), AGENT_WAITING);
    assert_int_equal(fixture_item(fixture, 2).state, ATTEMPT_PREPARING);
    assert_int_equal(agent_used(fixture->agent).cpus, FIXTURE_CPUS);
    fixture_tell(fixture, AGENT_EXITED, 1);
    assert_int_equal(fixture_find(fixture, AGENT_FETCH)->epoch, 2);
    assert_int_equal(fixture_count(fixture, AGENT_FETCH), 2);
}

static void inputs_that_do_not_come_are_a_failure(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_start(fixture, 7, 1);
    fixture_fail(fixture, AGENT_FETCHED, 7, REASON_DISK_FULL_ON_NODE);
    assert_int_equal(fixture_count(fixture, AGENT_SPAWN), 0);
    assert_int_equal(fixture_item(fixture, 7).outcome, OUTCOME_FAILED);
    assert_int_equal(fixture_item(fixture, 7).reason, REASON_DISK_FULL_ON_NODE);
    assert_int_equal(agent_used(fixture->agent).cpus, 0);
}

static void a_program_that_cannot_be_started_is_a_failure(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_start(fixture, 7, 1);
    fixture_tell(fixture, AGENT_FETCHED, 7);
    fixture_fail(fixture, AGENT_STARTED, 7, REASON_CANNOT_START);
    assert_int_equal(fixture_item(fixture, 7).outcome, OUTCOME_FAILED);
    assert_int_equal(fixture_item(fixture, 7).reason, REASON_CANNOT_START);
}

/* Also one that was to be killed while it was starting: there is nothing to kill. */
static void a_start_that_was_given_up_may_fail_too(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_start(fixture, 7, 1);
    fixture_tell(fixture, AGENT_FETCHED, 7);
    fixture_tell(fixture, AGENT_STOP, 7);
    assert_int_equal(fixture_phase(fixture, 7), AGENT_KILLING);
    fixture_fail(fixture, AGENT_STARTED, 7, REASON_CANNOT_START);
    assert_int_equal(fixture_item(fixture, 7).outcome, OUTCOME_FAILED);
}

/* The first kill may have come before there was anything to kill. */
static void what_was_given_up_while_it_started_is_killed_again(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_start(fixture, 7, 1);
    fixture_tell(fixture, AGENT_FETCHED, 7);
    fixture_tell(fixture, AGENT_FORGET, 7);
    assert_int_equal(fixture_count(fixture, AGENT_KILL), 1);
    fixture_tell(fixture, AGENT_STARTED, 7);
    assert_int_equal(fixture_count(fixture, AGENT_KILL), 1);
    assert_int_equal(fixture_phase(fixture, 7), AGENT_KILLING);
}

static void a_program_may_end_before_the_news_of_its_start(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_start(fixture, 7, 1);
    fixture_tell(fixture, AGENT_FETCHED, 7);
    fixture_tell(fixture, AGENT_EXITED, 7);
    assert_int_equal(fixture_count(fixture, AGENT_TRACE), 2);
    assert_int_equal(fixture_phase(fixture, 7), AGENT_COLLECTING);
    fixture_tell(fixture, AGENT_STARTED, 7);
    assert_int_equal(fixture->effects.length, 0);
}

static void without_memory_there_is_no_agent_and_no_step(void **state)
{
    static const struct agent_options options = {.attempts_max = 1};
    struct agent_fixture *fixture = *state;
    struct agent_effects effects = AGENT_EFFECTS_INIT;

    memory_fail_at(1);
    assert_null(agent_new(&options));
    memory_fail_at(2);
    assert_null(agent_new(&options));
    memory_fail_at(1);
    assert_int_equal(agent_prepare(fixture->agent, &effects), -ENOMEM);
    memory_fail_at(0);
    assert_null(agent_free(NULL));
}

static void step_back_in_time(void)
{
    void *state = NULL;
    struct agent_fixture *fixture;

    agent_fixture_set_up(&state);
    fixture = state;
    fixture->now_ms--;
    fixture_tell(fixture, AGENT_TICK, 0);
}

static void find_too_many(void)
{
    void *state = NULL;

    agent_fixture_set_up(&state);
    for (uint64_t epoch = 1; epoch <= FIXTURE_ATTEMPTS + 1; epoch++)
        fixture_found(state, epoch, AGENT_RUNNING);
}

static void broken_promises_end_the_process(void **state)
{
    (void)state;
    assert_true(test_aborts(step_back_in_time));
    assert_true(test_aborts(find_too_many));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_start_is_taken_and_its_epoch_is_remembered),
        fixture_test(the_keeper_knows_the_deadline_before_it_starts_the_program),
        fixture_test(a_start_of_another_session_is_not_taken),
        fixture_test(a_start_whose_lease_is_over_is_as_good_as_lost),
        fixture_test(a_start_with_little_time_left_is_shown_at_once),
        fixture_test(an_epoch_is_taken_only_once_and_no_lower_one_after_it),
        fixture_test(what_is_too_much_is_shown_as_accepted_and_not_held),
        fixture_test(whoever_needs_a_gpu_waits_for_one),
        fixture_test(who_needs_no_gpu_starts_beside_two_that_were_found_with_all),
        fixture_test(what_can_never_fit_is_shown_as_accepted_and_not_held_too),
        fixture_test(an_agent_that_leaves_takes_nothing_more),
        fixture_test(who_finds_no_room_waits_for_those_who_leave),
        fixture_test(inputs_that_do_not_come_are_a_failure),
        fixture_test(a_program_that_cannot_be_started_is_a_failure),
        fixture_test(a_start_that_was_given_up_may_fail_too),
        fixture_test(what_was_given_up_while_it_started_is_killed_again),
        fixture_test(a_program_may_end_before_the_news_of_its_start),
        fixture_test(without_memory_there_is_no_agent_and_no_step),
        fixture_test(broken_promises_end_the_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
