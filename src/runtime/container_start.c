/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See container.h: the keeper's side of a contained task's first milliseconds, and of its end.
 *
 * The request that the agent sent is handed on as it is, so that there is one form of it. What
 * comes back is the pid of process 1, and only if something failed, more.
 */
#define _GNU_SOURCE
#include "container.h"

#include "base/buffer.h"
#include "container_report.h"
#include "sys/clock.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 5000, COMMAND_SIZE = 64, NUMBER_SIZE = 16 };

static int write_specification(int fd, const struct keeper_spawn *spawn, const char **environment)
{
    _cleanup_buffer_ struct buffer frame = BUFFER_INIT;
    struct keeper_request request = {.type = KEEPER_REQUEST_SPAWN, .spawn = *spawn};
    struct slice filter;
    int r = container_filter(&filter);

    if (r < 0)
        return r;
    request.spawn.environment = environment;
    request.spawn.note = (struct slice){.data = ""};
    r = keeper_message_encode_request(&request, &frame);
    if (r == 0)
        r = file_write_all(fd, frame.data, frame.length);
    return r < 0 ? r : file_write_all(fd, filter.data, filter.length);
}

int container_start_prepare(struct container_start *start, const struct keeper_spawn *spawn,
                            const char **environment)
{
    start->specification = memfd_create("dusk-task", MFD_CLOEXEC);
    if (start->specification < 0 || pipe2(start->reports, O_CLOEXEC) < 0)
        return -errno;
    return write_specification(start->specification, spawn, environment);
}

void container_start_deinit(struct container_start *start)
{
    descriptor_close(start->specification);
    descriptor_close(start->reports[0]);
    descriptor_close(start->reports[1]);
    *start = CONTAINER_START_INIT;
}

/* Shares the keeper's memory (vfork_into.h), so nothing is allocated. */
int container_launch(const struct container_start *start, const struct keeper_spawn *spawn,
                     const char *marker)
{
    char path[PATH_MAX], specification[NUMBER_SIZE], reports[NUMBER_SIZE];
    const char *arguments[] = {"dusk-init", "launch", specification, reports, NULL};
    const char *environment[] = {marker, NULL};

    if (snprintf(path, sizeof(path), "%s" CONTAINER_INIT, spawn->container.root) >=
        (int)sizeof(path))
        return -ENAMETOOLONG;
    snprintf(specification, sizeof(specification), "%d", start->specification);
    snprintf(reports, sizeof(reports), "%d", start->reports[1]);
    if (fcntl(start->specification, F_SETFD, 0) < 0 || fcntl(start->reports[1], F_SETFD, 0) < 0)
        return -errno;
    execve(path, (char *const *)arguments, (char *const *)environment);
    return -errno;
}

/* ---- its reports ---- */

struct reports {
    int32_t leader;
    struct container_report failure;
};

/*
 * Reads until everybody who could report has closed the pipe. Returns how many bytes came, or
 * -ETIMEDOUT.
 */
static ssize_t read_reports(int fd, struct reports *reports)
{
    uint64_t end_ms = clock_boot_ms() + PATIENCE_MS;
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    size_t length = 0;

    while (length < sizeof(*reports)) {
        uint64_t now_ms = clock_boot_ms();
        ssize_t n;

        if (now_ms >= end_ms || poll(&wait, 1, (int)(end_ms - now_ms)) == 0)
            return -ETIMEDOUT;
        n = read(fd, (char *)reports + length, sizeof(*reports) - length);
        if (n == 0 || (n < 0 && errno != EINTR))
            break;
        length += n > 0 ? (size_t)n : 0;
    }
    return (ssize_t)length;
}

static void end_process(pid_t pid)
{
    if (pid > 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
}

/* Half a report is none: whoever should have written it was killed. */
static void note_failure(struct birth *birth, const struct reports *reports, ssize_t length)
{
    bool is_whole = length == (ssize_t)sizeof(*reports);

    birth_enter(birth, KEEPER_STEP_CONTAINER, "");
    birth->error = length < 0 ? (int)-length : ECHILD;
    if (!is_whole)
        return;
    memcpy(birth->culprit, reports->failure.path, sizeof(birth->culprit));
    birth->culprit[sizeof(birth->culprit) - 1] = '\0';
    birth_enter(birth, (enum keeper_step)reports->failure.step, birth->culprit);
    birth->error = reports->failure.error;
}

int container_start_await(struct container_start *start, pid_t launcher, struct birth *birth,
                          pid_t *ret_leader)
{
    struct reports reports = {0};
    ssize_t length;

    start->reports[1] = descriptor_close(start->reports[1]);
    length = read_reports(start->reports[0], &reports);
    if (length == sizeof(reports.leader)) {
        waitpid(launcher, NULL, 0);
        *ret_leader = reports.leader;
        return 0;
    }
    end_process(launcher);
    end_process(reports.leader);
    note_failure(birth, &reports, length);
    return 1;
}

/* ---- its end ---- */

/* The signal that process 1 has named itself after (PR_SET_NAME), while it is a zombie; else 0. */
static int read_signal(pid_t pid)
{
    char path[COMMAND_SIZE], name[COMMAND_SIZE] = {0};
    _cleanup_fd_ int fd = -1;
    int number = 0;

    snprintf(path, sizeof(path), "/proc/%d/comm", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, name, sizeof(name) - 1) <= 0)
        return 0;
    return sscanf(name, CONTAINER_SIGNAL_NAME, &number) == 1 ? number : 0;
}

pid_t container_reap(int *ret_status, struct rusage *ret_usage)
{
    siginfo_t info = {0};
    int signal = 0;
    pid_t pid;

    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
        return -1;
    if (info.si_pid == 0)
        return 0;
    if (info.si_code == CLD_EXITED && info.si_status > CONTAINER_SIGNAL_BASE)
        signal = read_signal(info.si_pid);
    pid = wait4(info.si_pid, ret_status, WNOHANG, ret_usage);
    if (signal > 0 && signal == info.si_status - CONTAINER_SIGNAL_BASE)
        *ret_status = signal;
    return pid;
}
