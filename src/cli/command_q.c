/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dusk q and dusk history: what is not over yet, and what is. Both list tasks; only q without any
 * wish for particulars shows a line a job.
 */
#include "session.h"

#include "base/number.h"
#include "exit_code.h"
#include "listing.h"
#include "net/client.h"
#include "waiting.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum key { KEY_TASKS = KEY_OWN, KEY_JOBS, KEY_USER, KEY_LIMIT, KEY_HELD };

static const struct option_word q_words[] = {
    {"tasks", 't', OPTION_FLAG, NULL, "a line each task"},
    {"nobatch", 't', OPTION_FLAG, NULL, NULL},
    {"jobs", KEY_JOBS, OPTION_FLAG, NULL, "a line each job, also with --json and --columns"},
    {"held", KEY_HELD, OPTION_FLAG, NULL, "only tasks that are held, and why"},
    {"hold", KEY_HELD, OPTION_FLAG, NULL, NULL},
    {"user", KEY_USER, OPTION_VALUE, "NAME", "only the tasks of this user"},
    {"limit", KEY_LIMIT, OPTION_VALUE, "N", "no more than N tasks"},
    OPTIONS_OF_LISTING,
};

static const struct option_word history_words[] = {
    {"user", KEY_USER, OPTION_VALUE, "NAME", "only the tasks of this user"},
    {"limit", KEY_LIMIT, OPTION_VALUE, "N", "no more than N tasks"},
    {"match", KEY_LIMIT, OPTION_VALUE, "N", NULL},
    OPTIONS_OF_LISTING,
};

struct query {
    struct listing listing;
    bool tasks;
    bool held;
    bool jobs;
    const char *user; /* NULL: everybody's */
    uint64_t limit;   /* 0: all */
    struct id id;     /* if has_id */
    bool has_id;
};

static int take_option(struct session *session, struct query *query, int key, const char *value,
                       struct error *err)
{
    if (listing_take_option(&query->listing, key, value))
        return 0;
    if (key == 't')
        query->tasks = true;
    else if (key == KEY_HELD)
        query->held = true;
    else if (key == KEY_JOBS)
        query->jobs = true;
    else if (key == KEY_USER)
        query->user = value;
    else if (number_parse_u64(slice_from_text(value), &query->limit) < 0 || query->limit == 0)
        return options_refuse(session->command, err, "'%s' is no number of tasks", value);
    return 0;
}

static int read_command_line(struct session *session, struct query *query, struct error *err)
{
    const char *value;
    int key, r;

    while ((key = session_next_option(session, &value, err)) > 0) {
        r = take_option(session, query, key, value, err);
        if (r < 0)
            return r;
    }
    if (key < 0)
        return key;
    r = session_need_operands(session, 0, 1, "", err);
    if (r < 0 || session->operand_count == 0)
        return r;
    query->has_id = true;
    return id_parse(session->operands[0], &query->id, err);
}

/* The server selects: of a million tasks only those that are shown cross the network. */
static int show_tasks(struct session *session, const struct query *query, const char *set,
                      const struct column_set *columns, struct error *err)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    struct connection *connection;
    int r;

    buffer_appendf(&path, "/v1/tasks?set=%s", set);
    if (query->has_id)
        buffer_appendf(&path, "&job=%" PRIu64, query->id.job);
    id_append_task_query(&path, &query->id, '&');
    if (query->held)
        buffer_append_text(&path, "&state=Held");
    if (query->user) {
        buffer_append_text(&path, "&user=");
        client_append_encoded(&path, query->user);
    }
    if (query->limit > 0)
        buffer_appendf(&path, "&limit=%" PRIu64, query->limit);
    r = session_connect(session, &connection, err);
    return r < 0 ? r : listing_show(&query->listing, columns, connection, path.data, err);
}

struct job_list {
    struct listing_printer *printer;
    const char *user;
    struct progress total;
    uint64_t jobs;
    bool found; /* there was one, of whomever */
};

static int take_job(void *userdata, const json_t *job, struct error *err)
{
    struct job_list *list = userdata;
    struct progress progress;

    list->found = true;
    if (list->user && strcmp(json_member_text(job, "user", ""), list->user) != 0)
        return 0;
    progress_of_job(job, &progress);
    list->jobs++;
    list->total.tasks += progress.tasks;
    list->total.idle += progress.idle;
    list->total.running += progress.running;
    list->total.suspended += progress.suspended;
    list->total.held += progress.held;
    list->total.completed += progress.completed;
    list->total.removed += progress.removed;
    return listing_print(list->printer, job, err);
}

/* HTCondor's last line, for people only: whoever chose columns counts himself. */
static void print_total(const struct job_list *list)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    progress_append(&text, &list->total);
    printf("\n%" PRIu64 " job%s: %s, %" PRIu64 " idle\n", list->jobs, list->jobs == 1 ? "" : "s",
           text.data, list->total.idle);
}

/* The server does not choose jobs by user: that is done while the list arrives. */
static int show_jobs(struct session *session, const struct query *query, struct error *err)
{
    _cleanup_(listing_printer_free_p) struct listing_printer *printer = NULL;
    struct job_list list = {.user = query->user};
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    struct connection *connection;
    int r;

    buffer_append_text(&path, "/v1/jobs");
    if (query->has_id)
        buffer_appendf(&path, "?job=%" PRIu64, query->id.job);
    r = session_connect(session, &connection, err);
    if (r < 0)
        return r;
    if (query->listing.json)
        return listing_pass_through(connection, path.data, err);
    r = listing_printer_new(&query->listing, &columns_of_jobs, &printer, err);
    if (r < 0)
        return r;
    list.printer = printer;
    r = connection_walk(connection, path.data, take_job, &list, err);
    if (r < 0)
        return r;
    if (query->has_id && !list.found)
        return error_set(err, FAILURE_NOT_FOUND, "there is no job %" PRIu64, query->id.job);
    listing_end(printer);
    if (!query->listing.columns && !query->listing.complete)
        print_total(&list);
    return 0;
}

/* Particulars are particulars of tasks, unless jobs are asked for. */
static bool wants_tasks(const struct query *query)
{
    const struct listing *listing = &query->listing;

    if (query->jobs)
        return false;
    return query->tasks || query->held || query->limit > 0 || query->id.has_task || listing->json ||
           listing->columns || listing->complete;
}

static int run_q(struct session *session, struct error *err)
{
    struct query query = {0};
    int r = read_command_line(session, &query, err);

    if (r < 0)
        return r;
    if (wants_tasks(&query))
        return show_tasks(session, &query, "open",
                          query.held ? &columns_of_held_tasks : &columns_of_tasks, err);
    return show_jobs(session, &query, err);
}

static int run_history(struct session *session, struct error *err)
{
    struct query query = {0};
    int r = read_command_line(session, &query, err);

    if (r < 0)
        return r;
    return show_tasks(session, &query, "over", &columns_of_finished_tasks, err);
}

const struct command command_q = {
    .name = "q",
    .summary = "shows the jobs that are not over",
    .synopsis = "[OPTION]... [JOB[.TASK]]",
    .description = "Shows what is not over, everybody's: a line each job, or with --tasks,\n"
                   "--held, --columns, -af, --long, --json and for a JOB.TASK a line each task.\n"
                   "\n"
                   "Columns of tasks: id, job, task, user, state, node, attempts, checkpoints,\n"
                   "exit_code, exit_signal, reason, submitted_at, started_at, ended_at, run_time,\n"
                   "wall_seconds, cpu_seconds, memory_peak, executable, arguments. HTCondor's\n"
                   "names (ClusterId, ProcId, Owner, RemoteHost, HoldReason...) are understood.\n"
                   "-af prints states by name and 'undefined' where there is no value.\n",
    .examples = "  dusk q\n"
                "  dusk q --tasks 17\n"
                "  dusk q --held\n"
                "  dusk q --columns id,state,node\n"
                "  dusk q 17 -af:j State RemoteHost\n",
    .options = q_words,
    .option_count = ARRAY_LENGTH(q_words),
    .run = run_q,
};

const struct command command_history = {
    .name = "history",
    .summary = "shows the tasks that are over",
    .synopsis = "[OPTION]... [JOB[.TASK]]",
    .description = "Shows what is over, everybody's, a line each task: Completed with its exit\n"
                   "code or signal, or Removed. The columns are those of 'dusk q'.\n",
    .examples = "  dusk history 17\n"
                "  dusk history --limit 20 --user marie\n"
                "  dusk history 17 -af id exit_code wall_seconds\n"
                "  dusk history --json 17 | jq '.[] | select(.exit_code != 0) | .id'\n",
    .options = history_words,
    .option_count = ARRAY_LENGTH(history_words),
    .run = run_history,
};
