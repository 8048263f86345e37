/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Users and the administrator. Each wants one thing at a time, tries until the server is there, and
 * asks again when it crashed before it answered or when the answer was lost. Whoever submits looks
 * first whether the job has come to be: a submit that was answered is there for ever, one that was
 * not may be there.
 */
#include "world.h"

#include "base/memory.h"

enum {
    RETRY_MS = 2000,
    CALM_MS = 6 * MINUTE_MS, /* between two looks after the faults */
    ANSWER_LOST_PARTS = 20000,
    REGRET_PARTS = 300000, /* submits after which somebody finds that it was wrong */
    PARTS_MAX = 12,
    SECOND_AMOUNT_PARTS = 200000, /* requests for two of something instead of one */
    GPU_PARTS = 150000,           /* requests for GPUs */
    LASTING_PARTS = 500000        /* parts that say how long their tasks take, where that counts */
};

static struct user *user_new(struct world *world)
{
    struct user *user = memory_allocate(sizeof(*user));

    array_reserve(world->users, world->user_capacity, world->user_count + 1);
    user->number = (uint32_t)world->user_count;
    world->users[world->user_count++] = user;
    return user;
}

struct user *users_take(struct world *world)
{
    for (size_t i = 0; i < world->user_count; i++)
        if (world->users[i]->state == USER_FREE)
            return world->users[i];
    return user_new(world);
}

bool users_wait(const struct world *world)
{
    for (size_t i = 0; i < world->user_count; i++)
        if (world->users[i]->state != USER_FREE)
            return true;
    return false;
}

static struct promise *promise_of(struct world *world, uint32_t job)
{
    size_t before = world->promise_count;

    if (job > before) {
        array_reserve(world->promises, world->promise_capacity, job);
        for (world->promise_count = job; before < job; before++)
            world->promises[before] = (struct promise){0};
    }
    return &world->promises[job - 1];
}

/* Whoever gets no answer asks again, and must get the same one: each request may arrive twice. */
static void try_later(struct world *world, struct user *user)
{
    user->state = USER_TRYING;
    world_schedule(world, world->now_ms + RETRY_MS,
                   (struct happening){.kind = HAPPEN_ASK, .number = user->number});
}

/* From now on it may be given work; and no answer to what was asked before says otherwise. */
static void undrain_asked(struct world *world, const struct user *user)
{
    struct computer *computer =
        &world->computers[world_computer_of(world, user->event.drained.node)];

    computer->drained_epoch = UINT64_MAX;
    computer->undrain_ms = world->now_ms;
}

static void drain_answered(struct world *world, const struct user *user, enum pool_reply reply)
{
    struct computer *computer =
        &world->computers[world_computer_of(world, user->event.drained.node)];

    if (reply == POOL_REPLY_DONE && user->event.drained.drained &&
        computer->node == user->event.drained.node && computer->undrain_ms < user->asked_ms)
        computer->drained_epoch = world->server.disk.epoch;
}

void users_ask(struct world *world, struct user *user)
{
    struct promise *promise;

    if (!world->server.pool) {
        try_later(world, user);
        return;
    }
    if (user->event.kind == POOL_SUBMIT)
        user->event.submit.job = ++world->server.last_job;
    if (user->event.kind == POOL_RELEASE) {
        promise = promise_of(world, user->event.choice.job);
        promise->held = false;
        promise->release_ms = world->now_ms;
    }
    if (user->event.kind == POOL_NODE_DRAINED && !user->event.drained.drained)
        undrain_asked(world, user);
    user->event.caller = user->number + 1;
    user->asked_ms = world->now_ms;
    user->state = USER_WAITING;
    server_receive(world, &user->event, NULL);
}

/*
 * What a user was told about a whole job must hold from then on (check_start()). A hold that was
 * asked for before a release says nothing, as the two may have crossed.
 */
static void keep_in_mind(struct world *world, const struct user *user)
{
    struct promise *promise;

    if (user->event.choice.task != NONE)
        return;
    promise = promise_of(world, user->event.choice.job);
    if (user->event.kind == POOL_REMOVE)
        promise->removed = true;
    if (user->event.kind == POOL_HOLD && promise->release_ms < user->asked_ms)
        promise->held = true;
}

static void submit_answered(struct world *world, const struct user *user, uint32_t tasks)
{
    world_trace(world, "submit acknowledged: job %u of %u tasks", user->event.submit.job, tasks);
    /* Whoever was told so may rely on it: nothing may ever take it back. */
    promise_of(world, user->event.submit.job);
    if (world_has(world, SIM_FAULT_USERS) && world_fault(world, REGRET_PARTS))
        world_schedule(
            world, world_delay(world, 0, 20000),
            (struct happening){.kind = HAPPEN_USER_ACTS, .number = user->event.submit.job});
}

void users_answered(struct world *world, const struct pool_effect *reply)
{
    struct user *user = world->users[reply->reply.caller - 1];
    bool is_submit = user->event.kind == POOL_SUBMIT;

    if (!is_submit && world_fault(world, ANSWER_LOST_PARTS)) {
        world_trace(world, "an answer to a user is lost");
        try_later(world, user);
        return;
    }
    user->state = USER_FREE;
    if (is_submit)
        submit_answered(world, user, reply->reply.count);
    else if (user->event.kind == POOL_NODE_FORGOTTEN)
        world_schedule(
            world, world_delay(world, 1000, 10 * MINUTE_MS),
            (struct happening){.kind = HAPPEN_ENROL,
                               .computer = world_computer_of(world, user->event.forgotten_node)});
    else if (user->event.kind == POOL_NODE_DRAINED)
        drain_answered(world, user, reply->reply.reply);
    else
        keep_in_mind(world, user);
}

/*
 * A submit that lost its answer may have been committed; its user finds that out as `dusk submit`
 * does, and asks again only if it was not.
 */
void users_after_restart(struct world *world)
{
    const struct disk *disk = &world->server.disk;

    for (size_t i = 0; i < world->user_count; i++) {
        struct user *user = world->users[i];

        if (user->state != USER_WAITING)
            continue;
        if (user->event.kind == POOL_SUBMIT && disk_find_job(disk, user->event.submit.job)) {
            user->state = USER_FREE;
            promise_of(world, user->event.submit.job);
        } else {
            try_later(world, user);
        }
    }
}

/* What they want. */

static uint32_t draw_amount(struct world *world)
{
    return random_chance(&world->random, SECOND_AMOUNT_PARTS) ? 2 : 1;
}

static uint32_t draw_part_count(struct world *world, uint32_t tasks)
{
    uint32_t most = random_chance(&world->random, 100000) ? PARTS_MAX : 3;

    return (uint32_t)random_between(&world->random, 1, tasks < most ? tasks : most);
}

static void draw_parts(struct world *world, struct user *user, uint32_t tasks)
{
    uint32_t count = draw_part_count(world, tasks), first = 0;

    free(user->parts);
    user->parts = memory_allocate(count * sizeof(*user->parts));
    for (uint32_t i = 0; i < count; i++) {
        struct pool_part *part = &user->parts[i];
        uint32_t left = tasks - first, others = count - i - 1;

        part->first = part->next = first;
        part->count =
            others == 0 ? left : (uint32_t)random_between(&world->random, 1, left - others);
        part->request.cpus = draw_amount(world);
        part->request.memory = draw_amount(world);
        part->request.disk = draw_amount(world);
        if (random_chance(&world->random, GPU_PARTS))
            part->request.gpus = draw_amount(world);
        /* No task takes longer, and none says that it takes less. */
        if (world->options.hours && random_chance(&world->random, LASTING_PARTS))
            part->needed_ms = world->options.task_ms_max;
        part->job_class = classes_draw(world);
        first += part->count;
    }
    user->event.submit.parts = user->parts;
    user->event.submit.part_count = count;
}

void users_submit(struct world *world, uint32_t tasks)
{
    struct user *user = users_take(world);

    user->task_ms = user->saves_ms = 0;
    user->event = (struct pool_event){.kind = POOL_SUBMIT};
    user->event.submit.priority = (int32_t)random_between(&world->random, 0, 4) - 2;
    user->event.submit.held = random_chance(&world->random, 100000);
    draw_parts(world, user, tasks);
    users_ask(world, user);
}

void users_choose(struct world *world, enum pool_event_kind kind, uint32_t job, uint32_t task)
{
    const char *verb = kind == POOL_REMOVE ? "removes" : kind == POOL_HOLD ? "holds" : "releases";
    struct user *user = users_take(world);

    if (task == NONE)
        world_trace(world, "a user %s job %u", verb, job);
    else
        world_trace(world, "a user %s task %u.%u", verb, job, task);
    user->event = (struct pool_event){.kind = kind, .choice = {job, task}};
    users_ask(world, user);
}

void users_forget_node(struct world *world, uint32_t computer)
{
    struct user *user = users_take(world);

    if (world->computers[computer].forgotten)
        return;
    world_trace(world, "pc%u shall be forgotten", computer + 1);
    world->computers[computer].forgotten = true;
    user->event = (struct pool_event){.kind = POOL_NODE_FORGOTTEN,
                                      .forgotten_node = world->computers[computer].node};
    users_ask(world, user);
}

void users_drain_node(struct world *world, uint32_t computer, bool drained, bool now)
{
    struct user *user = users_take(world);

    world_trace(world, "pc%u shall be drained%s", computer + 1,
                !drained ? " no more"
                : now    ? " at once"
                         : "");
    user->event = (struct pool_event){
        .kind = POOL_NODE_DRAINED,
        .drained = {.node = world->computers[computer].node, .drained = drained, .now = now}};
    users_ask(world, user);
}

/* Somebody does something to the job or to one of its tasks, and perhaps thinks better of it. */
static void act_on(struct world *world, uint32_t job)
{
    static const enum pool_event_kind kinds[] = {POOL_HOLD, POOL_RELEASE, POOL_RELEASE, POOL_HOLD,
                                                 POOL_REMOVE};
    enum pool_event_kind kind = kinds[random_below(&world->random, ARRAY_LENGTH(kinds))];
    const struct disk_job *described = disk_find_job(&world->server.disk, job);
    uint32_t task = (uint32_t)random_below(&world->random, described->task_count);

    if (world->server.pool)
        check_views(world, job, task);
    if (random_chance(&world->random, kind == POOL_REMOVE ? 100000 : 400000))
        task = NONE;
    users_choose(world, kind, job, task);
    if (kind == POOL_HOLD && random_chance(&world->random, 300000))
        users_choose(world, POOL_RELEASE, job, task);
}

static void user_acts(struct world *world)
{
    const struct disk *disk = &world->server.disk;
    /* One often has more to say. */
    uint64_t longest_ms = random_chance(&world->random, 600000) ? MINUTE_MS / 3 : HOUR_MS;

    world_schedule(world, world_delay(world, 0, longest_ms),
                   (struct happening){.kind = HAPPEN_USER_ACTS});
    if (disk->job_count > 0)
        act_on(world, (uint32_t)random_between(&world->random, 1, disk->job_count));
}

static void undrain_all(struct world *world)
{
    for (uint32_t n = 0; n < world->options.agents; n++)
        if (world->server.disk.nodes[world->computers[n].node].drained)
            users_drain_node(world, n, false, false);
}

/* After the faults somebody looks after what is still held or drained, until nothing is. */
void users_release_all(struct world *world)
{
    const struct disk *disk = &world->server.disk;

    undrain_all(world);

    for (size_t i = 0; i < disk->job_count; i++) {
        const struct disk_job *job = &disk->jobs[i];

        if (job->row.completed + job->row.removed_count < job->task_count)
            users_choose(world, POOL_RELEASE, job->row.job, NONE);
    }
    world_schedule(world, world->now_ms + CALM_MS, (struct happening){.kind = HAPPEN_RELEASE_ALL});
}

void users_happen(struct world *world, const struct happening *happening)
{
    if (happening->kind == HAPPEN_SUBMIT) {
        users_submit(world, (uint32_t)happening->number);
    } else if (happening->kind == HAPPEN_ASK) {
        users_ask(world, world->users[happening->number]);
    } else if (happening->kind == HAPPEN_RELEASE_ALL) {
        check_calm(world);
        users_release_all(world);
    } else if (!world->faults_over && happening->number > 0) {
        act_on(world, (uint32_t)happening->number);
    } else if (!world->faults_over) {
        user_acts(world);
    }
}
