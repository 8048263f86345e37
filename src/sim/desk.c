/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The desk of one computer: its owner, who types while he is there, with pauses that are sometimes
 * longer than the tasks wait for; and the part of the agent that says from his keys whose the
 * computer is (core/lending.h). A key is heard only by an agent that is alive and awake; one that
 * starts, or a lid that is opened, with an owner there hears one at once.
 */
#include "world.h"

enum {
    IDLE_AFTER_MS = 3 * MINUTE_MS,
    RESUME_AFTER_MS = 20000,
    KEY_PAUSE_MS = 25000, /* the longest between two keys */
};

/* What follows by time alone is looked at then; an earlier look finds nothing to do. */
static void desk_step(struct world *world, uint32_t number, struct lending_event event)
{
    struct computer *computer = &world->computers[number];
    const struct lending_view *view = &computer->lending.view;
    enum owner_presence before = view->presence;

    event.now_ms = computer_clock(world, computer);
    (void)lending_step(&computer->lending, &event);
    if (view->until_ms != UINT64_MAX)
        computer_schedule(world, number, computer_world_time(computer, view->until_ms),
                          (struct happening){.kind = HAPPEN_DESK});
    if (view->presence == before)
        return;
    if (view->presence == OWNER_PRESENT)
        computer->owner_since_ms = world->now_ms;
    computer_step(world, number,
                  (struct agent_event){.kind = agent_event_of_owner(view->presence)});
}

static bool is_watched(const struct computer *computer)
{
    return computer->agent && computer->power == POWER_ON;
}

/* And the next one, as long as he stays; a new chain of keys ends the one before. */
static void press_key(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];
    struct lending_event event = {.kind = LENDING_USED};

    computer->key_ms = event.used_ms = computer_clock(world, computer);
    desk_step(world, number, event);
    computer_schedule(world, number, world_delay(world, 100, KEY_PAUSE_MS),
                      (struct happening){.kind = HAPPEN_KEY, .number = ++computer->keys});
}

void desk_agent_starts(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];
    const struct lending_options options = {.idle_after_ms = IDLE_AFTER_MS,
                                            .resume_after_ms = RESUME_AFTER_MS};

    lending_init(&computer->lending, &options, computer_clock(world, computer));
    if (computer->owner_present)
        press_key(world, number);
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
}

void desk_owner(struct world *world, uint32_t number, bool present)
{
    struct computer *computer = &world->computers[number];

    if (computer->owner_present == present)
        return;
    world_trace(world, "the owner of pc%u %s", number + 1, present ? "returns" : "leaves");
    computer->owner_present = present;
    if (present && is_watched(computer))
        press_key(world, number);
}

void desk_happens(struct world *world, const struct happening *happening)
{
    struct computer *computer = &world->computers[happening->computer];

    if (!is_watched(computer))
        return;
    if (happening->kind == HAPPEN_DESK)
        desk_step(world, happening->computer, (struct lending_event){.kind = LENDING_TICK});
    else if (computer->owner_present && happening->number == computer->keys)
        press_key(world, happening->computer);
}

/* Whoever pressed a key a moment ago is there, whatever his agent has been through since. */
void desk_check(struct world *world, uint32_t number)
{
    const struct computer *computer = &world->computers[number];

    if (is_watched(computer) && computer->lending.was_used &&
        computer_clock(world, computer) - computer->key_ms < RESUME_AFTER_MS / 2 &&
        agent_owner(computer->agent) != OWNER_PRESENT)
        world_fail(world, "the owner of pc%u has just pressed a key, and is not there", number + 1);
}
