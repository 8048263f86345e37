/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tasks: the streamed list, a live look at a running one's output, and why one waits.
 *
 * The list joins two sources that are both in order: the store's rows, and the brain, which alone
 * knows the tasks that never started and have no row. It is made while it is sent, so that a
 * million tasks cost no memory and a slow reader slows only himself.
 */
#include "server.h"

#include "base/memory.h"
#include "base/number.h"

#include <assert.h>
#include <string.h>

enum { CHUNK_SIZE = 32 * 1024, LIMIT_NONE = 0 };

/* A job that was removed with tasks that had not started. */
struct removed_job {
    uint32_t job, tasks;
    char *user; /* owned */
    double submitted_at, ended_at;
};

struct task_list {
    struct server *server;
    struct store_task_query *query;
    const struct store_task *row; /* the store's next one; NULL behind the last */
    bool open;                    /* what is not over; else what is */
    uint32_t only_job, only_task; /* 0 and NONE: all */
    char *user;                   /* owned; NULL: everybody's */
    uint32_t job, task;           /* where the walk through the brain is; job 0: at its end */
    uint32_t task_count;
    uint64_t left; /* of the limit */
    bool begun;
    bool newest_first;
    struct removed_job *removed; /* owned; in the order of the list */
    size_t removed_count, removed_capacity, removed_at;
    uint32_t removed_left; /* tasks of the current one that were not passed yet */
};

static json_t *number_or_null(double number)
{
    return number > 0 ? json_real(number) : json_null();
}

/* What people read as the reason: the clause, and the sentence that came with it. */
static char *reason_of(const char *word, const char *detail)
{
    struct buffer text = BUFFER_INIT;
    enum reason reason;

    if (word && reason_from_name(word, &reason))
        buffer_append_text(&text, reason_text(reason));
    if (detail && detail[0]) {
        if (text.length > 0)
            buffer_append_text(&text, ": ");
        buffer_append_text(&text, detail);
    }
    return buffer_take(&text);
}

static json_t *task_base(uint32_t job, uint32_t task, const char *user, const char *state,
                         double submitted_at)
{
    _cleanup_buffer_ struct buffer id = BUFFER_INIT;

    buffer_appendf(&id, "%u.%u", job, task);
    return json_pack("{s:s,s:I,s:I,s:s,s:s,s:o}", "id", id.data, "job", (json_int_t)job, "task",
                     (json_int_t)task, "user", user, "state", state, "submitted_at",
                     number_or_null(submitted_at));
}

/* A task that never started: only the brain and its job know it. */
static json_t *unstarted_object(const struct job_record *job, const struct pool_task_row *row)
{
    json_t *object = task_base(row->job, row->task, job->row.user, task_state_name(row->state),
                               job->row.submitted_at);
    const char *reason = row->reason == REASON_NONE ? "" : reason_text(row->reason);

    json_object_update_new(
        object, json_pack("{s:n,s:I,s:n,s:n,s:s,s:n,s:n,s:n,s:n,s:n}", "node", "attempts",
                          (json_int_t)row->attempts, "exit_code", "exit_signal", "reason", reason,
                          "started_at", "ended_at", "cpu_seconds", "memory_peak", "wall_seconds"));
    return object;
}

static json_t *code_or_null(int code, bool is_there)
{
    return is_there ? json_integer(code) : json_null();
}

static json_t *stored_object(const struct store_task *row)
{
    const struct store_task_result *result = &row->result;
    json_t *object =
        task_base(row->state.job, row->state.task, row->user, row->state.state, row->submitted_at);
    _cleanup_free_ char *reason = reason_of(row->state.reason, result->detail);
    bool ended = row->ended_once && row->state.over;

    json_object_update_new(
        object,
        json_pack("{s:s?,s:I,s:o,s:o,s:o,s:o,s:o}", "node", row->node_name, "attempts",
                  (json_int_t)row->state.attempts, "exit_code",
                  code_or_null(result->exit_code, ended && result->exit_code >= 0), "exit_signal",
                  code_or_null(result->exit_signal, ended && result->exit_signal > 0), "started_at",
                  number_or_null(row->state.started_at), "ended_at",
                  number_or_null(row->state.ended_at), "cpu_seconds",
                  ended ? json_real(result->cpu_seconds) : json_null()));
    json_object_update_new(
        object, json_pack("{s:o,s:o,s:o*}", "memory_peak",
                          ended ? json_integer((json_int_t)result->memory_peak) : json_null(),
                          "wall_seconds", ended ? json_real(result->wall_seconds) : json_null(),
                          "reason", json_string(reason)));
    return object;
}

static int list_advance_store(struct task_list *list)
{
    int r = store_task_query_next(list->query, &list->row, NULL);

    if (r > 0)
        list->row = NULL;
    return r < 0 ? r : 0;
}

static void list_enter_job(struct task_list *list, uint32_t job)
{
    struct pool_counts counts = {0};

    list->job = job;
    list->task = 0;
    list->task_count = 0;
    if (job != 0 && pool_count_job(list->server->pool, job, &counts))
        list->task_count = counts.tasks;
}

static uint32_t list_next_job(const struct task_list *list)
{
    if (list->only_job != 0)
        return 0;
    return pool_next_job(list->server->pool, list->job);
}

/* The brain's next task that has no row in the store; NULL at the end. Skips what others show. */
static json_t *list_next_unstarted(struct task_list *list, uint32_t before_job,
                                   uint32_t before_task)
{
    while (list->job != 0) {
        const struct job_record *job = records_find_job(&list->server->records, list->job);

        for (; job && list->task < list->task_count; list->task++) {
            struct pool_task_row row;

            if (list->job > before_job || (list->job == before_job && list->task >= before_task))
                return NULL;
            if ((list->only_task != NONE && list->task != list->only_task) ||
                (list->user && strcmp(list->user, job->row.user) != 0))
                continue;
            if (pool_view_task(list->server->pool, list->job, list->task, &row) &&
                row.attempts == 0) {
                list->task++;
                return unstarted_object(job, &row);
            }
        }
        if (list->job > before_job)
            return NULL;
        list_enter_job(list, list_next_job(list));
    }
    return NULL;
}

static json_t *removed_object(const struct removed_job *job, uint32_t task)
{
    json_t *object =
        task_base(job->job, task, job->user, task_state_name(TASK_REMOVED), job->submitted_at);

    json_object_update_new(object, json_pack("{s:n,s:i,s:n,s:n,s:s,s:n,s:o,s:n,s:n,s:n}", "node",
                                             "attempts", 0, "exit_code", "exit_signal", "reason",
                                             reason_text(REASON_BY_USER), "started_at", "ended_at",
                                             number_or_null(job->ended_at), "cpu_seconds",
                                             "memory_peak", "wall_seconds"));
    return object;
}

/* Whether task a.b stands before c.d in the list. */
static bool stands_before(const struct task_list *list, uint32_t job, uint32_t task,
                          uint32_t other_job, uint32_t other_task)
{
    if (job != other_job)
        return list->newest_first ? job > other_job : job < other_job;
    return list->newest_first ? task > other_task : task < other_task;
}

/* The next task without a row that went with its job, if it stands before the store's next row. */
static json_t *list_next_removed(struct task_list *list)
{
    while (list->removed_at < list->removed_count) {
        const struct removed_job *job = &list->removed[list->removed_at];
        const struct store_task *row = list->row;
        uint32_t task;

        if (list->removed_left == 0) {
            list->removed_at++;
            if (list->removed_at < list->removed_count)
                list->removed_left = list->removed[list->removed_at].tasks;
            continue;
        }
        task = list->newest_first ? list->removed_left - 1 : job->tasks - list->removed_left;
        if (row && stands_before(list, row->state.job, row->state.task, job->job, task))
            return NULL;
        list->removed_left--;
        if (row && row->state.job == job->job && row->state.task == task)
            return NULL;
        if (list->only_task == NONE || list->only_task == task)
            return removed_object(job, task);
    }
    return NULL;
}

/* The next task of the list in order, NULL at its end. */
static int list_next(struct task_list *list, json_t **ret)
{
    uint32_t job = list->row ? list->row->state.job : UINT32_MAX;
    uint32_t task = list->row ? list->row->state.task : UINT32_MAX;

    *ret = list->open ? list_next_unstarted(list, job, task) : list_next_removed(list);
    if (*ret)
        return 0;
    if (!list->row)
        return 0;
    /* The store's row stands for this task, so the walk through the brain passes it over. */
    if (list->job == job && list->task == task)
        list->task++;
    *ret = stored_object(list->row);
    return list_advance_store(list);
}

static int list_produce(void *userdata, struct buffer *chunk)
{
    struct task_list *list = userdata;

    if (!list->begun) {
        buffer_append_character(chunk, '[');
        if (list_advance_store(list) < 0)
            return -5;
    }
    while (chunk->length < CHUNK_SIZE) {
        json_t *object = NULL;
        char *text;

        if (list->left > 0 && list_next(list, &object) < 0)
            return -5;
        if (!object) {
            buffer_append_text(chunk, list->begun ? "\n]\n" : "]\n");
            return STREAM_END;
        }
        text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(16));
        buffer_append_text(chunk, list->begun ? ",\n" : "\n");
        buffer_append_text(chunk, text);
        free(text);
        json_decref(object);
        list->begun = true;
        list->left--;
    }
    list->begun = true;
    return STREAM_MORE;
}

static void list_release(void *userdata)
{
    struct task_list *list = userdata;

    store_task_query_free(list->query);
    for (size_t i = 0; i < list->removed_count; i++)
        free(list->removed[i].user);
    free(list->removed);
    free(list->user);
    free(list);
}

static int note_removed(const struct store_job *row, const struct store_part *parts,
                        size_t part_count, void *userdata)
{
    struct task_list *list = userdata;

    (void)parts;
    (void)part_count;
    if (!row->removed)
        return 0;
    array_reserve(list->removed, list->removed_capacity, list->removed_count + 1);
    list->removed[list->removed_count++] =
        (struct removed_job){.job = row->number,
                             .tasks = row->tasks,
                             .user = memory_copy_string(row->user),
                             .submitted_at = row->submitted_at,
                             .ended_at = row->ended_at};
    return 0;
}

/* The store has jobs newest first. */
static void find_removed(struct task_list *list)
{
    (void)store_walk_jobs(list->server->store,
                          &(struct store_job_filter){.user = list->user, .job = list->only_job},
                          note_removed, list, NULL);
    for (size_t i = 0; !list->newest_first && i < list->removed_count / 2; i++) {
        struct removed_job swapped = list->removed[i];

        list->removed[i] = list->removed[list->removed_count - 1 - i];
        list->removed[list->removed_count - 1 - i] = swapped;
    }
    if (list->removed_count > 0)
        list->removed_left = list->removed[0].tasks;
}

static bool parameter_u32(struct request *request, const char *name, uint32_t *ret)
{
    const char *text = request_parameter(request, name);
    uint64_t number;

    if (!text)
        return true;
    if (number_parse_u64(slice_from_text(text), &number) < 0 || number >= NONE) {
        api_reply_error(request, 400, NULL, "'%s' must be a number", name);
        return false;
    }
    *ret = (uint32_t)number;
    return true;
}

void api_tasks_list(struct server *server, struct request *request)
{
    const char *set = request_parameter(request, "set"), *user = request_parameter(request, "user");
    struct store_task_filter filter = {.task = STORE_NONE};
    uint32_t job = 0, task = NONE, limit = LIMIT_NONE;
    struct task_list *list;

    if (!parameter_u32(request, "job", &job) || !parameter_u32(request, "task", &task) ||
        !parameter_u32(request, "limit", &limit))
        return;
    list = memory_allocate(sizeof(*list));
    *list = (struct task_list){
        .server = server,
        .open = !set || strcmp(set, "over") != 0,
        .only_job = job,
        .only_task = task,
        .user = user ? memory_copy_string(user) : NULL,
        .left = limit == LIMIT_NONE ? UINT64_MAX : limit,
    };
    filter.user = user;
    filter.job = job;
    filter.task = task == NONE ? STORE_NONE : task;
    filter.only_open = list->open;
    filter.only_over = !list->open;
    filter.newest_first = !list->open && limit != LIMIT_NONE;
    list->query = store_task_query_new(server->store, &filter);
    list->newest_first = filter.newest_first;
    if (list->open)
        list_enter_job(list, job != 0 ? job : pool_next_job(server->pool, 0));
    else
        find_removed(list);
    request_reply_stream(
        request, 200, "application/json",
        &(struct stream){
            .produce = list_produce, .release = list_release, .userdata = list, .size = -1});
}

/* A live look. */

static void tail_on_piece(struct stream_in *stream, struct slice bytes)
{
    struct request *request = stream->userdata;
    struct api_call *call = api_call_of(request);

    buffer_append_slice(&call->tail_bytes, bytes);
    request_wake(request);
}

static void tail_on_end(struct stream_in *stream, enum reason failure, const char *detail)
{
    struct request *request = stream->userdata;
    struct api_call *call = api_call_of(request);

    (void)failure;
    (void)detail;
    call->tail = NULL;
    call->tail_ended = true;
    request_wake(request);
}

static int tail_produce(void *userdata, struct buffer *chunk)
{
    struct api_call *call = userdata;
    size_t length =
        call->tail_bytes.length < STREAM_CHUNK_MAX ? call->tail_bytes.length : STREAM_CHUNK_MAX;

    buffer_append(chunk, call->tail_bytes.data, length);
    buffer_consume(&call->tail_bytes, length);
    if (call->tail_bytes.length > 0)
        return STREAM_MORE;
    if (call->tail_ended)
        return STREAM_END;
    return length > 0 ? STREAM_MORE : STREAM_WAIT;
}

void api_task_tail(struct server *server, struct request *request, uint32_t job, uint32_t task)
{
    const char *stream = request_parameter(request, "stream");
    const char *follow = request_parameter(request, "follow");
    const char *offset = request_parameter(request, "offset");
    struct stream_in handlers = {
        .on_piece = tail_on_piece, .on_end = tail_on_end, .userdata = request};
    struct wire_want want = {.kind = WIRE_WANT_TAIL};
    struct api_call *call = api_call_of(request);
    struct pool_task_row row;
    struct agent_link *link;

    if (!api_may_change(server, request, job))
        return;
    if (!pool_view_task(server->pool, job, task, &row) || row.node == NONE) {
        api_reply_error(request, 409, "'dusk q --tasks' shows which are", "%u.%u is not running",
                        job, task);
        return;
    }
    link = server->records.nodes[row.node].link;
    if (!link) {
        api_reply_error(request, 409, "try again when it is back",
                        "the node '%s' is not connected now", server->records.nodes[row.node].name);
        return;
    }
    want.epoch = row.epoch;
    want.tail_of_stderr = stream && strcmp(stream, "stderr") == 0;
    want.follow = follow && strcmp(follow, "1") == 0;
    if (offset)
        (void)number_parse_u64(slice_from_text(offset), &want.offset);
    call->tail = streams_ask(link, &want, &handlers);
    request_reply_stream(request, 200, "application/octet-stream",
                         &(struct stream){.produce = tail_produce, .userdata = call, .size = -1});
}

/* Why. */

static void add_line(json_t *lines, const char *format, ...) _printf_(2, 3);

static void add_line(json_t *lines, const char *format, ...)
{
    _cleanup_buffer_ struct buffer line = BUFFER_INIT;
    va_list arguments;

    va_start(arguments, format);
    buffer_append_formatted(&line, format, arguments);
    va_end(arguments);
    json_array_append_new(lines, json_string(line.data));
}

static void add_count(json_t *lines, uint32_t count, const char *what)
{
    if (count > 0)
        add_line(lines, "  %u %s", count, what);
}

static unsigned long long megabytes(uint64_t bytes)
{
    return (unsigned long long)((bytes + (1 << 20) - 1) >> 20);
}

static void explain_idle(json_t *lines, const struct pool_explanation *why)
{
    uint32_t fitting = why->busy + why->available + why->owner_present;

    if (why->nodes == 0) {
        add_line(lines, "No node has joined the pool yet: on one, run 'dusk agent'.");
        return;
    }
    add_line(lines, "It needs %u CPU%s, %llu MB of memory and %llu MB of disk.", why->request.cpus,
             why->request.cpus == 1 ? "" : "s", megabytes(why->request.memory),
             megabytes(why->request.disk));
    if (fitting == 0 && why->nodes > why->offline)
        add_line(lines,
                 "No connected node is large enough: the largest have %u CPUs, %llu MB of memory, "
                 "%llu MB of disk.",
                 why->largest_cpus, megabytes(why->largest_memory), megabytes(why->largest_disk));
    add_line(lines, "Of %u node%s:", why->nodes, why->nodes == 1 ? "" : "s");
    add_count(lines, why->offline, "not connected");
    add_count(lines, why->owner_present, "in use by their owners");
    add_count(lines, why->too_few_cpus, "with too few CPUs");
    add_count(lines, why->too_little_memory, "with too little memory");
    add_count(lines, why->too_little_disk, "with too little disk");
    add_count(lines, why->busy, "busy with other tasks");
    add_count(lines, why->available, "with room for it");
    if (why->tasks_before > 0)
        add_line(lines, "%u task%s before it in line.", why->tasks_before,
                 why->tasks_before == 1 ? " is" : "s are");
}

static void explain_row(struct server *server, json_t *lines, const struct store_task *row)
{
    _cleanup_free_ char *reason = reason_of(row->state.reason, row->result.detail);

    (void)server;
    add_line(lines, "%u.%u is %s%s%s.", row->state.job, row->state.task, row->state.state,
             reason[0] ? ": " : "", reason);
    if (row->state.attempts > 0)
        add_line(lines, "Attempt %u %s on %s.", row->state.attempts,
                 row->state.over || strcmp(row->state.state, "Idle") == 0 ? "was" : "is",
                 row->node_name ? row->node_name : "a node");
    if (strcmp(row->state.state, "Held") == 0)
        add_line(lines, "When that is mended: dusk release %u.%u", row->state.job, row->state.task);
}

static void why_task(struct server *server, json_t *lines, uint32_t job, uint32_t task)
{
    struct store_task_query *query =
        store_task_query_new(server->store, &(struct store_task_filter){.job = job, .task = task});
    struct pool_explanation explanation;
    const struct store_task *row;
    struct pool_task_row now;

    if (store_task_query_next(query, &row, NULL) == 0)
        explain_row(server, lines, row);
    else if (pool_view_task(server->pool, job, task, &now))
        add_line(lines, "%u.%u is %s and has not started yet.", job, task,
                 task_state_name(now.state));
    else
        add_line(lines, "%u.%u was removed before it started.", job, task);
    store_task_query_free(query);
    if (!pool_view_task(server->pool, job, task, &now))
        return;
    if (now.state == TASK_IDLE && pool_explain_task(server->pool, job, task, &explanation))
        explain_idle(lines, &explanation);
    if (now.state == TASK_HELD && now.attempts == 0)
        add_line(lines, "It waits until somebody says: dusk release %u.%u", job, task);
}

static void why_job(struct server *server, json_t *lines, uint32_t job,
                    const struct pool_counts *counts)
{
    uint32_t first_idle = NONE;
    struct pool_explanation explanation;

    for (enum task_state state = 0; state < TASK_STATE_COUNT; state++)
        if (counts->by_state[state] > 0)
            add_line(lines, "%u of %u tasks: %s", counts->by_state[state], counts->tasks,
                     task_state_name(state));
    for (uint32_t task = 0; task < counts->tasks && first_idle == NONE; task++) {
        struct pool_task_row row;

        if (pool_view_task(server->pool, job, task, &row) && row.state == TASK_IDLE)
            first_idle = task;
    }
    if (first_idle == NONE || !pool_explain_task(server->pool, job, first_idle, &explanation))
        return;
    add_line(lines, "The first idle one is %u.%u.", job, first_idle);
    explain_idle(lines, &explanation);
}

void api_jobs_why(struct server *server, struct request *request, uint32_t job)
{
    uint32_t task = NONE;
    struct pool_counts counts;
    json_t *object, *lines;

    if (!parameter_u32(request, "task", &task))
        return;
    object = api_job_object(server, job);
    if (!object || (task != NONE && task >= json_integer_value(json_object_get(object, "tasks")))) {
        api_reply_error(request, 404, "'dusk q' and 'dusk history' show what there is",
                        "there is no such job or task");
        json_decref(object);
        return;
    }
    lines = json_array();
    if (server->room.still)
        add_line(lines, "The disk of the server is full: nothing starts and nothing is recorded "
                        "until there is room.");
    if (task != NONE)
        why_task(server, lines, job, task);
    else if (pool_count_job(server->pool, job, &counts))
        why_job(server, lines, job, &counts);
    else
        add_line(lines, "Job %u is over: %lld completed, %lld removed.", job,
                 (long long)json_integer_value(json_object_get(object, "completed")),
                 (long long)json_integer_value(json_object_get(object, "removed")));
    json_decref(object);
    api_reply_json(request, 200, json_pack("{s:o}", "lines", lines));
}
