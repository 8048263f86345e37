/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives and folders, read into a tree that is to become an image. Contents of archives are
 * unpacked into one temporary file, because an archive cannot be read at two places.
 */
#pragma once

#include "image_tree.h"

/* Where the contents of archives lie until they are sent. */
struct image_spool {
    int fd; /* of a file without a name; -1: none was needed yet */
    uint64_t size;
};

#define IMAGE_SPOOL_INIT      ((struct image_spool){.fd = -1})
#define _cleanup_image_spool_ _cleanup_(image_spool_deinit)

void image_spool_deinit(struct image_spool *spool);

/* What became of the names that were read. */
struct image_counts {
    uint64_t taken;
    uint64_t left_out; /* devices, sockets, pipes */
};

/*
 * Adds what is in a tar archive, plain or compressed by gzip, bzip2, xz or zstd, that is a part of
 * an open file. As a layer it changes what is there: ".wh.NAME" takes NAME away, ".wh..wh..opq"
 * all that its folder had (OCI Image Layer Specification, "Whiteouts"). -EBADMSG if it is no
 * archive, or a damaged one.
 */
int image_archive_read(int fd, uint64_t offset, uint64_t size, bool is_layer,
                       struct image_tree *tree, struct image_spool *spool,
                       struct image_counts *counts, struct error *err);
/* Adds what is in the folder, but not what is mounted on folders in it; contents stay there. */
int image_folder_read(const char *path, struct image_tree *tree, struct image_counts *counts,
                      struct error *err);
