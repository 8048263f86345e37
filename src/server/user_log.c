/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The job event log that a submit file names with `log`, in HTCondor's form (manual, "Job Event Log
 * Codes"), so that what reads such logs today goes on working. It is appended to as the submitter,
 * after the commit that it tells of. A log that cannot be written holds nobody up.
 *
 * A task's line of submission is written right before its first other line, because a million
 * tasks that have not started have nothing to say.
 */
#include "server.h"

#include "base/memory.h"
#include "sys/file.h"
#include "sys/log.h"

#include <time.h>

static void append_head(struct buffer *text, int code, uint32_t job, uint32_t task, double at)
{
    time_t seconds = (time_t)at;
    char when[32];
    struct tm local;

    localtime_r(&seconds, &local);
    strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &local);
    buffer_appendf(text, "%03d (%u.%03u.000) %s ", code, job, task, when);
}

static void append_event(struct buffer *text, int code, const struct pool_effect *effect,
                         const char *words)
{
    append_head(text, code, effect->trace.job, effect->trace.task, (double)time(NULL));
    buffer_appendf(text, "%s\n", words);
}

static void append_usage(struct buffer *text, const struct wire_result *result)
{
    unsigned long long seconds = result->cpu_us / 1000000;

    buffer_appendf(text, "\t\tUsr %llu %02llu:%02llu:%02llu, Sys 0 00:00:00  -  Run Remote Usage\n",
                   seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
}

static void append_terminated(struct buffer *text, const struct pool_effect *effect,
                              const struct ended_attempt *ended)
{
    append_event(text, 5, effect, "Job terminated.");
    if (!ended)
        return;
    if (ended->result.exit_signal > 0)
        buffer_appendf(text, "\t(0) Abnormal termination (signal %d)\n\t(0) No core file\n",
                       ended->result.exit_signal);
    else
        buffer_appendf(text, "\t(1) Normal termination (return value %d)\n",
                       ended->result.exit_code);
    append_usage(text, &ended->result);
}

/* A line of its own; what stands in it comes from a user or a node, and must not begin another. */
static void append_reason(struct buffer *text, const struct pool_effect *effect,
                          const struct ended_attempt *ended, const char *said)
{
    bool by_user = effect->trace.reason == REASON_BY_USER;
    size_t start;

    buffer_append_character(text, '\t');
    start = text->length;
    api_append_reason(text, reason_name(effect->trace.reason),
                      by_user ? said
                      : ended ? ended->result.detail
                              : NULL);
    for (size_t i = start; i < text->length; i++)
        if (text->data[i] == '\n' || text->data[i] == '\r')
            text->data[i] = ' ';
    buffer_append_character(text, '\n');
}

static void append_held(struct buffer *text, const struct pool_effect *effect,
                        const struct ended_attempt *ended, const char *said)
{
    append_event(text, 12, effect, "Job was held.");
    append_reason(text, effect, ended, said);
    buffer_appendf(text, "\tCode %d Subcode 0\n", effect->trace.reason == REASON_BY_USER ? 1 : 6);
}

/* Whether it goes on from something. */
static void append_evicted(struct buffer *text, struct server *server,
                           const struct pool_effect *effect)
{
    struct pool_task_row row;

    if (pool_view_task(server->pool, effect->trace.job, effect->trace.task, &row) &&
        row.checkpoint != 0)
        append_event(text, 4, effect, "Job was evicted.\n\t(1) Job was checkpointed.");
    else
        append_event(text, 4, effect, "Job was evicted.\n\t(0) Job was not checkpointed.");
}

static void append_submitted(struct buffer *text, const struct pool_effect *effect,
                             const struct job_record *job)
{
    append_head(text, 0, effect->trace.job, effect->trace.task, job->row.submitted_at);
    buffer_append_text(text, "Job submitted from host: <dusk>\n...\n");
}

static void append_started(struct buffer *text, const struct pool_effect *effect, const char *node)
{
    append_head(text, 1, effect->trace.job, effect->trace.task, (double)time(NULL));
    buffer_appendf(text, "Job executing on host: <%s>\n", node);
}

/* The move as the log tells it; appends nothing for moves that it has no word for. */
static void append_move(struct buffer *text, struct server *server, const struct job_record *job,
                        const struct pool_effect *effect, const char *said)
{
    struct ended_attempt *ended =
        records_find_ended(&server->records, effect->trace.job, effect->trace.task);
    const char *node =
        effect->trace.node == NONE ? "" : server->records.nodes[effect->trace.node].name;

    if (effect->trace.first)
        append_submitted(text, effect, job);
    switch (effect->trace.to) {
    case TASK_RUNNING:
        if (effect->trace.from == TASK_SUSPENDED)
            append_event(text, 11, effect, "Job was unsuspended.");
        else
            append_started(text, effect, node);
        break;
    case TASK_SUSPENDED:
        append_event(text, 10, effect, "Job was suspended.");
        buffer_append_text(text, "\tNumber of processes actually suspended: 1\n");
        break;
    case TASK_IDLE:
        if (effect->trace.from == TASK_HELD)
            append_event(text, 13, effect, "Job was released.");
        else
            append_evicted(text, server, effect);
        break;
    case TASK_HELD:
        append_held(text, effect, ended, said);
        break;
    case TASK_COMPLETED:
        append_terminated(text, effect, ended);
        break;
    case TASK_REMOVED:
        append_event(text, 9, effect, "Job was aborted.");
        append_reason(text, effect, ended, said);
        break;
    case TASK_STATE_COUNT:
        abort();
    }
    buffer_append_text(text, "...\n");
}

static void on_appended(struct server *server, void *userdata, int code, const char *detail)
{
    (void)server;
    (void)userdata;
    if (code < 0)
        log_warning("a user's job log was not written: %s", detail ? detail : "");
}

static void append_to(struct server *server, const struct job_record *job, const char *path,
                      const char *text)
{
    struct delivery *delivery = memory_allocate(sizeof(*delivery));
    json_t *line = json_pack("{s:s,s:s}", "to", path, "text", text);

    *delivery =
        (struct delivery){.request = json_pack("{s:[o*]}", "append", line ? line : json_object()),
                          .on_done = on_appended};
    deliver_as(server, job->row.uid, job->row.gid, delivery);
}

/* Whether the job's tasks have logs, found out once. */
static bool job_has_log(struct server *server, struct job_record *job)
{
    if (job->log == JOB_LOG_UNKNOWN) {
        job->log = JOB_LOG_NONE;
        if (job->row.deliver && records_load_submit(server, job, NULL) == 0 &&
            submit_expand(job->submit, job->row.number, 0, &server->task, NULL) == 0 &&
            server->task.log)
            job->log = JOB_LOG_THERE;
    }
    return job->log == JOB_LOG_THERE;
}

/* Takes the text. */
static void note_text(struct server *server, uint32_t job, uint32_t task, struct buffer *text)
{
    struct log_line *line = memory_allocate(sizeof(*line));

    line->job = job;
    line->task = task;
    line->text = buffer_take(text);
    if (server->log_last)
        server->log_last->next = line;
    else
        server->log_first = line;
    server->log_last = line;
}

void user_log_note(struct server *server, const struct pool_effect *effect, const char *said)
{
    struct job_record *job = records_find_job(&server->records, effect->trace.job);
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    if (!job || !job_has_log(server, job))
        return;
    append_move(&text, server, job, effect, said);
    note_text(server, effect->trace.job, effect->trace.task, &text);
}

void user_log_note_checkpoint(struct server *server, const struct pool_effect *effect)
{
    struct job_record *job = records_find_job(&server->records, effect->send.job);
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    if (!job || !job_has_log(server, job))
        return;
    append_head(&text, 3, effect->send.job, effect->send.task, (double)time(NULL));
    buffer_append_text(&text, "Job was checkpointed.\n...\n");
    note_text(server, effect->send.job, effect->send.task, &text);
}

void user_log_flush(struct server *server)
{
    while (server->log_first) {
        struct log_line *line = server->log_first;
        struct job_record *job = records_find_job(&server->records, line->job);

        server->log_first = line->next;
        if (job && records_load_submit(server, job, NULL) == 0 &&
            submit_expand(job->submit, line->job, line->task, &server->task, NULL) == 0 &&
            server->task.log) {
            _cleanup_free_ char *folder = order_folder(job, &server->task);
            _cleanup_free_ char *path = file_join(folder, server->task.log);

            append_to(server, job, path, line->text);
        }
        free(line->text);
        free(line);
    }
    server->log_last = NULL;
}
