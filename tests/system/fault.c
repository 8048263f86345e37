/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For LD_PRELOAD: of the calls by which a process changes files, the one with the number FAULT_AT
 * fails, once, with the errno FAULT_ERROR, as a disk does that is worn or full for a moment. Only
 * in the process that is `dusk FAULT_PROGRAM`; what goes to sockets and pipes is left alone.
 * How many calls there were is in the file FAULT_COUNT when the process ends in peace, and the name
 * of the call that failed is in FAULT_HIT.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static long calls, fault_at;
static int fault_error;
static int is_meant;

static void say_in_file(const char *variable, const char *text)
{
    const char *path = getenv(variable);
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : -1;
    ssize_t (*real_write)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");

    if (fd < 0)
        return;
    if (real_write(fd, text, strlen(text)) < 0)
        abort();
    close(fd);
}

__attribute__((constructor)) static void begin(void)
{
    const char *program = getenv("FAULT_PROGRAM"), *at = getenv("FAULT_AT");
    const char *error = getenv("FAULT_ERROR");
    char line[4096] = "";
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? 0 : read(fd, line, sizeof(line) - 2);

    close(fd);
    if (!program || !at || !error || length <= 0)
        return;
    /* The words stand one behind the other, each with a NUL. */
    is_meant = strcmp(line + strlen(line) + 1, program) == 0;
    fault_at = strtol(at, NULL, 10);
    fault_error = (int)strtol(error, NULL, 10);
}

__attribute__((destructor)) static void end(void)
{
    char text[32];

    snprintf(text, sizeof(text), "%ld\n", calls);
    if (is_meant)
        say_in_file("FAULT_COUNT", text);
}

static int fails(const char *name)
{
    if (!is_meant || ++calls != fault_at)
        return 0;
    say_in_file("FAULT_HIT", name);
    errno = fault_error;
    return 1;
}

static int is_file(int fd)
{
    struct stat status;
    int before = errno, found = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);

    errno = before;
    /* The log is a file in the tests, and nobody can be told of its faults. */
    return found && fd != STDERR_FILENO;
}

#define FILE_CALL(type, name, parameters, ...)                                                     \
    type faulty_##name parameters __asm__(#name);                                                  \
    type faulty_##name parameters                                                                  \
    {                                                                                              \
        static type(*real) parameters;                                                             \
                                                                                                   \
        if (!real)                                                                                 \
            real = (type(*) parameters)dlsym(RTLD_NEXT, #name);                                    \
        return is_file(fd) && fails(#name) ? -1 : real(__VA_ARGS__);                               \
    }

#define PATH_CALL(name, parameters, ...)                                                           \
    int faulty_##name parameters __asm__(#name);                                                   \
    int faulty_##name parameters                                                                   \
    {                                                                                              \
        static int(*real) parameters;                                                              \
                                                                                                   \
        if (!real)                                                                                 \
            real = (int(*) parameters)dlsym(RTLD_NEXT, #name);                                     \
        return fails(#name) ? -1 : real(__VA_ARGS__);                                              \
    }

FILE_CALL(ssize_t, write, (int fd, const void *data, size_t size), fd, data, size)
FILE_CALL(ssize_t, pwrite64, (int fd, const void *data, size_t size, off64_t at), fd, data, size,
          at)
FILE_CALL(ssize_t, sendfile64, (int fd, int from, off64_t *at, size_t size), fd, from, at, size)
FILE_CALL(int, fsync, (int fd), fd)
FILE_CALL(int, fdatasync, (int fd), fd)
FILE_CALL(int, ftruncate64, (int fd, off64_t size), fd, size)
PATH_CALL(mkdir, (const char *path, mode_t mode), path, mode)
PATH_CALL(mkdirat, (int folder, const char *path, mode_t mode), folder, path, mode)
PATH_CALL(rename, (const char *from, const char *to), from, to)
PATH_CALL(renameat, (int a, const char *from, int b, const char *to), a, from, b, to)
