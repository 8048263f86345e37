/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See keeper_child.h. The order in the child matters: what needs root comes before the credentials
 * are given up, what touches the task's files comes after, so that the kernel checks them as its
 * user; the death signal is set last of the two because a change of credentials clears it.
 *
 * It is a plain fork(): the keeper is small and has one thread, so the child may call anything, and
 * the keeper is not held up until execve() as by vfork(). clone3() puts the child into its group
 * at birth; moving it later costs milliseconds on an idle computer (an RCU grace period).
 */
#define _GNU_SOURCE
#include "keeper_child.h"

#include "base/memory.h"
#include "keeper_failure.h"
#include "sys/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    EXIT_NOT_STARTED = 127,
    FILE_MODE = 0644,
    DESCRIPTORS = 1024, /* what Linux gives and select() can take; the keeper has more */
};

/* A task is a better thing to kill than anything of the owner's when memory runs out. */
#define OOM_SCORE_ADJUSTMENT "800"

/* The report, in one write that a pipe takes whole; the path follows. */
struct report {
    int32_t step;
    int32_t error;
};

enum { REPORT_PATH_MAX = PIPE_BUF - sizeof(struct report) };

_Static_assert(REPORT_PATH_MAX < PIPE_BUF, "a report is written at once");

/* ---- the child ---- */

static _noreturn_ void give_up(int report_fd, enum keeper_step step, int error, const char *path)
{
    char bytes[PIPE_BUF];
    struct report report = {.step = (int32_t)step, .error = error};
    size_t length = strnlen(path, REPORT_PATH_MAX);

    memcpy(bytes, &report, sizeof(report));
    memcpy(bytes + sizeof(report), path, length);
    if (write(report_fd, bytes, sizeof(report) + length) < 0)
        _exit(EXIT_NOT_STARTED + 1);
    _exit(EXIT_NOT_STARTED);
}

static int set_limit(__rlimit_resource_t resource, uint64_t value)
{
    struct rlimit limit = {.rlim_cur = value, .rlim_max = value};

    return value > 0 ? setrlimit(resource, &limit) : 0;
}

static int set_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -1;
    limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
    return setrlimit(RLIMIT_NOFILE, &limit);
}

static void make_likely_oom_victim(void)
{
    _cleanup_fd_ int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    if (fd >= 0 && write(fd, OOM_SCORE_ADJUSTMENT, strlen(OOM_SCORE_ADJUSTMENT)) < 0)
        return; /* it is a wish */
}

/* Everything that a task must not inherit from the keeper, or is held to. */
static int set_limits(const struct keeper_spawn *spawn)
{
    const struct rlimit no_core = {0};
    sigset_t none;

    sigemptyset(&none);
    umask(022);
    make_likely_oom_victim();
    if (sigprocmask(SIG_SETMASK, &none, NULL) < 0 || setsid() < 0 ||
        close_range(3, UINT_MAX, CLOSE_RANGE_CLOEXEC) < 0 || setrlimit(RLIMIT_CORE, &no_core) < 0 ||
        set_descriptor_limit() < 0 || set_limit(RLIMIT_FSIZE, spawn->file_size_max) < 0 ||
        set_limit(RLIMIT_CPU, spawn->cpu_seconds_max) < 0 ||
        set_limit(RLIMIT_NPROC, spawn->processes_max) < 0)
        return -errno;
    if (spawn->nice != 0 && setpriority(PRIO_PROCESS, 0, spawn->nice) < 0)
        return -errno;
    return 0;
}

/* Becomes the user for good, and dies with the keeper, also if that happened a moment ago. */
static int set_credentials(const struct keeper_spawn *spawn, pid_t keeper)
{
    if (spawn->becomes_user && (spawn->uid == 0 || spawn->gid == 0))
        return -EPERM;
    if (spawn->becomes_user &&
        (setgroups(0, NULL) < 0 || setresgid(spawn->gid, spawn->gid, spawn->gid) < 0 ||
         setresuid(spawn->uid, spawn->uid, spawn->uid) < 0))
        return -errno;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        return -errno;
    if (getppid() != keeper)
        _exit(EXIT_NOT_STARTED);
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

static void open_stdio(const struct keeper_spawn *spawn, int report_fd)
{
    const int output_flags = O_WRONLY | O_CREAT | O_TRUNC;
    int fd = open_beneath(spawn->input, O_RDONLY);

    if (fd < 0 || dup2(fd, STDIN_FILENO) < 0)
        give_up(report_fd, KEEPER_STEP_INPUT, errno, spawn->input);
    fd = open_beneath(spawn->output, output_flags);
    if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
        give_up(report_fd, KEEPER_STEP_OUTPUT, errno, spawn->output);
    if (strcmp(spawn->error, spawn->output) != 0)
        fd = open_beneath(spawn->error, output_flags);
    if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
        give_up(report_fd, KEEPER_STEP_ERROR, errno, spawn->error);
}

static const char **add_variable(const char **environment, const char *variable)
{
    const char **all;
    size_t count = 0;

    while (environment[count])
        count++;
    all = memory_resize(NULL, count + 2, sizeof(*all));
    memcpy(all, environment, count * sizeof(*all));
    all[count] = variable;
    all[count + 1] = NULL;
    return all;
}

static _noreturn_ void run_child(const struct keeper_spawn *spawn, const char *variable,
                                 pid_t keeper, int report_fd)
{
    _cleanup_free_ char *culprit = NULL;
    const char **environment = add_variable(spawn->environment, variable);
    enum keeper_step step;
    int r;

    r = set_limits(spawn);
    if (r < 0)
        give_up(report_fd, KEEPER_STEP_LIMITS, -r, "");
    r = set_credentials(spawn, keeper);
    if (r < 0)
        give_up(report_fd, KEEPER_STEP_CREDENTIALS, -r, "");
    if (chdir(spawn->folder) < 0)
        give_up(report_fd, KEEPER_STEP_FOLDER, errno, spawn->folder);
    open_stdio(spawn, report_fd);
    execve(spawn->program, (char *const *)spawn->arguments, (char *const *)environment);
    r = errno;
    step = keeper_failure_explain(spawn->program, r, &culprit);
    give_up(report_fd, step, r, culprit);
}

/* ---- the keeper ---- */

int keeper_child_start(const struct keeper_spawn *spawn, const char *variable, int group,
                       struct keeper_child *ret_child)
{
    _cleanup_fd_ int reading = -1, writing = -1;
    struct clone_args arguments = {.exit_signal = SIGCHLD};
    pid_t keeper = getpid(), pid;
    int ends[2];

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    reading = ends[0];
    writing = ends[1];
    if (group >= 0) {
        arguments.flags = CLONE_INTO_CGROUP;
        arguments.cgroup = (uint64_t)group;
    }
    pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
    if (pid < 0)
        return -errno;
    if (pid == 0)
        run_child(spawn, variable, keeper, writing);
    *ret_child = (struct keeper_child){.pid = pid, .report = descriptor_take(&reading)};
    return 0;
}

int keeper_child_read_report(int report_fd, struct buffer *path, struct keeper_failure *ret_failure)
{
    char bytes[PIPE_BUF];
    struct report report;
    ssize_t n;

    do {
        n = read(report_fd, bytes, sizeof(bytes));
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    if (n < (ssize_t)sizeof(report))
        return 0;
    memcpy(&report, bytes, sizeof(report));
    buffer_clear(path);
    buffer_append(path, bytes + sizeof(report), (size_t)n - sizeof(report));
    *ret_failure = (struct keeper_failure){
        .step = (enum keeper_step)report.step,
        .error = report.error,
        .path = buffer_text(path),
    };
    return 1;
}
