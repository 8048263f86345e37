/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See cgroup_freezer.h. The kernel answers FREEZING for a group until all that is in or below it
 * stands still, and only then FROZEN. Nothing that is frozen forks, so a list that was read after
 * that answer has all; whoever kills from one that was read before may miss a child. Who may write
 * to his group can have made others below it, frozen ones too.
 */
#define _GNU_SOURCE
#include "cgroup_freezer.h"

#include "cgroup_file.h"
#include "sys/descriptor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

enum { KILL_ROUNDS_MAX = 20 }; /* without waiting; longer than processes take that can freeze */

#define STATE_FILE "freezer.state"

int cgroup_freezer_set(int folder, bool frozen)
{
    return cgroup_file_write(folder, STATE_FILE, frozen ? "FROZEN" : "THAWED");
}

/* ---- what is below ---- */

/* Calls back with each group, those below first. O_NOFOLLOW: their names are the task's. */
static int each_group(int folder, int (*each)(void *context, int folder), void *context)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    if (!directory) {
        descriptor_close(fd);
        return -errno;
    }
    while ((entry = readdir(directory))) {
        _cleanup_fd_ int below = -1;

        if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
            continue;
        below = openat(fd, entry->d_name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (below >= 0)
            each_group(below, each, context);
    }
    closedir(directory);
    return each(context, folder);
}

static int read_state(int folder, bool *ret_frozen)
{
    char text[CGROUP_FILE_SIZE];
    int r = cgroup_file_read(folder, STATE_FILE, text);

    if (r == 0)
        *ret_frozen = strcmp(text, "FROZEN\n") == 0;
    return r;
}

static void note_one(void *context, int pid)
{
    bool *populated = context;

    (void)pid;
    *populated = true;
}

static int look_for_process(void *context, int folder)
{
    return cgroup_file_each_process(folder, note_one, context);
}

int cgroup_freezer_look(int folder, bool *ret_populated, bool *ret_frozen)
{
    bool populated = false, frozen;
    int r = read_state(folder, &frozen);

    if (r == 0)
        r = each_group(folder, look_for_process, &populated);
    if (r < 0)
        return r;
    *ret_populated = populated;
    *ret_frozen = frozen;
    return 0;
}

/* ---- the end ---- */

static void kill_one(void *context, int pid)
{
    (void)context;
    kill(pid, SIGKILL);
}

static int kill_group(void *context, int folder)
{
    (void)context;
    return cgroup_file_each_process(folder, kill_one, NULL);
}

static int thaw_group(void *context, int folder)
{
    (void)context;
    return cgroup_freezer_set(folder, false);
}

/*
 * One that does not freeze, because it waits for a dead disk, shall not keep the others alive.
 * Whatever fails, the group is thawed: nothing that stayed frozen could be killed by other means.
 */
int cgroup_freezer_kill(int folder)
{
    int r = cgroup_freezer_set(folder, true);
    bool had_all = false;

    for (int round = 0; r == 0 && !had_all && round < KILL_ROUNDS_MAX; round++) {
        r = read_state(folder, &had_all);
        if (r == 0)
            r = each_group(folder, kill_group, NULL);
    }
    if (each_group(folder, thaw_group, NULL) < 0)
        cgroup_freezer_set(folder, false);
    return r;
}
