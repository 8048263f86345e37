/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One computer: the agent's brain and what carries out its effects, the connection, the power, the
 * clock, and the identity that an administrator may take away and give anew.
 */
#include "world.h"

#include "base/memory.h"

enum {
    DRIFT_PARTS = 5000, /* clocks run up to half a percent fast or slow */
    GPUS_MAX = 2,       /* of a computer; the most that a task asks for */
    REDIAL_MS = 5000,
    EPOCH_FORGOTTEN_PARTS =
        300000,    /* of the power failures: the last write had not reached the disk */
    LEAVE_MS = 100 /* from the last report to the end of the process */
};

/*
 * Its own time: from its boot on, at its own speed, and with what somebody set the clock ahead by.
 * The brains must never compare it with another computer's.
 */
uint64_t computer_clock(const struct world *world, const struct computer *computer)
{
    int64_t passed = (int64_t)(world->now_ms - computer->boot_ms);

    return (uint64_t)(passed + passed * computer->drift / 1000000) + computer->clock_ahead_ms;
}

/* When the world comes to that moment of its clock; UINT64_MAX: never. */
uint64_t computer_world_time(const struct computer *computer, uint64_t local_ms)
{
    int64_t passed = 0;

    if (local_ms >= INT64_MAX / 2000000)
        return UINT64_MAX;
    /* What the clock has jumped past is due. */
    if (local_ms > computer->clock_ahead_ms)
        passed =
            (int64_t)(local_ms - computer->clock_ahead_ms) * 1000000 / (1000000 + computer->drift);
    /* One more, so that rounding never wakes anybody a moment too early. */
    return computer->boot_ms + (uint64_t)passed + (computer->drift != 0);
}

/* What is asked for here dies with the agent or the boot that asked: see happening_is_void(). */
void computer_schedule(struct world *world, uint32_t number, uint64_t at_ms,
                       struct happening happening)
{
    happening.computer = number;
    happening.incarnation = world->computers[number].incarnation;
    world_schedule(world, at_ms, happening);
}

static void computer_set_size(struct computer *computer, uint32_t cpus, uint32_t gpus)
{
    computer->capacity =
        (struct resources){.cpus = cpus, .memory = cpus, .disk = cpus, .gpus = gpus};
}

void computer_draw_size(struct world *world, uint32_t number)
{
    bool first = number == 0;
    uint64_t cpus = random_between(&world->random, first ? 2 : 1, world->options.cpus);
    uint64_t gpus = random_between(&world->random, first ? GPUS_MAX : 0, GPUS_MAX);

    computer_set_size(&world->computers[number], (uint32_t)cpus, (uint32_t)gpus);
}

/* By a policy, or by keys: then he may have working hours, or programs that need the memory. */
static void draw_owner(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];

    computer->by_policy = world_chance(world, world->options.policies);
    computer->is_small = !computer->by_policy && number % 2 == 0;
    computer->has_hours = world->options.hours && !computer->by_policy && number % 3 != 1;
}

void computer_assemble(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];

    world_enrol(world, number);
    computer->machine = number + 1;
    rest_assemble(world, number);
    computer_set_size(computer, world->options.cpus, 0);
    if (!world->options.scripted) {
        computer_draw_size(world, number);
        computer->drift = (int64_t)random_between(&world->random, 0, 2 * DRIFT_PARTS) - DRIFT_PARTS;
        if (world_has(world, SIM_FAULT_OWNERS))
            draw_owner(world, number);
    }
    computer_agent_starts(world, number);
}

void computer_discard(struct computer *computer)
{
    agent_free(computer->agent);
    desk_agent_ends(computer);
    free(computer->processes);
}

/* Effects. */

/*
 * A report is what the agent holds at this moment; while it travels it grows old, as in the world.
 */
void computer_report(struct world *world, uint32_t number, bool full)
{
    struct computer *computer = &world->computers[number];
    struct message *message = message_new(MESSAGE_REPORT, number, computer->session);
    size_t count = agent_write_report(computer->agent, full, world->items);

    message->node = computer->node;
    message->items = memory_allocate((count + 1) * sizeof(*message->items));
    for (size_t i = 0; i < count; i++)
        message->items[i] = (struct pool_report_item){.epoch = world->items[i].epoch,
                                                      .state = world->items[i].state,
                                                      .outcome = world->items[i].outcome,
                                                      .reason = world->items[i].reason,
                                                      .checkpoint = world->items[i].checkpoint};
    message->report = (struct pool_report){
        .node = computer->node,
        .session = computer->session,
        .sent_ms = computer_clock(world, computer),
        .highest_epoch = agent_highest_epoch(computer->agent),
        .full = full,
        .owner_present = agent_owner(computer->agent) != OWNER_AWAY,
        .leaving = agent_is_leaving(computer->agent),
        .asleep = computer->sleeping.phase == SLEEPING_ASKING,
        .lent_ms = desk_lent_ms(world, number),
        .items = message->items,
        .item_count = count,
    };
    if (full)
        sleeping_reported(&computer->sleeping, message->report.sent_ms);
    network_send(world, SERVER, message);
}

static void trace_attempt(struct world *world, uint32_t number, const struct agent_effect *effect)
{
    world_trace(world, "pc%u: %u.%u#%u %s -> %s: %s", number + 1, effect->trace.job,
                effect->trace.task, effect->trace.attempt, agent_phase_name(effect->trace.from),
                agent_phase_name(effect->trace.to), reason_text(effect->trace.reason));
}

static void perform(struct world *world, uint32_t number, const struct agent_effect *effect)
{
    struct computer *computer = &world->computers[number];

    switch (effect->kind) {
    case AGENT_FETCH:
    case AGENT_SPAWN:
    case AGENT_FREEZE:
    case AGENT_THAW:
    case AGENT_TERMINATE:
    case AGENT_KILL:
    case AGENT_COLLECT:
    case AGENT_SAVE:
    case AGENT_DROP:
    case AGENT_DEADLINE:
        keeper_perform(world, number, effect);
        break;
    case AGENT_SAVE_EPOCH:
        computer->synced_epoch = computer->saved_epoch;
        computer->saved_epoch = effect->epoch;
        break;
    case AGENT_REPORT:
        computer_report(world, number, effect->full);
        break;
    case AGENT_TRACE:
        trace_attempt(world, number, effect);
        break;
    case AGENT_LEFT:
        computer_schedule(world, number, world->now_ms + LEAVE_MS,
                          (struct happening){.kind = HAPPEN_AGENT_END});
        break;
    }
}

/*
 * An earlier tick than the one in the queue is added to it, and the late one then finds nothing to
 * do: cheaper than to look for it.
 */
static void schedule_tick(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];
    uint64_t rest = rest_next_ms(computer), next = agent_next_step_ms(computer->agent);
    uint64_t at_ms;

    next = rest < next ? rest : next;
    at_ms = next == UINT64_MAX ? UINT64_MAX : computer_world_time(computer, next);
    if (at_ms <= world->now_ms)
        at_ms = world->now_ms + 1;
    if (at_ms >= computer->tick_at_ms)
        return;
    computer->tick_at_ms = at_ms;
    computer_schedule(world, number, at_ms, (struct happening){.kind = HAPPEN_AGENT_TICK});
}

void computer_step(struct world *world, uint32_t number, struct agent_event event)
{
    struct computer *computer = &world->computers[number];
    struct agent_effects effects = AGENT_EFFECTS_INIT;

    if (!computer->agent || computer->power != POWER_ON)
        return;
    /* Steps may follow from what this one does; each then has its own effects. */
    effects = world->agent_effects;
    world->agent_effects = AGENT_EFFECTS_INIT;
    event.now_ms = computer_clock(world, computer);
    if (agent_prepare(computer->agent, &effects) < 0)
        abort();
    memory_forbid(true);
    agent_step(computer->agent, &event, &effects);
    memory_forbid(false);
    world->result.steps++;
    for (size_t i = 0; i < effects.length; i++)
        perform(world, number, &effects.items[i]);
    agent_effects_deinit(&world->agent_effects);
    effects.length = 0;
    world->agent_effects = effects;
    agent_assert_invariants(computer->agent);
    check_computer(world, number);
    rest_look(world, number);
    schedule_tick(world, number);
    desk_follow_work(world, number);
}

/* The connection. */

/* Both sides see the end of a connection by themselves; none is told by the other. */
void computer_disconnected(struct world *world, uint32_t number)
{
    network_close(world, number);
    computer_step(world, number, (struct agent_event){.kind = AGENT_DISCONNECTED});
    computer_schedule(world, number, world_delay(world, 100, REDIAL_MS),
                      (struct happening){.kind = HAPPEN_DIAL});
}

static void happen_dial(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];

    if (!computer->agent || computer->power != POWER_ON || computer->session != 0)
        return;
    network_dial(world, number);
    /* If no answer comes, another one is tried. */
    computer_schedule(world, number, world_delay(world, REDIAL_MS, 2 * REDIAL_MS),
                      (struct happening){.kind = HAPPEN_DIAL});
}

static void happen_tick(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];

    computer->tick_at_ms = UINT64_MAX;
    if (computer->session != 0 && world->now_ms - computer->heard_ms >= SILENCE_MS)
        computer_disconnected(world, number);
    computer_step(world, number, (struct agent_event){.kind = AGENT_TICK});
}

/* The agent's lives and deaths. */

/* The process is gone, its keeper is not: whatever runs goes on running. */
static void agent_ends(struct world *world, uint32_t number, uint64_t down_ms)
{
    struct computer *computer = &world->computers[number];

    network_close(world, number);
    computer->agent = agent_free(computer->agent);
    desk_agent_ends(computer);
    computer->incarnation++;
    if (down_ms > 0)
        computer_schedule(world, number, world->now_ms + down_ms,
                          (struct happening){.kind = HAPPEN_AGENT_START});
}

void computer_agent_dies(struct world *world, uint32_t number, uint64_t down_ms)
{
    struct computer *computer = &world->computers[number];

    if (!computer->agent || computer->power != POWER_ON)
        return;
    world->result.agent_crashes++;
    world_trace(world, "the agent of pc%u is killed", number + 1);
    agent_ends(world, number, down_ms);
}

/* Politely, as by SIGTERM: it vacates first, and HAPPEN_AGENT_END follows when nothing is left. */
void computer_agent_leaves(struct world *world, uint32_t number, uint64_t down_ms)
{
    struct computer *computer = &world->computers[number];

    if (!computer->agent || computer->power != POWER_ON || agent_is_leaving(computer->agent))
        return;
    world_trace(world, "the agent of pc%u shall end", number + 1);
    computer->down_ms = down_ms;
    computer_step(world, number, (struct agent_event){.kind = AGENT_LEAVE});
}

static void happen_agent_end(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];

    world_trace(world, "the agent of pc%u ends", number + 1);
    agent_ends(world, number, computer->down_ms);
}

/*
 * The state folder survives (saved_epoch), what the brain knew does not: it learns from the keeper
 * what runs, and from the world whether its owner is there.
 */
void computer_agent_starts(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];
    struct agent_options options = {
        .capacity = computer->capacity,
        .attempts_max = world->attempts_max,
        .heartbeat_ms = HEARTBEAT_MS,
        .grace_ms = GRACE_MS,
        .suspend_for_ms = SUSPEND_FOR_MS,
        .give_back_memory_ms = GIVE_BACK_MEMORY_MS,
        .keep_lapsed_ms = KEEP_LAPSED_MS,
        .highest_epoch = computer->saved_epoch,
    };

    if (computer->agent || computer->power != POWER_ON)
        return;
    computer->agent = agent_new(&options);
    computer->tick_at_ms = UINT64_MAX;
    computer->in_use_max = keeper_in_use(computer, true);
    /* Nobody saw the owner while no agent lived; its grace begins now. */
    computer->owner_since_ms = world->now_ms;
    computer->lending = (struct lending){0};
    rest_agent_starts(world, number);
    keeper_show(world, number);
    desk_agent_starts(world, number);
    computer_schedule(world, number, world_delay(world, 1, 500),
                      (struct happening){.kind = HAPPEN_DIAL});
}

/* The power. */

/* Everything in memory is gone at once, and sometimes the last write to the disk with it. */
void computer_power_off(struct world *world, uint32_t number, uint64_t off_ms)
{
    struct computer *computer = &world->computers[number];

    if (computer->power != POWER_ON)
        return;
    world->result.agent_crashes++;
    world_trace(world, "pc%u is switched off", number + 1);
    keeper_power_off(world, number);
    computer->agent = agent_free(computer->agent);
    desk_agent_ends(computer);
    computer->incarnation++;
    computer->power = POWER_OFF;
    if (world_chance(world, EPOCH_FORGOTTEN_PARTS))
        computer->saved_epoch = computer->synced_epoch;
    computer->session = 0;
    computer->dialled = 0;
    if (off_ms > 0)
        computer_schedule(world, number, world->now_ms + off_ms,
                          (struct happening){.kind = HAPPEN_POWER_ON});
}

/* A clock of the monotonic kind begins at 0 with each boot. */
void computer_power_on(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];

    if (computer->power != POWER_OFF)
        return;
    world_trace(world, "pc%u is switched on", number + 1);
    computer->power = POWER_ON;
    computer->boot_ms = world->now_ms;
    computer->clock_ahead_ms = 0;
    computer->incarnation++;
    computer_agent_starts(world, number);
}

/* Time goes on for the others; for this computer it is one long step until the lid opens. */
void computer_suspend(struct world *world, uint32_t number, uint64_t off_ms)
{
    struct computer *computer = &world->computers[number];

    if (computer->power != POWER_ON)
        return;
    world_trace(world, "the lid of pc%u is closed", number + 1);
    computer->power = POWER_SUSPENDED;
    keeper_suspend(world, number);
    if (off_ms > 0)
        computer_schedule(world, number, world->now_ms + off_ms,
                          (struct happening){.kind = HAPPEN_RESUME});
}

/*
 * In the order that a kernel has: who watches the owner hears first, then timers fire, and the
 * connection is found dead last.
 */
void computer_resume(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];

    if (computer->power != POWER_SUSPENDED)
        return;
    world_trace(world, "the lid of pc%u is opened", number + 1);
    computer->power = POWER_ON;
    computer->owner_since_ms = world->now_ms;
    desk_lid_opens(world, number);
    keeper_resume(world, number);
    computer->tick_at_ms = UINT64_MAX;
    computer_disconnected(world, number);
}

/* A new identity on the same computer; what its keeper still runs was given to the old one. */
void computer_enrol(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];

    if (!computer->forgotten)
        return;
    world_trace(world, "pc%u is enrolled again", number + 1);
    if (computer->agent && computer->power == POWER_ON)
        agent_ends(world, number, 1000);
    computer->forgotten = false;
    computer->session = 0;
    computer->dialled = 0;
    world_enrol(world, number);
}

/* Things that happen to a computer. */

/* Whether this thing belongs to an agent or a boot that is no more. */
static bool happening_is_void(const struct world *world, const struct happening *happening)
{
    bool of_keeper = happening->kind == HAPPEN_PROCESS_ENDS ||
                     happening->kind == HAPPEN_PROCESS_DIES || happening->kind == HAPPEN_DEADLINE;

    return !of_keeper && happening->kind != HAPPEN_ENROL &&
           happening->incarnation != world->computers[happening->computer].incarnation;
}

/* While the lid is closed nothing happens; what was due comes right after it opens. */
static bool put_off(struct world *world, const struct happening *happening)
{
    bool waits = happening->kind == HAPPEN_FETCHED || happening->kind == HAPPEN_STARTED ||
                 happening->kind == HAPPEN_OUTPUTS_LISTED || happening->kind == HAPPEN_SET_MADE ||
                 happening->kind == HAPPEN_AGENT_END || happening->kind == HAPPEN_AGENT_START ||
                 happening->kind == HAPPEN_PROCESS_DIES;

    if (!waits || world->computers[happening->computer].power != POWER_SUSPENDED)
        return false;
    world_schedule(world, world->now_ms + 1000, *happening);
    return true;
}

void computer_happens(struct world *world, const struct happening *happening)
{
    uint32_t number = happening->computer;

    if (happening_is_void(world, happening) || put_off(world, happening))
        return;
    if (happening->kind == HAPPEN_AGENT_TICK)
        happen_tick(world, number);
    else if (happening->kind == HAPPEN_AGENT_START)
        computer_agent_starts(world, number);
    else if (happening->kind == HAPPEN_AGENT_END)
        happen_agent_end(world, number);
    else if (happening->kind == HAPPEN_DIAL)
        happen_dial(world, number);
    else if (happening->kind == HAPPEN_POWER_ON)
        computer_power_on(world, number);
    else if (happening->kind == HAPPEN_RESUME)
        computer_resume(world, number);
    else if (happening->kind == HAPPEN_ENROL)
        computer_enrol(world, number);
    else if (happening->kind == HAPPEN_KEY || happening->kind == HAPPEN_DESK ||
             happening->kind == HAPPEN_HOURS)
        desk_happens(world, happening);
    else
        keeper_happens(world, happening);
}
