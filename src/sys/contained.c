/* SPDX-License-Identifier: Apache-2.0 */
/* See contained.h: one component after the other, each opened without following links. */
#define _GNU_SOURCE
#include "contained.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "descriptor.h"
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(const char *name, const char *why, struct error *err)
{
    error_set(err, -EPERM, "refused the name '%s': %s", name, why);
    return -EPERM;
}

/* Opens the folder `component` in `parent`, after making it if it is missing. */
static int step_down(int parent, const char *component, const char *name, struct error *err)
{
    int fd;

    if (mkdirat(parent, component, 0777) < 0 && errno != EEXIST)
        return error_set_errno(err, -errno, "cannot make the folder '%s' for '%s'", component,
                               name);
    fd = openat(parent, component, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
        return refuse(name, "a link or a file is on its way", err);
    if (fd < 0)
        return error_set_errno(err, -errno, "cannot open the folder '%s' for '%s'", component,
                               name);
    return fd;
}

/* Opens the folder that `name` ends in; *ret_last points to the last component, within name. */
static int open_parent(int folder, const char *name, const char **ret_last, struct error *err)
{
    _cleanup_fd_ int fd = -1;
    const char *slash;

    if (!file_name_is_contained(name))
        return refuse(name, "it leaves the folder that it belongs to", err);
    fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, -errno, "cannot open the folder for '%s'", name);
    for (*ret_last = name; (slash = strchr(*ret_last, '/')); *ret_last = slash + 1) {
        _cleanup_free_ char *component = memory_copy_bytes(*ret_last, (size_t)(slash - *ret_last));
        int next = step_down(fd, component, name, err);

        if (next < 0)
            return next;
        descriptor_close(fd);
        fd = next;
    }
    return descriptor_take(&fd);
}

int contained_file_begin(struct contained_file *file, int folder, const char *name,
                         struct error *err)
{
    _cleanup_contained_file_ struct contained_file new_file = CONTAINED_FILE_INIT;
    struct buffer beside = BUFFER_INIT;
    const char *last;

    new_file.folder = open_parent(folder, name, &last, err);
    if (new_file.folder < 0)
        return new_file.folder;
    new_file.name = memory_copy_string(last);
    /* Not the name with something behind: that may be too long. */
    buffer_appendf(&beside, ".dusk-new-%d", (int)getpid());
    new_file.beside = buffer_take(&beside);
    (void)unlinkat(new_file.folder, new_file.beside, 0);
    new_file.fd = openat(new_file.folder, new_file.beside,
                         O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (new_file.fd < 0)
        return error_set_errno(err, -errno, "cannot create '%s'", name);
    *file = new_file;
    new_file = CONTAINED_FILE_INIT;
    return 0;
}

int contained_file_commit(struct contained_file *file, mode_t mode, bool durable, struct error *err)
{
    int r = 0;

    if (fchmod(file->fd, mode) < 0 || (durable && fsync(file->fd) < 0))
        r = error_set_errno(err, -errno, "cannot finish '%s'", file->name);
    if (r == 0 && renameat(file->folder, file->beside, file->folder, file->name) < 0)
        r = error_set_errno(err, -errno, "cannot put '%s' in its place", file->name);
    if (r < 0)
        return r;
    file->fd = descriptor_close(file->fd);
    if (durable && fsync(file->folder) < 0)
        return error_set_errno(err, -errno, "cannot flush the folder of '%s'", file->name);
    return 0;
}

void contained_file_deinit(struct contained_file *file)
{
    /* Only a file that is still open was not committed. */
    if (file->fd >= 0)
        (void)unlinkat(file->folder, file->beside, 0);
    descriptor_close(file->fd);
    descriptor_close(file->folder);
    free(file->name);
    free(file->beside);
    *file = CONTAINED_FILE_INIT;
}

int contained_make_folder(int folder, const char *name, mode_t mode, struct error *err)
{
    _cleanup_fd_ int parent = -1, fd = -1;
    const char *last;

    parent = open_parent(folder, name, &last, err);
    if (parent < 0)
        return parent;
    fd = step_down(parent, last, name, err);
    if (fd < 0)
        return fd;
    if (fchmod(fd, mode) < 0)
        return error_set_errno(err, -errno, "cannot set the mode of the folder '%s'", name);
    return 0;
}
