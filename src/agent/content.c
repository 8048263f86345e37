/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See content.h. In memory: an entry per content, numbered; a map from its hash to its number; and
 * a heap of the entries that are not pinned, longest unused first. On the disk the file's time of
 * change says when it was used last, so that a new agent goes on with the same order.
 */
#define _GNU_SOURCE
#include "content.h"

#include "base/heap.h"
#include "base/map.h"
#include "base/memory.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLDER_MODE = 0700, FILE_MODE = 0600 };

#define ARRIVING "arriving"

struct entry {
    char sha256[HASH_TEXT_SIZE]; /* "": the number is free */
    uint64_t size;
    uint64_t used; /* when, in the order of use */
    uint32_t pins;
    bool is_proven;   /* its hash was seen to be right since this agent has started */
    bool is_rejected; /* it was seen to be wrong; it is not here until it has arrived anew */
};

struct content {
    char *folder;
    uint64_t size_max;
    uint64_t size;
    uint64_t last_use;
    uint64_t next_arrival;
    struct entry *entries; /* owned */
    size_t count;
    size_t capacity;
    uint32_t *free_numbers; /* owned */
    size_t free_count;
    size_t free_capacity;
    struct string_map numbers;
    struct heap unpinned;
};

struct content_arrival {
    struct content *content;
    char sha256[HASH_TEXT_SIZE];
    uint64_t size;
    uint64_t received;
    char *path;
    int fd;
    struct hash *hash;
};

/* ---- entries ---- */

static char *path_of(const struct content *content, const char *sha256)
{
    struct buffer path = BUFFER_INIT;

    buffer_appendf(&path, "%s/%.2s/%s", content->folder, sha256, sha256);
    return buffer_take(&path);
}

static struct entry *find_entry(const struct content *content, const char *sha256)
{
    uint64_t number;

    return string_map_get(&content->numbers, sha256, &number) ? &content->entries[number] : NULL;
}

static uint32_t number_of(const struct content *content, const struct entry *entry)
{
    return (uint32_t)(entry - content->entries);
}

/* Ends the process for want of memory, as everywhere outside the brains. */
static void heap_put(struct content *content, const struct entry *entry)
{
    if (!heap_try_reserve(&content->unpinned, content->capacity))
        memory_allocate(SIZE_MAX / 2);
    heap_set(&content->unpinned, number_of(content, entry), entry->used);
}

/* Numbers are used again, so that heap and array stay as small as the cache. */
static struct entry *add_entry(struct content *content, const char *sha256, uint64_t size,
                               uint64_t used)
{
    struct entry *entry;
    uint32_t number;

    if (content->free_count > 0) {
        number = content->free_numbers[--content->free_count];
    } else {
        array_reserve(content->entries, content->capacity, content->count + 1);
        number = (uint32_t)content->count++;
    }
    entry = &content->entries[number];
    *entry = (struct entry){.size = size, .used = used};
    memcpy(entry->sha256, sha256, HASH_TEXT_SIZE);
    string_map_put(&content->numbers, sha256, number);
    content->size += size;
    heap_put(content, entry);
    return entry;
}

static void unlink_file(const struct content *content, const struct entry *entry)
{
    _cleanup_free_ char *path = path_of(content, entry->sha256);

    unlink(path);
}

static void drop_entry(struct content *content, struct entry *entry)
{
    uint32_t number = number_of(content, entry);

    content->size -= entry->size;
    heap_remove(&content->unpinned, number);
    string_map_remove(&content->numbers, entry->sha256);
    entry->sha256[0] = '\0';
    array_reserve(content->free_numbers, content->free_capacity, content->free_count + 1);
    content->free_numbers[content->free_count++] = number;
}

/* ---- what is there at the start ---- */

static uint64_t nanoseconds(struct timespec time)
{
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* What has no hash for a name is not ours, and stays where it is. */
static void find_file(struct content *content, int folder, const char *name)
{
    struct stat status;
    struct entry *entry;

    if (!hash_text_is_valid(name) || find_entry(content, name) ||
        fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(status.st_mode))
        return;
    entry = add_entry(content, name, (uint64_t)status.st_size, nanoseconds(status.st_mtim));
    if (entry->used > content->last_use)
        content->last_use = entry->used;
}

static void find_files(struct content *content, const char *folder)
{
    _cleanup_free_ char *path = file_join(content->folder, folder);
    DIR *open_folder = opendir(path);
    struct dirent *item;

    while (open_folder && (item = readdir(open_folder)))
        find_file(content, dirfd(open_folder), item->d_name);
    if (open_folder)
        closedir(open_folder);
}

static int find_folders(struct content *content, struct error *err)
{
    DIR *open_folder = opendir(content->folder);
    struct dirent *item;

    if (!open_folder)
        return error_set_errno(err, -errno, "cannot open '%s'", content->folder);
    while ((item = readdir(open_folder)))
        if (strlen(item->d_name) == 2 && item->d_name[0] != '.')
            find_files(content, item->d_name);
    closedir(open_folder);
    return 0;
}

int content_open(const char *folder, uint64_t size_max, struct content **ret_content,
                 struct error *err)
{
    _cleanup_(content_free_p) struct content *content = memory_allocate(sizeof(*content));
    _cleanup_free_ char *arriving = file_join(folder, ARRIVING);
    int r;

    *content = (struct content){.folder = memory_copy_string(folder), .size_max = size_max};
    string_map_init(&content->numbers, false);
    r = file_remove_tree(arriving, err);
    if (r == 0)
        r = file_make_folders(arriving, FOLDER_MODE, err);
    if (r == 0)
        r = find_folders(content, err);
    if (r < 0)
        return r;
    content_trim(content, size_max);
    *ret_content = take_pointer(content);
    return 0;
}

struct content *content_free(struct content *content)
{
    if (!content)
        return NULL;
    string_map_deinit(&content->numbers);
    heap_deinit(&content->unpinned);
    free(content->entries);
    free(content->free_numbers);
    free(content->folder);
    free(content);
    return NULL;
}

/* ---- use ---- */

/* Whether the file is there with this size; if so, it is marked as used now. */
static bool is_there(const struct content *content, const char *sha256, uint64_t size)
{
    _cleanup_free_ char *path = path_of(content, sha256);
    struct stat status;

    return lstat(path, &status) == 0 && S_ISREG(status.st_mode) &&
           (uint64_t)status.st_size == size &&
           utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW) == 0;
}

bool content_pin(struct content *content, const char *sha256, uint64_t size)
{
    struct entry *entry = find_entry(content, sha256);

    if (!entry || entry->is_rejected)
        return false;
    if (entry->pins == 0) {
        /*
         * Somebody may have tidied up behind our back, or the power went before all of it was on
         * the disk; it travels again then, and replaces what is there.
         */
        if (!is_there(content, sha256, size)) {
            unlink_file(content, entry);
            drop_entry(content, entry);
            return false;
        }
        heap_remove(&content->unpinned, number_of(content, entry));
    }
    entry->pins++;
    entry->used = ++content->last_use;
    return true;
}

void content_unpin(struct content *content, const char *sha256)
{
    struct entry *entry = find_entry(content, sha256);

    assert(entry && entry->pins > 0);
    if (--entry->pins > 0)
        return;
    if (entry->is_rejected) {
        unlink_file(content, entry);
        drop_entry(content, entry);
        return;
    }
    heap_put(content, entry);
    content_trim(content, content->size_max);
}

int content_check(struct content *content, const char *sha256, struct error *err)
{
    struct entry *entry = find_entry(content, sha256);
    char found[HASH_TEXT_SIZE];
    _cleanup_fd_ int fd = -1;
    uint64_t size;
    int r;

    assert(entry && entry->pins > 0);
    if (entry->is_proven)
        return 0;
    fd = content_open_file(content, sha256, err);
    if (fd < 0)
        return fd;
    r = hash_file(fd, found, &size, err);
    if (r < 0)
        return r;
    if (strcmp(found, sha256) != 0)
        return error_set(err, -EBADMSG, "the cached input %s is damaged", sha256);
    entry->is_proven = true;
    return 0;
}

bool content_is_proven(const struct content *content, const char *sha256)
{
    const struct entry *entry = find_entry(content, sha256);

    return entry && entry->is_proven;
}

void content_prove(struct content *content, const char *sha256)
{
    struct entry *entry = find_entry(content, sha256);

    if (entry && !entry->is_rejected)
        entry->is_proven = true;
}

void content_reject(struct content *content, const char *sha256)
{
    struct entry *entry = find_entry(content, sha256);

    assert(entry && entry->pins > 0);
    entry->is_rejected = true;
    entry->is_proven = false;
}

int content_open_file(const struct content *content, const char *sha256, struct error *err)
{
    _cleanup_free_ char *path = path_of(content, sha256);
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    return fd < 0 ? error_set_errno(err, -errno, "cannot open '%s'", path) : fd;
}

void content_trim(struct content *content, uint64_t size_max)
{
    const struct heap_entry *first;

    while (content->size > size_max && (first = heap_first(&content->unpinned))) {
        struct entry *entry = &content->entries[first->item];

        unlink_file(content, entry);
        drop_entry(content, entry);
    }
}

uint64_t content_size(const struct content *content)
{
    return content->size;
}

uint64_t content_size_max(const struct content *content)
{
    return content->size_max;
}

/* ---- arrivals ---- */

int content_arrival_new(struct content *content, const char *sha256, uint64_t size,
                        struct content_arrival **ret_arrival, struct error *err)
{
    _cleanup_(content_arrival_free_p) struct content_arrival *arrival =
        memory_allocate(sizeof(*arrival));
    struct buffer path = BUFFER_INIT;

    assert(hash_text_is_valid(sha256));
    *arrival =
        (struct content_arrival){.content = content, .size = size, .fd = -1, .hash = hash_new()};
    memcpy(arrival->sha256, sha256, HASH_TEXT_SIZE);
    buffer_appendf(&path, "%s/" ARRIVING "/%llu", content->folder,
                   (unsigned long long)content->next_arrival++);
    arrival->path = buffer_take(&path);
    arrival->fd = open(arrival->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    if (arrival->fd < 0)
        return error_set_errno(err, -errno, "cannot make '%s'", arrival->path);
    *ret_arrival = take_pointer(arrival);
    return 0;
}

/* The bound protects the disk; that it is the right content shows only at the end. */
int content_arrival_add(struct content_arrival *arrival, const void *data, size_t length,
                        struct error *err)
{
    int r;

    if (length > arrival->size - arrival->received)
        return error_set(err, -EBADMSG, "more came than the %llu bytes that were announced",
                         (unsigned long long)arrival->size);
    r = file_write_all(arrival->fd, data, length);
    if (r < 0) {
        /* What was written of the piece goes, so that it may be written again. */
        if (ftruncate(arrival->fd, (off_t)arrival->received) < 0 ||
            lseek(arrival->fd, (off_t)arrival->received, SEEK_SET) < 0)
            r = -EIO;
        return error_set_errno(err, r, "cannot write to '%s'", arrival->path);
    }
    hash_add(arrival->hash, data, length);
    arrival->received += length;
    return 0;
}

/*
 * Renamed when it is whole; not flushed, because that would hold up the loop for every input. What
 * a power cut leaves of it under its name is found by its size or by its hash, which
 * content_check() looks at once after every start, and comes again.
 */
static int put_in_place(const struct content_arrival *arrival, struct error *err)
{
    _cleanup_free_ char *path = path_of(arrival->content, arrival->sha256);
    char *slash = strrchr(path, '/');
    int r;

    *slash = '\0';
    r = file_make_folders(path, FOLDER_MODE, err);
    *slash = '/';
    if (r == 0 && rename(arrival->path, path) < 0)
        r = error_set_errno(err, -errno, "cannot rename '%s' to '%s'", arrival->path, path);
    return r;
}

int content_arrival_finish(struct content_arrival *arrival, struct error *err)
{
    struct content *content = arrival->content;
    char sha256[HASH_TEXT_SIZE];
    struct entry *entry;
    int r;

    hash_finish(take_pointer(arrival->hash), sha256);
    if (arrival->received != arrival->size || strcmp(sha256, arrival->sha256) != 0)
        return error_set(err, -EBADMSG, "what came is not what was announced");
    r = put_in_place(arrival, err);
    if (r < 0)
        return r;
    free(arrival->path);
    arrival->path = NULL;
    entry = find_entry(content, sha256);
    if (!entry)
        entry = add_entry(content, sha256, arrival->size, ++content->last_use);
    entry->is_rejected = false;
    entry->is_proven = true;
    return 0;
}

struct content_arrival *content_arrival_free(struct content_arrival *arrival)
{
    if (!arrival)
        return NULL;
    if (arrival->path && arrival->fd >= 0)
        unlink(arrival->path);
    descriptor_close(arrival->fd);
    hash_free(arrival->hash);
    free(arrival->path);
    free(arrival);
    return NULL;
}
