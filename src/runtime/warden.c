/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See warden.h. Keeper and warden share a page: the warden writes, the keeper reads when it has
 * heard that there is something to read: the end of a pipe that the program's execve() closes says
 * how the start went, SIGCHLD that the page is complete.
 *
 * To kill its own children again and again is enough: whoever loses its parent becomes the warden's
 * child, and it does so before the kernel tells the warden of the parent's death (exit_notify() in
 * kernel/exit.c). So every SIGCHLD finds the next generation in place, and no process can be
 * between two looks for ever.
 *
 * A task of the keeper's own user may kill its warden, as it may kill the keeper; what it leaves
 * becomes the keeper's child then, which kept.c sees to.
 */
#define _GNU_SOURCE
#include "warden.h"

#include "base/memory.h"
#include "container.h"
#include "keeper_child.h"
#include "process_table.h"
#include "sys/clock.h"
#include "sys/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct warden_report {
    bool was_decided; /* whether it runs; `failure` says why not */
    pid_t leader;
    struct keeper_failure failure; /* its path is `path` */
    bool has_ended;                /* the leader has; all below is known */
    int wait_status;
    uint64_t user_us, system_us;
    uint64_t memory_peak_bytes; /* of the largest process */
    char path[PATH_MAX]; /* last, and touched by failures only: a page that is not made is cheap */
};

/* ---- the warden ---- */

/* The usage of a child has that of its own children which it waited for (getrusage(2)). */
static void note_end(struct warden_report *report, pid_t pid, int status,
                     const struct rusage *usage)
{
    uint64_t peak_bytes = (uint64_t)usage->ru_maxrss * 1024;

    report->user_us += clock_us_of_timeval(usage->ru_utime);
    report->system_us += clock_us_of_timeval(usage->ru_stime);
    if (peak_bytes > report->memory_peak_bytes)
        report->memory_peak_bytes = peak_bytes;
    if (pid != report->leader)
        return;
    report->wait_status = status;
    report->has_ended = true;
}

/* Until nothing is left below it. The signals are blocked, so none is missed between two looks. */
static void keep_order(struct warden_report *report, pid_t keeper, const sigset_t *signals)
{
    struct rusage usage;
    int status;
    pid_t pid;

    for (;;) {
        while ((pid = container_reap(&status, &usage)) > 0)
            note_end(report, pid, status, &usage);
        if (pid < 0)
            return;
        if (report->has_ended || getppid() != keeper)
            process_kill_other_children(NULL, 0);
        sigwaitinfo(signals, NULL);
    }
}

/* The keeper's death is a signal like any other here, because the task has to be ended first. */
static void become_warden(int pipe, sigset_t *ret_signals)
{
    sigemptyset(ret_signals);
    sigaddset(ret_signals, SIGCHLD);
    sigaddset(ret_signals, SIGHUP);
    sigprocmask(SIG_BLOCK, ret_signals, NULL);
    prctl(PR_SET_PDEATHSIG, SIGHUP);
    /* Whoever holds the keeper's sockets open would let its agents believe that it lives. */
    dup3(pipe, STDERR_FILENO + 1, O_CLOEXEC);
    descriptor_close_range(STDERR_FILENO + 2, UINT_MAX, false);
}

static void run_warden(const struct keeper_spawn *spawn, const char *variable,
                       struct warden_report *report, pid_t keeper, int pipe)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    struct keeper_failure failure = {.step = KEEPER_STEP_FORK, .error = errno};
    sigset_t signals;

    become_warden(pipe, &signals);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        failure.error = errno;
    else if (keeper_child_start(spawn, variable, NULL, &report->leader, &path, &failure) == 0)
        failure.error = 0;
    report->failure = failure;
    if (failure.error != 0)
        snprintf(report->path, sizeof(report->path), "%s", buffer_text(&path));
    report->was_decided = true;
    close(STDERR_FILENO + 1);
    if (failure.error == 0)
        keep_order(report, keeper, &signals);
}

/* ---- the keeper ---- */

/* An end of file comes as well when the warden was killed. */
static void await_decision(int pipe)
{
    char none;

    while (read(pipe, &none, 1) < 0 && errno == EINTR)
        ;
}

static int fail(int error, struct keeper_failure *ret_failure)
{
    *ret_failure = (struct keeper_failure){.step = KEEPER_STEP_FORK, .error = error, .path = ""};
    return 1;
}

/* The start failed; what the page says of it goes to the caller. */
static int give_up(struct warden *warden, struct buffer *path, struct keeper_failure *ret_failure)
{
    const struct warden_report *report = warden->report;

    waitpid(warden->pid, NULL, 0);
    if (report->was_decided) {
        buffer_clear(path);
        buffer_append_text(path, report->path);
        *ret_failure = report->failure;
        ret_failure->path = buffer_text(path);
    } else {
        fail(ECHILD, ret_failure);
    }
    warden_deinit(warden);
    return 1;
}

int warden_start(const struct keeper_spawn *spawn, const char *variable, struct warden *ret_warden,
                 pid_t *ret_leader, struct buffer *path, struct keeper_failure *ret_failure)
{
    struct warden warden = {.report = mmap(NULL, sizeof(*warden.report), PROT_READ | PROT_WRITE,
                                           MAP_SHARED | MAP_ANONYMOUS, -1, 0)};
    _cleanup_fd_ int read_end = -1, write_end = -1;
    pid_t keeper = getpid();
    int ends[2];

    if (warden.report == MAP_FAILED)
        return fail(errno, ret_failure);
    if (pipe2(ends, O_CLOEXEC) == 0) {
        read_end = ends[0];
        write_end = ends[1];
        warden.pid = fork();
    } else {
        warden.pid = -1;
    }
    if (warden.pid < 0) {
        fail(errno, ret_failure);
        warden_deinit(&warden);
        return 1;
    }
    if (warden.pid == 0) {
        run_warden(spawn, variable, warden.report, keeper, write_end);
        _exit(0);
    }
    write_end = descriptor_close(write_end);
    await_decision(read_end);
    if (!warden.report->was_decided || warden.report->failure.error != 0)
        return give_up(&warden, path, ret_failure);
    *ret_leader = warden.report->leader;
    *ret_warden = warden;
    return 0;
}

bool warden_read_end(const struct warden *warden, struct keeper_result *result)
{
    const struct warden_report *report = warden->report;

    if (!report->has_ended)
        return false;
    result->wait_status = report->wait_status;
    result->user_us = report->user_us;
    result->system_us = report->system_us;
    if (report->memory_peak_bytes > result->memory_peak_bytes)
        result->memory_peak_bytes = report->memory_peak_bytes;
    return true;
}

void warden_deinit(struct warden *warden)
{
    if (warden->report)
        munmap(warden->report, sizeof(*warden->report));
    *warden = (struct warden){0};
}
