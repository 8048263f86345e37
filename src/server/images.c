/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The images that containers start from. An image's manifest and chunks lie among the contents
 * (content.c); which they are stands in the store. An image stays as long as it has a name or a job
 * that is not over needs it, and one that has just come stays a while without: whoever sends it
 * names it last. What nothing keeps any more goes bit by bit, a few hundred contents at a time.
 */
#include "server.h"

#include "base/memory.h"
#include "sys/clock.h"
#include "sys/hash.h"
#include "sys/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { SWEEP_INTERVAL_MS = 10 * 60 * 1000, CONTENTS_PER_TURN = 256 };

void image_found_deinit(struct image_found *found)
{
    free(found->user);
    *found = (struct image_found){0};
}

static int take_image(const struct store_image *image, void *userdata)
{
    struct image_found *found = userdata;

    if (!image_kind_from_name(image->kind, &found->kind))
        return -EPROTO;
    snprintf(found->sha256, sizeof(found->sha256), "%s", image->sha256);
    found->size = image->size;
    found->user = memory_copy_string(image->user);
    found->added_at = image->added_at;
    found->kept_until = image->kept_until;
    found->complete = image->complete;
    return 0;
}

int images_find_hash(struct server *server, const char *sha256, struct image_found *ret_found,
                     struct error *err)
{
    struct image_found found = {0};
    int r = store_walk_images(server->store, sha256, take_image, &found, err);

    if (r < 0)
        return r;
    if (!found.user)
        return 1;
    *ret_found = found;
    return 0;
}

static int take_hash(const struct store_image_name *name, void *userdata)
{
    snprintf(userdata, HASH_TEXT_SIZE, "%s", name->sha256);
    return 0;
}

int images_find(struct server *server, const char *text, struct image_found *ret_found,
                struct error *err)
{
    char sha256[HASH_TEXT_SIZE] = "";
    int r = 0;

    if (hash_text_is_valid(text))
        return images_find_hash(server, text, ret_found, err);
    if (image_name_is_valid(text))
        r = store_walk_image_names(server->store, text, NULL, take_hash, sha256, err);
    if (r < 0)
        return r;
    return sha256[0] ? images_find_hash(server, sha256, ret_found, err) : 1;
}

void images_save(struct server *server, const struct image_found *image)
{
    store_save_image(server->store, &(struct store_image){.sha256 = image->sha256,
                                                          .user = image->user,
                                                          .kept_until = image->kept_until,
                                                          .complete = image->complete});
}

/* ---- who is charged ---- */

/* Those who name an image, but by one name that it loses. */
struct heirs {
    const char *lost;
    const char *user; /* who is charged for it */
    char *first;      /* owned; who named it first of the others, by the alphabet */
    bool is_his;      /* he still names it himself */
};

static int look_at_heir(const struct store_image_name *name, void *userdata)
{
    struct heirs *heirs = userdata;

    if (strcmp(name->name, heirs->lost) == 0)
        return 0;
    heirs->is_his = heirs->is_his || strcmp(name->user, heirs->user) == 0;
    if (!heirs->first)
        heirs->first = memory_copy_string(name->user);
    return 0;
}

void images_lose_name(struct server *server, const char *sha256, const char *name)
{
    struct image_found image = {0};
    struct heirs heirs = {.lost = name};

    if (images_find_hash(server, sha256, &image, NULL) != 0)
        return;
    heirs.user = image.user;
    (void)store_walk_image_names(server->store, NULL, sha256, look_at_heir, &heirs, NULL);
    if (!heirs.first) {
        image.kept_until = 0;
        images_save(server, &image);
        images_sweep_soon(server);
    } else if (!heirs.is_his) {
        free(image.user);
        image.user = take_pointer(heirs.first);
        images_save(server, &image);
    }
    free(heirs.first);
    image_found_deinit(&image);
}

/* ---- sweeping ---- */

static int take_first(const struct store_image *image, void *userdata)
{
    int r = take_image(image, userdata);

    return r < 0 ? r : -ECANCELED;
}

struct sweeping {
    struct server *server;
    const char *image;
    uint32_t count;
};

/* First the file, then its row: what was not finished is found again. */
static int remove_content(const char *sha256, uint64_t size, void *userdata)
{
    struct sweeping *sweeping = userdata;
    _cleanup_free_ char *path = content_path(sweeping->server, sha256);

    (void)size;
    sweeping->count++;
    if (unlink(path) < 0 && errno != ENOENT)
        log_warning("cannot remove a part of an image, '%s': %s", path, strerror(errno));
    store_remove_image_content(sweeping->server->store, sweeping->image, sha256);
    return 0;
}

/* What is half removed must not be taken for whole by whoever names it now. */
static void sweep_one(struct server *server, struct image_found *image)
{
    struct sweeping sweeping = {.server = server, .image = image->sha256};

    store_begin(server->store);
    if (image->complete) {
        image->complete = false;
        images_save(server, image);
        batch_commit(server);
        store_begin(server->store);
    }
    (void)store_walk_image_contents(server->store, image->sha256, CONTENTS_PER_TURN, remove_content,
                                    &sweeping, NULL);
    if (sweeping.count < CONTENTS_PER_TURN) {
        store_remove_image(server->store, image->sha256);
        log_notice("the image %s is gone: nothing needed it", image->sha256);
    }
    batch_commit(server);
}

static void on_sweep(uv_timer_t *timer)
{
    struct server *server = timer->data;
    struct image_found image = {0};
    int r;

    if (server->room.still)
        return;
    r = store_walk_unneeded_images(server->store, clock_wall_seconds(), take_first, &image, NULL);
    if (r == -ECANCELED) {
        sweep_one(server, &image);
        images_sweep_soon(server);
    }
    image_found_deinit(&image);
}

void images_init(struct server *server)
{
    uv_timer_init(&server->loop, &server->image_timer);
    server->image_timer.data = server;
    images_sweep_soon(server);
}

void images_sweep_soon(struct server *server)
{
    uv_timer_start(&server->image_timer, on_sweep, 0, SWEEP_INTERVAL_MS);
}

/* ---- jobs ---- */

/* The key of an image among the files of a job, whose paths are absolute. */
#define IMAGE_KEY "image:"

const char *images_of_task(const struct submit_task *task)
{
    if (task->universe == SUBMIT_VANILLA)
        return NULL;
    return task->docker_image ? task->docker_image : task->container_image;
}

void images_forget(json_t *files)
{
    const char *path;
    json_t *file;
    void *next;

    json_object_foreach_safe(files, next, path, file)
    {
        if (strncmp(path, IMAGE_KEY, strlen(IMAGE_KEY)) == 0)
            json_object_del(files, path);
    }
}

static json_t *get_entry(const json_t *files, const char *text)
{
    _cleanup_buffer_ struct buffer key = BUFFER_INIT;

    buffer_appendf(&key, IMAGE_KEY "%s", text);
    return json_object_get(files, key.data);
}

static int refuse_image(const char *text, int code, struct error *err)
{
    if (code < 0)
        return error_prefix(err, code, "cannot look for the image '%s'", text);
    error_set(err, -ENOENT, "there is no image '%s' here", text);
    error_hint(err, "'dusk image list' shows those that there are, 'dusk image add NAME PATH' adds "
                    "one");
    return -ENOENT;
}

int images_resolve(struct server *server, json_t *files, const char *text, const char *sha256,
                   struct error *err)
{
    static const char docker[] = "docker://";
    const char *name = strncmp(text, docker, strlen(docker)) == 0 ? text + strlen(docker) : text;
    _cleanup_buffer_ struct buffer key = BUFFER_INIT;
    struct image_found image = {0};
    int r;

    if (get_entry(files, text))
        return 0;
    r = images_find(server, sha256 ? sha256 : name, &image, err);
    if (r != 0)
        return refuse_image(text, r, err);
    if (image.complete) {
        buffer_appendf(&key, IMAGE_KEY "%s", text);
        json_object_set_new(files, key.data,
                            json_pack("{s:s,s:s,s:I}", "image", image.sha256, "kind",
                                      image_kind_name(image.kind), "size", (json_int_t)image.size));
    } else {
        r = error_set(err, -ENOENT, "the image '%s' is not complete: its sender has not finished",
                      text);
    }
    image_found_deinit(&image);
    return r;
}

void images_write_job(struct server *server, const json_t *files, uint32_t job)
{
    const char *path;
    json_t *file;

    json_object_foreach((json_t *)files, path, file)
    {
        const char *sha256 = json_string_value(json_object_get(file, "image"));

        if (sha256)
            store_add_image_job(server->store, sha256, job);
    }
}

int images_fill(const json_t *files, const char *text, struct wire_image *ret_image,
                struct error *err)
{
    const json_t *entry = get_entry(files, text);
    const char *sha256 = json_string_value(json_object_get(entry, "image"));
    const char *kind = json_string_value(json_object_get(entry, "kind"));

    if (!sha256 || !kind || !image_kind_from_name(kind, &ret_image->kind))
        return error_set(err, -ENOENT, "the image '%s' was not named when the job was submitted",
                         text);
    ret_image->sha256 = memory_copy_string(sha256);
    ret_image->size = (uint64_t)json_integer_value(json_object_get(entry, "size"));
    return 0;
}
