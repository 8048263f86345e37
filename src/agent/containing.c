/* SPDX-License-Identifier: Apache-2.0 */
/* See containing.h. */
#define _GNU_SOURCE
#include "containing.h"

#include "base/memory.h"
#include "runtime/container.h"
#include "sys/file.h"
#include "sys/log.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { DEVICES_MAX = 64 };

static int open_tree(struct containing *containing, const struct settings *settings,
                     const char *state_folder, struct error *err)
{
    static char *const nothing[] = {NULL};
    char *const *paths = settings->container_paths ? settings->container_paths : nothing;
    _cleanup_free_ char *folder = file_join(state_folder, "root");
    int r = container_tree_of_node(folder, (const char *const *)paths, &containing->node, err);

    return r < 0 ? r : container_probe(&containing->node, state_folder, err);
}

int containing_open(struct containing *containing, const struct settings *settings,
                    const char *state_folder, struct error *err)
{
    int r;

    *containing = (struct containing){.lends_network = settings->lends_network,
                                      .roots = file_join(state_folder, "roots")};
    if (settings->runtime == SETTINGS_RUNTIME_PROCESS)
        return 0;
    r = open_tree(containing, settings, state_folder, err);
    if (r < 0 && settings->runtime == SETTINGS_RUNTIME_CONTAINER) {
        error_prefix(err, r, "tasks cannot be contained here");
        if (!err->hint)
            error_hint(err, "runtime = process runs them bare, kept apart by user ids alone");
        return r;
    }
    containing->is_on = r == 0;
    if (r < 0) {
        log_warning("tasks run bare, since they cannot be contained here: %s", error_text(err));
        error_clear(err);
    }
    return 0;
}

void containing_deinit(struct containing *containing)
{
    for (size_t i = 0; i < containing->image_count; i++) {
        container_tree_deinit(&containing->images[i].tree);
        free(containing->images[i].sha256);
    }
    free(containing->images);
    free(containing->roots);
    container_tree_deinit(&containing->node);
}

/* ---- for an attempt ---- */

static bool is_gpu_device(const char *name)
{
    return strncmp(name, "nvidia", strlen("nvidia")) == 0 || strcmp(name, "kfd") == 0;
}

static void add_devices(const char *folder, bool all, struct arena *arena, const char **devices,
                        size_t *count)
{
    _cleanup_free_ char *path = file_join("/dev", folder);
    DIR *names = opendir(path);
    struct dirent *entry;

    while (names && *count < DEVICES_MAX && (entry = readdir(names)))
        if (entry->d_type == DT_CHR && (all || is_gpu_device(entry->d_name))) {
            _cleanup_free_ char *name = file_join(folder, entry->d_name);

            devices[(*count)++] =
                arena_copy(arena, slice_from_text(name[0] == '/' ? name + 1 : name));
        }
    if (names)
        closedir(names);
}

/*
 * All cards of the node, for a task that has claimed one: which of them are its own is said to it
 * as on a node without containers.
 */
static const char **find_devices(const struct attempt *attempt, struct arena *arena)
{
    const char **devices = arena_allocate(arena, DEVICES_MAX + 1, sizeof(*devices));
    size_t count = 0;

    if (attempt->gpus && attempt->gpus[0]) {
        add_devices("", false, arena, devices, &count);
        add_devices("dri", true, arena, devices, &count);
    }
    devices[count] = NULL;
    return devices;
}

/* ---- images ---- */

/* What is mounted over is made once for each image; tasks that run may be in it, so it stays. */
static int add_image(struct containing *containing, const char *sha256, const char *path,
                     struct error *err)
{
    _cleanup_free_ char *root = file_join(containing->roots, sha256);
    struct containing_image *added;
    struct container_tree tree;
    int r = container_tree_of_image(root, path, &tree, err);

    if (r < 0)
        return r;
    array_reserve(containing->images, containing->image_capacity, containing->image_count + 1);
    added = &containing->images[containing->image_count++];
    *added = (struct containing_image){.sha256 = memory_copy_string(sha256), .tree = tree};
    return 0;
}

/*
 * A file system that strangers made is not mounted: the kernel's drivers trust what they read, and
 * it is the owner's kernel.
 */
static int find_image(struct containing *containing, const struct wire_image *image,
                      const char *path, const struct container_tree **ret_tree, struct error *err)
{
    int r;

    if (!containing->is_on)
        return error_set(err, -ENOTSUP,
                         "it runs in an image, and this node has no container runtime");
    if (image->kind != IMAGE_TREE)
        return error_set(err, -ENOTSUP,
                         "its image is a file system in a file, which nodes do not mount yet; add "
                         "it as a folder or a tar");
    for (size_t i = 0; i < containing->image_count; i++)
        if (strcmp(containing->images[i].sha256, image->sha256) == 0) {
            *ret_tree = &containing->images[i].tree;
            return 0;
        }
    r = path ? add_image(containing, image->sha256, path, err)
             : error_set(err, -ENOENT, "its image is not here any more");
    if (r == 0)
        *ret_tree = &containing->images[containing->image_count - 1].tree;
    return r;
}

int containing_fill(struct containing *containing, const struct attempt *attempt, const char *image,
                    const char *node_name, struct arena *arena,
                    struct keeper_container *ret_container, struct error *err)
{
    static const char *nothing[] = {NULL};
    const struct container_tree *tree = &containing->node;
    int r = 0;

    *ret_container = (struct keeper_container){.root = "",
                                               .sources = nothing,
                                               .targets = nothing,
                                               .devices = nothing,
                                               .temporary = "",
                                               .host_name = ""};
    if (attempt->start.image.sha256)
        r = find_image(containing, &attempt->start.image, image, &tree, err);
    if (r < 0 || !containing->is_on)
        return r;
    if (attempt->start.wants_network && !containing->lends_network)
        return error_set(err, -EACCES, "it asks for the network, which this node does not lend");
    ret_container->root = tree->root;
    ret_container->sources = (const char **)tree->sources;
    ret_container->targets = (const char **)tree->targets;
    ret_container->devices = find_devices(attempt, arena);
    ret_container->temporary = scratch_temporary(attempt->scratch);
    ret_container->host_name = node_name;
    ret_container->has_network = attempt->start.wants_network;
    return 0;
}

const char *containing_work(const struct containing *containing, const struct attempt *attempt)
{
    return containing->is_on ? CONTAINER_WORK : scratch_work(attempt->scratch);
}

const char *containing_temporary(const struct containing *containing, const struct attempt *attempt)
{
    return containing->is_on ? CONTAINER_TEMPORARY : scratch_temporary(attempt->scratch);
}
