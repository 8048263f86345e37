/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Process 1 of a container. It starts the task's program, waits for it and for whoever became its
 * child meanwhile, and ends as the program ended; then the kernel kills all that is left.
 *
 * It has no rights itself as soon as the program has its user, and it hears no signal: what the
 * task sends to process 1 the kernel drops, and what the keeper sends but SIGKILL and SIGSTOP, too.
 * It lives behind the same filter, so that there is nobody within who may do more than the task.
 */
#define _GNU_SOURCE
#include "container_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NAME_SIZE = 16, PATH_SIZE = 4096 };

/* ---- the program ---- */

static bool drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {0};

    return syscall(SYS_capset, &header, none) == 0;
}

static bool become_user(const struct keeper_spawn *spawn)
{
    if (!spawn->becomes_user)
        return true;
    return syscall(SYS_setresgid, CONTAINER_UID, CONTAINER_UID, CONTAINER_UID) == 0 &&
           syscall(SYS_setresuid, CONTAINER_UID, CONTAINER_UID, CONTAINER_UID) == 0;
}

static void give_up_rights(struct container_birth *start)
{
    birth_enter(&start->birth, KEEPER_STEP_CREDENTIALS, "");
    container_empty_bounding_set();
    if (!become_user(&start->spawn) || !drop_capabilities() || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        container_give_up(start, errno);
}

static void set_filter(struct container_birth *start)
{
    struct sock_fprog program = {
        .len = (unsigned short)(start->filter.length / sizeof(struct sock_filter)),
        .filter = (struct sock_filter *)start->filter.data};

    birth_enter(&start->birth, KEEPER_STEP_CONTAINER, "seccomp");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
        container_give_up(start, errno);
}

/* As execvp() does it, with the PATH of the task, in the task's own root. */
static int execute(struct birth *birth)
{
    const char *program = birth->spawn->program, *path = "";
    char candidate[PATH_SIZE];
    struct stat status;

    for (const char **variable = birth->environment; *variable; variable++)
        if (strncmp(*variable, "PATH=", strlen("PATH=")) == 0)
            path = *variable + strlen("PATH=");
    while (!strchr(program, '/') && *path) {
        size_t length = strcspn(path, ":");

        snprintf(candidate, sizeof(candidate), "%.*s/%s", (int)length, path, program);
        if (candidate[0] == '/' && stat(candidate, &status) == 0 && S_ISREG(status.st_mode) &&
            access(candidate, X_OK) == 0)
            return birth_execute(birth, candidate);
        path += length + (path[length] == ':');
    }
    return birth_execute(birth, program);
}

_noreturn_ static void become_program(struct container_birth *start)
{
    int r;

    if (setsid() < 0)
        container_give_up(start, errno);
    give_up_rights(start);
    r = birth_enter_folder(&start->birth, CONTAINER_WORK);
    if (r == 0)
        r = execute(&start->birth);
    container_give_up(start, -r);
}

/* ---- process 1 ---- */

/* It holds nothing open, and has nothing mapped, that is not there on another node. */
static void close_all(struct container_birth *start)
{
    int null = open("/dev/null", O_RDWR);

    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        dup2(null, fd);
    close(null);
    close(start->specification);
    close(start->reports);
    munmap((char *)start->mapped.data, start->mapped.length);
}

_noreturn_ static void end_as(int status)
{
    char name[NAME_SIZE];

    if (WIFEXITED(status))
        _exit(WEXITSTATUS(status));
    snprintf(name, sizeof(name), CONTAINER_SIGNAL_NAME, WTERMSIG(status));
    prctl(PR_SET_NAME, name, 0, 0, 0);
    _exit(CONTAINER_SIGNAL_BASE + WTERMSIG(status));
}

/* To a program of the same user it would be one to trace, and to speak through. */
static void close_to_tracers(const struct container_birth *start)
{
    if (!start->spawn.becomes_user)
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

_noreturn_ void container_run(struct container_birth *start)
{
    pid_t program, pid;
    int status = 0;

    set_filter(start);
    close_to_tracers(start);
    birth_enter(&start->birth, KEEPER_STEP_FORK, "");
    /* A task whose session began outside cannot be saved. */
    if (setsid() < 0)
        container_give_up(start, errno);
    /* They came through an execve(); the end of the reports is the next one. */
    fcntl(start->specification, F_SETFD, FD_CLOEXEC);
    fcntl(start->reports, F_SETFD, FD_CLOEXEC);
    program = fork();
    if (program < 0)
        container_give_up(start, errno);
    if (program == 0)
        become_program(start);
    close_all(start);
    container_empty_bounding_set();
    (void)drop_capabilities();
    do {
        pid = wait(&status);
    } while (pid != program && (pid > 0 || errno == EINTR));
    end_as(status);
}
