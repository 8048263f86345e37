/* SPDX-License-Identifier: Apache-2.0 */
/* See descriptor.h. */
#define _GNU_SOURCE
#include "descriptor.h"

#include "base/buffer.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { ENTRIES_SIZE = 4096 };

int descriptor_close(int fd)
{
    int saved = errno;

    if (fd >= 0)
        close(fd);
    errno = saved;
    return -1;
}

/* Of the entry of /proc/self/fd: a number; -1: it is none. */
static int descriptor_of_entry(const char *name)
{
    int fd = -1;

    for (; *name >= '0' && *name <= '9'; name++)
        fd = (fd < 0 ? 0 : fd * 10) + (*name - '0');
    return fd;
}

/* The folder is in order of the numbers, so what is closed on the way moves no other entry. */
static int close_entries(int folder, unsigned first, unsigned last, bool at_exec)
{
    alignas(struct dirent64) char room[ENTRIES_SIZE];
    ssize_t length;

    while ((length = getdents64(folder, room, sizeof(room))) > 0)
        for (ssize_t at = 0; at < length;) {
            const struct dirent64 *entry = (const void *)(room + at);
            int fd = descriptor_of_entry(entry->d_name);

            at += entry->d_reclen;
            if (fd < 0 || (unsigned)fd < first || (unsigned)fd > last || fd == folder)
                continue;
            if (at_exec)
                fcntl(fd, F_SETFD, FD_CLOEXEC);
            else
                close(fd);
        }
    return length < 0 ? -errno : 0;
}

int descriptor_close_range(unsigned first, unsigned last, bool at_exec)
{
    _cleanup_fd_ int folder = -1;

    if (close_range(first, last, at_exec ? CLOSE_RANGE_CLOEXEC : 0) == 0)
        return 0;
    if (errno != ENOSYS && errno != EINVAL)
        return -errno;
    folder = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return folder < 0 ? -errno : close_entries(folder, first, last, at_exec);
}

int descriptor_set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    return 0;
}

/* An address that names `path` through an open descriptor of its folder, which the caller keeps. */
static int unix_address(const char *path, struct sockaddr_un *address, int *ret_folder_fd,
                        struct error *err)
{
    _cleanup_free_ char *folder = NULL;
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    int length;

    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    folder = slash ? memory_copy_bytes(path, (size_t)(slash - path) + 1) : memory_copy_string(".");
    *ret_folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*ret_folder_fd < 0)
        return error_set_errno(err, -errno, "cannot open the folder '%s'", folder);
    length = snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/%s",
                      *ret_folder_fd, name);
    if (length < 0 || (size_t)length >= sizeof(address->sun_path))
        return error_set(err, -ENAMETOOLONG, "the socket's name '%s' is too long", name);
    return 0;
}

int descriptor_listen_unix(const char *path, int type, mode_t mode, struct error *err)
{
    _cleanup_fd_ int folder = -1, fd = -1;
    struct sockaddr_un address;
    int r;

    r = unix_address(path, &address, &folder, err);
    if (r < 0)
        return r;
    fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_set_errno(err, -errno, "cannot make a socket");
    unlink(path);
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || chmod(path, mode) < 0 ||
        listen(fd, SOMAXCONN) < 0)
        return error_set_errno(err, -errno, "cannot listen on '%s'", path);
    return descriptor_take(&fd);
}

int descriptor_connect_unix(const char *path, int type, struct error *err)
{
    _cleanup_fd_ int folder = -1, fd = -1;
    struct sockaddr_un address;
    int r;

    r = unix_address(path, &address, &folder, err);
    if (r < 0)
        return r;
    fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_set_errno(err, -errno, "cannot make a socket");
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return error_set_errno(err, -errno, "cannot connect to '%s'", path);
    return descriptor_take(&fd);
}
