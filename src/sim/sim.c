/* SPDX-License-Identifier: Apache-2.0 */
/* One run: faults for a while, then none, then everything must have ended. */
#include "world.h"

#include <time.h>

enum { DAY_MS = 24 * HOUR_MS };

struct sim_options sim_options_usual(uint64_t seed)
{
    static const uint32_t crash_parts[] = {300, 300, 3000, 30000};
    static const uint64_t move_suspended_ms[] = {0, 1, 30000, MINUTE_MS, SUSPEND_FOR_MS - 5000};
    static const uint32_t policies[] = {0, 0, 300000, 1000000};
    static const uint32_t message_parts[] = {0, 0, 0, 5000, 10000, 50000};
    struct random random = {.state = seed};
    struct sim_options options = {.seed = seed, .cpus = 4, .faults = 100};

    options.agents = (uint32_t)random_between(&random, 1, 10);
    options.tasks = (uint32_t)random_between(&random, 1, 80);
    options.duration_ms = random_between(&random, 1, 8) * HOUR_MS;
    options.task_ms_max = random_between(&random, 1, 30) * MINUTE_MS;
    options.fault_mix = (uint32_t)random_next(&random) & SIM_FAULT_ALL;
    if (random_chance(&random, 300000))
        options.fault_mix = SIM_FAULT_ALL;
    options.crash_parts = crash_parts[random_below(&random, ARRAY_LENGTH(crash_parts))];
    options.loss = message_parts[random_below(&random, ARRAY_LENGTH(message_parts))];
    options.repeat = message_parts[random_below(&random, ARRAY_LENGTH(message_parts))];
    options.late = message_parts[random_below(&random, ARRAY_LENGTH(message_parts))];
    /* Where only the server fails, nothing may ever be computed again: check.c looks. */
    if (random_chance(&random, 50000)) {
        options.fault_mix = SIM_FAULT_SERVER;
        options.loss = options.repeat = options.late = 0;
    }
    options.move_suspended_ms =
        move_suspended_ms[random_below(&random, ARRAY_LENGTH(move_suspended_ms))];
    options.policies = policies[random_below(&random, ARRAY_LENGTH(policies))];
    options.hours = random_chance(&random, 300000);
    options.ranks = random_chance(&random, 400000);
    return options;
}

/* How long the rest may take when nothing goes wrong any more: all tasks one after the other. */
static uint64_t time_to_end_ms(const struct sim_options *options)
{
    return DAY_MS + options->tasks * options->task_ms_max * 2;
}

static uint32_t unfinished(const struct world *world)
{
    struct pool_counts counts;

    if (!world->server.pool)
        return world->options.tasks;
    counts = pool_count_all(world->server.pool);
    return counts.tasks - counts.by_state[TASK_COMPLETED] - counts.by_state[TASK_REMOVED];
}

struct sim_result sim_run(const struct sim_options *options)
{
    clock_t begun = clock();
    struct sim_result result;
    struct world world;
    uint64_t end_ms;

    world_init(&world, options);
    faults_begin(&world);
    while (options->faults > 0 && world_advance(&world, options->duration_ms))
        continue;
    faults_end(&world);
    end_ms = world.now_ms + time_to_end_ms(options);
    while (!world_is_done(&world))
        if (!world_advance(&world, end_ms))
            world_fail(&world, "the faults are over for long, but %u of %u tasks are not over",
                       unfinished(&world), options->tasks);
    check_end(&world);
    result = world.result;
    result.seeds = 1;
    result.digest = world.digest.value;
    result.virtual_ms = world.now_ms;
    world_deinit(&world);
    result.seconds = (double)(clock() - begun) / CLOCKS_PER_SEC;
    return result;
}
