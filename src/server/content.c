/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input files by their SHA-256, STATE/content/ab/abcdef…: stored once however many jobs and tasks
 * want them, and removed when no job that is not over needs them any more.
 */
#include "server.h"

#include "base/memory.h"
#include "sys/clock.h"
#include "sys/descriptor.h"
#include "sys/file.h"
#include "sys/hash.h"
#include "sys/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

char *content_path(const struct server *server, const char *sha256)
{
    struct buffer path = BUFFER_INIT;

    buffer_appendf(&path, "%s/content/%.2s/%s", server->options.state_folder, sha256, sha256);
    return buffer_take(&path);
}

bool content_is_here(const struct server *server, const char *sha256)
{
    _cleanup_free_ char *path = content_path(server, sha256);

    return access(path, R_OK) == 0;
}

int content_put(struct server *server, const char *sha256, struct slice bytes, struct error *err)
{
    _cleanup_free_ char *path = content_path(server, sha256);
    char *slash = strrchr(path, '/');
    int r;

    if (content_is_here(server, sha256))
        return 0;
    *slash = '\0';
    r = file_make_folders(path, 0700, err);
    *slash = '/';
    return r < 0 ? r : file_replace(path, bytes.data, bytes.length, 0600, true, err);
}

static int sweep_one(const char *sha256, uint64_t size, void *userdata)
{
    struct server *server = userdata;
    _cleanup_free_ char *path = content_path(server, sha256);

    (void)size;
    if (unlink(path) < 0 && errno != ENOENT)
        log_warning("cannot remove the content '%s': %s", path, strerror(errno));
    else
        store_forget_content(server->store, sha256);
    return 0;
}

void content_sweep(struct server *server)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    store_begin(server->store);
    (void)store_walk_unneeded_contents(server->store, sweep_one, server, NULL);
    if (store_commit(server->store, &err) < 0)
        log_warning("cannot store which contents are gone: %s", error_text(&err));
}

/* PUT /v1/content/SHA256: written beside while it comes, renamed when its hash is right. */
struct upload {
    int fd;
    char *path; /* owned; beside its place */
    char *sha256;
    struct hash *hash;
    int failure;
};

static void refuse_upload(struct request *request, int failure)
{
    if (failure == -ENOSPC)
        room_refuse(request);
    else
        api_reply_error(request, 500, "see the server's state folder, or tell who runs the pool",
                        "cannot store an input file on the server: %s", strerror(-failure));
}

struct body_plan api_content_begin(struct server *server, struct request *request)
{
    const char *sha256 = strrchr(request_path(request), '/') + 1;
    struct api_call *call = api_call_of(request);
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    _cleanup_free_ char *place = content_path(server, sha256);
    struct upload *upload = memory_allocate(sizeof(*upload));

    buffer_append(&path, place, (size_t)(strrchr(place, '/') - place));
    upload->failure = file_make_folders(path.data, 0700, NULL);
    buffer_appendf(&path, "/.%s-%llu", sha256, (unsigned long long)clock_boot_us());
    upload->path = buffer_take(&path);
    upload->sha256 = memory_copy_string(sha256);
    upload->hash = hash_new();
    upload->fd = open(upload->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (upload->fd < 0 && upload->failure == 0)
        upload->failure = -errno;
    /* At once, before megabytes travel in vain. */
    if (upload->failure == 0)
        upload->failure = room_check_write(upload->fd, request_body_size(request));
    if (upload->failure < 0)
        refuse_upload(request, upload->failure);
    call->upload = upload;
    return (struct body_plan){.streamed = true, .size_max = INT64_MAX};
}

void api_content_body(struct request *request, struct slice piece)
{
    struct upload *upload = api_call_of(request)->upload;

    if (!upload || upload->failure < 0)
        return;
    hash_add(upload->hash, piece.data, piece.length);
    /* Again, because others fill the same disk meanwhile. */
    upload->failure = room_check_write(upload->fd, piece.length);
    if (upload->failure == 0)
        upload->failure = file_write_all(upload->fd, piece.data, piece.length);
}

void api_content_abandon(struct api_call *call)
{
    struct upload *upload = call->upload;

    if (!upload)
        return;
    unlink(upload->path);
    descriptor_close(upload->fd);
    hash_free(upload->hash);
    free(upload->path);
    free(upload->sha256);
    free(upload);
    call->upload = NULL;
}

/* The content must survive a power cut, since a job that needs it may be acknowledged next. */
static int upload_publish(struct server *server, struct upload *upload)
{
    _cleanup_free_ char *place = content_path(server, upload->sha256);

    if (fsync(upload->fd) < 0 || rename(upload->path, place) < 0)
        return -errno;
    return 0;
}

void api_content_finish(struct request *request)
{
    struct api_call *call = api_call_of(request);
    struct upload *upload = call->upload;
    char found[HASH_TEXT_SIZE];

    if (!upload)
        return;
    hash_finish(upload->hash, found);
    upload->hash = NULL;
    if (upload->failure == 0 && strcmp(found, upload->sha256) != 0) {
        api_reply_error(request, 400, "the file changed while it was sent; submit again",
                        "the content does not have the hash that it was sent under");
    } else {
        if (upload->failure == 0)
            upload->failure = upload_publish(call->server, upload);
        if (upload->failure < 0)
            refuse_upload(request, upload->failure);
        else
            api_reply_json(request, 200, json_object());
    }
    api_content_abandon(call);
}

void api_content_missing(struct server *server, struct request *request, const json_t *body)
{
    json_t *missing = json_array();
    size_t index;
    json_t *item;

    json_array_foreach(json_object_get(body, "sha256"), index, item)
    {
        const char *sha256 = json_string_value(item);

        if (sha256 && hash_text_is_valid(sha256) && !content_is_here(server, sha256))
            json_array_append(missing, item);
    }
    api_reply_json(request, 200, json_pack("{s:o}", "missing", missing));
}
