/* SPDX-License-Identifier: Apache-2.0 */
/* See image_layout.h: from index.json by way of one manifest to its layers. */
#include "image_layout.h"

#include "base/memory.h"
#include "image_index.h"
#include "sys/descriptor.h"
#include "sys/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* An index names a manifest, or another index that does. */
enum { INDEXES_MAX = 4, READ_SIZE = 256 * 1024 };

bool image_layout_is_one(struct image_tree *layout)
{
    return image_tree_find_file(layout, "oci-layout") && image_tree_find_file(layout, "index.json");
}

/* A part of the layout that is open. */
struct part {
    int fd;
    int own; /* the same if it is to be closed; else -1 */
    uint64_t offset, size;
};

static void part_close(struct part *part)
{
    part->own = descriptor_close(part->own);
}

static int part_open(struct image_tree *layout, const char *path, struct part *part,
                     struct error *err)
{
    const struct image_file *file = image_tree_find_file(layout, path);
    struct image_origin origin;

    if (!file)
        return error_set(err, -ENOENT, "its part '%s' is missing", path);
    origin = image_file_origin(file, &part->size);
    part->offset = origin.offset;
    if (!origin.path) {
        part->fd = origin.fd;
        return 0;
    }
    part->fd = part->own = open(origin.path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    return part->fd < 0 ? error_set_errno(err, -errno, "cannot open '%s'", origin.path) : 0;
}

/* Hands all bytes of the part to a hash, or to a text. */
static int part_read(const struct part *part, struct hash *hash, struct buffer *text,
                     struct error *err)
{
    _cleanup_buffer_ struct buffer piece = BUFFER_INIT;
    uint64_t done = 0;

    buffer_reserve(&piece, READ_SIZE);
    while (done < part->size) {
        uint64_t left = part->size - done;
        ssize_t n = pread(part->fd, piece.data, left < READ_SIZE ? left : READ_SIZE,
                          (off_t)(part->offset + done));

        if (n <= 0)
            return error_set(err, -EBADMSG, "a part of it cannot be read");
        if (hash)
            hash_add(hash, piece.data, (size_t)n);
        if (text)
            buffer_append(text, piece.data, (size_t)n);
        done += (uint64_t)n;
    }
    return 0;
}

static int open_blob(struct image_tree *layout, const char *digest, struct part *part,
                     struct error *err)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    struct hash *hash = hash_new();
    char found[HASH_TEXT_SIZE];
    int r;

    buffer_appendf(&path, "blobs/sha256/%s", digest);
    r = part_open(layout, path.data, part, err);
    if (r == 0)
        r = part_read(part, hash, NULL, err);
    hash_finish(hash, found);
    if (r == 0 && strcmp(found, digest) != 0)
        r = error_set(err, -EBADMSG, "its part '%s' is damaged", path.data);
    return r;
}

static int read_index(const struct part *part, struct image_index *index, struct error *err)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    struct utsname computer;
    int r;

    if (part->size > IMAGE_INDEX_SIZE_MAX)
        return error_set(err, -EBADMSG, "its description is larger than %d bytes",
                         IMAGE_INDEX_SIZE_MAX);
    r = part_read(part, NULL, &text, err);
    if (r < 0)
        return r;
    uname(&computer);
    return image_index_read((struct slice){buffer_text(&text), text.length},
                            image_index_architecture(computer.machine), index, err);
}

/* Down to the layers; never round in a circle. */
static int find_layers(struct image_tree *layout, struct image_index *index, struct error *err)
{
    struct part part = {.own = -1};
    int r = part_open(layout, "index.json", &part, err);

    for (int depth = 0; r == 0; depth++) {
        image_index_deinit(index);
        r = read_index(&part, index, err);
        part_close(&part);
        if (r < 0 || index->is_manifest)
            return r;
        if (depth == INDEXES_MAX)
            return error_set(err, -EBADMSG, "its indexes name one another without end");
        r = open_blob(layout, index->digests[0], &part, err);
    }
    part_close(&part);
    return r;
}

int image_layout_read(struct image_tree *layout, struct image_tree *tree, struct image_spool *spool,
                      struct image_counts *counts, struct error *err)
{
    _cleanup_image_index_ struct image_index layers = IMAGE_INDEX_INIT;
    int r = find_layers(layout, &layers, err);

    for (size_t i = 0; r == 0 && i < layers.count; i++) {
        struct part part = {.own = -1};

        r = open_blob(layout, layers.digests[i], &part, err);
        if (r == 0)
            r = image_archive_read(part.fd, part.offset, part.size, true, tree, spool, counts, err);
        part_close(&part);
    }
    return r < 0 ? error_prefix(err, r, "the OCI image in it") : 0;
}
