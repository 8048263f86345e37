/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's disk: rows, written in transactions that are whole or not at all, and the brain that
 * is made of them after a crash. The rows of a submit are the world's to write, with whatever the
 * brain never sees.
 */
#include "world.h"

#include "base/memory.h"

#include <string.h>

void disk_deinit(struct disk *disk)
{
    for (size_t i = 0; i < disk->job_count; i++)
        free(disk->jobs[i].parts);
    map_deinit(&disk->task_rows);
    map_deinit(&disk->arrived);
    map_deinit(&disk->saved);
    free(disk->jobs);
    free(disk->rows);
    free(disk->nodes);
}

void disk_reserve_nodes(struct disk *disk, uint32_t node_count)
{
    size_t before = disk->node_capacity;

    array_reserve(disk->nodes, disk->node_capacity, node_count);
    for (size_t i = before; i < disk->node_capacity; i++)
        disk->nodes[i] = (struct pool_node_row){0};
}

const struct disk_job *disk_find_job(const struct disk *disk, uint32_t job)
{
    return job >= 1 && job <= disk->job_count ? &disk->jobs[job - 1] : NULL;
}

static void save_job(struct disk *disk, const struct pool_job_row *row)
{
    if (disk_find_job(disk, row->job))
        disk->jobs[row->job - 1].row = *row;
}

/*
 * Rows are checked on their way to the disk, because what is wrong there is wrong after every
 * restart.
 */
static void save_task(struct world *world, const struct pool_task_row *row)
{
    struct disk *disk = &world->server.disk;
    uint64_t index;

    if (!map_get(&disk->task_rows, task_key(row->job, row->task), &index)) {
        index = disk->row_count;
        array_reserve(disk->rows, disk->row_capacity, disk->row_count + 1);
        disk->rows[disk->row_count++] = (struct pool_task_row){
            .job = row->job, .task = row->task, .state = TASK_IDLE, .node = NONE};
        map_put(&disk->task_rows, task_key(row->job, row->task), index);
    }
    check_row(world, &disk->rows[index], row);
    if (row->checkpoint != disk->rows[index].checkpoint)
        saving_record(world, &disk->rows[index], row);
    disk->rows[index] = *row;
}

static void add_job(struct world *world, const struct pool_event *event)
{
    struct disk *disk = &world->server.disk;
    const struct user *user = world->users[event->caller - 1];
    size_t count = event->submit.part_count;
    struct disk_job job = {.row = {.job = event->submit.job,
                                   .priority = event->submit.priority,
                                   .held = event->submit.held},
                           .part_count = (uint32_t)count,
                           .task_ms = user->task_ms,
                           .saves_ms = user->saves_ms};

    job.parts = memory_allocate(count * sizeof(*job.parts));
    memcpy(job.parts, event->submit.parts, count * sizeof(*job.parts));
    for (size_t i = 0; i < count; i++)
        job.task_count += job.parts[i].count;
    array_reserve(disk->jobs, disk->job_capacity, disk->job_count + 1);
    disk->jobs[disk->job_count++] = job;
    world->tasks_submitted += job.task_count;
    if (job.row.job != disk->job_count)
        world_fail(world, "job %u is the disk's number %zu", job.row.job, disk->job_count);
}

static void save_effect(struct world *world, const struct pool_effect *effect)
{
    struct disk *disk = &world->server.disk;

    switch (effect->kind) {
    case POOL_SAVE_JOB:
        save_job(disk, &effect->job);
        break;
    case POOL_SAVE_PART:
        disk->jobs[effect->part.job - 1].parts[effect->part.part].next = effect->part.next;
        break;
    case POOL_SAVE_TASK:
        save_task(world, &effect->task);
        break;
    case POOL_SAVE_NODE:
        disk->nodes[effect->node.node] = effect->node;
        break;
    case POOL_SAVE_EPOCH:
        disk->epoch = effect->epoch;
        break;
    case POOL_SEND_START:
    case POOL_SEND_STOP:
    case POOL_SEND_FORGET:
    case POOL_SEND_RENEW:
    case POOL_SEND_SAVED:
    case POOL_CLOSE_SESSION:
    case POOL_WAKE:
    case POOL_COLLECT:
    case POOL_COLLECT_CHECKPOINT:
    case POOL_CHECKPOINTED:
    case POOL_REPLY:
    case POOL_JOB_OVER:
    case POOL_TRACE:
        break;
    }
}

/* All of a batch, or by a crash none of it: there is no half of a transaction to think of. */
void disk_commit(struct world *world)
{
    struct sim_server *server = &world->server;

    for (size_t i = 0; i < server->batch_length; i++)
        if (server->inbox[i].kind == POOL_SUBMIT)
            add_job(world, &server->inbox[i]);
    for (size_t i = 0; i < server->effects.length; i++)
        save_effect(world, &server->effects.items[i]);
}

static int load_job(struct pool *pool, const struct disk_job *job)
{
    return pool_load_job(pool, &job->row, job->parts, job->part_count);
}

/* The part of a job that has this task. */
static const struct pool_part *part_of(const struct disk_job *job, uint32_t task)
{
    const struct pool_part *part = job->parts;

    while (task >= part->first + part->count)
        part++;
    return part;
}

static int load_task(struct pool *pool, const struct disk *disk, const struct pool_task_row *row,
                     uint64_t now_ms)
{
    const struct disk_job *job = disk_find_job(disk, row->job);
    struct pool_counts counts;
    int r = 0;

    if (task_state_is_over(row->state) && row->node == NONE &&
        row->task < part_of(job, row->task)->next)
        return 0;
    /* A claim may outlive all but its job's row: then the job is loaded for its sake. */
    if (!pool_count_job(pool, row->job, &counts)) {
        if (row->node == NONE)
            return 0;
        r = load_job(pool, job);
    }
    return r < 0 ? r : pool_load_task(pool, row, now_ms);
}

/* What server_restore() does for the real server, from the same rows. */
struct pool *disk_load(struct world *world)
{
    const struct pool_options options = {.lease_ms = LEASE_MS,
                                         .margin_ms = MARGIN_MS,
                                         .heartbeat_ms = HEARTBEAT_MS,
                                         .restored_lease_ms = LEASE_MS,
                                         .move_suspended_ms = world->options.move_suspended_ms,
                                         .wake_after_ms = WAKE_AFTER_MS};
    struct disk *disk = &world->server.disk;
    struct pool *pool = pool_new(&options);
    int r = pool_load_epoch(pool, disk->epoch);

    for (uint32_t n = 0; r == 0 && n < world->node_count; n++)
        if (disk->nodes[n].machine != 0)
            r = pool_load_node(pool, &disk->nodes[n]);
    for (size_t i = 0; r == 0 && i < disk->job_count; i++) {
        const struct disk_job *job = &disk->jobs[i];

        if (job->row.completed + job->row.removed_count < job->task_count)
            r = load_job(pool, job);
    }
    for (size_t i = 0; r == 0 && i < disk->row_count; i++)
        r = load_task(pool, disk, &disk->rows[i], server_clock(world));
    if (r < 0)
        world_fail(world, "the rows do not make a pool (%d)", r);
    return pool;
}
