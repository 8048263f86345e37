/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether this node runs its tasks in containers (runtime/container.h), and in which: the runtime
 * of the node is one and the same for all of its tasks, and jobs choose by it.
 */
#pragma once

#include "attempt.h"
#include "base/arena.h"
#include "runtime/container_tree.h"
#include "runtime/gpu.h"
#include "runtime/keeper_message.h"
#include "settings.h"

#include <stdbool.h>

struct containing_image {
    char *sha256; /* owned */
    struct container_tree tree;
};

struct containing {
    bool is_on;
    bool lends_network;              /* to those who ask for it */
    struct container_tree node;      /* what tasks find that bring no image */
    char *roots;                     /* owned: the folder for what is mounted over for images */
    struct containing_image *images; /* owned: those that were used since the start */
    size_t image_count, image_capacity;
};

/*
 * Finds out by a real container below `state_folder`. What the settings demand and cannot be is an
 * error; where they demand nothing, tasks run bare and a warning says why.
 */
int containing_open(struct containing *containing, const struct settings *settings,
                    const char *state_folder, struct error *err);
void containing_deinit(struct containing *containing);

/*
 * Fills in the attempt's container, or none if tasks run bare here. `image` is where the image that
 * it asks for lies on this node (images_path()), NULL if it asks for none; `node_name` is what it
 * takes for its computer's name. The texts are the containing's, the attempt's, or the arena's.
 * -EACCES, -ENOTSUP if it asks for what this node does not lend or cannot do.
 */
int containing_fill(struct containing *containing, const struct attempt *attempt, const char *image,
                    const char *node_name, struct arena *arena,
                    struct keeper_container *ret_container, struct error *err);

/* What the attempt's program knows its working folder and the one for temporary files by. */
const char *containing_work(const struct containing *containing, const struct attempt *attempt);
const char *containing_temporary(const struct containing *containing,
                                 const struct attempt *attempt);
