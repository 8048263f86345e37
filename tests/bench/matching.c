/* SPDX-License-Identifier: Apache-2.0 */
/*
 * matching [TASKS NODES]: a full scheduling pass of the pool's brain, with its tasks in 200 kinds
 * (20 classes by what they require times 10 requests) and its nodes in 500 classes, each class of
 * tasks suiting four fifths of the nodes; then, while the rest of the tasks waits, what one freed
 * node costs. At last, what it costs to find out that a task fits nowhere, in a pool whose nodes
 * are all of one class, the large ones lent for an hour and the small ones for ever.
 */
#include "core/pool.h"
#include "sys/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    JOB_CLASSES = 20,
    REQUESTS = 10,
    NODE_CLASSES = 500,
    CPUS = 1,
    FREED = 1000,
    HOUR_MS = 3600000,
    SEARCHES = 500
};

static const struct pool_options options = {
    .lease_ms = 60000, .margin_ms = 1000, .heartbeat_ms = 10000, .restored_lease_ms = 60000};
static struct pool_effects effects;
static uint64_t starts, last_epoch;
static uint32_t last_node;

/* Takes the event, and what the pool wants to do at once behind it. */
static void step(struct pool *pool, struct pool_event event)
{
    do {
        effects.length = 0;
        event.now_ms = 1000;
        if (pool_prepare(pool, &event, &effects) < 0)
            abort();
        pool_step(pool, &event, &effects);
        for (size_t i = 0; i < effects.length; i++) {
            if (effects.items[i].kind != POOL_SEND_START)
                continue;
            starts++;
            last_epoch = effects.items[i].send.epoch;
            last_node = effects.items[i].send.node;
        }
        event = (struct pool_event){.kind = POOL_TICK};
    } while (pool_next_step_ms(pool) == 1000);
}

static void tell_classes(struct pool *pool)
{
    int64_t preferences[NODE_CLASSES];

    for (uint32_t job_class = 1; job_class <= JOB_CLASSES; job_class++) {
        for (uint32_t i = 0; i < NODE_CLASSES; i++)
            preferences[i] = (job_class + i) % 5 == 0 ? POOL_NEVER : (int64_t)(i % 3);
        if (pool_set_job_class(pool, job_class, preferences, NODE_CLASSES) < 0)
            abort();
    }
}

static void submit(struct pool *pool, uint32_t tasks)
{
    uint32_t kinds = JOB_CLASSES * REQUESTS;

    for (uint32_t kind = 0; kind < kinds; kind++) {
        struct pool_part part = {.count = tasks / kinds,
                                 .request = {1, 1 + kind % REQUESTS, 1},
                                 .job_class = 1 + kind / REQUESTS};
        struct pool_event event = {.kind = POOL_SUBMIT,
                                   .submit = {.job = kind + 1, .parts = &part, .part_count = 1}};

        step(pool, event);
    }
}

static void report(struct pool *pool, uint32_t node, uint64_t lent_ms,
                   const struct pool_report_item *items, size_t count)
{
    step(pool, (struct pool_event){.kind = POOL_NODE_REPORTED,
                                   .reported = {.node = node,
                                                .session = node + 1,
                                                .sent_ms = 1,
                                                .highest_epoch = last_epoch,
                                                .full = count == 0,
                                                .lent_ms = lent_ms,
                                                .items = items,
                                                .item_count = count}});
}

/* All connect, but none is heard of yet: nothing starts. */
static void connect_nodes(struct pool *pool, uint32_t nodes)
{
    for (uint32_t node = 0; node < nodes; node++) {
        step(pool, (struct pool_event){.kind = POOL_NODE_CONNECTED,
                                       .connected = {.node = node,
                                                     .session = node + 1,
                                                     .machine = node + 1,
                                                     .capacity = {CPUS, 100, 100}}});
        step(pool, (struct pool_event){.kind = POOL_NODE_CHANGED,
                                       .changed = {.node = node,
                                                   .node_class = node % NODE_CLASSES,
                                                   .stay = (uint8_t)(node % 7)}});
        report(pool, node, 0, NULL, 0);
    }
}

static double free_nodes(struct pool *pool)
{
    uint64_t start_us = clock_boot_us();

    for (int i = 0; i < FREED; i++) {
        struct pool_report_item item = {.epoch = last_epoch,
                                        .state = ATTEMPT_ENDED,
                                        .outcome = OUTCOME_VACATED,
                                        .reason = REASON_OWNER_RETURNED};

        report(pool, last_node, 0, &item, 1);
    }
    return (double)(clock_boot_us() - start_us) / FREED;
}

/* Every other node is large and lent for an hour; no two have the same memory and disk. */
static void connect_two_sorts(struct pool *pool, uint32_t nodes)
{
    for (uint32_t node = 0; node < nodes; node++) {
        bool large = node % 2 == 0;
        uint64_t room = (large ? 1000000 : 100) + node % 997;

        step(pool, (struct pool_event){.kind = POOL_NODE_CONNECTED,
                                       .connected = {.node = node,
                                                     .session = node + 1,
                                                     .machine = node + 1,
                                                     .capacity = {large ? 16 : 2, room, room}}});
        report(pool, node, large ? HOUR_MS + node : 0, NULL, 0);
    }
}

/* How long the pool looks for a large node for two hours, of which it has none. */
static double search_in_vain(uint32_t nodes)
{
    struct pool *pool = pool_new(&options);
    uint64_t start_us;

    connect_two_sorts(pool, nodes);
    start_us = clock_boot_us();
    for (uint32_t job = 1; job <= SEARCHES; job++) {
        struct pool_part part = {
            .count = 1, .request = {8, 1000, 1000 + job}, .needed_ms = 2 * HOUR_MS};

        step(pool, (struct pool_event){.kind = POOL_SUBMIT,
                                       .submit = {.job = job, .parts = &part, .part_count = 1}});
    }
    start_us = clock_boot_us() - start_us;
    pool_free(pool);
    return (double)start_us / SEARCHES;
}

int main(int argc, char **argv)
{
    uint32_t tasks = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000;
    uint32_t nodes = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 100000;
    struct pool *pool = pool_new(&options);
    uint64_t start_us, pass_us;
    double freed_us, vain_us;

    tell_classes(pool);
    connect_nodes(pool, nodes);
    start_us = clock_boot_us();
    submit(pool, tasks);
    pass_us = clock_boot_us() - start_us;
    freed_us = free_nodes(pool);
    pool_free(pool);
    vain_us = search_in_vain(nodes);
    printf(
        "tasks %u nodes %u: full pass %.3f s, %llu starts, %.2f us each; one freed node %.2f us; "
        "one search in vain %.2f us\n",
        tasks, nodes, (double)pass_us / 1e6, (unsigned long long)(starts - FREED),
        (double)pass_us / (double)(starts - FREED), freed_us, vain_us);
    pool_effects_deinit(&effects);
    return 0;
}
