/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See checkpoint.h: what a contained task has of its node. The list is made from what is mounted,
 * and not from what the keeper was once asked for: it may have been started anew since, and what
 * was bound with all that lay below it became several mounts. A restore looks each name up in what
 * the new node binds.
 */
#define _GNU_SOURCE
#include "checkpoint.h"

#include "base/memory.h"
#include "container.h"
#include "sys/file.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* A line of mountinfo (proc(5)): number, parent, device, root, mount point, …, " - ", type. */
enum { FIELDS_BEFORE_POINT = 4 };

/* What container_root.c makes anew in each container; CRIU saves and makes it, too. */
static bool is_own(const char *point, struct slice type)
{
    static const char *const own[][2] = {
        {"/proc", "proc"}, {"/dev", "tmpfs"}, {"/dev/shm", "tmpfs"}, {"/dev/pts", "devpts"}};

    for (size_t i = 0; i < ARRAY_LENGTH(own); i++)
        if (strcmp(point, own[i][0]) == 0 && slice_equals(type, own[i][1]))
            return true;
    return strcmp(point, "/") == 0;
}

/* The kernel writes white space as "\040"; what has none of that is as it is. */
static bool is_plain(const char *point)
{
    for (; *point; point++)
        if (!isalnum((unsigned char)*point) && !strchr("/._+-@,=~%", *point))
            return false;
    return true;
}

/* The mount point ends with a NUL, in the text itself. */
static bool split_line(char *line, char **ret_point, struct slice *ret_type)
{
    const char *type = strstr(line, " - ");
    char *point = line;

    for (int i = 0; point && i < FIELDS_BEFORE_POINT; i++) {
        point = strchr(point, ' ');
        point += point != NULL;
    }
    if (!point || !type || point > type)
        return false;
    type += strlen(" - ");
    *ret_type = (struct slice){.data = type, .length = strcspn(type, " ")};
    point[strcspn(point, " ")] = '\0';
    *ret_point = point;
    return true;
}

/* Whether the list ends in a line of this text: mounts on top of each other have one name. */
static bool has_line(const struct buffer *names, const char *name)
{
    size_t length = strlen(name);
    const char *at = buffer_text(names);

    for (; *at; at += strcspn(at, "\n") + 1)
        if (strcspn(at, "\n") == length && strncmp(at, name, length) == 0)
            return true;
    return false;
}

int checkpoint_list_mounts(char *mountinfo, struct buffer *names, struct error *err)
{
    char *rest = mountinfo, *line;

    while ((line = strsep(&rest, "\n"))) {
        struct slice type;
        char *point;

        if (!split_line(line, &point, &type) || is_own(point, type))
            continue;
        if (point[0] != '/' || !is_plain(point))
            return error_set(err, -ENOTSUP, "cannot save: a mount has the name '%s'", point);
        if (!has_line(names, point + 1))
            buffer_appendf(names, "%s\n", point + 1);
    }
    return 0;
}

/* ---- where a node has them ---- */

/* What follows `target` in `name`, if that is it or lies below it; else NULL. */
static const char *rest_below(const char *target, const char *name)
{
    size_t length;

    target += target[0] == '/';
    length = strlen(target);
    if (length == 0 || strncmp(name, target, length) != 0)
        return NULL;
    return name[length] == '\0' || name[length] == '/' ? name + length : NULL;
}

static char *join(const char *source, const char *rest)
{
    struct buffer path = BUFFER_INIT;

    buffer_appendf(&path, "%s%s", source, rest);
    return buffer_take(&path);
}

/* The longest of those that it may lie below, since one may be mounted within another. */
static char *find_bound(const struct keeper_container *container, const char *name)
{
    const char *source = NULL, *rest = NULL;

    for (size_t i = 0; container->sources[i]; i++) {
        const char *below = rest_below(container->targets[i], name);

        if (below && (!rest || strlen(below) < strlen(rest))) {
            source = container->sources[i];
            rest = below;
        }
    }
    return source ? join(source, rest) : NULL;
}

static bool is_device(const struct keeper_container *container, const char *name)
{
    static const char *const usual[] = {CONTAINER_DEVICES};

    for (size_t i = 0; i < ARRAY_LENGTH(usual); i++)
        if (strcmp(name, usual[i]) == 0)
            return true;
    for (const char **device = container->devices; device && *device; device++)
        if (strcmp(name, *device) == 0)
            return true;
    return false;
}

char *checkpoint_find_source(const struct keeper_spawn *spawn, struct slice name)
{
    _cleanup_free_ char *text = slice_copy(name);

    if (!file_name_is_contained(text))
        return NULL;
    if (strcmp(text, CONTAINER_WORK + 1) == 0)
        return memory_copy_string(spawn->folder);
    if (strcmp(text, CONTAINER_TEMPORARY + 1) == 0)
        return memory_copy_string(spawn->container.temporary);
    if (strncmp(text, "dev/", strlen("dev/")) == 0)
        return is_device(&spawn->container, text + strlen("dev/")) ? join("/", text) : NULL;
    return find_bound(&spawn->container, text);
}
