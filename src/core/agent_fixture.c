/* SPDX-License-Identifier: Apache-2.0 */
#include "core/agent_fixture.h"

#include "base/memory.h"

int agent_fixture_set_up(void **state)
{
    static const struct agent_options options = {
        .capacity = {FIXTURE_CPUS, FIXTURE_CPUS, FIXTURE_CPUS, FIXTURE_CPUS},
        .attempts_max = FIXTURE_ATTEMPTS,
        .heartbeat_ms = FIXTURE_HEARTBEAT_MS,
        .grace_ms = FIXTURE_GRACE_MS,
        .suspend_for_ms = FIXTURE_SUSPEND_MS,
        .give_back_memory_ms = FIXTURE_GIVE_BACK_MS,
        .keep_lapsed_ms = FIXTURE_KEEP_MS};
    struct agent_fixture *fixture = memory_allocate(sizeof(*fixture));

    fixture->agent = agent_new(&options);
    fixture->now_ms = 1000;
    fixture_connect(fixture);
    *state = fixture;
    return 0;
}

int agent_fixture_tear_down(void **state)
{
    struct agent_fixture *fixture = *state;

    agent_free(fixture->agent);
    agent_effects_deinit(&fixture->effects);
    free(fixture);
    return 0;
}

void fixture_step(struct agent_fixture *fixture, struct agent_event event)
{
    event.now_ms = fixture->now_ms;
    fixture->effects.length = 0;
    assert_int_equal(agent_prepare(fixture->agent, &fixture->effects), 0);
    memory_forbid(true);
    agent_step(fixture->agent, &event, &fixture->effects);
    memory_forbid(false);
    agent_assert_invariants(fixture->agent);
    fixture->item_count = 0;
    for (size_t i = 0; i < fixture->effects.length; i++)
        if (fixture->effects.items[i].kind == AGENT_REPORT)
            fixture->item_count =
                agent_write_report(fixture->agent, fixture->effects.items[i].full, fixture->items);
}

void fixture_pass(struct agent_fixture *fixture, uint64_t ms)
{
    fixture->now_ms += ms;
    fixture_tell(fixture, AGENT_TICK, 0);
}

void fixture_connect(struct agent_fixture *fixture)
{
    struct agent_event event = {.kind = AGENT_CONNECTED};

    event.connected.session = ++fixture->session;
    event.connected.heartbeat_ms = FIXTURE_HEARTBEAT_MS;
    fixture_step(fixture, event);
}

void fixture_tell(struct agent_fixture *fixture, enum agent_event_kind kind, uint64_t epoch)
{
    fixture_step(fixture, (struct agent_event){.kind = kind, .epoch = epoch});
}

void fixture_fail(struct agent_fixture *fixture, enum agent_event_kind kind, uint64_t epoch,
                  enum reason failure)
{
    fixture_step(fixture, (struct agent_event){.kind = kind, .epoch = epoch, .failure = failure});
}

void fixture_start(struct agent_fixture *fixture, uint64_t epoch, uint32_t cpus)
{
    fixture_step(fixture, (struct agent_event){.kind = AGENT_START,
                                               .epoch = epoch,
                                               .start = {.session = fixture->session,
                                                         .job = 1,
                                                         .task = (uint32_t)epoch,
                                                         .attempt = 2,
                                                         .request = {cpus, cpus, cpus},
                                                         .answers_ms = fixture->now_ms,
                                                         .lease_ms = FIXTURE_LEASE_MS}});
}

void fixture_run(struct agent_fixture *fixture, uint64_t epoch, uint32_t cpus)
{
    fixture_start(fixture, epoch, cpus);
    fixture_tell(fixture, AGENT_FETCHED, epoch);
    fixture_tell(fixture, AGENT_STARTED, epoch);
}

void fixture_renew(struct agent_fixture *fixture, uint64_t epoch)
{
    fixture_step(fixture, (struct agent_event){.kind = AGENT_RENEWED,
                                               .epoch = epoch,
                                               .start = {.session = fixture->session,
                                                         .answers_ms = fixture->now_ms,
                                                         .lease_ms = FIXTURE_LEASE_MS}});
}

void fixture_save(struct agent_fixture *fixture, uint64_t epoch)
{
    fixture_tell(fixture, AGENT_SAVED_ITSELF, epoch);
    fixture_tell(fixture, AGENT_SAVED, epoch);
}

void fixture_acknowledge(struct agent_fixture *fixture, uint64_t epoch, uint64_t checkpoint)
{
    struct agent_event event = {.kind = AGENT_ACKNOWLEDGED, .epoch = epoch};

    event.checkpoint = checkpoint;
    fixture_step(fixture, event);
}

void fixture_found(struct agent_fixture *fixture, uint64_t epoch, enum agent_phase phase)
{
    fixture_step(fixture, (struct agent_event){
                              .kind = AGENT_FOUND,
                              .epoch = epoch,
                              .found = {.job = 1,
                                        .task = (uint32_t)epoch,
                                        .attempt = 2,
                                        .request = {1, 1, 1},
                                        .phase = phase,
                                        .lease_end_ms = fixture->now_ms + FIXTURE_LEASE_MS}});
}

bool fixture_holds(const struct agent_fixture *fixture, uint64_t epoch)
{
    for (size_t i = 0; i < agent_count_attempts(fixture->agent); i++)
        if (agent_view_attempt(fixture->agent, i).epoch == epoch)
            return true;
    return false;
}

enum agent_phase fixture_phase(const struct agent_fixture *fixture, uint64_t epoch)
{
    for (size_t i = 0; i < agent_count_attempts(fixture->agent); i++)
        if (agent_view_attempt(fixture->agent, i).epoch == epoch)
            return agent_view_attempt(fixture->agent, i).phase;
    fail_msg("epoch %llu is not held", (unsigned long long)epoch);
    return AGENT_PHASE_COUNT;
}

struct agent_report_item fixture_item(struct agent_fixture *fixture, uint64_t epoch)
{
    struct agent_report_item items[FIXTURE_ATTEMPTS];
    size_t count = agent_write_report(fixture->agent, true, items);

    for (size_t i = 0; i < count; i++)
        if (items[i].epoch == epoch)
            return items[i];
    fail_msg("epoch %llu is not reported", (unsigned long long)epoch);
    return items[0];
}

size_t fixture_count(const struct agent_fixture *fixture, enum agent_effect_kind kind)
{
    size_t count = 0;

    for (size_t i = 0; i < fixture->effects.length; i++)
        count += fixture->effects.items[i].kind == kind;
    return count;
}

const struct agent_effect *fixture_find(const struct agent_fixture *fixture,
                                        enum agent_effect_kind kind)
{
    for (size_t i = 0; i < fixture->effects.length; i++)
        if (fixture->effects.items[i].kind == kind)
            return &fixture->effects.items[i];
    fail_msg("there is no effect %d", (int)kind);
    return NULL;
}
