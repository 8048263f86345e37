/* SPDX-License-Identifier: Apache-2.0 */
/* What each command of a scenario does; scenario.c has the language. */
#include "scenario.h"

#include "base/memory.h"
#include "base/number.h"

#include <errno.h>

enum { AGENTS_MAX = 1000, FINISH_MS = 240 * HOUR_MS, AFTERWARDS_MS = 1000 };

/* Words. */

static int parse_count(struct slice word, uint64_t most, uint64_t *ret_count, struct error *err)
{
    uint64_t count = 0;

    if (number_parse_u64(word, &count) < 0 || count < 1 || count > most)
        return error_set(err, -EINVAL, "'%s' is no number from 1 to %llu", word.data,
                         (unsigned long long)most);
    *ret_count = count;
    return 0;
}

static int parse_duration(struct slice word, uint64_t *ret_ms, struct error *err)
{
    if (number_parse_duration(word, ret_ms) < 0)
        return error_set(err, -EINVAL, "'%s' is no duration like 500ms, 30s or 5m", word.data);
    return 0;
}

static int parse_computer(const struct scenario *scenario, struct slice word, uint32_t *ret_number,
                          struct error *err)
{
    uint64_t number = 0;

    if (word.length < 3 || word.data[0] != 'p' || word.data[1] != 'c' ||
        number_parse_u64((struct slice){word.data + 2, word.length - 2}, &number) < 0 ||
        number < 1 || number > scenario->world.options.agents)
        return error_set(err, -EINVAL, "'%s' is none of pc1 to pc%u", word.data,
                         scenario->world.options.agents);
    *ret_number = (uint32_t)number - 1;
    return 0;
}

/* One of two words; returns 0 for the first, 1 for the second. */
static int parse_choice(struct slice word, const char *first, const char *second, struct error *err)
{
    if (slice_equals(word, first))
        return 0;
    if (slice_equals(word, second))
        return 1;
    return error_set(err, -EINVAL, "'%s' is neither '%s' nor '%s'", word.data, first, second);
}

static int parse_word(struct slice word, const char *expected, struct error *err)
{
    if (slice_equals(word, expected))
        return 0;
    return error_set(err, -EINVAL, "'%s' should be '%s'", word.data, expected);
}

/* "1" is all of a job, "1.2" one task. */
static int parse_task(struct slice word, uint32_t *ret_job, uint32_t *ret_task, struct error *err)
{
    struct slice job = word, task = {0};
    uint64_t job_number = 0, task_number = NONE;

    for (size_t i = 0; i < word.length; i++)
        if (word.data[i] == '.') {
            job.length = i;
            task = (struct slice){word.data + i + 1, word.length - i - 1};
            break;
        }
    if (number_parse_u64(job, &job_number) < 0 || job_number < 1 || job_number >= NONE ||
        (task.data && (number_parse_u64(task, &task_number) < 0 || task_number >= NONE)))
        return error_set(err, -EINVAL, "'%s' is neither a job like 1 nor a task like 1.2",
                         word.data);
    *ret_job = (uint32_t)job_number;
    *ret_task = (uint32_t)task_number;
    return 0;
}

/* Commands. */

static int parse_move_suspended(const struct words *words, uint64_t *ret_ms, struct error *err)
{
    int r = parse_word(words->items[4], "move-suspended", err);

    if (r == 0 && words->count != 6)
        return error_set(err, -EINVAL, "after how long does a suspended task move?");
    return r < 0 ? r : parse_duration(words->items[5], ret_ms, err);
}

static int command_agents(struct scenario *scenario, const struct words *words, struct error *err)
{
    struct sim_options options = {.scripted = true, .trace = scenario->trace};
    uint64_t agents = 0, cpus = 0;
    int r = parse_count(words->items[1], AGENTS_MAX, &agents, err);

    if (scenario->begun)
        return error_set(err, -EINVAL, "the agents are there already");
    r = r < 0 ? r : parse_word(words->items[2], "cpus", err);
    r = r < 0 ? r : parse_count(words->items[3], 1024, &cpus, err);
    if (r == 0 && words->count > 4)
        r = parse_move_suspended(words, &options.move_suspended_ms, err);
    if (r < 0)
        return r;
    options.agents = (uint32_t)agents;
    options.cpus = (uint32_t)cpus;
    world_init(&scenario->world, &options);
    scenario->begun = true;
    return 0;
}

/* What may follow the tasks and their time: cpus N, priority N, saving S, held. */
static int parse_submit_words(const struct words *words, struct user *user, struct error *err)
{
    for (size_t i = 4; i < words->count; i++) {
        struct slice word = words->items[i];
        struct slice value = i + 1 < words->count ? words->items[i + 1] : slice_from_text("");
        uint64_t cpus = 0;
        int64_t priority = 0;

        if (slice_equals(word, "held")) {
            user->event.submit.held = true;
            continue;
        }
        if (slice_equals(word, "cpus")) {
            int r = parse_count(value, 1024, &cpus, err);

            if (r < 0)
                return r;
            user->parts[0].request = (struct resources){(uint32_t)cpus, cpus, cpus};
        } else if (slice_equals(word, "saving")) {
            int r = parse_duration(value, &user->saves_ms, err);

            if (r < 0)
                return r;
        } else if (slice_equals(word, "priority")) {
            if (number_parse_i64(value, &priority) < 0 || priority < -1000 || priority > 1000)
                return error_set(err, -EINVAL, "'%s' is no priority from -1000 to 1000",
                                 value.data);
            user->event.submit.priority = (int32_t)priority;
        } else {
            return error_set(err, -EINVAL, "'%s' should be cpus, priority, saving or held",
                             word.data);
        }
        i++;
    }
    return 0;
}

static int command_submit(struct scenario *scenario, const struct words *words, struct error *err)
{
    struct user *user = users_take(&scenario->world);
    uint64_t tasks = 0, task_ms = 0;
    int r = parse_count(words->items[1], 1000000, &tasks, err);

    r = r < 0 ? r : parse_word(words->items[2], tasks == 1 ? "task" : "tasks", err);
    r = r < 0 ? r : parse_duration(words->items[3], &task_ms, err);
    if (r < 0)
        return r;
    free(user->parts);
    user->parts = memory_allocate(sizeof(*user->parts));
    *user->parts = (struct pool_part){.count = (uint32_t)tasks, .request = {1, 1, 1}};
    user->task_ms = task_ms;
    user->saves_ms = 0;
    user->event = (struct pool_event){.kind = POOL_SUBMIT};
    user->event.submit.parts = user->parts;
    user->event.submit.part_count = 1;
    r = parse_submit_words(words, user, err);
    if (r < 0)
        return r;
    users_ask(&scenario->world, user);
    return 0;
}

static void run_until(struct world *world, uint64_t until_ms)
{
    while (world_advance(world, until_ms))
        continue;
}

static int command_run(struct scenario *scenario, const struct words *words, struct error *err)
{
    uint64_t duration_ms = 0;
    int r = parse_duration(words->items[1], &duration_ms, err);

    if (r == 0)
        run_until(&scenario->world, scenario->world.now_ms + duration_ms);
    return r;
}

static int command_finish(struct scenario *scenario, const struct words *words, struct error *err)
{
    struct world *world = &scenario->world;
    uint64_t end_ms = world->now_ms + FINISH_MS;

    (void)words;
    while (!world_is_done(world))
        if (!world_advance(world, end_ms))
            return error_set(err, -ETIME, "the tasks are not over after ten days more");
    run_until(world, world->now_ms + AFTERWARDS_MS);
    check_end(world);
    world_trace(world, "all is over");
    return 0;
}

static int choose(struct scenario *scenario, const struct words *words, enum pool_event_kind kind,
                  struct error *err)
{
    uint32_t job = 0, task = 0;
    int r = parse_task(words->items[1], &job, &task, err);

    if (r == 0)
        users_choose(&scenario->world, kind, job, task);
    return r;
}

static int command_hold(struct scenario *scenario, const struct words *words, struct error *err)
{
    return choose(scenario, words, POOL_HOLD, err);
}

static int command_release(struct scenario *scenario, const struct words *words, struct error *err)
{
    return choose(scenario, words, POOL_RELEASE, err);
}

static int command_remove(struct scenario *scenario, const struct words *words, struct error *err)
{
    return choose(scenario, words, POOL_REMOVE, err);
}

static int command_owner(struct scenario *scenario, const struct words *words, struct error *err)
{
    uint32_t number = 0;
    int r = parse_computer(scenario, words->items[1], &number, err);

    r = r < 0 ? r : parse_choice(words->items[2], "leaves", "returns", err);
    if (r < 0)
        return r;
    desk_owner(&scenario->world, number, r == 1);
    return 0;
}

static int command_crash(struct scenario *scenario, const struct words *words, struct error *err)
{
    struct world *world = &scenario->world;
    uint64_t down_ms = 0;
    int r = parse_word(words->items[1], "server", err), choice = 0;

    if (r == 0 && words->count == 4)
        choice = r = parse_choice(words->items[2], "before-commit", "after-commit", err);
    r = r < 0 ? r : parse_duration(words->items[words->count - 1], &down_ms, err);
    if (r < 0)
        return r;
    if (!world->server.pool)
        return error_set(err, -EINVAL, "the server is down already");
    if (words->count == 3) {
        server_crash(world, "between two batches", true, down_ms);
        return 0;
    }
    world->server.crash_at = choice == 0 ? CRASH_BEFORE_COMMIT : CRASH_AFTER_COMMIT;
    world->server.crash_down_ms = down_ms;
    return 0;
}

static int command_stall(struct scenario *scenario, const struct words *words, struct error *err)
{
    struct world *world = &scenario->world;
    uint64_t for_ms = 0;
    int r = parse_word(words->items[1], "server", err);

    r = r < 0 ? r : parse_duration(words->items[2], &for_ms, err);
    if (r < 0)
        return r;
    if (!world->server.pool || world->server.committing)
        return error_set(err, -EINVAL, "the server stands still already");
    server_stand_still(world, for_ms);
    return 0;
}

static int command_kill(struct scenario *scenario, const struct words *words, struct error *err)
{
    uint64_t down_ms = 0;
    uint32_t number = 0;
    int r = parse_word(words->items[1], "agent", err);

    r = r < 0 ? r : parse_computer(scenario, words->items[2], &number, err);
    r = r < 0 ? r : parse_duration(words->items[3], &down_ms, err);
    if (r == 0)
        computer_agent_dies(&scenario->world, number, down_ms);
    return r;
}

static int command_leave(struct scenario *scenario, const struct words *words, struct error *err)
{
    uint64_t down_ms = 0;
    uint32_t number = 0;
    int r = parse_computer(scenario, words->items[1], &number, err);

    r = r < 0 ? r : parse_duration(words->items[2], &down_ms, err);
    if (r == 0)
        computer_agent_leaves(&scenario->world, number, down_ms);
    return r;
}

static int command_off(struct scenario *scenario, const struct words *words, struct error *err)
{
    uint32_t number = 0;
    int r = parse_computer(scenario, words->items[1], &number, err);

    if (r == 0)
        computer_power_off(&scenario->world, number, 0);
    return r;
}

static int command_on(struct scenario *scenario, const struct words *words, struct error *err)
{
    uint32_t number = 0;
    int r = parse_computer(scenario, words->items[1], &number, err);

    if (r == 0)
        computer_power_on(&scenario->world, number);
    return r;
}

static int command_lid(struct scenario *scenario, const struct words *words, struct error *err)
{
    uint32_t number = 0;
    int r = parse_computer(scenario, words->items[1], &number, err);

    r = r < 0 ? r : parse_choice(words->items[2], "open", "closed", err);
    if (r < 0)
        return r;
    if (r == 1)
        computer_suspend(&scenario->world, number, 0);
    else
        computer_resume(&scenario->world, number);
    return 0;
}

static int command_cut(struct scenario *scenario, const struct words *words, struct error *err)
{
    bool one_way = words->count == 3;
    uint32_t number = 0;
    int r = parse_computer(scenario, words->items[1], &number, err);

    if (r == 0 && one_way)
        r = parse_choice(words->items[2], "in", "out", err);
    if (r < 0)
        return r;
    faults_cut(&scenario->world, number, !one_way || r == 0, !one_way || r == 1);
    return 0;
}

static int command_heal(struct scenario *scenario, const struct words *words, struct error *err)
{
    uint32_t number = 0;
    int r = parse_computer(scenario, words->items[1], &number, err);

    if (r == 0)
        faults_heal(&scenario->world, number);
    return r;
}

/* The next of these messages is lost, or late by so much. */
static int meddle(struct scenario *scenario, const struct words *words, uint64_t late_ms,
                  struct error *err)
{
    static const struct {
        const char *name;
        enum message_kind kind;
        enum pool_effect_kind effect;
    } messages[] = {
        {"start", MESSAGE_SEND, POOL_SEND_START},   {"stop", MESSAGE_SEND, POOL_SEND_STOP},
        {"forget", MESSAGE_SEND, POOL_SEND_FORGET}, {"renewal", MESSAGE_SEND, POOL_SEND_RENEW},
        {"report", MESSAGE_REPORT, POOL_TRACE},     {"welcome", MESSAGE_WELCOME, POOL_TRACE},
        {"hello", MESSAGE_HELLO, POOL_TRACE},
    };
    uint32_t number = 0;
    int r = parse_computer(scenario, words->items[2], &number, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < ARRAY_LENGTH(messages); i++)
        if (slice_equals(words->items[1], messages[i].name)) {
            scenario->world.mishap = (struct mishap){.wanted = true,
                                                     .late_ms = late_ms,
                                                     .kind = messages[i].kind,
                                                     .effect = messages[i].effect,
                                                     .computer = number};
            return 0;
        }
    return error_set(err, -EINVAL, "there is no message '%s'", words->items[1].data);
}

static int command_lose(struct scenario *scenario, const struct words *words, struct error *err)
{
    return meddle(scenario, words, 0, err);
}

static int command_late(struct scenario *scenario, const struct words *words, struct error *err)
{
    uint64_t late_ms = 0;
    int r = parse_duration(words->items[3], &late_ms, err);

    return r < 0 ? r : meddle(scenario, words, late_ms, err);
}

static int command_clone(struct scenario *scenario, const struct words *words, struct error *err)
{
    uint32_t number = 0;
    int r = parse_computer(scenario, words->items[1], &number, err);

    if (r == 0 && words->count == 3)
        r = parse_word(words->items[2], "same-computer", err);
    if (r == 0)
        network_clone(&scenario->world, number, words->count == 3);
    return r;
}

static int command_forget(struct scenario *scenario, const struct words *words, struct error *err)
{
    uint32_t number = 0;
    int r = parse_computer(scenario, words->items[1], &number, err);

    if (r == 0)
        users_forget_node(&scenario->world, number);
    return r;
}

static int command_drain(struct scenario *scenario, const struct words *words, struct error *err)
{
    bool now = words->count == 3;
    uint32_t number = 0;
    int r = parse_computer(scenario, words->items[1], &number, err);

    if (r == 0 && now)
        r = parse_word(words->items[2], "now", err);
    if (r == 0)
        users_drain_node(&scenario->world, number, true, now);
    return r;
}

static int command_undrain(struct scenario *scenario, const struct words *words, struct error *err)
{
    uint32_t number = 0;
    int r = parse_computer(scenario, words->items[1], &number, err);

    if (r == 0)
        users_drain_node(&scenario->world, number, false, false);
    return r;
}

static int command_enrol(struct scenario *scenario, const struct words *words, struct error *err)
{
    uint32_t number = 0;
    int r = parse_computer(scenario, words->items[1], &number, err);

    if (r == 0)
        computer_enrol(&scenario->world, number);
    return r;
}

static int command_sleeper(struct scenario *scenario, const struct words *words, struct error *err)
{
    uint64_t when_idle_ms = 0;
    uint32_t number = 0;
    int r = parse_computer(scenario, words->items[1], &number, err);

    if (r == 0)
        r = parse_duration(words->items[2], &when_idle_ms, err);
    if (r == 0)
        rest_teach(&scenario->world, number, when_idle_ms);
    return r;
}

const struct scenario_command scenario_commands[] = {
    {"agents", "NUMBER cpus NUMBER [move-suspended DURATION]", 4, 6, command_agents},
    {"submit", "NUMBER tasks DURATION [cpus NUMBER] [priority NUMBER] [held]", 4, 9,
     command_submit},
    {"run", "DURATION", 2, 2, command_run},
    {"finish", "", 1, 1, command_finish},
    {"hold", "JOB|JOB.TASK", 2, 2, command_hold},
    {"release", "JOB|JOB.TASK", 2, 2, command_release},
    {"remove", "JOB|JOB.TASK", 2, 2, command_remove},
    {"owner", "PC returns|leaves", 3, 3, command_owner},
    {"crash", "server [before-commit|after-commit] DURATION", 3, 4, command_crash},
    {"stall", "server DURATION", 3, 3, command_stall},
    {"kill", "agent PC DURATION", 4, 4, command_kill},
    {"leave", "PC DURATION", 3, 3, command_leave},
    {"off", "PC", 2, 2, command_off},
    {"on", "PC", 2, 2, command_on},
    {"lid", "PC closed|open", 3, 3, command_lid},
    {"sleeper", "PC DURATION", 3, 3, command_sleeper},
    {"cut", "PC [in|out]", 2, 3, command_cut},
    {"heal", "PC", 2, 2, command_heal},
    {"lose", "start|stop|forget|renewal|report|welcome|hello PC", 3, 3, command_lose},
    {"late", "start|stop|forget|renewal|report|welcome|hello PC DURATION", 4, 4, command_late},
    {"clone", "PC [same-computer]", 2, 3, command_clone},
    {"forget", "PC", 2, 2, command_forget},
    {"drain", "PC [now]", 2, 3, command_drain},
    {"undrain", "PC", 2, 2, command_undrain},
    {"enrol", "PC", 2, 2, command_enrol},
};

const size_t scenario_command_count = ARRAY_LENGTH(scenario_commands);
