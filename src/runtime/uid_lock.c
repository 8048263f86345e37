/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See uid_lock.h. One byte of the file is locked for the agent and one for the keeper, by locks of
 * the open file (F_OFD_SETLK, fcntl(2)), which go with the last descriptor of it and with nothing
 * else. Who has either byte writes who he is; what is written counts while a byte is locked.
 */
#define _GNU_SOURCE
#include "uid_lock.h"

#include "sys/descriptor.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define LOCK_FOLDER "/run/dusk/uids"

enum { OWNER_SIZE_MAX = 64 };

static struct flock byte_of(enum uid_holder holder)
{
    return (struct flock){
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)holder, .l_len = 1};
}

/* Whether the file names this owner, or nobody yet. */
static bool names(int fd, const char *owner)
{
    char text[OWNER_SIZE_MAX + 1];
    ssize_t n = pread(fd, text, OWNER_SIZE_MAX, 0);

    if (n < 0)
        return false;
    text[n] = '\0';
    return strcmp(text, owner) == 0;
}

/* Whether the other byte is locked by somebody who is not of this owner. */
static bool is_anothers(int fd, enum uid_holder holder, const char *owner)
{
    struct flock other = byte_of(holder == UID_HOLDER_AGENT ? UID_HOLDER_KEEPER : UID_HOLDER_AGENT);

    return fcntl(fd, F_OFD_GETLK, &other) < 0 || (other.l_type != F_UNLCK && !names(fd, owner));
}

static int name_owner(int fd, const char *owner)
{
    ssize_t length = (ssize_t)strlen(owner);

    if (names(fd, owner))
        return 0;
    return ftruncate(fd, 0) < 0 || pwrite(fd, owner, (size_t)length, 0) != length ? -EIO : 0;
}

int uid_lock(uid_t uid, enum uid_holder holder, const char *owner, int *ret_fd)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    struct flock own = byte_of(holder);
    _cleanup_fd_ int fd = -1;
    int r = file_make_folders(LOCK_FOLDER, 0755, NULL);

    if (r < 0)
        return r;
    buffer_appendf(&path, "%s/%u", LOCK_FOLDER, (unsigned)uid);
    fd = open(buffer_text(&path), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    if (fcntl(fd, F_OFD_SETLK, &own) < 0)
        return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
    if (is_anothers(fd, holder, owner))
        return -EBUSY;
    r = name_owner(fd, owner);
    if (r == 0)
        *ret_fd = descriptor_take(&fd);
    return r;
}
