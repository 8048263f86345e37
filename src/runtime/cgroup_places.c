/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See cgroup_places.h. A line of mountinfo has root and mount point in its fields 3 and 4, counted
 * from 0, and behind " - " the type, the source and the options of the tree, among which are its
 * controllers. A container may see the host's names of its groups, and only the part of the tree
 * below its mount's root; a group outside of that part cannot be reached and is no place.
 */
#define _GNU_SOURCE
#include "cgroup_places.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "sys/file.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_SIZE_MAX = 1024 * 1024 };

const char *cgroup_controller_name(enum cgroup_controller controller)
{
    static const char *const names[CGROUP_CONTROLLERS] = {
        [CGROUP_MEMORY] = "memory",
        [CGROUP_PROCESSES] = "pids",
        [CGROUP_CPUS] = "cpu",
        [CGROUP_CPU_TIME] = "cpuacct",
    };

    return names[controller];
}

/* ---- texts ---- */

/* The n-th field of a line, separated by spaces, counted from 0; empty if there are fewer. */
static struct slice find_field(struct slice line, unsigned n)
{
    const char *at = line.data, *end = line.data + line.length;

    for (;;) {
        const char *space = memchr(at, ' ', (size_t)(end - at));

        if (n-- == 0)
            return (struct slice){.data = at, .length = (size_t)((space ? space : end) - at)};
        if (!space)
            return (struct slice){.data = ""};
        at = space + 1;
    }
}

/* The next line of a text that is consumed by it; false at the end. */
static bool next_line(const char **text, struct slice *ret_line)
{
    size_t length = strcspn(*text, "\n");

    if (**text == '\0')
        return false;
    *ret_line = (struct slice){.data = *text, .length = length};
    *text += length + ((*text)[length] == '\n');
    return true;
}

/* Whether a list such as "rw,cpu,cpuacct" has this word. */
static bool has_word(struct slice list, const char *word)
{
    const char *at = list.data, *end = list.data + list.length;

    for (;;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));

        if (slice_equals((struct slice){.data = at, .length = (size_t)((comma ? comma : end) - at)},
                         word))
            return true;
        if (!comma)
            return false;
        at = comma + 1;
    }
}

/* ---- one tree ---- */

/*
 * The path of this process's group in the tree with this controller, or in that of version 2 for
 * NULL: a line "4:memory:/path", or "0::/path".
 */
static bool find_group(const char *groups, const char *controller, struct slice *ret_path)
{
    struct slice line;

    while (next_line(&groups, &line)) {
        const char *end = line.data + line.length;
        const char *names = memchr(line.data, ':', line.length);
        const char *path = names ? memchr(names + 1, ':', (size_t)(end - names - 1)) : NULL;
        struct slice list;

        if (!path)
            continue;
        list = (struct slice){.data = names + 1, .length = (size_t)(path - names - 1)};
        if (controller ? !has_word(list, controller) : list.length > 0)
            continue;
        *ret_path = (struct slice){.data = path + 1, .length = (size_t)(end - path - 1)};
        return true;
    }
    return false;
}

/* Whether the line mounts the tree with this controller, or that of version 2 for NULL. */
static bool is_tree(struct slice line, const char *controller)
{
    const char *dash = memmem(line.data, line.length, " - ", 3);
    struct slice tree = {.data = ""};

    if (!dash)
        return false;
    tree.data = dash + 3;
    tree.length = (size_t)(line.data + line.length - tree.data);
    if (!controller)
        return slice_equals(find_field(tree, 0), "cgroup2");
    return slice_equals(find_field(tree, 0), "cgroup") && has_word(find_field(tree, 2), controller);
}

/* What of `path` lies below `root`; false if it lies elsewhere, or above this cgroup namespace. */
static bool strip_root(struct slice *path, struct slice root)
{
    if (memmem(path->data, path->length, "/..", 3))
        return false;
    if (slice_equals(root, "/"))
        return true;
    if (path->length < root.length || memcmp(path->data, root.data, root.length) != 0)
        return false;
    path->data += root.length;
    path->length -= root.length;
    return path->length == 0 || path->data[0] == '/';
}

/* The mount point alone for the group at its root, so that paths can be compared. */
static char *join_own(const char *mount, struct slice path)
{
    struct buffer own = BUFFER_INIT;

    buffer_append_text(&own, mount);
    if (path.length > 1)
        buffer_append_slice(&own, path);
    return buffer_take(&own);
}

static void find_place(const char *mounts, const char *groups, const char *controller,
                       struct cgroup_place *place)
{
    struct slice line, group;

    if (!find_group(groups, controller, &group))
        return;
    while (!place->mount && next_line(&mounts, &line)) {
        struct slice path = group;

        if (!is_tree(line, controller) || !strip_root(&path, find_field(line, 3)))
            continue;
        place->mount = slice_copy(find_field(line, 4));
        place->own = join_own(place->mount, path);
    }
}

/* ---- all of them ---- */

void cgroup_places_parse(const char *mounts, const char *groups, struct cgroup_places *ret_places)
{
    *ret_places = CGROUP_PLACES_INIT;
    find_place(mounts, groups, NULL, &ret_places->unified);
    find_place(mounts, groups, "freezer", &ret_places->freezer);
    for (int i = 0; i < CGROUP_CONTROLLERS; i++)
        find_place(mounts, groups, cgroup_controller_name((enum cgroup_controller)i),
                   &ret_places->by_controller[i]);
}

void cgroup_places_read(struct cgroup_places *ret_places)
{
    _cleanup_buffer_ struct buffer mounts = BUFFER_INIT, groups = BUFFER_INIT;

    file_read("/proc/self/mountinfo", TABLE_SIZE_MAX, &mounts, NULL);
    file_read("/proc/self/cgroup", TABLE_SIZE_MAX, &groups, NULL);
    cgroup_places_parse(buffer_text(&mounts), buffer_text(&groups), ret_places);
}

static void place_deinit(struct cgroup_place *place)
{
    free(place->mount);
    free(place->own);
}

void cgroup_places_deinit(struct cgroup_places *places)
{
    place_deinit(&places->unified);
    place_deinit(&places->freezer);
    for (int i = 0; i < CGROUP_CONTROLLERS; i++)
        place_deinit(&places->by_controller[i]);
    *places = CGROUP_PLACES_INIT;
}
