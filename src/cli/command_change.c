/* SPDX-License-Identifier: Apache-2.0 */
/* dusk rm, hold and release: the same request with another last word. */
#include "session.h"

#include "base/memory.h"
#include "exit_code.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum key { KEY_ALL = KEY_OWN, KEY_REASON };

/* The last one is not for release, which leaves nothing to explain. */
static const struct option_word option_words[] = {
    {"all", KEY_ALL, OPTION_FLAG, NULL, "all of your jobs that are not over"},
    {"json", KEY_JSON, OPTION_FLAG, NULL, "JSON: an object with 'changed' for each"},
    {"reason", KEY_REASON, OPTION_VALUE, "TEXT", "what 'dusk why' and the lists shall say"},
};

struct change {
    const char *verb; /* of the interface: "remove" */
    const char *done; /* "removed" */
    const char *reason;
    bool all;
    bool json;
};

static int change_one(struct connection *connection, const struct change *change,
                      const struct id *id, struct error *err)
{
    _cleanup_json_ json_t *body = json_object(), *reply = NULL;
    _cleanup_buffer_ struct buffer path = BUFFER_INIT, name = BUFFER_INIT;
    uint64_t count;
    int r;

    buffer_appendf(&path, "/v1/jobs/%" PRIu64 "/%s", id->job, change->verb);
    id_append(&name, id);
    if (id->has_task)
        json_object_set_new(body, "task", json_integer((json_int_t)id->task));
    if (change->reason && json_object_set_new(body, "reason", json_string(change->reason)) < 0)
        return error_set(err, FAILURE_USAGE, "the reason is not UTF-8");
    r = connection_call(connection, "POST", path.data, body, &reply, err);
    if (r < 0)
        return r;
    count = json_member_number(reply, "changed");
    if (change->json)
        printf("{\"id\":\"%s\",\"changed\":%" PRIu64 "}\n", name.data, count);
    else
        printf("%s: %" PRIu64 " task%s %s\n", name.data, count, count == 1 ? "" : "s",
               change->done);
    return 0;
}

struct own_jobs {
    const char *user;
    uint64_t *jobs; /* owned */
    size_t count;
    size_t capacity;
};

static int take_job(void *userdata, const json_t *job, struct error *err)
{
    struct own_jobs *own = userdata;

    (void)err;
    if (strcmp(json_member_text(job, "user", ""), own->user) != 0)
        return 0;
    array_reserve(own->jobs, own->capacity, own->count + 1);
    own->jobs[own->count++] = json_member_number(job, "job");
    return 0;
}

/*
 * One of all: where there is nothing to change, because it is over by now or never was held, that
 * is as it should be, and the others are not to suffer for it.
 */
static int change_if_possible(struct connection *connection, const struct change *change,
                              uint64_t job, struct error *err)
{
    int r = change_one(connection, change, &(struct id){.job = job}, err);

    if (r != -EBUSY && r != FAILURE_NOT_FOUND)
        return r;
    error_clear(err);
    return 0;
}

/* "All" are one's own, also for an admin: of others' jobs he has to name each. */
static int change_all(struct connection *connection, const struct change *change, struct error *err)
{
    _cleanup_json_ json_t *pool = NULL;
    struct own_jobs own = {0};
    int r;

    r = connection_call(connection, "GET", "/v1/pool", NULL, &pool, err);
    if (r < 0)
        return r;
    own.user = json_member_text(pool, "user", "");
    r = connection_walk(connection, "/v1/jobs", take_job, &own, err);
    for (size_t i = 0; r == 0 && i < own.count; i++)
        r = change_if_possible(connection, change, own.jobs[i], err);
    free(own.jobs);
    return r;
}

/* All ids are read before anything is changed, so that a typing error changes nothing. */
static int change_named(struct session *session, struct connection *connection,
                        const struct change *change, struct error *err)
{
    struct id id;
    int r = 0;

    for (size_t i = 0; r == 0 && i < session->operand_count; i++)
        r = id_parse(session->operands[i], &id, err);
    for (size_t i = 0; r == 0 && i < session->operand_count; i++) {
        r = id_parse(session->operands[i], &id, err);
        if (r == 0)
            r = change_one(connection, change, &id, err);
    }
    return r;
}

static int run_change(struct session *session, const char *verb, const char *done,
                      struct error *err)
{
    struct change change = {.verb = verb, .done = done};
    struct connection *connection;
    const char *value;
    int key, r;

    while ((key = session_next_option(session, &value, err)) > 0) {
        if (key == KEY_ALL)
            change.all = true;
        else if (key == KEY_REASON)
            change.reason = value;
        else
            change.json = true;
    }
    if (key < 0)
        return key;
    r = session_need_operands(session, change.all ? 0 : 1, change.all ? 0 : SIZE_MAX - 1,
                              "a job or a task: 17 or 17.3", err);
    if (r == 0)
        r = session_connect(session, &connection, err);
    if (r < 0)
        return r;
    if (change.all)
        return change_all(connection, &change, err);
    return change_named(session, connection, &change, err);
}

static int run_rm(struct session *session, struct error *err)
{
    return run_change(session, "remove", "removed", err);
}

static int run_hold(struct session *session, struct error *err)
{
    return run_change(session, "hold", "held", err);
}

static int run_release(struct session *session, struct error *err)
{
    return run_change(session, "release", "released", err);
}

const struct command command_rm = {
    .name = "rm",
    .summary = "removes jobs and tasks",
    .synopsis = "[OPTION]... JOB[.TASK]...",
    .description = "Removes jobs, or single tasks of them. What runs is stopped; results that are\n"
                   "recorded already stay.\n",
    .examples = "  dusk rm 17\n"
                "  dusk rm 17.3 17.4 --reason 'wrong input'\n",
    .options = option_words,
    .option_count = ARRAY_LENGTH(option_words),
    .run = run_rm,
};

const struct command command_hold = {
    .name = "hold",
    .summary = "holds jobs and tasks back",
    .synopsis = "[OPTION]... JOB[.TASK]...",
    .description = "Holds jobs, or single tasks of them, until 'dusk release'. What runs is\n"
                   "stopped and starts again then.\n",
    .examples = "  dusk hold 17\n"
                "  dusk hold --all --reason 'the license server is down'\n",
    .options = option_words,
    .option_count = ARRAY_LENGTH(option_words),
    .run = run_hold,
};

const struct command command_release = {
    .name = "release",
    .summary = "lets held jobs and tasks go on",
    .synopsis = "[OPTION]... JOB[.TASK]...",
    .description = "Puts held tasks back into the queue. 'dusk why' says why they were held.\n",
    .examples = "  dusk release 17\n"
                "  dusk release 17.3\n",
    .options = option_words,
    .option_count = ARRAY_LENGTH(option_words) - 1,
    .run = run_release,
};
