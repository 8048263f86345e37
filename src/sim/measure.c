/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the pool's brain costs, without a world around it: all nodes are full and always busy, and
 * each end of a task makes room for the next one. Per task there are four steps, as in a real pool:
 * a node's news that the attempt runs, its news that it ended, the word that the outputs are there,
 * and a full report of some node. What has to be flat is the cost of one more task from a hundred
 * nodes to a hundred thousand.
 */
#include "sim.h"

#include "core/pool.h"

#include "base/memory.h"

#include <time.h>

enum { CPUS = 4, TASKS = 400000, LEASE_MS = 60000, STEPS_A_MS = 50 };

struct start {
    uint32_t node;
    uint64_t epoch;
};

struct measure {
    struct pool *pool;
    struct pool_effects effects;
    uint64_t steps;
    uint64_t *held;       /* CPUS epochs for each node, 0 where there is none */
    struct start *starts; /* in the order in which they were sent */
    size_t start_count, start_capacity;
};

static void hold(struct measure *measure, uint32_t node, uint64_t before, uint64_t after)
{
    uint64_t *held = &measure->held[(size_t)node * CPUS];

    for (int i = 0; i < CPUS; i++)
        if (held[i] == before) {
            held[i] = after;
            return;
        }
}

static void perform(struct measure *measure, const struct pool_effect *effect)
{
    if (effect->kind == POOL_SEND_FORGET)
        hold(measure, effect->send.node, effect->send.epoch, 0);
    if (effect->kind != POOL_SEND_START)
        return;
    hold(measure, effect->send.node, 0, effect->send.epoch);
    array_reserve(measure->starts, measure->start_capacity, measure->start_count + 1);
    measure->starts[measure->start_count++] = (struct start){effect->send.node, effect->send.epoch};
}

static void step(struct measure *measure, struct pool_event event)
{
    event.now_ms = measure->steps++ / STEPS_A_MS;
    if (pool_prepare(measure->pool, &event, &measure->effects) < 0)
        abort();
    pool_step(measure->pool, &event, &measure->effects);
    for (size_t i = 0; i < measure->effects.length; i++)
        perform(measure, &measure->effects.items[i]);
    measure->effects.length = 0;
}

static void report(struct measure *measure, uint32_t node, bool full,
                   const struct pool_report_item *items, size_t count)
{
    step(measure, (struct pool_event){.kind = POOL_NODE_REPORTED,
                                      .reported = {.node = node,
                                                   .session = 1,
                                                   .highest_epoch = UINT64_MAX,
                                                   .full = full,
                                                   .items = items,
                                                   .item_count = count}});
}

static void report_all(struct measure *measure, uint32_t node)
{
    struct pool_report_item items[CPUS];
    size_t count = 0;

    for (int i = 0; i < CPUS; i++)
        if (measure->held[(size_t)node * CPUS + i] != 0)
            items[count++] = (struct pool_report_item){
                .epoch = measure->held[(size_t)node * CPUS + i], .state = ATTEMPT_RUNNING};
    report(measure, node, true, items, count);
}

static void fill(struct measure *measure, uint32_t agents)
{
    struct pool_part part = {.count = agents * CPUS + TASKS, .request = {1, 1, 1}};
    struct pool_event submit = {.kind = POOL_SUBMIT};

    submit.submit.job = 1;
    submit.submit.parts = &part;
    submit.submit.part_count = 1;
    step(measure, submit);
    for (uint32_t node = 0; node < agents; node++) {
        step(measure, (struct pool_event){.kind = POOL_NODE_CONNECTED,
                                          .connected = {.node = node,
                                                        .session = 1,
                                                        .machine = node + 1,
                                                        .capacity = {CPUS, CPUS, CPUS}}});
        report(measure, node, true, NULL, 0);
    }
    while (pool_next_step_ms(measure->pool) <= measure->steps / STEPS_A_MS)
        step(measure, (struct pool_event){.kind = POOL_TICK});
}

static void run_task(struct measure *measure, size_t number, uint32_t agents)
{
    struct start start = measure->starts[number];
    struct pool_report_item item = {.epoch = start.epoch, .state = ATTEMPT_RUNNING};

    report(measure, start.node, false, &item, 1);
    item.state = ATTEMPT_ENDED;
    item.outcome = OUTCOME_EXITED;
    report(measure, start.node, false, &item, 1);
    step(measure, (struct pool_event){.kind = POOL_COLLECTED, .collected.epoch = start.epoch});
    report_all(measure, (uint32_t)(number % agents));
}

void sim_measure(uint32_t agents, FILE *out)
{
    static const struct pool_options options = {
        .lease_ms = LEASE_MS, .margin_ms = LEASE_MS, .heartbeat_ms = LEASE_MS};
    struct measure measure = {.pool = pool_new(&options),
                              .held = memory_allocate((size_t)agents * CPUS * sizeof(uint64_t))};
    uint64_t steps_before;
    clock_t begun;
    double us;

    if (!measure.pool)
        abort();
    fill(&measure, agents);
    steps_before = measure.steps;
    begun = clock();
    for (size_t i = 0; i < TASKS; i++)
        run_task(&measure, i, agents);
    us = (double)(clock() - begun) * 1e6 / CLOCKS_PER_SEC;
    fprintf(out, "agents %u tasks %d step_us %.3f task_us %.3f\n", agents, TASKS,
            us / (double)(measure.steps - steps_before), us / TASKS);
    fflush(out);
    pool_free(measure.pool);
    pool_effects_deinit(&measure.effects);
    free(measure.held);
    free(measure.starts);
}
