/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The desk of one computer: its owner, who types while he is there, with pauses that are sometimes
 * longer than the tasks wait for; and the part of the agent that says from his keys whose the
 * computer is (core/lending.h, or on some computers core/policy.h with HTCondor's DESKTOP). A key
 * is heard only by an agent that is alive and awake; one that starts, or a lid that is opened, with
 * an owner there hears one at once. Some owners have working hours besides, now and then, each at
 * others, and whether or not they come.
 */
#include "world.h"

#include "core/words.h"

enum {
    IDLE_AFTER_MS = 3 * MINUTE_MS,
    RESUME_AFTER_MS = 20000,
    KEY_PAUSE_MS = 25000,            /* the longest between two keys */
    LOOK_MS = 5000,                  /* of a policy while there is work */
    IDLE_LOOK_MS = 10000,            /* and else */
    WALL_SECONDS = 24 * 7 * 60 * 60, /* of the moment at which worlds begin */
    EVERY_SECOND_KEY = 2,
    KEYS_OF_A_PROGRAM = 3,
    HOURS_MS = 4 * MINUTE_MS, /* that he works, */
    FREE_MS = 20 * MINUTE_MS, /* and does not: so long, and as long as the longest task */
    APART_MS = 7 * MINUTE_MS  /* between the hours of two owners */
};

static bool is_watched(const struct computer *computer)
{
    return computer->agent && computer->power == POWER_ON;
}

static void tell(struct world *world, uint32_t number, enum agent_event_kind kind)
{
    struct computer *computer = &world->computers[number];
    enum owner_presence before = agent_owner(computer->agent);

    if (kind != AGENT_OWNER_LEFT && kind != AGENT_OWNER_NEAR && before != OWNER_PRESENT)
        computer->owner_since_ms = world->now_ms;
    computer_step(world, number, (struct agent_event){.kind = kind});
}

/* ---- by the policy ---- */

/* The times of DESKTOP as short as those of the others, so that as much happens in an hour. */
static struct policy *make_policy(void)
{
    static const struct policy_definition times[] = {
        {"StartIdleTime", "180"},
        {"ContinueIdleTime", "20"},
        {"MaxSuspendTime", "120"},
        {"MachineMaxVacateTime", "10"},
    };
    _cleanup_error_ struct error err = ERROR_INIT;
    struct policy *policy;

    if (policy_new("DESKTOP", times, ARRAY_LENGTH(times), &policy, &err) < 0)
        abort();
    return policy;
}

/* What he does makes the processor busy, too, each second time. */
static struct policy_sight see(const struct world *world, const struct computer *computer)
{
    bool is_busy = computer->owner_present && computer->keys % EVERY_SECOND_KEY == 0;

    return (struct policy_sight){
        .now_ms = computer_clock(world, computer),
        .wall_seconds = WALL_SECONDS + (int64_t)(world->now_ms / 1000),
        .has_work = agent_has_work(computer->agent),
        .keyboard_ms = computer->lending.used_ms,
        .console_ms = computer->lending.used_ms,
        .load = is_busy ? 1 : 0,
    };
}

/* A new chain of looks ends the one before. */
static void look(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];
    struct policy_sight sight = see(world, computer);
    struct policy_view view = policy_look(computer->policy, &sight);
    enum agent_event_kind kind = agent_event_of_policy(&view);
    uint64_t pause_ms = sight.has_work ? LOOK_MS : IDLE_LOOK_MS;

    computer->has_work = sight.has_work;
    computer_schedule(world, number, world->now_ms + pause_ms,
                      (struct happening){.kind = HAPPEN_DESK, .number = ++computer->looks});
    if (kind == computer->told)
        return;
    computer->told = kind;
    tell(world, number, kind);
}

void desk_follow_work(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];

    if (is_watched(computer) && computer->policy &&
        agent_has_work(computer->agent) != computer->has_work)
        look(world, number);
}

/* ---- by keys and time ---- */

/* What follows by time alone is looked at then; an earlier look finds nothing to do. */
static void desk_step(struct world *world, uint32_t number, struct lending_event event)
{
    struct computer *computer = &world->computers[number];
    const struct lending_view *view = &computer->lending.view;
    enum owner_presence before = view->presence;

    event.now_ms = computer_clock(world, computer);
    (void)lending_step(&computer->lending, &event);
    if (computer->policy) {
        look(world, number);
        return;
    }
    if (view->until_ms != UINT64_MAX)
        computer_schedule(world, number, computer_world_time(computer, view->until_ms),
                          (struct happening){.kind = HAPPEN_DESK});
    if (view->presence != before)
        tell(world, number, agent_event_of_owner(view->presence));
}

/* ---- by his working hours ---- */

static uint64_t hours_period_ms(const struct world *world)
{
    return HOURS_MS + FREE_MS + world->options.task_ms_max;
}

/* Since the last ones began. */
static uint64_t since_hours_ms(const struct world *world, uint32_t number)
{
    return (world->now_ms + (uint64_t)number * APART_MS) % hours_period_ms(world);
}

uint64_t desk_lent_ms(const struct world *world, uint32_t number)
{
    uint64_t since_ms = since_hours_ms(world, number);

    if (!world->computers[number].has_hours)
        return 0;
    return since_ms < HOURS_MS ? 1 : hours_period_ms(world) - since_ms;
}

static void look_at_hours(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];
    bool are_now = since_hours_ms(world, number) < HOURS_MS;
    struct lending_event event = {.kind = LENDING_LASTS,
                                  .lasts = {.reason = OWNER_REASON_HOURS, .holds = are_now}};

    if (computer->has_hours && lending_holds(&computer->lending, OWNER_REASON_HOURS) != are_now)
        desk_step(world, number, event);
}

/* When they begin or end; that goes on while nobody watches. */
static void hours_happen(struct world *world, uint32_t number)
{
    uint64_t since_ms = since_hours_ms(world, number);
    uint64_t change_ms = since_ms < HOURS_MS ? HOURS_MS : hours_period_ms(world);

    if (is_watched(&world->computers[number]))
        look_at_hours(world, number);
    computer_schedule(world, number, world->now_ms + change_ms - since_ms,
                      (struct happening){.kind = HAPPEN_HOURS});
}

/* ---- by his keys ---- */

/* Each second attempt is one of those whose memory goes to the disk as soon as it stands still. */
bool desk_may_push_out(uint64_t epoch)
{
    return epoch % 2 == 0;
}

static void push_out(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];

    for (size_t i = 0; i < computer->process_count; i++)
        if (computer->processes[i].state == PROCESS_FROZEN &&
            desk_may_push_out(computer->processes[i].epoch))
            computer_step(world, number,
                          (struct agent_event){.kind = AGENT_PUSHED_OUT,
                                               .epoch = computer->processes[i].epoch});
}

/* With some of his keys he starts a program that wants all of the memory, and with others ends it.
 */
static void use_memory(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];
    bool was_short = computer->memory_short_ms != UINT64_MAX;
    bool is_short = computer->is_small && computer->keys / KEYS_OF_A_PROGRAM % 2 == 1;

    push_out(world, number);
    if (is_short == was_short)
        return;
    computer->memory_short_ms = is_short ? world->now_ms : UINT64_MAX;
    computer_step(
        world, number,
        (struct agent_event){.kind = is_short ? AGENT_MEMORY_SHORT : AGENT_MEMORY_ENOUGH});
}

/* And the next one, as long as he stays; a new chain of keys ends the one before. */
static void press_key(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];
    struct lending_event event = {.kind = LENDING_USED};

    computer->key_ms = event.used_ms = computer_clock(world, computer);
    desk_step(world, number, event);
    use_memory(world, number);
    computer_schedule(world, number, world_delay(world, 100, KEY_PAUSE_MS),
                      (struct happening){.kind = HAPPEN_KEY, .number = ++computer->keys});
}

void desk_agent_starts(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];
    const struct lending_options options = {.idle_after_ms = IDLE_AFTER_MS,
                                            .resume_after_ms = RESUME_AFTER_MS};

    lending_init(&computer->lending, &options, computer_clock(world, computer));
    computer->policy = computer->by_policy ? make_policy() : NULL;
    computer->told = AGENT_OWNER_LEFT;
    computer->memory_short_ms = UINT64_MAX;
    if (computer->owner_present)
        press_key(world, number);
    else if (computer->policy)
        look(world, number);
    if (computer->has_hours)
        hours_happen(world, number);
}

void desk_agent_ends(struct computer *computer)
{
    computer->policy = policy_free(computer->policy);
}

/* Time has passed in one long step; the key with which he wakes it is heard first. */
void desk_lid_opens(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];

    if (!is_watched(computer))
        return;
    if (computer->owner_present)
        press_key(world, number);
    else
        desk_step(world, number, (struct lending_event){.kind = LENDING_TICK});
    look_at_hours(world, number);
}

void desk_owner(struct world *world, uint32_t number, bool present)
{
    struct computer *computer = &world->computers[number];

    if (computer->owner_present == present)
        return;
    world_trace(world, "the owner of pc%u %s", number + 1, present ? "returns" : "leaves");
    computer->owner_present = present;
    if (present)
        rest_get_up(world, number);
    if (present && is_watched(computer))
        press_key(world, number);
}

void desk_happens(struct world *world, const struct happening *happening)
{
    struct computer *computer = &world->computers[happening->computer];

    if (happening->kind == HAPPEN_HOURS) {
        hours_happen(world, happening->computer);
        return;
    }
    if (!is_watched(computer))
        return;
    if (happening->kind == HAPPEN_DESK && happening->number == computer->looks)
        desk_step(world, happening->computer, (struct lending_event){.kind = LENDING_TICK});
    else if (computer->owner_present && happening->number == computer->keys)
        press_key(world, happening->computer);
}

static bool computes(const struct computer *computer)
{
    for (size_t i = 0; i < computer->process_count; i++)
        if (computer->processes[i].state == PROCESS_RUNNING && !computer->processes[i].ending)
            return true;
    return false;
}

/*
 * Whoever pressed a key a moment ago is there, whatever his agent has been through since. To a
 * policy he is there if something is to be stopped, and near if not.
 */
void desk_check(struct world *world, uint32_t number)
{
    const struct computer *computer = &world->computers[number];
    enum owner_presence presence = OWNER_PRESENT;

    if (!is_watched(computer) || !computer->lending.was_used ||
        computer_clock(world, computer) - computer->key_ms >= RESUME_AFTER_MS / 2)
        return;
    presence = agent_owner(computer->agent);
    if (presence == OWNER_AWAY || (presence == OWNER_NEAR && !computer->policy))
        world_fail(world, "the owner of pc%u has just pressed a key, and is not there", number + 1);
    if (presence == OWNER_NEAR && computes(computer))
        world_fail(world, "the owner of pc%u has just pressed a key, and a task computes",
                   number + 1);
}
