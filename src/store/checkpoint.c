/* SPDX-License-Identifier: Apache-2.0 */
/* See store.h: the checkpoints of tasks that are not over. */
#include "internal.h"

void store_remove_checkpoint(struct store *store, uint32_t job, uint32_t task)
{
    struct statement *forget =
        store_write_begin(store, "DELETE FROM checkpoint_file WHERE job = ? AND task = ?");

    bind_number(forget, job);
    bind_number(forget, task);
    store_write_end(store, forget);
    forget = store_write_begin(store, "DELETE FROM checkpoint WHERE job = ? AND task = ?");
    bind_number(forget, job);
    bind_number(forget, task);
    store_write_end(store, forget);
}

void store_save_checkpoint(struct store *store, const struct store_checkpoint *checkpoint)
{
    struct statement *save;

    store_remove_checkpoint(store, checkpoint->job, checkpoint->task);
    save = store_write_begin(store, "INSERT INTO checkpoint (job, task, number, epoch, kind)"
                                    " VALUES (?, ?, ?, ?, ?)");
    bind_number(save, checkpoint->job);
    bind_number(save, checkpoint->task);
    bind_number(save, checkpoint->number);
    bind_number(save, checkpoint->epoch);
    bind_text(save, checkpoint->kind);
    store_write_end(store, save);
}

void store_add_checkpoint_file(struct store *store, const struct store_checkpoint_file *file)
{
    struct statement *add = store_write_begin(
        store, "INSERT INTO checkpoint_file (job, task, place, kind, name, size, mode, sha256)"
               " VALUES (?, ?, ?, ?, ?, ?, ?, ?)");

    bind_number(add, file->job);
    bind_number(add, file->task);
    bind_number(add, file->place);
    bind_text(add, file->kind);
    bind_text(add, file->name);
    bind_number(add, file->size);
    bind_number(add, file->mode);
    bind_text(add, file->sha256);
    store_write_end(store, add);
}

int store_walk_checkpoints(struct store *store, store_checkpoint_callback *callback, void *userdata,
                           struct error *err)
{
    _cleanup_read_ struct statement *read = NULL;
    int r = store_read_begin(
        store, "SELECT job, task, number, epoch, kind FROM checkpoint ORDER BY job, task", &read,
        err);

    if (r < 0)
        return r;
    while ((r = store_read_next(read, err)) == 0) {
        struct store_checkpoint checkpoint = {.job = column_u32(read)};

        checkpoint.task = column_u32(read);
        checkpoint.number = column_number(read);
        checkpoint.epoch = column_number(read);
        checkpoint.kind = column_text(read);
        r = callback(&checkpoint, userdata);
        if (r < 0)
            return r;
    }
    return r < 0 ? r : 0;
}

int store_walk_checkpoint_files(struct store *store, uint32_t job, uint32_t task,
                                store_checkpoint_file_callback *callback, void *userdata,
                                struct error *err)
{
    _cleanup_read_ struct statement *read = NULL;
    int r = store_read_begin(store,
                             "SELECT place, kind, name, size, mode, sha256 FROM checkpoint_file"
                             " WHERE job = ? AND task = ? ORDER BY place",
                             &read, err);

    if (r < 0)
        return r;
    bind_number(read, job);
    bind_number(read, task);
    while ((r = store_read_next(read, err)) == 0) {
        struct store_checkpoint_file file = {.job = job, .task = task};

        file.place = column_u32(read);
        file.kind = column_text(read);
        file.name = column_text(read);
        file.size = column_number(read);
        file.mode = column_u32(read);
        file.sha256 = column_text(read);
        r = callback(&file, userdata);
        if (r < 0)
            return r;
    }
    return r < 0 ? r : 0;
}

int store_find_checkpoint_file(struct store *store, const char *sha256,
                               struct store_checkpoint *ret_checkpoint, uint32_t *ret_place,
                               struct error *err)
{
    _cleanup_read_ struct statement *read = NULL;
    int r = store_read_begin(store,
                             "SELECT job, task, number, epoch, place FROM checkpoint_file"
                             " JOIN checkpoint USING (job, task) WHERE sha256 = ? LIMIT 1",
                             &read, err);

    if (r < 0)
        return r;
    bind_text(read, sha256);
    r = store_read_next(read, err);
    if (r != 0)
        return r;
    *ret_checkpoint = (struct store_checkpoint){.job = column_u32(read)};
    ret_checkpoint->task = column_u32(read);
    ret_checkpoint->number = column_number(read);
    ret_checkpoint->epoch = column_number(read);
    *ret_place = column_u32(read);
    return 0;
}
