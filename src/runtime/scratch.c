/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See scratch.h: making the folder of an attempt, laying inputs, and removing it.
 *
 * Inputs are laid before the task runs, so nobody races with that; their names still come from
 * outside.
 */
#define _GNU_SOURCE
#include "scratch_internal.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    PASSABLE_MODE = 0711, /* others may go through, not look around */
    PRIVATE_MODE = 0700,
    MODE_MASK = 0777,
    OPEN_TRIES = 10,
};

/* ---- the folder ---- */

/* STATE/attempts/ATTEMPT, or NULL if `attempt` is not one file name. */
static char *find_folder(const char *state_folder, const char *attempt, struct error *err)
{
    _cleanup_free_ char *attempts = file_join(state_folder, "attempts");

    if (!file_name_is_contained(attempt) || strchr(attempt, '/')) {
        error_set(err, -EINVAL, "'%s' is no name for an attempt", attempt);
        return NULL;
    }
    return file_join(attempts, attempt);
}

struct scratch *scratch_free(struct scratch *scratch)
{
    if (!scratch)
        return NULL;
    descriptor_close(scratch->folder_fd);
    descriptor_close(scratch->work_fd);
    descriptor_close(scratch->temporary_fd);
    free(scratch->folder);
    free(scratch->work);
    free(scratch->temporary);
    free(scratch);
    return NULL;
}

/* Takes `folder` over. */
static void set_paths(struct scratch *scratch, char *folder)
{
    free(scratch->folder);
    free(scratch->work);
    free(scratch->temporary);
    scratch->folder = folder;
    scratch->work = file_join(folder, SCRATCH_WORK);
    scratch->temporary = file_join(folder, SCRATCH_TEMPORARY);
}

int scratch_open(const char *state_folder, const char *attempt, uid_t uid, gid_t gid,
                 struct scratch **ret_scratch, struct error *err)
{
    _cleanup_(scratch_free_p) struct scratch *scratch = memory_allocate(sizeof(*scratch));
    char *folder;

    *scratch = (struct scratch){
        .folder_fd = -1, .work_fd = -1, .temporary_fd = -1, .uid = uid, .gid = gid};
    folder = find_folder(state_folder, attempt, err);
    if (!folder)
        return -EINVAL;
    set_paths(scratch, folder);
    scratch->folder_fd = open(scratch->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (scratch->folder_fd >= 0)
        scratch->work_fd = openat(scratch->folder_fd, SCRATCH_WORK,
                                  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (scratch->work_fd < 0)
        return error_set_errno(err, -errno, "cannot open the scratch folder '%s'", scratch->work);
    *ret_scratch = take_pointer(scratch);
    return 0;
}

/* A folder for the task's user, below one of the agent's. */
static int make_private_folder(const char *above, const char *name, uid_t uid, gid_t gid,
                               struct error *err)
{
    _cleanup_free_ char *path = file_join(above, name);

    if (mkdir(path, PRIVATE_MODE) < 0 || (geteuid() == 0 && chown(path, uid, gid) < 0))
        return error_set_errno(err, -errno, "cannot make the folder '%s'", path);
    return 0;
}

int scratch_make(const char *state_folder, const char *attempt, uid_t uid, gid_t gid,
                 struct scratch **ret_scratch, struct error *err)
{
    _cleanup_free_ char *folder = find_folder(state_folder, attempt, err);
    int r;

    if (!folder)
        return -EINVAL;
    r = file_remove_tree(folder, err);
    if (r == 0)
        r = file_make_folders(folder, PASSABLE_MODE, err);
    if (r == 0 && chmod(folder, PASSABLE_MODE) < 0)
        r = error_set_errno(err, -errno, "cannot open '%s' for its user", folder);
    if (r == 0)
        r = make_private_folder(folder, SCRATCH_WORK, uid, gid, err);
    if (r == 0)
        r = make_private_folder(folder, SCRATCH_TEMPORARY, uid, gid, err);
    if (r == 0)
        r = scratch_open(state_folder, attempt, uid, gid, ret_scratch, err);
    return r;
}

int scratch_remove(const char *state_folder, const char *attempt, struct error *err)
{
    _cleanup_free_ char *folder = find_folder(state_folder, attempt, err);

    return folder ? file_remove_tree(folder, err) : -EINVAL;
}

/* ---- again ---- */

/* Whether the open folder holds nothing. Its position is the caller's loss. */
static bool is_empty(int folder)
{
    char entries[1024];
    ssize_t length;

    if (lseek(folder, 0, SEEK_SET) < 0)
        return false;
    while ((length = getdents64(folder, entries, sizeof(entries))) > 0)
        for (ssize_t at = 0; at < length;) {
            const struct dirent64 *entry = (const struct dirent64 *)(void *)(entries + at);

            if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                return false;
            at += entry->d_reclen;
        }
    return length == 0;
}

/* Whether a folder is as make_private_folder() left it: the task owned it and may have changed it.
 */
static bool is_pristine(const struct scratch *scratch, int folder)
{
    struct stat status;

    return fstat(folder, &status) == 0 && (status.st_mode & 07777) == PRIVATE_MODE &&
           status.st_uid == scratch->uid && status.st_gid == scratch->gid && is_empty(folder);
}

int scratch_empty(struct scratch *scratch, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (unlinkat(scratch->work_fd, names[i], 0) < 0 && errno != ENOENT)
            return 1;
    if (scratch->temporary_fd < 0)
        scratch->temporary_fd = openat(scratch->folder_fd, SCRATCH_TEMPORARY,
                                       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return scratch->temporary_fd < 0 || !is_pristine(scratch, scratch->work_fd) ||
           !is_pristine(scratch, scratch->temporary_fd);
}

int scratch_reuse(struct scratch *scratch, const char *state_folder, const char *attempt,
                  struct error *err)
{
    _cleanup_free_ char *folder = find_folder(state_folder, attempt, err);

    if (!folder)
        return -EINVAL;
    if (rename(scratch->folder, folder) < 0)
        return error_set_errno(err, -errno, "cannot rename '%s' to '%s'", scratch->folder, folder);
    set_paths(scratch, take_pointer(folder));
    return 0;
}

const char *scratch_work(const struct scratch *scratch)
{
    return scratch->work;
}

const char *scratch_temporary(const struct scratch *scratch)
{
    return scratch->temporary;
}

/* The kernel asks to try again when a folder was renamed while it looked (openat2(2)). */
int scratch_open_beneath(const struct scratch *scratch, const char *name, int flags)
{
    struct open_how how = {
        .flags = (uint64_t)(flags | O_CLOEXEC),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    int fd = -1;

    for (int i = 0; i < OPEN_TRIES && fd < 0; i++) {
        fd = (int)syscall(SYS_openat2, scratch->work_fd, name, &how, sizeof(how));
        if (fd < 0 && errno != EAGAIN)
            break;
    }
    return fd < 0 ? -errno : fd;
}

/* ---- inputs ---- */

/* Gives what was just made to the task's user and sets its mode, whatever the umask is. */
static int hand_over(const struct scratch *scratch, int fd, mode_t mode)
{
    if (geteuid() == 0 && fchown(fd, scratch->uid, scratch->gid) < 0)
        return -errno;
    return fchmod(fd, mode) < 0 ? -errno : 0;
}

/* Opens a folder in `above`, after making it if it is missing; no link is taken for one. */
static int enter_folder(const struct scratch *scratch, int above, const char *name)
{
    bool is_new = mkdirat(above, name, PRIVATE_MODE) == 0;
    _cleanup_fd_ int fd = -1;
    int r = 0;

    if (!is_new && errno != EEXIST)
        return -errno;
    fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (is_new)
        r = hand_over(scratch, fd, PRIVATE_MODE);
    return r < 0 ? r : descriptor_take(&fd);
}

/* Opens the folder that the last component of `name` goes into, and makes those on the way. */
static int enter_parent(const struct scratch *scratch, const char *name, const char **ret_last)
{
    _cleanup_fd_ int at = openat(scratch->work_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const char *slash;

    if (at < 0)
        return -errno;
    for (; (slash = strchr(name, '/')); name = slash + 1) {
        _cleanup_free_ char *component = memory_copy_bytes(name, (size_t)(slash - name));
        int next = enter_folder(scratch, at, component);

        if (next < 0)
            return next;
        descriptor_close(at);
        at = next;
    }
    *ret_last = name;
    return descriptor_take(&at);
}

/* Shares the blocks where the file system can, so that large inputs cost nothing. */
static int copy_content(int from, int to, struct error *err)
{
    if (lseek(from, 0, SEEK_CUR) == 0 && ioctl(to, FICLONE, from) == 0)
        return 0;
    return file_copy(from, to, err);
}

static int refuse_name(const char *name, struct error *err)
{
    return error_set(err, -EINVAL, "the name '%s' does not stay in the scratch folder", name);
}

int scratch_add_file(struct scratch *scratch, const char *name, int content, mode_t mode,
                     struct error *err)
{
    _cleanup_fd_ int parent = -1, fd = -1;
    const char *last = NULL;
    int r;

    if (!file_name_is_contained(name))
        return refuse_name(name, err);
    parent = enter_parent(scratch, name, &last);
    if (parent < 0)
        return error_set_errno(err, parent, "cannot make the folder for the input '%s'", name);
    fd = openat(parent, last, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set_errno(err, -errno, "cannot create the input '%s'", name);
    r = copy_content(content, fd, err);
    if (r < 0)
        error_prefix(err, r, "cannot lay the input '%s'", name);
    if (r == 0) {
        r = hand_over(scratch, fd, (mode & MODE_MASK) | S_IRUSR);
        if (r < 0)
            error_set_errno(err, r, "cannot hand over the input '%s'", name);
    }
    if (r < 0)
        unlinkat(parent, last, 0);
    return r;
}

int scratch_add_folder(struct scratch *scratch, const char *name, mode_t mode, struct error *err)
{
    _cleanup_fd_ int parent = -1, fd = -1;
    const char *last = NULL;
    int r;

    if (!file_name_is_contained(name))
        return refuse_name(name, err);
    parent = enter_parent(scratch, name, &last);
    fd = parent < 0 ? parent : enter_folder(scratch, parent, last);
    r = fd < 0 ? fd : hand_over(scratch, fd, (mode & MODE_MASK) | S_IRWXU);
    if (r < 0)
        return error_set_errno(err, r, "cannot make the input folder '%s'", name);
    return 0;
}

int scratch_make_way(struct scratch *scratch, const char *name, bool for_folder, struct error *err)
{
    _cleanup_free_ char *path = file_join(scratch->work, name);
    struct stat status;

    if (!file_name_is_contained(name))
        return refuse_name(name, err);
    if (lstat(path, &status) < 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? 0
                   : error_set_errno(err, -errno, "cannot look at '%s'", name);
    return for_folder && S_ISDIR(status.st_mode) ? 0 : file_remove_tree(path, err);
}
