/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two kinds of JSON in an image of the Open Container Initiative (OCI Image Format
 * Specification 1.0, "image-layout.md", "image-index.md", "manifest.md"): an index names manifests
 * for computers, a manifest names layers. Images come from anywhere, so nothing in them is
 * believed.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"

enum { IMAGE_INDEX_SIZE_MAX = 4 << 20, IMAGE_LAYERS_MAX = 1024, IMAGE_DIGEST_SIZE = 65 };

/* The blobs that a text names, each by the 64 digits of its SHA-256. */
struct image_index {
    bool is_manifest; /* they are layers from the bottom up; else one is an index or a manifest */
    char (*digests)[IMAGE_DIGEST_SIZE]; /* owned */
    size_t count;
};

#define IMAGE_INDEX_INIT      ((struct image_index){0})
#define _cleanup_image_index_ _cleanup_(image_index_deinit)

void image_index_deinit(struct image_index *index);

/*
 * Of an index, that which is for this architecture ("amd64", "arm64"), or the only one. -EBADMSG if
 * it makes no sense, -ENOENT if there is none for this architecture, or it says not which of
 * several is meant.
 */
int image_index_read(struct slice text, const char *architecture, struct image_index *index,
                     struct error *err);
/* What OCI calls the architecture that uname(2) names "x86_64", "aarch64"...; itself if unknown. */
const char *image_index_architecture(const char *machine);
