/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See scratch.h: how much disk an attempt takes, while its task goes on and does what it likes.
 *
 * The walk follows no link and has two folders open at a time, however deep the tree: it goes down
 * by a name and up by "..", so no path is ever too long, and looks at each turn whether it came
 * back to where it had been. What has no name any more is found with those who hold it open.
 */
#define _GNU_SOURCE
#include "scratch_internal.h"

#include "base/map.h"
#include "base/memory.h"
#include "container.h"
#include "process_table.h"
#include "sys/descriptor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    BYTES_PER_BLOCK = 512, /* of st_blocks, whatever the file system */
    LEAST_BYTES = 4096,    /* of what has a name: there are only so many inodes */
    PATH_SIZE = 64,
};

/* ---- what has a name ---- */

/* A folder on the way from the top to where the walk is, and what is still to be seen in it. */
struct level {
    ino_t inode;
    char **names; /* owned, as are the texts; of folders */
    size_t count, capacity;
};

struct walk {
    struct level *levels; /* owned */
    size_t depth, capacity;
    uint64_t entries_left;
    uint64_t bytes;
    bool is_whole;
};

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Returns false if it was one too many. */
static bool measure_entry(struct walk *walk, struct level *level, int folder, const char *name)
{
    struct stat status;

    if (walk->entries_left == 0) {
        walk->is_whole = false;
        return false;
    }
    walk->entries_left--;
    if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return true; /* removed in between */
    walk->bytes += larger((uint64_t)status.st_blocks * BYTES_PER_BLOCK, LEAST_BYTES);
    if (S_ISDIR(status.st_mode)) {
        array_reserve(level->names, level->capacity, level->count + 1);
        level->names[level->count++] = memory_copy_string(name);
    }
    return true;
}

/* Measures what is in an open folder, and makes a level of it. */
static void enter(struct walk *walk, int folder)
{
    int own = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = own < 0 ? NULL : fdopendir(own);
    struct dirent *entry;
    struct level *level;
    struct stat status;
    bool goes_on = true;

    array_reserve(walk->levels, walk->capacity, walk->depth + 1);
    level = &walk->levels[walk->depth++];
    *level = (struct level){.inode = fstat(folder, &status) < 0 ? 0 : status.st_ino};
    if (!directory) {
        descriptor_close(own);
        walk->is_whole = false;
        return;
    }
    while (goes_on && (entry = readdir(directory)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            goes_on = measure_entry(walk, level, dirfd(directory), entry->d_name);
    closedir(directory);
}

static void leave(struct walk *walk)
{
    struct level *level = &walk->levels[--walk->depth];

    while (level->count > 0)
        free(level->names[--level->count]);
    free(level->names);
}

static int open_folder(int above, const char *name)
{
    struct open_how how = {
        .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
    };
    int fd = (int)syscall(SYS_openat2, above, name, &how, sizeof(how));

    return fd < 0 ? -errno : fd;
}

/* One that cannot be opened makes the sum a lower bound; one that is gone does not. */
static int go_down(struct walk *walk, int folder)
{
    struct level *level = &walk->levels[walk->depth - 1];
    _cleanup_free_ char *name = level->names[--level->count];
    int below = open_folder(folder, name);

    if (below < 0) {
        walk->is_whole = walk->is_whole && below == -ENOENT;
        return folder;
    }
    descriptor_close(folder);
    enter(walk, below);
    return below;
}

/* A task may have moved the folder meanwhile; what is above it now is none of ours. */
static int go_up(struct walk *walk, int folder)
{
    struct stat status;
    int above;

    leave(walk);
    if (walk->depth == 0)
        return descriptor_close(folder);
    above = openat(folder, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    descriptor_close(folder);
    if (above >= 0 && fstat(above, &status) == 0 &&
        status.st_ino == walk->levels[walk->depth - 1].inode)
        return above;
    walk->is_whole = false;
    return descriptor_close(above);
}

static void measure_tree(struct walk *walk, const struct scratch *scratch, const char *name)
{
    int folder = open_folder(scratch->folder_fd, name);

    if (folder < 0) {
        walk->is_whole = walk->is_whole && folder == -ENOENT;
        return;
    }
    enter(walk, folder);
    while (folder >= 0 && walk->entries_left > 0)
        folder =
            walk->levels[walk->depth - 1].count > 0 ? go_down(walk, folder) : go_up(walk, folder);
    descriptor_close(folder);
    while (walk->depth > 0)
        leave(walk);
}

int scratch_measure(struct scratch *scratch, uint64_t entries_max, uint64_t *ret_bytes,
                    struct error *err)
{
    struct walk walk = {.entries_left = entries_max, .is_whole = true};

    (void)err;
    measure_tree(&walk, scratch, SCRATCH_WORK);
    measure_tree(&walk, scratch, SCRATCH_TEMPORARY);
    free(walk.levels);
    *ret_bytes = walk.bytes;
    return walk.is_whole ? 0 : 1;
}

/* ---- what has none ---- */

/* The attempts that are measured in one look, which all processes of the computer are gone through
 * for. */
struct search {
    struct stat *works; /* owned; their working folders */
    size_t count;
    struct map seen; /* inodes: a file that several hold open counts once */
};

static uint64_t measure_unlinked(struct search *search, const struct stat *work, const char *folder)
{
    DIR *directory = opendir(folder);
    uint64_t bytes = 0, before;
    struct dirent *entry;
    struct stat status;

    while (directory && (entry = readdir(directory))) {
        if (entry->d_name[0] == '.' || fstatat(dirfd(directory), entry->d_name, &status, 0) < 0 ||
            status.st_nlink > 0 || status.st_dev != work->st_dev || !S_ISREG(status.st_mode) ||
            map_get(&search->seen, status.st_ino, &before))
            continue;
        map_put(&search->seen, status.st_ino, 1);
        bytes += (uint64_t)status.st_blocks * BYTES_PER_BLOCK;
    }
    if (directory)
        closedir(directory);
    return bytes;
}

/* In whose working folder a process is: in a container that cannot be another, whatever it does. */
static size_t find_attempt(const struct search *search, int pid)
{
    char path[PATH_SIZE];
    struct stat status;

    snprintf(path, sizeof(path), "/proc/%d/root" CONTAINER_WORK, pid);
    if (stat(path, &status) < 0)
        return SIZE_MAX;
    for (size_t i = 0; i < search->count; i++)
        if (status.st_ino == search->works[i].st_ino && status.st_dev == search->works[i].st_dev)
            return i;
    return SIZE_MAX;
}

static uint64_t measure_process(struct search *search, const struct stat *work, int pid)
{
    static const char *const kinds[] = {"fd", "map_files"};
    uint64_t bytes = 0;

    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        char path[PATH_SIZE];

        snprintf(path, sizeof(path), "/proc/%d/%s", pid, kinds[i]);
        bytes += measure_unlinked(search, work, path);
    }
    return bytes;
}

void scratch_measure_unlinked(struct scratch *const *scratches, size_t count, uint64_t *ret_bytes)
{
    struct search search = {.works = memory_resize(NULL, count + 1, sizeof(*search.works)),
                            .count = count,
                            .seen = MAP_INIT};
    struct process_table table = PROCESS_TABLE_INIT;

    for (size_t i = 0; i < count; i++) {
        ret_bytes[i] = 0;
        if (fstat(scratches[i]->work_fd, &search.works[i]) < 0)
            search.works[i] = (struct stat){0};
    }
    process_table_read(&table);
    for (size_t i = 0; i < table.count; i++) {
        size_t at = find_attempt(&search, table.items[i].pid);

        if (at != SIZE_MAX)
            ret_bytes[at] += measure_process(&search, &search.works[at], table.items[i].pid);
    }
    process_table_deinit(&table);
    map_deinit(&search.seen);
    free(search.works);
}
