/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server knows of jobs and nodes and the brain does not: names, folders, users, texts,
 * times.
 *
 * A job's submit description may be large and is needed only while its tasks start, so a few parsed
 * ones are kept and the others are read from the store again.
 */
#include "server.h"

#include "base/memory.h"

#include <errno.h>

/* A text of 20 MB takes 100 MB once it is parsed. */
enum { PARSED_MAX = 64, PARSED_SIZE_MAX = 32 << 20 };

static uint64_t task_key(uint32_t job, uint32_t task)
{
    return (uint64_t)job << 32 | task;
}

struct job_record *records_find_job(struct records *records, uint32_t number)
{
    uint64_t index;

    return map_get(&records->job_index, number, &index) ? records->jobs[index] : NULL;
}

static char *copy_or_null(const char *text)
{
    return text ? memory_copy_string(text) : NULL;
}

struct job_record *records_add_job(struct records *records, const struct store_job *row,
                                   const struct store_part *parts, size_t part_count)
{
    struct job_record *job = memory_allocate(sizeof(*job));

    job->row = *row;
    job->row.user = memory_copy_string(row->user);
    job->row.name = copy_or_null(row->name);
    job->row.folder = memory_copy_string(row->folder);
    job->row.reason = copy_or_null(row->reason);
    job->part_count = (uint32_t)part_count;
    job->part_next = memory_allocate((part_count + 1) * sizeof(*job->part_next));
    for (size_t i = 0; i < part_count; i++)
        job->part_next[i] = parts[i].next;
    job->in_brain = true;
    job->version = 1;
    array_reserve(records->jobs, records->job_capacity, records->job_count + 1);
    map_put(&records->job_index, row->number, records->job_count);
    records->jobs[records->job_count++] = job;
    return job;
}

static void forget_parsed(struct records *records, struct job_record *job)
{
    if (!job->submit)
        return;
    submit_free(job->submit);
    json_decref(job->files);
    job->submit = NULL;
    job->files = NULL;
    TAILQ_REMOVE(&records->parsed, job, of_parsed);
    records->parsed_count--;
    records->parsed_size -= job->parsed_size;
}

static void job_free(struct records *records, struct job_record *job)
{
    while (job->waiters) {
        struct waiter *waiter = job->waiters;

        job->waiters = waiter->next;
        api_drop_waiter(waiter);
    }
    forget_parsed(records, job);
    free((char *)job->row.user);
    free((char *)job->row.name);
    free((char *)job->row.folder);
    free((char *)job->row.reason);
    free(job->part_next);
    free(job);
}

void records_drop_job(struct records *records, struct job_record *job)
{
    uint64_t index = 0;

    if (!map_get(&records->job_index, job->row.number, &index))
        abort();
    map_remove(&records->job_index, job->row.number);
    records->jobs[index] = records->jobs[--records->job_count];
    if (records->jobs[index] != job)
        map_put(&records->job_index, records->jobs[index]->row.number, index);
    job_free(records, job);
}

void records_keep_submit(struct records *records, struct job_record *job, struct submit *submit,
                         json_t *files, size_t size)
{
    job->submit = submit;
    job->files = files;
    job->parsed_size = size;
    TAILQ_INSERT_TAIL(&records->parsed, job, of_parsed);
    records->parsed_count++;
    records->parsed_size += size;
    /* The new one stays, however large it is: it is in use. */
    while (TAILQ_FIRST(&records->parsed) != job &&
           (records->parsed_count > PARSED_MAX || records->parsed_size > PARSED_SIZE_MAX))
        forget_parsed(records, TAILQ_FIRST(&records->parsed));
}

static void move_to_end(struct records *records, struct job_record *job)
{
    TAILQ_REMOVE(&records->parsed, job, of_parsed);
    TAILQ_INSERT_TAIL(&records->parsed, job, of_parsed);
}

int records_load_submit(struct server *server, struct job_record *job, struct error *err)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT, files = BUFFER_INIT;
    struct submit *submit = NULL;
    json_t *list;
    int r;

    if (job->submit) {
        move_to_end(&server->records, job);
        return 0;
    }
    r = store_load_job_texts(server->store, job->row.number, &text, &files, err);
    if (r > 0)
        r = error_set(err, -ENOENT, "the description of job %u is gone", job->row.number);
    if (r == 0)
        r = submit_parse((struct slice){text.data, text.length}, "job", &(struct submit_options){0},
                         &submit, NULL, err);
    if (r < 0)
        return r;
    list = json_loadb(files.data, files.length, 0, NULL);
    records_keep_submit(&server->records, job, submit, list ? list : json_object(),
                        text.length + files.length);
    return 0;
}

struct node_record *records_find_node(struct records *records, const char *name)
{
    uint64_t number;

    return string_map_get(&records->node_by_name, name, &number) ? &records->nodes[number] : NULL;
}

struct node_record *records_add_node(struct records *records, const struct store_node *row)
{
    struct node_record *node;

    array_reserve(records->nodes, records->node_capacity, (size_t)row->node + 1);
    for (; records->node_count <= row->node; records->node_count++)
        records->nodes[records->node_count] =
            (struct node_record){.number = (uint32_t)records->node_count, .forgotten = true};
    node = &records->nodes[row->node];
    *node = (struct node_record){
        .number = row->node,
        .name = memory_copy_string(row->name),
        .serial = memory_copy_string(row->serial),
        .machine = row->machine,
        .enrolled_at = row->enrolled_at,
        .last_seen_at = row->last_seen_at,
        .forgotten = row->forgotten,
        .drained = row->drained,
        .asleep = row->asleep,
        .facts = row->facts ? json_loads(row->facts, 0, NULL) : NULL,
        .attributes = copy_or_null(row->attributes),
    };
    if (!row->forgotten)
        string_map_put(&records->node_by_name, row->name, row->node);
    return node;
}

void records_keep_ended(struct records *records, uint32_t job, uint32_t task, uint64_t epoch,
                        struct wire_result *result)
{
    struct ended_attempt *ended = records_find_ended(records, job, task);

    if (!ended) {
        ended = memory_allocate(sizeof(*ended));
        map_put(&records->ended, task_key(job, task), (uint64_t)(uintptr_t)ended);
    }
    wire_result_deinit(&ended->result);
    ended->epoch = epoch;
    ended->result = *result;
    *result = (struct wire_result){0};
}

struct ended_attempt *records_find_ended(struct records *records, uint32_t job, uint32_t task)
{
    uint64_t value;

    if (!map_get(&records->ended, task_key(job, task), &value))
        return NULL;
    return (struct ended_attempt *)(uintptr_t)value;
}

void records_drop_ended(struct records *records, uint32_t job, uint32_t task)
{
    struct ended_attempt *ended = records_find_ended(records, job, task);

    if (!ended)
        return;
    map_remove(&records->ended, task_key(job, task));
    wire_result_deinit(&ended->result);
    free(ended);
}

struct reported_checkpoint *records_find_checkpoint(struct records *records, uint32_t job,
                                                    uint32_t task)
{
    uint64_t value;

    if (!map_get(&records->checkpoints, task_key(job, task), &value))
        return NULL;
    return (struct reported_checkpoint *)(uintptr_t)value;
}

void records_keep_checkpoint(struct records *records, uint32_t job, uint32_t task, uint64_t epoch,
                             struct wire_checkpoint *checkpoint)
{
    struct reported_checkpoint *reported = records_find_checkpoint(records, job, task);

    if (reported && reported->epoch == epoch && reported->checkpoint.number == checkpoint->number)
        return;
    if (!reported) {
        reported = memory_allocate(sizeof(*reported));
        map_put(&records->checkpoints, task_key(job, task), (uint64_t)(uintptr_t)reported);
    }
    wire_checkpoint_deinit(&reported->checkpoint);
    reported->epoch = epoch;
    reported->checkpoint = *checkpoint;
    *checkpoint = (struct wire_checkpoint){0};
}

void records_drop_checkpoint(struct records *records, uint32_t job, uint32_t task)
{
    struct reported_checkpoint *reported = records_find_checkpoint(records, job, task);

    if (!reported)
        return;
    map_remove(&records->checkpoints, task_key(job, task));
    wire_checkpoint_deinit(&reported->checkpoint);
    free(reported);
}

void records_init(struct records *records)
{
    TAILQ_INIT(&records->parsed);
}

void records_deinit(struct records *records)
{
    for (size_t i = 0; i < records->job_count; i++)
        job_free(records, records->jobs[i]);
    for (size_t i = 0; i < records->node_count; i++) {
        free(records->nodes[i].name);
        free(records->nodes[i].serial);
        json_decref(records->nodes[i].facts);
        free(records->nodes[i].attributes);
        wire_owner_deinit(&records->nodes[i].owner);
        free(records->nodes[i].history);
    }
    for (size_t i = 0; i < records->ended.capacity; i++)
        if (records->ended.entries[i].used) {
            struct ended_attempt *ended =
                (struct ended_attempt *)(uintptr_t)records->ended.entries[i].value;

            wire_result_deinit(&ended->result);
            free(ended);
        }
    for (size_t i = 0; i < records->checkpoints.capacity; i++)
        if (records->checkpoints.entries[i].used) {
            struct reported_checkpoint *reported =
                (struct reported_checkpoint *)(uintptr_t)records->checkpoints.entries[i].value;

            wire_checkpoint_deinit(&reported->checkpoint);
            free(reported);
        }
    free(records->jobs);
    free(records->nodes);
    map_deinit(&records->checkpoints);
    map_deinit(&records->job_index);
    map_deinit(&records->ended);
    string_map_deinit(&records->node_by_name);
}
