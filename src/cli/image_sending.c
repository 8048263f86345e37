/* SPDX-License-Identifier: Apache-2.0 */
/* See image_sending.h. Only one chunk is in memory at a time. */
#define _GNU_SOURCE
#include "image_sending.h"

#include "base/map.h"
#include "exit_code.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* How often the server may find something missing; more than once is a content that was lost. */
enum { ROUNDS_MAX = 3 };

struct sending {
    struct connection *connection;
    const char *path;
    const char *name;
    struct image_source source;
    struct image_manifest manifest;
    struct buffer chunk;
    size_t index;              /* of that chunk, while chunks are sent */
    struct string_map missing; /* their hashes */
};

static void sending_deinit(struct sending *sending)
{
    image_source_deinit(&sending->source);
    image_manifest_deinit(&sending->manifest);
    buffer_deinit(&sending->chunk);
    string_map_deinit(&sending->missing);
}

/* Cuts what is written into chunks, the last of them shorter, and hands each on. */
static int cut(struct sending *sending, const char *data, size_t length,
               int (*take)(struct sending *sending, struct error *err), struct error *err)
{
    int r = 0;

    while (r == 0 && length > 0) {
        size_t room = IMAGE_CHUNK_SIZE - sending->chunk.length,
               part = length < room ? length : room;

        buffer_append(&sending->chunk, data, part);
        data += part;
        length -= part;
        if (sending->chunk.length == IMAGE_CHUNK_SIZE)
            r = take(sending, err);
    }
    return r;
}

/* ---- hashing ---- */

static int hash_chunk(struct sending *sending, struct error *err)
{
    char sha256[HASH_TEXT_SIZE];
    int r;

    hash_bytes(sending->chunk.data, sending->chunk.length, sha256);
    r = image_manifest_add(&sending->manifest, sha256, sending->chunk.length, err);
    buffer_clear(&sending->chunk);
    return r;
}

static int hash_piece(void *userdata, const void *data, size_t length, struct error *err)
{
    return cut(userdata, data, length, hash_chunk, err);
}

static int hash_source(struct sending *sending, struct error *err)
{
    int r = image_source_write(&sending->source, hash_piece, sending, err);

    if (r == 0 && sending->chunk.length > 0)
        r = hash_chunk(sending, err);
    if (r == 0 && sending->manifest.chunk_count == 0)
        r = error_set(err, -EINVAL, "'%s' is empty", sending->path);
    sending->manifest.kind = sending->source.kind;
    return r;
}

/* ---- sending ---- */

static int refuse_changed(const struct sending *sending, struct error *err)
{
    error_set(err, -ESTALE, "'%s' changed while it was sent", sending->path);
    error_hint(err, "add it again when nothing writes to it any more");
    return -ESTALE;
}

/* In a file, because that is what is uploaded; in memory, because it is there already. */
static int upload_chunk(struct sending *sending, const char *sha256, struct error *err)
{
    _cleanup_fd_ int fd = memfd_create("chunk", MFD_CLOEXEC);
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    int r = fd < 0 ? -errno : file_write_all(fd, sending->chunk.data, sending->chunk.length);

    if (r < 0 || lseek(fd, 0, SEEK_SET) < 0)
        return error_set_errno(err, r < 0 ? r : -errno, "cannot keep a part of the image");
    buffer_appendf(&path, "/v1/content/%s", sha256);
    return connection_upload(sending->connection, path.data, fd, sending->chunk.length, err);
}

static int send_chunk(struct sending *sending, struct error *err)
{
    const struct image_manifest *manifest = &sending->manifest;
    size_t index = sending->index++;
    char sha256[HASH_TEXT_SIZE];
    uint64_t known;
    int r = 0;

    if (index >= manifest->chunk_count)
        return refuse_changed(sending, err);
    if (string_map_get(&sending->missing, manifest->chunks[index], &known)) {
        hash_bytes(sending->chunk.data, sending->chunk.length, sha256);
        if (strcmp(sha256, manifest->chunks[index]) != 0)
            return refuse_changed(sending, err);
        r = upload_chunk(sending, sha256, err);
        string_map_remove(&sending->missing, sha256);
    }
    buffer_clear(&sending->chunk);
    return r;
}

static int send_piece(void *userdata, const void *data, size_t length, struct error *err)
{
    return cut(userdata, data, length, send_chunk, err);
}

static int send_missing(struct sending *sending, const json_t *missing, struct error *err)
{
    int r;

    for (size_t i = 0; i < json_array_size(missing); i++)
        string_map_put(&sending->missing, json_string_value(json_array_get(missing, i)) ?: "", i);
    sending->index = 0;
    buffer_clear(&sending->chunk);
    r = image_source_write(&sending->source, send_piece, sending, err);
    if (r == 0 && sending->chunk.length > 0)
        r = send_chunk(sending, err);
    if (r == 0 && string_map_count(&sending->missing) > 0)
        r = refuse_changed(sending, err);
    return r;
}

/* The same request again and again, until nothing is missing any more. */
static int negotiate(struct sending *sending, const json_t *body, struct error *err)
{
    int r = 0;

    for (int round = 0; r == 0 && round < ROUNDS_MAX; round++) {
        _cleanup_json_ json_t *reply = NULL;
        const json_t *missing;

        r = connection_call(sending->connection, "POST", "/v1/images", body, &reply, err);
        if (r < 0)
            return r;
        missing = json_object_get(reply, "missing");
        if (json_array_size(missing) == 0)
            return 0;
        r = send_missing(sending, missing, err);
    }
    if (r < 0)
        return r;
    return error_set(err, -EAGAIN, "the server lost content that was uploaded a moment ago");
}

static int send_source(struct sending *sending, struct image_sent *ret_sent, struct error *err)
{
    _cleanup_json_ json_t *body = json_object();
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    int r;

    image_manifest_write(&sending->manifest, &text);
    json_object_set_new(body, "manifest", json_string(text.data));
    if (sending->name && json_object_set_new(body, "name", json_string(sending->name)) < 0)
        return error_set(err, FAILURE_USAGE, "the image's name is not UTF-8");
    r = negotiate(sending, body, err);
    if (r < 0)
        return r;
    *ret_sent = (struct image_sent){.kind = sending->manifest.kind,
                                    .size = sending->manifest.size,
                                    .left_out = sending->source.counts.left_out};
    hash_bytes(text.data, text.length, ret_sent->sha256);
    return 0;
}

int image_send(struct connection *connection, const char *path, const char *name,
               struct image_sent *ret_sent, struct error *err)
{
    _cleanup_(sending_deinit) struct sending sending = {
        .connection = connection, .path = path, .name = name, .source = IMAGE_SOURCE_INIT};
    int r;

    string_map_init(&sending.missing, false);
    r = image_source_open(path, &sending.source, err);
    if (r == 0)
        r = hash_source(&sending, err);
    return r == 0 ? send_source(&sending, ret_sent, err) : r;
}
