/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dusk watch: a live view. On a terminal a picture that is drawn over itself; elsewhere lines, one
 * when something changed and no more than one a second.
 */
#include "session.h"

#include "exit_code.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/text.h"
#include "waiting.h"
#include "watch_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TICK_DRAWN_MS = 200, TICK_LINES_MS = 1000, PATIENCE_MS = 20000 };

struct watch {
    struct connection *connection;
    bool has_job;
    uint64_t job;
    uint64_t seen;      /* the version of the job that was drawn */
    bool drawn;         /* on a terminal; else lines */
    size_t lines;       /* of the last picture */
    struct buffer last; /* the last line that was printed */
    uint64_t last_at_ms;
    json_t *object; /* owned; the job, NULL for all */
    json_t *nodes;  /* owned */
    struct progress progress;
    bool first;
};

static void watch_deinit(struct watch *watch)
{
    buffer_deinit(&watch->last);
    json_decref(watch->object);
    json_decref(watch->nodes);
}

/* The job as soon as it changes, or at the end of the tick. */
static int ask_for_job(struct watch *watch, uint64_t tick_ms, struct error *err)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    json_t *object;
    int r;

    buffer_appendf(&path, "/v1/jobs/%" PRIu64 "/wait?timeout_ms=%" PRIu64, watch->job,
                   watch->first ? 0 : tick_ms);
    if (!watch->first)
        buffer_appendf(&path, "&seen=%" PRIu64, watch->seen);
    connection_set_timeout(watch->connection, tick_ms + PATIENCE_MS);
    r = connection_call(watch->connection, "GET", path.data, NULL, &object, err);
    connection_reset_timeout(watch->connection);
    if (r < 0)
        return r;
    json_decref(watch->object);
    watch->object = object;
    watch->seen = json_member_number(object, "version");
    progress_of_job(object, &watch->progress);
    return 0;
}

static int add_job(void *userdata, const json_t *job, struct error *err)
{
    struct progress *sum = userdata, progress;

    (void)err;
    progress_of_job(job, &progress);
    sum->tasks += progress.tasks;
    sum->idle += progress.idle;
    sum->running += progress.running;
    sum->suspended += progress.suspended;
    sum->held += progress.held;
    sum->completed += progress.completed;
    sum->removed += progress.removed;
    return 0;
}

static int ask(struct watch *watch, uint64_t tick_ms, struct error *err)
{
    json_t *nodes;
    int r;

    if (watch->has_job) {
        r = ask_for_job(watch, tick_ms, err);
    } else {
        watch->progress = (struct progress){0};
        r = connection_walk(watch->connection, "/v1/jobs", add_job, &watch->progress, err);
    }
    if (r == 0)
        r = connection_call(watch->connection, "GET", "/v1/nodes", NULL, &nodes, err);
    if (r < 0)
        return r;
    json_decref(watch->nodes);
    watch->nodes = nodes;
    return 0;
}

static double elapsed(const struct watch *watch)
{
    const json_t *submitted = json_object_get(watch->object, "submitted_at");
    const json_t *ended = json_object_get(watch->object, "ended_at");

    if (!json_is_number(submitted))
        return -1;
    return (json_is_number(ended) ? json_number_value(ended) : clock_wall_seconds()) -
           json_number_value(submitted);
}

/* Moves back over the last picture and clears it (ECMA-48: CUU, ED). */
static void draw(struct watch *watch, const struct watch_view *view)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    if (watch->lines > 0)
        buffer_appendf(&text, "\033[%zuA\r\033[J", watch->lines);
    watch->lines = 0;
    watch_view_append_picture(&text, view, terminal_of_output());
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] == '\n')
            watch->lines++;
    (void)file_write_all(STDOUT_FILENO, text.data, text.length);
}

static void print_line(struct watch *watch, const struct watch_view *view)
{
    _cleanup_buffer_ struct buffer line = BUFFER_INIT, safe = BUFFER_INIT;

    watch_view_append_line(&line, view);
    if (strcmp(buffer_text(&line), buffer_text(&watch->last)) == 0)
        return;
    text_append_printable(&safe, buffer_text(&line), terminal_of_output().utf8);
    buffer_append_character(&safe, '\n');
    (void)file_write_all(STDOUT_FILENO, safe.data, safe.length);
    buffer_clear(&watch->last);
    buffer_append_text(&watch->last, line.data);
}

static void show(struct watch *watch)
{
    const struct watch_view view = {
        .job = watch->job,
        .name = json_member_text(watch->object, "name", ""),
        .elapsed = elapsed(watch),
        .progress = watch->progress,
        .nodes = watch->nodes,
    };

    if (watch->drawn)
        draw(watch, &view);
    else
        print_line(watch, &view);
    watch->last_at_ms = clock_boot_ms();
}

/* Whatever changes: not more often than a tick. */
static void rest(const struct watch *watch, uint64_t tick_ms)
{
    uint64_t passed = clock_boot_ms() - watch->last_at_ms;
    uint64_t left = passed < tick_ms ? tick_ms - passed : 0;
    struct timespec time = {.tv_sec = (time_t)(left / 1000),
                            .tv_nsec = (long)(left % 1000) * 1000000};

    (void)nanosleep(&time, NULL);
}

static int watch_until_over(struct watch *watch, struct error *err)
{
    uint64_t tick_ms = watch->drawn ? TICK_DRAWN_MS : TICK_LINES_MS;

    for (watch->first = true;;) {
        int r = ask(watch, tick_ms, err);

        /* A server that was there will be back; what is on the screen stays until then. */
        if (r < 0 && (r != FAILURE_NO_SERVER || !watch->nodes))
            return r;
        watch->first = r < 0;
        if (r < 0) {
            error_clear(err);
            watch->last_at_ms = clock_boot_ms();
        } else {
            show(watch);
            if (watch->has_job && progress_verdict(&watch->progress) != VERDICT_GOES_ON)
                return 0;
        }
        rest(watch, tick_ms);
    }
}

static bool terminal_can_draw(void)
{
    const char *kind = getenv("TERM");

    return terminal_of_output().interactive && kind && *kind && strcmp(kind, "dumb") != 0;
}

static int run_watch(struct session *session, struct error *err)
{
    _cleanup_(watch_deinit) struct watch watch = {.drawn = terminal_can_draw()};
    struct id id = {0};
    int r = session_end_options(session, err);

    if (r == 0)
        r = session_need_operands(session, 0, 1, "", err);
    if (r == 0 && session->operand_count > 0) {
        r = id_parse(session->operands[0], &id, err);
        if (r == 0 && id.has_task)
            r = options_refuse(session->command, err,
                               "'dusk watch' shows whole jobs: dusk watch %s", "17");
        watch.has_job = true;
        watch.job = id.job;
    }
    if (r == 0)
        r = session_connect(session, &watch.connection, err);
    if (r == 0)
        r = watch_until_over(&watch, err);
    return r < 0 ? r : waiting_conclude(&id, &watch.progress);
}

const struct command command_watch = {
    .name = "watch",
    .summary = "shows a job and the nodes while they work",
    .synopsis = "[OPTION]... [JOB]",
    .description =
        "Shows how far the job is and what the nodes do, and goes on until the job is\n"
        "over or waits for you; its exit codes are those of 'dusk wait'. Without JOB it\n"
        "shows all jobs that are not over, until Ctrl-C. In a file or a pipe it writes a\n"
        "line when something changed, no more than one a second.\n",
    .examples = "  dusk watch 17\n"
                "  dusk watch $(dusk submit --quiet sweep.sub)\n",
    .run = run_watch,
};
