/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See cgroup.h. The files of a group are small texts: "populated 1\nfrozen 0\n", "usage_usec 5\n…".
 * They are read into fixed buffers, because the kernel bounds them.
 */
#define _GNU_SOURCE
#include "cgroup.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/number.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    TEXT_SIZE = 2048,             /* of the largest of the files that are read at once */
    TABLE_SIZE_MAX = 1024 * 1024, /* of mountinfo */
    KILL_PATIENCE_MS = 5000,      /* for a stale group to become empty */
};

#define NAME_START "dusk-"

/* ---- files of a group ---- */

static int write_text(int folder, const char *name, const char *text)
{
    _cleanup_fd_ int fd = openat(folder, name, O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    return file_write_all(fd, text, strlen(text));
}

static int read_text(int fd, char text[TEXT_SIZE])
{
    ssize_t n = pread(fd, text, TEXT_SIZE - 1, 0);

    if (n < 0)
        return -errno;
    text[n] = '\0';
    return 0;
}

/* The number behind `name` in lines of "name number". */
static int find_number(const char *text, const char *name, uint64_t *ret_value)
{
    size_t length = strlen(name);

    for (const char *line = text; line && *line;) {
        const char *end = strchr(line, '\n');
        size_t rest = end ? (size_t)(end - line) : strlen(line);

        if (rest > length && strncmp(line, name, length) == 0 && line[length] == ' ')
            return number_parse_u64(
                (struct slice){.data = line + length + 1, .length = rest - length - 1}, ret_value);
        line = end ? end + 1 : NULL;
    }
    return -ENOENT;
}

int cgroup_read_events(const struct cgroup *group, bool *ret_populated, bool *ret_frozen)
{
    char text[TEXT_SIZE];
    uint64_t populated, frozen;
    int r = read_text(group->events, text);

    if (r < 0)
        return r;
    if (find_number(text, "populated", &populated) < 0 || find_number(text, "frozen", &frozen) < 0)
        return -EBADMSG;
    *ret_populated = populated != 0;
    *ret_frozen = frozen != 0;
    return 0;
}

/* What the group used in its whole life. */
static int read_cpu_of_life(const struct cgroup *group, uint64_t *ret_user_us,
                            uint64_t *ret_system_us)
{
    char text[TEXT_SIZE];
    uint64_t user_us, system_us;
    int r = read_text(group->statistics, text);

    if (r < 0)
        return r;
    if (find_number(text, "user_usec", &user_us) < 0 ||
        find_number(text, "system_usec", &system_us) < 0)
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

int cgroup_read_memory_peak(const struct cgroup *group, uint64_t *ret_bytes)
{
    _cleanup_fd_ int fd = -1;
    char text[TEXT_SIZE];
    int r;

    if (!group->has_memory)
        return -ENOENT;
    fd = openat(group->folder, "memory.peak", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    r = read_text(fd, text);
    if (r < 0)
        return r;
    return number_parse_u64(slice_from_text(text), ret_bytes);
}

int cgroup_each_process(const struct cgroup *group, void (*each)(void *context, int pid),
                        void *context)
{
    int fd = openat(group->folder, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    int pid;

    if (!file) {
        descriptor_close(fd);
        return -errno;
    }
    while (fscanf(file, "%d", &pid) == 1)
        each(context, pid);
    fclose(file);
    return 0;
}

int cgroup_kill(struct cgroup *group)
{
    group->was_killed = true;
    return write_text(group->folder, "cgroup.kill", "1");
}

int cgroup_freeze(const struct cgroup *group, bool frozen)
{
    return write_text(group->folder, "cgroup.freeze", frozen ? "1" : "0");
}

/* ---- where groups can be made ---- */

/* The n-th field of a line, separated by spaces, counted from 0. */
static struct slice find_field(struct slice line, unsigned n)
{
    const char *at = line.data, *end = line.data + line.length;

    for (;;) {
        const char *space = memchr(at, ' ', (size_t)(end - at));

        if (n-- == 0)
            return (struct slice){.data = at, .length = (size_t)((space ? space : end) - at)};
        if (!space)
            return (struct slice){.data = ""};
        at = space + 1;
    }
}

/* The next line of a text that is consumed by it; false at the end. */
static bool next_line(const char **text, struct slice *ret_line)
{
    size_t length = strcspn(*text, "\n");

    if (**text == '\0')
        return false;
    *ret_line = (struct slice){.data = *text, .length = length};
    *text += length + ((*text)[length] == '\n');
    return true;
}

/*
 * Finds the mount of the version 2 tree in /proc/self/mountinfo (proc(5)): fields 3 and 4 are root
 * and mount point, behind " - " stands the type. Returns the mount point, which the caller frees.
 */
static char *find_mount(void)
{
    _cleanup_buffer_ struct buffer table = BUFFER_INIT;
    const char *text;
    struct slice line;

    if (file_read("/proc/self/mountinfo", TABLE_SIZE_MAX, &table, NULL) < 0)
        return NULL;
    text = buffer_text(&table);
    while (next_line(&text, &line)) {
        const char *dash = memmem(line.data, line.length, " - ", 3);
        struct slice type = {.data = dash ? dash + 3 : ""};

        if (!dash)
            continue;
        type.length = (size_t)(line.data + line.length - type.data);
        if (slice_equals(find_field(type, 0), "cgroup2") && slice_equals(find_field(line, 3), "/"))
            return slice_copy(find_field(line, 4));
    }
    return NULL;
}

/* The path of the group that this process is in: the line "0::/…" of /proc/self/cgroup. */
static char *find_own_group(void)
{
    _cleanup_buffer_ struct buffer table = BUFFER_INIT;
    const char *text;
    struct slice line;

    if (file_read("/proc/self/cgroup", TABLE_SIZE_MAX, &table, NULL) < 0)
        return NULL;
    text = buffer_text(&table);
    while (next_line(&text, &line))
        if (line.length > 3 && strncmp(line.data, "0::/", 4) == 0)
            return memory_copy_bytes(line.data + 3, line.length - 3);
    return NULL;
}

/*
 * Makes a group of a name that nobody ever had. A process number would not do: it comes again, and
 * then the next keeper of an old folder would kill the tasks of whoever has the number now.
 */
static int make_root(const char *above, const char *mark, char **ret_path, struct error *err)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    uint64_t number;

    if (getrandom(&number, sizeof(number), 0) != sizeof(number))
        return error_set_errno(err, -errno, "cannot draw a name for a control group");
    buffer_appendf(&path, "%s/" NAME_START "%s%016" PRIx64, above, mark, number);
    if (mkdir(buffer_text(&path), 0755) < 0)
        return error_set_errno(err, -errno, "cannot make a control group below '%s'", above);
    *ret_path = buffer_take(&path);
    return 0;
}

/*
 * Starts a process in a group of its own, before any task is told that it can be. What is refused
 * here may be permissions (a user without delegation) or features (an old kernel, a sandbox). Where
 * the keeper's own group was killed before, the process dies of it (cgroup.h).
 */
static int try_group(struct cgroup_root *root)
{
    struct clone_args arguments = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD};
    struct cgroup *group = NULL;
    int status = 0, r;
    pid_t pid;

    r = cgroup_take(root, 0, &group);
    if (r < 0)
        return r;
    arguments.cgroup = (uint64_t)group->folder;
    pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
    if (pid == 0)
        _exit(0);
    r = pid < 0 ? -errno : 0;
    if (pid > 0 && (waitpid(pid, &status, 0) < 0 || status != 0))
        r = -EOWNERDEAD;
    if (r == 0)
        r = cgroup_freeze(group, false);
    if (r == 0)
        r = cgroup_kill(group);
    cgroup_give_back(root, group);
    return r;
}

/* Controllers are welcome and not needed; they cannot be had where processes live beside us. */
static void enable_memory(struct cgroup_root *root, const char *above)
{
    _cleanup_fd_ int folder = open(above, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (folder >= 0)
        write_text(folder, "cgroup.subtree_control", "+memory");
    root->has_memory = write_text(root->folder, "cgroup.subtree_control", "+memory") == 0;
}

char *cgroup_find_own(char **ret_mount)
{
    _cleanup_free_ char *mount = find_mount(), *own = find_own_group();
    char *folder;

    if (!mount || !own || strstr(own, "/.."))
        return NULL;
    folder = file_join(mount, own[1] ? own + 1 : ".");
    *ret_mount = take_pointer(mount);
    return folder;
}

int cgroup_root_open(struct cgroup_root *root, const char *mark, struct error *err)
{
    _cleanup_free_ char *mount = NULL, *above = cgroup_find_own(&mount);
    int r;

    *root = CGROUP_ROOT_INIT;
    if (!above)
        return error_set(err, -ENOENT, "control groups of version 2 are not mounted here");
    r = make_root(above, mark, &root->path, err);
    if (r < 0)
        return r;
    root->folder = open(root->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root->folder < 0)
        r = error_set_errno(err, -errno, "cannot open the control group '%s'", root->path);
    else
        enable_memory(root, above);
    if (r == 0) {
        r = try_group(root);
        if (r < 0)
            error_set_errno(err, r, "control groups below '%s' cannot be used", above);
    }
    if (r < 0)
        cgroup_root_close(root);
    return r;
}

/* ---- groups ---- */

static struct cgroup *group_free(struct cgroup *group)
{
    descriptor_close(group->folder);
    descriptor_close(group->events);
    descriptor_close(group->statistics);
    free(group);
    return NULL;
}

/* A task of a delegated user may have made groups in its own; they are empty like it. */
static void remove_group(int above, const char *name)
{
    int fd;
    DIR *directory;
    struct dirent *entry;

    if (unlinkat(above, name, AT_REMOVEDIR) == 0)
        return;
    fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    directory = fd < 0 ? NULL : fdopendir(fd);
    if (!directory) {
        descriptor_close(fd);
        return;
    }
    while ((entry = readdir(directory)))
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
            remove_group(fd, entry->d_name);
    closedir(directory);
    unlinkat(above, name, AT_REMOVEDIR);
}

static void name_group(unsigned number, char name[32])
{
    snprintf(name, 32, "task-%u", number);
}

static int group_open(const struct cgroup_root *root, struct cgroup *group)
{
    char name[32];

    name_group(group->number, name);
    group->folder = openat(root->folder, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (group->folder < 0)
        return -errno;
    group->events = openat(group->folder, "cgroup.events", O_RDONLY | O_CLOEXEC);
    group->statistics = openat(group->folder, "cpu.stat", O_RDONLY | O_CLOEXEC);
    return group->events < 0 || group->statistics < 0 ? -errno : 0;
}

static int group_new(struct cgroup_root *root, struct cgroup **ret_group)
{
    struct cgroup *group = memory_allocate(sizeof(*group));
    char name[32];
    int r;

    *group = (struct cgroup){
        .folder = -1,
        .events = -1,
        .statistics = -1,
        .number = root->made++,
        .has_memory = root->has_memory,
    };
    name_group(group->number, name);
    r = mkdirat(root->folder, name, 0755) < 0 ? -errno : group_open(root, group);
    if (r < 0) {
        remove_group(root->folder, name);
        group_free(group);
        return r;
    }
    *ret_group = group;
    return 0;
}

int cgroup_take(struct cgroup_root *root, uint64_t memory_max, struct cgroup **ret_group)
{
    struct cgroup *group = root->spare;
    char text[32];
    int r = 0;

    if (root->folder < 0)
        return -EOPNOTSUPP;
    if (group)
        root->spare = group->next_spare;
    else
        r = group_new(root, &group);
    if (r < 0)
        return r;
    if (memory_max > 0 && root->has_memory) {
        snprintf(text, sizeof(text), "%llu", (unsigned long long)memory_max);
        r = write_text(group->folder, "memory.max", text);
    }
    if (r < 0) {
        cgroup_give_back(root, group);
        return r;
    }
    *ret_group = group;
    return 0;
}

static void group_discard(struct cgroup_root *root, struct cgroup *group)
{
    char name[32];

    name_group(group->number, name);
    remove_group(root->folder, name);
    group_free(group);
}

void cgroup_give_back(struct cgroup_root *root, struct cgroup *group)
{
    if (root->has_memory || group->was_killed) {
        group_discard(root, group);
        return;
    }
    read_cpu_of_life(group, &group->user_us_before, &group->system_us_before);
    group->next_spare = root->spare;
    root->spare = group;
}

void cgroup_root_close(struct cgroup_root *root)
{
    while (root->spare) {
        struct cgroup *group = root->spare;

        root->spare = group->next_spare;
        group_discard(root, group);
    }
    if (root->path)
        rmdir(root->path);
    free(root->path);
    descriptor_close(root->folder);
    *root = CGROUP_ROOT_INIT;
}

/* Whether the last part of the path is a name that make_root() gives for this mark. */
static bool has_mark(const char *path, const char *mark)
{
    const char *slash = strrchr(path, '/');

    return slash && strncmp(slash + 1, NAME_START, strlen(NAME_START)) == 0 &&
           strncmp(slash + 1 + strlen(NAME_START), mark, strlen(mark)) == 0;
}

void cgroup_remove_stale(const char *path, const char *mark)
{
    _cleanup_fd_ int folder = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct cgroup group = {.folder = folder, .statistics = -1};
    bool populated = true, frozen;

    if (folder < 0 || !has_mark(path, mark))
        return;
    group.events = openat(folder, "cgroup.events", O_RDONLY | O_CLOEXEC);
    if (group.events >= 0 && cgroup_kill(&group) == 0) {
        struct pollfd wait = {.fd = group.events, .events = POLLPRI};

        while (cgroup_read_events(&group, &populated, &frozen) == 0 && populated)
            if (poll(&wait, 1, KILL_PATIENCE_MS) <= 0)
                break;
    }
    descriptor_close(group.events);
    remove_group(AT_FDCWD, path);
}
