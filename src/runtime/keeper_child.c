/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See keeper_child.h. The order in the child matters: what needs root comes before the credentials
 * are given up, what touches the task's files comes after, so that the kernel checks them as its
 * user; the death signal is set last of the two because a change of credentials clears it.
 *
 * The child shares the keeper's memory and the keeper waits for it (vfork_into.h). So system calls
 * stand here where the C library would do more; the child answers in a struct; and it carries a
 * timer that kills it, and that execve() takes away, so that neither a dead file server nor a
 * SIGSTOP from its user's other tasks can hold up the keeper for long. Once it is its user's, the
 * kernel lets nobody trace it, because the change of credentials made the memory not dumpable.
 */
#define _GNU_SOURCE
#include "keeper_child.h"

#include "base/memory.h"
#include "keeper_failure.h"
#include "oom_score.h"
#include "priority.h"
#include "process_table.h"
#include "sys/clock.h"
#include "sys/descriptor.h"
#include "vfork_into.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/keyctl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    EXIT_NOT_STARTED = 127,
    FILE_MODE = 0644,
    PATIENCE_S = 3,     /* for the way to execve(), which takes a millisecond */
    DESCRIPTORS = 1024, /* what Linux gives and select() can take; the keeper has more */
    OTHERS_OF_USER = 4, /* room for what its user runs besides, in parts of what a task may have */
};

/* What the child needs to know, and what it leaves for the keeper to see. */
struct birth {
    const struct keeper_spawn *spawn;
    const char **environment;
    const struct cgroup *group; /* NULL: none */
    pid_t keeper;
    enum keeper_step step; /* how far it came */
    const char *path;      /* what it uses there */
    int error;             /* why it went no further; 0: it runs */
    char culprit[KEEPER_CULPRIT_SIZE];
};

/* ---- the child ---- */

static void enter(struct birth *birth, enum keeper_step step, const char *path)
{
    birth->step = step;
    birth->path = path;
}

/*
 * Does not return. The compiler is not told so, because AddressSanitizer would then look for the
 * end of the stack, and the child's is not where it expects one.
 */
static void give_up(struct birth *birth, int error)
{
    birth->error = error;
    syscall(SYS_exit_group, EXIT_NOT_STARTED);
}

/* A timer of timer_create(2) does not survive execve(), and SIGKILL ends any wait but the disk's.
 */
static void limit_patience(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
    struct itimerspec when = {.it_value = {.tv_sec = PATIENCE_S}};
    int timer;

    if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer) == 0)
        syscall(SYS_timer_settime, timer, 0, &when, NULL);
}

static int set_limit(__rlimit_resource_t resource, uint64_t value)
{
    struct rlimit limit = {.rlim_cur = value, .rlim_max = value};

    return value > 0 ? setrlimit(resource, &limit) : 0;
}

/*
 * Only the soft limit: programs that know what they do raise it, and those that use select() with
 * descriptors beyond FD_SETSIZE would write where they should not (select(2)).
 */
static int set_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -1;
    limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
    return setrlimit(RLIMIT_NOFILE, &limit);
}

/*
 * Where no group counts the task's processes, the kernel counts those of its user, and he may have
 * others: some times what the task asked for, and never more than half of what the user may have,
 * so that he can still work beside a task that runs wild.
 */
static int set_process_limit(const struct birth *birth)
{
    struct rlimit limit;
    uint64_t most = birth->spawn->processes_max;

    if (most == 0 || (birth->group && cgroup_limits_hold(&birth->group->limits, CGROUP_PROCESSES)))
        return 0;
    if (getrlimit(RLIMIT_NPROC, &limit) < 0)
        return -1;
    most = most < UINT64_MAX / OTHERS_OF_USER ? most * OTHERS_OF_USER : UINT64_MAX;
    if (limit.rlim_max != RLIM_INFINITY && most > limit.rlim_max / 2)
        most = limit.rlim_max / 2;
    return set_limit(RLIMIT_NPROC, most);
}

/* Everything that a task must not inherit from the keeper, or is held to. */
static int set_limits(const struct birth *birth)
{
    const struct keeper_spawn *spawn = birth->spawn;
    const struct rlimit no_core = {0};
    sigset_t none;

    sigemptyset(&none);
    umask(022);
    (void)oom_score_set(OOM_SCORE_FIRST_TO_GO); /* a wish */
    if (sigprocmask(SIG_SETMASK, &none, NULL) < 0 || setsid() < 0 ||
        close_range(3, UINT_MAX, CLOSE_RANGE_CLOEXEC) < 0 || setrlimit(RLIMIT_CORE, &no_core) < 0 ||
        set_descriptor_limit() < 0 || set_limit(RLIMIT_FSIZE, spawn->file_size_max) < 0 ||
        set_limit(RLIMIT_CPU, spawn->cpu_seconds_max) < 0 || set_process_limit(birth) < 0)
        return -errno;
    /* The keeper goes first; nothing that it starts does. */
    priority_set_nice(0);
    if (spawn->nice != 0 && setpriority(PRIO_PROCESS, 0, spawn->nice) < 0)
        return -errno;
    return 0;
}

/*
 * Whoever started the agent may have keys in his session keyring, which all his processes possess
 * whatever user they become; tasks would read them, and leave keys for each other. A task of
 * another user does not start without a keyring of its own, unless this kernel has none (ENOSYS) or
 * denies them to all of us (EPERM, by a filter that the task inherits).
 */
static int leave_keyring(const struct keeper_spawn *spawn)
{
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) >= 0 || errno == ENOSYS ||
        errno == EPERM || !spawn->becomes_user)
        return 0;
    return -errno;
}

/* Becomes the user for good, and dies with the keeper, also if that happened a moment ago. */
static int set_credentials(const struct keeper_spawn *spawn, pid_t keeper)
{
    int r;

    if (spawn->becomes_user && (spawn->uid == 0 || spawn->gid == 0))
        return -EPERM;
    r = leave_keyring(spawn);
    if (r < 0)
        return r;
    if (spawn->becomes_user && (syscall(SYS_setgroups, 0, NULL) < 0 ||
                                syscall(SYS_setresgid, spawn->gid, spawn->gid, spawn->gid) < 0 ||
                                syscall(SYS_setresuid, spawn->uid, spawn->uid, spawn->uid) < 0))
        return -errno;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        return -errno;
    if (getppid() != keeper)
        return -ECANCELED;
    return 0;
}

/* Opens a file below the working folder without following any link; "" is /dev/null. */
static int open_beneath(const char *path, int flags)
{
    struct open_how how = {
        .flags = (uint64_t)(flags | O_NOCTTY | O_CLOEXEC),
        .mode = flags & O_CREAT ? FILE_MODE : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };

    if (path[0] == '\0')
        return open("/dev/null", (flags & O_ACCMODE) | O_CLOEXEC);
    return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

/*
 * Opened without waiting (for the other end of a pipe, or for whoever holds a lease), and then
 * looked at: a task's files are plain ones. Returns the descriptor or a negative errno.
 */
static int open_plain(const char *path, int flags)
{
    int fd = open_beneath(path, flags | O_NONBLOCK);
    struct stat status;

    if (fd < 0)
        return -errno;
    if (path[0] == '\0')
        return fd;
    if (fstat(fd, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return S_ISDIR(status.st_mode) ? -EISDIR : -ENXIO;
    return fcntl(fd, F_SETFL, flags & O_APPEND) < 0 ? -errno : fd;
}

/* Opens a file of the working folder as one of the three that every program has. */
static void open_as(struct birth *birth, enum keeper_step step, const char *path, int flags, int as)
{
    int fd;

    enter(birth, step, path);
    fd = open_plain(path, flags);
    if (fd < 0)
        give_up(birth, -fd);
    if (dup2(fd, as) < 0)
        give_up(birth, errno);
}

static void open_stdio(struct birth *birth)
{
    const struct keeper_spawn *spawn = birth->spawn;
    const int flags = O_WRONLY | O_CREAT | O_TRUNC;

    open_as(birth, KEEPER_STEP_INPUT, spawn->input, O_RDONLY, STDIN_FILENO);
    open_as(birth, KEEPER_STEP_OUTPUT, spawn->output, flags, STDOUT_FILENO);
    if (strcmp(spawn->error, spawn->output) != 0)
        open_as(birth, KEEPER_STEP_ERROR, spawn->error, flags, STDERR_FILENO);
    else if (dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
        give_up(birth, errno);
}

static void run_child(void *context)
{
    struct birth *birth = context;
    const struct keeper_spawn *spawn = birth->spawn;
    int r;

    limit_patience();
    enter(birth, KEEPER_STEP_LIMITS, "");
    r = birth->group ? cgroup_join(birth->group) : 0;
    if (r == 0)
        r = set_limits(birth);
    if (r < 0)
        give_up(birth, -r);
    enter(birth, KEEPER_STEP_CREDENTIALS, "");
    r = set_credentials(spawn, birth->keeper);
    if (r < 0)
        give_up(birth, -r);
    enter(birth, KEEPER_STEP_FOLDER, spawn->folder);
    if (chdir(spawn->folder) < 0)
        give_up(birth, errno);
    open_stdio(birth);
    enter(birth, KEEPER_STEP_PROGRAM, spawn->program);
    execve(spawn->program, (char *const *)spawn->arguments, (char *const *)birth->environment);
    r = errno;
    enter(birth, keeper_failure_explain(spawn->program, r, birth->culprit), birth->culprit);
    give_up(birth, r);
}

/* ---- the keeper ---- */

/* It stands alone: of two with one name, whoever looks would find the other. */
static const char **add_variable(const char **environment, const char *variable)
{
    size_t count = 0, kept = 0, name = strcspn(variable, "=") + 1;
    const char **all;

    while (environment[count])
        count++;
    all = memory_resize(NULL, count + 2, sizeof(*all));
    for (size_t i = 0; i < count; i++)
        if (strncmp(environment[i], variable, name) != 0)
            all[kept++] = environment[i];
    all[kept++] = variable;
    all[kept] = NULL;
    return all;
}

/*
 * Whether the child ended without a word before its program ran: its patience was over. It may
 * still be on its way to become a zombie, so only what it has written down can tell, and the
 * kernel.
 */
static bool was_cut_off(const struct birth *birth, pid_t pid, uint64_t begun_us)
{
    if (birth->error != 0 || birth->step != KEEPER_STEP_PROGRAM)
        return birth->error == 0;
    return clock_boot_us() - begun_us >= (uint64_t)PATIENCE_S * 1000000 &&
           process_never_executed(pid);
}

int keeper_child_start(const struct keeper_spawn *spawn, const char *variable,
                       const struct cgroup *group, pid_t *ret_pid, struct buffer *path,
                       struct keeper_failure *ret_failure)
{
    _cleanup_free_ const char **environment = add_variable(spawn->environment, variable);
    _cleanup_free_ struct birth *birth = memory_allocate(sizeof(*birth));
    uint64_t begun_us = clock_boot_us();
    pid_t pid;

    *birth = (struct birth){
        .spawn = spawn, .environment = environment, .group = group, .keeper = getpid()};
    enter(birth, KEEPER_STEP_FORK, "");
    pid = vfork_into(group ? cgroup_birthplace(group) : -1, run_child, birth);
    if (pid < 0)
        birth->error = -pid;
    else if (was_cut_off(birth, pid, begun_us))
        birth->error = ETIMEDOUT;
    if (birth->error == 0) {
        *ret_pid = pid;
        return 0;
    }
    if (pid > 0)
        waitpid(pid, NULL, 0);
    buffer_clear(path);
    buffer_append_text(path, birth->path);
    *ret_failure = (struct keeper_failure){
        .step = birth->step, .error = birth->error, .path = buffer_text(path)};
    return 1;
}
