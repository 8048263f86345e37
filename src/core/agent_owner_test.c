/* SPDX-License-Identifier: Apache-2.0 */
/* The owner comes first: what freezes, what leaves, and what goes on when he has gone. */
#include "core/agent_fixture.h"

static void all_that_runs_is_frozen_at_once(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 1, 1);
    fixture_run(fixture, 2, 1);
    fixture_tell(fixture, AGENT_OWNER_RETURNED, 0);
    assert_int_equal(fixture_count(fixture, AGENT_FREEZE), 2);
    assert_true(fixture_find(fixture, AGENT_REPORT)->full);
    assert_int_equal(agent_owner(fixture->agent), OWNER_PRESENT);
    assert_int_equal(fixture_item(fixture, 1).state, ATTEMPT_SUSPENDED);
    assert_int_equal(fixture_item(fixture, 1).reason, REASON_OWNER_RETURNED);
}

static void it_goes_on_when_he_leaves(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 1, 1);
    fixture_tell(fixture, AGENT_OWNER_RETURNED, 0);
    fixture_tell(fixture, AGENT_OWNER_LEFT, 0);
    assert_int_equal(fixture_find(fixture, AGENT_THAW)->epoch, 1);
    assert_int_equal(fixture_item(fixture, 1).reason, REASON_OWNER_LEFT);
    assert_int_equal(agent_owner(fixture->agent), OWNER_AWAY);
}

static void what_has_not_begun_leaves_at_once(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_start(fixture, 1, FIXTURE_CPUS);
    fixture_start(fixture, 2, 1);
    assert_int_equal(fixture_phase(fixture, 1), AGENT_FETCHING);
    assert_int_equal(fixture_phase(fixture, 2), AGENT_WAITING);
    fixture_tell(fixture, AGENT_OWNER_RETURNED, 0);
    assert_int_equal(fixture_item(fixture, 1).outcome, OUTCOME_VACATED);
    assert_int_equal(fixture_item(fixture, 2).outcome, OUTCOME_VACATED);
    fixture_start(fixture, 3, 1);
    assert_int_equal(fixture_item(fixture, 3).reason, REASON_OWNER_RETURNED);
}

static void with_him_near_what_is_there_goes_on_and_nothing_begins(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 1, 1);
    fixture_tell(fixture, AGENT_OWNER_RETURNED, 0);
    fixture_tell(fixture, AGENT_OWNER_NEAR, 0);
    assert_int_equal(agent_owner(fixture->agent), OWNER_NEAR);
    assert_true(fixture_find(fixture, AGENT_REPORT)->full);
    assert_int_equal(fixture_phase(fixture, 1), AGENT_RUNNING);
    fixture_start(fixture, 2, 1);
    assert_int_equal(fixture_item(fixture, 2).outcome, OUTCOME_VACATED);
}

static void what_is_starting_is_frozen_as_soon_as_it_runs(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_start(fixture, 1, 1);
    fixture_tell(fixture, AGENT_FETCHED, 1);
    fixture_tell(fixture, AGENT_OWNER_RETURNED, 0);
    assert_int_equal(fixture_phase(fixture, 1), AGENT_STARTING);
    fixture_tell(fixture, AGENT_STARTED, 1);
    assert_int_equal(fixture_phase(fixture, 1), AGENT_FROZEN);
}

static void who_stays_longer_gets_his_memory_back_too(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 1, 1);
    fixture_tell(fixture, AGENT_OWNER_RETURNED, 0);
    for (int i = 0; i < 3; i++) {
        fixture_pass(fixture, FIXTURE_SUSPEND_MS / 3 - 1);
        fixture_renew(fixture, 1);
    }
    assert_int_equal(fixture_phase(fixture, 1), AGENT_FROZEN);
    fixture_pass(fixture, 3);
    assert_int_equal(fixture_find(fixture, AGENT_TERMINATE)->epoch, 1);
    assert_int_equal(fixture_find(fixture, AGENT_THAW)->epoch, 1);
    assert_int_equal(fixture_phase(fixture, 1), AGENT_STOPPING);
    assert_int_equal(fixture_item(fixture, 1).state, ATTEMPT_SUSPENDED);
    fixture_pass(fixture, FIXTURE_GRACE_MS);
    assert_int_equal(fixture_find(fixture, AGENT_KILL)->epoch, 1);
    fixture_tell(fixture, AGENT_EXITED, 1);
    assert_int_equal(fixture_item(fixture, 1).outcome, OUTCOME_VACATED);
    assert_int_equal(fixture_item(fixture, 1).reason, REASON_OWNER_RETURNED);
}

static void what_stands_still_leaves_sooner_if_he_is_short_of_memory(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 1, 1);
    fixture_tell(fixture, AGENT_OWNER_RETURNED, 0);
    fixture_tell(fixture, AGENT_MEMORY_SHORT, 0);
    fixture_pass(fixture, FIXTURE_GIVE_BACK_MS - 1);
    assert_int_equal(fixture_phase(fixture, 1), AGENT_FROZEN);
    assert_int_equal(agent_next_step_ms(fixture->agent), fixture->now_ms + 1);
    fixture_pass(fixture, 1);
    assert_int_equal(fixture_phase(fixture, 1), AGENT_STOPPING);
    assert_int_equal(fixture_find(fixture, AGENT_THAW)->epoch, 1);
    fixture_pass(fixture, FIXTURE_GRACE_MS);
    assert_int_equal(fixture_phase(fixture, 1), AGENT_KILLING);
}

static void once_that_time_is_over_it_leaves_when_memory_becomes_short(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 1, 1);
    fixture_tell(fixture, AGENT_OWNER_RETURNED, 0);
    fixture_tell(fixture, AGENT_MEMORY_SHORT, 0);
    fixture_tell(fixture, AGENT_MEMORY_ENOUGH, 0);
    fixture_pass(fixture, FIXTURE_GIVE_BACK_MS + 1);
    assert_int_equal(fixture_phase(fixture, 1), AGENT_FROZEN);
    fixture_tell(fixture, AGENT_MEMORY_SHORT, 0);
    assert_int_equal(fixture_phase(fixture, 1), AGENT_STOPPING);
}

static void what_was_pushed_out_costs_him_no_memory_and_stays(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 1, 1);
    fixture_run(fixture, 2, 1);
    fixture_tell(fixture, AGENT_OWNER_RETURNED, 0);
    fixture_tell(fixture, AGENT_MEMORY_SHORT, 0);
    fixture_tell(fixture, AGENT_PUSHED_OUT, 1);
    fixture_pass(fixture, FIXTURE_GIVE_BACK_MS);
    assert_int_equal(fixture_phase(fixture, 1), AGENT_FROZEN);
    assert_int_equal(fixture_phase(fixture, 2), AGENT_STOPPING);
}

static void what_has_run_since_is_no_longer_out(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 1, 1);
    fixture_tell(fixture, AGENT_OWNER_RETURNED, 0);
    fixture_tell(fixture, AGENT_PUSHED_OUT, 1);
    fixture_tell(fixture, AGENT_OWNER_LEFT, 0);
    fixture_tell(fixture, AGENT_PUSHED_OUT, 1); /* it came too late */
    fixture_tell(fixture, AGENT_OWNER_RETURNED, 0);
    fixture_tell(fixture, AGENT_MEMORY_SHORT, 0);
    fixture_pass(fixture, FIXTURE_GIVE_BACK_MS);
    assert_int_equal(fixture_phase(fixture, 1), AGENT_STOPPING);
}

static void a_computer_that_is_lent_may_be_short_of_memory(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 1, 1);
    fixture_tell(fixture, AGENT_MEMORY_SHORT, 0);
    fixture_pass(fixture, FIXTURE_GIVE_BACK_MS);
    assert_int_equal(fixture_phase(fixture, 1), AGENT_RUNNING);
    fixture_pass(fixture, FIXTURE_LEASE_MS - FIXTURE_GIVE_BACK_MS);
    fixture_pass(fixture, FIXTURE_GIVE_BACK_MS);
    assert_int_equal(fixture_phase(fixture, 1), AGENT_FROZEN);
}

static void each_presence_has_the_event_that_makes_it(void **state)
{
    struct agent_fixture *fixture = *state;

    for (enum owner_presence presence = OWNER_AWAY; presence <= OWNER_PRESENT; presence++) {
        fixture_tell(fixture, agent_event_of_owner(presence), 0);
        assert_int_equal(agent_owner(fixture->agent), presence);
    }
}

static void told_again_for_another_reason_he_is_there_no_shorter(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 1, 1);
    fixture_tell(fixture, AGENT_OWNER_RETURNED, 0);
    fixture_pass(fixture, FIXTURE_LEASE_MS / 2);
    fixture_renew(fixture, 1);
    fixture_tell(fixture, AGENT_OWNER_RETURNED, 0);
    for (int i = 0; i < 3; i++) {
        fixture_renew(fixture, 1);
        fixture_pass(fixture, FIXTURE_LEASE_MS / 2);
    }
    assert_int_equal(fixture_phase(fixture, 1), AGENT_STOPPING);
}

/* Each time that he comes by, the time until it must leave begins anew. */
static void an_owner_who_only_comes_by_costs_no_work(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 1, 1);
    for (int i = 0; i < 10; i++) {
        fixture_tell(fixture, AGENT_OWNER_RETURNED, 0);
        assert_int_equal(fixture_phase(fixture, 1), AGENT_FROZEN);
        fixture_pass(fixture, FIXTURE_LEASE_MS / 2);
        fixture_renew(fixture, 1);
        fixture_tell(fixture, AGENT_OWNER_LEFT, 0);
        assert_int_equal(fixture_phase(fixture, 1), AGENT_RUNNING);
    }
}

/* What was frozen long before is not killed the moment that he sits down. */
static void what_has_no_lease_either_leaves_him_as_soon_as_the_rest(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 1, 1);
    fixture_pass(fixture, FIXTURE_LEASE_MS);
    fixture_pass(fixture, 2 * FIXTURE_SUSPEND_MS);
    fixture_tell(fixture, AGENT_OWNER_RETURNED, 0);
    assert_int_equal(fixture_phase(fixture, 1), AGENT_FROZEN);
    fixture_pass(fixture, FIXTURE_SUSPEND_MS - 1);
    assert_int_equal(fixture_phase(fixture, 1), AGENT_FROZEN);
    fixture_pass(fixture, 1);
    assert_int_equal(fixture_phase(fixture, 1), AGENT_KILLING);
    assert_int_equal(fixture_find(fixture, AGENT_TRACE)->trace.reason, REASON_OWNER_RETURNED);
}

static void what_lapsed_long_ago_does_not_outlast_its_time_with_him(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 1, 1);
    fixture_pass(fixture, FIXTURE_LEASE_MS);
    fixture_pass(fixture, FIXTURE_KEEP_MS - 1000);
    fixture_tell(fixture, AGENT_OWNER_RETURNED, 0);
    fixture_pass(fixture, 1000);
    assert_int_equal(fixture_phase(fixture, 1), AGENT_KILLING);
}

static void when_he_leaves_a_lease_must_be_there_too(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 1, 1);
    fixture_tell(fixture, AGENT_OWNER_RETURNED, 0);
    fixture_pass(fixture, FIXTURE_LEASE_MS);
    fixture_tell(fixture, AGENT_OWNER_LEFT, 0);
    assert_int_equal(fixture_phase(fixture, 1), AGENT_FROZEN);
    fixture_renew(fixture, 1);
    assert_int_equal(fixture_phase(fixture, 1), AGENT_RUNNING);
}

static void a_renewal_thaws_nothing_while_he_is_there(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 1, 1);
    fixture_pass(fixture, FIXTURE_LEASE_MS);
    fixture_tell(fixture, AGENT_OWNER_RETURNED, 0);
    fixture_renew(fixture, 1);
    assert_int_equal(fixture_count(fixture, AGENT_THAW), 0);
    fixture_tell(fixture, AGENT_OWNER_LEFT, 0);
    assert_int_equal(fixture_count(fixture, AGENT_THAW), 1);
}

/* To hear the polite signal it would have to be thawed, and compute. */
static void what_must_stop_while_he_is_there_is_killed(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 1, 1);
    fixture_tell(fixture, AGENT_OWNER_RETURNED, 0);
    fixture_tell(fixture, AGENT_STOP, 1);
    assert_int_equal(fixture_count(fixture, AGENT_TERMINATE), 0);
    assert_int_equal(fixture_count(fixture, AGENT_THAW), 0);
    assert_int_equal(fixture_count(fixture, AGENT_KILL), 1);
}

static void what_is_found_while_he_is_there_is_frozen(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_tell(fixture, AGENT_OWNER_RETURNED, 0);
    fixture_found(fixture, 1, AGENT_RUNNING);
    assert_int_equal(fixture_phase(fixture, 1), AGENT_FROZEN);
}

/* Told first and thawed then, it hears the signal before it computes anything else. */
static void who_vacates_lets_what_is_frozen_leave_politely(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 1, 1);
    fixture_tell(fixture, AGENT_OWNER_RETURNED, 0);
    fixture_tell(fixture, AGENT_OWNER_VACATES, 0);
    assert_int_equal(agent_owner(fixture->agent), OWNER_PRESENT);
    assert_true(fixture_find(fixture, AGENT_TERMINATE) < fixture_find(fixture, AGENT_THAW));
    assert_int_equal(fixture_item(fixture, 1).state, ATTEMPT_SUSPENDED);
    assert_true(agent_has_work(fixture->agent));
    fixture_tell(fixture, AGENT_EXITED, 1);
    assert_int_equal(fixture_item(fixture, 1).outcome, OUTCOME_VACATED);
    assert_int_equal(fixture_item(fixture, 1).reason, REASON_OWNER_RETURNED);
    assert_false(agent_has_work(fixture->agent));
}

static void what_runs_while_he_vacates_is_not_frozen_before(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 1, 1);
    fixture_start(fixture, 2, 1);
    fixture_tell(fixture, AGENT_FETCHED, 2);
    fixture_tell(fixture, AGENT_OWNER_VACATES, 0);
    assert_int_equal(fixture_count(fixture, AGENT_FREEZE), 0);
    assert_int_equal(fixture_count(fixture, AGENT_THAW), 0);
    assert_int_equal(fixture_phase(fixture, 1), AGENT_STOPPING);
    assert_int_equal(fixture_phase(fixture, 2), AGENT_STARTING);
    fixture_tell(fixture, AGENT_STARTED, 2);
    assert_int_equal(fixture_phase(fixture, 2), AGENT_STOPPING);
    fixture_start(fixture, 3, 1);
    assert_int_equal(fixture_item(fixture, 3).outcome, OUTCOME_VACATED);
}

static void he_says_when_it_takes_too_long_and_no_grace_does(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 1, 1);
    fixture_tell(fixture, AGENT_OWNER_VACATES, 0);
    fixture_pass(fixture, 2 * FIXTURE_GRACE_MS);
    assert_int_equal(fixture_phase(fixture, 1), AGENT_STOPPING);
    assert_true(agent_next_step_ms(fixture->agent) > fixture->now_ms);
    fixture_tell(fixture, AGENT_OWNER_KILLS, 0);
    assert_int_equal(fixture_phase(fixture, 1), AGENT_KILLING);
    assert_int_equal(fixture_item(fixture, 1).state, ATTEMPT_SUSPENDED);
    assert_int_equal(fixture_find(fixture, AGENT_TRACE)->trace.reason, REASON_OWNER_RETURNED);
}

static void whoever_else_stops_it_meanwhile_gives_the_grace_and_no_more(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 1, 1);
    fixture_tell(fixture, AGENT_OWNER_VACATES, 0);
    fixture_tell(fixture, AGENT_STOP, 1);
    assert_int_equal(fixture_phase(fixture, 1), AGENT_STOPPING);
    fixture_pass(fixture, FIXTURE_GRACE_MS);
    assert_int_equal(fixture_phase(fixture, 1), AGENT_KILLING);
}

static void what_a_policy_says_is_told_as_an_event(void **state)
{
    static const struct {
        struct policy_view view;
        enum agent_event_kind kind;
    } rows[] = {
        {{POLICY_OWNER, OWNER_NEAR}, AGENT_OWNER_NEAR},
        {{POLICY_UNCLAIMED, OWNER_AWAY}, AGENT_OWNER_LEFT},
        {{POLICY_SUSPENDED, OWNER_PRESENT}, AGENT_OWNER_RETURNED},
        {{POLICY_VACATING, OWNER_PRESENT}, AGENT_OWNER_VACATES},
        {{POLICY_KILLING, OWNER_PRESENT}, AGENT_OWNER_KILLS},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
        assert_int_equal(agent_event_of_policy(&rows[i].view), rows[i].kind);
}

static void keep_for(struct agent_fixture *fixture, uint64_t user)
{
    fixture_step(fixture, (struct agent_event){.kind = AGENT_OWNER_KEEPS, .only_user = user});
}

static void others_tasks_are_kept_out_as_if_he_were_there(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 1, 1);
    keep_for(fixture, 7);
    assert_true(fixture_find(fixture, AGENT_REPORT)->full);
    assert_int_equal(fixture_phase(fixture, 1), AGENT_FROZEN);
    assert_int_equal(agent_owner(fixture->agent), OWNER_AWAY);
    fixture_start(fixture, 2, 1);
    assert_int_equal(fixture_item(fixture, 2).outcome, OUTCOME_VACATED);
    keep_for(fixture, 0);
    assert_int_equal(fixture_phase(fixture, 1), AGENT_RUNNING);
    keep_for(fixture, 7);
    fixture_tell(fixture, AGENT_OWNER_RETURNED, 0);
    fixture_tell(fixture, AGENT_OWNER_LEFT, 0);
    assert_int_equal(fixture_phase(fixture, 1), AGENT_FROZEN);
    while (fixture_phase(fixture, 1) == AGENT_FROZEN) {
        fixture_renew(fixture, 1);
        fixture_pass(fixture, 1000);
    }
    assert_int_equal(fixture_phase(fixture, 1), AGENT_STOPPING);
    assert_int_equal(fixture_item(fixture, 1).reason, REASON_OWNER_RETURNED);
}

static void the_tasks_of_whom_he_keeps_it_for_run(void **state)
{
    struct agent_fixture *fixture = *state;

    keep_for(fixture, 7);
    fixture_step(fixture, (struct agent_event){.kind = AGENT_START,
                                               .epoch = 1,
                                               .start = {.session = fixture->session,
                                                         .job = 1,
                                                         .request = {1, 1, 1},
                                                         .answers_ms = fixture->now_ms,
                                                         .lease_ms = FIXTURE_LEASE_MS,
                                                         .user = 7}});
    fixture_tell(fixture, AGENT_FETCHED, 1);
    fixture_tell(fixture, AGENT_STARTED, 1);
    assert_int_equal(fixture_phase(fixture, 1), AGENT_RUNNING);
    fixture_tell(fixture, AGENT_OWNER_RETURNED, 0);
    assert_int_equal(fixture_phase(fixture, 1), AGENT_FROZEN);
}

static void what_was_starting_when_he_returned_stays_no_longer(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_start(fixture, 7, 1);
    fixture_tell(fixture, AGENT_FETCHED, 7);
    fixture_tell(fixture, AGENT_OWNER_RETURNED, 0);
    fixture_pass(fixture, FIXTURE_LEASE_MS / 2);
    fixture_renew(fixture, 7);
    fixture_tell(fixture, AGENT_STARTED, 7);
    assert_int_equal(fixture_phase(fixture, 7), AGENT_FROZEN);
    fixture_pass(fixture, FIXTURE_LEASE_MS / 2);
    fixture_renew(fixture, 7);
    fixture_pass(fixture, FIXTURE_LEASE_MS - 1);
    assert_int_equal(fixture_phase(fixture, 7), AGENT_FROZEN);
    fixture_renew(fixture, 7);
    fixture_pass(fixture, FIXTURE_SUSPEND_MS - 2 * FIXTURE_LEASE_MS + 1);
    assert_int_equal(fixture_phase(fixture, 7), AGENT_STOPPING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(all_that_runs_is_frozen_at_once),
        fixture_test(it_goes_on_when_he_leaves),
        fixture_test(what_has_not_begun_leaves_at_once),
        fixture_test(with_him_near_what_is_there_goes_on_and_nothing_begins),
        fixture_test(what_is_starting_is_frozen_as_soon_as_it_runs),
        fixture_test(who_stays_longer_gets_his_memory_back_too),
        fixture_test(what_stands_still_leaves_sooner_if_he_is_short_of_memory),
        fixture_test(once_that_time_is_over_it_leaves_when_memory_becomes_short),
        fixture_test(what_was_pushed_out_costs_him_no_memory_and_stays),
        fixture_test(what_has_run_since_is_no_longer_out),
        fixture_test(a_computer_that_is_lent_may_be_short_of_memory),
        fixture_test(each_presence_has_the_event_that_makes_it),
        fixture_test(told_again_for_another_reason_he_is_there_no_shorter),
        fixture_test(an_owner_who_only_comes_by_costs_no_work),
        fixture_test(what_has_no_lease_either_leaves_him_as_soon_as_the_rest),
        fixture_test(what_lapsed_long_ago_does_not_outlast_its_time_with_him),
        fixture_test(when_he_leaves_a_lease_must_be_there_too),
        fixture_test(a_renewal_thaws_nothing_while_he_is_there),
        fixture_test(what_must_stop_while_he_is_there_is_killed),
        fixture_test(what_is_found_while_he_is_there_is_frozen),
        fixture_test(who_vacates_lets_what_is_frozen_leave_politely),
        fixture_test(what_runs_while_he_vacates_is_not_frozen_before),
        fixture_test(he_says_when_it_takes_too_long_and_no_grace_does),
        fixture_test(whoever_else_stops_it_meanwhile_gives_the_grace_and_no_more),
        cmocka_unit_test(what_a_policy_says_is_told_as_an_event),
        fixture_test(others_tasks_are_kept_out_as_if_he_were_there),
        fixture_test(the_tasks_of_whom_he_keeps_it_for_run),
        fixture_test(what_was_starting_when_he_returned_stays_no_longer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
