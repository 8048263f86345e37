/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See images_internal.h: how one image comes. First its manifest, which is a content with the hash
 * of the image; then, if some of it is here from before, a child compares that with the hashes;
 * then the chunks that are missing, a few at a time, each written to its place in one file; at last
 * a child unpacks that file, or leaves it as it is, and gives the whole its name.
 *
 * After each of these image_fetch_go_on() looks at what is there and does what comes next. So an
 * agent that begins in the middle, or a connection that comes back, needs nothing of its own.
 */
#define _GNU_SOURCE
#include "images_internal.h"

#include "base/memory.h"
#include "sys/descriptor.h"
#include "sys/file.h"
#include "sys/log.h"
#include "unpacking.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLDER_MODE = 0700, FAILURES_MAX = 8 };

static void go_on(struct images *images);

/* ---- the end of it ---- */

static void close_stream(struct image_stream *stream)
{
    hash_free(stream->hash);
    *stream = (struct image_stream){0};
}

/* What was on its way is missing again. */
static void drop_streams(struct image_fetch *fetch)
{
    for (size_t i = 0; i < IMAGE_STREAMS_MAX; i++) {
        struct image_stream *stream = &fetch->streams[i];

        if (stream->number != 0 && !stream->is_manifest)
            fetch->chunks.data[stream->chunk] = IMAGE_CHUNK_MISSING;
        close_stream(stream);
    }
    buffer_clear(&fetch->text);
}

static void cancel_streams(struct images *images)
{
    for (size_t i = 0; i < IMAGE_STREAMS_MAX; i++)
        if (images->fetch.streams[i].number != 0)
            images->world.cancel(images->world.userdata, images->fetch.streams[i].number);
    drop_streams(&images->fetch);
}

/* What has come of it counts on; what was unpacked of it is worth nothing. */
static void keep_part(struct images *images)
{
    struct image *image = images->fetch.image;
    _cleanup_free_ char *place = images_place_arriving(images, image->sha256);
    _cleanup_free_ char *data = file_join(place, "data"), *root = file_join(place, "root");
    struct stat status;

    image->bytes = stat(data, &status) == 0 ? (uint64_t)status.st_blocks * 512 : 0;
    if (access(root, F_OK) == 0)
        images_throw_away(images, root);
}

static void reset(struct image_fetch *fetch)
{
    image_manifest_deinit(&fetch->manifest);
    buffer_deinit(&fetch->text);
    buffer_deinit(&fetch->chunks);
    buffer_deinit(&fetch->answer);
    descriptor_close(fetch->fd);
    *fetch = (struct image_fetch){.fd = -1};
}

void image_fetch_stop(struct images *images)
{
    struct image_fetch *fetch = &images->fetch;

    if (!fetch->image)
        return;
    if (fetch->errand)
        errand_cancel(fetch->errand);
    cancel_streams(images);
    keep_part(images);
    reset(fetch);
}

static enum reason reason_of(int error)
{
    return error == -ENOSPC || error == -EDQUOT ? REASON_DISK_FULL_ON_NODE
                                                : REASON_CANNOT_FETCH_INPUT;
}

/* What makes no sense would make none the next time: it goes. */
static void fail(struct images *images, int code, struct error *err)
{
    struct image *image = images->fetch.image;
    _cleanup_free_ char *place = images_place_arriving(images, image->sha256);

    error_prefix(err, code, "its image %.12s cannot be had", image->sha256);
    image_fetch_stop(images);
    if (code == -EBADMSG || code == -EPROTO) {
        images_throw_away(images, place);
        image->bytes = 0;
    }
    images_arrived(images, image, reason_of(code), err);
}

/*
 * Images that nobody uses go before one that is needed now. It begins again when they are gone,
 * with all that has come of it.
 */
static void fail_or_wait(struct images *images, int code, struct error *err)
{
    struct image *image = images->fetch.image;

    if (reason_of(code) == REASON_DISK_FULL_ON_NODE) {
        (void)images_make_room(images, images->size_max);
        if (images_are_removing(images)) {
            image_fetch_stop(images);
            image->bytes = image->size;
            return;
        }
    }
    fail(images, code, err);
}

/* ---- children ---- */

static int run_check(void *context, struct error *err)
{
    struct images *images = context;

    return unpacking_check(images->fetch.fd, &images->fetch.manifest, &images->fetch.answer, err);
}

/* A child sees what was written, and may be killed; what it answers is all that remains of it. */
static void on_checked(void *context, int result, const struct error *err)
{
    struct images *images = context;
    struct image_fetch *fetch = &images->fetch;
    _cleanup_error_ struct error why = ERROR_INIT;

    fetch->errand = NULL;
    if (result == 0 && fetch->answer.length == fetch->manifest.chunk_count) {
        buffer_append(&fetch->chunks, fetch->answer.data, fetch->answer.length);
        go_on(images);
        return;
    }
    error_set(&why, -EIO, "%s", error_text(err));
    fail(images, -EIO, &why);
}

static int unpack_tree(const struct images *images, const char *place, uint64_t *ret_bytes,
                       struct error *err)
{
    _cleanup_free_ char *root = file_join(place, "root");
    int r = file_remove_tree(root, err);

    if (r == 0)
        r = file_make_folders(root, FOLDER_MODE, err);
    return r == 0
               ? unpacking_run(images->fetch.fd, images->fetch.manifest.size, root, ret_bytes, err)
               : r;
}

/* A file system is on the disk before it is called an image, as a tree is. */
static int keep_file(const struct images *images, const char *place, uint64_t *ret_bytes,
                     struct error *err)
{
    _cleanup_free_ char *data = file_join(place, "data"), *image = file_join(place, "image");

    if (fchmod(images->fetch.fd, 0444) < 0 || fsync(images->fetch.fd) < 0 ||
        (link(data, image) < 0 && errno != EEXIST))
        return error_set_errno(err, -errno, "cannot keep '%s'", image);
    *ret_bytes = images->fetch.manifest.size;
    return 0;
}

static int write_about(const struct images *images, const char *place, uint64_t bytes,
                       struct error *err)
{
    _cleanup_free_ char *about = file_join(place, "about");
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    buffer_appendf(&text, "%s %llu\n", image_kind_name(images->fetch.manifest.kind),
                   (unsigned long long)bytes);
    return file_replace(about, text.data, text.length, 0400, true, err);
}

/* Its name last, when all that belongs to it is there. */
static int run_finish(void *context, struct error *err)
{
    struct images *images = context;
    const char *sha256 = images->fetch.image->sha256;
    _cleanup_free_ char *arriving = images_place_arriving(images, sha256),
                        *place = images_place(images, sha256), *data = file_join(place, "data");
    bool is_tree = images->fetch.manifest.kind == IMAGE_TREE;
    uint64_t bytes = 0;
    int r = is_tree ? unpack_tree(images, arriving, &bytes, err)
                    : keep_file(images, arriving, &bytes, err);

    if (r == 0)
        r = write_about(images, arriving, bytes, err);
    if (r == 0 && rename(arriving, place) < 0)
        r = error_set_errno(err, -errno, "cannot rename '%s' to '%s'", arriving, place);
    if (r < 0)
        return r;
    unlink(data);
    buffer_append(&images->fetch.answer, &bytes, sizeof(bytes));
    return 0;
}

static void on_finished(void *context, int result, const struct error *err)
{
    struct images *images = context;
    struct image_fetch *fetch = &images->fetch;
    struct image *image = fetch->image;
    _cleanup_error_ struct error why = ERROR_INIT;

    fetch->errand = NULL;
    if (result < 0) {
        error_set(&why, result, "%s", error_text(err));
        fail_or_wait(images, result, &why);
        image_fetch_next(images);
        return;
    }
    image->kind = fetch->manifest.kind;
    if (fetch->answer.length == sizeof(image->bytes))
        memcpy(&image->bytes, fetch->answer.data, sizeof(image->bytes));
    reset(fetch);
    log_notice("the image %s is here", image->sha256);
    images_arrived(images, image, REASON_NONE, NULL);
}

static int start_errand(struct images *images, int (*run)(void *context, struct error *err),
                        void (*on_done)(void *context, int result, const struct error *err),
                        struct error *err)
{
    struct errand_task task = {
        .run = run, .on_done = on_done, .context = images, .answer = &images->fetch.answer};

    buffer_clear(&images->fetch.answer);
    return errand_start(images->loop, &task, &images->fetch.errand, err);
}

/* ---- asking ---- */

static struct image_stream *find_stream(struct image_fetch *fetch, uint64_t number)
{
    for (size_t i = 0; i < IMAGE_STREAMS_MAX; i++)
        if (fetch->streams[i].number == number)
            return &fetch->streams[i];
    return NULL;
}

static void ask_manifest(struct images *images)
{
    struct image_stream *stream = &images->fetch.streams[0];

    if (stream->number == 0)
        *stream = (struct image_stream){
            .number = images->world.want(images->world.userdata, images->fetch.image->sha256),
            .is_manifest = true};
}

/* As many at once as keep the line busy. */
static void ask_chunks(struct images *images)
{
    struct image_fetch *fetch = &images->fetch;
    struct image_stream *stream;

    for (size_t i = 0; i < fetch->chunks.length && (stream = find_stream(fetch, 0)); i++) {
        uint64_t number;

        if (fetch->chunks.data[i] != IMAGE_CHUNK_MISSING)
            continue;
        number = images->world.want(images->world.userdata, fetch->manifest.chunks[i]);
        if (number == 0)
            return;
        *stream = (struct image_stream){.number = number, .chunk = i, .hash = hash_new()};
        fetch->chunks.data[i] = IMAGE_CHUNK_ASKED;
    }
}

static bool has_all(const struct image_fetch *fetch)
{
    for (size_t i = 0; i < fetch->chunks.length; i++)
        if (fetch->chunks.data[i] != IMAGE_CHUNK_RIGHT)
            return false;
    return fetch->chunks.length > 0;
}

/* ---- the manifest ---- */

/* Its hash was compared; what it says must be what the server said of the image. */
static int take_manifest(struct images *images, struct slice text, struct error *err)
{
    const struct image *image = images->fetch.image;
    struct image_manifest *manifest = &images->fetch.manifest;
    int r = image_manifest_read(text, manifest, err);

    if (r == 0 && (manifest->size != image->size || manifest->kind != image->kind))
        r = error_set(err, -EBADMSG,
                      "it is another kind of image than was said, or of another "
                      "size");
    if (r < 0)
        image_manifest_deinit(manifest);
    return r;
}

static char *manifest_path(const struct images *images)
{
    _cleanup_free_ char *place = images_place_arriving(images, images->fetch.image->sha256);

    return file_join(place, "manifest");
}

/* What a power cut left of it is found by its hash, and comes again. */
static void find_manifest(struct images *images)
{
    _cleanup_free_ char *path = manifest_path(images);
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    char found[HASH_TEXT_SIZE];

    if (file_read(path, IMAGE_MANIFEST_SIZE_MAX, &text, NULL) < 0)
        return;
    hash_bytes(buffer_text(&text), text.length, found);
    if (strcmp(found, images->fetch.image->sha256) == 0)
        (void)take_manifest(images, (struct slice){buffer_text(&text), text.length}, NULL);
}

static void end_manifest(struct images *images)
{
    struct image_fetch *fetch = &images->fetch;
    struct slice text = {buffer_text(&fetch->text), fetch->text.length};
    _cleanup_free_ char *path = manifest_path(images);
    _cleanup_error_ struct error err = ERROR_INIT;
    char found[HASH_TEXT_SIZE];
    int r;

    hash_bytes(text.data, text.length, found);
    if (strcmp(found, fetch->image->sha256) != 0)
        r = error_set(&err, -EBADMSG, "its list of chunks is not the one that was announced");
    else
        r = take_manifest(images, text, &err);
    if (r == 0)
        r = file_replace(path, text.data, text.length, 0600, false, &err);
    buffer_deinit(&fetch->text);
    if (r < 0)
        fail_or_wait(images, r, &err);
    else
        go_on(images);
}

/* ---- going on ---- */

static int open_data(struct images *images, struct error *err)
{
    struct image_fetch *fetch = &images->fetch;
    _cleanup_free_ char *place = images_place_arriving(images, fetch->image->sha256);
    _cleanup_free_ char *path = file_join(place, "data");
    struct stat status;

    fetch->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fetch->fd < 0 || fstat(fetch->fd, &status) < 0)
        return error_set_errno(err, -errno, "cannot open '%s'", path);
    if (status.st_size > 0)
        return start_errand(images, run_check, on_checked, err);
    for (size_t i = 0; i < fetch->manifest.chunk_count; i++)
        buffer_append_character(&fetch->chunks, IMAGE_CHUNK_MISSING);
    return 0;
}

/* Does what comes next; nothing if a child or the server is to speak first. */
static void go_on(struct images *images)
{
    struct image_fetch *fetch = &images->fetch;
    _cleanup_error_ struct error err = ERROR_INIT;
    int r = 0;

    if (!fetch->image || fetch->errand)
        return;
    if (fetch->manifest.chunk_count == 0) {
        ask_manifest(images);
        return;
    }
    if (fetch->fd < 0)
        r = open_data(images, &err);
    if (r == 0 && !fetch->errand && has_all(fetch))
        r = start_errand(images, run_finish, on_finished, &err);
    else if (r == 0 && !fetch->errand)
        ask_chunks(images);
    if (r < 0)
        fail_or_wait(images, r, &err);
}

static void begin(struct images *images, struct image *image)
{
    _cleanup_free_ char *place = images_place_arriving(images, image->sha256);
    _cleanup_error_ struct error err = ERROR_INIT;
    int r;

    images->fetch.image = image;
    image->bytes = image->size;
    r = file_make_folders(place, FOLDER_MODE, &err);
    if (r < 0) {
        fail_or_wait(images, r, &err);
        return;
    }
    find_manifest(images);
    go_on(images);
}

static struct image *find_next(struct images *images)
{
    struct image *next = NULL;

    for (size_t i = 0; i < images->count; i++) {
        struct image *image = images->items[i];

        if (image->wanted > 0 && (!next || image->wanted < next->wanted))
            next = image;
    }
    return next;
}

/* If what is in use leaves no room, it waits for that, and those behind it, too. */
void image_fetch_next(struct images *images)
{
    struct image *next = images->fetch.image ? NULL : find_next(images);
    uint64_t before;

    if (!next || (next->bytes >= next->size && images_are_removing(images)))
        return;
    before = next->bytes;
    next->bytes = 0;
    if (images_make_room(images, next->size))
        begin(images, next);
    else
        next->bytes = before;
}

/* ---- from the server ---- */

void images_connected(struct images *images)
{
    go_on(images);
}

void images_disconnected(struct images *images)
{
    drop_streams(&images->fetch);
}

static int take_piece(struct images *images, struct image_stream *stream, struct slice bytes,
                      struct error *err)
{
    struct image_fetch *fetch = &images->fetch;
    uint64_t room = stream->is_manifest
                        ? IMAGE_MANIFEST_SIZE_MAX
                        : image_manifest_chunk_size(&fetch->manifest, stream->chunk);
    uint64_t place = (uint64_t)stream->chunk * IMAGE_CHUNK_SIZE + stream->received;

    if (bytes.length > room - stream->received)
        return error_set(err, -EPROTO, "more came than was announced");
    stream->received += bytes.length;
    if (stream->is_manifest) {
        buffer_append_slice(&fetch->text, bytes);
        return 0;
    }
    hash_add(stream->hash, bytes.data, bytes.length);
    for (size_t done = 0; done < bytes.length;) {
        ssize_t n =
            pwrite(fetch->fd, bytes.data + done, bytes.length - done, (off_t)(place + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_set_errno(err, n < 0 ? -errno : -EIO, "cannot write a part of it");
        done += (size_t)n;
    }
    return 0;
}

void images_piece(struct images *images, uint64_t number, struct slice bytes)
{
    struct image_stream *stream = number > 0 ? find_stream(&images->fetch, number) : NULL;
    _cleanup_error_ struct error err = ERROR_INIT;
    int r = stream ? take_piece(images, stream, bytes, &err) : 0;

    if (r < 0)
        fail_or_wait(images, r, &err);
}

/* A chunk that is wrong comes again: its file on the server may have been repaired meanwhile. */
static void end_chunk(struct images *images, struct image_stream *stream)
{
    struct image_fetch *fetch = &images->fetch;
    _cleanup_error_ struct error err = ERROR_INIT;
    size_t chunk = stream->chunk;
    char found[HASH_TEXT_SIZE];

    hash_finish(take_pointer(stream->hash), found);
    close_stream(stream);
    if (strcmp(found, fetch->manifest.chunks[chunk]) == 0) {
        fetch->chunks.data[chunk] = IMAGE_CHUNK_RIGHT;
    } else if (++fetch->failures < FAILURES_MAX) {
        log_warning("a part of the image %s came damaged; fetching it again", fetch->image->sha256);
        fetch->chunks.data[chunk] = IMAGE_CHUNK_MISSING;
    } else {
        error_set(&err, -EIO, "parts of it come damaged from the server, again and again");
        fail(images, -EIO, &err);
        return;
    }
    go_on(images);
}

void images_ended(struct images *images, const struct wire_end *end)
{
    struct image_stream *stream = end->stream > 0 ? find_stream(&images->fetch, end->stream) : NULL;
    _cleanup_error_ struct error err = ERROR_INIT;

    if (!stream)
        return;
    if (end->failure != REASON_NONE) {
        error_set(&err, -EIO, "%s", end->detail ? end->detail : "the server could not send it");
        close_stream(stream);
        fail(images, -EIO, &err);
    } else if (stream->is_manifest) {
        close_stream(stream);
        end_manifest(images);
    } else {
        end_chunk(images, stream);
    }
}
