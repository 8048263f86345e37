/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs: submitting, listing, waiting, changing, explaining, and the outputs that wait in the spool.
 */
#include "server.h"

#include "base/memory.h"
#include "base/number.h"
#include "sys/clock.h"
#include "sys/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* A busy job changes a thousand times a second; whoever watches it is told so often at most. */
enum { NEWS_INTERVAL_MS = 100 };

/* Of what a user says to a choice: it is kept with each of a million tasks. */
enum { REASON_LENGTH_MAX = 1000 };

/* Submitting. */

/* Everything of a submit until its transaction. */
struct submission {
    struct server *server;
    struct store_job row;
    struct store_part *parts;
    struct pool_part *pool_parts;
    size_t part_count, part_capacity, pool_part_capacity;
    struct submit *submit;
    json_t *files;
    char *text;
    json_t *warnings;
};

static void submission_free(void *userdata)
{
    struct submission *submission = userdata;

    submit_free(submission->submit);
    json_decref(submission->files);
    json_decref(submission->warnings);
    free((char *)submission->row.user);
    free((char *)submission->row.name);
    free((char *)submission->row.folder);
    free((char *)submission->row.reason);
    free(submission->parts);
    free(submission->pool_parts);
    free(submission->text);
    free(submission);
}

static void on_submitted(struct server *server, struct caller *caller, enum pool_reply reply,
                         uint32_t count)
{
    const struct job_record *job = records_find_job(&server->records, caller->job);

    (void)reply;
    if (caller->request)
        api_reply_json(caller->request, 200,
                       json_pack("{s:i,s:i,s:I,s:[]}", "job", (int)caller->job, "tasks", (int)count,
                                 "version", (json_int_t)(job ? job->version : 0), "warnings"));
}

/* Each content is counted once a job, however many names it has. */
static void write_contents(struct submission *submission)
{
    const char *path;
    json_t *file;

    json_object_foreach(submission->files, path, file)
    {
        const char *sha256 = json_string_value(json_object_get(file, "sha256"));

        if (sha256)
            store_add_content(submission->server->store, sha256, submission->row.number,
                              (uint64_t)json_integer_value(json_object_get(file, "size")));
    }
}

static void write_submission(struct server *server, void *userdata)
{
    struct submission *submission = userdata;
    _cleanup_free_ char *files = json_dumps(submission->files, JSON_COMPACT);
    struct job_record *job;

    store_add_job(server->store, &submission->row, submission->parts, submission->part_count,
                  slice_from_text(submission->text), slice_from_text(files));
    store_save_number(server->store, "next_job", server->next_job);
    write_contents(submission);
    images_write_job(server, submission->files, submission->row.number);
    job = records_add_job(&server->records, &submission->row, submission->parts,
                          submission->part_count);
    /* Its tasks start at once: the description need not be parsed again. */
    records_keep_submit(&server->records, job, take_pointer(submission->submit),
                        json_incref(submission->files), strlen(submission->text) + strlen(files));
}

/* What tells a task apart from others in the brain, as a part without numbers of tasks. */
static int expand_wish(struct submission *submission, uint64_t process, struct pool_part *ret,
                       struct error *err)
{
    struct server *server = submission->server;
    int r = submit_expand(submission->submit, server->next_job, process, &server->task, err);
    const char *image = r == 0 ? images_of_task(&server->task) : NULL;

    if (image)
        r = images_resolve(server, submission->files, image, NULL, err);
    if (r == 0)
        r = matching_classify_task(server, submission->submit, submission->row.user,
                                   submission->row.folder, &ret->job_class, err);
    if (r < 0)
        return r;
    if (server->task.request_cpus > UINT16_MAX || server->task.request_gpus > UINT16_MAX)
        return error_set(err, -ERANGE, "a task asks for %llu cpus and %llu gpus",
                         (unsigned long long)server->task.request_cpus,
                         (unsigned long long)server->task.request_gpus);
    ret->request = (struct resources){.cpus = (uint32_t)server->task.request_cpus,
                                      .memory = server->task.request_memory_bytes,
                                      .disk = server->task.request_disk_bytes,
                                      .gpus = (uint32_t)server->task.request_gpus};
    ret->needed_ms = server->task.expected_duration_ms;
    return 0;
}

static int add_part(struct submission *submission, uint64_t first, uint64_t count,
                    const struct pool_part *wish, struct error *err)
{
    const struct resources *request = &wish->request;
    size_t needed = submission->part_count + 1;

    if (needed > POOL_PARTS_PER_JOB_MAX) {
        error_set(err, -E2BIG, "what the tasks request and require changes more than %d times",
                  POOL_PARTS_PER_JOB_MAX - 1);
        error_hint(err, "round the requests, or let tasks with equal ones follow one another");
        return -E2BIG;
    }
    array_reserve(submission->parts, submission->part_capacity, needed);
    array_reserve(submission->pool_parts, submission->pool_part_capacity, needed);
    submission->parts[needed - 1] = (struct store_part){.first = (uint32_t)first,
                                                        .count = (uint32_t)count,
                                                        .next = (uint32_t)first,
                                                        .cpus = request->cpus,
                                                        .memory = request->memory,
                                                        .disk = request->disk,
                                                        .gpus = request->gpus};
    submission->pool_parts[needed - 1] = (struct pool_part){.first = (uint32_t)first,
                                                            .count = (uint32_t)count,
                                                            .next = (uint32_t)first,
                                                            .request = *request,
                                                            .job_class = wish->job_class,
                                                            .needed_ms = wish->needed_ms};
    submission->part_count = needed;
    return 0;
}

/* Behind expand_wish() of its first task. */
static bool range_varies(const struct submission *submission, size_t part,
                         const struct pool_part *first)
{
    static const char *const requests[] = {"request_cpus", "request_memory", "request_disk",
                                           "request_gpus", "+RequestCpus",   "+RequestMemory",
                                           "+RequestDisk", "+RequestGPUs",   "expected_duration"};

    for (size_t i = 0; i < ARRAY_LENGTH(requests); i++)
        if (submit_varies(submission->submit, part, requests[i]))
            return true;
    return matching_varies(submission->server, first->job_class);
}

/* Tasks whose requests differ are told apart here, so that the brain sees ranges of equal ones. */
static int divide_range(struct submission *submission, size_t index, struct error *err)
{
    struct submit_range range = submit_part_range(submission->submit, index);
    uint64_t first = range.first, end = range.first + range.count;
    struct pool_part wish, other;
    bool varies;
    int r = expand_wish(submission, first, &wish, err);

    if (r < 0)
        return r;
    varies = range_varies(submission, index, &wish);
    for (uint64_t i = first + 1; varies && i < end; i++) {
        r = expand_wish(submission, i, &other, err);
        if (r < 0)
            return r;
        if (pool_parts_are_alike(&other, &wish))
            continue;
        r = add_part(submission, first, i - first, &wish, err);
        if (r < 0)
            return r;
        first = i;
        wish = other;
    }
    return add_part(submission, first, end - first, &wish, err);
}

/* Answers with what is missing; true if nothing is. */
static bool contents_are_here(struct server *server, struct request *request, const json_t *files)
{
    json_t *missing = json_array();
    const char *path;
    json_t *file;
    bool here;

    json_object_foreach((json_t *)files, path, file)
    {
        const char *sha256 = json_string_value(json_object_get(file, "sha256"));

        if (sha256 && (!hash_text_is_valid(sha256) || !content_is_here(server, sha256)))
            json_array_append_new(missing, json_string(sha256));
    }
    here = json_array_size(missing) == 0;
    if (!here)
        api_reply_json(request, 409,
                       json_pack("{s:s,s:O}", "error", "some input files are not here yet",
                                 "missing", missing));
    json_decref(missing);
    return here;
}

/* Those that the submitter has found, in the words of his description: a path, he has added. */
static int resolve_images(struct submission *submission, json_t *images, struct error *err)
{
    const char *text;
    json_t *image;

    json_object_foreach(images, text, image)
    {
        const char *sha256 = json_string_value(image);
        int r;

        if (sha256 && !hash_text_is_valid(sha256))
            return error_set(err, -EINVAL, "the image '%.80s' has no valid hash", text);
        r = images_resolve(submission->server, submission->files, text, sha256, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int fill_row(struct submission *submission, const struct api_user *user, const json_t *body,
                    struct error *err)
{
    const char *folder = json_string_value(json_object_get(body, "folder"));
    const char *name = json_string_value(json_object_get(body, "name"));
    struct store_job *row = &submission->row;
    int r = 0;

    if (!folder || folder[0] != '/')
        return error_set(err, -EINVAL, "the job has no absolute 'folder'");
    row->user = memory_copy_string(user->name);
    row->folder = memory_copy_string(folder);
    for (size_t i = 0; r == 0 && i < submit_part_count(submission->submit); i++)
        r = divide_range(submission, i, err);
    matching_classify_nodes(submission->server);
    if (r == 0)
        r = submit_expand(submission->submit, submission->server->next_job, 0,
                          &submission->server->task, err);
    if (r < 0)
        return r;
    if (!name)
        name = submission->server->task.batch_name;
    *row = (struct store_job){
        .number = submission->server->next_job,
        .tasks = (uint32_t)submit_task_count(submission->submit),
        .user = row->user,
        .name = name ? memory_copy_string(name) : NULL,
        .folder = row->folder,
        .deliver = user->uid != STORE_NONE && json_is_true(json_object_get(body, "deliver")),
        .uid = user->uid,
        .gid = user->gid,
        .submitted_at = clock_wall_seconds(),
        .priority = (int32_t)submission->server->task.priority,
        .held = submission->server->task.hold,
        .reason = submission->server->task.hold
                      ? memory_copy_string(reason_text(REASON_HELD_AT_SUBMIT))
                      : NULL,
    };
    return 0;
}

static void queue_submission(struct server *server, struct request *request,
                             struct submission *submission)
{
    struct rider rider = {
        .write = write_submission, .release = submission_free, .userdata = submission};
    struct pool_event event = {.kind = POOL_SUBMIT};

    event.caller = batch_add_caller(server, &(struct caller){.on_reply = on_submitted,
                                                             .request = request,
                                                             .job = submission->row.number});
    event.submit.job = submission->row.number;
    event.submit.priority = submission->row.priority;
    event.submit.held = submission->row.held;
    event.submit.parts = submission->pool_parts;
    event.submit.part_count = submission->part_count;
    server->next_job++;
    batch_push_with(server, &event, NULL, &rider);
}

void api_jobs_submit(struct server *server, struct request *request, const json_t *body)
{
    const char *text = json_string_value(json_object_get(body, "submit"));
    json_t *files = json_object_get(body, "files");
    _cleanup_error_ struct error err = ERROR_INIT;
    struct submission *submission;
    int r;

    if (!text) {
        api_reply_error(request, 400, NULL, "the job has no 'submit' description");
        return;
    }
    if (server->room.scarce) {
        room_refuse(request);
        return;
    }
    if (!contents_are_here(server, request, files))
        return;
    submission = memory_allocate(sizeof(*submission));
    submission->server = server;
    submission->text = memory_copy_string(text);
    submission->files = json_is_object(files) ? json_incref(files) : json_object();
    images_forget(submission->files);
    r = submit_parse(slice_from_text(text), "job", &(struct submit_options){0}, &submission->submit,
                     NULL, &err);
    if (r == 0)
        r = resolve_images(submission, json_object_get(body, "images"), &err);
    if (r == 0)
        r = fill_row(submission, &api_call_of(request)->user, body, &err);
    if (r < 0) {
        api_reply_error(request, 400, err.hint, "%s", error_text(&err));
        submission_free(submission);
        matching_tidy(server);
        return;
    }
    queue_submission(server, request, submission);
}

/* Showing. */

static json_t *number_or_null(double number)
{
    return number > 0 ? json_real(number) : json_null();
}

static json_t *job_object(const struct store_job *row, const struct pool_counts *counts)
{
    const uint32_t *n = counts->by_state;

    return json_pack("{s:I,s:s?,s:s,s:f,s:o,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:s}", "job",
                     (json_int_t)row->number, "name", row->name, "user", row->user, "submitted_at",
                     row->submitted_at, "ended_at", number_or_null(row->ended_at), "tasks",
                     (json_int_t)row->tasks, "idle", (json_int_t)n[TASK_IDLE], "running",
                     (json_int_t)n[TASK_RUNNING], "suspended", (json_int_t)n[TASK_SUSPENDED],
                     "held", (json_int_t)n[TASK_HELD], "completed", (json_int_t)n[TASK_COMPLETED],
                     "removed", (json_int_t)n[TASK_REMOVED], "reason",
                     row->reason && (row->held || row->removed) ? row->reason : "");
}

static json_t *open_job_object(struct server *server, const struct job_record *job)
{
    struct pool_counts counts = {.tasks = job->row.tasks};

    if (!pool_count_job(server->pool, job->row.number, &counts)) {
        counts.by_state[TASK_COMPLETED] = job->row.completed;
        counts.by_state[TASK_REMOVED] = job->row.removed_tasks;
    }
    return job_object(&job->row, &counts);
}

static int show_stored(const struct store_job *row, const struct store_part *parts,
                       size_t part_count, void *userdata)
{
    struct pool_counts counts = {.tasks = row->tasks};
    json_t **ret = userdata;

    (void)parts;
    (void)part_count;
    counts.by_state[TASK_COMPLETED] = row->completed;
    counts.by_state[TASK_REMOVED] = row->removed_tasks;
    *ret = job_object(row, &counts);
    return 0;
}

json_t *api_job_object(struct server *server, uint32_t number)
{
    struct job_record *job = records_find_job(&server->records, number);
    json_t *object = NULL;

    if (job)
        return open_job_object(server, job);
    if (number == 0)
        return NULL;
    store_walk_jobs(server->store, &(struct store_job_filter){.job = number}, show_stored, &object,
                    NULL);
    return object;
}

void api_jobs_list(struct server *server, struct request *request)
{
    const char *one = request_parameter(request, "job");
    json_t *list = json_array();
    uint64_t number;

    if (one) {
        if (number_parse_u64(slice_from_text(one), &number) == 0 && number < NONE) {
            json_t *object = api_job_object(server, (uint32_t)number);

            if (object)
                json_array_append_new(list, object);
        }
        api_reply_json(request, 200, list);
        return;
    }
    for (uint32_t job = pool_next_job(server->pool, 0); job != 0;
         job = pool_next_job(server->pool, job)) {
        const struct job_record *record = records_find_job(&server->records, job);

        /* One whose tasks are over may stay in the brain until its nodes have let go. */
        if (record && !record->row.over)
            json_array_append_new(list, open_job_object(server, record));
    }
    api_reply_json(request, 200, list);
}

/* Waiting. */

static json_t *wait_object(struct server *server, const struct job_record *job)
{
    json_t *object = open_job_object(server, job);

    json_object_set_new(object, "over", json_boolean(job->row.over));
    json_object_set_new(object, "version", json_integer((json_int_t)job->version));
    return object;
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

/* Takes the waiter from its job; its request, if still there, was answered. */
void api_drop_waiter(struct waiter *waiter)
{
    struct job_record *job = records_find_job(&waiter->server->records, waiter->job);
    struct waiter **place = job ? &job->waiters : NULL;

    while (place && *place && *place != waiter)
        place = &(*place)->next;
    if (place && *place)
        *place = waiter->next;
    if (waiter->request)
        api_call_of(waiter->request)->waiter = NULL;
    uv_close((uv_handle_t *)&waiter->timer, on_timer_closed);
}

static void answer_waiter(struct waiter *waiter, const struct job_record *job)
{
    struct request *request = waiter->request;
    json_t *object = wait_object(waiter->server, job);

    api_drop_waiter(waiter);
    api_reply_json(request, 200, object);
}

/* A task is over, or the whole job. */
static bool is_over(struct server *server, const struct job_record *job, uint32_t task)
{
    struct pool_task_row row;

    if (task == NONE || job->row.over)
        return job->row.over;
    return !pool_view_task(server->pool, job->row.number, task, &row);
}

static void on_timeout(uv_timer_t *timer);

/* Looks whether there is something to say now, and if not, when to look again. */
static void look_at_waiter(struct waiter *waiter, const struct job_record *job)
{
    bool changed = waiter->version != 0 && waiter->version != job->version;
    uint64_t now = clock_boot_ms(), next;

    if (is_over(waiter->server, job, waiter->task) || now >= waiter->deadline_ms ||
        (changed && now >= waiter->earliest_ms)) {
        answer_waiter(waiter, job);
        return;
    }
    next = changed && waiter->earliest_ms < waiter->deadline_ms ? waiter->earliest_ms
                                                                : waiter->deadline_ms;
    if (next != UINT64_MAX)
        uv_timer_start(&waiter->timer, on_timeout, next - now, 0);
}

static void on_timeout(uv_timer_t *timer)
{
    struct waiter *waiter = timer->data;

    look_at_waiter(waiter, records_find_job(&waiter->server->records, waiter->job));
}

void api_wake_waiters(struct server *server, struct job_record *job)
{
    struct waiter *next;

    (void)server;
    for (struct waiter *waiter = job->waiters; waiter; waiter = next) {
        next = waiter->next;
        look_at_waiter(waiter, job);
    }
}

void api_dismiss_waiters(struct server *server)
{
    for (size_t i = 0; i < server->records.job_count; i++) {
        struct job_record *job = server->records.jobs[i];

        while (job->waiters) {
            struct request *request = job->waiters->request;

            api_drop_waiter(job->waiters);
            api_reply_error(request, 503, "ask again when it is back", "the server is ending");
        }
    }
}

static uint64_t parameter_number(const struct request *request, const char *name,
                                 uint64_t otherwise)
{
    const char *text = request_parameter(request, name);
    uint64_t number = otherwise;

    if (text)
        (void)number_parse_u64(slice_from_text(text), &number);
    return number;
}

void api_jobs_wait(struct server *server, struct request *request, uint32_t number)
{
    struct job_record *job = records_find_job(&server->records, number);
    uint32_t task = (uint32_t)parameter_number(request, "task", NONE);
    uint64_t seen = parameter_number(request, "seen", 0);
    uint64_t timeout_ms = parameter_number(request, "timeout_ms", UINT64_MAX);
    struct waiter *waiter;
    json_t *object;

    if (!job) {
        object = api_job_object(server, number);
        if (!object) {
            api_reply_error(request, 404, "'dusk q' and 'dusk history' show the jobs",
                            "there is no job %u", number);
            return;
        }
        json_object_set_new(object, "over", json_true());
        json_object_set_new(object, "version", json_integer(0));
        api_reply_json(request, 200, object);
        return;
    }
    if (task != NONE && task >= job->row.tasks) {
        api_reply_error(request, 404, NULL, "job %u has no task %u", number, task);
        return;
    }
    if (is_over(server, job, task) || timeout_ms == 0 || (seen != 0 && seen != job->version)) {
        api_reply_json(request, 200, wait_object(server, job));
        return;
    }
    if (server->stopping) {
        api_reply_error(request, 503, "ask again when it is back", "the server is ending");
        return;
    }
    waiter = memory_allocate(sizeof(*waiter));
    *waiter = (struct waiter){
        .request = request,
        .server = server,
        .job = number,
        .task = task,
        .version = seen,
        .earliest_ms = clock_boot_ms() + NEWS_INTERVAL_MS,
        .deadline_ms = timeout_ms < INT64_MAX / 2 ? clock_boot_ms() + timeout_ms : UINT64_MAX,
        .next = job->waiters};
    job->waiters = waiter;
    api_call_of(request)->waiter = waiter;
    uv_timer_init(&server->loop, &waiter->timer);
    waiter->timer.data = waiter;
    look_at_waiter(waiter, job);
}

/* Changing. */

static void on_chosen(struct server *server, struct caller *caller, enum pool_reply reply,
                      uint32_t count)
{
    (void)server;
    if (!caller->request)
        return;
    switch (reply) {
    case POOL_REPLY_DONE:
        api_reply_json(caller->request, 200, json_pack("{s:i}", "changed", (int)count));
        break;
    case POOL_REPLY_NO_SUCH_JOB:
        api_reply_error(caller->request, 409, "'dusk history' shows it", "job %u is over",
                        caller->job);
        break;
    case POOL_REPLY_NO_SUCH_TASK:
        api_reply_error(caller->request, 404, NULL, "job %u has no such task", caller->job);
        break;
    case POOL_REPLY_WRONG_STATE:
        api_reply_error(caller->request, 409, "'dusk q --tasks' shows the states",
                        "nothing of job %u is in a state for that", caller->job);
        break;
    case POOL_REPLY_NODE_ACCEPTED:
    case POOL_REPLY_NODE_IS_CLONE:
    case POOL_REPLY_NODE_IS_CONNECTED:
    case POOL_REPLY_NODE_IS_FORGOTTEN:
    case POOL_REPLY_NO_WAKER:
        abort();
    }
}

void api_jobs_choose(struct server *server, struct request *request, uint32_t job, const char *verb,
                     const json_t *body)
{
    const char *reason = json_string_value(json_object_get(body, "reason"));
    const json_t *task = json_object_get(body, "task");
    struct pool_event event = {.choice = {.job = job, .task = NONE}};

    if (strcmp(verb, "remove") == 0)
        event.kind = POOL_REMOVE;
    else if (strcmp(verb, "hold") == 0)
        event.kind = POOL_HOLD;
    else if (strcmp(verb, "release") == 0)
        event.kind = POOL_RELEASE;
    else {
        api_reply_error(request, 404, NULL, "jobs can be removed, held and released");
        return;
    }
    if (reason && strlen(reason) > REASON_LENGTH_MAX) {
        api_reply_error(request, 400, "keep what is long in a file, and name the file",
                        "a reason has %d bytes at most", REASON_LENGTH_MAX);
        return;
    }
    if (json_is_integer(task)) {
        if (json_integer_value(task) < 0 || json_integer_value(task) >= NONE) {
            api_reply_error(request, 404, NULL, "job %u has no such task", job);
            return;
        }
        event.choice.task = (uint32_t)json_integer_value(task);
    }
    event.caller = batch_add_caller(
        server, &(struct caller){.on_reply = on_chosen, .request = request, .job = job});
    batch_push_choice(server, &event, reason);
}

/* The spool. */

static int list_output(const struct store_output *output, void *userdata)
{
    _cleanup_buffer_ struct buffer id = BUFFER_INIT;

    buffer_appendf(&id, "%u.%u", output->job, output->task);
    json_array_append_new(userdata,
                          json_pack("{s:s,s:I,s:s,s:I,s:I,s:s,s:s}", "task", id.data, "index",
                                    (json_int_t)output->index, "name", output->name, "size",
                                    (json_int_t)output->size, "mode", (json_int_t)output->mode,
                                    "path", output->path, "kind", output->kind));
    return 0;
}

void api_jobs_outputs(struct server *server, struct request *request, uint32_t job)
{
    uint32_t task = (uint32_t)parameter_number(request, "task", STORE_NONE);
    _cleanup_error_ struct error err = ERROR_INIT;
    json_t *list;

    if (!api_may_change(server, request, job))
        return;
    list = json_array();
    if (store_walk_outputs(server->store, job, task, list_output, list, &err) < 0)
        api_reply_error(request, 500, NULL, "cannot read the spool: %s", error_text(&err));
    else
        api_reply_json(request, 200, json_incref(list));
    json_decref(list);
}

void api_task_output(struct server *server, struct request *request, uint32_t job, uint32_t task,
                     uint32_t index)
{
    _cleanup_free_ char *folder = collect_spool_folder(server, job, task);
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    struct stat status;
    int fd;

    if (!api_may_change(server, request, job))
        return;
    buffer_appendf(&path, "%s/%u", folder, index);
    fd = open(path.data, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &status) < 0) {
        api_reply_error(request, 404, NULL, "task %u.%u has no output %u in the spool", job, task,
                        index);
        return;
    }
    request_reply_file(request, 200, "application/octet-stream", fd, (uint64_t)status.st_size);
}

static bool tasks_are_numbers(const json_t *tasks)
{
    for (size_t i = 0; i < json_array_size(tasks); i++) {
        json_int_t number = json_integer_value(json_array_get(tasks, i));

        if (!json_is_integer(json_array_get(tasks, i)) || number < 0 || number >= STORE_NONE)
            return false;
    }
    return json_is_array(tasks);
}

/*
 * Only the tasks that are named: others may have ended since the list was made. First the rows and
 * then the files, so that nothing is ever listed that is not there.
 */
void api_jobs_fetched(struct server *server, struct request *request, uint32_t job,
                      const json_t *body)
{
    const json_t *tasks = json_object_get(body, "tasks");

    if (!tasks_are_numbers(tasks)) {
        api_reply_error(request, 400, NULL, "'tasks' is no list of the numbers of tasks");
        return;
    }
    store_begin(server->store);
    for (size_t i = 0; i < json_array_size(tasks); i++)
        store_remove_outputs(server->store, job,
                             (uint32_t)json_integer_value(json_array_get(tasks, i)));
    batch_commit(server);
    for (size_t i = 0; i < json_array_size(tasks); i++)
        collect_drop_spool(server, job, (uint32_t)json_integer_value(json_array_get(tasks, i)));
    api_reply_json(request, 200, json_object());
}
