/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images: what a container has as its root. One is a sequence of bytes, cut into chunks of one
 * size, each a content of the pool like any input. Its manifest is a text that lists their hashes,
 * and is a content, too; the manifest's own SHA-256 is the hash by which the image is known. So
 * whoever has that hash can check every byte that he is given, chunk by chunk.
 * doc/specification/images.md has the form.
 *
 * There is one text for one image: what is not just as image_manifest_write() writes it is refused.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "base/hash_text.h"

enum image_kind {
    IMAGE_TREE,     /* files and folders, in the form of image_tree.h; unpacked on nodes */
    IMAGE_SQUASHFS, /* file systems in a file, mounted as they are */
    IMAGE_EXT4,
    IMAGE_EROFS,
    IMAGE_KIND_COUNT
};

enum {
    IMAGE_CHUNK_SIZE = 4 << 20,
    IMAGE_CHUNKS_MAX = 65536, /* 256 GiB */
    IMAGE_MANIFEST_SIZE_MAX = 128 + IMAGE_CHUNKS_MAX * HASH_TEXT_SIZE,
    IMAGE_NAME_LENGTH_MAX = 128
};

struct image_manifest {
    enum image_kind kind;
    uint64_t size;                  /* bytes of all chunks; all but the last are full */
    char (*chunks)[HASH_TEXT_SIZE]; /* owned */
    size_t chunk_count;
    size_t chunk_capacity;
};

#define IMAGE_MANIFEST_INIT      ((struct image_manifest){0})
#define _cleanup_image_manifest_ _cleanup_(image_manifest_deinit)

void image_manifest_deinit(struct image_manifest *manifest);
/* One more chunk of so many bytes, 1 to IMAGE_CHUNK_SIZE, behind full ones. -EFBIG: too many. */
int image_manifest_add(struct image_manifest *manifest, const char *sha256, uint64_t size,
                       struct error *err);
uint64_t image_manifest_chunk_size(const struct image_manifest *manifest, size_t index);

/* Appends the text. The manifest has at least one chunk. */
void image_manifest_write(const struct image_manifest *manifest, struct buffer *text);
/* From outside: into an empty manifest. -EBADMSG says what is wrong. */
int image_manifest_read(struct slice text, struct image_manifest *manifest, struct error *err);

/* "tree", "squashfs"... */
const char *image_kind_name(enum image_kind kind);
bool image_kind_from_name(const char *name, enum image_kind *ret_kind);

/*
 * Whether an image may be called so: "debian12", "debian12:v2". Letters, digits and "._-", a letter
 * or a digit first, one ':' at most and something behind it, IMAGE_NAME_LENGTH_MAX bytes; and no
 * hash, which would be ambiguous.
 */
bool image_name_is_valid(const char *name);
