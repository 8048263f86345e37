/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must always be true, seen from outside of the brains: it looks at processes, rows and what
 * users were told, not at what the brains believe.
 */
#include "world.h"

#include "core/words.h"

#include <string.h>

/* A little more than timers need to fire; and a policy is looked at now and then: three times. */
enum { SLACK_MS = 1000, LOOKS_MS = 20000 };
/* How old the last report may be that a server goes by which stood still with its inbox full. */
enum { REPORT_AGE_MS = 60000 };

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

/* Whether its owner has been short of memory for so long that nothing of it may be here. */
static bool must_give_memory_back(const struct world *world, const struct computer *computer,
                                  const struct process *process)
{
    uint64_t from_ms = computer->owner_since_ms + GIVE_BACK_MEMORY_MS;

    if (computer->memory_short_ms == UINT64_MAX || desk_may_push_out(process->epoch))
        return false;
    if (computer->memory_short_ms > from_ms)
        from_ms = computer->memory_short_ms;
    return world->now_ms > from_ms + GRACE_MS + SLACK_MS;
}

/* The owner's agent is awake and knows him: nothing computes, and after a while nothing is there.
 */
static void check_owner(struct world *world, uint32_t number, const struct process *process)
{
    const struct computer *computer = &world->computers[number];
    uint64_t since_ms = world->now_ms - computer->owner_since_ms;
    uint64_t ending_ms = world->now_ms - process->ending_ms;

    if (!computer->agent || computer->power != POWER_ON ||
        agent_owner(computer->agent) != OWNER_PRESENT || process->state == PROCESS_EXITED)
        return;
    if (process->state == PROCESS_RUNNING && !process->ending)
        world_fail(world, "%u.%u runs on pc%u although its owner is there", process->job,
                   process->task, number + 1);
    /* One that was told to stop before he came, or one that leaves him. */
    if (process->state == PROCESS_RUNNING && since_ms > GRACE_MS + SLACK_MS &&
        ending_ms > GRACE_MS + SLACK_MS)
        world_fail(world, "%u.%u still runs on pc%u after its grace, and its owner is there",
                   process->job, process->task, number + 1);
    if (since_ms > SUSPEND_FOR_MS + GRACE_MS + SLACK_MS + (computer->by_policy ? LOOKS_MS : 0))
        world_fail(world, "%u.%u is still on pc%u, whose owner wants it back", process->job,
                   process->task, number + 1);
    if (must_give_memory_back(world, computer, process))
        world_fail(world, "%u.%u is still on pc%u, whose owner is short of memory", process->job,
                   process->task, number + 1);
}

/* Whoever waits for room waits for room that there will be. */
static void check_waiting(struct world *world, uint32_t number)
{
    const struct computer *computer = &world->computers[number];

    for (size_t i = 0; computer->agent && i < agent_count_attempts(computer->agent); i++) {
        struct agent_attempt_view view = agent_view_attempt(computer->agent, i);

        if (view.phase == AGENT_WAITING && !resources_fit(&view.request, &computer->capacity))
            world_fail(world, "%u.%u waits on pc%u for %u CPUs and %u GPUs, and it has %u and %u",
                       view.job, view.task, number + 1, view.request.cpus, view.request.gpus,
                       computer->capacity.cpus, computer->capacity.gpus);
    }
}

void check_computer(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];
    struct resources used = keeper_in_use(computer, false);
    struct resources most = resources_larger(&computer->capacity, &computer->in_use_max);

    check_waiting(world, number);
    desk_check(world, number);
    for (size_t i = 0; i < computer->process_count; i++)
        check_owner(world, number, &computer->processes[i]);
    if (!resources_fit(&used, &most))
        world_fail(world, "pc%u has %u CPUs, %u GPUs and runs what needs %u and %u", number + 1,
                   computer->capacity.cpus, computer->capacity.gpus, used.cpus, used.gpus);
    /* What was found beyond its room may end, and nothing may take its place; who has saved itself
     * may go on. */
    computer->in_use_max = keeper_in_use(computer, true);
}

void check_row(struct world *world, const struct pool_task_row *before,
               const struct pool_task_row *after)
{
    uint64_t finished;

    if (task_state_is_over(before->state) && after->state != before->state)
        world_fail(world, "%u.%u was recorded as %s and becomes %s", after->job, after->task,
                   task_state_name(before->state), task_state_name(after->state));
    if (after->attempts < before->attempts)
        world_fail(world, "%u.%u had %u attempts and now has %u", after->job, after->task,
                   before->attempts, after->attempts);
    if (after->attempts > before->attempts && before->epoch != 0 && after->epoch != 0)
        world_fail(world, "%u.%u is given away while epoch %llu still has it", after->job,
                   after->task, (unsigned long long)before->epoch);
    if (after->state != TASK_COMPLETED)
        return;
    if (before->state == TASK_COMPLETED)
        world_fail(world, "the result of %u.%u is recorded twice", after->job, after->task);
    if (!map_get(&world->finished, before->epoch, &finished))
        world_fail(world, "%u.%u is recorded as completed, but no attempt ran to its end",
                   after->job, after->task);
    world->result.results++;
}

/* What was given to a node before it was drained may be sent again: nothing new is. */
static void check_drained(const struct world *world, const struct pool_effect *start)
{
    uint32_t number = world_computer_of(world, start->send.node);
    const struct computer *computer = &world->computers[number];

    if (computer->node == start->send.node && start->send.epoch > computer->drained_epoch)
        world_fail(world, "%u.%u is started on pc%u, but an admin was told that it is drained",
                   start->send.job, start->send.task, number + 1);
}

static uint64_t needed_ms(const struct disk *disk, uint32_t job, uint32_t task)
{
    const struct disk_job *of = &disk->jobs[job - 1];
    uint32_t part = 0;

    while (part + 1 < of->part_count && of->parts[part + 1].first <= task)
        part++;
    return of->parts[part].needed_ms;
}

/*
 * Whatever says how long it takes ends before its owner's hours, as far as the last report could
 * tell. A start that is sent again was right when it was sent.
 */
static void check_time(struct world *world, const struct pool_effect *start)
{
    uint32_t number = world_computer_of(world, start->send.node);
    uint64_t needed = needed_ms(&world->server.disk, start->send.job, start->send.task);
    uint64_t lent_ms = desk_lent_ms(world, number);

    if (start->send.epoch <= world->started_epoch)
        return;
    world->started_epoch = start->send.epoch;
    if (lent_ms > 0 && lent_ms + REPORT_AGE_MS < needed)
        world_fail(world, "%u.%u takes %llu s and is started on pc%u, which is lent for %llu s",
                   start->send.job, start->send.task, (unsigned long long)needed / 1000, number + 1,
                   (unsigned long long)lent_ms / 1000);
}

void check_start(struct world *world, const struct pool_effect *start)
{
    uint32_t job = start->send.job, task = start->send.task;
    const struct promise *promise;

    check_drained(world, start);
    check_time(world, start);
    if (job > world->promise_count)
        return;
    promise = &world->promises[job - 1];
    if (promise->held || promise->removed)
        world_fail(world, "%u.%u is started, but a user was told that its job is %s", job, task,
                   promise->removed ? "removed" : "held");
}

/* The whole is looked at so rarely that a step's share does not grow with the pool. */
void check_pool(struct world *world)
{
    uint64_t size = world->options.agents + world->options.tasks;

    world->result.steps++;
    if (size > 200 && world->result.steps - world->checked_at_step < size)
        return;
    world->checked_at_step = world->result.steps;
    pool_assert_invariants(world->server.pool);
}

static void check_nodes(struct world *world)
{
    for (uint32_t n = 0; n < world->node_count; n++) {
        struct pool_node_view view;

        if (!pool_view_node(world->server.pool, n, &view))
            continue;
        if (view.claims > 0 && view.state == NODE_UNCLAIMED)
            world_fail(world, "node %u is shown as unclaimed with %u claims", n, view.claims);
        if (!resources_fit(&view.available, &view.capacity))
            world_fail(world, "node %u is shown with more room than it has", n);
    }
}

void check_views(struct world *world, uint32_t job, uint32_t task)
{
    struct pool *pool = world->server.pool;
    struct pool_explanation why;
    struct pool_counts counts;
    struct pool_task_row row;
    uint32_t sum = 0;

    check_nodes(world);
    if (!pool_count_job(pool, job, &counts))
        return;
    for (enum task_state state = 0; state < TASK_STATE_COUNT; state++)
        sum += counts.by_state[state];
    if (sum != counts.tasks)
        world_fail(world, "job %u has %u tasks, and counts %u", job, counts.tasks, sum);
    if (pool_view_task(pool, job, task, &row) && task_state_is_over(row.state))
        world_fail(world, "task %u.%u is shown as %s, but such are the store's to show", job, task,
                   task_state_name(row.state));
    if (!pool_explain_task(pool, job, task, &why))
        world_fail(world, "task %u.%u is there, but cannot be explained", job, task);
    if (why.nodes != why.offline + why.asleep + why.too_few_cpus + why.too_little_memory +
                         why.too_little_disk + why.too_few_gpus + why.unsuited + why.drained +
                         why.owner_present + why.closing + why.making_way + why.busy +
                         why.available)
        world_fail(world, "the reasons for %u.%u do not add up to %u nodes", job, task, why.nodes);
}

void check_rows_make_the_pool(struct world *world, const struct pool *pool, uint64_t digest)
{
    struct pool *made = disk_load(world);
    struct pool_counts now = pool_count_all(pool), then = pool_count_all(made);

    if (pool_digest(made) != digest)
        world_fail(world, "the rows make another brain than the one that wrote them");
    if (memcmp(&now, &then, sizeof(now)) != 0)
        world_fail(world, "the rows count other tasks than the brain that wrote them");
    pool_assert_invariants(made);
    pool_free(made);
}

/* Whether it was told to leave a moment ago, for something better, or is about to hear it. */
static bool is_leaving(const struct world *world, const struct pool_task_row *row,
                       const struct process *process)
{
    return row->epoch == process->epoch && row->reason == REASON_OUTRANKED &&
           (!process->ending || world->now_ms - process->ending_ms <= GRACE_MS + SLACK_MS);
}

static void check_wanted(const struct world *world, uint32_t number, const struct process *process)
{
    const struct disk *disk = &world->server.disk;
    const struct pool_task_row *row;
    uint64_t index;

    if (!map_get(&disk->task_rows, task_key(process->job, process->task), &index))
        return;
    row = &disk->rows[index];
    if (is_leaving(world, row, process))
        return;
    if (row->epoch != process->epoch ||
        (row->state != TASK_RUNNING && row->state != TASK_SUSPENDED))
        world_fail(world, "%u.%u is %s, but has been running on pc%u for minutes", process->job,
                   process->task, task_state_name(row->state), number + 1);
}

void check_calm(struct world *world)
{
    for (uint32_t n = 0; n < world->options.agents; n++)
        for (size_t i = 0; i < world->computers[n].process_count; i++)
            if (world->computers[n].processes[i].state == PROCESS_RUNNING)
                check_wanted(world, n, &world->computers[n].processes[i]);
}

/*
 * Where only the server fails, and no message is lost, nothing is ever computed again, but where
 * nodes rank tasks: they throw away what is worse than something else.
 */
static void check_nothing_was_in_vain(const struct world *world)
{
    const struct sim_options *options = &world->options;
    bool mild = options->faults > 0 && options->fault_mix == SIM_FAULT_SERVER &&
                options->loss == 0 && options->late == 0 && options->repeat == 0 && !options->ranks;

    if (mild && world->result.started != options->tasks)
        world_fail(world, "only the server failed, but %llu attempts were made at %u tasks",
                   (unsigned long long)world->result.started, options->tasks);
}

/* After everything ended: all that was acknowledged is there, and all of it is over. */
void check_end(struct world *world)
{
    const struct disk *disk = &world->server.disk;
    uint64_t completed = 0, rows_completed = 0;

    if (disk->job_count < world->promise_count)
        world_fail(world, "%zu jobs were acknowledged, %zu are there", world->promise_count,
                   disk->job_count);
    for (size_t i = 0; i < disk->job_count; i++)
        completed += disk->jobs[i].row.completed;
    for (size_t i = 0; i < disk->row_count; i++)
        rows_completed += disk->rows[i].state == TASK_COMPLETED;
    if (completed != rows_completed)
        world_fail(world, "the jobs count %llu results, %llu are there",
                   (unsigned long long)completed, (unsigned long long)rows_completed);
    if (pool_count_all(world->server.pool).tasks != 0)
        world_fail(world, "all is over, but tasks are left in the brain");
    check_nothing_was_in_vain(world);
}
