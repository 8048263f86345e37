/* SPDX-License-Identifier: Apache-2.0 */
/* See file.h. */
#define _GNU_SOURCE
#include "file.h"

#include "base/memory.h"
#include "descriptor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_CHUNK = 64 * 1024, NAME_LENGTH_MAX = 4096 };

/* Appends the rest of the file; what was read stays in `content`, whatever is returned. */
static int file_read_rest(int fd, size_t size_max, struct buffer *content)
{
    size_t start = content->length;

    for (;;) {
        ssize_t n;

        buffer_reserve(content, READ_CHUNK);
        n = read(fd, content->data + content->length, READ_CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        content->length += (size_t)n;
        content->data[content->length] = '\0';
        if (n == 0)
            return 0;
        if (content->length - start > size_max)
            return -EFBIG;
    }
}

int file_read(const char *path, size_t size_max, struct buffer *content, struct error *err)
{
    _cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t start = content->length;
    int r;

    if (fd < 0)
        return error_set_errno(err, -errno, "cannot open '%s'", path);
    r = file_read_rest(fd, size_max, content);
    if (r == 0)
        return 0;
    content->length = start;
    content->data[start] = '\0';
    if (r == -EFBIG)
        return error_set(err, r, "'%s' is larger than %zu bytes", path, size_max);
    return error_set_errno(err, r, "cannot read '%s'", path);
}

int file_write_all(int fd, const void *data, size_t length)
{
    const char *bytes = data;

    while (length > 0) {
        ssize_t n = write(fd, bytes, length);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        bytes += n;
        length -= (size_t)n;
    }
    return 0;
}

static int folder_sync(const char *path, struct error *err)
{
    _cleanup_free_ char *folder = NULL;
    _cleanup_fd_ int fd = -1;
    const char *slash = strrchr(path, '/');

    folder = slash ? memory_copy_bytes(path, (size_t)(slash - path) + 1) : memory_copy_string(".");
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        return error_set_errno(err, -errno, "cannot flush the folder '%s'", folder);
    return 0;
}

static int file_write_beside(const char *path, const void *data, size_t length, mode_t mode,
                             bool durable, struct error *err)
{
    _cleanup_fd_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    int r;

    if (fd < 0)
        return error_set_errno(err, -errno, "cannot create '%s'", path);
    r = file_write_all(fd, data, length);
    if (r == 0 && fchmod(fd, mode) < 0)
        r = -errno;
    if (r == 0 && durable && fsync(fd) < 0)
        r = -errno;
    if (r < 0)
        return error_set_errno(err, r, "cannot write '%s'", path);
    return 0;
}

int file_replace(const char *path, const void *data, size_t length, mode_t mode, bool durable,
                 struct error *err)
{
    _cleanup_buffer_ struct buffer beside = BUFFER_INIT;
    int r;

    buffer_appendf(&beside, "%s.new-%d", path, (int)getpid());
    r = file_write_beside(beside.data, data, length, mode, durable, err);
    if (r == 0 && rename(beside.data, path) < 0)
        r = error_set_errno(err, -errno, "cannot rename '%s' to '%s'", beside.data, path);
    if (r < 0) {
        unlink(beside.data);
        return r;
    }
    return durable ? folder_sync(path, err) : 0;
}

int file_make_folders(const char *path, mode_t mode, struct error *err)
{
    _cleanup_free_ char *copy = memory_copy_string(path);
    struct stat status;

    for (char *p = copy + 1; copy[0] && *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        if (mkdir(copy, mode) < 0 && errno != EEXIST)
            return error_set_errno(err, -errno, "cannot make the folder '%s'", copy);
        *p = '/';
    }
    if (mkdir(path, mode) == 0)
        return 0;
    if (errno != EEXIST)
        return error_set_errno(err, -errno, "cannot make the folder '%s'", path);
    if (stat(path, &status) < 0 || !S_ISDIR(status.st_mode))
        return error_set(err, -ENOTDIR, "'%s' is there already and no folder", path);
    return 0;
}

/*
 * Opens a folder that is about to be removed and makes it writable. Nothing here follows a link:
 * what a task left behind may have been made to lead elsewhere.
 */
static int open_doomed_folder(int parent, const char *name)
{
    _cleanup_fd_ int place = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    _cleanup_buffer_ struct buffer itself = BUFFER_INIT;
    struct stat status;
    int fd;

    if (place < 0 || fstat(place, &status) < 0)
        return -errno;
    buffer_appendf(&itself, "/proc/self/fd/%d", place);
    /* Whoever may not change the mode may not remove the content either, and hears of it then. */
    if ((status.st_mode & S_IRWXU) != S_IRWXU)
        (void)chmod(itself.data, S_IRWXU);
    fd = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* Moves a folder that is not empty from `parent` up into `top`, under a name that is free there. */
static int lift_folder(int parent, const char *name, int top, uint64_t *lifted)
{
    _cleanup_buffer_ struct buffer up = BUFFER_INIT;
    _cleanup_fd_ int fd = -1;

    /* To be moved, a folder must be writable itself, because its '..' changes. */
    fd = open_doomed_folder(parent, name);
    if (fd < 0)
        return fd;
    do {
        buffer_clear(&up);
        buffer_appendf(&up, ".removed-%llu", (unsigned long long)(*lifted)++);
        if (renameat(parent, name, top, up.data) == 0)
            return 0;
    } while (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR);
    return -errno;
}

/* Removes one entry of `parent`; a folder with something in it is only lifted into `top`. */
static int remove_or_lift(int parent, const char *name, int top, uint64_t *lifted)
{
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR)
        return -errno;
    if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return 0;
    if (errno != ENOTEMPTY && errno != EEXIST)
        return -errno;
    return lift_folder(parent, name, top, lifted);
}

/* Empties a folder; *ret_found says whether there was anything in it. */
static int empty_folder(int folder, int top, uint64_t *lifted, bool *ret_found);

/* Removes a folder directly below `top`; what its folders hold is lifted, never walked down to. */
static int remove_below_top(int top, const char *name, uint64_t *lifted)
{
    _cleanup_fd_ int fd = -1;
    bool found;
    int r;

    if (unlinkat(top, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR)
        return -errno;
    fd = open_doomed_folder(top, name);
    if (fd < 0)
        return fd;
    r = empty_folder(fd, top, lifted, &found);
    if (r < 0)
        return r;
    return unlinkat(top, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

static int empty_folder(int folder, int top, uint64_t *lifted, bool *ret_found)
{
    int copy = fcntl(folder, F_DUPFD_CLOEXEC, 0);
    DIR *directory = copy < 0 ? NULL : fdopendir(copy);
    struct dirent *entry;
    int r = 0;

    if (!directory) {
        r = -errno;
        descriptor_close(copy);
        return r;
    }
    *ret_found = false;
    rewinddir(directory);
    while (r == 0 && (entry = readdir(directory))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        *ret_found = true;
        r = folder == top ? remove_below_top(top, entry->d_name, lifted)
                          : remove_or_lift(folder, entry->d_name, top, lifted);
    }
    closedir(directory);
    return r;
}

/*
 * A task can nest folders deeper than any stack and any number of descriptors, so the tree is not
 * walked down: it is flattened. Folders inside the top's folders move up into the top, which is
 * gone through until nothing is left in it.
 */
static int remove_tree(const char *path)
{
    _cleanup_fd_ int top = -1;
    uint64_t lifted = 0;
    bool found = true;
    int r;

    if (unlink(path) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR)
        return -errno;
    top = open_doomed_folder(AT_FDCWD, path);
    if (top < 0)
        return top;
    while (found) {
        r = empty_folder(top, top, &lifted, &found);
        if (r < 0)
            return r;
    }
    return rmdir(path) < 0 ? -errno : 0;
}

int file_remove_tree(const char *path, struct error *err)
{
    int r = remove_tree(path);

    return r < 0 ? error_set_errno(err, r, "cannot remove '%s'", path) : 0;
}

static int file_copy_by_hand(int from, int to)
{
    _cleanup_free_ char *chunk = memory_resize(NULL, READ_CHUNK, 1);

    for (;;) {
        ssize_t n = read(from, chunk, READ_CHUNK);
        int r;

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        r = file_write_all(to, chunk, (size_t)n);
        if (r < 0)
            return r;
    }
}

int file_copy(int from, int to, struct error *err)
{
    ssize_t n;
    int r = 0;

    do {
        n = sendfile(to, from, NULL, 1 << 30);
    } while (n > 0 || (n < 0 && errno == EINTR));
    if (n < 0)
        r = errno == EINVAL || errno == ENOSYS ? file_copy_by_hand(from, to) : -errno;
    return r < 0 ? error_set_errno(err, r, "cannot copy a file") : 0;
}

char *file_join(const char *folder, const char *name)
{
    struct buffer path = BUFFER_INIT;

    if (name[0] != '/') {
        buffer_append_text(&path, folder);
        if (path.length > 0 && path.data[path.length - 1] != '/')
            buffer_append_character(&path, '/');
    }
    buffer_append_text(&path, name);
    return buffer_take(&path);
}

bool file_name_is_contained(const char *name)
{
    if (name[0] == '\0' || strlen(name) > NAME_LENGTH_MAX)
        return false;
    for (const char *component = name;;) {
        size_t length = strcspn(component, "/");

        if (length == 0 || length > NAME_MAX)
            return false;
        if (component[0] == '.' && (length == 1 || (length == 2 && component[1] == '.')))
            return false;
        if (component[length] == '\0')
            return true;
        component += length + 1;
    }
}
