/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See unpacking.h. Entries come folder by folder, so that the folders that are open are just those
 * on the way to the entry: each name is made in a folder that this process has made and has held
 * open since. A folder gets its permissions when it is left, because until then it must be open to
 * us.
 */
#define _GNU_SOURCE
#include "unpacking.h"

#include "base/memory.h"
#include "sys/descriptor.h"
#include "sys/file.h"
#include "sys/hash.h"
#include "wire/image_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PIECE_SIZE = 256 * 1024,
    BLOCK_SIZE = 4096, /* that file systems give away at a time, mostly */
    ROOT_MODE = 0755
};

/* A folder that was begun. */
struct level {
    int fd;
    size_t length; /* of its path */
    uint32_t mode;
    uint64_t time;
};

struct unpacking {
    int data;
    uint64_t offset, size;
    struct level levels[IMAGE_TREE_DEPTH_MAX + 1]; /* the first is the root */
    size_t depth;
    struct image_entry before; /* the last one that was unpacked */
    char *piece;               /* owned */
    uint64_t bytes;
};

/* ---- reading ---- */

/* Exactly so many bytes; the file has them, or the disk is failing. */
static int read_at(int fd, void *data, size_t length, uint64_t offset, struct error *err)
{
    size_t done = 0;

    while (done < length) {
        ssize_t n = pread(fd, (char *)data + done, length - done, (off_t)(offset + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_set_errno(err, n < 0 ? -errno : -EIO, "cannot read the image");
        done += (size_t)n;
    }
    return 0;
}

int unpacking_check(int fd, const struct image_manifest *manifest, struct buffer *ret_chunks,
                    struct error *err)
{
    _cleanup_free_ char *chunk = memory_resize(NULL, IMAGE_CHUNK_SIZE, 1);
    struct stat status;

    if (fstat(fd, &status) < 0)
        return error_set_errno(err, -errno, "cannot read the image");
    for (size_t i = 0; i < manifest->chunk_count; i++) {
        uint64_t begin = (uint64_t)i * IMAGE_CHUNK_SIZE;
        size_t length = image_manifest_chunk_size(manifest, i);
        char found[HASH_TEXT_SIZE] = "";

        if (begin + length <= (uint64_t)status.st_size) {
            int r = read_at(fd, chunk, length, begin, err);

            if (r < 0)
                return r;
            hash_bytes(chunk, length, found);
        }
        buffer_append_character(ret_chunks, strcmp(found, manifest->chunks[i]) == 0);
    }
    return 0;
}

/* ---- one entry ---- */

static const char *last_name(const struct image_entry *entry)
{
    const char *slash = strrchr(entry->path, '/');

    return slash ? slash + 1 : entry->path;
}

static int fail(const struct image_entry *entry, struct error *err)
{
    return error_set_errno(err, -errno, "cannot unpack '%s'", entry->path);
}

static struct timespec time_of(uint64_t time)
{
    return (struct timespec){.tv_sec = (time_t)time};
}

/* Its permissions last, which may be closed to ourselves. */
static int set_about(int fd, uint32_t mode, uint64_t time)
{
    struct timespec times[] = {time_of(time), time_of(time)};

    return futimens(fd, times) < 0 || fchmod(fd, mode) < 0 ? -errno : 0;
}

static int copy_content(struct unpacking *unpacking, const struct image_entry *entry, int fd,
                        struct error *err)
{
    uint64_t left = entry->size;

    while (left > 0) {
        size_t length = left < PIECE_SIZE ? left : PIECE_SIZE;
        int r = read_at(unpacking->data, unpacking->piece, length, unpacking->offset, err);

        if (r < 0)
            return r;
        r = file_write_all(fd, unpacking->piece, length);
        if (r < 0)
            return error_set_errno(err, r, "cannot unpack '%s'", entry->path);
        unpacking->offset += length;
        left -= length;
    }
    return 0;
}

/* Zeros, as in the one form that a tree has. */
static int pass_padding(struct unpacking *unpacking, const struct image_entry *entry,
                        struct error *err)
{
    static const char zeros[IMAGE_TREE_BLOCK];
    size_t length = image_entry_padding(entry);
    int r = read_at(unpacking->data, unpacking->piece, length, unpacking->offset, err);

    if (r < 0)
        return r;
    if (memcmp(unpacking->piece, zeros, length) != 0)
        return error_set(err, -EBADMSG,
                         "the image is not well formed: something stands behind a "
                         "file");
    unpacking->offset += length;
    return 0;
}

static int unpack_file(struct unpacking *unpacking, const struct image_entry *entry, int parent,
                       struct error *err)
{
    _cleanup_fd_ int fd = -1;
    int r;

    /* Before the disk is filled with what it promises. */
    if (entry->size + image_entry_padding(entry) > unpacking->size - unpacking->offset)
        return error_set(err, -EBADMSG, "the image is not well formed: it ends within a file");
    fd = openat(parent, last_name(entry), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                0600);
    if (fd < 0)
        return fail(entry, err);
    r = copy_content(unpacking, entry, fd, err);
    if (r == 0)
        r = pass_padding(unpacking, entry, err);
    if (r == 0 && set_about(fd, entry->mode, entry->time) < 0)
        r = fail(entry, err);
    unpacking->bytes += (entry->size + BLOCK_SIZE - 1) / BLOCK_SIZE * BLOCK_SIZE;
    return r;
}

static int unpack_folder(struct unpacking *unpacking, const struct image_entry *entry, int parent,
                         struct error *err)
{
    const char *name = last_name(entry);
    int fd;

    if (mkdirat(parent, name, 0700) < 0)
        return fail(entry, err);
    fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return fail(entry, err);
    unpacking->levels[unpacking->depth++] = (struct level){
        .fd = fd, .length = strlen(entry->path), .mode = entry->mode, .time = entry->time};
    unpacking->bytes += BLOCK_SIZE;
    return 0;
}

static int unpack_link(const struct image_entry *entry, int parent, struct error *err)
{
    struct timespec times[] = {time_of(entry->time), time_of(entry->time)};
    const char *name = last_name(entry);

    if (symlinkat(entry->target, parent, name) < 0 ||
        utimensat(parent, name, times, AT_SYMLINK_NOFOLLOW) < 0)
        return fail(entry, err);
    return 0;
}

/* The folder that a path of this tree is in, from the root on, name by name. */
static int open_folder_of(const struct unpacking *unpacking, const char *path)
{
    int fd = openat(unpacking->levels[0].fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    const char *slash;

    for (; fd >= 0 && (slash = strchr(path, '/')); path = slash + 1) {
        _cleanup_free_ char *name = memory_copy_bytes(path, (size_t)(slash - path));
        int next = openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        descriptor_close(fd);
        fd = next;
    }
    return fd;
}

static int unpack_same(const struct unpacking *unpacking, const struct image_entry *entry,
                       int parent, struct error *err)
{
    _cleanup_fd_ int folder = open_folder_of(unpacking, entry->target);
    const char *slash = strrchr(entry->target, '/');
    const char *name = slash ? slash + 1 : entry->target;
    struct stat status;

    if (folder < 0 || fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return fail(entry, err);
    if (!S_ISREG(status.st_mode))
        return error_set(err, -EBADMSG,
                         "the image is not well formed: '%s' is another name of "
                         "something that is no file",
                         entry->path);
    return linkat(folder, name, parent, last_name(entry), 0) < 0 ? fail(entry, err) : 0;
}

/* ---- all of them ---- */

static int leave_folder(struct unpacking *unpacking, struct error *err)
{
    struct level *level = &unpacking->levels[--unpacking->depth];
    int r = set_about(level->fd, level->mode, level->time);

    level->fd = descriptor_close(level->fd);
    return r < 0 ? error_set_errno(err, r, "cannot unpack a folder of the image") : 0;
}

/* The order was checked: whatever is longer than the folder of the entry is not on its way. */
static int leave_folders(struct unpacking *unpacking, const struct image_entry *entry,
                         struct error *err)
{
    const char *slash = strrchr(entry->path, '/');
    size_t length = slash ? (size_t)(slash - entry->path) : 0;
    int r = 0;

    while (r == 0 && unpacking->levels[unpacking->depth - 1].length > length)
        r = leave_folder(unpacking, err);
    return r;
}

static int unpack_entry(struct unpacking *unpacking, const struct image_entry *entry,
                        struct error *err)
{
    int parent = unpacking->levels[unpacking->depth - 1].fd;

    switch (entry->kind) {
    case IMAGE_ENTRY_FILE:
        return unpack_file(unpacking, entry, parent, err);
    case IMAGE_ENTRY_FOLDER:
        return unpack_folder(unpacking, entry, parent, err);
    case IMAGE_ENTRY_LINK:
        return unpack_link(entry, parent, err);
    case IMAGE_ENTRY_SAME:
        return unpack_same(unpacking, entry, parent, err);
    }
    abort();
}

static int read_entry(struct unpacking *unpacking, struct image_entry *entry, struct error *err)
{
    uint64_t left = unpacking->size - unpacking->offset;
    size_t length = left < IMAGE_TREE_HEAD_MAX ? left : IMAGE_TREE_HEAD_MAX;
    int r = read_at(unpacking->data, unpacking->piece, length, unpacking->offset, err);

    if (r == 0)
        r = image_entry_read((struct slice){unpacking->piece, length}, entry, &length, err);
    if (r == 0)
        unpacking->offset += length;
    return r;
}

/* Returns 1 behind the last one. */
static int unpack_next(struct unpacking *unpacking, struct error *err)
{
    _cleanup_image_entry_ struct image_entry entry = IMAGE_ENTRY_INIT;
    int r = read_entry(unpacking, &entry, err);

    if (r != 0)
        return r;
    r = image_entry_check_order(unpacking->before.path ? &unpacking->before : NULL, &entry, err);
    if (r == 0)
        r = leave_folders(unpacking, &entry, err);
    if (r == 0)
        r = unpack_entry(unpacking, &entry, err);
    image_entry_deinit(&unpacking->before);
    unpacking->before = entry;
    entry = IMAGE_ENTRY_INIT;
    return r;
}

static void unpacking_deinit(struct unpacking *unpacking)
{
    while (unpacking->depth > 0)
        descriptor_close(unpacking->levels[--unpacking->depth].fd);
    image_entry_deinit(&unpacking->before);
    free(unpacking->piece);
}

/* A power cut must not leave empty files under names that look whole. */
static int finish(struct unpacking *unpacking, const char *folder, struct error *err)
{
    _cleanup_fd_ int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = 0;

    while (r == 0 && unpacking->depth > 0)
        r = leave_folder(unpacking, err);
    if (r == 0 && (fd < 0 || syncfs(fd) < 0))
        r = error_set_errno(err, -errno, "cannot flush '%s'", folder);
    return r;
}

int unpacking_run(int fd, uint64_t size, const char *folder, uint64_t *ret_bytes, struct error *err)
{
    _cleanup_(unpacking_deinit) struct unpacking unpacking = {.data = fd, .size = size};
    int root = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r;

    if (root < 0)
        return error_set_errno(err, -errno, "cannot open '%s'", folder);
    unpacking.levels[unpacking.depth++] = (struct level){.fd = root, .mode = ROOT_MODE};
    unpacking.piece = memory_resize(NULL, PIECE_SIZE, 1);
    do
        r = unpack_next(&unpacking, err);
    while (r == 0);
    if (r > 0)
        r = finish(&unpacking, folder, err);
    if (r == 0)
        *ret_bytes = unpacking.bytes;
    return r;
}
