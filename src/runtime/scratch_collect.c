/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See scratch.h: what a task left is listed here, after its last process ended.
 *
 * The list itself is the list of work: a folder that was entered into it is gone through when its
 * turn comes, by its name, so no depth costs more than one open folder. Every name is opened
 * through scratch_open_beneath(), and what was opened is looked at, never the name again.
 */
#define _GNU_SOURCE
#include "scratch_internal.h"

#include "base/buffer.h"
#include "base/map.h"
#include "base/memory.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    /* Of one folder: as many new ones as may come back, beside as many that were laid. */
    NAMES_MAX = 2 * SCRATCH_OUTPUTS_MAX,
    SNAPSHOT_SIZE_MAX = 512 * 1024 * 1024,
    MODE_MASK = 0777
};

void scratch_outputs_deinit(struct scratch_outputs *outputs)
{
    for (size_t i = 0; i < outputs->count; i++)
        free(outputs->items[i].name);
    free(outputs->items);
    free(outputs->skipped);
    *outputs = SCRATCH_OUTPUTS_INIT;
}

/* The list that is being made, and the words about what is left out of it. */
struct collection {
    struct scratch *scratch;
    struct scratch_outputs outputs;
    struct buffer skipped;
};

static void collection_deinit(struct collection *collection)
{
    scratch_outputs_deinit(&collection->outputs);
    buffer_deinit(&collection->skipped);
}

static void hand_out(struct collection *collection, struct scratch_outputs *ret_outputs)
{
    *ret_outputs = collection->outputs;
    if (collection->skipped.length > 0)
        ret_outputs->skipped = buffer_take(&collection->skipped);
    collection->outputs = SCRATCH_OUTPUTS_INIT;
}

static void skip(struct collection *collection, const char *name, const char *why)
{
    buffer_appendf(&collection->skipped, "'%s' is %s\n", name, why);
}

/* The agent does nothing else while it looks at them, so it stops in time. */
static int refuse_number(int most, struct error *err)
{
    error_set(err, -E2BIG, "it left more than %d files", most);
    error_hint(err, "pack them into an archive");
    return -E2BIG;
}

static int add_output(struct collection *collection, const char *name, const struct stat *status,
                      struct error *err)
{
    struct scratch_outputs *outputs = &collection->outputs;
    bool is_folder = S_ISDIR(status->st_mode);

    if (outputs->count >= SCRATCH_OUTPUTS_MAX)
        return refuse_number(SCRATCH_OUTPUTS_MAX, err);
    array_reserve(outputs->items, outputs->capacity, outputs->count + 1);
    outputs->items[outputs->count++] = (struct scratch_output){
        .name = memory_copy_string(name),
        .size = is_folder ? 0 : (uint64_t)status->st_size,
        .mode = status->st_mode & MODE_MASK,
        .kind = is_folder ? SCRATCH_FOLDER : SCRATCH_FILE,
    };
    return 0;
}

/* ---- opening ---- */

/*
 * A task may link to files that it cannot read, and move them here from a folder that all may write
 * to; what root would read for it then is refused. Inputs and their folders are the task's own, too
 * (scratch.c, hand_over()), so nothing of another user belongs here. An agent that is not root
 * reads with its user's rights, and where that user's files seem to be others' (NFS) this is no
 * attack.
 */
static bool is_of_others(const struct scratch *scratch, const struct stat *status)
{
    return status->st_uid != scratch->uid && geteuid() == 0;
}

/* Opens a file or folder that may be an output; O_NONBLOCK keeps a FIFO from holding us up. */
static int open_candidate(struct scratch *scratch, const char *name, struct stat *ret_status,
                          struct error *err)
{
    _cleanup_fd_ int fd = scratch_open_beneath(scratch, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);

    if (fd == -EXDEV || fd == -ELOOP)
        return error_set(err, fd, "the output '%s' is a link that leaves the scratch folder", name);
    if (fd == -ENOENT)
        return error_set(err, fd, "the output '%s' is missing", name);
    if (fd < 0)
        return error_set_errno(err, fd, "cannot open the output '%s'", name);
    if (fstat(fd, ret_status) < 0)
        return error_set_errno(err, -errno, "cannot look at the output '%s'", name);
    if (is_of_others(scratch, ret_status))
        return error_set(err, -EPERM, "the output '%s' belongs to another user", name);
    return descriptor_take(&fd);
}

int scratch_open_output(struct scratch *scratch, const char *name, struct error *err)
{
    struct stat status;
    _cleanup_fd_ int fd = -1;

    if (!file_name_is_contained(name))
        return error_set(err, -EINVAL, "the output '%s' does not stay in the scratch folder", name);
    fd = open_candidate(scratch, name, &status, err);
    if (fd < 0)
        return fd;
    if (!S_ISREG(status.st_mode))
        return error_set(err, -EINVAL, "the output '%s' is no regular file", name);
    return descriptor_take(&fd);
}

/* ---- folders ---- */

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

struct names {
    char **items; /* owned, as are the texts */
    size_t count;
    size_t capacity;
};

static void names_deinit(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
}

/* All names in an open folder, sorted by bytes, if they are no more. Takes over the descriptor. */
static int read_names(int fd, size_t most, struct names *names, struct error *err)
{
    DIR *directory = fdopendir(fd);
    struct dirent *entry;

    if (!directory) {
        descriptor_close(fd);
        return error_set_errno(err, -errno, "cannot read an output folder");
    }
    while ((entry = readdir(directory)) && names->count <= most) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        array_reserve(names->items, names->capacity, names->count + 1);
        names->items[names->count++] = memory_copy_string(entry->d_name);
    }
    closedir(directory);
    if (names->count > most)
        return refuse_number((int)most, err);
    if (names->count > 0)
        qsort(names->items, names->count, sizeof(*names->items), compare_texts);
    return 0;
}

/*
 * Adds one entry of a folder. A link to a file counts as that file; one to a folder could lead in
 * circles and is left out, as is what is neither file nor folder.
 */
static int add_entry(struct collection *collection, const char *name, struct error *err)
{
    struct scratch *scratch = collection->scratch;
    _cleanup_fd_ int fd = -1;
    struct stat entry, status;

    if (!file_name_is_contained(name))
        return error_set(err, -ENAMETOOLONG, "the path of the output '%.100s…' is too long", name);
    if (fstatat(scratch->work_fd, name, &entry, AT_SYMLINK_NOFOLLOW) < 0)
        return error_set_errno(err, -errno, "cannot look at the output '%s'", name);
    if (!S_ISREG(entry.st_mode) && !S_ISDIR(entry.st_mode) && !S_ISLNK(entry.st_mode)) {
        skip(collection, name, "neither file nor folder");
        return 0;
    }
    fd = open_candidate(scratch, name, &status, err);
    if (fd == -ENOENT && S_ISLNK(entry.st_mode)) {
        error_clear(err);
        skip(collection, name, "a link to nothing");
        return 0;
    }
    if (fd < 0)
        return fd;
    if (S_ISLNK(entry.st_mode) && !S_ISREG(status.st_mode)) {
        skip(collection, name, "a link, but not to a file");
        return 0;
    }
    return add_output(collection, name, &status, err);
}

static int add_content(struct collection *collection, const char *folder, struct error *err)
{
    _cleanup_(names_deinit) struct names names = {0};
    int fd = scratch_open_beneath(collection->scratch, folder, O_RDONLY | O_DIRECTORY);
    int r;

    if (fd < 0)
        return error_set_errno(err, fd, "cannot open the output folder '%s'", folder);
    r = read_names(fd, SCRATCH_OUTPUTS_MAX, &names, err);
    for (size_t i = 0; r == 0 && i < names.count; i++) {
        _cleanup_free_ char *name = file_join(folder, names.items[i]);

        r = add_entry(collection, name, err);
    }
    return r;
}

/* ---- by name ---- */

static int add_named(struct collection *collection, const char *name, struct error *err)
{
    _cleanup_fd_ int fd = -1;
    struct stat status;

    if (!file_name_is_contained(name))
        return error_set(err, -EINVAL, "the output '%s' does not stay in the scratch folder", name);
    fd = open_candidate(collection->scratch, name, &status, err);
    if (fd < 0)
        return fd;
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
        skip(collection, name, "neither file nor folder");
        return 0;
    }
    return add_output(collection, name, &status, err);
}

int scratch_collect_listed(struct scratch *scratch, const char *const *names, size_t count,
                           struct scratch_outputs *ret_outputs, struct error *err)
{
    _cleanup_(collection_deinit) struct collection collection = {.scratch = scratch};
    int r = 0;

    for (size_t i = 0; r == 0 && i < count; i++)
        r = add_named(&collection, names[i], err);
    for (size_t i = 0; r == 0 && i < collection.outputs.count; i++)
        if (collection.outputs.items[i].kind == SCRATCH_FOLDER)
            r = add_content(&collection, collection.outputs.items[i].name, err);
    if (r == 0)
        hand_out(&collection, ret_outputs);
    return r;
}

/* ---- by change ---- */

/* The one line in which the snapshot describes a file; equal lines mean unchanged files. */
static void describe(const char *name, const struct stat *status, struct buffer *text)
{
    buffer_appendf(text, "%" PRIu64 " %" PRId64 " %" PRId64 ".%09ld ", (uint64_t)status->st_ino,
                   (int64_t)status->st_size, (int64_t)status->st_mtim.tv_sec,
                   status->st_mtim.tv_nsec);
    buffer_append_text(text, name);
    buffer_append_character(text, '\0');
}

static int read_top(struct scratch *scratch, struct names *names, struct error *err)
{
    int fd = openat(scratch->work_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return error_set_errno(err, -errno, "cannot open the scratch folder '%s'", scratch->work);
    return read_names(fd, NAMES_MAX, names, err);
}

int scratch_take_snapshot(struct scratch *scratch, struct error *err)
{
    _cleanup_free_ char *path = file_join(scratch->folder, SCRATCH_SNAPSHOT);
    _cleanup_(names_deinit) struct names names = {0};
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    int r = read_top(scratch, &names, err);

    for (size_t i = 0; r == 0 && i < names.count; i++) {
        struct stat status;

        if (fstatat(scratch->work_fd, names.items[i], &status, AT_SYMLINK_NOFOLLOW) == 0)
            describe(names.items[i], &status, &text);
    }
    if (r == 0 && text.length == 0)
        return unlinkat(scratch->folder_fd, SCRATCH_SNAPSHOT, 0) < 0 && errno != ENOENT
                   ? error_set_errno(err, -errno, "cannot remove '%s'", path)
                   : 0;
    return r < 0 ? r : file_replace(path, buffer_text(&text), text.length, 0600, false, err);
}

static int read_snapshot(struct scratch *scratch, struct string_map *snapshot, struct error *err)
{
    _cleanup_free_ char *path = file_join(scratch->folder, SCRATCH_SNAPSHOT);
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    int r;

    if (faccessat(scratch->folder_fd, SCRATCH_SNAPSHOT, F_OK, 0) < 0 && errno == ENOENT)
        return 0;
    r = file_read(path, SNAPSHOT_SIZE_MAX, &text, err);
    if (r < 0)
        return r;
    for (size_t at = 0; at < text.length; at += strlen(text.data + at) + 1)
        string_map_put(snapshot, text.data + at, 1);
    return 0;
}

static bool is_excluded(const char *name, const char *const *excluded, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, excluded[i]) == 0)
            return true;
    return false;
}

static int add_if_changed(struct collection *collection, const struct string_map *snapshot,
                          const char *name, struct error *err)
{
    _cleanup_buffer_ struct buffer line = BUFFER_INIT;
    struct stat status;
    uint64_t there;

    if (fstatat(collection->scratch->work_fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return error_set_errno(err, -errno, "cannot look at the output '%s'", name);
    if (S_ISDIR(status.st_mode))
        return 0;
    if (!S_ISREG(status.st_mode) || is_of_others(collection->scratch, &status)) {
        skip(collection, name, "no file of the task's own");
        return 0;
    }
    describe(name, &status, &line);
    if (string_map_get(snapshot, buffer_text(&line), &there))
        return 0;
    return add_output(collection, name, &status, err);
}

int scratch_collect_changed(struct scratch *scratch, const char *const *excluded, size_t count,
                            struct scratch_outputs *ret_outputs, struct error *err)
{
    _cleanup_(collection_deinit) struct collection collection = {.scratch = scratch};
    _cleanup_(string_map_deinit) struct string_map snapshot = STRING_MAP_INIT;
    _cleanup_(names_deinit) struct names names = {0};
    int r = read_snapshot(scratch, &snapshot, err);

    if (r == 0)
        r = read_top(scratch, &names, err);
    for (size_t i = 0; r == 0 && i < names.count; i++)
        if (!is_excluded(names.items[i], excluded, count))
            r = add_if_changed(&collection, &snapshot, names.items[i], err);
    if (r == 0)
        hand_out(&collection, ret_outputs);
    return r;
}
