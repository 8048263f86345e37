/* SPDX-License-Identifier: Apache-2.0 */
/* See store.h: which jobs need which content, and which outputs wait to be fetched. */
#include "internal.h"

void store_add_content(struct store *store, const char *sha256, uint32_t job, uint64_t size)
{
    struct statement *add = store_write_begin(
        store, "INSERT OR REPLACE INTO content (sha256, job, size) VALUES (?, ?, ?)");

    bind_text(add, sha256);
    bind_number(add, job);
    bind_number(add, size);
    store_write_end(store, add);
}

void store_forget_content(struct store *store, const char *sha256)
{
    struct statement *forget = store_write_begin(store, "DELETE FROM content WHERE sha256 = ?");

    bind_text(forget, sha256);
    store_write_end(store, forget);
}

/* References are forgotten with their content, so that this table never holds the history. */
int store_walk_unneeded_contents(struct store *store, store_content_callback *callback,
                                 void *userdata, struct error *err)
{
    _cleanup_read_ struct statement *read = NULL;
    int r;

    r = store_read_begin(store,
                         "SELECT sha256, max(size) FROM content JOIN job ON number = job"
                         " WHERE NOT EXISTS (SELECT 1 FROM image_content WHERE content = sha256)"
                         " GROUP BY sha256 HAVING min(over) = 1 ORDER BY sha256",
                         &read, err);
    if (r < 0)
        return r;
    while ((r = store_read_next(read, err)) == 0) {
        const char *sha256 = column_text(read);

        r = callback(sha256, column_number(read), userdata);
        if (r < 0)
            return r;
    }
    return r < 0 ? r : 0;
}

void store_add_output(struct store *store, const struct store_output *output)
{
    struct statement *add = store_write_begin(
        store, "INSERT OR REPLACE INTO output (job, task, number, name, size, mode, kind, path)"
               " VALUES (?, ?, ?, ?, ?, ?, ?, ?)");

    bind_number(add, output->job);
    bind_number(add, output->task);
    bind_number(add, output->index);
    bind_text(add, output->name);
    bind_number(add, output->size);
    bind_number(add, output->mode);
    bind_text(add, output->kind);
    bind_text(add, output->path);
    store_write_end(store, add);
}

void store_remove_outputs(struct store *store, uint32_t job, uint32_t task)
{
    struct statement *forget =
        store_write_begin(store, "DELETE FROM output WHERE job = ?1 AND (?2 IS NULL OR task = ?2)");

    bind_number(forget, job);
    bind_optional(forget, task);
    store_write_end(store, forget);
}

int store_walk_outputs(struct store *store, uint32_t job, uint32_t task,
                       store_output_callback *callback, void *userdata, struct error *err)
{
    _cleanup_read_ struct statement *read = NULL;
    int r;

    r = store_read_begin(store,
                         "SELECT job, task, number, name, size, mode, kind, path FROM output"
                         " WHERE job = ?1 AND (?2 IS NULL OR task = ?2) ORDER BY task, number",
                         &read, err);
    if (r < 0)
        return r;
    bind_number(read, job);
    bind_optional(read, task);
    while ((r = store_read_next(read, err)) == 0) {
        struct store_output output = {.job = column_u32(read)};

        output.task = column_u32(read);
        output.index = column_u32(read);
        output.name = column_text(read);
        output.size = column_number(read);
        output.mode = column_u32(read);
        output.kind = column_text(read);
        output.path = column_text(read);
        r = callback(&output, userdata);
        if (r < 0)
            return r;
    }
    return r < 0 ? r : 0;
}
