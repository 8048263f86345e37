/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder that a container's root is mounted over, and what is mounted there: made once, for
 * the node's own programs or for an image, and used by every task that runs in it.
 *
 * The folder holds what a read-only tree cannot be given later: mount points, the links that stand
 * at the tree's top ("bin -> usr/bin"), and dusk-init.
 */
#pragma once

#include "base/error.h"

#include <stddef.h>

struct container_tree {
    char *root;     /* the folder; all of it is owned */
    char **sources; /* as keeper_container has them, NULL at the end of each */
    char **targets;
    size_t count, capacity;
};

#define CONTAINER_TREE_INIT ((struct container_tree){0})

/*
 * Of the node itself: its programs, libraries and settings, and `paths` besides (absolute, NULL at
 * the end), each where it is; those that are not there are left out. The folder is made, or made
 * right. Returns 0, or a negative errno and a message.
 */
int container_tree_of_node(const char *folder, const char *const *paths,
                           struct container_tree *ret_tree, struct error *err);
/* Of an image: everything in `image` but what a container has of its own (/proc, /dev, /tmp, …). */
int container_tree_of_image(const char *folder, const char *image, struct container_tree *ret_tree,
                            struct error *err);

void container_tree_deinit(struct container_tree *tree);
