/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See waiting.h. The first request asks how things are; each later one names the version that it
 * has seen and is answered when there is another, so nothing is missed between two.
 */
#include "waiting.h"

#include "exit_code.h"
#include "sys/clock.h"
#include "sys/complain.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

enum {
    POLL_MS = 30000,    /* the longest that one request hangs; then it is asked again */
    PATIENCE_MS = 20000 /* how much later than that the answer may come */
};

void progress_of_job(const json_t *job, struct progress *ret_progress)
{
    *ret_progress = (struct progress){
        .tasks = json_member_number(job, "tasks"),
        .idle = json_member_number(job, "idle"),
        .running = json_member_number(job, "running"),
        .suspended = json_member_number(job, "suspended"),
        .held = json_member_number(job, "held"),
        .completed = json_member_number(job, "completed"),
        .removed = json_member_number(job, "removed"),
        .over = json_is_true(json_object_get(job, "over")),
    };
}

void progress_of_task(const json_t *task, struct progress *ret_progress)
{
    const char *state = json_member_text(task, "state", "");

    *ret_progress = (struct progress){
        .tasks = 1,
        .idle = strcmp(state, "Idle") == 0,
        .running = strcmp(state, "Running") == 0,
        .suspended = strcmp(state, "Suspended") == 0,
        .held = strcmp(state, "Held") == 0,
        .completed = strcmp(state, "Completed") == 0,
        .removed = strcmp(state, "Removed") == 0,
    };
    ret_progress->over = ret_progress->completed || ret_progress->removed;
}

enum verdict progress_verdict(const struct progress *progress)
{
    if (progress->over)
        return progress->completed == progress->tasks ? VERDICT_COMPLETED : VERDICT_REMOVED;
    if (progress->held > 0 && progress->idle + progress->running + progress->suspended == 0)
        return VERDICT_HELD;
    return VERDICT_GOES_ON;
}

void progress_append(struct buffer *text, const struct progress *progress)
{
    buffer_appendf(text, "%" PRIu64 " of %" PRIu64 " task%s completed", progress->completed,
                   progress->tasks, progress->tasks == 1 ? "" : "s");
    if (progress->running > 0)
        buffer_appendf(text, ", %" PRIu64 " running", progress->running);
    if (progress->suspended > 0)
        buffer_appendf(text, ", %" PRIu64 " suspended", progress->suspended);
    if (progress->held > 0)
        buffer_appendf(text, ", %" PRIu64 " held", progress->held);
    if (progress->removed > 0)
        buffer_appendf(text, ", %" PRIu64 " removed", progress->removed);
}

/* The first one; there is no second. */
static int take_task(void *userdata, const json_t *element, struct error *err)
{
    json_t **found = userdata;

    (void)err;
    if (!*found)
        *found = json_deep_copy(element);
    return 0;
}

int waiting_get_task(struct connection *connection, const struct id *id, json_t **ret_task,
                     struct error *err)
{
    static const char *const sets[] = {"open", "over"};
    json_t *found = NULL;

    /* In this order, because a task moves from the first set to the second and never back. */
    for (size_t i = 0; i < ARRAY_LENGTH(sets) && !found; i++) {
        _cleanup_buffer_ struct buffer path = BUFFER_INIT;
        int r;

        buffer_appendf(&path, "/v1/tasks?set=%s&job=%" PRIu64 "&task=%" PRIu64, sets[i], id->job,
                       id->task);
        r = connection_walk(connection, path.data, take_task, &found, err);
        if (r < 0) {
            json_decref(found);
            return r;
        }
    }
    if (!found)
        return error_set(err, FAILURE_NOT_FOUND, "there is no task %" PRIu64 ".%" PRIu64, id->job,
                         id->task);
    *ret_task = found;
    return 0;
}

/* How long the next request may hang: 0 to only look. */
static uint64_t poll_ms(const struct waiting *waiting, bool look)
{
    uint64_t now = clock_boot_ms();

    if (look)
        return 0;
    if (waiting->deadline_ms == 0)
        return POLL_MS;
    if (now >= waiting->deadline_ms)
        return 0;
    return waiting->deadline_ms - now < POLL_MS ? waiting->deadline_ms - now : POLL_MS;
}

/* One request; `seen` is the version of the last, and becomes that of this. */
static int ask(const struct waiting *waiting, bool look, uint64_t *seen,
               struct progress *ret_progress, struct error *err)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    _cleanup_json_ json_t *job = NULL, *task = NULL;
    uint64_t hang_ms = poll_ms(waiting, look);
    int r;

    buffer_appendf(&path, "/v1/jobs/%" PRIu64 "/wait?timeout_ms=%" PRIu64, waiting->id.job,
                   hang_ms);
    if (!look)
        buffer_appendf(&path, "&seen=%" PRIu64, *seen);
    id_append_task_query(&path, &waiting->id, '&');
    connection_set_timeout(waiting->connection, hang_ms + PATIENCE_MS);
    r = connection_call(waiting->connection, "GET", path.data, NULL, &job, err);
    connection_reset_timeout(waiting->connection);
    if (r < 0)
        return r;
    *seen = json_member_number(job, "version");
    if (!waiting->id.has_task) {
        progress_of_job(job, ret_progress);
        return 0;
    }
    r = waiting_get_task(waiting->connection, &waiting->id, &task, err);
    if (r < 0)
        return r;
    progress_of_task(task, ret_progress);
    return 0;
}

static void pause_ms(uint64_t ms)
{
    struct timespec time = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};

    (void)nanosleep(&time, NULL);
}

static bool is_late(const struct waiting *waiting)
{
    return waiting->deadline_ms > 0 && clock_boot_ms() >= waiting->deadline_ms;
}

/*
 * Asks until there is an answer. A server that was there and is gone is probably being restarted:
 * the job is safe with it, so the wait goes on. Of one that never answered (seen is 0) nobody
 * knows whether it will.
 */
static int ask_patiently(const struct waiting *waiting, uint64_t *seen,
                         struct progress *ret_progress, struct error *err)
{
    bool told = false, first = *seen == 0, look = first;

    for (uint64_t delay_ms = 100;; delay_ms = delay_ms < 2000 ? 2 * delay_ms : delay_ms) {
        int r = ask(waiting, look, seen, ret_progress, err);

        if (r != FAILURE_NO_SERVER || first)
            return r;
        if (is_late(waiting))
            return FAILURE_TIMEOUT;
        if (!told)
            complain_note("%s; waiting for the server to come back", error_text(err));
        told = true;
        error_clear(err);
        pause_ms(delay_ms);
        look = true; /* a server that was restarted may count versions anew */
    }
}

/* Ends at the first answer by which nothing more will happen without somebody. */
int waiting_run(const struct waiting *waiting, struct progress *ret_progress, struct error *err)
{
    uint64_t seen = waiting->seen;

    for (bool first = true;; first = false) {
        uint64_t seen_before = seen;
        int r = ask_patiently(waiting, &seen, ret_progress, err);

        if (r < 0)
            return r;
        if (waiting->on_progress && (first || seen != seen_before))
            waiting->on_progress(waiting->userdata, ret_progress);
        if (progress_verdict(ret_progress) != VERDICT_GOES_ON)
            return 0;
        if (is_late(waiting))
            return FAILURE_TIMEOUT;
    }
}

int waiting_conclude(const struct id *id, const struct progress *progress)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    _cleanup_buffer_ struct buffer name = BUFFER_INIT, noun = BUFFER_INIT, text = BUFFER_INIT;
    enum verdict verdict = progress_verdict(progress);

    if (verdict == VERDICT_COMPLETED)
        return EXIT_CODE_OK;
    id_append(&name, id);
    id_append_noun(&noun, id);
    progress_append(&text, progress);
    if (verdict == VERDICT_REMOVED) {
        error_set(&err, -ECANCELED, "%s is over, but not complete: %s", noun.data, text.data);
    } else {
        error_set(&err, -EAGAIN, "%s waits for you: %s", noun.data, text.data);
        error_hint(&err,
                   "'dusk why %s' says the reason; 'dusk release %s' tries again, "
                   "'dusk rm %s' gives up",
                   name.data, name.data, name.data);
    }
    complain(&err);
    return EXIT_CODE_FAILED;
}
