/* SPDX-License-Identifier: Apache-2.0 */
/* See cgroup.h: groups in use, and those that wait to be used again. */
#define _GNU_SOURCE
#include "cgroup.h"

#include "base/memory.h"
#include "cgroup_file.h"
#include "cgroup_freezer.h"
#include "sys/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

/* ---- files of a group ---- */

/*
 * Read through the descriptor that epoll watches: kernfs wakes whoever polls it when the file
 * changes, and only reading it again makes it wake once more (kernfs_generic_poll()).
 */
int cgroup_read_events(const struct cgroup *group, bool *ret_populated, bool *ret_frozen)
{
    char text[CGROUP_FILE_SIZE];
    uint64_t populated, frozen;
    int r;

    if (group->version == CGROUP_VERSION_1)
        return cgroup_freezer_look(group->folder, ret_populated, ret_frozen);
    r = cgroup_file_read_open(group->events, text);
    if (r < 0)
        return r;
    if (cgroup_file_find_number(text, "populated", &populated) < 0 ||
        cgroup_file_find_number(text, "frozen", &frozen) < 0)
        return -EBADMSG;
    *ret_populated = populated != 0;
    *ret_frozen = frozen != 0;
    return 0;
}

/* What the group used in its whole life. */
static int read_cpu_of_life(const struct cgroup *group, uint64_t *ret_user_us,
                            uint64_t *ret_system_us)
{
    char text[CGROUP_FILE_SIZE];
    uint64_t user_us, system_us;
    int r;

    if (group->version == CGROUP_VERSION_1)
        return cgroup_limits_read_cpu_time(&group->limits, ret_user_us, ret_system_us);
    r = cgroup_file_read(group->folder, "cpu.stat", text);
    if (r < 0)
        return r;
    if (cgroup_file_find_number(text, "user_usec", &user_us) < 0 ||
        cgroup_file_find_number(text, "system_usec", &system_us) < 0)
        return -EBADMSG;
    *ret_user_us = user_us;
    *ret_system_us = system_us;
    return 0;
}

int cgroup_read_cpu(const struct cgroup *group, uint64_t *ret_user_us, uint64_t *ret_system_us)
{
    uint64_t user_us, system_us;
    int r = read_cpu_of_life(group, &user_us, &system_us);

    if (r < 0)
        return r;
    *ret_user_us = user_us - group->user_us_before;
    *ret_system_us = system_us - group->system_us_before;
    return 0;
}

/*
 * What is forked while the list is read may be missing from it; so this is for signals and sums,
 * and never to say that a group is empty, which cgroup_read_events() does.
 */
int cgroup_each_process(const struct cgroup *group, void (*each)(void *context, int pid),
                        void *context)
{
    return cgroup_file_each_process(group->folder, each, context);
}

int cgroup_birthplace(const struct cgroup *group)
{
    return group->version == CGROUP_VERSION_2 ? group->folder : -1;
}

int cgroup_join(const struct cgroup *group)
{
    int r = 0;

    if (group->version == CGROUP_VERSION_1)
        r = cgroup_file_write(group->folder, CGROUP_JOIN_FILE, "0");
    return r < 0 ? r : cgroup_limits_join(&group->limits);
}

/*
 * One write, and the kernel kills all that is in or below the group, also what is being forked
 * meanwhile and what is frozen; SIGKILL to a list of processes could do neither for certain.
 */
int cgroup_kill(struct cgroup *group)
{
    group->was_killed = true;
    if (group->version == CGROUP_VERSION_1)
        return cgroup_freezer_kill(group->folder);
    return cgroup_file_write(group->folder, "cgroup.kill", "1");
}

/*
 * The freezer of version 2 stops processes as SIGSTOP does but is not seen by their parents, and
 * they can be killed where they stand (cgroup-v2.rst, cgroup.freeze).
 */
int cgroup_freeze(const struct cgroup *group, bool frozen)
{
    if (group->version == CGROUP_VERSION_1)
        return frozen && group->was_killed ? 0 : cgroup_freezer_set(group->folder, frozen);
    cgroup_limits_set_frozen(&group->limits, frozen);
    return cgroup_file_write(group->folder, "cgroup.freeze", frozen ? "1" : "0");
}

/* ---- making and removing ---- */

static struct cgroup *group_free(struct cgroup *group)
{
    cgroup_limits_close(&group->limits);
    descriptor_close(group->folder);
    descriptor_close(group->events);
    free(group);
    return NULL;
}

/*
 * A group that is not empty yet stays (EBUSY), which is no harm: the next keeper of this folder
 * finds it in keeper.group and removes it.
 */
static void group_discard(struct cgroup_root *root, struct cgroup *group)
{
    cgroup_file_remove_group(root->folder, group->limits.name);
    for (int i = 0; i < CGROUP_CONTROLLERS; i++)
        if (root->branches[i].folder >= 0)
            cgroup_file_remove_group(root->branches[i].folder, group->limits.name);
    group_free(group);
}

/* Two controllers of version 1 may share a tree, and then the group is there already. */
static int make_folder(int above, const char *name)
{
    return mkdirat(above, name, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int open_limits(const struct cgroup_root *root, struct cgroup *group)
{
    int r = 0;

    for (int i = 0; r == 0 && i < CGROUP_CONTROLLERS; i++) {
        enum cgroup_controller controller = (enum cgroup_controller)i;
        int branch = root->branches[i].folder;

        if (root->is_unified[i])
            cgroup_limits_open(&group->limits, controller, CGROUP_VERSION_2, group->folder);
        else if (branch >= 0)
            r = make_folder(branch, group->limits.name);
        if (r == 0 && !root->is_unified[i] && branch >= 0)
            cgroup_limits_open(&group->limits, controller, CGROUP_VERSION_1, branch);
    }
    return r;
}

static int group_open(const struct cgroup_root *root, struct cgroup *group)
{
    int r = make_folder(root->folder, group->limits.name);

    if (r < 0)
        return r;
    group->folder = openat(root->folder, group->limits.name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (group->folder < 0)
        return -errno;
    if (root->version == CGROUP_VERSION_2) {
        group->events = openat(group->folder, "cgroup.events", O_RDONLY | O_CLOEXEC);
        if (group->events < 0)
            return -errno;
    }
    return open_limits(root, group);
}

static int group_new(struct cgroup_root *root, struct cgroup **ret_group)
{
    struct cgroup *group = memory_allocate(sizeof(*group));
    int r;

    *group = (struct cgroup){
        .version = root->version, .folder = -1, .events = -1, .limits = CGROUP_LIMITS_INIT};
    snprintf(group->limits.name, CGROUP_NAME_SIZE, "task-%u", root->made++);
    r = group_open(root, group);
    if (r < 0)
        group_discard(root, group);
    else
        *ret_group = group;
    return r;
}

/* ---- again and again ---- */

int cgroup_take(struct cgroup_root *root, const struct cgroup_request *request,
                struct cgroup **ret_group)
{
    struct cgroup *group = root->spare;
    int r = 0;

    if (root->folder < 0)
        return -EOPNOTSUPP;
    if (group)
        root->spare = group->next_spare;
    else
        r = group_new(root, &group);
    if (r < 0)
        return r;
    r = cgroup_limits_apply(&group->limits, request);
    if (r < 0)
        group_discard(root, group);
    else
        *ret_group = group;
    return r;
}

/*
 * A spare keeps what its last task used: there is no way to set cpu.stat to nothing, so the
 * difference is taken.
 */
void cgroup_give_back(struct cgroup_root *root, struct cgroup *group)
{
    if (group->was_killed || !cgroup_limits_can_start_anew(&group->limits)) {
        group_discard(root, group);
        return;
    }
    read_cpu_of_life(group, &group->user_us_before, &group->system_us_before);
    group->next_spare = root->spare;
    root->spare = group;
}

void cgroup_discard_spares(struct cgroup_root *root)
{
    while (root->spare) {
        struct cgroup *group = root->spare;

        root->spare = group->next_spare;
        group_discard(root, group);
    }
}
