/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One computer: the agent's brain and what carries out its effects, the keeper whose processes
 * outlive the agent, the power, the clock and the owner.
 *
 * A process computes while it is PROCESS_RUNNING and the computer is on. The keeper freezes it by
 * itself when its deadline passes, whether an agent lives or not.
 */
#include "world.h"

#include "base/memory.h"

#include <string.h>

enum {
    FETCH_FAILS_PARTS = 3000,
    OUTPUT_FAILS_PARTS = 2000,
    REDIAL_MS = 5000,
    AGENT_RESTART_MS = 30000
};

uint64_t computer_clock(const struct world *world, const struct computer *computer)
{
    int64_t passed = (int64_t)(world->now_ms - computer->boot_ms);

    return (uint64_t)(passed + passed * computer->drift / 1000000);
}

/* The world's time at which the computer's clock shows `local_ms`. */
static uint64_t world_time_of(const struct computer *computer, uint64_t local_ms)
{
    int64_t passed = (int64_t)local_ms * 1000000 / (1000000 + computer->drift);

    if (local_ms >= INT64_MAX / 2000000)
        return UINT64_MAX;
    /* One more, so that rounding never wakes anybody a moment too early. */
    return computer->boot_ms + (uint64_t)passed + 1;
}

static void schedule(struct world *world, uint32_t number, uint64_t at_ms,
                     struct happening happening)
{
    happening.computer = number;
    happening.incarnation = world->computers[number].incarnation;
    world_schedule(world, at_ms, happening);
}

static struct process *find_process(struct computer *computer, uint64_t epoch)
{
    for (size_t i = 0; i < computer->process_count; i++)
        if (computer->processes[i].epoch == epoch)
            return &computer->processes[i];
    return NULL;
}

void computer_init(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];

    /* The first one can hold everything that is ever submitted. */
    computer->cpus =
        (uint32_t)random_between(&world->random, number == 0 ? 2 : 1, world->options.cpus);
    computer->machine = number + 1;
    computer->drift = (int64_t)random_between(&world->random, 0, 2 * DRIFT_PARTS) - DRIFT_PARTS;
    computer_agent_starts(world, number);
}

void computer_deinit(struct computer *computer)
{
    agent_free(computer->agent);
    free(computer->processes);
}

/* Processes. */

static void process_rest(struct world *world, struct process *process, enum process_state state)
{
    uint64_t done_ms = world->now_ms - process->since_ms;

    if (process->state == PROCESS_RUNNING) {
        process->left_ms = done_ms < process->left_ms ? process->left_ms - done_ms : 0;
        check_process_rests(world, process);
    }
    process->state = state;
    process->run++;
}

static void process_run(struct world *world, uint32_t number, struct process *process)
{
    process->state = PROCESS_RUNNING;
    process->since_ms = world->now_ms;
    process->run++;
    check_process_runs(world, number, process);
    world_schedule(world, world->now_ms + process->left_ms,
                   (struct happening){.kind = HAPPEN_PROCESS_ENDS,
                                      .computer = number,
                                      .epoch = process->epoch,
                                      .number = process->run});
}

static void process_exit(struct world *world, uint32_t number, struct process *process)
{
    uint64_t epoch = process->epoch;

    process_rest(world, process, PROCESS_EXITED);
    computer_step(world, number, (struct agent_event){.kind = AGENT_EXITED, .epoch = epoch});
}

static void process_watch_deadline(struct world *world, uint32_t number,
                                   const struct process *process)
{
    struct computer *computer = &world->computers[number];
    uint64_t at_ms = world_time_of(computer, process->deadline_ms);

    if (at_ms != UINT64_MAX)
        world_schedule(world, at_ms,
                       (struct happening){
                           .kind = HAPPEN_DEADLINE, .computer = number, .epoch = process->epoch});
}

/* What the keeper does by itself: no lease, no computing. */
static void process_look_at_deadline(struct world *world, uint32_t number, struct process *process)
{
    uint64_t epoch = process->epoch;

    if (process->state != PROCESS_RUNNING ||
        computer_clock(world, &world->computers[number]) < process->deadline_ms)
        return;
    process_rest(world, process, PROCESS_FROZEN);
    computer_step(world, number, (struct agent_event){.kind = AGENT_LAPSED, .epoch = epoch});
}

/* Effects. */

static struct agent_attempt_view view_of(const struct computer *computer, uint64_t epoch)
{
    for (size_t i = 0; i < agent_count_attempts(computer->agent); i++) {
        struct agent_attempt_view view = agent_view_attempt(computer->agent, i);

        if (view.epoch == epoch)
            return view;
    }
    return (struct agent_attempt_view){0};
}

static void perform_spawn(struct world *world, uint32_t number, uint64_t epoch)
{
    struct computer *computer = &world->computers[number];
    struct agent_attempt_view view = view_of(computer, epoch);
    struct random duration = {.state =
                                  world->options.seed ^ ((uint64_t)view.job << 32 | view.task)};

    array_reserve(computer->processes, computer->process_capacity, computer->process_count + 1);
    computer->processes[computer->process_count++] = (struct process){
        .epoch = epoch,
        .job = view.job,
        .task = view.task,
        .attempt = view.attempt,
        .request = view.request,
        .state = PROCESS_STARTING,
        .deadline_ms = view.lease_end_ms,
        .left_ms = random_between(&duration, 1000, world->options.task_ms_max),
    };
    schedule(world, number, world_delay(world, 1, 30),
             (struct happening){.kind = HAPPEN_STARTED, .epoch = epoch});
}

static void perform_thaw(struct world *world, uint32_t number, struct process *process)
{
    if (process->state == PROCESS_FROZEN &&
        computer_clock(world, &world->computers[number]) < process->deadline_ms)
        process_run(world, number, process);
}

static void perform_end(struct world *world, uint32_t number, struct process *process, bool certain)
{
    /* A starting one is told again when it has started; some programs do not listen. */
    if (!process || process->state == PROCESS_STARTING || process->state == PROCESS_EXITED)
        return;
    process->ending = true;
    if (!certain && random_chance(&world->random, 300000))
        return;
    world_schedule(world, world_delay(world, 1, certain ? 20 : 5000),
                   (struct happening){
                       .kind = HAPPEN_PROCESS_DIES, .computer = number, .epoch = process->epoch});
}

static void perform_drop(struct world *world, uint32_t number, uint64_t epoch)
{
    struct computer *computer = &world->computers[number];
    struct process *process = find_process(computer, epoch);

    if (!process)
        return;
    if (process->state == PROCESS_RUNNING || process->state == PROCESS_FROZEN)
        world_fail(world, "pc%u drops an attempt that still runs", number + 1);
    *process = computer->processes[--computer->process_count];
}

static void perform_report(struct world *world, uint32_t number, bool full)
{
    struct computer *computer = &world->computers[number];
    struct message *message = message_new(MESSAGE_REPORT, number, computer->session);
    size_t count = agent_write_report(computer->agent, full, world->items);

    message->items = memory_allocate((count + 1) * sizeof(*message->items));
    for (size_t i = 0; i < count; i++)
        message->items[i] = (struct pool_report_item){.epoch = world->items[i].epoch,
                                                      .state = world->items[i].state,
                                                      .outcome = world->items[i].outcome,
                                                      .reason = world->items[i].reason};
    message->report = (struct pool_report){
        .node = number,
        .session = computer->session,
        .sent_ms = computer_clock(world, computer),
        .highest_epoch = agent_highest_epoch(computer->agent),
        .full = full,
        .owner_present = agent_owner_is_present(computer->agent),
        .leaving = agent_is_leaving(computer->agent),
        .items = message->items,
        .item_count = count,
    };
    network_send(world, SERVER, message);
}

static void trace_attempt(struct world *world, uint32_t number, const struct agent_effect *effect)
{
    struct agent_attempt_view view = view_of(&world->computers[number], effect->epoch);

    world_trace(world, "pc%u: %u.%u#%u %s -> %s: %s", number + 1, view.job, view.task, view.attempt,
                agent_phase_name(effect->trace.from), agent_phase_name(effect->trace.to),
                reason_text(effect->trace.reason));
}

static void perform(struct world *world, uint32_t number, const struct agent_effect *effect)
{
    struct computer *computer = &world->computers[number];
    struct process *process = find_process(computer, effect->epoch);

    switch (effect->kind) {
    case AGENT_FETCH:
        schedule(world, number, world_delay(world, 1, 3000),
                 (struct happening){.kind = HAPPEN_FETCHED, .epoch = effect->epoch});
        break;
    case AGENT_SPAWN:
        perform_spawn(world, number, effect->epoch);
        break;
    case AGENT_FREEZE:
        if (process && process->state == PROCESS_RUNNING)
            process_rest(world, process, PROCESS_FROZEN);
        break;
    case AGENT_THAW:
        if (process)
            perform_thaw(world, number, process);
        break;
    case AGENT_TERMINATE:
        perform_end(world, number, process, false);
        break;
    case AGENT_KILL:
        perform_end(world, number, process, true);
        break;
    case AGENT_COLLECT:
        schedule(world, number, world_delay(world, 1, 200),
                 (struct happening){.kind = HAPPEN_OUTPUTS_LISTED, .epoch = effect->epoch});
        break;
    case AGENT_DROP:
        perform_drop(world, number, effect->epoch);
        break;
    case AGENT_DEADLINE:
        if (process) {
            process->deadline_ms = effect->deadline_ms;
            process_watch_deadline(world, number, process);
        }
        break;
    case AGENT_SAVE_EPOCH:
        computer->saved_epoch = effect->epoch;
        break;
    case AGENT_REPORT:
        perform_report(world, number, effect->full);
        break;
    case AGENT_TRACE:
        trace_attempt(world, number, effect);
        break;
    case AGENT_LEFT:
        break;
    }
}

static void schedule_tick(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];
    uint64_t next = agent_next_step_ms(computer->agent);
    uint64_t at_ms = next == UINT64_MAX ? UINT64_MAX : world_time_of(computer, next);

    if (at_ms <= world->now_ms)
        at_ms = world->now_ms + 1;
    if (at_ms >= computer->tick_at_ms)
        return;
    computer->tick_at_ms = at_ms;
    schedule(world, number, at_ms, (struct happening){.kind = HAPPEN_AGENT_TICK});
}

void computer_step(struct world *world, uint32_t number, struct agent_event event)
{
    struct computer *computer = &world->computers[number];
    struct agent_effects effects = AGENT_EFFECTS_INIT;

    if (!computer->agent || computer->power != POWER_ON)
        return;
    event.now_ms = computer_clock(world, computer);
    if (agent_prepare(computer->agent, &effects) < 0)
        abort();
    memory_forbid(true);
    agent_step(computer->agent, &event, &effects);
    memory_forbid(false);
    world->result.steps++;
    for (size_t i = 0; i < effects.length; i++)
        perform(world, number, &effects.items[i]);
    agent_effects_deinit(&effects);
    agent_assert_invariants(computer->agent);
    check_computer(world, number);
    schedule_tick(world, number);
}

void computer_tick(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];

    computer->tick_at_ms = UINT64_MAX;
    if (computer->session != 0 && world->now_ms - computer->heard_ms >= SILENCE_MS)
        computer_disconnected(world, number);
    computer_step(world, number, (struct agent_event){.kind = AGENT_TICK});
}

void computer_disconnected(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];

    computer->session = 0;
    computer_step(world, number, (struct agent_event){.kind = AGENT_DISCONNECTED});
    schedule(world, number, world_delay(world, 100, REDIAL_MS),
             (struct happening){.kind = HAPPEN_DIAL});
}

/* Lives and deaths. */

void computer_agent_dies(struct world *world, uint32_t number, uint64_t down_ms)
{
    struct computer *computer = &world->computers[number];

    if (!computer->agent || computer->power != POWER_ON)
        return;
    world->result.agent_crashes++;
    world_trace(world, "the agent of pc%u is killed", number + 1);
    computer->agent = agent_free(computer->agent);
    computer->incarnation++;
    computer->session = 0;
    computer->dialled = 0;
    schedule(world, number, world->now_ms + down_ms,
             (struct happening){.kind = HAPPEN_AGENT_RESTART});
}

/* What an agent finds in its keeper when it starts. */
static void find_processes(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];
    size_t count = 0;

    for (size_t i = 0; i < computer->process_count; i++)
        /* One that nobody saw start never will: the keeper has not begun it. */
        if (computer->processes[i].state != PROCESS_STARTING)
            computer->processes[count++] = computer->processes[i];
    computer->process_count = count;
    for (size_t i = 0; i < count; i++) {
        struct process *process = &computer->processes[i];
        bool exited = process->state == PROCESS_EXITED, ending = process->ending;
        uint64_t epoch = process->epoch;
        enum agent_phase phase = AGENT_RUNNING;

        if (process->state == PROCESS_FROZEN)
            phase = AGENT_FROZEN;
        if (exited)
            phase = AGENT_COLLECTING;
        if (ending)
            phase = AGENT_KILLING;
        computer_step(world, number,
                      (struct agent_event){.kind = AGENT_FOUND,
                                           .epoch = epoch,
                                           .found = {.job = process->job,
                                                     .task = process->task,
                                                     .attempt = process->attempt,
                                                     .request = process->request,
                                                     .phase = phase,
                                                     .lease_end_ms = process->deadline_ms}});
        if (ending && exited)
            computer_step(world, number,
                          (struct agent_event){.kind = AGENT_EXITED, .epoch = epoch});
        else if (ending)
            perform_end(world, number, find_process(computer, epoch), true);
    }
}

void computer_agent_starts(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];
    struct agent_options options = {
        .capacity = {computer->cpus, computer->cpus, computer->cpus},
        .attempts_max = ATTEMPTS_MAX,
        .heartbeat_ms = HEARTBEAT_MS,
        .grace_ms = GRACE_MS,
        .suspend_for_ms = SUSPEND_FOR_MS,
        .keep_lapsed_ms = KEEP_LAPSED_MS,
        .highest_epoch = computer->saved_epoch,
    };

    if (computer->agent || computer->power != POWER_ON)
        return;
    computer->agent = agent_new(&options);
    computer->tick_at_ms = UINT64_MAX;
    /* Nobody saw the owner while no agent lived; its grace begins now. */
    computer->owner_since_ms = world->now_ms;
    if (computer->owner_present)
        computer_step(world, number, (struct agent_event){.kind = AGENT_OWNER_RETURNED});
    find_processes(world, number);
    schedule(world, number, world_delay(world, 1, 500), (struct happening){.kind = HAPPEN_DIAL});
}

void computer_power_off(struct world *world, uint32_t number, uint64_t off_ms)
{
    struct computer *computer = &world->computers[number];

    if (computer->power != POWER_ON)
        return;
    world_trace(world, "pc%u is switched off", number + 1);
    for (size_t i = 0; i < computer->process_count; i++)
        process_rest(world, &computer->processes[i], PROCESS_EXITED);
    computer->process_count = 0;
    computer->agent = agent_free(computer->agent);
    computer->incarnation++;
    computer->power = POWER_OFF;
    computer->session = 0;
    computer->dialled = 0;
    schedule(world, number, world->now_ms + off_ms, (struct happening){.kind = HAPPEN_POWER_ON});
}

void computer_power_on(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];

    if (computer->power != POWER_OFF)
        return;
    world_trace(world, "pc%u is switched on", number + 1);
    computer->power = POWER_ON;
    computer->boot_ms = world->now_ms;
    computer->incarnation++;
    computer_agent_starts(world, number);
}

void computer_suspend(struct world *world, uint32_t number, uint64_t off_ms)
{
    struct computer *computer = &world->computers[number];

    if (computer->power != POWER_ON)
        return;
    world_trace(world, "the lid of pc%u is closed", number + 1);
    computer->power = POWER_SUSPENDED;
    /* Processes that ran are marked by their state staying so; their time stands still. */
    for (size_t i = 0; i < computer->process_count; i++)
        if (computer->processes[i].state == PROCESS_RUNNING) {
            process_rest(world, &computer->processes[i], PROCESS_RUNNING);
            computer->processes[i].since_ms = UINT64_MAX;
        }
    schedule(world, number, world->now_ms + off_ms, (struct happening){.kind = HAPPEN_RESUME});
}

void computer_resume(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];

    if (computer->power != POWER_SUSPENDED)
        return;
    world_trace(world, "the lid of pc%u is opened", number + 1);
    computer->power = POWER_ON;
    computer->owner_since_ms = world->now_ms;
    if (agent_owner_is_present(computer->agent) != computer->owner_present)
        computer_step(world, number,
                      (struct agent_event){.kind = computer->owner_present ? AGENT_OWNER_RETURNED
                                                                           : AGENT_OWNER_LEFT});
    /* The keeper's timer is the first thing that fires: whose lease is over does not go on. */
    for (size_t i = 0; i < computer->process_count; i++) {
        struct process *process = &computer->processes[i];

        if (process->state != PROCESS_RUNNING)
            continue;
        process->state = PROCESS_FROZEN;
        perform_thaw(world, number, process);
    }
    for (size_t i = 0; i < computer->process_count; i++)
        if (computer->processes[i].state == PROCESS_FROZEN)
            computer_step(
                world, number,
                (struct agent_event){.kind = AGENT_LAPSED, .epoch = computer->processes[i].epoch});
    computer->tick_at_ms = UINT64_MAX;
    computer_disconnected(world, number);
}

void computer_owner(struct world *world, uint32_t number, bool present)
{
    struct computer *computer = &world->computers[number];

    if (computer->owner_present == present)
        return;
    world_trace(world, "the owner of pc%u %s", number + 1, present ? "returns" : "leaves");
    computer->owner_present = present;
    computer->owner_since_ms = world->now_ms;
    computer_step(world, number,
                  (struct agent_event){.kind = present ? AGENT_OWNER_RETURNED : AGENT_OWNER_LEFT});
}

/* Things that happen to a computer. */

static void happen_dial(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];

    if (!computer->agent || computer->power != POWER_ON || computer->session != 0)
        return;
    network_dial(world, number);
    /* If no answer comes, another one is tried. */
    schedule(world, number, world_delay(world, REDIAL_MS, 2 * REDIAL_MS),
             (struct happening){.kind = HAPPEN_DIAL});
}

static void happen_started(struct world *world, uint32_t number, uint64_t epoch)
{
    struct process *process = find_process(&world->computers[number], epoch);

    if (!process || process->state != PROCESS_STARTING)
        return;
    process->state = PROCESS_FROZEN;
    world->result.started++;
    perform_thaw(world, number, process);
    process_watch_deadline(world, number, process);
    computer_step(world, number, (struct agent_event){.kind = AGENT_STARTED, .epoch = epoch});
}

static void happen_process_ends(struct world *world, const struct happening *happening)
{
    struct computer *computer = &world->computers[happening->computer];
    struct process *process = find_process(computer, happening->epoch);

    if (!process || process->state != PROCESS_RUNNING || process->run != happening->number ||
        computer->power != POWER_ON)
        return;
    if (!process->ending) {
        world->result.computed++;
        map_put(&world->finished, process->epoch, 1);
    }
    process_exit(world, happening->computer, process);
}

/* Whether this thing belongs to an agent or a boot that is no more. */
static bool happening_is_void(const struct world *world, const struct happening *happening)
{
    const struct computer *computer = &world->computers[happening->computer];

    switch (happening->kind) {
    case HAPPEN_PROCESS_ENDS:
    case HAPPEN_PROCESS_DIES:
    case HAPPEN_DEADLINE:
    case HAPPEN_OWNER:
    case HAPPEN_COLLECTED:
        return false;
    case HAPPEN_AGENT_TICK:
    case HAPPEN_AGENT_RESTART:
    case HAPPEN_DIAL:
    case HAPPEN_FETCHED:
    case HAPPEN_STARTED:
    case HAPPEN_OUTPUTS_LISTED:
    case HAPPEN_POWER_ON:
    case HAPPEN_RESUME:
    case HAPPEN_SERVER_LOOP:
    case HAPPEN_SERVER_TICK:
    case HAPPEN_SERVER_RESTART:
    case HAPPEN_MESSAGE:
    case HAPPEN_HEAL:
    case HAPPEN_FAULT:
    case HAPPEN_USER:
        break;
    }
    return happening->incarnation != computer->incarnation;
}

static void happen_collected(struct world *world, const struct happening *happening)
{
    struct computer *computer = &world->computers[happening->computer];
    struct pool_event event = {.kind = POOL_COLLECTED, .collected.epoch = happening->epoch};

    /* The files come over the connection; with it they break off. */
    if (!world->server.pool || computer->session != happening->number ||
        computer->power != POWER_ON || computer->cut_out || computer->cut_in)
        return;
    if (world_fault(world, OUTPUT_FAILS_PARTS))
        event.collected.failure = REASON_DISK_FULL_AT_SUBMITTER;
    server_receive(world, &event, NULL);
}

/* While the lid is closed nothing happens; what was due comes right after it opens. */
static bool put_off(struct world *world, const struct happening *happening)
{
    struct computer *computer = &world->computers[happening->computer];

    if (computer->power != POWER_SUSPENDED || happening->kind == HAPPEN_RESUME ||
        happening->kind == HAPPEN_OWNER || happening->kind == HAPPEN_COLLECTED ||
        happening->kind == HAPPEN_AGENT_TICK || happening->kind == HAPPEN_PROCESS_ENDS ||
        happening->kind == HAPPEN_DEADLINE || happening->kind == HAPPEN_DIAL)
        return false;
    world_schedule(world, world->now_ms + 1000, *happening);
    return true;
}

void computer_happens(struct world *world, const struct happening *happening)
{
    uint32_t number = happening->computer;
    struct process *process = find_process(&world->computers[number], happening->epoch);
    struct agent_event event = {.epoch = happening->epoch};

    if (happening_is_void(world, happening) || put_off(world, happening))
        return;
    switch (happening->kind) {
    case HAPPEN_COLLECTED:
        happen_collected(world, happening);
        break;
    case HAPPEN_AGENT_TICK:
        computer_tick(world, number);
        break;
    case HAPPEN_AGENT_RESTART:
        computer_agent_starts(world, number);
        break;
    case HAPPEN_DIAL:
        happen_dial(world, number);
        break;
    case HAPPEN_FETCHED:
        event.kind = AGENT_FETCHED;
        if (world_fault(world, FETCH_FAILS_PARTS))
            event.failure = REASON_DISK_FULL_ON_NODE;
        computer_step(world, number, event);
        break;
    case HAPPEN_OUTPUTS_LISTED:
        event.kind = AGENT_COLLECTED;
        computer_step(world, number, event);
        break;
    case HAPPEN_STARTED:
        happen_started(world, number, happening->epoch);
        break;
    case HAPPEN_PROCESS_ENDS:
        happen_process_ends(world, happening);
        break;
    case HAPPEN_PROCESS_DIES:
        if (process && (process->state == PROCESS_RUNNING || process->state == PROCESS_FROZEN))
            process_exit(world, number, process);
        break;
    case HAPPEN_DEADLINE:
        if (process && world->computers[number].power == POWER_ON)
            process_look_at_deadline(world, number, process);
        break;
    case HAPPEN_POWER_ON:
        computer_power_on(world, number);
        break;
    case HAPPEN_RESUME:
        computer_resume(world, number);
        break;
    case HAPPEN_OWNER:
        computer_owner(world, number, happening->number != 0);
        break;
    case HAPPEN_SERVER_LOOP:
    case HAPPEN_SERVER_TICK:
    case HAPPEN_SERVER_RESTART:
    case HAPPEN_MESSAGE:
    case HAPPEN_HEAL:
    case HAPPEN_FAULT:
    case HAPPEN_USER:
        abort();
    }
}
