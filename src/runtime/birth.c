/* SPDX-License-Identifier: Apache-2.0 */
/* See birth.h. */
#define _GNU_SOURCE
#include "birth.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FILE_MODE = 0644 };

void birth_enter(struct birth *birth, enum keeper_step step, const char *path)
{
    birth->step = step;
    birth->path = path;
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
static int open_as(struct birth *birth, enum keeper_step step, const char *path, int flags, int as)
{
    int fd;

    birth_enter(birth, step, path);
    fd = open_plain(path, flags);
    if (fd < 0)
        return fd;
    return dup2(fd, as) < 0 ? -errno : 0;
}

static int open_streams(struct birth *birth)
{
    const struct keeper_spawn *spawn = birth->spawn;
    const int flags = O_WRONLY | O_CREAT | (spawn->keeps_output ? O_APPEND : O_TRUNC);
    int r = open_as(birth, KEEPER_STEP_INPUT, spawn->input, O_RDONLY, STDIN_FILENO);

    if (r == 0)
        r = open_as(birth, KEEPER_STEP_OUTPUT, spawn->output, flags, STDOUT_FILENO);
    if (r < 0)
        return r;
    if (strcmp(spawn->error, spawn->output) != 0)
        return open_as(birth, KEEPER_STEP_ERROR, spawn->error, flags, STDERR_FILENO);
    return dup2(STDOUT_FILENO, STDERR_FILENO) < 0 ? -errno : 0;
}

int birth_enter_folder(struct birth *birth, const char *folder)
{
    birth_enter(birth, KEEPER_STEP_FOLDER, folder);
    return chdir(folder) < 0 ? -errno : open_streams(birth);
}

int birth_execute(struct birth *birth, const char *program)
{
    int error;

    birth_enter(birth, KEEPER_STEP_PROGRAM, program);
    execve(program, (char *const *)birth->spawn->arguments, (char *const *)birth->environment);
    error = errno;
    birth_enter(birth, keeper_failure_explain(program, error, birth->culprit), birth->culprit);
    return -error;
}
