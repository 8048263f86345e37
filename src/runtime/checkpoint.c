/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See checkpoint.h: CRIU's command lines, and the children that become CRIU.
 *
 * A dump names every mount that is not the container's own, so that CRIU asks for it again instead
 * of saving it; a restore says for each name where this node has it. The network of a container of
 * its own is a loopback, so connections in it are saved with both of their ends; one that leaves a
 * task in the node's network is not, and CRIU refuses. The images of the ids are made right before
 * each restore.
 *
 * The child shares the caller's memory until it is CRIU (vfork_into.h): all is prepared before.
 */
#define _GNU_SOURCE
#include "checkpoint.h"

#include "base/memory.h"
#include "base/number.h"
#include "oom_score.h"
#include "priority.h"
#include "sys/descriptor.h"
#include "sys/file.h"
#include "vfork_into.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    EXIT_NOT_STARTED = 127,
    MOUNTS_SIZE_MAX = 64 * 1024,
    LEADER_SIZE_MAX = 32,
    LOG_SIZE_MAX = 4 * 1024 * 1024,
    ID_SIZE = 24,
    PATH_SIZE = 64,
    FOLDER_MODE = 0711,
    IMAGE_MODE = 0644,
};

#define IDS_IMAGE "userns-" /* and the namespace's number */

/* Programs such as sort(1) work in files that have no name any more: the images have them whole. */
#define GHOST_LIMIT "1073741824"

#define OWN_NETWORK  "own"
#define NODE_NETWORK "node"
#define NETWORK_WORD "network "

/* ---- arguments ---- */

/* The words of a command line; all but the first two are owned. */
struct words {
    char **items;
    size_t count, capacity;
};

static void words_deinit(struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->items[i]);
    free(words->items);
}

static void add_word(struct words *words, const char *word)
{
    array_reserve(words->items, words->capacity, words->count + 2);
    words->items[words->count++] = memory_copy_string(word);
    words->items[words->count] = NULL;
}

static void add_words(struct words *words, const char *const *more)
{
    for (; *more; more++)
        add_word(words, *more);
}

/* What both ways have in common. */
static void begin_words(struct words *words, const struct keeper_checkpoint *checkpoint,
                        const char *verb, bool has_network)
{
    const char *const common[] = {checkpoint->criu,
                                  verb,
                                  "--images-dir",
                                  checkpoint->folder,
                                  "--log-file",
                                  CHECKPOINT_LOG,
                                  "-v2",
                                  "--network-lock",
                                  "skip",
                                  "--manage-cgroups=ignore",
                                  "--file-locks",
                                  NULL};

    add_words(words, common);
    if (!has_network)
        add_word(words, "--tcp-established");
}

/* mnt[NAME]:VALUE in a restore; the same with [/NAME] in a dump, where that is the path. */
static void add_mount(struct words *words, bool is_path, struct slice name, const char *value)
{
    _cleanup_buffer_ struct buffer word = BUFFER_INIT;

    buffer_append_text(&word, is_path ? "mnt[/" : "mnt[");
    buffer_append_slice(&word, name);
    buffer_appendf(&word, "]:%s", value);
    add_word(words, "--external");
    add_word(words, buffer_text(&word));
}

/* The next line; NULL data when there is none. */
static struct slice next_line(const char **at)
{
    struct slice line = {.data = *at, .length = strcspn(*at, "\n")};

    if (line.length == 0)
        return (struct slice){0};
    *at += line.length + (line.data[line.length] == '\n');
    return line;
}

/* ---- the child ---- */

struct child {
    struct words words;
    const struct cgroup *group; /* NULL: it stays where its parent is */
    const char *root;           /* NULL: no mounts are made */
    pid_t parent;
};

/* Runs as in keeper_child.c, system calls alone; the address sanitizer must not see it end. */
static void give_up(void)
{
    syscall(SYS_exit_group, EXIT_NOT_STARTED);
}

/* What CRIU mounts the task's root over must be a mount itself, and nobody else's business. */
static bool make_root(const char *root)
{
    return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount(root, root, NULL, MS_BIND | MS_REC, NULL) == 0;
}

/*
 * What is restored has this process's keyrings, which CRIU knows nothing of: they must not be those
 * of whoever started the agent. Kernels without keyrings have none to leave.
 */
static bool leave_keyring(void)
{
    return syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) >= 0 || errno == ENOSYS ||
           errno == EPERM;
}

static bool be_quiet(void)
{
    int null = open("/dev/null", O_RDWR);

    return null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(null, STDOUT_FILENO) >= 0 &&
           dup2(null, STDERR_FILENO) >= 0 && close_range(STDERR_FILENO + 1, UINT_MAX, 0) == 0;
}

/* CRIU runs tar(1) and ip(8) by their names, and needs nothing else of an environment. */
static void run_child(void *context)
{
    static const char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    const struct child *child = context;
    sigset_t none;

    sigemptyset(&none);
    umask(022);
    (void)oom_score_set("0");
    priority_set_nice(0);
    if ((child->group && cgroup_join(child->group) < 0) ||
        sigprocmask(SIG_SETMASK, &none, NULL) < 0 || setsid() < 0 || !leave_keyring() ||
        prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != child->parent ||
        (child->root && !make_root(child->root)) || !be_quiet()) {
        give_up();
        return;
    }
    execvpe(child->words.items[0], child->words.items, (char *const *)environment);
    give_up();
}

static int start_child(struct child *child, pid_t *ret_child, struct error *err)
{
    pid_t pid;

    child->parent = getpid();
    pid = vfork_into(child->group ? cgroup_birthplace(child->group) : -1, run_child, child);
    if (pid < 0)
        return error_set_errno(err, pid, "cannot start CRIU ('%s')", child->words.items[0]);
    *ret_child = pid;
    return 0;
}

/* ---- dump ---- */

static int read_process_file(pid_t pid, const char *name, struct buffer *text, struct error *err)
{
    char path[PATH_SIZE];

    snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    return file_read(path, MOUNTS_SIZE_MAX, text, err);
}

/* Whether the task lives in the same network as this process. */
static bool has_own_network(pid_t pid)
{
    char path[PATH_SIZE];
    struct stat its, ours;

    snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
    return stat(path, &its) < 0 || stat("/proc/self/ns/net", &ours) < 0 ||
           its.st_ino != ours.st_ino;
}

int checkpoint_begin_dump(const struct keeper_checkpoint *checkpoint, pid_t leader,
                          const char *group, pid_t *ret_child, struct error *err)
{
    _cleanup_free_ char *path = file_join(checkpoint->folder, CHECKPOINT_MOUNTS);
    _cleanup_buffer_ struct buffer mountinfo = BUFFER_INIT, names = BUFFER_INIT;
    bool has_network = !has_own_network(leader);
    struct child child = {0};
    const char *at;
    char id[ID_SIZE];
    int r = read_process_file(leader, "mountinfo", &mountinfo, err);

    buffer_append_text(&names, NETWORK_WORD);
    buffer_append_text(&names, has_network ? NODE_NETWORK "\n" : OWN_NETWORK "\n");
    if (r == 0)
        r = checkpoint_list_mounts(mountinfo.data, &names, err);
    if (r == 0)
        r = file_replace(path, names.data, names.length, 0600, false, err);
    if (r < 0)
        return r;
    snprintf(id, sizeof(id), "%d", leader);
    begin_words(&child.words, checkpoint, "dump", has_network);
    add_words(&child.words, (const char *const[]){"--tree", id, "--leave-running", "--ghost-limit",
                                                  GHOST_LIMIT, NULL});
    if (group)
        add_words(&child.words, (const char *const[]){"--freeze-cgroup", group, NULL});
    at = strchr(names.data, '\n') + 1;
    for (struct slice name = next_line(&at); name.data; name = next_line(&at)) {
        _cleanup_free_ char *value = slice_copy(name);

        add_mount(&child.words, true, name, value);
    }
    r = start_child(&child, ret_child, err);
    words_deinit(&child.words);
    return r;
}

/* ---- restore ---- */

/*
 * Part of the work is done by process 1 to be, who is root within alone, and whom the images must
 * let read. Returns the path of the one that has the ids, the caller's; NULL if it is not there.
 */
static char *open_images(const char *folder)
{
    DIR *directory = chmod(folder, FOLDER_MODE) == 0 ? opendir(folder) : NULL;
    struct dirent *entry;
    char *ids = NULL;

    while (directory && (entry = readdir(directory))) {
        if (entry->d_type == DT_REG)
            (void)fchmodat(dirfd(directory), entry->d_name, IMAGE_MODE, 0);
        if (!ids && strncmp(entry->d_name, IDS_IMAGE, strlen(IDS_IMAGE)) == 0)
            ids = file_join(folder, entry->d_name);
    }
    if (directory)
        closedir(directory);
    return ids;
}

static int prepare_images(const struct keeper_spawn *spawn, struct error *err)
{
    _cleanup_free_ char *ids = open_images(spawn->restore.folder);
    _cleanup_buffer_ struct buffer image = BUFFER_INIT;

    if (!ids)
        return error_set(err, -ENOENT, "it is not complete");
    checkpoint_encode_ids(spawn->uid, spawn->gid, &image);
    return file_replace(ids, image.data, image.length, IMAGE_MODE, false, err);
}

static int check_network(const struct keeper_spawn *spawn, struct slice line, struct error *err)
{
    if (slice_equals(line, spawn->container.has_network ? NETWORK_WORD NODE_NETWORK
                                                        : NETWORK_WORD OWN_NETWORK))
        return 0;
    return error_set(err, -EINVAL, "it was saved with another network");
}

/* A name that this node has nothing for would be mounted as an empty folder, or worse. */
static int add_source(struct words *words, const struct keeper_spawn *spawn, struct slice name,
                      struct error *err)
{
    _cleanup_free_ char *source = checkpoint_find_source(spawn, name);

    if (!source || access(source, F_OK) < 0)
        return error_set(err, -ENOENT, "it had '/%.*s', which is not there on this node",
                         (int)name.length, name.data);
    add_mount(words, false, name, source);
    return 0;
}

static int add_sources(struct words *words, const struct keeper_spawn *spawn, struct error *err)
{
    _cleanup_free_ char *path = file_join(spawn->restore.folder, CHECKPOINT_MOUNTS);
    _cleanup_buffer_ struct buffer names = BUFFER_INIT;
    struct slice line;
    const char *at;
    int r = file_read(path, MOUNTS_SIZE_MAX, &names, err);

    if (r < 0)
        return r;
    at = buffer_text(&names);
    line = next_line(&at);
    r = check_network(spawn, line, err);
    for (line = next_line(&at); r == 0 && line.data; line = next_line(&at))
        r = add_source(words, spawn, line, err);
    return r;
}

int checkpoint_begin_restore(const struct keeper_spawn *spawn, const struct cgroup *group,
                             pid_t *ret_child, struct error *err)
{
    _cleanup_free_ char *leader = file_join(spawn->restore.folder, CHECKPOINT_LEADER);
    struct child child = {.group = group, .root = spawn->container.root};
    int r;

    if (!spawn->becomes_user)
        return error_set(err, -EPERM, "only an agent that is root can do that");
    if (unlink(leader) < 0 && errno != ENOENT)
        return error_set_errno(err, -errno, "cannot remove '%s'", leader);
    r = prepare_images(spawn, err);
    begin_words(&child.words, &spawn->restore, "restore", spawn->container.has_network);
    add_words(&child.words,
              (const char *const[]){"--restore-detached", "--restore-sibling", "--pidfile", leader,
                                    "--root", spawn->container.root, NULL});
    if (r == 0)
        r = add_sources(&child.words, spawn, err);
    if (r == 0)
        r = start_child(&child, ret_child, err);
    words_deinit(&child.words);
    return r;
}

pid_t checkpoint_read_leader(const char *folder)
{
    _cleanup_free_ char *path = file_join(folder, CHECKPOINT_LEADER);
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    uint64_t pid;

    if (file_read(path, LEADER_SIZE_MAX, &text, NULL) < 0 ||
        number_parse_u64(slice_from_text(buffer_text(&text)), &pid) < 0 || pid > INT_MAX)
        return 0;
    return (pid_t)pid;
}

/* ---- why it failed ---- */

static void explain_exit(const struct keeper_checkpoint *checkpoint, struct error *err)
{
    _cleanup_free_ char *path = file_join(checkpoint->folder, CHECKPOINT_LOG);
    _cleanup_buffer_ struct buffer log = BUFFER_INIT, reason = BUFFER_INIT;

    if (file_read(path, LOG_SIZE_MAX, &log, NULL) == 0)
        checkpoint_find_reason(buffer_text(&log), &reason);
    if (reason.length > 0)
        error_set(err, -ENOTSUP, "%s", buffer_text(&reason));
    else
        error_set(err, -ENOTSUP, "CRIU failed, and does not say why");
}

void checkpoint_explain(const struct keeper_checkpoint *checkpoint, enum checkpoint_verb verb,
                        int wait_status, struct error *err)
{
    if (WIFSIGNALED(wait_status))
        error_set(err, -ECANCELED, "CRIU was ended by signal %d", WTERMSIG(wait_status));
    else if (WEXITSTATUS(wait_status) == EXIT_NOT_STARTED)
        error_set(err, -ENOENT, "cannot start CRIU ('%s'): is it installed?", checkpoint->criu);
    else
        explain_exit(checkpoint, err);
    error_prefix(err, -ENOTSUP, verb == CHECKPOINT_DUMP ? "cannot save" : "cannot restore");
}
