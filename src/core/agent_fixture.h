/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of the agent's brain: an agent with four CPUs, and short words for what happens to
 * it. Each step is prepared, may not allocate, and is followed by a look at all invariants; what it
 * caused is there until the next one, and a report that it wants is written. Time stands still but
 * for fixture_pass().
 */
#pragma once

#include "base/test.h"
#include "core/agent.h"

enum {
    FIXTURE_CPUS = 4,
    FIXTURE_ATTEMPTS = 6,
    FIXTURE_HEARTBEAT_MS = 10000,
    FIXTURE_LEASE_MS = 30000,
    FIXTURE_GRACE_MS = 5000,
    FIXTURE_SUSPEND_MS = 60000,
    FIXTURE_GIVE_BACK_MS = 20000,
    FIXTURE_KEEP_MS = 600000
};

struct agent_fixture {
    struct agent *agent;
    struct agent_effects effects; /* of the last step */
    uint64_t now_ms;
    uint64_t session;                                 /* the last one */
    struct agent_report_item items[FIXTURE_ATTEMPTS]; /* of the last report, if it made one */
    size_t item_count;
};

/* An agent that is connected and has reported that it holds nothing. */
int agent_fixture_set_up(void **state);
int agent_fixture_tear_down(void **state);

/* Takes the event at now_ms. */
void fixture_step(struct agent_fixture *fixture, struct agent_event event);
void fixture_pass(struct agent_fixture *fixture, uint64_t ms);
/* In a new session. */
void fixture_connect(struct agent_fixture *fixture);
/* The event, about this attempt or none; `failure` where it can have one. */
void fixture_tell(struct agent_fixture *fixture, enum agent_event_kind kind, uint64_t epoch);
void fixture_fail(struct agent_fixture *fixture, enum agent_event_kind kind, uint64_t epoch,
                  enum reason failure);
/* A start of this session for so many CPUs, with a whole lease from now. */
void fixture_start(struct agent_fixture *fixture, uint64_t epoch, uint32_t cpus);
/* Likewise, and it runs. */
void fixture_run(struct agent_fixture *fixture, uint64_t epoch, uint32_t cpus);
/* A whole lease from now. */
void fixture_renew(struct agent_fixture *fixture, uint64_t epoch);
/* It has saved itself, and the set is ready. */
void fixture_save(struct agent_fixture *fixture, uint64_t epoch);
/* By the server. */
void fixture_acknowledge(struct agent_fixture *fixture, uint64_t epoch, uint64_t checkpoint);
/* What the keeper has of one CPU, with a whole lease from now. */
void fixture_found(struct agent_fixture *fixture, uint64_t epoch, enum agent_phase phase);

bool fixture_holds(const struct agent_fixture *fixture, uint64_t epoch);
/* Of an attempt that is held. */
enum agent_phase fixture_phase(const struct agent_fixture *fixture, uint64_t epoch);
/* As a full report shows it; it must. */
struct agent_report_item fixture_item(struct agent_fixture *fixture, uint64_t epoch);
size_t fixture_count(const struct agent_fixture *fixture, enum agent_effect_kind kind);
/* The first effect of this kind; it must be there. */
const struct agent_effect *fixture_find(const struct agent_fixture *fixture,
                                        enum agent_effect_kind kind);

#define fixture_test(name)                                                                         \
    cmocka_unit_test_setup_teardown(name, agent_fixture_set_up, agent_fixture_tear_down)
