/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The streamed list of tasks: GET /v1/tasks.
 *
 * It joins sources that are all in order: the store's rows; for what is open the brain, which alone
 * knows the tasks that never started and have no row; for what is over the removed jobs, whose
 * unstarted tasks have none either. It is made while it is sent, so that a million tasks cost no
 * memory and a slow reader slows only himself. Nobody else waits for it: a turn makes one chunk, or
 * looks at so many tasks that it passes over, and sends a blank then, which JSON allows.
 *
 * Rows are written as text. Objects would cost six times as much as all the rest.
 */
#include "server.h"

#include "base/json_write.h"
#include "base/memory.h"
#include "base/number.h"

#include <assert.h>
#include <string.h>

enum {
    CHUNK_SIZE = 32 * 1024,
    STEPS_MAX = 4096,      /* about a millisecond of looking */
    REMOVED_AT_A_TIME = 64 /* jobs that are remembered of those in the store */
};

/* A job that was removed with tasks that had not started. */
struct removed_job {
    uint32_t job, tasks;
    char *user;   /* owned */
    char *reason; /* owned */
    double submitted_at, ended_at;
};

struct task_list {
    struct server *server;
    bool open;                    /* what is not over; else what is */
    uint32_t only_job, only_task; /* 0 and NONE: all */
    char *user;                   /* owned; NULL: everybody's */
    const char *only_state;       /* NULL: any */
    bool newest_first;
    uint32_t fields; /* a bit for each that is wanted */
    uint64_t left;   /* of the limit */
    bool started;    /* the store was asked */
    bool begun;      /* a row was written */

    struct store_task_query *query;
    const struct store_task *row; /* the store's next one; NULL behind the last */

    /* Where the walk through the brain is; job 0: at its end. */
    uint32_t job, task, task_end;

    struct removed_job removed[REMOVED_AT_A_TIME];
    size_t removed_count, removed_at;
    uint32_t removed_last; /* the number of the last that was read */
    bool removed_end;      /* there are no more */
    uint32_t removed_left; /* tasks of the current one that were not passed yet */

    struct submit *submit; /* owned; of the job below */
    uint32_t submit_job;
    struct submit_task expanded;
    struct buffer reason;
};

/* What a row says; texts are only lent. */
struct row {
    uint32_t job, task, attempts;
    uint64_t checkpoints;
    const char *user, *state, *node, *reason;
    double submitted_at, started_at, ended_at; /* 0: not yet */
    const struct store_task_result *result;    /* NULL: none that counts */
};

enum step { STEP_ROW, STEP_NOTHING, STEP_END, STEP_FAILED };

/* One row. */

/* The members of a row; a request may name some of them. */
enum field {
    FIELD_ID,
    FIELD_JOB,
    FIELD_TASK,
    FIELD_USER,
    FIELD_STATE,
    FIELD_NODE,
    FIELD_ATTEMPTS,
    FIELD_CHECKPOINTS,
    FIELD_EXIT_CODE,
    FIELD_EXIT_SIGNAL,
    FIELD_REASON,
    FIELD_SUBMITTED_AT,
    FIELD_STARTED_AT,
    FIELD_ENDED_AT,
    FIELD_CPU_SECONDS,
    FIELD_MEMORY_PEAK,
    FIELD_WALL_SECONDS,
    FIELD_EXECUTABLE,
    FIELD_ARGUMENTS,
    FIELD_COUNT
};

enum { FIELDS_ALL = (1 << FIELD_COUNT) - 1 };

static const char *const field_names[FIELD_COUNT] = {
    [FIELD_ID] = "id",
    [FIELD_JOB] = "job",
    [FIELD_TASK] = "task",
    [FIELD_USER] = "user",
    [FIELD_STATE] = "state",
    [FIELD_NODE] = "node",
    [FIELD_ATTEMPTS] = "attempts",
    [FIELD_CHECKPOINTS] = "checkpoints",
    [FIELD_EXIT_CODE] = "exit_code",
    [FIELD_EXIT_SIGNAL] = "exit_signal",
    [FIELD_REASON] = "reason",
    [FIELD_SUBMITTED_AT] = "submitted_at",
    [FIELD_STARTED_AT] = "started_at",
    [FIELD_ENDED_AT] = "ended_at",
    [FIELD_CPU_SECONDS] = "cpu_seconds",
    [FIELD_MEMORY_PEAK] = "memory_peak",
    [FIELD_WALL_SECONDS] = "wall_seconds",
    [FIELD_EXECUTABLE] = "executable",
    [FIELD_ARGUMENTS] = "arguments",
};

static void write_time(struct buffer *out, double seconds)
{
    if (seconds > 0)
        json_write_seconds(out, seconds);
    else
        json_write_text(out, NULL);
}

static void write_count(struct buffer *out, bool is_there, uint64_t number)
{
    if (is_there)
        json_write_number(out, number);
    else
        json_write_text(out, NULL);
}

/* Of no time at all, as opposed to none yet: 0 is a value. */
static void write_span(struct buffer *out, const struct store_task_result *result, double seconds)
{
    if (result)
        json_write_seconds(out, seconds);
    else
        json_write_text(out, NULL);
}

/*
 * The job's description: the one that its starting tasks use if there is one, else one of the
 * list's own, so that a long list does not push out what they need.
 */
static const struct submit *find_submit(struct task_list *list, uint32_t number)
{
    const struct job_record *record = records_find_job(&list->server->records, number);
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    if (record && record->submit)
        return record->submit;
    if (list->submit_job == number)
        return list->submit;
    submit_free(list->submit);
    list->submit = NULL;
    list->submit_job = number;
    if (store_load_job_texts(list->server->store, number, &text, NULL, NULL) == 0)
        (void)submit_parse((struct slice){text.data, text.length}, "job",
                           &(struct submit_options){0}, &list->submit, NULL, NULL);
    return list->submit;
}

/* Its values as its submit file says them; NULL if that does not hold any more. */
static const struct submit_task *find_values(struct task_list *list, const struct row *row)
{
    const struct submit *submit = find_submit(list, row->job);

    if (!submit || row->task >= submit_task_count(submit) ||
        submit_expand(submit, row->job, row->task, &list->expanded, NULL) < 0)
        return NULL;
    return &list->expanded;
}

static void write_id(struct buffer *out, const struct row *row)
{
    buffer_append_character(out, '"');
    json_write_number(out, row->job);
    buffer_append_character(out, '.');
    json_write_number(out, row->task);
    buffer_append_character(out, '"');
}

static double time_of(const struct row *row, enum field field)
{
    return field == FIELD_SUBMITTED_AT ? row->submitted_at
           : field == FIELD_STARTED_AT ? row->started_at
                                       : row->ended_at;
}

static void write_field(struct buffer *out, enum field field, const struct row *row,
                        const struct submit_task *values)
{
    static const struct store_task_result none = {.exit_code = -1};
    const struct store_task_result *result = row->result ? row->result : &none;

    switch (field) {
    case FIELD_ID:
        write_id(out, row);
        return;
    case FIELD_JOB:
        json_write_number(out, row->job);
        return;
    case FIELD_TASK:
        json_write_number(out, row->task);
        return;
    case FIELD_USER:
        json_write_text(out, row->user);
        return;
    case FIELD_STATE:
        json_write_text(out, row->state);
        return;
    case FIELD_NODE:
        json_write_text(out, row->node);
        return;
    case FIELD_ATTEMPTS:
    case FIELD_CHECKPOINTS:
        json_write_number(out, field == FIELD_ATTEMPTS ? row->attempts : row->checkpoints);
        return;
    case FIELD_EXIT_CODE:
        write_count(out, result->exit_code >= 0, (uint64_t)result->exit_code);
        return;
    case FIELD_EXIT_SIGNAL:
        write_count(out, result->exit_signal > 0, (uint64_t)result->exit_signal);
        return;
    case FIELD_REASON:
        json_write_text(out, row->reason);
        return;
    case FIELD_SUBMITTED_AT:
    case FIELD_STARTED_AT:
    case FIELD_ENDED_AT:
        write_time(out, time_of(row, field));
        return;
    case FIELD_CPU_SECONDS:
        write_span(out, row->result, result->cpu_seconds);
        return;
    case FIELD_MEMORY_PEAK:
        write_count(out, row->result, result->memory_peak);
        return;
    case FIELD_WALL_SECONDS:
        write_span(out, row->result, result->wall_seconds);
        return;
    case FIELD_EXECUTABLE:
        json_write_text(out, values ? values->executable : NULL);
        return;
    case FIELD_ARGUMENTS:
        json_write_text(out, values ? values->arguments_text : NULL);
        return;
    case FIELD_COUNT:
        abort();
    }
}

static enum step write_row(struct task_list *list, struct buffer *out, const struct row *row)
{
    const uint32_t expanded = 1u << FIELD_EXECUTABLE | 1u << FIELD_ARGUMENTS;
    const struct submit_task *values = NULL;

    if (list->only_state && strcmp(row->state, list->only_state) != 0)
        return STEP_NOTHING;
    if ((list->fields & expanded) != 0)
        values = find_values(list, row);
    buffer_append_text(out, list->begun ? ",\n{" : "\n{");
    for (enum field field = 0; field < FIELD_COUNT; field++) {
        if ((list->fields & 1u << field) == 0)
            continue;
        json_write_name(out, field_names[field]);
        write_field(out, field, row, values);
    }
    buffer_append_character(out, '}');
    list->begun = true;
    list->left--;
    return STEP_ROW;
}

/* The store's rows. */

static int advance_store(struct task_list *list)
{
    int r = store_task_query_next(list->query, &list->row, NULL);

    if (r > 0)
        list->row = NULL;
    return r < 0 ? r : 0;
}

static uint64_t place(uint32_t job, uint32_t task)
{
    return (uint64_t)job << 32 | task;
}

static enum step write_stored(struct task_list *list, struct buffer *out,
                              const struct store_task *stored)
{
    buffer_clear(&list->reason);
    api_append_reason(&list->reason, stored->state.reason, stored->result.detail);
    return write_row(
        list, out,
        &(struct row){
            .job = stored->state.job,
            .task = stored->state.task,
            .attempts = stored->state.attempts,
            .checkpoints = stored->state.checkpoint,
            .user = stored->user,
            .state = stored->state.state,
            .node = stored->node_name,
            .reason = buffer_text(&list->reason),
            .submitted_at = stored->submitted_at,
            .started_at = stored->state.started_at,
            .ended_at = stored->state.ended_at,
            .result = stored->ended_once && stored->state.over ? &stored->result : NULL,
        });
}

static enum step write_next_stored(struct task_list *list, struct buffer *out)
{
    enum step step;

    if (!list->row)
        return STEP_END;
    step = write_stored(list, out, list->row);
    return advance_store(list) < 0 ? STEP_FAILED : step;
}

/* A task that was started when the rows around it were read already. */
static enum step write_missed(struct task_list *list, struct buffer *out, uint32_t job,
                              uint32_t task)
{
    struct store_task_query *query = store_task_query_new(
        list->server->store, &(struct store_task_filter){.job = job, .task = task});
    enum step step = STEP_NOTHING;
    const struct store_task *row;
    int r = store_task_query_next(query, &row, NULL);

    if (r == 0)
        step = write_stored(list, out, row);
    store_task_query_free(query);
    return r < 0 ? STEP_FAILED : step;
}

/* The brain's tasks, and the store's rows between them. */

static void enter_job(struct task_list *list, uint32_t job)
{
    const struct job_record *record = records_find_job(&list->server->records, job);
    struct pool_counts counts = {0};

    list->job = job;
    list->task = list->only_task == NONE ? 0 : list->only_task;
    list->task_end = 0;
    if (!record || (list->user && strcmp(list->user, record->row.user) != 0) ||
        !pool_count_job(list->server->pool, job, &counts))
        return;
    list->task_end = counts.tasks;
    if (list->only_task != NONE && list->only_task < counts.tasks)
        list->task_end = list->only_task + 1;
}

static void leave_job(struct task_list *list)
{
    enter_job(list, list->only_job != 0 ? 0 : pool_next_job(list->server->pool, list->job));
}

static enum step look_at_brain(struct task_list *list, struct buffer *out)
{
    const struct job_record *job = records_find_job(&list->server->records, list->job);
    struct pool_task_row row;

    if (!job || list->task >= list->task_end) {
        leave_job(list);
        return STEP_NOTHING;
    }
    if (!pool_view_task(list->server->pool, list->job, list->task++, &row))
        return STEP_NOTHING;
    if (row.attempts > 0)
        return write_missed(list, out, row.job, row.task);
    return write_row(list, out,
                     &(struct row){.job = row.job,
                                   .task = row.task,
                                   .user = job->row.user,
                                   .state = task_state_name(row.state),
                                   .reason = api_unstarted_reason(job, &row),
                                   .submitted_at = job->row.submitted_at});
}

static enum step step_open(struct task_list *list, struct buffer *out)
{
    uint64_t in_brain = list->job == 0 ? UINT64_MAX : place(list->job, list->task);
    uint64_t in_store = list->row ? place(list->row->state.job, list->row->state.task) : UINT64_MAX;

    if (in_brain < in_store)
        return look_at_brain(list, out);
    /* The store's row stands for this task, so the walk through the brain passes it over. */
    if (in_brain == in_store && in_brain != UINT64_MAX)
        list->task++;
    return write_next_stored(list, out);
}

/* Removed jobs, and the store's rows between them. */

static int note_removed(const struct store_job *row, const struct store_part *parts,
                        size_t part_count, void *userdata)
{
    struct task_list *list = userdata;

    (void)parts;
    (void)part_count;
    list->removed_last = row->number;
    list->removed[list->removed_count++] = (struct removed_job){
        .job = row->number,
        .tasks = row->tasks,
        .user = memory_copy_string(row->user),
        .reason = memory_copy_string(row->reason ? row->reason : reason_text(REASON_BY_USER)),
        .submitted_at = row->submitted_at,
        .ended_at = row->ended_at};
    return 0;
}

static void forget_removed(struct task_list *list)
{
    for (size_t i = 0; i < list->removed_count; i++) {
        free(list->removed[i].user);
        free(list->removed[i].reason);
    }
    list->removed_count = 0;
    list->removed_at = 0;
}

/* Makes the next removed job the current one; false if there is none. */
static bool next_removed(struct task_list *list)
{
    if (list->removed_count > 0 && ++list->removed_at < list->removed_count)
        return true;
    if (list->removed_end)
        return false;
    forget_removed(list);
    (void)store_walk_removed_jobs(list->server->store,
                                  &(struct store_job_filter){.user = list->user,
                                                             .job = list->only_job,
                                                             .limit = REMOVED_AT_A_TIME},
                                  list->newest_first, list->removed_last, note_removed, list, NULL);
    list->removed_end = list->removed_count < REMOVED_AT_A_TIME;
    return list->removed_count > 0;
}

static const struct removed_job *current_removed(struct task_list *list)
{
    while (list->removed_left == 0) {
        if (!next_removed(list))
            return NULL;
        list->removed_left = list->removed[list->removed_at].tasks;
    }
    return &list->removed[list->removed_at];
}

/* Whether place a stands before b in the list. */
static bool stands_before(const struct task_list *list, uint64_t a, uint64_t b)
{
    return list->newest_first ? a > b : a < b;
}

static enum step step_over(struct task_list *list, struct buffer *out)
{
    const struct removed_job *job = current_removed(list);
    const struct store_task *row = list->row;
    uint64_t here, in_store;
    uint32_t task;

    if (!job)
        return write_next_stored(list, out);
    task = list->newest_first ? list->removed_left - 1 : job->tasks - list->removed_left;
    here = place(job->job, task);
    in_store = row ? place(row->state.job, row->state.task) : here;
    if (row && in_store != here && stands_before(list, in_store, here))
        return write_next_stored(list, out);
    list->removed_left--;
    if (row && in_store == here)
        return write_next_stored(list, out);
    if (list->only_task != NONE && list->only_task != task)
        return STEP_NOTHING;
    return write_row(list, out,
                     &(struct row){.job = job->job,
                                   .task = task,
                                   .user = job->user,
                                   .state = task_state_name(TASK_REMOVED),
                                   .reason = job->reason,
                                   .submitted_at = job->submitted_at,
                                   .ended_at = job->ended_at});
}

/* The stream. */

static enum step list_step(struct task_list *list, struct buffer *out)
{
    if (list->left == 0)
        return STEP_END;
    return list->open ? step_open(list, out) : step_over(list, out);
}

static int list_produce(void *userdata, struct buffer *chunk)
{
    struct task_list *list = userdata;

    if (!list->started) {
        list->started = true;
        buffer_append_character(chunk, '[');
        if (advance_store(list) < 0)
            return -5;
    }
    for (int steps = 0; steps < STEPS_MAX && chunk->length < CHUNK_SIZE; steps++) {
        enum step step = list_step(list, chunk);

        if (step == STEP_FAILED)
            return -5;
        if (step != STEP_END)
            continue;
        buffer_append_text(chunk, list->begun ? "\n]\n" : "]\n");
        return STREAM_END;
    }
    if (chunk->length == 0)
        buffer_append_character(chunk, ' ');
    return STREAM_MORE;
}

static void list_release(void *userdata)
{
    struct task_list *list = userdata;

    store_task_query_free(list->query);
    forget_removed(list);
    submit_task_deinit(&list->expanded);
    submit_free(list->submit);
    buffer_deinit(&list->reason);
    free(list->user);
    free(list);
}

static struct task_list *list_new(struct server *server, const struct store_task_filter *filter)
{
    struct task_list *list = memory_allocate(sizeof(*list));

    list->server = server;
    list->open = filter->only_open;
    list->only_job = filter->job;
    list->only_task = filter->task == STORE_NONE ? NONE : filter->task;
    list->user = filter->user ? memory_copy_string(filter->user) : NULL;
    list->newest_first = filter->newest_first;
    list->removed_last = filter->newest_first ? STORE_NONE : 0;
    list->query = store_task_query_new(server->store, filter);
    submit_task_init(&list->expanded);
    if (list->open)
        enter_job(list, filter->job != 0 ? filter->job : pool_next_job(server->pool, 0));
    return list;
}

/* False, after a refusal, if there is no such state. */
static bool read_state(struct request *request, const char **ret_state)
{
    const char *text = request_parameter(request, "state");
    enum task_state state;

    if (!text)
        return true;
    if (!task_state_from_name(text, &state)) {
        api_reply_error(request, 400, NULL, "there is no state '%.80s' of tasks", text);
        return false;
    }
    *ret_state = task_state_name(state);
    return true;
}

/* "id,state": false, after a refusal, if one of them is no field. */
static bool read_fields(struct request *request, uint32_t *ret_fields)
{
    const char *text = request_parameter(request, "fields");
    uint32_t fields = text ? 0 : FIELDS_ALL;

    for (size_t length; text && *text; text += length + (text[length] == ',')) {
        enum field field = 0;

        length = strcspn(text, ",");
        while (field < FIELD_COUNT &&
               !slice_equals((struct slice){text, length}, field_names[field]))
            field++;
        if (field == FIELD_COUNT) {
            api_reply_error(request, 400, NULL, "a task has no field '%.*s'", (int)length, text);
            return false;
        }
        fields |= 1u << field;
    }
    *ret_fields = fields;
    return true;
}

void api_tasks_list(struct server *server, struct request *request)
{
    const char *set = request_parameter(request, "set");
    struct store_task_filter filter = {.user = request_parameter(request, "user"),
                                       .task = STORE_NONE};
    uint32_t limit = 0, fields;
    const char *state = NULL;
    struct task_list *list;

    if (!api_parameter(request, "job", &filter.job) ||
        !api_parameter(request, "task", &filter.task) || !api_parameter(request, "limit", &limit) ||
        !read_fields(request, &fields) || !read_state(request, &state))
        return;
    filter.only_over = set && strcmp(set, "over") == 0;
    filter.only_open = !filter.only_over;
    filter.newest_first = filter.only_over && limit > 0;
    list = list_new(server, &filter);
    list->fields = fields;
    list->only_state = state;
    list->left = limit > 0 ? limit : UINT64_MAX;
    request_reply_stream(
        request, 200, "application/json",
        &(struct stream){
            .produce = list_produce, .release = list_release, .userdata = list, .size = -1});
}
