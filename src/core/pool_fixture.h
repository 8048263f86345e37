/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of the pool's brain: a pool, and short words for what happens to it. Each step is
 * prepared, may not allocate, and is followed by a look at all invariants; what it caused is there
 * until the next one.
 */
#pragma once

#include "base/test.h"
#include "core/pool.h"

enum {
    FIXTURE_LEASE_MS = 30000,
    FIXTURE_MARGIN_MS = 3000,
    FIXTURE_HEARTBEAT_MS = 10000,
    FIXTURE_MOVE_MS = 20000, /* of what is suspended */
    FIXTURE_WAKE_MS = 15000, /* of what waits while nodes sleep */
    FIXTURE_NODES = 8
};

struct pool_fixture {
    struct pool *pool;
    struct pool_effects effects; /* of the last step */
    uint64_t now_ms;
    uint64_t sessions[FIXTURE_NODES]; /* the last of each node */
    uint64_t last_session;
};

int pool_fixture_set_up(void **state);
int pool_fixture_tear_down(void **state);

/* Takes the event at now_ms, with 1 as its caller. */
void fixture_step(struct pool_fixture *fixture, struct pool_event event);
/* Lets time pass and calls whenever the pool asks for it; what all of that caused is there. */
void fixture_tick(struct pool_fixture *fixture, uint64_t after_ms);
/* One part of tasks that need one of everything, and time, if any is said. */
void fixture_submit_lasting(struct pool_fixture *fixture, uint32_t job, uint32_t tasks,
                            uint64_t needed_ms);
void fixture_submit(struct pool_fixture *fixture, uint32_t job, uint32_t tasks);
void fixture_submit_parts(struct pool_fixture *fixture, uint32_t job, int32_t priority, bool held,
                          const struct pool_part *parts, size_t count);
void fixture_choose(struct pool_fixture *fixture, enum pool_event_kind kind, uint32_t job,
                    uint32_t task);
/* Says hello in a new session, from the machine that always has this number. */
void fixture_connect(struct pool_fixture *fixture, uint32_t node, uint32_t cpus);
/* And reports that it holds nothing. */
void fixture_join(struct pool_fixture *fixture, uint32_t node, uint32_t cpus);
void fixture_join_gpus(struct pool_fixture *fixture, uint32_t node, uint32_t cpus, uint32_t gpus);
/* Joins, and its owner's hours begin in so long. */
void fixture_join_lent(struct pool_fixture *fixture, uint32_t node, uint32_t cpus,
                       uint64_t lent_ms);
/* A full report of nothing, from one that is lent for so long. */
void fixture_report_lent(struct pool_fixture *fixture, uint32_t node, uint64_t lent_ms);
void fixture_disconnect(struct pool_fixture *fixture, uint32_t node);
/* As an admin asks for. */
void fixture_drain(struct pool_fixture *fixture, uint32_t node, bool drained, bool now);
/*
 * A report of the last session; `highest` is the highest epoch that the agent has seen. The owner
 * is there if something is suspended.
 */
void fixture_report(struct pool_fixture *fixture, uint32_t node, bool full, uint64_t highest,
                    const struct pool_report_item *items, size_t count);
/* A full report of nothing, and it goes to sleep; then its connection is closed. */
void fixture_sleep(struct pool_fixture *fixture, uint32_t node);
/* A full report of one attempt. */
void fixture_show(struct pool_fixture *fixture, uint32_t node, uint64_t epoch,
                  enum attempt_state state);
/* News that it ended. */
void fixture_end(struct pool_fixture *fixture, uint32_t node, uint64_t epoch, enum outcome outcome,
                 enum reason reason);
void fixture_collected(struct pool_fixture *fixture, uint64_t epoch, enum reason failure);

size_t fixture_count(const struct pool_fixture *fixture, enum pool_effect_kind kind);
/* The first effect of this kind; it must be there. */
const struct pool_effect *fixture_find(const struct pool_fixture *fixture,
                                       enum pool_effect_kind kind);
/* The epoch of the only start; there must be one. */
uint64_t fixture_started(const struct pool_fixture *fixture);
enum pool_reply fixture_reply(const struct pool_fixture *fixture);
/* Of a task that is not over. */
enum task_state fixture_state(const struct pool_fixture *fixture, uint32_t job, uint32_t task);
struct pool_counts fixture_counts(const struct pool_fixture *fixture, uint32_t job);
bool fixture_has_job(const struct pool_fixture *fixture, uint32_t job);

#define fixture_test(name)                                                                         \
    cmocka_unit_test_setup_teardown(name, pool_fixture_set_up, pool_fixture_tear_down)
