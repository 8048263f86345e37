/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people have as an image, and how it becomes one: a folder, a tar archive, the layers of an
 * OCI image, or a file with a file system in it. Which of these a path is, is seen in it.
 */
#pragma once

#include "image_archive.h"
#include "wire/image.h"

struct image_source {
    enum image_kind kind;
    struct image_tree *tree; /* owned; of a IMAGE_TREE */
    struct image_spool spool;
    int fd; /* of a file system; -1: none */
    struct image_counts counts;
};

#define IMAGE_SOURCE_INIT      ((struct image_source){.spool = IMAGE_SPOOL_INIT, .fd = -1})
#define _cleanup_image_source_ _cleanup_(image_source_deinit)

void image_source_deinit(struct image_source *source);
/* Into an empty source. The error names the path. */
int image_source_open(const char *path, struct image_source *source, struct error *err);
/* Writes the image, as often as it is called. */
int image_source_write(struct image_source *source, image_sink *sink, void *userdata,
                       struct error *err);
