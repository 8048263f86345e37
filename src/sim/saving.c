/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tasks that save themselves: how often they do, what their checkpoints hold (how much of the task
 * had been computed, in milliseconds), and what must be true of it.
 *
 * The files of a checkpoint come over the connection, which may be slow or break, and find room or
 * not; they are written down by the commit that records their number. A task begins from what its
 * row says, never from less than a node was told is safe, and never from what did not come.
 */
#include "world.h"

#include "base/memory.h"

enum {
    SAVES_LEAST_MS = 5000,
    SAVES_MOST_MS = MINUTE_MS,
    STORE_FAILS_PARTS = 20000, /* checkpoints that find no room on the server */
    SLOW_PARTS = 50000,
    TWICE_PARTS = 50000, /* whose arrival is told twice */
    NUMBER_OF_CHECKPOINT_BITS = 20
};

/* Of the jobs of a seed, a third each: none of it, by itself, and also when it must go. */
enum habit { HABIT_NONE, HABIT_SAVES, HABIT_SAVES_TO_LEAVE, HABIT_COUNT };

static struct random chance_of(const struct world *world, uint32_t job)
{
    return (struct random){.state = world->options.seed ^ ((uint64_t)job << 32 | SAVES_MOST_MS)};
}

static enum habit habit_of(const struct world *world, uint32_t job)
{
    struct random chance = chance_of(world, job);

    return (enum habit)random_below(&chance, HABIT_COUNT);
}

uint64_t saving_each_ms(const struct world *world, uint32_t job)
{
    const struct disk_job *described = disk_find_job(&world->server.disk, job);
    struct random chance = chance_of(world, job);

    if (world->options.scripted)
        return described ? described->saves_ms : 0;
    if (habit_of(world, job) == HABIT_NONE)
        return 0;
    (void)random_below(&chance, HABIT_COUNT);
    return random_between(&chance, SAVES_LEAST_MS, SAVES_MOST_MS);
}

bool saving_leaves(const struct world *world, uint32_t job)
{
    if (world->options.scripted)
        return saving_each_ms(world, job) > 0;
    return habit_of(world, job) == HABIT_SAVES_TO_LEAVE;
}

/* ---- what begins ---- */

static uint64_t value_of(const struct map *map, uint64_t key)
{
    uint64_t value = 0;

    (void)map_get(map, key, &value);
    return value;
}

void saving_begin(struct world *world, const struct pool_effect *start)
{
    const struct disk *disk = &world->server.disk;
    uint32_t job = start->send.job, task = start->send.task;
    uint64_t key = task_key(job, task), index = 0, done_ms = value_of(&disk->saved, key);

    if (!map_get(&disk->task_rows, key, &index) ||
        disk->rows[index].checkpoint != start->send.checkpoint)
        world_fail(world, "%u.%u is started from checkpoint %llu, which is not its last one", job,
                   task, (unsigned long long)start->send.checkpoint);
    if (start->send.checkpoint != 0 && done_ms < value_of(&world->promised, key))
        world_fail(world, "%u.%u is started from less than a node was told is saved", job, task);
    if (start->send.checkpoint == 0 && value_of(&world->promised, key) > 0)
        world_fail(world, "%u.%u is started anew, though a node was told that it is saved", job,
                   task);
    map_put(&world->begins, start->send.epoch, start->send.checkpoint != 0 ? done_ms : 0);
}

uint64_t saving_done_ms(const struct world *world, uint64_t epoch)
{
    return value_of(&world->begins, epoch);
}

/* ---- what is saved ---- */

static uint64_t checkpoint_key(uint64_t epoch, uint64_t checkpoint)
{
    return epoch << NUMBER_OF_CHECKPOINT_BITS | checkpoint;
}

void saving_collect(struct world *world, const struct pool_effect *effect)
{
    bool slow = world_has(world, SIM_FAULT_FILES) && world_fault(world, SLOW_PARTS);

    world_schedule(world, world_delay(world, 1, slow ? MINUTE_MS : 1000),
                   (struct happening){.kind = HAPPEN_CHECKPOINT,
                                      .computer = world_computer_of(world, effect->send.node),
                                      .incarnation = world->server.incarnation,
                                      .epoch = effect->send.epoch,
                                      .number = effect->send.session,
                                      .checkpoint = effect->send.checkpoint});
}

/* What the node has under this number; NULL: nothing that could be brought. */
static const struct process *find_set(struct computer *computer, uint64_t epoch,
                                      uint64_t checkpoint)
{
    for (size_t i = 0; i < agent_count_attempts(computer->agent); i++) {
        struct agent_attempt_view view = agent_view_attempt(computer->agent, i);

        if (view.epoch == epoch && view.phase == AGENT_SAVING && view.checkpoint == checkpoint)
            return keeper_find(computer, epoch);
    }
    return NULL;
}

void saving_happens(struct world *world, const struct happening *happening)
{
    struct computer *computer = &world->computers[happening->computer];
    struct pool_event event = {
        .kind = POOL_CHECKPOINT_COLLECTED,
        .collected = {.epoch = happening->epoch, .checkpoint = happening->checkpoint}};
    const struct process *process;

    if (computer->session != happening->number)
        return;
    if (computer->power != POWER_ON || computer->cut_out || computer->cut_in) {
        world_schedule(world, world->now_ms + 1000, *happening);
        return;
    }
    process = find_set(computer, happening->epoch, happening->checkpoint);
    if (!process)
        event.collected.failure = REASON_CANNOT_COLLECT_OUTPUT;
    else if (world_has(world, SIM_FAULT_FILES) && world_fault(world, STORE_FAILS_PARTS))
        event.collected.failure = REASON_DISK_FULL_ON_SERVER;
    else
        map_put(&world->server.disk.arrived,
                checkpoint_key(happening->epoch, happening->checkpoint), process->done_ms);
    server_receive(world, &event, NULL);
    if (world_fault(world, TWICE_PARTS))
        server_receive(world, &event, NULL);
}

void saving_record(struct world *world, const struct pool_task_row *before,
                   const struct pool_task_row *after)
{
    struct disk *disk = &world->server.disk;
    uint64_t key = task_key(after->job, after->task), done_ms = 0;

    if (after->checkpoint < before->checkpoint)
        world_fail(world, "%u.%u had checkpoint %llu and now has %llu", after->job, after->task,
                   (unsigned long long)before->checkpoint, (unsigned long long)after->checkpoint);
    if (before->epoch == 0 ||
        !map_get(&disk->arrived, checkpoint_key(before->epoch, after->checkpoint), &done_ms))
        world_fail(world, "checkpoint %llu of %u.%u is recorded, but never came",
                   (unsigned long long)after->checkpoint, after->job, after->task);
    if (done_ms < value_of(&disk->saved, key))
        world_fail(world, "%u.%u has less in checkpoint %llu than in the one before", after->job,
                   after->task, (unsigned long long)after->checkpoint);
    map_put(&disk->saved, key, done_ms);
    world_trace(world, "%u.%u#%u has checkpoint %llu: %llu s are saved", after->job, after->task,
                after->attempts, (unsigned long long)after->checkpoint,
                (unsigned long long)(done_ms / 1000));
}

/* Only what it waits for makes it go on. */
void saving_acknowledged(struct world *world, uint32_t number, const struct pool_effect *effect)
{
    struct computer *computer = &world->computers[number];
    const struct process *process = find_set(computer, effect->send.epoch, effect->send.checkpoint);

    if (process && effect->send.reason == REASON_NONE)
        map_put(&world->promised, task_key(process->job, process->task), process->done_ms);
}
