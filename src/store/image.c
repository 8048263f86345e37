/* SPDX-License-Identifier: Apache-2.0 */
/* See store.h: images, their names, and what keeps them and their contents. */
#include "internal.h"

void store_add_image(struct store *store, const struct store_image *image,
                     const char (*contents)[STORE_HASH_SIZE], size_t count)
{
    struct statement *add = store_write_begin(
        store, "INSERT INTO image (sha256, kind, size, user, added_at, kept_until, complete)"
               " VALUES (?, ?, ?, ?, ?, ?, ?)");

    bind_text(add, image->sha256);
    bind_text(add, image->kind);
    bind_number(add, image->size);
    bind_text(add, image->user);
    bind_real(add, image->added_at);
    bind_real(add, image->kept_until);
    bind_number(add, image->complete);
    store_write_end(store, add);
    for (size_t i = 0; i < count; i++) {
        add = store_write_begin(
            store, "INSERT OR IGNORE INTO image_content (image, content) VALUES (?, ?)");
        bind_text(add, image->sha256);
        bind_text(add, contents[i]);
        store_write_end(store, add);
    }
}

void store_save_image(struct store *store, const struct store_image *image)
{
    struct statement *save = store_write_begin(
        store, "UPDATE image SET user = ?, kept_until = ?, complete = ? WHERE sha256 = ?");

    bind_text(save, image->user);
    bind_real(save, image->kept_until);
    bind_number(save, image->complete);
    bind_text(save, image->sha256);
    store_write_end_one(store, save);
}

void store_remove_image_content(struct store *store, const char *sha256, const char *content)
{
    struct statement *forget =
        store_write_begin(store, "DELETE FROM image_content WHERE image = ? AND content = ?");

    bind_text(forget, sha256);
    bind_text(forget, content);
    store_write_end(store, forget);
}

void store_remove_image(struct store *store, const char *sha256)
{
    static const char *const deletions[] = {"DELETE FROM image_content WHERE image = ?",
                                            "DELETE FROM image_job WHERE image = ?",
                                            "DELETE FROM image WHERE sha256 = ?"};

    for (size_t i = 0; i < ARRAY_LENGTH(deletions); i++) {
        struct statement *forget = store_write_begin(store, deletions[i]);

        bind_text(forget, sha256);
        store_write_end(store, forget);
    }
}

/* An image that has gone meanwhile must not spoil the batch that accepts the job. */
void store_add_image_job(struct store *store, const char *sha256, uint32_t job)
{
    struct statement *add = store_write_begin(
        store, "INSERT OR IGNORE INTO image_job (image, job)"
               " SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM image WHERE sha256 = ?1)");

    bind_text(add, sha256);
    bind_number(add, job);
    store_write_end(store, add);
}

static int walk_images(struct statement *read, store_image_callback *callback, void *userdata,
                       struct error *err)
{
    int r;

    while ((r = store_read_next(read, err)) == 0) {
        struct store_image image = {.sha256 = column_text(read)};

        image.kind = column_text(read);
        image.size = column_number(read);
        image.user = column_text(read);
        image.added_at = column_real(read);
        image.kept_until = column_real(read);
        image.complete = column_number(read) != 0;
        r = callback(&image, userdata);
        if (r < 0)
            return r;
    }
    return r < 0 ? r : 0;
}

int store_walk_images(struct store *store, const char *sha256, store_image_callback *callback,
                      void *userdata, struct error *err)
{
    _cleanup_read_ struct statement *read = NULL;
    int r = store_read_begin(store,
                             "SELECT sha256, kind, size, user, added_at, kept_until, complete"
                             " FROM image WHERE ?1 IS NULL OR sha256 = ?1 ORDER BY sha256",
                             &read, err);

    if (r < 0)
        return r;
    bind_text(read, sha256);
    return walk_images(read, callback, userdata, err);
}

int store_walk_unneeded_images(struct store *store, double now, store_image_callback *callback,
                               void *userdata, struct error *err)
{
    _cleanup_read_ struct statement *read = NULL;
    int r = store_read_begin(
        store,
        "SELECT sha256, kind, size, user, added_at, kept_until, complete FROM image"
        " WHERE kept_until <= ?"
        " AND NOT EXISTS (SELECT 1 FROM image_name WHERE image = sha256)"
        " AND NOT EXISTS (SELECT 1 FROM image_job JOIN job ON number = job"
        "  WHERE image = sha256 AND over = 0) ORDER BY sha256",
        &read, err);

    if (r < 0)
        return r;
    bind_real(read, now);
    return walk_images(read, callback, userdata, err);
}

int store_walk_image_contents(struct store *store, const char *sha256, uint32_t limit,
                              store_content_callback *callback, void *userdata, struct error *err)
{
    _cleanup_read_ struct statement *read = NULL;
    int r = store_read_begin(
        store,
        "SELECT content FROM image_content AS own WHERE image = ?"
        " AND NOT EXISTS (SELECT 1 FROM image_content AS other"
        "  WHERE other.content = own.content AND other.image <> own.image)"
        " AND NOT EXISTS (SELECT 1 FROM content WHERE content.sha256 = own.content)"
        " ORDER BY content LIMIT ?",
        &read, err);

    if (r < 0)
        return r;
    bind_text(read, sha256);
    bind_number(read, limit);
    while ((r = store_read_next(read, err)) == 0) {
        r = callback(column_text(read), 0, userdata);
        if (r < 0)
            return r;
    }
    return r < 0 ? r : 0;
}

int store_sum_images(struct store *store, const char *user, const char *but, uint64_t *ret_size,
                     struct error *err)
{
    _cleanup_read_ struct statement *read = NULL;
    int r = store_read_begin(
        store, "SELECT coalesce(sum(size), 0) FROM image WHERE user = ? AND sha256 <> ?", &read,
        err);

    if (r < 0)
        return r;
    bind_text(read, user);
    bind_text(read, but);
    r = store_read_next(read, err);
    if (r < 0)
        return r;
    *ret_size = column_number(read);
    return 0;
}

/* ---- names ---- */

void store_save_image_name(struct store *store, const struct store_image_name *name)
{
    struct statement *save = store_write_begin(
        store,
        "INSERT OR REPLACE INTO image_name (name, image, user, named_at) VALUES (?, ?, ?, ?)");

    bind_text(save, name->name);
    bind_text(save, name->sha256);
    bind_text(save, name->user);
    bind_real(save, name->named_at);
    store_write_end(store, save);
}

void store_remove_image_name(struct store *store, const char *name)
{
    struct statement *forget = store_write_begin(store, "DELETE FROM image_name WHERE name = ?");

    bind_text(forget, name);
    store_write_end(store, forget);
}

int store_walk_image_names(struct store *store, const char *name, const char *sha256,
                           store_image_name_callback *callback, void *userdata, struct error *err)
{
    _cleanup_read_ struct statement *read = NULL;
    int r = store_read_begin(store,
                             "SELECT name, image, user, named_at FROM image_name"
                             " WHERE (?1 IS NULL OR name = ?1) AND (?2 IS NULL OR image = ?2)"
                             " ORDER BY name",
                             &read, err);

    if (r < 0)
        return r;
    bind_text(read, name);
    bind_text(read, sha256);
    while ((r = store_read_next(read, err)) == 0) {
        struct store_image_name found = {.name = column_text(read)};

        found.sha256 = column_text(read);
        found.user = column_text(read);
        found.named_at = column_real(read);
        r = callback(&found, userdata);
        if (r < 0)
            return r;
    }
    return r < 0 ? r : 0;
}
