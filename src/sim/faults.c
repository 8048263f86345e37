/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes wrong and when, and what users do meanwhile. Each computer has one stream of faults and
 * one of its owner; the server has its own. Then the faults stop: everything is mended, and
 * everything must end.
 */
#include "world.h"

enum { MINUTE_MS = 60000, HOUR_MS = 3600000 };

enum fault_kind { FAULT_OF_COMPUTER, FAULT_OF_SERVER };

static void schedule_fault(struct world *world, enum fault_kind kind, uint32_t number,
                           uint64_t mean_ms)
{
    mean_ms = mean_ms * 100 / (world->options.faults > 0 ? world->options.faults : 1);
    world_schedule(world, world_delay(world, MINUTE_MS, 2 * mean_ms),
                   (struct happening){.kind = HAPPEN_FAULT, .computer = number, .number = kind});
}

static void schedule_owner(struct world *world, uint32_t number, bool present)
{
    uint64_t longest_ms = present ? 4 * HOUR_MS : HOUR_MS;

    world_schedule(world, world_delay(world, MINUTE_MS, longest_ms),
                   (struct happening){
                       .kind = HAPPEN_FAULT, .computer = number, .epoch = 1, .number = present});
}

static void schedule_user(struct world *world)
{
    world_schedule(world, world_delay(world, MINUTE_MS, HOUR_MS),
                   (struct happening){.kind = HAPPEN_USER});
}

/* The usual sweep comes in a few jobs over the first half of the time. */
static void schedule_submits(struct world *world)
{
    uint32_t left = world->options.tasks;

    while (left > 0) {
        uint32_t tasks = (uint32_t)random_between(&world->random, 1, left);
        uint64_t latest_ms = world->options.faults > 0 ? world->options.duration_ms / 2 : 0;

        left -= tasks;
        world_schedule(world, world_delay(world, 1, 1 + latest_ms),
                       (struct happening){.kind = HAPPEN_USER,
                                          .number = tasks,
                                          .epoch = random_chance(&world->random, 200000) ? 2 : 1});
    }
}

void faults_begin(struct world *world)
{
    schedule_submits(world);
    if (world->options.faults == 0)
        return;
    schedule_fault(world, FAULT_OF_SERVER, 0, HOUR_MS);
    for (uint32_t n = 0; n < world->options.agents; n++) {
        schedule_fault(world, FAULT_OF_COMPUTER, n, HOUR_MS / 2);
        schedule_owner(world, n, true);
    }
    if (!world->options.quiet_users)
        schedule_user(world);
}

static void heal(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];

    if (computer->cut_in || computer->cut_out)
        world_trace(world, "pc%u reaches the network again", number + 1);
    computer->cut_in = false;
    computer->cut_out = false;
}

static void cut(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];
    uint64_t ways = random_between(&world->random, 1, 3);

    computer->cut_in = (ways & 1) != 0;
    computer->cut_out = (ways & 2) != 0;
    world_trace(world, "pc%u is cut off%s%s", number + 1, computer->cut_in ? " inwards" : "",
                computer->cut_out ? " outwards" : "");
    world_schedule(world, world_delay(world, 5000, 10 * MINUTE_MS),
                   (struct happening){.kind = HAPPEN_HEAL, .computer = number});
}

/* A copy of the disk in another PC, or of the folder on the same one, dials in. */
static void clone(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];
    struct message *hello = message_new(MESSAGE_HELLO, number, 0);
    struct message *report;
    bool same_machine = random_chance(&world->random, 500000);

    hello->session = ++world->last_session << NUMBER_BITS | number;
    hello->machine = same_machine ? computer->machine : computer->machine + 1000000;
    hello->from_clone = true;
    hello->capacity = (struct resources){computer->cpus, computer->cpus, computer->cpus};
    /* A copied folder can only be told from its original while that one is connected. */
    if (same_machine && computer->session == 0) {
        message_free(hello);
        return;
    }
    world_trace(world, "a clone of pc%u dials in", number + 1);
    report = message_new(MESSAGE_REPORT, number, hello->session);
    report->report = (struct pool_report){.node = number,
                                          .session = hello->session,
                                          .highest_epoch = computer->saved_epoch,
                                          .full = true};
    world_schedule(
        world, world->now_ms + 1,
        (struct happening){.kind = HAPPEN_MESSAGE, .computer = SERVER, .message = hello});
    world_schedule(
        world, world->now_ms + 50,
        (struct happening){.kind = HAPPEN_MESSAGE, .computer = SERVER, .message = report});
}

static void fault_of_computer(struct world *world, uint32_t number)
{
    switch (random_below(&world->random, 8)) {
    case 0:
    case 1:
    case 2:
        computer_agent_dies(world, number, random_between(&world->random, 100, 30000));
        break;
    case 3:
        computer_power_off(world, number, random_between(&world->random, 10000, HOUR_MS));
        break;
    case 4:
        computer_suspend(world, number, random_between(&world->random, 1000, HOUR_MS));
        break;
    case 5:
        clone(world, number);
        break;
    default:
        cut(world, number);
        break;
    }
    schedule_fault(world, FAULT_OF_COMPUTER, number, HOUR_MS / 2);
}

static void user_acts(struct world *world)
{
    static const enum pool_event_kind kinds[] = {POOL_HOLD, POOL_RELEASE, POOL_RELEASE, POOL_HOLD,
                                                 POOL_REMOVE};
    struct sim_server *server = &world->server;
    struct pool_event event = {.caller = 2};
    uint32_t tasks;

    schedule_user(world);
    if (!server->pool || server->disk.job_count == 0)
        return;
    event.kind = kinds[random_below(&world->random, 5)];
    event.choice.job = (uint32_t)random_between(&world->random, 1, server->disk.job_count);
    tasks = server->disk.parts[event.choice.job - 1].count;
    event.choice.task = (uint32_t)random_below(&world->random, tasks);
    if (random_chance(&world->random, event.kind == POOL_REMOVE ? 100000 : 400000))
        event.choice.task = NONE;
    if (event.choice.task == NONE)
        world_trace(world, "a user does %d to job %u", (int)event.kind, event.choice.job);
    else
        world_trace(world, "a user does %d to task %u.%u", (int)event.kind, event.choice.job,
                    event.choice.task);
    server_receive(world, &event, NULL);
}

/* After the faults somebody looks after what is still held, until nothing is. */
static void release_all(struct world *world)
{
    struct sim_server *server = &world->server;

    for (uint32_t job = 1; server->pool && job <= server->disk.job_count; job++)
        server_receive(
            world, &(struct pool_event){.kind = POOL_RELEASE, .caller = 2, .choice = {job, NONE}},
            NULL);
    world_schedule(world, world->now_ms + 10 * MINUTE_MS, (struct happening){.kind = HAPPEN_USER});
}

void faults_end(struct world *world)
{
    world->faults_over = true;
    world_trace(world, "the faults stop");
    for (uint32_t n = 0; n < world->options.agents; n++) {
        heal(world, n);
        computer_resume(world, n);
        computer_power_on(world, n);
        computer_owner(world, n, false);
    }
    release_all(world);
}

void faults_happen(struct world *world, const struct happening *happening)
{
    if (happening->kind == HAPPEN_USER) {
        if (happening->number > 0)
            server_submit(world, (uint32_t)happening->number, (uint32_t)happening->epoch);
        else if (world->faults_over)
            release_all(world);
        else
            user_acts(world);
        return;
    }
    if (happening->kind == HAPPEN_HEAL) {
        heal(world, happening->computer);
        return;
    }
    if (world->faults_over)
        return;
    if (happening->epoch == 1) {
        computer_owner(world, happening->computer, happening->number != 0);
        schedule_owner(world, happening->computer, happening->number == 0);
    } else if (happening->number == FAULT_OF_SERVER) {
        server_crash(world, "between two batches", true,
                     random_between(&world->random, 500, 3 * MINUTE_MS));
        schedule_fault(world, FAULT_OF_SERVER, 0, HOUR_MS);
    } else {
        fault_of_computer(world, happening->computer);
    }
}
