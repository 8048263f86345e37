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
#include "birth.h"
#include "container.h"
#include "oom_score.h"
#include "priority.h"
#include "process_table.h"
#include "sys/clock.h"
#include "sys/descriptor.h"
#include "vfork_into.h"

#include <errno.h>
#include <limits.h>
#include <linux/keyctl.h>
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
    PATIENCE_S = 3,     /* for the way to execve(), which takes a millisecond */
    DESCRIPTORS = 1024, /* what Linux gives and select() can take; the keeper has more */
    OTHERS_OF_USER = 4, /* room for what its user runs besides, in parts of what a task may have */
};

/* What the child needs to know; in its birth it leaves what the keeper shall see. */
struct child {
    struct birth birth;
    const struct cgroup *group; /* NULL: none */
    pid_t keeper;
    const struct container_start *container; /* NULL: it becomes its program itself */
    const char *marker;                      /* NULL: none */
};

/* ---- the child ---- */

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
static int set_process_limit(const struct child *child)
{
    struct rlimit limit;
    uint64_t most = child->birth.spawn->processes_max;

    if (most == 0 || (child->group && cgroup_limits_hold(&child->group->limits, CGROUP_PROCESSES)))
        return 0;
    if (getrlimit(RLIMIT_NPROC, &limit) < 0)
        return -1;
    most = most < UINT64_MAX / OTHERS_OF_USER ? most * OTHERS_OF_USER : UINT64_MAX;
    if (limit.rlim_max != RLIM_INFINITY && most > limit.rlim_max / 2)
        most = limit.rlim_max / 2;
    return set_limit(RLIMIT_NPROC, most);
}

/*
 * Everything that a task must not inherit from the keeper, or is held to. A core of one byte is
 * none; and it is not handed to a program of the node either, such as one that tells the owner of
 * the crash (core(5)): with none at all it would be.
 */
static int set_limits(const struct child *child)
{
    const struct keeper_spawn *spawn = child->birth.spawn;
    const struct rlimit no_core = {.rlim_cur = 1, .rlim_max = 1};
    sigset_t none;
    int r = descriptor_close_range(STDERR_FILENO + 1, UINT_MAX, true);

    if (r < 0)
        return r;
    sigemptyset(&none);
    umask(022);
    (void)oom_score_set(OOM_SCORE_FIRST_TO_GO); /* a wish */
    if (sigprocmask(SIG_SETMASK, &none, NULL) < 0 || setsid() < 0 ||
        setrlimit(RLIMIT_CORE, &no_core) < 0 || set_descriptor_limit() < 0 ||
        set_limit(RLIMIT_FSIZE, spawn->file_size_max) < 0 ||
        set_limit(RLIMIT_CPU, spawn->cpu_seconds_max) < 0 || set_process_limit(child) < 0)
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

/* A contained task gives its rights up later, when it has made what needs them. */
static int become_task(struct child *child)
{
    struct birth *birth = &child->birth;
    int r;

    birth_enter(birth, KEEPER_STEP_CREDENTIALS, "");
    if (child->container) {
        r = leave_keyring(birth->spawn);
        birth_enter(birth, KEEPER_STEP_CONTAINER, CONTAINER_INIT);
        return r < 0 ? r : container_launch(child->container, birth->spawn, child->marker);
    }
    r = set_credentials(birth->spawn, child->keeper);
    if (r == 0)
        r = birth_enter_folder(birth, birth->spawn->folder);
    return r < 0 ? r : birth_execute(birth, birth->spawn->program);
}

static void run_child(void *context)
{
    struct child *child = context;
    int r;

    limit_patience();
    birth_enter(&child->birth, KEEPER_STEP_LIMITS, "");
    r = child->group ? cgroup_join(child->group) : 0;
    if (r == 0)
        r = set_limits(child);
    if (r == 0)
        r = become_task(child);
    give_up(&child->birth, -r);
}

/* ---- the keeper ---- */

/*
 * It stands alone: of two with one name, whoever looks would find the other. A contained task that
 * has a group has none: the next keeper finds it by that, and saved and restored elsewhere it would
 * have the mark of a keeper that is not its own.
 */
static const char **add_variable(const char **environment, const char *variable, bool is_left_out)
{
    size_t count = 0, kept = 0, name = strcspn(variable, "=") + 1;
    const char **all;

    while (environment[count])
        count++;
    all = memory_resize(NULL, count + 2, sizeof(*all));
    for (size_t i = 0; i < count; i++)
        if (strncmp(environment[i], variable, name) != 0)
            all[kept++] = environment[i];
    if (!is_left_out)
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
    if (birth->error != 0)
        return false;
    if (birth->step != KEEPER_STEP_PROGRAM && birth->step != KEEPER_STEP_CONTAINER)
        return true;
    return clock_boot_us() - begun_us >= (uint64_t)PATIENCE_S * 1000000 &&
           process_never_executed(pid);
}

/* Makes the child, and waits until it has become what it executes. Returns its pid, or 0. */
static pid_t give_birth(struct child *child)
{
    uint64_t begun_us = clock_boot_us();
    pid_t pid;

    birth_enter(&child->birth, KEEPER_STEP_FORK, "");
    pid = vfork_into(child->group ? cgroup_birthplace(child->group) : -1, run_child, child);
    if (pid < 0)
        child->birth.error = -pid;
    else if (was_cut_off(&child->birth, pid, begun_us))
        child->birth.error = ETIMEDOUT;
    if (child->birth.error == 0)
        return pid;
    if (pid > 0)
        waitpid(pid, NULL, 0);
    return 0;
}

static int start_bare(struct child *child, pid_t *ret_pid)
{
    *ret_pid = give_birth(child);
    return *ret_pid > 0 ? 0 : 1;
}

/* The child's successor in the container is the leader; the child itself is soon over. */
static int start_contained(struct child *child, pid_t *ret_pid)
{
    _cleanup_(container_start_deinit) struct container_start start = CONTAINER_START_INIT;
    int r = container_start_prepare(&start, child->birth.spawn, child->birth.environment);
    pid_t pid;

    birth_enter(&child->birth, KEEPER_STEP_CONTAINER, "");
    child->birth.error = -r;
    if (r < 0)
        return 1;
    child->container = &start;
    pid = give_birth(child);
    if (pid == 0)
        return 1;
    return container_start_await(&start, pid, &child->birth, ret_pid);
}

int keeper_child_start(const struct keeper_spawn *spawn, const char *variable,
                       const struct cgroup *group, pid_t *ret_pid, struct buffer *path,
                       struct keeper_failure *ret_failure)
{
    bool is_contained = spawn->container.root[0] != '\0', is_left_out = is_contained && group;
    _cleanup_free_ const char **environment =
        add_variable(spawn->environment, variable, is_left_out);
    _cleanup_free_ struct child *child = memory_allocate(sizeof(*child));
    const struct birth *birth = &child->birth;
    int r;

    *child = (struct child){.birth = {.spawn = spawn, .environment = environment},
                            .group = group,
                            .keeper = getpid(),
                            .marker = is_left_out ? NULL : variable};
    r = is_contained ? start_contained(child, ret_pid) : start_bare(child, ret_pid);
    if (r == 0)
        return 0;
    buffer_clear(path);
    buffer_append_text(path, birth->path);
    *ret_failure = (struct keeper_failure){
        .step = birth->step, .error = birth->error, .path = buffer_text(path)};
    return 1;
}
