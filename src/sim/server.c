/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server around the pool's brain, as the real one does it: what arrives is collected, stepped
 * through in one batch, committed in one transaction, and only then sent. It can crash before,
 * within and after a commit; within means before or after, because a transaction is whole or not at
 * all.
 */
#include "world.h"

#include "base/memory.h"

#include <string.h>
#include <time.h>

enum {
    CRASH_PARTS = 300, /* of a million batches, at each of the two places */
    SUBMIT_RETRY_MS = 2000
};

static uint64_t task_key(uint32_t job, uint32_t task)
{
    return (uint64_t)job << 32 | task;
}

static const struct pool_options pool_options_of_sim = {.lease_ms = LEASE_MS,
                                                        .margin_ms = MARGIN_MS,
                                                        .heartbeat_ms = HEARTBEAT_MS,
                                                        .restored_lease_ms = LEASE_MS};

void server_init(struct world *world)
{
    struct sim_server *server = &world->server;

    server->pool = pool_new(&pool_options_of_sim);
    server->disk.nodes = memory_allocate(world->options.agents * sizeof(*server->disk.nodes));
    server->sessions = memory_allocate(world->options.agents * sizeof(*server->sessions));
    server->heard_ms = memory_allocate(world->options.agents * sizeof(*server->heard_ms));
}

static void inbox_clear(struct sim_server *server)
{
    for (size_t i = 0; i < server->inbox_length; i++)
        message_free(server->inbox_messages[i]);
    server->inbox_length = 0;
}

void server_deinit(struct world *world)
{
    struct sim_server *server = &world->server;

    inbox_clear(server);
    pool_free(server->pool);
    pool_effects_deinit(&server->effects);
    map_deinit(&server->disk.task_rows);
    free(server->disk.jobs);
    free(server->disk.parts);
    free(server->disk.rows);
    free(server->disk.nodes);
    free(server->inbox);
    free(server->inbox_messages);
    free(server->sessions);
    free(server->heard_ms);
}

void server_receive(struct world *world, const struct pool_event *event, struct message *message)
{
    struct sim_server *server = &world->server;

    array_reserve(server->inbox, server->inbox_capacity, server->inbox_length + 1);
    array_reserve(server->inbox_messages, server->inbox_messages_capacity,
                  server->inbox_length + 1);
    server->inbox[server->inbox_length] = *event;
    server->inbox_messages[server->inbox_length++] = message;
    if (server->loop_due)
        return;
    server->loop_due = true;
    world_schedule(
        world, world_delay(world, 0, 3),
        (struct happening){.kind = HAPPEN_SERVER_LOOP, .incarnation = server->incarnation});
}

/* Writes. */

static void disk_save_job(struct disk *disk, const struct pool_job_row *row)
{
    if (row->job <= disk->job_count)
        disk->jobs[row->job - 1] = *row;
}

static void disk_save_task(struct world *world, const struct pool_task_row *row)
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
    check_commit(world, &disk->rows[index], row);
    disk->rows[index] = *row;
}

/* The submit's own rows are the world's to write, with whatever the brain never sees. */
static void disk_add_job(struct world *world, const struct pool_event *event)
{
    struct disk *disk = &world->server.disk;

    array_reserve(disk->jobs, disk->job_capacity, event->submit.job);
    array_reserve(disk->parts, disk->part_capacity, event->submit.job);
    disk->jobs[event->submit.job - 1] = (struct pool_job_row){.job = event->submit.job};
    disk->parts[event->submit.job - 1] = event->submit.parts[0];
    disk->job_count = event->submit.job;
    world->tasks_submitted += event->submit.parts[0].count;
}

static void commit_effect(struct world *world, const struct pool_effect *effect)
{
    struct disk *disk = &world->server.disk;

    switch (effect->kind) {
    case POOL_SAVE_JOB:
        disk_save_job(disk, &effect->job);
        break;
    case POOL_SAVE_PART:
        disk->parts[effect->part.job - 1].next = effect->part.next;
        break;
    case POOL_SAVE_TASK:
        disk_save_task(world, &effect->task);
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
    case POOL_CLOSE_SESSION:
    case POOL_COLLECT:
    case POOL_REPLY:
    case POOL_JOB_OVER:
    case POOL_TRACE:
        break;
    }
}

static void commit(struct world *world, size_t event_count)
{
    struct sim_server *server = &world->server;

    for (size_t i = 0; i < event_count; i++)
        if (server->inbox[i].kind == POOL_SUBMIT)
            disk_add_job(world, &server->inbox[i]);
    for (size_t i = 0; i < server->effects.length; i++)
        commit_effect(world, &server->effects.items[i]);
}

/* Sends. */

static void reply_to_hello(struct world *world, const struct pool_effect *effect)
{
    uint32_t number = (uint32_t)(effect->reply.caller & ((1U << NUMBER_BITS) - 1));
    bool accepted = effect->reply.reply == POOL_REPLY_NODE_ACCEPTED;

    if (accepted) {
        world->server.sessions[number] = effect->reply.caller;
        world->server.heard_ms[number] = world->now_ms;
    } else {
        world_trace(world, "pc%u is refused", number + 1);
    }
    network_send(
        world, number,
        message_new(accepted ? MESSAGE_WELCOME : MESSAGE_REFUSED, number, effect->reply.caller));
}

static void perform_reply(struct world *world, const struct pool_effect *effect)
{
    struct sim_server *server = &world->server;

    /* Small numbers are users, who are told apart by what they wait for; sessions are the nodes'.
     */
    if (effect->reply.caller == 1) {
        server->jobs_acknowledged++;
        server->submit_waiting = 0;
        world_trace(world, "submit acknowledged: job %u of %u tasks", server->jobs_acknowledged,
                    effect->reply.count);
    } else if (effect->reply.caller > 2) {
        reply_to_hello(world, effect);
    }
}

static void trace_task(struct world *world, const struct pool_effect *effect)
{
    if (effect->trace.node == NONE)
        world_trace(world, "%u.%u#%u %s -> %s: %s", effect->trace.job, effect->trace.task,
                    effect->trace.attempt, task_state_name(effect->trace.from),
                    task_state_name(effect->trace.to), reason_text(effect->trace.reason));
    else
        world_trace(world, "%u.%u#%u %s -> %s on pc%u: %s", effect->trace.job, effect->trace.task,
                    effect->trace.attempt, task_state_name(effect->trace.from),
                    task_state_name(effect->trace.to), effect->trace.node + 1,
                    reason_text(effect->trace.reason));
}

static void perform(struct world *world, const struct pool_effect *effect)
{
    struct message *message;

    switch (effect->kind) {
    case POOL_SEND_START:
    case POOL_SEND_STOP:
    case POOL_SEND_FORGET:
    case POOL_SEND_RENEW:
        message = message_new(MESSAGE_SEND, effect->send.node, effect->send.session);
        message->effect = *effect;
        network_send(world, effect->send.node, message);
        break;
    case POOL_COLLECT:
        world_schedule(world, world_delay(world, 1, 2000),
                       (struct happening){.kind = HAPPEN_COLLECTED,
                                          .computer = effect->send.node,
                                          .epoch = effect->send.epoch,
                                          .number = effect->send.session});
        break;
    case POOL_REPLY:
        perform_reply(world, effect);
        break;
    case POOL_TRACE:
        trace_task(world, effect);
        break;
    case POOL_CLOSE_SESSION:
    case POOL_JOB_OVER:
    case POOL_SAVE_JOB:
    case POOL_SAVE_PART:
    case POOL_SAVE_TASK:
    case POOL_SAVE_NODE:
    case POOL_SAVE_EPOCH:
        break;
    }
}

static void server_schedule_tick(struct world *world)
{
    struct sim_server *server = &world->server;
    uint64_t next = pool_next_step_ms(server->pool);

    if (next > server->silence_at_ms)
        next = server->silence_at_ms;
    if (next >= server->tick_at_ms)
        return;
    server->tick_at_ms = next;
    world_schedule(
        world, next,
        (struct happening){.kind = HAPPEN_SERVER_TICK, .incarnation = server->incarnation});
}

static void server_step(struct world *world, struct pool_event *event)
{
    struct sim_server *server = &world->server;
    clock_t begun;

    event->now_ms = world->now_ms;
    if (pool_prepare(server->pool, event, &server->effects) < 0)
        abort();
    begun = clock();
    memory_forbid(true);
    pool_step(server->pool, event, &server->effects);
    memory_forbid(false);
    world->result.pool_seconds += (double)(clock() - begun) / CLOCKS_PER_SEC;
    world->result.pool_steps++;
    check_pool(world);
}

static void server_batch(struct world *world)
{
    struct sim_server *server = &world->server;
    size_t count = server->inbox_length;

    if (world_fault(world, CRASH_PARTS)) {
        server_crash(world, "before the commit", false, random_between(&world->random, 500, 90000));
        return;
    }
    commit(world, count);
    if (world_fault(world, CRASH_PARTS)) {
        server_crash(world, "after the commit", true, random_between(&world->random, 500, 90000));
        return;
    }
    for (size_t i = 0; i < server->effects.length; i++)
        perform(world, &server->effects.items[i]);
    server->effects.length = 0;
    inbox_clear(server);
    server_schedule_tick(world);
}

void server_loop(struct world *world)
{
    struct sim_server *server = &world->server;

    server->loop_due = false;
    for (size_t i = 0; i < server->inbox_length; i++)
        server_step(world, &server->inbox[i]);
    server_batch(world);
}

/* A node of which nothing was heard for long is taken as disconnected, as pings would find out. */
static void look_for_silence(struct world *world)
{
    struct sim_server *server = &world->server;

    if (world->now_ms < server->silence_at_ms)
        return;
    server->silence_at_ms = world->now_ms + HEARTBEAT_MS;
    for (uint32_t n = 0; n < world->options.agents; n++) {
        if (server->sessions[n] == 0 || world->now_ms - server->heard_ms[n] < SILENCE_MS)
            continue;
        server_step(world, &(struct pool_event){.kind = POOL_NODE_DISCONNECTED,
                                                .disconnected = {n, server->sessions[n]}});
        server->sessions[n] = 0;
    }
}

void server_tick(struct world *world)
{
    struct sim_server *server = &world->server;

    server->tick_at_ms = UINT64_MAX;
    look_for_silence(world);
    server_step(world, &(struct pool_event){.kind = POOL_TICK});
    server_loop(world);
}

void server_crash(struct world *world, const char *when, bool committed, uint64_t down_ms)
{
    struct sim_server *server = &world->server;

    if (!server->pool)
        return;
    world->result.server_crashes++;
    server->expected_digest = committed ? pool_digest(server->pool) : 0;
    world_trace(world, "the server crashes %s", when);
    server->pool = pool_free(server->pool);
    server->effects.length = 0;
    server->incarnation++;
    server->loop_due = false;
    inbox_clear(server);
    for (uint32_t n = 0; n < world->options.agents; n++) {
        server->sessions[n] = 0;
        /* The kernel of the server closes the connections; most computers notice at once. */
        if (!world->computers[n].cut_in && world->computers[n].session != 0 &&
            world->computers[n].power == POWER_ON)
            computer_disconnected(world, n);
    }
    world_schedule(world, world->now_ms + down_ms,
                   (struct happening){.kind = HAPPEN_SERVER_RESTART});
}

static void load_rows(struct world *world, struct pool *pool)
{
    struct disk *disk = &world->server.disk;
    int r = pool_load_epoch(pool, disk->epoch);

    for (uint32_t n = 0; r == 0 && n < world->options.agents; n++)
        if (disk->nodes[n].machine != 0)
            r = pool_load_node(pool, &disk->nodes[n]);
    for (size_t i = 0; r == 0 && i < disk->job_count; i++) {
        const struct pool_job_row *row = &disk->jobs[i];

        if (row->completed + row->removed_count < disk->parts[i].count)
            r = pool_load_job(pool, row, &disk->parts[i], 1);
    }
    for (size_t i = 0; r == 0 && i < disk->row_count; i++) {
        const struct pool_task_row *row = &disk->rows[i];
        struct pool_counts counts;

        if (task_state_is_over(row->state) && row->node == NONE &&
            row->task < disk->parts[row->job - 1].next)
            continue;
        /* A claim may outlive all but its job's row: then the job is loaded for its sake. */
        if (!pool_count_job(pool, row->job, &counts)) {
            if (row->node == NONE)
                continue;
            r = pool_load_job(pool, &disk->jobs[row->job - 1], &disk->parts[row->job - 1], 1);
        }
        if (r == 0)
            r = pool_load_task(pool, row, world->now_ms);
    }
    if (r < 0)
        world_fail(world, "the rows do not make a pool (%d)", r);
}

void server_restart(struct world *world)
{
    struct sim_server *server = &world->server;

    server->pool = pool_new(&pool_options_of_sim);
    load_rows(world, server->pool);
    if (server->expected_digest != 0 && server->expected_digest != pool_digest(server->pool))
        world_fail(world, "the brain that the rows make is not the one before the crash");
    pool_assert_invariants(server->pool);
    server->tick_at_ms = UINT64_MAX;
    world_trace(world, "the server is back");
    server_step(world, &(struct pool_event){.kind = POOL_TICK});
    server_batch(world);
    if (!server->pool)
        return;
    if (server->submit_waiting == 0)
        return;
    /* The user had no answer. The job is there, or it never got that far and he tries again. */
    if (server->submit_waiting <= server->disk.job_count)
        server->jobs_acknowledged++;
    else
        world_schedule(world, world->now_ms + SUBMIT_RETRY_MS,
                       (struct happening){.kind = HAPPEN_USER,
                                          .number = server->submit_part.count,
                                          .epoch = server->submit_part.request.cpus});
    server->submit_waiting = 0;
}

void server_submit(struct world *world, uint32_t tasks, uint32_t cpus)
{
    struct sim_server *server = &world->server;
    struct pool_event event = {.kind = POOL_SUBMIT, .caller = 1};

    if (!server->pool || server->submit_waiting != 0) {
        world_schedule(world, world->now_ms + SUBMIT_RETRY_MS,
                       (struct happening){.kind = HAPPEN_USER, .number = tasks, .epoch = cpus});
        return;
    }
    server->submit_part = (struct pool_part){.count = tasks, .request = {cpus, cpus, cpus}};
    event.submit.job = server->jobs_acknowledged + 1;
    event.submit.parts = &server->submit_part;
    event.submit.part_count = 1;
    server->submit_waiting = event.submit.job;
    server_receive(world, &event, NULL);
}

bool server_is_done(const struct world *world)
{
    const struct disk *disk = &world->server.disk;

    if (!world->server.pool || world->server.submit_waiting != 0)
        return false;
    for (size_t i = 0; i < disk->job_count; i++)
        if (disk->jobs[i].completed + disk->jobs[i].removed_count < disk->parts[i].count)
            return false;
    return true;
}
