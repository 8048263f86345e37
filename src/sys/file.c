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

int file_read(const char *path, size_t size_max, struct buffer *content, struct error *err)
{
    _cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t start = content->length;

    if (fd < 0)
        return error_set_errno(err, -errno, "cannot open '%s'", path);
    for (;;) {
        ssize_t n;

        buffer_reserve(content, READ_CHUNK);
        n = read(fd, content->data + content->length, READ_CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set_errno(err, -errno, "cannot read '%s'", path);
        content->length += (size_t)n;
        content->data[content->length] = '\0';
        if (n == 0)
            return 0;
        if (content->length - start > size_max)
            return error_set(err, -EFBIG, "'%s' is larger than %zu bytes", path, size_max);
    }
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
    if (stat(path, &status) == 0 && !S_ISDIR(status.st_mode))
        return error_set(err, -ENOTDIR, "'%s' is there already and no folder", path);
    return 0;
}

static int remove_entry(int folder, const char *name);

static int remove_folder_content(int folder, const char *name)
{
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct dirent *entry;
    DIR *directory;
    int r = 0;

    if (fd < 0 && errno == EACCES && fchmodat(folder, name, 0700, 0) == 0)
        fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    directory = fdopendir(fd);
    if (!directory) {
        descriptor_close(fd);
        return -ENOMEM;
    }
    while (r == 0 && (entry = readdir(directory)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            r = remove_entry(dirfd(directory), entry->d_name);
    closedir(directory);
    return r;
}

/*
 * Removes one entry of an open folder. The recursion is as deep as the tree, which the kernel
 * bounds for anything that was made by path, at two descriptors a level.
 */
static int remove_entry(int folder, const char *name)
{
    int r;

    if (unlinkat(folder, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno == EACCES && fchmodat(folder, ".", 0700, 0) == 0 && unlinkat(folder, name, 0) == 0)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return -errno;
    if (unlinkat(folder, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return 0;
    if (errno != ENOTEMPTY && errno != EEXIST)
        return -errno;
    r = remove_folder_content(folder, name);
    if (r < 0)
        return r;
    return unlinkat(folder, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

int file_remove_tree(const char *path, struct error *err)
{
    int r = remove_entry(AT_FDCWD, path);

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
