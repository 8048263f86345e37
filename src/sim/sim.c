/* SPDX-License-Identifier: Apache-2.0 */
/* One run: faults for a while, then none, then everything must have ended. */
#include "sim.h"

#include "world.h"

enum { DAY_MS = 86400000 };

struct sim_options sim_options_usual(uint64_t seed)
{
    struct random random = {.state = seed};

    return (struct sim_options){
        .seed = seed,
        .agents = (uint32_t)random_between(&random, 1, 10),
        .tasks = (uint32_t)random_between(&random, 1, 80),
        .cpus = 4,
        .duration_ms = random_between(&random, 1, 8) * 3600000,
        .task_ms_max = random_between(&random, 1, 30) * 60000,
        .faults = 100,
        .loss = random_chance(&random, 500000) ? 10000 : 0,
        .repeat = random_chance(&random, 500000) ? 10000 : 0,
        .late = random_chance(&random, 500000) ? 5000 : 0,
    };
}

/* How long the rest may take when nothing goes wrong any more: all tasks one after the other. */
static uint64_t time_to_end_ms(const struct sim_options *options)
{
    return DAY_MS + options->tasks * options->task_ms_max * 2;
}

static uint32_t unfinished(const struct pool *pool)
{
    struct pool_counts counts = pool_count_all(pool);

    return counts.tasks - counts.by_state[TASK_COMPLETED] - counts.by_state[TASK_REMOVED];
}

struct sim_result sim_run(const struct sim_options *options)
{
    struct sim_result result;
    struct world world;
    uint64_t end_ms;

    world_init(&world, options);
    faults_begin(&world);
    while (options->faults > 0 && world_advance(&world, options->duration_ms))
        continue;
    faults_end(&world);
    end_ms = world.now_ms + time_to_end_ms(options);
    while (!(server_is_done(&world) && pool_count_all(world.server.pool).tasks == 0 &&
             world.tasks_submitted >= options->tasks))
        if (!world_advance(&world, end_ms))
            world_fail(&world, "the faults are over for long, but %u of %u tasks are not over",
                       world.server.pool ? unfinished(world.server.pool) : options->tasks,
                       options->tasks);
    check_end(&world);
    world.result.digest = world.digest.value;
    world.result.virtual_ms = world.now_ms;
    result = world.result;
    world_deinit(&world);
    return result;
}
