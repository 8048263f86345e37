/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree of files in one stream of bytes, as images have it: a tar archive of POSIX.1-2017 (pax,
 * "pax Interchange Format") that any tar can read, but one alone for one tree. All belongs to root;
 * nobody but root may write; there are no devices, no setuid bits and no extended attributes.
 * doc/specification/images.md has the rules.
 *
 * Whoever unpacks reads no other archive than this: an entry whose bytes differ from those that
 * image_entry_append() would write is refused, and so is one that does not stand where it must.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"

enum {
    IMAGE_TREE_BLOCK = 512,
    IMAGE_TREE_END_SIZE = 2 * IMAGE_TREE_BLOCK, /* zeros */
    IMAGE_TREE_PATH_MAX = 4095,
    IMAGE_TREE_NAME_MAX = 255,
    IMAGE_TREE_DEPTH_MAX = 128, /* folders in one another */
    /* Of what describes one entry: two blocks, and one path and one target with their names. */
    IMAGE_TREE_HEAD_MAX = 2 * IMAGE_TREE_BLOCK + 2 * (IMAGE_TREE_PATH_MAX + IMAGE_TREE_BLOCK),
    IMAGE_TREE_MODES = 0755 /* the permissions that there are */
};

#define IMAGE_TREE_TIME_MAX 077777777777ULL
#define IMAGE_TREE_SIZE_MAX 077777777777ULL /* of a file: 8 GiB less a byte */

enum image_entry_kind {
    IMAGE_ENTRY_FILE,
    IMAGE_ENTRY_FOLDER,
    IMAGE_ENTRY_LINK, /* symbolic */
    IMAGE_ENTRY_SAME  /* another name of a file that stands before: a hard link */
};

struct image_entry {
    enum image_entry_kind kind;
    char *path;   /* owned; relative, without an end of '/' */
    char *target; /* owned; of a LINK any text, of a SAME a path; else NULL */
    uint32_t mode;
    uint64_t time; /* of the last change, seconds since 1970 */
    uint64_t size; /* of a FILE; so many bytes follow, and zeros up to a whole block */
};

#define IMAGE_ENTRY_INIT      ((struct image_entry){0})
#define _cleanup_image_entry_ _cleanup_(image_entry_deinit)

void image_entry_deinit(struct image_entry *entry);

/* Appends what describes the entry. It has no more than the bounds above allow. */
void image_entry_append(struct buffer *out, const struct image_entry *entry);
/* How many zeros stand behind the content. */
uint64_t image_entry_padding(const struct image_entry *entry);

/*
 * Reads an entry from the front of `bytes`, which are all that is left or at least
 * IMAGE_TREE_HEAD_MAX. Returns 0 with its length, 1 at the end of the tree, -EBADMSG if it has not
 * the one form.
 */
int image_entry_read(struct slice bytes, struct image_entry *entry, size_t *ret_length,
                     struct error *err);
/*
 * Whether an entry may stand behind another (NULL: it is the first): in the order of the tree, in a
 * folder that was begun. A SAME must name what stands before it. -EBADMSG if not.
 */
int image_entry_check_order(const struct image_entry *before, const struct image_entry *entry,
                            struct error *err);
/*
 * The order of paths in a tree: folder by folder, names by their bytes, what is in a folder right
 * behind it. As strcmp(3).
 */
int image_tree_compare(const char *one, const char *other);
