/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outputs of an attempt that ended: from the node into a folder of the attempt's own,
 * STATE/spool/arriving/17.3#2/INDEX, and from there to their places, as the submitter, if the job
 * was submitted on this computer; else the folder becomes the task's, STATE/spool/17.3, and waits
 * for `dusk fetch`. Only then is the brain told, and only then is the result recorded; so whoever
 * sees Completed has the files.
 *
 * A claim can end while its outputs are on their way: held, removed, or lost with its node. Then
 * the collect is given up. A delivery that has begun goes on to its end, from its own folder, and
 * the one of a later attempt follows it: deliveries to one user go one after the other.
 *
 * A crash at any moment leaves the attempt ended and its outputs on the node: it is collected
 * again, and files that were delivered already are replaced by themselves.
 */
#include "server.h"

#include "base/memory.h"
#include "sys/file.h"
#include "sys/log.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct collect {
    struct server *server;
    uint64_t epoch;
    uint32_t node, job, task;
    struct agent_link *link;
    char *folder; /* owned; this attempt's; NULL once it is gone or the task's */
    struct arrivals arrivals;
    bool over; /* told the brain, or given up; a delivery may still be on its way */
    bool delivering;
    struct collect *next, **place; /* in the list of all, and what points to it there */
};

char *collect_spool_folder(const struct server *server, uint32_t job, uint32_t task)
{
    struct buffer path = BUFFER_INIT;

    buffer_appendf(&path, "%s/spool/%u.%u", server->options.state_folder, job, task);
    return buffer_take(&path);
}

static char *attempt_folder(const struct server *server, const struct pool_effect *effect)
{
    struct buffer path = BUFFER_INIT;

    buffer_appendf(&path, "%s/spool/arriving/%u.%u#%u", server->options.state_folder,
                   effect->send.job, effect->send.task, effect->send.attempt);
    return buffer_take(&path);
}

static void remove_spooled(const char *folder)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    if (file_remove_tree(folder, &err) < 0)
        log_warning("cannot empty the spool: %s", error_text(&err));
}

void collect_drop_spool(struct server *server, uint32_t job, uint32_t task)
{
    _cleanup_free_ char *folder = collect_spool_folder(server, job, task);

    remove_spooled(folder);
}

/* The outputs wait under the task's name from now on. Until their result is recorded, a crash
 * brings them again. */
static int keep_spooled(struct collect *collect)
{
    _cleanup_free_ char *folder =
        collect_spool_folder(collect->server, collect->job, collect->task);
    int r = file_remove_tree(folder, NULL);

    if (r == 0 && rename(collect->folder, folder) < 0)
        r = -errno;
    if (r < 0)
        return r;
    free(collect->folder);
    collect->folder = NULL;
    return 0;
}

/* The collect of a task that is not over: one at most, because one claim at most stands. */
static struct collect *find_collect(const struct server *server, uint32_t job, uint32_t task)
{
    uint64_t value;

    if (!map_get(&server->collect_by_task, (uint64_t)job << 32 | task, &value))
        return NULL;
    return (struct collect *)(uintptr_t)value;
}

static void collect_set_over(struct collect *collect)
{
    collect->over = true;
    map_remove(&collect->server->collect_by_task, (uint64_t)collect->job << 32 | collect->task);
}

static void collect_free(struct collect *collect)
{
    *collect->place = collect->next;
    if (collect->next)
        collect->next->place = collect->place;
    if (!collect->over)
        collect_set_over(collect);
    arrivals_deinit(&collect->arrivals);
    if (collect->folder)
        remove_spooled(collect->folder);
    free(collect->folder);
    free(collect);
}

static void note_detail(struct collect *collect, const char *detail)
{
    struct ended_attempt *ended =
        records_find_ended(&collect->server->records, collect->job, collect->task);

    if (!ended || !detail)
        return;
    free(ended->result.detail);
    ended->result.detail = memory_copy_string(detail);
}

/* The outputs that wait for `dusk fetch`, written in the transaction of their result. */
static void write_spooled(struct server *server, void *userdata)
{
    struct collect *collect = userdata;
    struct job_record *job = records_find_job(&server->records, collect->job);
    struct ended_attempt *ended = records_find_ended(&server->records, collect->job, collect->task);
    struct pool_task_row claim;

    /* Perhaps a step before this one has ended the claim. */
    if (!pool_view_claim(server->pool, collect->epoch, &claim))
        return;
    if (!job || !ended || records_load_submit(server, job, NULL) < 0 ||
        submit_expand(job->submit, collect->job, collect->task, &server->task, NULL) < 0)
        return;
    store_remove_outputs(server->store, collect->job, collect->task);
    for (uint32_t i = 0; i < ended->result.output_count; i++) {
        const struct wire_output *output = &ended->result.outputs[i];
        _cleanup_free_ char *within = NULL;
        _cleanup_free_ char *path = order_output_path(job, &server->task, output, &within);

        if (path)
            store_add_output(server->store,
                             &(struct store_output){
                                 .job = collect->job,
                                 .task = collect->task,
                                 .index = i,
                                 .name = output->name,
                                 .size = output->size,
                                 .mode = output->mode,
                                 .kind = output->kind == WIRE_OUTPUT_FOLDER ? "folder" : "file",
                                 .path = path});
    }
}

static void release_collect(void *userdata)
{
    collect_free(userdata);
}

/* Tells the brain; with the event the collect ends. */
static void collect_finish(struct collect *collect, enum reason failure, const char *detail,
                           bool spooled)
{
    struct pool_event event = {.kind = POOL_COLLECTED};
    struct rider rider = {.release = release_collect, .userdata = collect};

    if (collect->over)
        return;
    collect_set_over(collect);
    arrivals_stop(&collect->arrivals);
    note_detail(collect, detail);
    event.collected.epoch = collect->epoch;
    event.collected.failure = failure;
    if (spooled)
        rider.write = write_spooled;
    batch_push_with(collect->server, &event, NULL, &rider);
}

static void collect_finish_spooled(struct collect *collect)
{
    int r = keep_spooled(collect);

    if (r < 0)
        collect_finish(collect, arrivals_failure_of(r), strerror(-r), false);
    else
        collect_finish(collect, REASON_NONE, NULL, true);
}

static void on_delivered(struct server *server, void *userdata, int code, const char *detail)
{
    struct collect *collect = userdata;
    enum reason failure = REASON_NONE;

    (void)server;
    collect->delivering = false;
    if (collect->over) {
        collect_free(collect);
        return;
    }
    if (code < 0)
        failure = code == -ENOSPC || code == -EDQUOT ? REASON_DISK_FULL_AT_SUBMITTER
                                                     : REASON_CANNOT_DELIVER_OUTPUT;
    collect_finish(collect, failure, code < 0 ? detail : NULL, false);
}

/* Everything is here: to its places, or it waits in the spool. */
static void collect_deliver(struct collect *collect, const struct ended_attempt *ended)
{
    struct server *server = collect->server;
    struct job_record *job = records_find_job(&server->records, collect->job);
    _cleanup_error_ struct error err = ERROR_INIT;
    struct delivery *delivery;
    json_t *files;

    if (!job->row.deliver) {
        collect_finish_spooled(collect);
        return;
    }
    if (records_load_submit(server, job, &err) < 0 ||
        submit_expand(job->submit, collect->job, collect->task, &server->task, &err) < 0) {
        collect_finish(collect, REASON_CANNOT_DELIVER_OUTPUT, error_text(&err), false);
        return;
    }
    files = json_array();
    for (uint32_t i = 0; i < ended->result.output_count; i++) {
        const struct wire_output *output = &ended->result.outputs[i];
        _cleanup_free_ char *within = NULL;
        _cleanup_free_ char *to = order_output_path(job, &server->task, output, &within);
        _cleanup_free_ char *from = arrivals_path(collect->folder, i);

        if (to)
            json_array_append_new(files, json_pack("{s:s,s:s,s:s*,s:i,s:b}", "from", from, "to", to,
                                                   "within", within, "mode", (int)output->mode,
                                                   "folder", output->kind == WIRE_OUTPUT_FOLDER));
    }
    delivery = memory_allocate(sizeof(*delivery));
    *delivery = (struct delivery){.request = json_pack("{s:o}", "files", files),
                                  .on_done = on_delivered,
                                  .userdata = collect};
    collect->delivering = true;
    deliver_as(server, job->row.uid, job->row.gid, delivery);
}

/* Whether a process that runs as the submitter must read what arrives. */
static bool is_read_by_submitter(const struct job_record *job)
{
    return geteuid() == 0 && job->row.deliver && job->row.uid != STORE_NONE;
}

/* They are all here, or cannot be. */
static void on_arrived(void *userdata, enum reason failure, const char *detail)
{
    struct collect *collect = userdata;
    struct ended_attempt *ended =
        records_find_ended(&collect->server->records, collect->job, collect->task);

    /* The task was removed or restarted meanwhile: there is nothing to deliver any more. */
    if (failure == REASON_NONE && ended && ended->epoch == collect->epoch)
        collect_deliver(collect, ended);
    else
        collect_finish(collect, failure, detail, false);
}

static void bring(struct collect *collect, const struct job_record *job,
                  const struct wire_result *result)
{
    struct arrivals_plan plan = {
        .link = collect->link,
        .want = {.kind = WIRE_WANT_OUTPUT, .epoch = collect->epoch},
        .reader = is_read_by_submitter(job) ? job->row.uid : STORE_NONE,
        .on_done = on_arrived,
        .userdata = collect,
    };

    arrivals_init(&collect->arrivals, &plan, collect->folder, result->outputs,
                  result->output_count);
    arrivals_go_on(&collect->arrivals);
}

/*
 * The server's own: whoever submitted the job finds his files in it, and could else lay a pipe into
 * the way of the next.
 */
static int make_folder(const struct collect *collect, const struct job_record *job)
{
    int r = file_remove_tree(collect->folder, NULL);

    if (r == 0 && mkdir(collect->folder, is_read_by_submitter(job) ? 0711 : 0700) < 0)
        r = -errno;
    return r;
}

/* A node that names what lies elsewhere, or what nobody asked for, gets nowhere with it. */
static int check_names(struct collect *collect, struct job_record *job,
                       const struct wire_result *result, struct error *err)
{
    struct submit_task *task = &collect->server->task;
    int r = records_load_submit(collect->server, job, err);

    if (r == 0)
        r = submit_expand(job->submit, collect->job, collect->task, task, err);
    for (size_t i = 0; r == 0 && i < result->output_count; i++) {
        const struct wire_output *output = &result->outputs[i];

        if (!file_name_is_contained(output->name))
            r = error_set(err, -EPERM, "the node named an output '%.200s', which leaves its folder",
                          output->name);
        else if (!order_wants_output(task, output))
            r = error_set(err, -EPERM, "the node named an output '%.200s', which nobody asked for",
                          output->name);
    }
    return r;
}

/*
 * The node went away and came back while its outputs were being delivered: they are all here, and
 * need not be brought again.
 */
static bool resume_delivery(struct collect *collect, uint64_t epoch, struct agent_link *link)
{
    if (!collect || collect->epoch != epoch || !collect->delivering)
        return false;
    collect->link = link;
    return true;
}

static struct collect *collect_new(struct server *server, const struct pool_effect *effect,
                                   struct agent_link *link)
{
    struct collect *collect = memory_allocate(sizeof(*collect));

    *collect = (struct collect){.server = server,
                                .epoch = effect->send.epoch,
                                .node = effect->send.node,
                                .job = effect->send.job,
                                .task = effect->send.task,
                                .link = link,
                                .next = server->collects,
                                .place = &server->collects};
    if (collect->next)
        collect->next->place = &collect->next;
    server->collects = collect;
    map_put(&server->collect_by_task, (uint64_t)collect->job << 32 | collect->task,
            (uint64_t)(uintptr_t)collect);
    return collect;
}

void collect_begin(struct server *server, const struct pool_effect *effect)
{
    struct ended_attempt *ended =
        records_find_ended(&server->records, effect->send.job, effect->send.task);
    struct job_record *job = records_find_job(&server->records, effect->send.job);
    struct agent_link *link = agents_find(server, effect->send.node, effect->send.session);
    _cleanup_error_ struct error err = ERROR_INIT;
    struct collect *collect;
    int r;

    if (!link || !job || !ended || ended->epoch != effect->send.epoch)
        return;
    if (resume_delivery(find_collect(server, effect->send.job, effect->send.task),
                        effect->send.epoch, link))
        return;
    collect_give_up(server, effect->send.job, effect->send.task);
    collect = collect_new(server, effect, link);
    if (ended->result.output_count == 0) {
        collect_finish(collect, REASON_NONE, NULL, false);
        return;
    }
    if (check_names(collect, job, &ended->result, &err) < 0) {
        collect_finish(collect, REASON_CANNOT_COLLECT_OUTPUT, error_text(&err), false);
        return;
    }
    collect->folder = attempt_folder(server, effect);
    r = make_folder(collect, job);
    if (r < 0)
        collect_finish(collect, arrivals_failure_of(r), strerror(-r), false);
    else
        bring(collect, job, &ended->result);
}

void collect_give_up(struct server *server, uint32_t job, uint32_t task)
{
    struct collect *collect = find_collect(server, job, task);

    if (!collect)
        return;
    arrivals_stop(&collect->arrivals);
    collect_set_over(collect);
    if (!collect->delivering)
        collect_free(collect);
}

/* The link is gone and its streams with it. What was on its way is asked for again later. */
void collect_break(struct server *server, struct agent_link *link)
{
    struct collect *next;

    for (struct collect *collect = server->collects; collect; collect = next) {
        next = collect->next;
        if (collect->link != link || collect->over)
            continue;
        arrivals_stop(&collect->arrivals);
        collect->link = NULL;
        if (collect->delivering)
            continue;
        collect_free(collect);
    }
}

void collect_deinit(struct server *server)
{
    while (server->collects)
        collect_free(server->collects);
    map_deinit(&server->collect_by_task);
}
