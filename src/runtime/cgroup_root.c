/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See cgroup.h: where a keeper's groups can be made, and what keepers before it left there.
 *
 * First the tree of version 2, or the freezer's of version 1, without which there are no groups at
 * all; then the trees of version 1 that have a controller of their own; and the other controllers
 * from version 2, as far as they are handed down to us. Whatever limit cannot be had this way is
 * missing, and the keeper looks after it in another way.
 */
#define _GNU_SOURCE
#include "base/memory.h"
#include "cgroup.h"
#include "cgroup_file.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    KILL_PATIENCE_MS = 5000, /* for a stale group to become empty */
    KILL_AGAIN_MS = 5,
    FREEZE_PATIENCE_MS = 10000, /* for the one process that is tried; long if its slice is idle */
    PROCESS_NUMBER_SIZE = 32,
};

#define NAME_START "dusk-"
#define LEAF_NAME  "keeper"

char *cgroup_find_own(char **ret_mount)
{
    _cleanup_cgroup_places_ struct cgroup_places places = CGROUP_PLACES_INIT;

    cgroup_places_read(&places);
    if (!places.unified.mount)
        return NULL;
    *ret_mount = take_pointer(places.unified.mount);
    return take_pointer(places.unified.own);
}

/* ---- the keeper's group ---- */

/*
 * A name that nobody ever had. A process number would not do: it comes again, and then the next
 * keeper of an old folder would kill the tasks of whoever has the number now.
 */
static int draw_name(const char *mark, struct buffer *name, struct error *err)
{
    uint64_t number;

    if (getrandom(&number, sizeof(number), 0) != sizeof(number))
        return error_set_errno(err, -errno, "cannot draw a name for a control group");
    buffer_appendf(name, NAME_START "%s%016" PRIx64, mark, number);
    return 0;
}

static int make_root(struct cgroup_root *root, const char *above, const char *name,
                     struct error *err)
{
    root->path = file_join(above, name);
    if (mkdir(root->path, 0755) < 0) {
        free(root->path);
        root->path = NULL;
        return error_set_errno(err, -errno, "cannot make a control group below '%s'", above);
    }
    root->folder = open(root->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root->folder < 0)
        return error_set_errno(err, -errno, "cannot open the control group '%s'", root->path);
    return 0;
}

/* ---- controllers of version 2 ---- */

/*
 * Controllers can be handed on only by a group in which no process is. So a keeper that has a group
 * for itself alone, as a scope of systemd is, goes into one below it. Where others are in the group
 * as well, it is not the keeper's to change.
 */
static void leave_for_leaf(int above)
{
    char text[CGROUP_FILE_SIZE], own[PROCESS_NUMBER_SIZE];
    _cleanup_fd_ int leaf = -1;

    snprintf(own, sizeof(own), "%d\n", (int)getpid());
    if (cgroup_file_read(above, "cgroup.procs", text) < 0 || strcmp(text, own) != 0)
        return;
    if (mkdirat(above, LEAF_NAME, 0755) < 0 && errno != EEXIST)
        return;
    leaf = openat(above, LEAF_NAME, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (leaf >= 0)
        cgroup_file_write(leaf, "cgroup.procs", "0");
}

/* One by one, because a single one that cannot be had would spoil them all. */
static void take_controllers(struct cgroup_root *root, const char *above_path)
{
    _cleanup_fd_ int above = open(above_path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (above < 0)
        return;
    leave_for_leaf(above);
    for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
        char text[PROCESS_NUMBER_SIZE];

        if (root->branches[i].folder >= 0 || i == CGROUP_CPU_TIME)
            continue;
        snprintf(text, sizeof(text), "+%s", cgroup_controller_name((enum cgroup_controller)i));
        cgroup_file_write(above, "cgroup.subtree_control", text);
        root->is_unified[i] = cgroup_file_write(root->folder, "cgroup.subtree_control", text) == 0;
    }
}

/* ---- controllers of version 1 ---- */

/* Two controllers may share a tree, and then the folder is there already. */
static void make_branch(struct cgroup_branch *branch, const char *above, const char *name)
{
    branch->path = file_join(above, name);
    if (mkdir(branch->path, 0755) == 0 || errno == EEXIST)
        branch->folder = open(branch->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (branch->folder >= 0)
        return;
    free(branch->path);
    branch->path = NULL;
}

/* ---- together ---- */

/* As vfork_into() does it for tasks, also where there is no clone3(2). */
static pid_t fork_into(int birthplace)
{
    struct clone_args arguments = {.exit_signal = SIGCHLD};
    pid_t pid;

    if (birthplace >= 0) {
        arguments.flags = CLONE_INTO_CGROUP;
        arguments.cgroup = (uint64_t)birthplace;
    }
    pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
    if (pid >= 0 || errno != ENOSYS)
        return pid;
    pid = fork();
    if (pid == 0 && birthplace >= 0 && cgroup_file_write(birthplace, "cgroup.procs", "0") < 0)
        _exit(1);
    return pid;
}

static void live_in(const struct cgroup *group, int pipe)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (cgroup_join(group) < 0 || write(pipe, "x", 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

/*
 * Starts a process that does nothing until it is killed, and returns when it is in the group. Where
 * the keeper's own group was killed before, it dies of that (cgroup.h).
 */
static int start_inmate(const struct cgroup *group, pid_t *ret_pid)
{
    _cleanup_fd_ int read_end = -1, write_end = -1;
    int ends[2];
    char byte;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    read_end = ends[0];
    write_end = ends[1];
    pid = fork_into(cgroup_birthplace(group));
    if (pid < 0)
        return -errno;
    if (pid == 0)
        live_in(group, write_end);
    write_end = descriptor_close(write_end);
    if (read(read_end, &byte, 1) == 1) {
        *ret_pid = pid;
        return 0;
    }
    waitpid(pid, NULL, 0);
    return -EOWNERDEAD;
}

static int freeze_inmate(const struct cgroup *group)
{
    bool populated = false, frozen = false;
    int r = cgroup_freeze(group, true);

    for (int waited_ms = 0; r == 0 && waited_ms < FREEZE_PATIENCE_MS; waited_ms++) {
        r = cgroup_read_events(group, &populated, &frozen);
        if (frozen)
            return r == 0 && !populated ? -EOWNERDEAD : r;
        poll(NULL, 0, 1);
    }
    return r < 0 ? r : -ETIMEDOUT;
}

/*
 * Does with a process what will be done with tasks, before any task is told that it can be. What is
 * refused here may be permissions (a user without delegation) or features (an old kernel, a
 * sandbox).
 */
static int try_group(struct cgroup_root *root)
{
    struct cgroup_request request = {0};
    struct cgroup *group = NULL;
    pid_t pid = 0;
    int r = cgroup_take(root, &request, &group), killed;

    if (r < 0)
        return r;
    r = start_inmate(group, &pid);
    if (r == 0) {
        r = freeze_inmate(group);
        killed = cgroup_kill(group);
        if (killed < 0) {
            cgroup_freeze(group, false);
            kill(pid, SIGKILL);
        }
        waitpid(pid, NULL, 0);
        r = r < 0 ? r : killed;
    }
    cgroup_give_back(root, group);
    return r;
}

/* What limits cannot be used is given up before what holds tasks together is. */
static int try_groups(struct cgroup_root *root)
{
    int r = try_group(root);

    if (r == 0)
        return 0;
    cgroup_discard_spares(root);
    for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
        root->branches[i].folder = descriptor_close(root->branches[i].folder);
        root->is_unified[i] = false;
    }
    return try_group(root);
}

/* Below the group `above` of a tree of this version. */
static int open_below(struct cgroup_root *root, enum cgroup_version version, const char *above,
                      const struct cgroup_places *places, const char *name, struct error *err)
{
    int r;

    *root = CGROUP_ROOT_INIT;
    root->version = version;
    r = make_root(root, above, name, err);
    for (int i = 0; r == 0 && i < CGROUP_CONTROLLERS; i++)
        if (places->by_controller[i].own && (version == CGROUP_VERSION_1 || i != CGROUP_CPU_TIME))
            make_branch(&root->branches[i], places->by_controller[i].own, name);
    if (r == 0) {
        if (version == CGROUP_VERSION_2)
            take_controllers(root, above);
        r = try_groups(root);
        if (r < 0)
            error_set_errno(err, r, "control groups below '%s' cannot be used", above);
    }
    if (r < 0)
        cgroup_root_close(root);
    return r;
}

/* Where neither can be used it is version 2 that people can do something about. */
int cgroup_root_open(struct cgroup_root *root, const char *mark, struct error *err)
{
    _cleanup_cgroup_places_ struct cgroup_places places = CGROUP_PLACES_INIT;
    _cleanup_buffer_ struct buffer name = BUFFER_INIT;
    const char *unified, *freezer;
    int r;

    *root = CGROUP_ROOT_INIT;
    cgroup_places_read(&places);
    unified = places.unified.own;
    freezer = places.freezer.own;
    if (!unified && !freezer)
        return error_set(err, -ENOENT, "no control groups are mounted here");
    r = draw_name(mark, &name, err);
    if (r < 0)
        return r;
    if (unified)
        r = open_below(root, CGROUP_VERSION_2, unified, &places, buffer_text(&name), err);
    if (freezer && (!unified || r < 0) &&
        open_below(root, CGROUP_VERSION_1, freezer, &places, buffer_text(&name),
                   unified ? NULL : err) == 0)
        r = 0;
    return r;
}

void cgroup_root_close(struct cgroup_root *root)
{
    cgroup_discard_spares(root);
    for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
        descriptor_close(root->branches[i].folder);
        if (root->branches[i].path)
            rmdir(root->branches[i].path);
        free(root->branches[i].path);
    }
    if (root->path)
        rmdir(root->path);
    free(root->path);
    descriptor_close(root->folder);
    descriptor_close(root->slice);
    *root = CGROUP_ROOT_INIT;
}

bool cgroup_root_limits(const struct cgroup_root *root, enum cgroup_controller controller)
{
    return root->is_unified[controller] || root->branches[controller].folder >= 0;
}

void cgroup_root_take_slice(struct cgroup_root *root)
{
    static const char slice[] = "/" CGROUP_SLICE "/";
    const char *found = root->path ? strstr(root->path, slice) : NULL;
    _cleanup_free_ char *path = NULL;

    if (!found || !root->is_unified[CGROUP_CPUS])
        return;
    path = memory_copy_bytes(root->path, (size_t)(found - root->path) + strlen(slice) - 1);
    root->slice = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/*
 * Linux has cpu.idle since 5.15, in both versions; before that the least weight comes near it. A
 * group that is idle no more has the usual weight, whatever it had before (sched_group_set_idle()).
 */
static void set_way(int folder, bool is_unified, enum cgroup_way way)
{
    static const char *const weights[] = {"1", "100", "10000"}, *const shares[] = {"2", "1024",
                                                                                   "262144"};

    if (folder < 0)
        return;
    if (cgroup_file_write(folder, "cpu.idle", way == CGROUP_WAY_LAST ? "1" : "0") == 0 &&
        way != CGROUP_WAY_FIRST)
        return;
    if (is_unified)
        cgroup_file_write(folder, "cpu.weight", weights[way]);
    else
        cgroup_file_write(folder, "cpu.shares", shares[way]);
}

void cgroup_root_set_way(const struct cgroup_root *root, enum cgroup_way way)
{
    bool is_unified = root->is_unified[CGROUP_CPUS];

    set_way(is_unified ? root->folder : root->branches[CGROUP_CPUS].folder, is_unified, way);
    set_way(root->slice, true, way);
}

/* Where weights of groups count for the disk: by the kernel's own (iocost), or by BFQ's. */
static void take_least_of_disk(int folder)
{
    if (folder < 0)
        return;
    cgroup_file_write(folder, "io.weight", "1");
    cgroup_file_write(folder, "io.bfq.weight", "1");
}

void cgroup_root_yield_disk(const struct cgroup_root *root)
{
    _cleanup_fd_ int above = openat(root->folder, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (above >= 0)
        cgroup_file_write(above, "cgroup.subtree_control", "+io");
    take_least_of_disk(root->folder);
    take_least_of_disk(root->slice);
}

void cgroup_root_list(const struct cgroup_root *root, struct buffer *paths)
{
    if (root->path)
        buffer_appendf(paths, "%s\n", root->path);
    for (int i = 0; i < CGROUP_CONTROLLERS; i++)
        if (root->branches[i].path)
            buffer_appendf(paths, "%s\n", root->branches[i].path);
}

/* ---- what is left from before ---- */

/* Whether the last part of the path is a name that draw_name() gives for this mark. */
static bool has_mark(const char *path, const char *mark)
{
    const char *slash = strrchr(path, '/');

    return slash && strncmp(slash + 1, NAME_START, strlen(NAME_START)) == 0 &&
           strncmp(slash + 1 + strlen(NAME_START), mark, strlen(mark)) == 0;
}

static bool is_populated(const struct cgroup *group)
{
    bool populated, frozen;

    return cgroup_read_events(group, &populated, &frozen) == 0 && populated;
}

static void kill_by_events(struct cgroup *group)
{
    struct pollfd wait = {.fd = group->events, .events = POLLPRI};

    if (cgroup_kill(group) < 0)
        return;
    while (is_populated(group))
        if (poll(&wait, 1, KILL_PATIENCE_MS) <= 0)
            break;
}

static void kill_by_freezer(struct cgroup *group)
{
    for (int waited_ms = 0; is_populated(group) && waited_ms < KILL_PATIENCE_MS;
         waited_ms += KILL_AGAIN_MS) {
        if (cgroup_kill(group) < 0)
            break;
        poll(NULL, 0, KILL_AGAIN_MS);
    }
}

/*
 * By the tree that held the tasks. All that lives in their groups of other trees, which have the
 * files of neither, lives there as well.
 */
static void kill_all_below(int folder)
{
    struct cgroup group = {.folder = folder};

    group.events = openat(folder, "cgroup.events", O_RDONLY | O_CLOEXEC);
    group.version = group.events >= 0 ? CGROUP_VERSION_2 : CGROUP_VERSION_1;
    if (group.version == CGROUP_VERSION_2)
        kill_by_events(&group);
    else
        kill_by_freezer(&group);
    descriptor_close(group.events);
}

static void remove_one(const char *path, const char *mark)
{
    _cleanup_fd_ int folder = -1;

    if (!has_mark(path, mark))
        return;
    folder = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return;
    kill_all_below(folder);
    cgroup_file_remove_group(AT_FDCWD, path);
}

void cgroup_remove_stale(const char *paths, const char *mark)
{
    while (*paths) {
        size_t length = strcspn(paths, "\n");
        _cleanup_free_ char *path = memory_copy_bytes(paths, length);

        remove_one(path, mark);
        paths += length + (paths[length] == '\n');
    }
}
