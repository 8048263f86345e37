/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pool_fixture.h"

#include "base/memory.h"

int pool_fixture_set_up(void **state)
{
    static const struct pool_options options = {.lease_ms = FIXTURE_LEASE_MS,
                                                .margin_ms = FIXTURE_MARGIN_MS,
                                                .heartbeat_ms = FIXTURE_HEARTBEAT_MS,
                                                .restored_lease_ms = FIXTURE_LEASE_MS,
                                                .move_suspended_ms = FIXTURE_MOVE_MS,
                                                .wake_after_ms = FIXTURE_WAKE_MS};
    struct pool_fixture *fixture = memory_allocate(sizeof(*fixture));

    fixture->pool = pool_new(&options);
    fixture->now_ms = 1000;
    *state = fixture;
    return 0;
}

int pool_fixture_tear_down(void **state)
{
    struct pool_fixture *fixture = *state;

    pool_free(fixture->pool);
    pool_effects_deinit(&fixture->effects);
    free(fixture);
    return 0;
}

/* Appends to the effects that are there. */
static void take(struct pool_fixture *fixture, struct pool_event event)
{
    event.now_ms = fixture->now_ms;
    event.caller = 1;
    assert_int_equal(pool_prepare(fixture->pool, &event, &fixture->effects), 0);
    memory_forbid(true);
    pool_step(fixture->pool, &event, &fixture->effects);
    memory_forbid(false);
    pool_assert_invariants(fixture->pool);
}

void fixture_step(struct pool_fixture *fixture, struct pool_event event)
{
    fixture->effects.length = 0;
    take(fixture, event);
}

void fixture_tick(struct pool_fixture *fixture, uint64_t after_ms)
{
    uint64_t until_ms = fixture->now_ms + after_ms;

    fixture->effects.length = 0;
    do {
        uint64_t next_ms = pool_next_step_ms(fixture->pool);

        if (next_ms > until_ms)
            next_ms = until_ms;
        if (next_ms > fixture->now_ms)
            fixture->now_ms = next_ms;
        take(fixture, (struct pool_event){.kind = POOL_TICK});
    } while (fixture->now_ms < until_ms);
}

void fixture_submit_parts(struct pool_fixture *fixture, uint32_t job, int32_t priority, bool held,
                          const struct pool_part *parts, size_t count)
{
    fixture_step(fixture, (struct pool_event){.kind = POOL_SUBMIT,
                                              .submit = {.job = job,
                                                         .priority = priority,
                                                         .held = held,
                                                         .parts = parts,
                                                         .part_count = count}});
}

void fixture_submit_lasting(struct pool_fixture *fixture, uint32_t job, uint32_t tasks,
                            uint64_t needed_ms)
{
    struct pool_part part = {.count = tasks, .request = {1, 1, 1}, .needed_ms = needed_ms};

    fixture_submit_parts(fixture, job, 0, false, &part, 1);
}

void fixture_submit(struct pool_fixture *fixture, uint32_t job, uint32_t tasks)
{
    fixture_submit_lasting(fixture, job, tasks, 0);
}

void fixture_choose(struct pool_fixture *fixture, enum pool_event_kind kind, uint32_t job,
                    uint32_t task)
{
    fixture_step(fixture, (struct pool_event){.kind = kind, .choice = {job, task}});
}

static void connect_node(struct pool_fixture *fixture, uint32_t node, struct resources capacity)
{
    fixture->sessions[node] = ++fixture->last_session;
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_CONNECTED,
                                              .connected = {.node = node,
                                                            .session = fixture->last_session,
                                                            .machine = node + 1,
                                                            .capacity = capacity}});
}

void fixture_connect(struct pool_fixture *fixture, uint32_t node, uint32_t cpus)
{
    connect_node(fixture, node, (struct resources){cpus, cpus, cpus});
}

void fixture_join(struct pool_fixture *fixture, uint32_t node, uint32_t cpus)
{
    fixture_join_gpus(fixture, node, cpus, 0);
}

void fixture_join_gpus(struct pool_fixture *fixture, uint32_t node, uint32_t cpus, uint32_t gpus)
{
    connect_node(fixture, node, (struct resources){cpus, cpus, cpus, gpus});
    assert_int_equal(fixture_reply(fixture), POOL_REPLY_NODE_ACCEPTED);
    fixture_report(fixture, node, true, 0, NULL, 0);
}

void fixture_report_lent(struct pool_fixture *fixture, uint32_t node, uint64_t lent_ms)
{
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_REPORTED,
                                              .reported = {.node = node,
                                                           .session = fixture->sessions[node],
                                                           .full = true,
                                                           .lent_ms = lent_ms}});
}

void fixture_join_lent(struct pool_fixture *fixture, uint32_t node, uint32_t cpus, uint64_t lent_ms)
{
    fixture_connect(fixture, node, cpus);
    assert_int_equal(fixture_reply(fixture), POOL_REPLY_NODE_ACCEPTED);
    fixture_report_lent(fixture, node, lent_ms);
}

void fixture_disconnect(struct pool_fixture *fixture, uint32_t node)
{
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_DISCONNECTED,
                                              .disconnected = {node, fixture->sessions[node]}});
}

void fixture_drain(struct pool_fixture *fixture, uint32_t node, bool drained, bool now)
{
    fixture_step(fixture,
                 (struct pool_event){.kind = POOL_NODE_DRAINED,
                                     .drained = {.node = node, .drained = drained, .now = now}});
}

static bool is_any_suspended(const struct pool_report_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (items[i].state == ATTEMPT_SUSPENDED)
            return true;
    return false;
}

void fixture_report(struct pool_fixture *fixture, uint32_t node, bool full, uint64_t highest,
                    const struct pool_report_item *items, size_t count)
{
    bool owner_present = is_any_suspended(items, count);

    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_REPORTED,
                                              .reported = {.node = node,
                                                           .session = fixture->sessions[node],
                                                           .sent_ms = fixture->now_ms / 2,
                                                           .highest_epoch = highest,
                                                           .full = full,
                                                           .owner_present = owner_present,
                                                           .items = items,
                                                           .item_count = count}});
}

void fixture_sleep(struct pool_fixture *fixture, uint32_t node)
{
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_REPORTED,
                                              .reported = {.node = node,
                                                           .session = fixture->sessions[node],
                                                           .full = true,
                                                           .asleep = true}});
    fixture_disconnect(fixture, node);
}

void fixture_show(struct pool_fixture *fixture, uint32_t node, uint64_t epoch,
                  enum attempt_state state)
{
    struct pool_report_item item = {.epoch = epoch, .state = state};

    fixture_report(fixture, node, true, epoch, &item, 1);
}

void fixture_end(struct pool_fixture *fixture, uint32_t node, uint64_t epoch, enum outcome outcome,
                 enum reason reason)
{
    struct pool_report_item item = {
        .epoch = epoch, .state = ATTEMPT_ENDED, .outcome = outcome, .reason = reason};

    fixture_report(fixture, node, false, epoch, &item, 1);
}

void fixture_collected(struct pool_fixture *fixture, uint64_t epoch, enum reason failure)
{
    fixture_step(fixture, (struct pool_event){.kind = POOL_COLLECTED,
                                              .collected = {.epoch = epoch, .failure = failure}});
}

size_t fixture_count(const struct pool_fixture *fixture, enum pool_effect_kind kind)
{
    size_t count = 0;

    for (size_t i = 0; i < fixture->effects.length; i++)
        count += fixture->effects.items[i].kind == kind;
    return count;
}

const struct pool_effect *fixture_find(const struct pool_fixture *fixture,
                                       enum pool_effect_kind kind)
{
    for (size_t i = 0; i < fixture->effects.length; i++)
        if (fixture->effects.items[i].kind == kind)
            return &fixture->effects.items[i];
    fail_msg("there is no effect %d", (int)kind);
    return NULL;
}

uint64_t fixture_started(const struct pool_fixture *fixture)
{
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 1);
    return fixture_find(fixture, POOL_SEND_START)->send.epoch;
}

enum pool_reply fixture_reply(const struct pool_fixture *fixture)
{
    assert_int_equal(fixture_count(fixture, POOL_REPLY), 1);
    return fixture_find(fixture, POOL_REPLY)->reply.reply;
}

enum task_state fixture_state(const struct pool_fixture *fixture, uint32_t job, uint32_t task)
{
    struct pool_task_row row;

    assert_true(pool_view_task(fixture->pool, job, task, &row));
    return row.state;
}

struct pool_counts fixture_counts(const struct pool_fixture *fixture, uint32_t job)
{
    struct pool_counts counts;

    assert_true(pool_count_job(fixture->pool, job, &counts));
    return counts;
}

bool fixture_has_job(const struct pool_fixture *fixture, uint32_t job)
{
    struct pool_counts counts;

    return pool_count_job(fixture->pool, job, &counts);
}
