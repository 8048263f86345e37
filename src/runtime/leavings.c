/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See leavings.h. Only the top level of a folder is looked at: below, a user has what is his in
 * folders of his own, or of another user who let him in and sees to it.
 */
#define _GNU_SOURCE
#include "leavings.h"

#include "base/memory.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whom to look for. */
struct owners {
    const uid_t *uids;
    size_t count;
    struct timespec before;
};

static bool are_of(const struct owners *owners, uid_t uid)
{
    for (size_t i = 0; i < owners->count; i++)
        if (owners->uids[i] == uid)
            return true;
    return false;
}

/* ---- files ---- */

static bool is_earlier(struct timespec a, struct timespec b)
{
    return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec);
}

/* A task that has begun since then may have made it, so what is young waits for the next time. */
static bool is_left(const struct owners *owners, const struct stat *folder,
                    const struct stat *entry)
{
    return are_of(owners, entry->st_uid) && entry->st_dev == folder->st_dev &&
           is_earlier(entry->st_ctim, owners->before);
}

static int remove_from(const char *path, const struct owners *owners, struct error *err)
{
    DIR *folder = opendir(path);
    struct dirent *item;
    struct stat status, entry;
    int r = 0;

    if (!folder || fstat(dirfd(folder), &status) < 0) {
        r = errno == ENOENT ? 0 : error_set_errno(err, -errno, "cannot open '%s'", path);
        if (folder)
            closedir(folder);
        return r;
    }
    while ((item = readdir(folder))) {
        _cleanup_free_ char *whole = file_join(path, item->d_name);

        if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0 ||
            fstatat(dirfd(folder), item->d_name, &entry, AT_SYMLINK_NOFOLLOW) < 0 ||
            !is_left(owners, &status, &entry))
            continue;
        if (r == 0)
            r = file_remove_tree(whole, err);
        else
            (void)file_remove_tree(whole, NULL);
    }
    closedir(folder);
    return r;
}

int leavings_remove_files(const char *const *folders, const uid_t *uids, size_t count,
                          struct timespec before, struct error *err)
{
    const struct owners owners = {.uids = uids, .count = count, .before = before};
    int r = 0;

    for (; *folders; folders++) {
        int failure = remove_from(*folders, &owners, r == 0 ? err : NULL);

        r = r == 0 ? failure : r;
    }
    return r;
}

/* ---- System V IPC ---- */

/*
 * Their times are in whole seconds, and what was made in the last one goes as well, or it would
 * stay for ever. This is done first, long before a task that is started meanwhile comes to its
 * program.
 */
static bool is_object_left(const struct owners *owners, const struct ipc_perm *permissions,
                           time_t changed)
{
    return (are_of(owners, permissions->uid) || are_of(owners, permissions->cuid)) &&
           changed <= owners->before.tv_sec;
}

static void remove_shared_memory(const struct owners *owners)
{
    struct shm_info info;
    struct shmid_ds object;
    int last = shmctl(0, SHM_INFO, (struct shmid_ds *)(void *)&info);

    for (int i = 0; i <= last; i++) {
        int id = shmctl(i, SHM_STAT, &object);

        if (id >= 0 && is_object_left(owners, &object.shm_perm, object.shm_ctime))
            shmctl(id, IPC_RMID, NULL);
    }
}

static void remove_semaphores(const struct owners *owners)
{
    union {
        struct semid_ds *object;
        struct seminfo *info;
    } argument; /* semctl(2): the caller has to define it */
    struct semid_ds object;
    struct seminfo info;
    int last;

    argument.info = &info;
    last = semctl(0, 0, SEM_INFO, argument);
    argument.object = &object;
    for (int i = 0; i <= last; i++) {
        int id = semctl(i, 0, SEM_STAT, argument);

        if (id >= 0 && is_object_left(owners, &object.sem_perm, object.sem_ctime))
            semctl(id, 0, IPC_RMID);
    }
}

static void remove_message_queues(const struct owners *owners)
{
    struct msginfo info;
    struct msqid_ds object;
    int last = msgctl(0, MSG_INFO, (struct msqid_ds *)(void *)&info);

    for (int i = 0; i <= last; i++) {
        int id = msgctl(i, MSG_STAT, &object);

        if (id >= 0 && is_object_left(owners, &object.msg_perm, object.msg_ctime))
            msgctl(id, IPC_RMID, NULL);
    }
}

void leavings_remove_ipc(const uid_t *uids, size_t count, struct timespec before)
{
    const struct owners owners = {.uids = uids, .count = count, .before = before};

    remove_shared_memory(&owners);
    remove_semaphores(&owners);
    remove_message_queues(&owners);
}

int leavings_remove(const uid_t *uids, size_t count, struct timespec before, struct error *err)
{
    static const char *const folders[] = {"/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", NULL};

    leavings_remove_ipc(uids, count, before);
    return leavings_remove_files(folders, uids, count, before, err);
}
