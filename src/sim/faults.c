/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes wrong and when. Each computer has one stream of faults and one of its owner; the server
 * has its own. Then the faults stop: everything is mended, and everything must end.
 */
#include "world.h"

#include <assert.h>

enum {
    CRASHES_AGAIN_PARTS = 300000,
    BLACKOUT_PARTS = 100000 /* of the server's crashes */
};

static void schedule_fault(struct world *world, enum happening_kind kind, uint32_t number,
                           uint64_t mean_ms)
{
    uint64_t longest_ms = 2 * mean_ms * 100 / world->options.faults;

    world_schedule(world, world_delay(world, 0, longest_ms),
                   (struct happening){.kind = kind, .computer = number});
}

static void schedule_owner(struct world *world, uint32_t number, bool present)
{
    uint64_t longest_ms = present ? 4 * HOUR_MS : HOUR_MS;

    /* Some only come by; and on some computers somebody always does. */
    if (!present && random_chance(&world->random, 300000))
        longest_ms = 3 * MINUTE_MS;
    if (number % 4 == 1)
        longest_ms = 5 * MINUTE_MS;
    world_schedule(world, world_delay(world, 1000, longest_ms),
                   (struct happening){.kind = HAPPEN_OWNER, .computer = number, .number = present});
}

/* The usual sweep comes in a few jobs over the first half of the time. */
static void schedule_submits(struct world *world)
{
    uint64_t latest_ms = world->options.faults > 0 ? world->options.duration_ms / 2 : 0;

    for (uint32_t left = world->options.tasks; left > 0;) {
        uint32_t tasks = (uint32_t)random_between(&world->random, 1, left);

        left -= tasks;
        world_schedule(world, world_delay(world, 1, 1 + latest_ms),
                       (struct happening){.kind = HAPPEN_SUBMIT, .number = tasks});
    }
}

static bool has_faults_of_computers(const struct world *world)
{
    return world_has(world, SIM_FAULT_AGENTS) || world_has(world, SIM_FAULT_POWER) ||
           world_has(world, SIM_FAULT_NETWORK) || world_has(world, SIM_FAULT_ADMIN);
}

void faults_begin(struct world *world)
{
    schedule_submits(world);
    if (world_has(world, SIM_FAULT_SERVER))
        schedule_fault(world, HAPPEN_FAULT_OF_SERVER, 0, HOUR_MS);
    for (uint32_t n = 0; n < world->options.agents; n++) {
        if (has_faults_of_computers(world))
            schedule_fault(world, HAPPEN_FAULT_OF_COMPUTER, n, HOUR_MS / 2);
        if (world_has(world, SIM_FAULT_OWNERS))
            schedule_owner(world, n, true);
    }
    if (world_has(world, SIM_FAULT_USERS))
        world_schedule(world, MINUTE_MS, (struct happening){.kind = HAPPEN_USER_ACTS});
}

void faults_heal(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];

    if (computer->cut_in || computer->cut_out)
        world_trace(world, "pc%u reaches the network again", number + 1);
    computer->cut_in = false;
    computer->cut_out = false;
    computer->cut_until_ms = 0;
}

void faults_cut(struct world *world, uint32_t number, bool in, bool out)
{
    world->computers[number].cut_in = in;
    world->computers[number].cut_out = out;
    world_trace(world, "pc%u is cut off%s", number + 1,
                in && out ? ""
                : in      ? " inwards"
                          : " outwards");
}

static void cut_for_a_while(struct world *world, uint32_t number)
{
    uint64_t ways = random_between(&world->random, 1, 3);
    /* Of the short ones, hardly anybody notices more than that all is late. */
    uint64_t longest_ms = random_chance(&world->random, 500000) ? SILENCE_MS : 10 * MINUTE_MS;
    uint64_t until_ms = world_delay(world, 5000, longest_ms);

    faults_cut(world, number, (ways & 1) != 0, (ways & 2) != 0);
    if (random_chance(&world->random, 500000))
        world->computers[number].cut_until_ms = until_ms;
    world_schedule(world, until_ms, (struct happening){.kind = HAPPEN_HEAL, .computer = number});
}

/* Forward, as after a sleep that nobody was told of; backward it never goes. */
static void clock_jumps(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];
    uint64_t jump_ms = random_between(&world->random, 1000, HOUR_MS);

    if (computer->power != POWER_ON)
        return;
    world_trace(world, "the clock of pc%u jumps by %llu s", number + 1,
                (unsigned long long)(jump_ms / 1000));
    computer->clock_ahead_ms += jump_ms;
    keeper_look_at_clock(world, number);
    computer_step(world, number, (struct agent_event){.kind = AGENT_TICK});
}

/* The agent is killed or told to leave, or its keeper dies. */
static void agent_goes(struct world *world, uint32_t number)
{
    uint64_t down_ms = random_between(&world->random, 100, 30000);

    if (random_chance(&world->random, 200000) && world->computers[number].power == POWER_ON)
        keeper_dies(world, number);
    else if (random_chance(&world->random, 300000))
        computer_agent_leaves(world, number, down_ms);
    else
        computer_agent_dies(world, number, down_ms);
}

/* The first one stays large enough for all. */
static void draw_size(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];

    if (number == 0)
        return;
    computer_draw_size(world, number);
    world_trace(world, "pc%u shall have %u CPUs and %u GPUs", number + 1, computer->capacity.cpus,
                computer->capacity.gpus);
}

/*
 * Switched off without a word, so that the server gives it more for a while. Sometimes it comes
 * back with less in it.
 */
static void power_fails(struct world *world, uint32_t number)
{
    if (world->computers[number].power == POWER_ON && random_chance(&world->random, 500000))
        draw_size(world, number);
    computer_power_off(world, number, random_between(&world->random, 10000, HOUR_MS));
}

void faults_blackout(struct world *world)
{
    if (!world_has(world, SIM_FAULT_POWER) || !world_fault(world, BLACKOUT_PARTS))
        return;
    world_trace(world, "the lights go out");
    for (uint32_t n = 0; n < world->options.agents; n++)
        if (random_chance(&world->random, 700000))
            power_fails(world, n);
}

static void power_goes(struct world *world, uint32_t number)
{
    if (random_chance(&world->random, 100000))
        clock_jumps(world, number);
    else if (random_chance(&world->random, 500000))
        power_fails(world, number);
    else
        computer_suspend(world, number, random_between(&world->random, 1000, HOUR_MS));
}

/* Whoever configures a node starts its agent anew. */
static void resize(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];

    if (computer->power != POWER_ON || !computer->agent)
        return;
    draw_size(world, number);
    computer_agent_dies(world, number, 1000);
}

/* Somebody wants it empty, thinks better of it, and has more to say soon. */
static void drain(struct world *world, uint32_t number)
{
    bool drained = random_chance(&world->random, 600000);
    bool now = random_chance(&world->random, 500000);

    users_drain_node(world, number, drained, now);
    if (random_chance(&world->random, 500000))
        world_schedule(world, world_delay(world, 0, MINUTE_MS),
                       (struct happening){.kind = HAPPEN_DRAIN, .computer = number});
}

static void admin_acts(struct world *world, uint32_t number)
{
    switch (random_below(&world->random, 5)) {
    case 0:
        network_clone(world, number, random_chance(&world->random, 500000));
        break;
    case 1:
        resize(world, number);
        break;
    case 2:
    case 3:
        drain(world, number);
        break;
    default:
        users_forget_node(world, number);
        break;
    }
}

static void fault_of_computer(struct world *world, uint32_t number)
{
    static const struct {
        enum sim_fault fault;
        void (*happens)(struct world *world, uint32_t number);
    } kinds[] = {
        {SIM_FAULT_AGENTS, agent_goes},       {SIM_FAULT_AGENTS, agent_goes},
        {SIM_FAULT_POWER, power_goes},        {SIM_FAULT_ADMIN, admin_acts},
        {SIM_FAULT_NETWORK, cut_for_a_while}, {SIM_FAULT_NETWORK, cut_for_a_while},
    };
    size_t kind;

    do
        kind = random_below(&world->random, ARRAY_LENGTH(kinds));
    while (!world_has(world, kinds[kind].fault));
    kinds[kind].happens(world, number);
    schedule_fault(world, HAPPEN_FAULT_OF_COMPUTER, number, HOUR_MS / 2);
}

/* Some crash again as soon as they are back. */
static void fault_of_server(struct world *world)
{
    uint64_t down_ms = random_between(&world->random, 500, 3 * MINUTE_MS);

    server_crash(world, "between two batches", true, down_ms);
    if (random_chance(&world->random, CRASHES_AGAIN_PARTS))
        world_schedule(world, world_delay(world, down_ms, down_ms + 100),
                       (struct happening){.kind = HAPPEN_FAULT_OF_SERVER, .number = 1});
    else
        schedule_fault(world, HAPPEN_FAULT_OF_SERVER, 0, HOUR_MS);
}

void faults_end(struct world *world)
{
    world->faults_over = true;
    world_trace(world, "the faults stop");
    for (uint32_t n = 0; n < world->options.agents; n++) {
        faults_heal(world, n);
        rest_get_up(world, n);
        computer_resume(world, n);
        computer_power_on(world, n);
        desk_owner(world, n, false);
        computer_enrol(world, n);
    }
    users_release_all(world);
    classes_end(world);
}

void faults_happen(struct world *world, const struct happening *happening)
{
    if (happening->kind == HAPPEN_HEAL) {
        faults_heal(world, happening->computer);
        return;
    }
    if (world->faults_over)
        return;
    if (happening->kind == HAPPEN_DRAIN) {
        drain(world, happening->computer);
    } else if (happening->kind == HAPPEN_OWNER) {
        desk_owner(world, happening->computer, happening->number != 0);
        schedule_owner(world, happening->computer, happening->number == 0);
    } else if (happening->kind == HAPPEN_FAULT_OF_SERVER) {
        fault_of_server(world);
    } else {
        fault_of_computer(world, happening->computer);
    }
}
