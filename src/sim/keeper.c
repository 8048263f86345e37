/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper of a computer: its processes, which outlive the agent.
 *
 * A process computes while it is PROCESS_RUNNING and the computer is on. The keeper freezes it by
 * itself when its deadline passes, whether an agent lives or not.
 */
#include "world.h"

#include "base/memory.h"

enum {
    FETCH_FAILS_PARTS = 5000,
    SLOW_FETCH_PARTS = 10000,
    START_FAILS_PARTS = 3000,
    SLOW_START_PARTS = 50000,
    LISTING_FAILS_PARTS = 3000,
    DEAF_PARTS = 300000 /* programs that do not end when they are asked to */
};

struct process *keeper_find(struct computer *computer, uint64_t epoch)
{
    for (size_t i = 0; i < computer->process_count; i++)
        if (computer->processes[i].epoch == epoch)
            return &computer->processes[i];
    return NULL;
}

/* The effect names the epoch alone; what the attempt is, the agent's brain can show. */
static struct agent_attempt_view view_of(const struct computer *computer, uint64_t epoch)
{
    for (size_t i = 0; i < agent_count_attempts(computer->agent); i++) {
        struct agent_attempt_view view = agent_view_attempt(computer->agent, i);

        if (view.epoch == epoch)
            return view;
    }
    return (struct agent_attempt_view){0};
}

struct resources keeper_in_use(const struct computer *computer, bool with_saved)
{
    struct resources used = {0};

    for (size_t i = 0; i < computer->process_count; i++)
        if (computer->processes[i].state != PROCESS_EXITED ||
            (with_saved && computer->processes[i].has_saved))
            resources_give(&used, &computer->processes[i].request);
    return used;
}

/*
 * What it has computed so far is kept: an attempt that thaws goes on where it stood. The run number
 * makes the end void that was scheduled for the run before.
 */
static void process_rest(struct world *world, struct process *process, enum process_state state)
{
    uint64_t done_ms = world->now_ms - process->since_ms;

    if (process->state == PROCESS_RUNNING) {
        done_ms = done_ms < process->left_ms ? done_ms : process->left_ms;
        process->left_ms -= done_ms;
        process->done_ms += done_ms;
        process->unsaved_ms += done_ms;
        check_process_rests(world, process);
    }
    process->state = state;
    process->run++;
}

/* To the end of its work, or to when it saves itself. */
static uint64_t until_exit_ms(const struct process *process)
{
    uint64_t until_ms = process->left_ms;

    if (process->saves_ms > 0 && process->saves_ms - process->unsaved_ms < until_ms)
        until_ms = process->saves_ms - process->unsaved_ms;
    return until_ms;
}

/*
 * From here on the world counts it as running, and check_process_runs() fails if another one does.
 */
static void process_run(struct world *world, uint32_t number, struct process *process)
{
    process->state = PROCESS_RUNNING;
    process->since_ms = world->now_ms;
    process->run++;
    check_process_runs(world, number, process);
    world_schedule(world, world->now_ms + until_exit_ms(process),
                   (struct happening){.kind = HAPPEN_PROCESS_ENDS,
                                      .computer = number,
                                      .epoch = process->epoch,
                                      .number = process->run});
}

static void process_exit(struct world *world, uint32_t number, struct process *process)
{
    struct agent_event event = {.kind = AGENT_EXITED, .epoch = process->epoch};

    process_rest(world, process, PROCESS_EXITED);
    if (process->has_saved)
        event.kind = AGENT_SAVED_ITSELF;
    computer_step(world, number, event);
}

/* One happening a process is enough: when it comes, the deadline may have moved on. */
static void watch_deadline(struct world *world, uint32_t number, struct process *process)
{
    uint64_t at_ms = computer_world_time(&world->computers[number], process->deadline_ms);

    if (process->watched || at_ms == UINT64_MAX)
        return;
    process->watched = true;
    world_schedule(
        world, at_ms,
        (struct happening){.kind = HAPPEN_DEADLINE, .computer = number, .epoch = process->epoch});
}

/* By the computer's own clock, which nothing but its own speed and jumps moves. */
static bool lease_is_over(const struct world *world, uint32_t number, const struct process *process)
{
    return computer_clock(world, &world->computers[number]) >= process->deadline_ms;
}

/* What the keeper does by itself: no lease, no computing. */
static void look_at_deadline(struct world *world, uint32_t number, struct process *process)
{
    uint64_t epoch = process->epoch;

    process->watched = false;
    if (process->state == PROCESS_EXITED || world->computers[number].power != POWER_ON)
        return;
    if (!lease_is_over(world, number, process)) {
        watch_deadline(world, number, process);
        return;
    }
    if (process->state != PROCESS_RUNNING)
        return;
    process_rest(world, process, PROCESS_FROZEN);
    computer_step(world, number, (struct agent_event){.kind = AGENT_LAPSED, .epoch = epoch});
}

/* How long the task computes, in whichever attempt. */
static uint64_t computing_ms(const struct world *world, uint32_t job, uint32_t task)
{
    const struct disk_job *described = disk_find_job(&world->server.disk, job);
    struct random duration = {.state = world->options.seed ^ task_key(job, task)};

    if (described && described->task_ms > 0)
        return described->task_ms;
    return random_between(&duration, 1000, world->options.task_ms_max);
}

/*
 * The keeper takes it at once, but a while passes until the program runs; an agent that dies
 * between the two has seen nothing of it.
 */
static struct process *add_process(struct world *world, uint32_t number, uint64_t epoch)
{
    struct computer *computer = &world->computers[number];
    struct agent_attempt_view view = view_of(computer, epoch);
    uint64_t all_ms = computing_ms(world, view.job, view.task);
    uint64_t done_ms = saving_done_ms(world, epoch);

    array_reserve(computer->processes, computer->process_capacity, computer->process_count + 1);
    computer->processes[computer->process_count++] = (struct process){
        .epoch = epoch,
        .job = view.job,
        .task = view.task,
        .attempt = view.attempt,
        .request = view.request,
        .deadline_ms = view.lease_end_ms,
        .left_ms = all_ms - done_ms,
        .done_ms = done_ms,
        .saves_ms = saving_each_ms(world, view.job),
    };
    return &computer->processes[computer->process_count - 1];
}

/* One that is there has saved itself, and goes on in its folder. */
static void perform_spawn(struct world *world, uint32_t number, const struct agent_effect *effect)
{
    bool slow = world_has(world, SIM_FAULT_FILES) && world_fault(world, SLOW_START_PARTS);
    struct process *process = keeper_find(&world->computers[number], effect->epoch);

    if (!process)
        process = add_process(world, number, effect->epoch);
    process->state = PROCESS_STARTING;
    process->checkpoint = effect->checkpoint;
    process->unsaved_ms = 0;
    computer_schedule(world, number, world_delay(world, 1, slow ? 5000 : 30),
                      (struct happening){.kind = HAPPEN_STARTED, .epoch = effect->epoch});
}

/*
 * Inputs may be slow or find no room on the disk; the agent must not wait for one with all others.
 */
static void perform_fetch(struct world *world, uint32_t number, uint64_t epoch)
{
    uint64_t longest_ms = 3000;

    if (world_has(world, SIM_FAULT_FILES) && world_fault(world, SLOW_FETCH_PARTS))
        longest_ms = 2 * MINUTE_MS;
    computer_schedule(world, number, world_delay(world, 1, longest_ms),
                      (struct happening){.kind = HAPPEN_FETCHED, .epoch = epoch});
}

/* The keeper has the last word: a thaw that arrives after the lease does nothing. */
static void thaw(struct world *world, uint32_t number, struct process *process)
{
    if (process->state == PROCESS_FROZEN && !lease_is_over(world, number, process))
        process_run(world, number, process);
}

/*
 * Asked to end, a program may take its time or not listen at all; killed, it ends. Either way it is
 * gone only when its processes are.
 */
static void perform_end(struct world *world, uint32_t number, struct process *process, bool certain)
{
    /* A starting one is told again when it has started. */
    if (process->state == PROCESS_STARTING || process->state == PROCESS_EXITED)
        return;
    if (!process->ending)
        process->ending_ms = world->now_ms;
    process->ending = true;
    if (!certain && world_chance(world, DEAF_PARTS))
        return;
    world_schedule(world, world_delay(world, 1, certain ? 20 : 5000),
                   (struct happening){
                       .kind = HAPPEN_PROCESS_DIES, .computer = number, .epoch = process->epoch});
}

/*
 * Only what has left the processor may be forgotten: a folder that is removed under a running
 * program is a bug of the brain.
 */
static void perform_drop(struct world *world, uint32_t number, struct process *process)
{
    struct computer *computer = &world->computers[number];

    if (process->state == PROCESS_RUNNING || process->state == PROCESS_FROZEN)
        world_fail(world, "pc%u drops an attempt that still runs", number + 1);
    world_trace(world, "pc%u: %u.%u#%u is dropped", number + 1, process->job, process->task,
                process->attempt);
    *process = computer->processes[--computer->process_count];
}

/* What is asked of a process that is no more was answered by its exit. */
static void perform_on_process(struct world *world, uint32_t number, struct process *process,
                               const struct agent_effect *effect)
{
    switch (effect->kind) {
    case AGENT_FREEZE:
        if (process->state == PROCESS_RUNNING)
            process_rest(world, process, PROCESS_FROZEN);
        break;
    case AGENT_THAW:
        thaw(world, number, process);
        break;
    case AGENT_TERMINATE:
    case AGENT_KILL:
        perform_end(world, number, process, effect->kind == AGENT_KILL);
        break;
    case AGENT_DROP:
        perform_drop(world, number, process);
        break;
    case AGENT_DEADLINE:
        process->deadline_ms = effect->deadline_ms;
        watch_deadline(world, number, process);
        break;
    case AGENT_FETCH:
    case AGENT_SPAWN:
    case AGENT_COLLECT:
    case AGENT_SAVE:
    case AGENT_SAVE_EPOCH:
    case AGENT_REPORT:
    case AGENT_LEFT:
    case AGENT_TRACE:
        abort();
    }
}

void keeper_perform(struct world *world, uint32_t number, const struct agent_effect *effect)
{
    struct process *process = keeper_find(&world->computers[number], effect->epoch);

    if (effect->kind == AGENT_FETCH)
        perform_fetch(world, number, effect->epoch);
    else if (effect->kind == AGENT_SPAWN)
        perform_spawn(world, number, effect);
    else if (effect->kind == AGENT_COLLECT)
        computer_schedule(
            world, number, world_delay(world, 1, 200),
            (struct happening){.kind = HAPPEN_OUTPUTS_LISTED, .epoch = effect->epoch});
    else if (effect->kind == AGENT_SAVE)
        computer_schedule(world, number, world_delay(world, 1, 200),
                          (struct happening){.kind = HAPPEN_SET_MADE, .epoch = effect->epoch});
    else if (process)
        perform_on_process(world, number, process, effect);
}

/* What an agent that has just started finds of one process. */
/*
 * It says what the keeper knows, no more: that a result was already reported, or which session saw
 * it, died with the agent before.
 */
static void show_process(struct world *world, uint32_t number, const struct process *process)
{
    bool exited = process->state == PROCESS_EXITED, ending = process->ending;
    struct agent_event event = {.kind = AGENT_FOUND,
                                .epoch = process->epoch,
                                .found = {.job = process->job,
                                          .task = process->task,
                                          .attempt = process->attempt,
                                          .request = process->request,
                                          .phase = AGENT_RUNNING,
                                          .checkpoint = process->checkpoint,
                                          .saves_to_leave = saving_leaves(world, process->job),
                                          .lease_end_ms = process->deadline_ms}};

    if (process->state == PROCESS_FROZEN)
        event.found.phase = AGENT_FROZEN;
    if (exited)
        event.found.phase = process->has_saved ? AGENT_SAVING : AGENT_COLLECTING;
    if (ending)
        event.found.phase = AGENT_KILLING;
    computer_step(world, number, event);
    if (ending && exited)
        computer_step(world, number,
                      (struct agent_event){.kind = AGENT_EXITED, .epoch = event.epoch});
    else if (ending)
        keeper_perform(world, number,
                       &(struct agent_effect){.kind = AGENT_KILL, .epoch = event.epoch});
}

void keeper_show(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];
    size_t count = 0;

    for (size_t i = 0; i < computer->process_count; i++)
        /* One that nobody saw start never will: the keeper has not begun it. */
        if (computer->processes[i].state != PROCESS_STARTING)
            computer->processes[count++] = computer->processes[i];
    computer->process_count = count;
    for (size_t i = 0; i < count; i++)
        show_process(world, number, &computer->processes[i]);
}

/* No exit is ever told: the next boot finds folders without processes. */
void keeper_power_off(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];

    for (size_t i = 0; i < computer->process_count; i++)
        process_rest(world, &computer->processes[i], PROCESS_EXITED);
    computer->process_count = 0;
}

/* All that has not exited is killed, and nobody can say how it ended. */
void keeper_dies(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];

    world_trace(world, "the keeper of pc%u is killed", number + 1);
    /* Backwards, because the last takes the place of one that goes. */
    for (size_t i = computer->process_count; i-- > 0;) {
        struct agent_event event = {.kind = AGENT_VANISHED, .epoch = computer->processes[i].epoch};

        if (computer->processes[i].state == PROCESS_EXITED)
            continue;
        process_rest(world, &computer->processes[i], PROCESS_EXITED);
        computer->processes[i] = computer->processes[--computer->process_count];
        computer_step(world, number, event);
    }
}

/* Processes that ran are marked by their state staying so; their time stands still. */
void keeper_suspend(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];

    for (size_t i = 0; i < computer->process_count; i++)
        if (computer->processes[i].state == PROCESS_RUNNING) {
            process_rest(world, &computer->processes[i], PROCESS_RUNNING);
            computer->processes[i].since_ms = UINT64_MAX;
        }
}

/* The keeper's timer is the first thing that fires: whose lease is over does not go on. */
void keeper_resume(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];

    for (size_t i = 0; i < computer->process_count; i++) {
        struct process *process = &computer->processes[i];

        /* Not one that the agent has thawed just now. */
        if (process->state == PROCESS_RUNNING && process->since_ms == UINT64_MAX) {
            process->state = PROCESS_FROZEN;
            thaw(world, number, process);
        }
        if (process->state != PROCESS_EXITED)
            watch_deadline(world, number, process);
    }
    /* Backwards, because a step may drop one, and the last then takes its place. */
    for (size_t i = computer->process_count; i-- > 0;)
        if (computer->processes[i].state == PROCESS_FROZEN)
            computer_step(
                world, number,
                (struct agent_event){.kind = AGENT_LAPSED, .epoch = computer->processes[i].epoch});
}

/*
 * The clock was set; whose deadline has passed by it must stop now, not at the time that was
 * planned.
 */
void keeper_look_at_clock(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];

    /* Backwards, because a step may drop one, and the last then takes its place. */
    for (size_t i = computer->process_count; i-- > 0;)
        look_at_deadline(world, number, &computer->processes[i]);
}

/* It is born frozen, so that one and the same rule, thaw(), says whether it may compute. */
static void happen_started(struct world *world, uint32_t number, struct process *process)
{
    struct agent_event event = {.kind = AGENT_STARTED, .epoch = process->epoch};

    if (process->state != PROCESS_STARTING)
        return;
    if (world_has(world, SIM_FAULT_FILES) && world_fault(world, START_FAILS_PARTS)) {
        event.failure = REASON_CANNOT_START;
        *process = world->computers[number].processes[--world->computers[number].process_count];
    } else {
        process->state = PROCESS_FROZEN;
        world->result.started += !process->has_saved;
        process->has_saved = false;
        thaw(world, number, process);
        watch_deadline(world, number, process);
    }
    computer_step(world, number, event);
}

/*
 * The end of a run that was interrupted is void. Only who was not asked to end has computed a
 * result.
 */
static void happen_process_ends(struct world *world, const struct happening *happening,
                                struct process *process)
{
    if (process->state != PROCESS_RUNNING || process->run != happening->number ||
        world->computers[happening->computer].power != POWER_ON)
        return;
    process->has_saved = until_exit_ms(process) < process->left_ms;
    if (!process->ending && !process->has_saved) {
        world->result.computed++;
        map_put(&world->finished, process->epoch, 1);
    }
    process_exit(world, happening->computer, process);
}

static void happen_to_process(struct world *world, const struct happening *happening,
                              struct process *process)
{
    if (happening->kind == HAPPEN_STARTED)
        happen_started(world, happening->computer, process);
    else if (happening->kind == HAPPEN_PROCESS_ENDS)
        happen_process_ends(world, happening, process);
    else if (happening->kind == HAPPEN_DEADLINE)
        look_at_deadline(world, happening->computer, process);
    else if (process->state == PROCESS_RUNNING || process->state == PROCESS_FROZEN)
        process_exit(world, happening->computer, process);
}

void keeper_happens(struct world *world, const struct happening *happening)
{
    uint32_t number = happening->computer;
    struct process *process = keeper_find(&world->computers[number], happening->epoch);
    struct agent_event event = {.epoch = happening->epoch};
    bool fails = world_has(world, SIM_FAULT_FILES);

    if (happening->kind == HAPPEN_FETCHED) {
        event.kind = AGENT_FETCHED;
        if (fails && world_fault(world, FETCH_FAILS_PARTS))
            event.failure = REASON_DISK_FULL_ON_NODE;
        computer_step(world, number, event);
    } else if (happening->kind == HAPPEN_OUTPUTS_LISTED) {
        event.kind = AGENT_COLLECTED;
        if (fails && world_fault(world, LISTING_FAILS_PARTS))
            event.failure = REASON_CANNOT_COLLECT_OUTPUT;
        computer_step(world, number, event);
    } else if (happening->kind == HAPPEN_SET_MADE) {
        event.kind = AGENT_SAVED;
        if (fails && world_fault(world, LISTING_FAILS_PARTS))
            event.failure = REASON_CANNOT_SAVE;
        computer_step(world, number, event);
    } else if (process) {
        happen_to_process(world, happening, process);
    }
}
