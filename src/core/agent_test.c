/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"
#include "core/agent.h"

#include <string.h>

enum { EPOCH = 7, SESSION = 3, LEASE_MS = 30000 };

struct fixture {
    struct agent *agent;
    struct agent_effects effects;
    uint64_t now_ms;
};

static void step(struct fixture *fixture, struct agent_event event)
{
    event.now_ms = ++fixture->now_ms;
    fixture->effects.length = 0;
    assert_int_equal(agent_prepare(fixture->agent, &fixture->effects), 0);
    agent_step(fixture->agent, &event, &fixture->effects);
    agent_assert_invariants(fixture->agent);
}

static void step_attempt(struct fixture *fixture, enum agent_event_kind kind)
{
    step(fixture, (struct agent_event){.kind = kind, .epoch = EPOCH});
}

static bool has_effect(const struct fixture *fixture, enum agent_effect_kind kind)
{
    for (size_t i = 0; i < fixture->effects.length; i++)
        if (fixture->effects.items[i].kind == kind)
            return true;
    return false;
}

static struct agent_report_item report(struct fixture *fixture)
{
    struct agent_report_item items[1];

    assert_int_equal(agent_write_report(fixture->agent, true, items), 1);
    return items[0];
}

static enum agent_phase phase(const struct fixture *fixture)
{
    return agent_view_attempt(fixture->agent, 0).phase;
}

/* One attempt that runs on a connected agent. */
static int set_up(void **state)
{
    static struct fixture fixture;
    struct agent_options options = {.capacity = {.cpus = 1, .memory = 1, .disk = 1},
                                    .attempts_max = 1,
                                    .heartbeat_ms = 1000,
                                    .grace_ms = 1000};
    struct agent_event connected = {.kind = AGENT_CONNECTED};
    struct agent_event start = {.kind = AGENT_START, .epoch = EPOCH};

    fixture = (struct fixture){.agent = agent_new(&options)};
    connected.connected.session = SESSION;
    connected.connected.heartbeat_ms = 1000;
    start.start.session = SESSION;
    start.start.request = options.capacity;
    start.start.lease_ms = LEASE_MS;
    step(&fixture, connected);
    step(&fixture, start);
    step_attempt(&fixture, AGENT_FETCHED);
    step_attempt(&fixture, AGENT_STARTED);
    assert_int_equal(phase(&fixture), AGENT_RUNNING);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    agent_free(fixture->agent);
    agent_effects_deinit(&fixture->effects);
    return 0;
}

static void an_attempt_that_vanishes_is_lost_at_once(void **state)
{
    struct fixture *fixture = *state;

    step_attempt(fixture, AGENT_VANISHED);
    assert_int_equal(phase(fixture), AGENT_ENDED);
    assert_int_equal(report(fixture).outcome, OUTCOME_LOST);
    assert_int_equal(report(fixture).reason, REASON_AGENT_LOST_IT);
    assert_true(has_effect(fixture, AGENT_REPORT));
    assert_false(has_effect(fixture, AGENT_COLLECT));
    assert_int_equal(agent_used(fixture->agent).cpus, 0);
}

static void an_attempt_that_vanishes_while_it_has_to_go_was_vacated(void **state)
{
    struct fixture *fixture = *state;

    step_attempt(fixture, AGENT_STOP);
    assert_int_equal(phase(fixture), AGENT_STOPPING);
    step_attempt(fixture, AGENT_VANISHED);
    assert_int_equal(report(fixture).outcome, OUTCOME_VACATED);
}

static void a_result_does_not_vanish(void **state)
{
    struct fixture *fixture = *state;

    step_attempt(fixture, AGENT_EXITED);
    assert_true(has_effect(fixture, AGENT_COLLECT));
    step_attempt(fixture, AGENT_COLLECTED);
    step_attempt(fixture, AGENT_VANISHED);
    assert_int_equal(report(fixture).outcome, OUTCOME_EXITED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_attempt_that_vanishes_is_lost_at_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_attempt_that_vanishes_while_it_has_to_go_was_vacated,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_result_does_not_vanish, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
