/* SPDX-License-Identifier: Apache-2.0 */
/* What a lease allows, when it ends, and what then becomes of an attempt. */
#include "core/agent_fixture.h"

/* A renewal that answers the report which was sent so long ago. */
static void renew(struct agent_fixture *fixture, uint64_t epoch, uint64_t session, uint64_t ago_ms)
{
    fixture_step(fixture, (struct agent_event){.kind = AGENT_RENEWED,
                                               .epoch = epoch,
                                               .start = {.session = session,
                                                         .answers_ms = fixture->now_ms - ago_ms,
                                                         .lease_ms = FIXTURE_LEASE_MS}});
}

static void without_a_renewal_it_is_frozen_when_its_lease_ends(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, 1);
    fixture_pass(fixture, FIXTURE_LEASE_MS - 1);
    assert_int_equal(fixture_phase(fixture, 7), AGENT_RUNNING);
    assert_int_equal(agent_next_step_ms(fixture->agent), fixture->now_ms + 1);
    fixture_pass(fixture, 1);
    assert_int_equal(fixture_find(fixture, AGENT_FREEZE)->epoch, 7);
    assert_int_equal(fixture_item(fixture, 7).state, ATTEMPT_SUSPENDED);
    assert_int_equal(fixture_item(fixture, 7).reason, REASON_LEASE_ENDED);
    /* It still has its memory and its place: nobody else may have its room. */
    assert_int_equal(agent_used(fixture->agent).cpus, 1);
}

/* How long the answer was on its way does not matter: the server counted from the same report. */
static void a_lease_counts_from_when_the_report_was_sent(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, 1);
    fixture_pass(fixture, 20000);
    renew(fixture, 7, fixture->session, 15000);
    assert_int_equal(fixture_find(fixture, AGENT_DEADLINE)->deadline_ms,
                     fixture->now_ms - 15000 + FIXTURE_LEASE_MS);
    fixture_pass(fixture, FIXTURE_LEASE_MS - 15000);
    assert_int_equal(fixture_phase(fixture, 7), AGENT_FROZEN);
}

static void a_renewal_that_comes_late_takes_nothing_back(void **state)
{
    struct agent_fixture *fixture = *state;
    uint64_t end_ms;

    fixture_run(fixture, 7, 1);
    end_ms = agent_view_attempt(fixture->agent, 0).lease_end_ms;
    renew(fixture, 7, fixture->session, 500);
    renew(fixture, 7, fixture->session, 0);
    assert_int_equal(fixture->effects.length, 0);
    assert_int_equal(agent_view_attempt(fixture->agent, 0).lease_end_ms, end_ms);
}

static void what_renews_another_session_or_attempt_renews_nothing(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, 1);
    fixture_pass(fixture, 1000);
    renew(fixture, 7, fixture->session - 1, 0);
    renew(fixture, 8, fixture->session, 0);
    renew(fixture, 0, fixture->session, 0);
    assert_int_equal(fixture->effects.length, 0);
    assert_int_equal(agent_view_attempt(fixture->agent, 0).lease_end_ms,
                     fixture->now_ms - 1000 + FIXTURE_LEASE_MS);
}

static void what_was_frozen_goes_on_when_the_server_is_back(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, 1);
    fixture_pass(fixture, FIXTURE_LEASE_MS);
    fixture_pass(fixture, 100000);
    fixture_renew(fixture, 7);
    assert_int_equal(fixture_find(fixture, AGENT_THAW)->epoch, 7);
    assert_int_equal(fixture_item(fixture, 7).state, ATTEMPT_RUNNING);
    assert_int_equal(fixture_item(fixture, 7).reason, REASON_LEASE_RENEWED);
}

/* The answer to a report of long ago: longer than what was there, and over all the same. */
static void a_renewal_that_is_over_thaws_nothing(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, 1);
    fixture_pass(fixture, FIXTURE_LEASE_MS);
    fixture_pass(fixture, 100000);
    renew(fixture, 7, fixture->session, FIXTURE_LEASE_MS);
    assert_int_equal(fixture_count(fixture, AGENT_DEADLINE), 1);
    assert_int_equal(fixture_count(fixture, AGENT_THAW), 0);
    assert_int_equal(fixture_phase(fixture, 7), AGENT_FROZEN);
}

/* While inputs come, too, there is a lease to lose; but no keeper that would have to know it. */
static void what_has_not_begun_can_be_renewed_and_can_be_lost(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 1, FIXTURE_CPUS);
    fixture_start(fixture, 2, 1);
    fixture_pass(fixture, 10000);
    fixture_renew(fixture, 2);
    assert_int_equal(fixture_count(fixture, AGENT_DEADLINE), 0);
    fixture_pass(fixture, 20000);
    assert_int_equal(fixture_phase(fixture, 2), AGENT_WAITING);
    fixture_pass(fixture, 10000);
    assert_int_equal(fixture_item(fixture, 2).outcome, OUTCOME_LOST);
    assert_int_equal(fixture_item(fixture, 2).reason, REASON_LEASE_ENDED);
}

/* It cannot be frozen before it runs, and it must not run. */
static void what_is_starting_when_its_lease_ends_is_killed(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_start(fixture, 7, 1);
    fixture_tell(fixture, AGENT_FETCHED, 7);
    fixture_pass(fixture, FIXTURE_LEASE_MS);
    assert_int_equal(fixture_phase(fixture, 7), AGENT_KILLING);
    fixture_tell(fixture, AGENT_STARTED, 7);
    fixture_tell(fixture, AGENT_EXITED, 7);
    assert_int_equal(fixture_item(fixture, 7).outcome, OUTCOME_LOST);
}

static void who_has_no_lease_has_no_grace(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, 1);
    fixture_pass(fixture, FIXTURE_LEASE_MS - 1);
    fixture_tell(fixture, AGENT_STOP, 7);
    assert_int_equal(fixture_phase(fixture, 7), AGENT_STOPPING);
    assert_int_equal(agent_next_step_ms(fixture->agent), fixture->now_ms + 1);
    fixture_pass(fixture, 1);
    assert_int_equal(fixture_find(fixture, AGENT_KILL)->epoch, 7);
}

static void what_stays_without_a_lease_is_given_up_at_last(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, 1);
    fixture_pass(fixture, FIXTURE_LEASE_MS);
    fixture_tell(fixture, AGENT_DISCONNECTED, 0);
    assert_int_equal(agent_next_step_ms(fixture->agent), fixture->now_ms + FIXTURE_KEEP_MS);
    fixture_pass(fixture, FIXTURE_KEEP_MS - 1);
    assert_int_equal(fixture_phase(fixture, 7), AGENT_FROZEN);
    fixture_pass(fixture, 1);
    assert_int_equal(fixture_find(fixture, AGENT_TRACE)->trace.reason, REASON_LEASE_ENDED);
    assert_int_equal(fixture_phase(fixture, 7), AGENT_KILLING);
    /* Its processes are frozen until they are gone. */
    assert_int_equal(fixture_item(fixture, 7).state, ATTEMPT_SUSPENDED);
    fixture_tell(fixture, AGENT_EXITED, 7);
    assert_int_equal(fixture_item(fixture, 7).outcome, OUTCOME_LOST);
}

static void the_keeper_may_see_the_end_of_a_lease_first(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, 1);
    fixture_pass(fixture, FIXTURE_LEASE_MS - 1);
    fixture_tell(fixture, AGENT_LAPSED, 7);
    assert_int_equal(fixture_phase(fixture, 7), AGENT_FROZEN);
    fixture_tell(fixture, AGENT_LAPSED, 7);
    assert_int_equal(fixture_count(fixture, AGENT_TRACE), 0);
    fixture_renew(fixture, 7);
    assert_int_equal(fixture_phase(fixture, 7), AGENT_RUNNING);
}

/* It computes nothing any more; only the server can say that nobody wants it. */
static void a_result_outlives_its_lease(void **state)
{
    struct agent_fixture *fixture = *state;

    fixture_run(fixture, 7, 1);
    fixture_tell(fixture, AGENT_EXITED, 7);
    fixture_pass(fixture, FIXTURE_LEASE_MS);
    assert_int_equal(fixture_phase(fixture, 7), AGENT_COLLECTING);
    fixture_tell(fixture, AGENT_COLLECTED, 7);
    fixture_pass(fixture, FIXTURE_KEEP_MS);
    assert_int_equal(fixture_item(fixture, 7).outcome, OUTCOME_EXITED);
    fixture_renew(fixture, 7);
    assert_int_equal(fixture_count(fixture, AGENT_DEADLINE), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(without_a_renewal_it_is_frozen_when_its_lease_ends),
        fixture_test(a_lease_counts_from_when_the_report_was_sent),
        fixture_test(a_renewal_that_comes_late_takes_nothing_back),
        fixture_test(what_renews_another_session_or_attempt_renews_nothing),
        fixture_test(what_was_frozen_goes_on_when_the_server_is_back),
        fixture_test(a_renewal_that_is_over_thaws_nothing),
        fixture_test(what_has_not_begun_can_be_renewed_and_can_be_lost),
        fixture_test(what_is_starting_when_its_lease_ends_is_killed),
        fixture_test(who_has_no_lease_has_no_grace),
        fixture_test(what_stays_without_a_lease_is_given_up_at_last),
        fixture_test(the_keeper_may_see_the_end_of_a_lease_first),
        fixture_test(a_result_outlives_its_lease),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
