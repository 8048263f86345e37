/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images: adding, listing, showing, and taking names away. Who adds one sends its manifest, then
 * the contents that are missing, then the manifest again; all of it may be said again at any time.
 */
#include "server.h"

#include "base/memory.h"
#include "sys/clock.h"
#include "sys/descriptor.h"
#include "sys/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* What has come and has no name yet: an upload that is taken up the next day goes on. */
enum { KEPT_S = 24 * 3600 };

/* What is added. */
struct addition {
    struct image_manifest manifest;
    char sha256[HASH_TEXT_SIZE];
    struct slice text;
    const char *name; /* NULL: none */
    json_t *missing;  /* owned: a list of hashes */
    uint64_t missing_size;
};

static void addition_deinit(struct addition *addition)
{
    image_manifest_deinit(&addition->manifest);
    json_decref(addition->missing);
}

/* Whose the name is, or NULL; the caller's. */
static int take_user(const struct store_image_name *name, void *userdata)
{
    *(char **)userdata = memory_copy_string(name->user);
    return 0;
}

static char *user_of_name(struct server *server, const char *name)
{
    char *user = NULL;

    (void)store_walk_image_names(server->store, name, NULL, take_user, &user, NULL);
    return user;
}

/* Answers the request if the name is somebody else's. */
static bool may_change_name(struct request *request, const char *name, const char *user)
{
    const struct api_user *self = &api_call_of(request)->user;

    if (strcmp(user, self->name) == 0 || self->admin)
        return true;
    api_reply_error(request, 403, "only he and the pool's admins may do that; choose another name",
                    "the image name '%s' is %s's", name, user);
    return false;
}

static bool name_is_free(struct server *server, struct request *request, const char *name)
{
    _cleanup_free_ char *user = NULL;

    if (!name)
        return true;
    if (!image_name_is_valid(name)) {
        api_reply_error(request, 400,
                        "write letters, digits, '.', '_' and '-', and perhaps a version: "
                        "debian12:v2",
                        "'%.80s' is no name for an image", name);
        return false;
    }
    user = user_of_name(server, name);
    return !user || may_change_name(request, name, user);
}

static bool read_addition(struct request *request, const json_t *body, struct addition *addition)
{
    const json_t *text = json_object_get(body, "manifest");
    _cleanup_error_ struct error err = ERROR_INIT;

    addition->name = json_string_value(json_object_get(body, "name"));
    addition->text = (struct slice){json_string_value(text), json_string_length(text)};
    if (!addition->text.data) {
        api_reply_error(request, 400, NULL, "the image has no 'manifest'");
        return false;
    }
    if (image_manifest_read(addition->text, &addition->manifest, &err) < 0) {
        api_reply_error(request, 400, NULL, "%s", error_text(&err));
        return false;
    }
    hash_bytes(addition->text.data, addition->text.length, addition->sha256);
    return true;
}

/* A content of another size than its chunk is none of it, whatever the manifest says. */
static bool chunk_is_here(struct server *server, const char *sha256, uint64_t size)
{
    _cleanup_free_ char *path = content_path(server, sha256);
    struct stat status;

    return stat(path, &status) == 0 && (uint64_t)status.st_size == size;
}

/* A chunk that comes twice is named twice, and sent once. */
static void find_missing(struct server *server, struct addition *addition)
{
    addition->missing = json_array();
    for (size_t i = 0; i < addition->manifest.chunk_count; i++) {
        const char *sha256 = addition->manifest.chunks[i];
        uint64_t size = image_manifest_chunk_size(&addition->manifest, i);

        if (chunk_is_here(server, sha256, size))
            continue;
        json_array_append_new(addition->missing, json_string(sha256));
        addition->missing_size += size;
    }
}

/* Each user's images have so much room together; what is here already takes no more. */
static bool has_room(struct server *server, struct request *request,
                     const struct addition *addition)
{
    const struct api_user *user = &api_call_of(request)->user;
    _cleanup_fd_ int folder = open(server->options.state_folder, O_RDONLY | O_CLOEXEC);
    uint64_t used = 0, quota = server->options.image_quota;

    if (room_check_write(folder, addition->missing_size) < 0) {
        room_refuse(request);
        return false;
    }
    (void)store_sum_images(server->store, user->name, addition->sha256, &used, NULL);
    if (used <= quota && addition->manifest.size <= quota - used)
        return true;
    api_reply_error(request, 413,
                    "remove some with 'dusk image rm', or ask who runs the pool (image_quota)",
                    "the image has %llu MB, your others %llu MB, and each user's images may have "
                    "%llu MB",
                    (unsigned long long)addition->manifest.size >> 20,
                    (unsigned long long)used >> 20, (unsigned long long)quota >> 20);
    return false;
}

static int take_old_image(const struct store_image_name *name, void *userdata)
{
    snprintf(userdata, HASH_TEXT_SIZE, "%s", name->sha256);
    return 0;
}

/* The image that had the name before may be needed no more. An admin moves it for its owner. */
static void give_name(struct server *server, const struct addition *addition, const char *user)
{
    _cleanup_free_ char *owner = user_of_name(server, addition->name);
    char old[HASH_TEXT_SIZE] = "";

    (void)store_walk_image_names(server->store, addition->name, NULL, take_old_image, old, NULL);
    if (old[0] && strcmp(old, addition->sha256) != 0)
        images_lose_name(server, old, addition->name);
    store_save_image_name(server->store,
                          &(struct store_image_name){.name = addition->name,
                                                     .sha256 = addition->sha256,
                                                     .user = owner ? owner : user,
                                                     .named_at = clock_wall_seconds()});
}

/* The manifest is a content of its image like any chunk. */
static void add_image(struct server *server, const struct addition *addition,
                      const struct store_image *image)
{
    const struct image_manifest *manifest = &addition->manifest;
    char(*contents)[HASH_TEXT_SIZE] =
        memory_resize(NULL, manifest->chunk_count + 1, HASH_TEXT_SIZE);

    memcpy(contents, manifest->chunks, manifest->chunk_count * HASH_TEXT_SIZE);
    memcpy(contents[manifest->chunk_count], addition->sha256, HASH_TEXT_SIZE);
    store_add_image(server->store, image, (const char(*)[HASH_TEXT_SIZE])contents,
                    manifest->chunk_count + 1);
    free(contents);
}

/*
 * Its contents are the image's from here on, the missing ones as well, so that none of them is
 * swept away before the last has come.
 */
static void save_addition(struct server *server, const struct addition *addition, const char *user,
                          const struct image_found *known)
{
    struct store_image image = {.sha256 = addition->sha256,
                                .kind = image_kind_name(addition->manifest.kind),
                                .size = addition->manifest.size,
                                .user = known ? known->user : user,
                                .added_at = clock_wall_seconds(),
                                .kept_until = clock_wall_seconds() + KEPT_S,
                                .complete = json_array_size(addition->missing) == 0};

    store_begin(server->store);
    if (known)
        store_save_image(server->store, &image);
    else
        add_image(server, addition, &image);
    if (image.complete && addition->name)
        give_name(server, addition, user);
    batch_commit(server);
}

static void add(struct server *server, struct request *request, struct addition *addition,
                const struct image_found *known)
{
    const struct api_user *user = &api_call_of(request)->user;
    _cleanup_error_ struct error err = ERROR_INIT;

    find_missing(server, addition);
    if (!has_room(server, request, addition))
        return;
    if (content_put(server, addition->sha256, addition->text, &err) < 0) {
        api_reply_error(request, 500, "see the server's state folder, or tell who runs the pool",
                        "cannot store the image on the server: %s", error_text(&err));
        return;
    }
    save_addition(server, addition, user->name, known);
    api_reply_json(request, 200,
                   json_pack("{s:s,s:s,s:I,s:O}", "sha256", addition->sha256, "kind",
                             image_kind_name(addition->manifest.kind), "size",
                             (json_int_t)addition->manifest.size, "missing", addition->missing));
}

void api_images_add(struct server *server, struct request *request, const json_t *body)
{
    _cleanup_(addition_deinit) struct addition addition = {0};
    _cleanup_error_ struct error err = ERROR_INIT;
    struct image_found known = {0};
    int r;

    if (server->room.scarce) {
        room_refuse(request);
        return;
    }
    if (!read_addition(request, body, &addition) || !name_is_free(server, request, addition.name))
        return;
    r = images_find_hash(server, addition.sha256, &known, &err);
    if (r < 0)
        api_reply_error(request, 500, NULL, "cannot read the images: %s", error_text(&err));
    else
        add(server, request, &addition, r == 0 ? &known : NULL);
    image_found_deinit(&known);
}

/* ---- showing ---- */

/* Images by their hashes, and the same in the order in which they are shown. */
struct image_list {
    json_t *images;
    json_t *list;
};

static int list_image(const struct store_image *image, void *userdata)
{
    struct image_list *list = userdata;

    json_object_set_new(list->images, image->sha256,
                        json_pack("{s:[],s:s,s:s,s:I,s:s,s:f,s:b}", "names", "sha256",
                                  image->sha256, "kind", image->kind, "size",
                                  (json_int_t)image->size, "user", image->user, "added_at",
                                  image->added_at, "complete", image->complete));
    return 0;
}

static int list_name(const struct store_image_name *name, void *userdata)
{
    struct image_list *list = userdata;
    json_t *image = json_object_get(list->images, name->sha256);
    json_t *names = json_object_get(image, "names");

    json_array_append_new(names, json_string(name->name));
    if (json_array_size(names) == 1)
        json_array_append(list->list, image);
    return 0;
}

/* By their first names, by the alphabet; then what has none. `sha256` NULL: all. */
static void reply_list(struct server *server, struct request *request, const char *sha256)
{
    struct image_list list = {.images = json_object(), .list = json_array()};
    _cleanup_error_ struct error err = ERROR_INIT;
    const char *key;
    json_t *image;
    int r = store_walk_images(server->store, sha256, list_image, &list, &err);

    if (r == 0)
        r = store_walk_image_names(server->store, NULL, sha256, list_name, &list, &err);
    json_object_foreach(list.images, key, image)
    {
        if (json_array_size(json_object_get(image, "names")) == 0)
            json_array_append(list.list, image);
    }
    if (r < 0)
        api_reply_error(request, 500, NULL, "cannot read the images: %s", error_text(&err));
    else
        api_reply_json(request, 200,
                       json_incref(sha256 ? json_array_get(list.list, 0) : list.list));
    json_decref(list.images);
    json_decref(list.list);
}

void api_images_list(struct server *server, struct request *request)
{
    reply_list(server, request, NULL);
}

static void no_such_image(struct request *request, const char *text)
{
    api_reply_error(request, 404, "'dusk image list' shows them", "there is no image '%.80s' here",
                    text);
}

void api_images_show(struct server *server, struct request *request, const char *text)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    struct image_found image = {0};
    int r = images_find(server, text, &image, &err);

    if (r < 0)
        api_reply_error(request, 500, NULL, "cannot read the images: %s", error_text(&err));
    else if (r > 0)
        no_such_image(request, text);
    else
        reply_list(server, request, image.sha256);
    image_found_deinit(&image);
}

/* ---- removing ---- */

void api_images_remove(struct server *server, struct request *request, const char *name)
{
    _cleanup_free_ char *user = NULL;
    char sha256[HASH_TEXT_SIZE] = "";

    user = user_of_name(server, name);
    if (!user) {
        no_such_image(request, name);
        return;
    }
    if (!may_change_name(request, name, user))
        return;
    (void)store_walk_image_names(server->store, name, NULL, take_old_image, sha256, NULL);
    store_begin(server->store);
    images_lose_name(server, sha256, name);
    store_remove_image_name(server->store, name);
    batch_commit(server);
    api_reply_json(request, 200, json_pack("{s:s}", "sha256", sha256));
}
