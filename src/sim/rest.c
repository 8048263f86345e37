/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Computers that sleep when nothing is to do (core/sleeping.h), and the magic packets that wake
 * them. Every third computer sleeps in worlds whose power may fail, to the RAM or switched off, and
 * every sixth never wakes by a packet, but by its owner or when the faults are over; then it sleeps
 * no more. There are two segments of the network; the server stands in the first one, or in none. A
 * script says who sleeps, and has one segment, in which the server is not.
 */
#include "world.h"

enum {
    SLEEPERS = 3,
    DEAF = 6,
    SEGMENTS = 2,
    IDLE_MIN_MS = MINUTE_MS,
    IDLE_MAX_MS = 10 * MINUTE_MS,
    SWITCHED_OFF_PARTS = 300000, /* of those that go to sleep */
    STARTS_MAX_MS = 50000        /* a computer, after the packet */
};

static uint32_t segment_of(const struct world *world, uint32_t number)
{
    return world->options.scripted ? 1 : 1 + number % SEGMENTS;
}

void rest_assemble(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];

    if (world->options.scripted || !world_has(world, SIM_FAULT_POWER) ||
        number % SLEEPERS != SLEEPERS - 1)
        return;
    computer->sleep_when_idle_ms = random_between(&world->random, IDLE_MIN_MS, IDLE_MAX_MS);
    computer->never_wakes = number % DEAF == DEAF - 1;
}

void rest_teach(struct world *world, uint32_t number, uint64_t when_idle_ms)
{
    world->computers[number].sleep_when_idle_ms = when_idle_ms;
    rest_agent_starts(world, number);
    rest_look(world, number);
}

void rest_agent_starts(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];

    sleeping_init(&computer->sleeping, computer->sleep_when_idle_ms);
}

static void set_segment(struct world *world, uint32_t node)
{
    if (pool_set_segment(world->server.pool, node,
                         segment_of(world, world_computer_of(world, node))) < 0)
        abort();
}

void rest_tell_hours(struct world *world, uint32_t node)
{
    uint32_t number = world_computer_of(world, node);
    uint64_t lent_ms = desk_lent_ms(world, number);

    if (lent_ms > 0)
        pool_let_sleep(world->server.pool, node, lent_ms == 1, lent_ms);
}

void rest_tell(struct world *world)
{
    if (!world->options.scripted && world->options.seed % 2 == 1 &&
        pool_set_own_segment(world->server.pool, 1) < 0)
        abort();
    for (uint32_t node = 0; node < world->node_count; node++)
        set_segment(world, node);
}

void rest_hello(struct world *world, uint32_t node)
{
    set_segment(world, node);
}

static bool is_quiet(const struct world *world, const struct computer *computer)
{
    return computer->session != 0 && agent_count_attempts(computer->agent) == 0 &&
           computer->process_count == 0 && agent_owner(computer->agent) == OWNER_AWAY &&
           !agent_is_leaving(computer->agent) && !(world->faults_over && computer->never_wakes);
}

static uint64_t used_ms(const struct computer *computer)
{
    return computer->lending.was_used ? computer->lending.used_ms : 0;
}

uint64_t rest_next_ms(const struct computer *computer)
{
    return sleeping_next_ms(&computer->sleeping, used_ms(computer));
}

void rest_look(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];
    uint64_t now_ms = computer_clock(world, computer);

    if (computer->sleep_when_idle_ms == 0 || !computer->agent)
        return;
    /* It is awake, whoever did that. */
    if (computer->sleeping.phase == SLEEPING_GOING)
        sleeping_ended(&computer->sleeping, now_ms, true);
    if (sleeping_look(&computer->sleeping, now_ms, is_quiet(world, computer), used_ms(computer)) ==
            SLEEPING_TELL &&
        computer->session != 0)
        computer_report(world, number, true);
}

void rest_answered(struct world *world, uint32_t number, uint64_t answers_ms)
{
    struct computer *computer = &world->computers[number];

    if (!computer->agent || !is_quiet(world, computer) ||
        !sleeping_answered(&computer->sleeping, answers_ms))
        return;
    world_trace(world, "pc%u goes to sleep", number + 1);
    network_close(world, number);
    if (world_chance(world, SWITCHED_OFF_PARTS))
        computer_power_off(world, number, 0);
    else
        computer_suspend(world, number, 0);
}

void rest_get_up(struct world *world, uint32_t number)
{
    if (world->computers[number].sleeping.phase != SLEEPING_GOING)
        return;
    computer_resume(world, number);
    computer_power_on(world, number);
}

static bool hears_server(const struct computer *waker, const struct pool_effect *effect)
{
    return waker->agent && waker->power == POWER_ON && waker->session == effect->wake.session &&
           !waker->cut_in;
}

/* Whoever wakes another one must be in its segment, and the brain must have known who is. */
static void check_wake(const struct world *world, const struct pool_effect *effect)
{
    uint32_t number = world_computer_of(world, effect->wake.node);
    uint32_t waker = effect->wake.waker;

    if (waker == NONE && (world->options.seed % 2 == 0 || segment_of(world, number) != 1))
        world_fail(world, "the server shall wake pc%u, whose segment it is not in", number + 1);
    if (waker != NONE &&
        segment_of(world, world_computer_of(world, waker)) != segment_of(world, number))
        world_fail(world, "a node shall wake pc%u, whose segment it is not in", number + 1);
}

void rest_wake(struct world *world, const struct pool_effect *effect)
{
    uint32_t number = world_computer_of(world, effect->wake.node);
    struct computer *computer = &world->computers[number];
    bool is_off = computer->power == POWER_OFF;
    uint32_t waker = effect->wake.waker;

    check_wake(world, effect);
    world_trace(world, "a packet shall wake pc%u", number + 1);
    if (computer->never_wakes || computer->power == POWER_ON ||
        computer->sleeping.phase != SLEEPING_GOING ||
        (waker != NONE &&
         !hears_server(&world->computers[world_computer_of(world, waker)], effect)))
        return;
    computer_schedule(
        world, number, world_delay(world, 1000, STARTS_MAX_MS),
        (struct happening){.kind = is_off ? HAPPEN_POWER_ON : HAPPEN_RESUME, .computer = number});
}
