/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The brain and the records from the rows, at the start: the epoch, the nodes, the jobs that are
 * not over, their tasks. Rows that contradict each other are an error and never guessed at.
 */
#include "server.h"

#include "base/memory.h"
#include "sys/log.h"

#include <errno.h>

static int restore_node(const struct store_node *row, void *userdata)
{
    struct server *server = userdata;

    records_add_node(&server->records, row);
    return pool_load_node(server->pool, &(struct pool_node_row){.node = row->node,
                                                                .machine = row->machine,
                                                                .forgotten = row->forgotten,
                                                                .drained = row->drained,
                                                                .asleep = row->asleep,
                                                                .wakes = row->wakes,
                                                                .capacity = {.cpus = row->cpus,
                                                                             .memory = row->memory,
                                                                             .disk = row->disk,
                                                                             .gpus = row->gpus}});
}

/* What cannot be told any more rules out every node rather than none. */
static int restore_class(struct server *server, const struct submit *submit,
                         const struct store_job *row, uint32_t *ret_job_class)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    int r = matching_classify_task(server, submit, row->user, row->folder, ret_job_class, &err);

    if (r == 0)
        return 0;
    log_warning("the tasks of job %u stay idle: %s", row->number, err.text);
    return matching_classify_nowhere(server, ret_job_class);
}

/* A part from before GPUs were claimed has none in its row, but in its description. */
static int restore_part(struct server *server, const struct submit *submit,
                        const struct store_job *row, struct pool_part *part)
{
    if (part->request.gpus == 0)
        part->request.gpus = (uint32_t)server->task.request_gpus;
    part->needed_ms = server->task.expected_duration_ms;
    return restore_class(server, submit, row, &part->job_class);
}

/*
 * What the job's tasks require, and how long they take, stands in its description alone. A
 * description that a newer dusk cannot read any more is no reason not to start: its tasks are held
 * when their turn comes.
 */
static int restore_classes(struct server *server, const struct store_job *row,
                           struct pool_part *parts, size_t part_count)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT, files = BUFFER_INIT;
    _cleanup_submit_ struct submit *submit = NULL;
    int r = store_load_job_texts(server->store, row->number, &text, &files, NULL);

    if (r < 0)
        return r;
    if (r > 0 || submit_parse((struct slice){text.data, text.length}, "job",
                              &(struct submit_options){0}, &submit, NULL, NULL) < 0)
        return 0;
    for (size_t i = 0; i < part_count && r == 0; i++)
        if (submit_expand(submit, row->number, parts[i].first, &server->task, NULL) == 0)
            r = restore_part(server, submit, row, &parts[i]);
    return r;
}

static int restore_job(const struct store_job *row, const struct store_part *parts,
                       size_t part_count, void *userdata)
{
    _cleanup_free_ struct pool_part *pool_parts = NULL;
    struct server *server = userdata;
    int r;

    pool_parts = memory_allocate((part_count + 1) * sizeof(*pool_parts));
    for (size_t i = 0; i < part_count; i++)
        pool_parts[i] = (struct pool_part){.first = parts[i].first,
                                           .count = parts[i].count,
                                           .next = parts[i].next,
                                           .request = {.cpus = parts[i].cpus,
                                                       .memory = parts[i].memory,
                                                       .disk = parts[i].disk,
                                                       .gpus = parts[i].gpus}};
    r = restore_classes(server, row, pool_parts, part_count);
    if (r < 0)
        return r;
    records_add_job(&server->records, row, parts, part_count);
    return pool_load_job(server->pool,
                         &(struct pool_job_row){.job = row->number,
                                                .priority = row->priority,
                                                .held = row->held,
                                                .removed = row->removed,
                                                .completed = row->completed,
                                                .removed_count = row->removed_tasks},
                         pool_parts, part_count);
}

static int restore_task(const struct store_task_state *row, void *userdata)
{
    struct server *server = userdata;
    struct pool_task_row pool_row = {.job = row->job,
                                     .task = row->task,
                                     .attempts = row->attempts,
                                     .node = row->node == STORE_NONE ? NONE : row->node,
                                     .epoch = row->epoch,
                                     .checkpoint = row->checkpoint};

    if (!task_state_from_name(row->state, &pool_row.state) ||
        !reason_from_name(row->reason, &pool_row.reason))
        return -EBADMSG;
    return pool_load_task(server->pool, &pool_row, room_clock_ms(server));
}

static int restore_history(uint32_t node, struct slice bytes, void *userdata)
{
    struct server *server = userdata;

    if (node < server->records.node_count)
        free_time_load(&server->records.nodes[node], bytes);
    return 0;
}

/* Nobody says hello for them, so they are told to the brain here as far as the rows tell. */
static void restore_sleepers(struct server *server)
{
    for (size_t i = 0; i < server->records.node_count; i++) {
        struct node_record *node = &server->records.nodes[i];

        if (!node->asleep || node->forgotten)
            continue;
        matching_classify_node(server, node);
        waking_look_at_node(server, node);
    }
}

int server_restore(struct server *server, struct error *err)
{
    uint64_t epoch = 0, next_job = 1, lease_ms = server->options.pool.lease_ms;
    int r;

    r = store_load_number(server->store, "epoch", &epoch, err);
    if (r >= 0)
        r = store_load_number(server->store, "next_job", &next_job, err);
    if (r >= 0)
        r = store_load_number(server->store, "lease_ms", &lease_ms, err);
    if (r < 0)
        return r;
    if (lease_ms > server->options.pool.lease_ms)
        server->options.pool.restored_lease_ms = lease_ms;
    server->next_job = (uint32_t)next_job;
    server->pool = pool_new(&server->options.pool);
    if (!server->pool)
        return error_set(err, -ENOMEM, "no memory for the pool");
    matching_init(server);
    waking_init(server);
    r = pool_load_epoch(server->pool, epoch);
    if (r == 0)
        r = store_walk_nodes(server->store, restore_node, server, err);
    if (r == 0)
        r = store_walk_node_histories(server->store, restore_history, server, err);
    if (r == 0)
        r = usage_restore(server, err);
    if (r == 0)
        r = store_walk_live_jobs(server->store, restore_job, server, err);
    matching_classify_nodes(server);
    if (r == 0)
        restore_sleepers(server);
    matchmaker_bound_shares(server->matchmaker, true);
    if (r == 0)
        r = store_walk_live_tasks(server->store, restore_task, server, err);
    if (r == 0)
        r = checkpoint_sweep(server, err);
    if (r < 0)
        return error_prefix(err, r, "cannot restore the pool from its store");
    store_begin(server->store);
    store_save_number(server->store, "lease_ms", server->options.pool.lease_ms);
    return store_commit(server->store, err);
}
