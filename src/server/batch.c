/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heart of the server: events in, steps, one commit, and only then everything else.
 *
 * Callbacks of the loop only queue events. Before the loop waits again, all that are queued are
 * stepped through the brain, everything that must be remembered is written in one transaction, and
 * when that is on the disk, messages and replies go out. A busy loop thus makes large batches by
 * itself, and the commits per task fall as the load grows. A commit that fails ends the process:
 * what the brain knows and the disk does not must not go on living.
 */
#include "server.h"

#include "base/memory.h"
#include "sys/clock.h"
#include "sys/log.h"

#include <assert.h>

/* What a batch takes at most, so that one flood of events does not keep the rest waiting. */
enum { EVENTS_PER_BATCH = 4096 };

void batch_push_with(struct server *server, const struct pool_event *event, void *owned,
                     const struct rider *rider)
{
    struct batch *batch = &server->batch;

    array_reserve(batch->events, batch->capacity, batch->length + 1);
    batch->events[batch->length++] =
        (struct queued_event){.event = *event, .owned = owned, .rider = *rider};
}

void batch_push(struct server *server, const struct pool_event *event, void *owned)
{
    batch_push_with(server, event, owned, &(struct rider){0});
}

void batch_push_choice(struct server *server, const struct pool_event *event, const char *reason)
{
    batch_push(server, event, NULL);
    server->batch.events[server->batch.length - 1].reason =
        reason && reason[0] ? memory_copy_string(reason) : NULL;
}

uint64_t batch_add_caller(struct server *server, const struct caller *caller)
{
    struct caller *copy = memory_allocate(sizeof(*copy));

    *copy = *caller;
    map_put(&server->batch.callers, ++server->batch.last_caller, (uint64_t)(uintptr_t)copy);
    return server->batch.last_caller;
}

/* Callers live for one batch only, so their numbers lie close to the last one. */
void batch_forget_request(struct server *server, struct request *request)
{
    struct batch *batch = &server->batch;
    uint64_t value;

    for (size_t i = 0; i < batch->length; i++)
        if (map_get(&batch->callers, batch->events[i].event.caller, &value)) {
            struct caller *caller = (struct caller *)(uintptr_t)value;

            if (caller->request == request)
                caller->request = NULL;
        }
}

static void save_task(struct server *server, const struct pool_task_row *row,
                      const struct said *said)
{
    struct ended_attempt *ended = records_find_ended(&server->records, row->job, row->task);
    double now = clock_wall_seconds();
    bool over = task_state_is_over(row->state);
    const char *words = said ? said->detail : NULL;

    store_save_task(server->store, &(struct store_task_state){
                                       .job = row->job,
                                       .task = row->task,
                                       .state = task_state_name(row->state),
                                       .over = over,
                                       .attempts = row->attempts,
                                       .node = row->node == NONE ? STORE_NONE : row->node,
                                       .epoch = row->epoch,
                                       .checkpoint = row->checkpoint,
                                       .reason = reason_name(row->reason),
                                       .started_at = row->reason == REASON_FIRST_IN_LINE ? now : 0,
                                       .ended_at = over ? now : 0,
                                       .detail = row->reason == REASON_BY_USER ? words : NULL,
                                   });
    if (over && row->checkpoint != 0)
        checkpoint_forget(server, row->job, row->task);
    if (row->node == NONE)
        records_drop_checkpoint(&server->records, row->job, row->task);
    if (!ended || row->node != NONE)
        return;
    /* What a user held has no result, though it may have ended before it heard of that. */
    if (row->state == TASK_COMPLETED || (row->state == TASK_HELD && row->reason != REASON_BY_USER))
        store_save_result(server->store, &(struct store_task_result){
                                             .job = row->job,
                                             .task = row->task,
                                             .exit_code = ended->result.exit_code,
                                             .exit_signal = ended->result.exit_signal,
                                             .cpu_seconds = (double)ended->result.cpu_us / 1e6,
                                             .wall_seconds = (double)ended->result.wall_us / 1e6,
                                             .memory_peak = ended->result.memory_peak,
                                             .detail = ended->result.detail,
                                         });
    records_drop_ended(&server->records, row->job, row->task);
}

static void save_job(struct server *server, const struct pool_job_row *row, const struct said *said)
{
    struct job_record *job = records_find_job(&server->records, row->job);

    if (!job)
        return;
    if (said && said->about_job) {
        free((char *)job->row.reason);
        job->row.reason = said->reason ? memory_copy_string(said->reason) : NULL;
    }
    job->row.priority = row->priority;
    job->row.held = row->held;
    job->row.removed = row->removed;
    job->row.completed = row->completed;
    job->row.removed_tasks = row->removed_count;
    job->row.over = row->completed + row->removed_count == job->row.tasks;
    if (job->row.over && job->row.ended_at == 0)
        job->row.ended_at = clock_wall_seconds();
    /* Here and not when it is performed: a reply of this batch may name the version. */
    job->version++;
    store_save_job(server->store, &job->row);
}

static void save_node(struct server *server, const struct pool_node_row *row)
{
    struct node_record *node = &server->records.nodes[row->node];

    node->machine = row->machine;
    node->forgotten = row->forgotten;
    node->drained = row->drained;
    if (row->asleep && !node->asleep)
        waking_fell_asleep(server, node);
    node->asleep = row->asleep;
    store_save_node_state(server->store, &(struct store_node){.node = row->node,
                                                              .machine = row->machine,
                                                              .forgotten = row->forgotten,
                                                              .drained = row->drained,
                                                              .asleep = row->asleep,
                                                              .wakes = row->wakes,
                                                              .cpus = row->capacity.cpus,
                                                              .memory = row->capacity.memory,
                                                              .disk = row->capacity.disk,
                                                              .gpus = row->capacity.gpus});
}

static void save_part(struct server *server, const struct pool_effect *effect)
{
    struct job_record *job = records_find_job(&server->records, effect->part.job);

    if (job)
        job->part_next[effect->part.part] = effect->part.next;
    store_save_part(server->store, effect->part.job, effect->part.part, effect->part.next);
}

/* What must be on the disk before anything else happens. */
static void batch_save(struct server *server, const struct pool_effect *effect,
                       const struct said *said)
{
    switch (effect->kind) {
    case POOL_SAVE_JOB:
        save_job(server, &effect->job, said);
        break;
    case POOL_SAVE_PART:
        save_part(server, effect);
        break;
    case POOL_SAVE_TASK:
        save_task(server, &effect->task, said);
        break;
    case POOL_SAVE_NODE:
        save_node(server, &effect->node);
        break;
    case POOL_SAVE_EPOCH:
        store_save_number(server->store, "epoch", effect->epoch);
        break;
    case POOL_TRACE:
        usage_note(server, effect);
        user_log_note(server, effect, said ? said->detail : NULL);
        break;
    case POOL_CHECKPOINTED:
        usage_note_saved(server, effect->send.job, effect->send.task);
        user_log_note_checkpoint(server, effect);
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
    case POOL_REPLY:
    case POOL_JOB_OVER:
        break;
    }
}

static void batch_reply(struct server *server, const struct pool_effect *effect)
{
    struct caller *caller;
    uint64_t value;

    if (!map_get(&server->batch.callers, effect->reply.caller, &value))
        return;
    caller = (struct caller *)(uintptr_t)value;
    map_remove(&server->batch.callers, effect->reply.caller);
    caller->on_reply(server, caller, effect->reply.reply, effect->reply.count);
    free(caller);
}

static void trace(struct server *server, const struct pool_effect *effect)
{
    const char *node =
        effect->trace.node == NONE ? "no node" : server->records.nodes[effect->trace.node].name;

    log_debug("%u.%u#%u %s -> %s on %s: %s", effect->trace.job, effect->trace.task,
              effect->trace.attempt, task_state_name(effect->trace.from),
              task_state_name(effect->trace.to), node, reason_text(effect->trace.reason));
    if (effect->trace.to == TASK_COMPLETED)
        server->batch.results++;
    if (task_state_is_over(effect->trace.to))
        return;
    if (effect->trace.reason == REASON_LEASE_ENDED || effect->trace.reason == REASON_AGENT_LOST_IT)
        log_notice("task %u.%u came back from %s: %s", effect->trace.job, effect->trace.task, node,
                   reason_text(effect->trace.reason));
}

/* What is on its way for a claim that has ended, and what was kept for a task that is over. */
static void let_go_of_task(struct server *server, const struct pool_task_row *row)
{
    if (row->node == NONE) {
        collect_give_up(server, row->job, row->task);
        checkpoint_give_up(server, row->job, row->task);
    }
    if (task_state_is_over(row->state) && row->checkpoint != 0)
        checkpoint_remove(server, row->job, row->task);
}

static void batch_perform(struct server *server, const struct pool_effect *effect)
{
    struct job_record *job;

    switch (effect->kind) {
    case POOL_SEND_START:
    case POOL_SEND_STOP:
    case POOL_SEND_FORGET:
    case POOL_SEND_RENEW:
    case POOL_SEND_SAVED:
    case POOL_CLOSE_SESSION:
        agents_perform(server, effect);
        break;
    case POOL_WAKE:
        waking_perform(server, effect);
        break;
    case POOL_COLLECT:
        collect_begin(server, effect);
        break;
    case POOL_COLLECT_CHECKPOINT:
        checkpoint_collect(server, effect);
        break;
    case POOL_CHECKPOINTED:
        checkpoint_recorded(server, effect);
        break;
    case POOL_REPLY:
        batch_reply(server, effect);
        break;
    case POOL_JOB_OVER:
        job = records_find_job(&server->records, effect->job_over);
        if (job)
            job->in_brain = false;
        break;
    case POOL_TRACE:
        trace(server, effect);
        break;
    case POOL_SAVE_TASK:
        let_go_of_task(server, &effect->task);
        break;
    case POOL_SAVE_JOB:
    case POOL_SAVE_PART:
    case POOL_SAVE_NODE:
    case POOL_SAVE_EPOCH:
        break;
    }
}

static void batch_step(struct server *server, struct pool_event *event)
{
    event->now_ms = room_clock_ms(server);
    if (pool_prepare(server->pool, event, &server->batch.effects) < 0) {
        log_error("out of memory for the pool; ending, to start again from what is stored");
        abort();
    }
    pool_step(server->pool, event, &server->batch.effects);
}

void batch_commit(struct server *server)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    int r = store_commit(server->store, &err);

    if (r == 0)
        return;
    log_error("cannot store what happened: %s; ending: start the server again%s, and it goes on "
              "from what is stored",
              error_text(&err), r == -ENOSPC ? " when there is room" : "");
    /* Without cleaning up: nothing that is in memory may be acted on any more. */
    _Exit(1);
}

/* What a user says to his choice is no matter of the brain: it is noted beside its effects. */
static void note_said(struct batch *batch, struct queued_event *queued, size_t first)
{
    enum pool_event_kind kind = queued->event.kind;
    _cleanup_buffer_ struct buffer sentence = BUFFER_INIT;
    struct said *said;

    if (kind != POOL_REMOVE && kind != POOL_HOLD && kind != POOL_RELEASE)
        return;
    if (kind != POOL_RELEASE)
        api_append_reason(&sentence, reason_name(REASON_BY_USER), queued->reason);
    array_reserve(batch->said, batch->said_capacity, batch->said_count + 1);
    said = &batch->said[batch->said_count++];
    *said = (struct said){.first = first,
                          .end = batch->effects.length,
                          .about_job = queued->event.choice.task == NONE,
                          .detail = take_pointer(queued->reason)};
    if (sentence.length > 0)
        said->reason = buffer_take(&sentence);
}

static void forget_said(struct batch *batch)
{
    for (size_t i = 0; i < batch->said_count; i++) {
        free(batch->said[i].reason);
        free(batch->said[i].detail);
    }
    batch->said_count = 0;
}

static void batch_save_all(struct server *server)
{
    const struct batch *batch = &server->batch;
    const struct said *said = batch->said, *end = batch->said + batch->said_count;

    for (size_t i = 0; i < batch->effects.length; i++) {
        while (said < end && said->end <= i)
            said++;
        batch_save(server, &batch->effects.items[i], said < end && said->first <= i ? said : NULL);
    }
}

/* Tells those who wait for a job, and lets go of jobs that are over. */
static void batch_after(struct server *server)
{
    struct batch *batch = &server->batch;
    bool over = false;

    for (size_t i = 0; i < batch->effects.length; i++) {
        const struct pool_effect *effect = &batch->effects.items[i];
        struct job_record *job;

        if (effect->kind != POOL_SAVE_JOB)
            continue;
        job = records_find_job(&server->records, effect->job.job);
        if (!job)
            continue;
        api_wake_waiters(server, job);
        if (job->in_brain)
            continue;
        over = true;
        records_drop_job(&server->records, job);
    }
    if (over && batch->length == 0) {
        content_sweep(server);
        images_sweep_soon(server);
    }
    matching_tidy(server);
}

/* Steps through what is queued now; what the steps' own work queues comes in the next batch. */
static void batch_run(struct server *server)
{
    struct batch *batch = &server->batch;
    size_t count = batch->length < EVENTS_PER_BATCH ? batch->length : EVENTS_PER_BATCH;

    waking_look_at_hours(server);
    store_begin(server->store);
    for (size_t i = 0; i < count; i++) {
        struct queued_event *queued = &batch->events[i];
        size_t first = batch->effects.length;

        if (queued->rider.write)
            queued->rider.write(server, queued->rider.userdata);
        batch_step(server, &queued->event);
        note_said(batch, queued, first);
        if (queued->rider.release)
            queued->rider.release(queued->rider.userdata);
        free(queued->owned);
        free(queued->reason);
    }
    if (count == 0)
        batch_step(server, &(struct pool_event){.kind = POOL_TICK});
    batch->length -= count;
    for (size_t i = 0; i < batch->length; i++)
        batch->events[i] = batch->events[count + i];
    batch_save_all(server);
    forget_said(batch);
    batch_commit(server);
    for (size_t i = 0; i < batch->effects.length; i++)
        batch_perform(server, &batch->effects.items[i]);
    user_log_flush(server);
    batch_after(server);
    batch->effects.length = 0;
}

/* How often a disk that was full is looked at. */
enum { ROOM_INTERVAL_MS = 500 };

static void on_timer(uv_timer_t *timer)
{
    (void)timer;
}

static void on_idle(uv_idle_t *idle)
{
    (void)idle;
}

static void batch_sleep(struct server *server)
{
    struct batch *batch = &server->batch;
    uint64_t next = pool_next_step_ms(server->pool), now = room_clock_ms(server);

    if (server->room.still) {
        uv_idle_stop(&batch->idle);
        uv_timer_start(&batch->timer, on_timer, ROOM_INTERVAL_MS, 0);
        return;
    }
    if (batch->length > 0 || next <= now || server->matching_is_due) {
        uv_idle_start(&batch->idle, on_idle);
        return;
    }
    uv_idle_stop(&batch->idle);
    if (next == UINT64_MAX)
        uv_timer_stop(&batch->timer);
    else
        uv_timer_start(&batch->timer, on_timer, next - now, 0);
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct server *server = prepare->data;

    matching_go_on(server);
    if (server->batch.length > 0 || server->room.still ||
        pool_next_step_ms(server->pool) <= room_clock_ms(server)) {
        room_look(server);
        if (!server->room.still)
            batch_run(server);
    }
    agents_flush(server);
    batch_sleep(server);
}

void batch_init(struct server *server)
{
    struct batch *batch = &server->batch;

    uv_prepare_init(&server->loop, &batch->prepare);
    uv_idle_init(&server->loop, &batch->idle);
    uv_timer_init(&server->loop, &batch->timer);
    batch->prepare.data = server;
    uv_prepare_start(&batch->prepare, on_prepare);
}

void batch_stop(struct server *server)
{
    /* Never begun if the server could not start. */
    if (!server->batch.prepare.data)
        return;
    uv_prepare_stop(&server->batch.prepare);
    uv_idle_stop(&server->batch.idle);
    uv_timer_stop(&server->batch.timer);
}

void batch_deinit(struct server *server)
{
    struct batch *batch = &server->batch;

    for (size_t i = 0; i < batch->length; i++) {
        if (batch->events[i].rider.release)
            batch->events[i].rider.release(batch->events[i].rider.userdata);
        free(batch->events[i].owned);
        free(batch->events[i].reason);
    }
    for (uint64_t number = 1; number <= batch->last_caller && batch->callers.count > 0; number++) {
        uint64_t value;

        if (!map_get(&batch->callers, number, &value))
            continue;
        map_remove(&batch->callers, number);
        free((struct caller *)(uintptr_t)value);
    }
    forget_said(batch);
    free(batch->said);
    free(batch->events);
    map_deinit(&batch->callers);
    pool_effects_deinit(&batch->effects);
}
