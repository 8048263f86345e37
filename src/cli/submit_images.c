/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See submit_images.h. A container_image may be a name or a path. With a '/' it is a path; without
 * one it is the name of an image if the server has one of that name, and else a file beside the
 * submit file, as in HTCondor. A docker_image is always a name.
 */
#include "submit_images.h"

#include "base/memory.h"
#include "exit_code.h"
#include "image_sending.h"
#include "net/client.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define COMMANDS "container_image|ContainerImage"

struct finder {
    struct connection *connection;
    const struct origin *origin;
    json_t *images; /* owned; text -> hash or null */
    json_t *paths;  /* owned; text -> the path that was added */
};

static void finder_deinit(struct finder *finder)
{
    json_decref(finder->images);
    json_decref(finder->paths);
}

/* Whether the server has an image of that name or hash. */
static int ask_server(const struct finder *finder, const char *text, bool *ret_known,
                      struct error *err)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    int r;

    buffer_append_text(&path, "/v1/images/");
    client_append_encoded(&path, text);
    r = connection_call(finder->connection, "GET", path.data, NULL, NULL, err);
    *ret_known = r == 0;
    if (r != FAILURE_NOT_FOUND)
        return r;
    error_clear(err);
    return 0;
}

/* "docker://debian:12" and "oras://…" name something elsewhere, and never a file. */
static bool is_address(const char *text)
{
    return strstr(text, "://") != NULL;
}

/* Whether the text means a file or folder here, with this path. */
static int find_path(const struct finder *finder, const struct submit_task *task, const char *text,
                     char **ret_path, struct error *err)
{
    _cleanup_free_ char *path = origin_path(finder->origin, task, text);
    bool known = false;
    int r = 0;

    if (is_address(text))
        return 0;
    if (!strchr(text, '/'))
        r = ask_server(finder, text, &known, err);
    /* What is neither a name nor a path is the server's to refuse, which knows the names. */
    if (r == 0 && !known && (strchr(text, '/') || access(path, F_OK) == 0))
        *ret_path = take_pointer(path);
    return r;
}

static int add_path(struct finder *finder, const char *text, const char *path, struct error *err)
{
    struct image_sent sent;
    int r = image_send(finder->connection, path, NULL, &sent, err);

    if (r < 0) {
        _cleanup_error_ struct error why = *err;

        *err = ERROR_INIT;
        origin_error(finder->origin, COMMANDS, r, err, "%s", error_text(&why));
        if (why.hint)
            error_hint(err, "%s", why.hint);
        return r;
    }
    json_object_set_new(finder->images, text, json_string(sent.sha256));
    json_object_set_new(finder->paths, text, json_string(path));
    return 0;
}

/* One text is one image for the whole job, whatever folders its tasks have. */
static int check_same(const struct finder *finder, const struct submit_task *task, const char *text,
                      struct error *err)
{
    const char *known = json_string_value(json_object_get(finder->paths, text));
    _cleanup_free_ char *path = origin_path(finder->origin, task, text);

    if (!known || strcmp(known, path) == 0)
        return 0;
    origin_error(finder->origin, COMMANDS, -EINVAL, err,
                 "'%s' is another image for each initialdir, '%s' and '%s'", text, known, path);
    error_hint(err, "write the whole path, for example with $(initialdir) in front");
    return -EINVAL;
}

static int add_task(void *userdata, const struct submit_task *task, struct error *err)
{
    struct finder *finder = userdata;
    const char *text = task->docker_image ? task->docker_image : task->container_image;
    _cleanup_free_ char *path = NULL;
    int r;

    if (task->universe == SUBMIT_VANILLA || !text)
        return 0;
    if (json_object_get(finder->images, text))
        return check_same(finder, task, text, err);
    r = task->docker_image ? 0 : find_path(finder, task, text, &path, err);
    if (r < 0)
        return r;
    if (path)
        return add_path(finder, text, path, err);
    if (json_object_set_new(finder->images, text, json_null()) < 0)
        return origin_error(finder->origin, COMMANDS, -EILSEQ, err,
                            "the name of the image is not UTF-8");
    return 0;
}

int submit_images_find(struct connection *connection, const struct submit *submit,
                       const struct origin *origin, json_t **ret_images, struct error *err)
{
    static const char *const names[] = {"universe", "container_image", "docker_image",
                                        "initialdir"};
    _cleanup_(finder_deinit) struct finder finder = {.connection = connection,
                                                     .origin = origin,
                                                     .images = json_object(),
                                                     .paths = json_object()};
    int r = origin_walk(submit, names, ARRAY_LENGTH(names), UINT64_MAX, add_task, &finder, err);

    if (r == 0)
        *ret_images = json_object_size(finder.images) > 0 ? json_incref(finder.images) : NULL;
    return r;
}
