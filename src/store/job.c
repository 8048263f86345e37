/* SPDX-License-Identifier: Apache-2.0 */
/* See store.h: jobs, their parts and their texts. */
#include "internal.h"

#include "base/memory.h"

#include <assert.h>

static void store_add_part(struct store *store, uint32_t job, size_t number,
                           const struct store_part *part)
{
    struct statement *add = store_write_begin(
        store, "INSERT INTO part (job, part, first, count, next, cpus, memory, disk, gpus)"
               " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");

    bind_number(add, job);
    bind_number(add, number);
    bind_number(add, part->first);
    bind_number(add, part->count);
    bind_number(add, part->next);
    bind_number(add, part->cpus);
    bind_number(add, part->memory);
    bind_number(add, part->disk);
    bind_number(add, part->gpus);
    store_write_end(store, add);
}

static void store_add_texts(struct store *store, uint32_t job, struct slice submit,
                            struct slice files)
{
    struct statement *add =
        store_write_begin(store, "INSERT INTO job_text (job, submit, files) VALUES (?, ?, ?)");

    bind_number(add, job);
    bind_blob(add, submit);
    bind_blob(add, files);
    store_write_end(store, add);
}

void store_add_job(struct store *store, const struct store_job *job, const struct store_part *parts,
                   size_t part_count, struct slice submit, struct slice files)
{
    struct statement *add = store_write_begin(
        store, "INSERT INTO job (number, tasks, user, name, folder, deliver, uid, gid,"
               " submitted_at, ended_at, priority, held, removed, over, completed, removed_tasks,"
               " reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

    assert(job->number != 0);
    bind_number(add, job->number);
    bind_number(add, job->tasks);
    bind_text(add, job->user);
    bind_text(add, job->name);
    bind_text(add, job->folder);
    bind_number(add, job->deliver);
    bind_number(add, job->uid);
    bind_number(add, job->gid);
    bind_real(add, job->submitted_at);
    bind_time(add, job->ended_at);
    bind_signed(add, job->priority);
    bind_number(add, job->held);
    bind_number(add, job->removed);
    bind_number(add, job->over);
    bind_number(add, job->completed);
    bind_number(add, job->removed_tasks);
    bind_text(add, job->reason);
    store_write_end(store, add);
    for (size_t i = 0; i < part_count; i++)
        store_add_part(store, job->number, i, &parts[i]);
    store_add_texts(store, job->number, submit, files);
}

void store_save_job(struct store *store, const struct store_job *job)
{
    struct statement *save =
        store_write_begin(store, "UPDATE job SET ended_at = ?, priority = ?, held = ?, removed = ?,"
                                 " over = ?, completed = ?, removed_tasks = ?, reason = ?"
                                 " WHERE number = ?");

    bind_time(save, job->ended_at);
    bind_signed(save, job->priority);
    bind_number(save, job->held);
    bind_number(save, job->removed);
    bind_number(save, job->over);
    bind_number(save, job->completed);
    bind_number(save, job->removed_tasks);
    bind_text(save, job->reason);
    bind_number(save, job->number);
    store_write_end_one(store, save);
}

void store_save_part(struct store *store, uint32_t job, uint32_t part, uint32_t next)
{
    struct statement *save =
        store_write_begin(store, "UPDATE part SET next = ? WHERE job = ? AND part = ?");

    bind_number(save, next);
    bind_number(save, job);
    bind_number(save, part);
    store_write_end_one(store, save);
}

#define JOB_COLUMNS                                                                                \
    "number, tasks, user, name, folder, deliver, uid, gid, submitted_at, ended_at, priority,"      \
    " held, removed, over, completed, removed_tasks, reason"

static struct store_job job_from_row(struct statement *row)
{
    struct store_job job = {.number = column_u32(row)};

    job.tasks = column_u32(row);
    job.user = column_text(row);
    job.name = column_text(row);
    job.folder = column_text(row);
    job.deliver = column_flag(row);
    job.uid = column_u32(row);
    job.gid = column_u32(row);
    job.submitted_at = column_real(row);
    job.ended_at = column_real(row);
    job.priority = (int32_t)column_signed(row);
    job.held = column_flag(row);
    job.removed = column_flag(row);
    job.over = column_flag(row);
    job.completed = column_u32(row);
    job.removed_tasks = column_u32(row);
    job.reason = column_text(row);
    return job;
}

/* A job's parts, in one array that is used again for the next job. */
struct part_list {
    struct store_part *items; /* owned */
    size_t length;
    size_t capacity;
};

static void part_list_deinit(struct part_list *list)
{
    free(list->items);
}

static int store_load_parts(struct store *store, uint32_t job, struct part_list *list,
                            struct error *err)
{
    _cleanup_read_ struct statement *read = NULL;
    int r;

    list->length = 0;
    r = store_read_begin(store,
                         "SELECT first, count, next, cpus, memory, disk, gpus FROM part"
                         " WHERE job = ? ORDER BY part",
                         &read, err);
    if (r < 0)
        return r;
    bind_number(read, job);
    while ((r = store_read_next(read, err)) == 0) {
        struct store_part part = {.first = column_u32(read)};

        part.count = column_u32(read);
        part.next = column_u32(read);
        part.cpus = column_u32(read);
        part.memory = column_number(read);
        part.disk = column_number(read);
        part.gpus = column_u32(read);
        array_reserve(list->items, list->capacity, list->length + 1);
        list->items[list->length++] = part;
    }
    return r < 0 ? r : 0;
}

int store_walk_live_jobs(struct store *store, store_job_callback *callback, void *userdata,
                         struct error *err)
{
    _cleanup_(part_list_deinit) struct part_list parts = {0};
    _cleanup_read_ struct statement *read = NULL;
    int r;

    r = store_read_begin(store,
                         "SELECT " JOB_COLUMNS " FROM job WHERE number IN"
                         " (SELECT number FROM job WHERE over = 0 UNION"
                         "  SELECT job FROM task INDEXED BY task_live"
                         "  WHERE over = 0 OR epoch <> 0)"
                         " ORDER BY number",
                         &read, err);
    if (r < 0)
        return r;
    while ((r = store_read_next(read, err)) == 0) {
        struct store_job job = job_from_row(read);

        r = store_load_parts(store, job.number, &parts, err);
        if (r == 0)
            r = callback(&job, parts.items, parts.length, userdata);
        if (r < 0)
            return r;
    }
    return r < 0 ? r : 0;
}

int store_walk_jobs(struct store *store, const struct store_job_filter *filter,
                    store_job_callback *callback, void *userdata, struct error *err)
{
    /* -1 is SQLite's way to say that there is no limit. */
    int64_t limit = filter->limit > 0 ? (int64_t)filter->limit : -1;
    _cleanup_read_ struct statement *read = NULL;
    int r;

    r = store_read_begin(store,
                         "SELECT " JOB_COLUMNS " FROM job"
                         " WHERE (?1 IS NULL OR user = ?1) AND (?2 = 0 OR number = ?2)"
                         " AND over BETWEEN ?3 AND ?4 ORDER BY number DESC LIMIT ?5",
                         &read, err);
    if (r < 0)
        return r;
    bind_text(read, filter->user);
    bind_number(read, filter->job);
    bind_number(read, filter->only_over);
    bind_number(read, !filter->only_open);
    bind_signed(read, limit);
    while ((r = store_read_next(read, err)) == 0) {
        struct store_job job = job_from_row(read);

        r = callback(&job, NULL, 0, userdata);
        if (r < 0)
            return r;
    }
    return r < 0 ? r : 0;
}

int store_walk_removed_jobs(struct store *store, const struct store_job_filter *filter,
                            bool newest_first, uint32_t behind, store_job_callback *callback,
                            void *userdata, struct error *err)
{
    static const char oldest[] = "SELECT " JOB_COLUMNS " FROM job INDEXED BY job_removed"
                                 " WHERE removed = 1 AND number > ?1"
                                 " AND (?2 IS NULL OR user = ?2) AND (?3 = 0 OR number = ?3)"
                                 " ORDER BY number LIMIT ?4";
    static const char newest[] = "SELECT " JOB_COLUMNS " FROM job INDEXED BY job_removed"
                                 " WHERE removed = 1 AND number < ?1"
                                 " AND (?2 IS NULL OR user = ?2) AND (?3 = 0 OR number = ?3)"
                                 " ORDER BY number DESC LIMIT ?4";
    _cleanup_read_ struct statement *read = NULL;
    int r = store_read_begin(store, newest_first ? newest : oldest, &read, err);

    if (r < 0)
        return r;
    bind_number(read, behind);
    bind_text(read, filter->user);
    bind_number(read, filter->job);
    bind_signed(read, filter->limit > 0 ? (int64_t)filter->limit : -1);
    while ((r = store_read_next(read, err)) == 0) {
        struct store_job job = job_from_row(read);

        r = callback(&job, NULL, 0, userdata);
        if (r < 0)
            return r;
    }
    return r < 0 ? r : 0;
}

int store_load_job_texts(struct store *store, uint32_t job, struct buffer *submit,
                         struct buffer *files, struct error *err)
{
    _cleanup_read_ struct statement *read = NULL;
    struct slice submit_text, files_text;
    int r;

    r = store_read_begin(store, "SELECT submit, files FROM job_text WHERE job = ?", &read, err);
    if (r < 0)
        return r;
    bind_number(read, job);
    r = store_read_next(read, err);
    if (r != 0)
        return r;
    submit_text = column_blob(read);
    files_text = column_blob(read);
    if (submit)
        buffer_append_slice(submit, submit_text);
    if (files)
        buffer_append_slice(files, files_text);
    return 0;
}
