/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree of files in memory, on its way to become an image: filled from a folder, from an archive,
 * or from layers on top of one another, and then written in the one form that images have
 * (wire/image_tree.h). Contents stay where they are until they are written.
 */
#pragma once

#include "wire/image_tree.h"

#include <sys/types.h>

struct image_tree;
struct image_file; /* a content with its permissions; it may have several names */

struct image_tree *image_tree_new(void);
struct image_tree *image_tree_free(struct image_tree *tree);
DEFINE_CLEANUP(struct image_tree *, image_tree_free);

/* Where the content of a file is: a file of its own, or a part of one that is open. */
struct image_origin {
    const char *path; /* copied; NULL: `fd` */
    int fd;           /* stays open as long as the tree is used; not the tree's */
    uint64_t offset;
};

/*
 * Paths are as an archive has them: "./usr//lib/" is "usr/lib". Links on the way to the last name
 * are followed within the tree, and never out of it; folders on the way that are not there are
 * made. What is there under the name already is replaced, but a folder by a folder keeps what is in
 * it. -EINVAL if a name cannot be in an image, -EFBIG if a file is too large for one.
 *
 * Permissions that an image does not have are dropped, as are times before 1970.
 */
int image_tree_add_folder(struct image_tree *tree, const char *path, mode_t mode, int64_t time,
                          struct error *err);
int image_tree_add_link(struct image_tree *tree, const char *path, const char *target, int64_t time,
                        struct error *err);
int image_tree_add_file(struct image_tree *tree, const char *path, mode_t mode, int64_t time,
                        uint64_t size, const struct image_origin *origin,
                        struct image_file **ret_file, struct error *err);
/* One more name of a file of this tree. */
int image_tree_add_name(struct image_tree *tree, const char *path, struct image_file *file,
                        struct error *err);
/* NULL if nothing, or no file, is there. */
struct image_file *image_tree_find_file(struct image_tree *tree, const char *path);
/* Its path stays the file's. */
struct image_origin image_file_origin(const struct image_file *file, uint64_t *ret_size);
/* With all that is in it; nothing there is as well. */
void image_tree_remove(struct image_tree *tree, const char *path);
/* All that is in the folder. */
void image_tree_remove_content(struct image_tree *tree, const char *path);

/*
 * Writes the whole tree, piece by piece; what the sink returns below 0 ends it and is passed on.
 * May be called again, and writes the same as long as no file has changed. -ESTALE names one that
 * has another size now.
 */
typedef int image_sink(void *userdata, const void *data, size_t length, struct error *err);
int image_tree_write(struct image_tree *tree, image_sink *sink, void *userdata, struct error *err);
