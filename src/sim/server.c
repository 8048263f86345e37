/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server around the pool's brain, as the real one does it: what arrives is collected, stepped
 * through in one batch, committed in one transaction, and only then sent. It can crash before,
 * within and after a commit; within means before or after, because a transaction is whole or not at
 * all. A commit that fails and memory that is refused end it as well. And a commit can be slow, or
 * the whole computer stand still: then everything that arrives waits, time goes on, and the timers
 * are the first to notice.
 */
#include "world.h"

#include "base/memory.h"

#include <string.h>

enum {
    NO_MEMORY_PARTS = 2000,      /* of a million events, if the brain needs any */
    COMMIT_FAILS_PARTS = 300000, /* of the crashes before a commit */
    COMMIT_SLOW_PARTS = 500,     /* of a million batches */
    CRASHES_AT_STARTS = 5,       /* times as many as in other batches */
    REFUSED_PARTS = 2000,        /* starts that cannot be put into a message */
    OUTPUT_FAILS_PARTS = 10000,  /* results that find no room at their place */
    SLOW_OUTPUT_PARTS = 20000,
    CHECK_EVERY = 16 /* commits: whether the rows make this brain */
};

void server_init(struct world *world)
{
    struct sim_server *server = &world->server;

    server->tick_at_ms = UINT64_MAX;
    server->pool = disk_load(world);
    classes_tell(world);
    rest_tell(world);
}

/* The first ones have been stepped through and committed, or died with the server. */
static void inbox_drop(struct sim_server *server, size_t count)
{
    size_t left = server->inbox_length - count;

    for (size_t i = 0; i < count; i++)
        message_free(server->inbox_messages[i]);
    for (size_t i = 0; i < left; i++) {
        server->inbox[i] = server->inbox[count + i];
        server->inbox_messages[i] = server->inbox_messages[count + i];
    }
    server->inbox_length = left;
}

void server_deinit(struct world *world)
{
    struct sim_server *server = &world->server;

    inbox_drop(server, server->inbox_length);
    pool_free(server->pool);
    pool_effects_deinit(&server->effects);
    disk_deinit(&server->disk);
    free(server->inbox);
    free(server->inbox_messages);
    free(server->connections);
}

void server_reserve_nodes(struct world *world, uint32_t node_count)
{
    struct sim_server *server = &world->server;
    size_t before = server->connection_capacity;

    disk_reserve_nodes(&server->disk, node_count);
    array_reserve(server->connections, server->connection_capacity, node_count);
    for (size_t i = before; i < server->connection_capacity; i++)
        server->connections[i] = (struct connection){0};
}

uint64_t server_clock(const struct world *world)
{
    return world->now_ms + world->server.clock_offset_ms;
}

static void schedule(struct world *world, uint64_t at_ms, struct happening happening)
{
    happening.incarnation = world->server.incarnation;
    world_schedule(world, at_ms, happening);
}

/* A few milliseconds, so that what arrives together shares a commit. */
static void schedule_loop(struct world *world)
{
    if (world->server.loop_due)
        return;
    world->server.loop_due = true;
    schedule(world, world_delay(world, 0, 3), (struct happening){.kind = HAPPEN_SERVER_LOOP});
}

/* Nothing is answered here: everything waits for the next batch, as in the real server's loop. */
void server_receive(struct world *world, const struct pool_event *event, struct message *message)
{
    struct sim_server *server = &world->server;

    array_reserve(server->inbox, server->inbox_capacity, server->inbox_length + 1);
    array_reserve(server->inbox_messages, server->inbox_messages_capacity,
                  server->inbox_length + 1);
    server->inbox[server->inbox_length] = *event;
    server->inbox_messages[server->inbox_length++] = message;
    if (!server->committing)
        schedule_loop(world);
}

/* Sends. */

/* Refusals have words, because a real agent prints them; the simulator's goes on trying. */
static void reply_to_hello(struct world *world, const struct pool_effect *effect)
{
    uint32_t node = (uint32_t)(effect->reply.caller & ((1U << NUMBER_BITS) - 1));
    uint32_t computer = world_computer_of(world, node);
    bool accepted = effect->reply.reply == POOL_REPLY_NODE_ACCEPTED;
    struct message *message =
        message_new(accepted ? MESSAGE_WELCOME : MESSAGE_REFUSED, computer, effect->reply.caller);

    if (accepted) {
        world->server.connections[node] = (struct connection){effect->reply.caller, world->now_ms};
        world_trace(world, "pc%u is connected", computer + 1);
        rest_hello(world, node);
    } else {
        world_trace(world, "pc%u is refused: %s", computer + 1,
                    effect->reply.reply == POOL_REPLY_NODE_IS_FORGOTTEN   ? "it was forgotten"
                    : effect->reply.reply == POOL_REPLY_NODE_IS_CONNECTED ? "it is connected"
                                                                          : "it is a clone");
    }
    network_send(world, computer, message);
}

/* Small numbers are users; the others are the nodes' sessions. */
static void perform_reply(struct world *world, const struct pool_effect *effect)
{
    if (effect->reply.caller < 1U << NUMBER_BITS)
        users_answered(world, effect);
    else
        reply_to_hello(world, effect);
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
                    task_state_name(effect->trace.to),
                    world_computer_of(world, effect->trace.node) + 1,
                    reason_text(effect->trace.reason));
}

/*
 * Sometimes a start cannot be put into a message (its description is damaged, or too long): the
 * brain hears of it as of any other event.
 */
static void perform_send(struct world *world, const struct pool_effect *effect)
{
    uint32_t computer = world_computer_of(world, effect->send.node);
    struct message *message;

    if (effect->kind == POOL_SEND_START) {
        check_start(world, effect);
        saving_begin(world, effect);
        if (world_has(world, SIM_FAULT_FILES) && world_fault(world, REFUSED_PARTS)) {
            schedule(world, world_delay(world, 0, 1000),
                     (struct happening){.kind = HAPPEN_SERVER_EVENT,
                                        .epoch = effect->send.epoch,
                                        .number = POOL_REFUSED});
            return;
        }
    }
    message = message_new(MESSAGE_SEND, computer, effect->send.session);
    message->node = effect->send.node;
    message->effect = *effect;
    network_send(world, computer, message);
}

/* The outputs come over the connection, which may be slow. */
static void perform_collect(struct world *world, const struct pool_effect *effect)
{
    uint64_t longest_ms = 2000;

    if (world_has(world, SIM_FAULT_FILES) && world_fault(world, SLOW_OUTPUT_PARTS))
        longest_ms = 5 * MINUTE_MS;
    schedule(world, world_delay(world, 1, longest_ms),
             (struct happening){.kind = HAPPEN_SERVER_EVENT,
                                .computer = world_computer_of(world, effect->send.node),
                                .epoch = effect->send.epoch,
                                .number = effect->send.session});
}

static void perform(struct world *world, const struct pool_effect *effect)
{
    switch (effect->kind) {
    case POOL_SEND_START:
    case POOL_SEND_STOP:
    case POOL_SEND_FORGET:
    case POOL_SEND_RENEW:
    case POOL_SEND_SAVED:
        perform_send(world, effect);
        break;
    case POOL_COLLECT:
        perform_collect(world, effect);
        break;
    case POOL_COLLECT_CHECKPOINT:
        saving_collect(world, effect);
        break;
    case POOL_REPLY:
        perform_reply(world, effect);
        break;
    case POOL_TRACE:
        trace_task(world, effect);
        break;
    case POOL_WAKE:
        rest_wake(world, effect);
        break;
    case POOL_CLOSE_SESSION:
    case POOL_CHECKPOINTED:
    case POOL_JOB_OVER:
    case POOL_SAVE_JOB:
    case POOL_SAVE_PART:
    case POOL_SAVE_TASK:
    case POOL_SAVE_NODE:
    case POOL_SAVE_EPOCH:
        break;
    }
}

/* Steps. */

/*
 * Whichever is due first: the brain's own deadline, or the look for connections that fell silent.
 */
static void server_schedule_tick(struct world *world)
{
    struct sim_server *server = &world->server;
    uint64_t next = pool_next_step_ms(server->pool);

    next = next == UINT64_MAX ? server->silence_at_ms : next - server->clock_offset_ms;
    if (next > server->silence_at_ms)
        next = server->silence_at_ms;
    if (next >= server->tick_at_ms)
        return;
    server->tick_at_ms = next;
    schedule(world, next, (struct happening){.kind = HAPPEN_SERVER_TICK});
}

static uint64_t draw_down_time(struct world *world)
{
    uint64_t longest_ms = world_chance(world, 500000) ? 1000 : 2 * MINUTE_MS;

    return random_between(&world->random, 50, longest_ms);
}

/* Whether the brain has room for the event; if not, the process ends, and the brain is as before.
 */
static bool server_prepare(struct world *world, const struct pool_event *event)
{
    struct sim_server *server = &world->server;
    bool scarce = world_has(world, SIM_FAULT_SERVER) && world_fault(world, NO_MEMORY_PARTS);
    uint64_t digest = scarce ? pool_digest(server->pool) : 0;
    int r;

    if (scarce)
        memory_fail_at(random_between(&world->random, 1, 4));
    r = pool_prepare(server->pool, event, &server->effects);
    memory_fail_at(0);
    if (r == 0)
        return true;
    if (!scarce)
        world_fail(world, "the pool refuses an event (%d)", r);
    if (pool_digest(server->pool) != digest)
        world_fail(world, "the pool has no memory for an event, but changes");
    server_crash(world, "for want of memory", false, draw_down_time(world));
    return false;
}

/* Returns false if the server crashed over it. */
static bool server_step(struct world *world, struct pool_event event)
{
    struct sim_server *server = &world->server;

    event.now_ms = server_clock(world);
    if (!server_prepare(world, &event))
        return false;
    memory_forbid(true);
    pool_step(server->pool, &event, &server->effects);
    memory_forbid(false);
    check_pool(world);
    return true;
}

/* A crash around a batch that saves nothing would test nothing. */
static bool saves_anything(const struct pool_effects *effects)
{
    for (size_t i = 0; i < effects->length; i++)
        if (effects->items[i].kind <= POOL_SAVE_EPOCH)
            return true;
    return false;
}

/* Crashes are drawn more often where they hurt: around what is committed and must be sent. */
static uint32_t crash_parts(const struct world *world)
{
    const struct pool_effects *effects = &world->server.effects;

    for (size_t i = 0; i < effects->length; i++)
        if (effects->items[i].kind == POOL_SEND_START)
            return world->options.crash_parts * CRASHES_AT_STARTS;
    return world->options.crash_parts;
}

/* Whether the server ends here, by chance or because a script says so. */
static bool server_crashes(struct world *world, enum crash_point point)
{
    struct sim_server *server = &world->server;
    const char *when = point == CRASH_BEFORE_COMMIT ? "before the commit" : "after the commit";
    uint64_t down_ms = server->crash_down_ms;

    if (server->crash_at == point && saves_anything(&server->effects)) {
        server->crash_at = CRASH_NOWHERE;
    } else {
        if (!world_has(world, SIM_FAULT_SERVER) || !world_fault(world, crash_parts(world)))
            return false;
        down_ms = draw_down_time(world);
        if (point == CRASH_BEFORE_COMMIT && world_chance(world, COMMIT_FAILS_PARTS))
            when = "because the commit failed";
    }
    server_crash(world, when, point == CRASH_AFTER_COMMIT, down_ms);
    faults_blackout(world);
    return true;
}

static void server_commit(struct world *world)
{
    struct sim_server *server = &world->server;

    disk_commit(world);
    if (server->commits++ % CHECK_EVERY == 0 && world->options.agents + world->options.tasks < 1000)
        check_rows_make_the_pool(world, server->pool, pool_digest(server->pool));
}

/* The disk has it: now, and not before, others may hear of it. */
static void server_committed(struct world *world)
{
    struct sim_server *server = &world->server;

    server->committing = false;
    server_commit(world);
    if (server_crashes(world, CRASH_AFTER_COMMIT))
        return;
    for (size_t i = 0; i < server->effects.length; i++)
        perform(world, &server->effects.items[i]);
    server->effects.length = 0;
    inbox_drop(server, server->batch_length);
    server->batch_length = 0;
    server_schedule_tick(world);
    if (server->inbox_length > 0)
        schedule_loop(world);
}

/* As if the commit took that long: what arrives is kept, nothing is sent, and leases run on. */
void server_stand_still(struct world *world, uint64_t for_ms)
{
    world_trace(world, "the server stands still for %llu s", (unsigned long long)(for_ms / 1000));
    world->server.committing = true;
    schedule(world, world->now_ms + for_ms, (struct happening){.kind = HAPPEN_SERVER_COMMITTED});
}

/* The one place of the rule that everything hangs on: commit, and only then perform. */
static void server_batch(struct world *world)
{
    struct sim_server *server = &world->server;

    server->batch_length = server->inbox_length;
    if (server_crashes(world, CRASH_BEFORE_COMMIT))
        return;
    if (world_has(world, SIM_FAULT_SERVER) && world_fault(world, COMMIT_SLOW_PARTS))
        server_stand_still(world, draw_down_time(world));
    else
        server_committed(world);
}

static void server_loop(struct world *world)
{
    struct sim_server *server = &world->server;

    server->loop_due = false;
    if (server->committing)
        return;
    for (size_t i = 0; i < server->inbox_length; i++)
        if (!server_step(world, server->inbox[i]))
            return;
    server_batch(world);
}

/* A node of which nothing was heard for long is taken as disconnected, as pings would find out. */
static bool look_for_silence(struct world *world)
{
    struct sim_server *server = &world->server;

    if (world->now_ms < server->silence_at_ms)
        return true;
    server->silence_at_ms = world->now_ms + HEARTBEAT_MS;
    for (uint32_t n = 0; n < world->node_count; n++) {
        struct connection *connection = &server->connections[n];

        rest_tell_hours(world, n);
        if (connection->session == 0 || world->now_ms - connection->heard_ms < SILENCE_MS)
            continue;
        if (!server_step(world, (struct pool_event){.kind = POOL_NODE_DISCONNECTED,
                                                    .disconnected = {n, connection->session}}))
            return false;
        connection->session = 0;
    }
    return true;
}

static void server_tick(struct world *world)
{
    world->server.tick_at_ms = UINT64_MAX;
    if (world->server.committing)
        return;
    if (look_for_silence(world) && server_step(world, (struct pool_event){.kind = POOL_TICK}))
        server_loop(world);
}

/* Ends. */

void server_crash(struct world *world, const char *when, bool committed, uint64_t down_ms)
{
    struct sim_server *server = &world->server;

    if (!server->pool)
        return;
    if (server->committing) {
        /* The disk may have had all of it, although nobody learns it before the restart. */
        when = "within a commit";
        committed = world_chance(world, 500000);
        if (committed)
            disk_commit(world);
    }
    server->committing = false;
    world->result.server_crashes++;
    server->expected_digest = committed ? pool_digest(server->pool) : 0;
    world_trace(world, "the server crashes %s", when);
    server->pool = pool_free(server->pool);
    server->effects.length = 0;
    server->incarnation++;
    server->loop_due = false;
    inbox_drop(server, server->inbox_length);
    server->batch_length = 0;
    for (uint32_t n = 0; n < world->node_count; n++)
        server->connections[n].session = 0;
    for (uint32_t n = 0; n < world->options.agents; n++) {
        struct computer *computer = &world->computers[n];

        /* The kernel of the server closes the connections; most computers notice at once. */
        if (!computer->cut_in && computer->session != 0 && computer->power == POWER_ON)
            computer_disconnected(world, n);
    }
    world_schedule(world, world->now_ms + down_ms,
                   (struct happening){.kind = HAPPEN_SERVER_RESTART});
}

void server_restart(struct world *world)
{
    struct sim_server *server = &world->server;

    if (server->pool)
        return;
    /* Its clock counts from some other moment, as after a reboot. */
    if (!world->options.scripted)
        server->clock_offset_ms = random_below(&world->random, HOUR_MS);
    server->pool = disk_load(world);
    classes_tell(world);
    rest_tell(world);
    if (server->expected_digest != 0 && server->expected_digest != pool_digest(server->pool))
        world_fail(world, "the brain that the rows make is not the one before the crash");
    pool_assert_invariants(server->pool);
    server->tick_at_ms = UINT64_MAX;
    server->last_job = (uint32_t)server->disk.job_count;
    /* What was committed and never sent is sent now. */
    world->started_epoch = server->disk.epoch;
    world_trace(world, "the server is back");
    users_after_restart(world);
    if (server_step(world, (struct pool_event){.kind = POOL_TICK}))
        server_batch(world);
}

/* Things that happen to the server. */

static void happen_event(struct world *world, const struct happening *happening)
{
    const struct computer *computer = &world->computers[happening->computer];
    struct pool_event event = {.kind = POOL_COLLECTED, .collected.epoch = happening->epoch};

    if (happening->number == POOL_REFUSED) {
        event.kind = POOL_REFUSED;
        event.collected.failure = REASON_CANNOT_EXPAND;
    } else if (computer->session != happening->number) {
        /* The files come over the connection; with it they break off. */
        return;
    } else if (computer->power != POWER_ON || computer->cut_out || computer->cut_in) {
        schedule(world, world->now_ms + 1000, *happening);
        return;
    } else if (world_has(world, SIM_FAULT_FILES) && world_fault(world, OUTPUT_FAILS_PARTS)) {
        event.collected.failure = REASON_DISK_FULL_AT_SUBMITTER;
    }
    server_receive(world, &event, NULL);
}

void server_happens(struct world *world, const struct happening *happening)
{
    if (happening->kind == HAPPEN_SERVER_RESTART)
        server_restart(world);
    else if (happening->incarnation != world->server.incarnation)
        return;
    else if (happening->kind == HAPPEN_SERVER_LOOP)
        server_loop(world);
    else if (happening->kind == HAPPEN_SERVER_TICK)
        server_tick(world);
    else if (happening->kind == HAPPEN_SERVER_COMMITTED)
        server_committed(world);
    else if (happening->kind == HAPPEN_CHECKPOINT)
        saving_happens(world, happening);
    else
        happen_event(world, happening);
}
