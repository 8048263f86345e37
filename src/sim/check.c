/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must always be true, seen from outside of the brains: it looks at processes and rows, not at
 * what the brains believe.
 */
#include "world.h"

#include "core/words.h"

static uint64_t task_key(uint32_t job, uint32_t task)
{
    return (uint64_t)job << 32 | task;
}

void check_process_runs(struct world *world, uint32_t number, const struct process *process)
{
    uint64_t other;

    if (map_get(&world->running, task_key(process->job, process->task), &other))
        world_fail(world, "task %u.%u runs on pc%u while it still runs on pc%u", process->job,
                   process->task, number + 1, (uint32_t)other);
    map_put(&world->running, task_key(process->job, process->task), number + 1);
}

void check_process_rests(struct world *world, const struct process *process)
{
    map_remove(&world->running, task_key(process->job, process->task));
}

void check_computer(struct world *world, uint32_t number)
{
    const struct computer *computer = &world->computers[number];
    struct resources used = {0};

    for (size_t i = 0; i < computer->process_count; i++) {
        const struct process *process = &computer->processes[i];

        if (process->state == PROCESS_EXITED)
            continue;
        resources_give(&used, &process->request);
        if (process->state == PROCESS_RUNNING && computer->owner_present && computer->agent &&
            computer->power == POWER_ON &&
            world->now_ms - computer->owner_since_ms > GRACE_MS + 1000)
            world_fail(world, "%u.%u runs on pc%u although its owner is there", process->job,
                       process->task, number + 1);
    }
    if (used.cpus > computer->cpus)
        world_fail(world, "pc%u has %u CPUs and runs what needs %u", number + 1, computer->cpus,
                   used.cpus);
}

void check_commit(struct world *world, const struct pool_task_row *before,
                  const struct pool_task_row *after)
{
    uint64_t finished;

    if (task_state_is_over(before->state) && after->state != before->state)
        world_fail(world, "%u.%u was recorded as %s and becomes %s", after->job, after->task,
                   task_state_name(before->state), task_state_name(after->state));
    if (after->attempts < before->attempts)
        world_fail(world, "%u.%u had %u attempts and now has %u", after->job, after->task,
                   before->attempts, after->attempts);
    if (after->state != TASK_COMPLETED)
        return;
    if (before->state == TASK_COMPLETED)
        world_fail(world, "the result of %u.%u is recorded twice", after->job, after->task);
    if (!map_get(&world->finished, before->epoch, &finished))
        world_fail(world, "%u.%u is recorded as completed, but no attempt ran to its end",
                   after->job, after->task);
    world->result.results++;
}

void check_pool(struct world *world)
{
    world->result.steps++;
    if (world->options.check_rarely && world->result.pool_steps % 1000 != 0)
        return;
    pool_assert_invariants(world->server.pool);
}

/* After everything ended: all that was acknowledged is there, and all of it is over. */
void check_end(struct world *world)
{
    const struct disk *disk = &world->server.disk;
    struct pool_counts left = pool_count_all(world->server.pool);

    if (disk->job_count < world->server.jobs_acknowledged)
        world_fail(world, "%u jobs were acknowledged, %zu are there",
                   world->server.jobs_acknowledged, disk->job_count);
    for (size_t i = 0; i < disk->job_count; i++) {
        const struct pool_job_row *job = &disk->jobs[i];
        uint32_t completed = 0;

        for (size_t j = 0; j < disk->row_count; j++)
            if (disk->rows[j].job == job->job && disk->rows[j].state == TASK_COMPLETED)
                completed++;
        if (completed != job->completed)
            world_fail(world, "job %u counts %u results and has %u", job->job, job->completed,
                       completed);
    }
    if (left.tasks != 0)
        world_fail(world, "all is over, but %u tasks are left in the brain", left.tasks);
}
