/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limit COUNT FLIGHT PROGRAM: how many programs a second this computer can start and reap at all,
 * by a loop that keeps FLIGHT of them in flight and does nothing else. What a pool does on top of
 * that is measured against it.
 */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void start(char *program)
{
    char *arguments[] = {program, NULL};
    pid_t pid;
    int r = posix_spawn(&pid, program, NULL, NULL, arguments, environ);

    if (r != 0) {
        fprintf(stderr, "limit: cannot start '%s': %s\n", program, strerror(r));
        exit(1);
    }
}

static void reap(void)
{
    int status;

    while (wait(&status) < 0)
        if (errno != EINTR) {
            perror("limit: cannot wait");
            exit(1);
        }
    if (status != 0) {
        fprintf(stderr, "limit: the program failed\n");
        exit(1);
    }
}

int main(int argument_count, char **arguments)
{
    long count = argument_count == 4 ? strtol(arguments[1], NULL, 10) : 0;
    long flight = argument_count == 4 ? strtol(arguments[2], NULL, 10) : 0;
    double begun = now();

    if (count < 1 || flight < 1) {
        fprintf(stderr, "usage: limit COUNT FLIGHT PROGRAM, for example: limit 4000 8 /bin/true\n");
        return 2;
    }
    for (long i = 0; i < count; i++) {
        if (i >= flight)
            reap();
        start(arguments[3]);
    }
    for (long i = 0; i < count && i < flight; i++)
        reap();
    printf("%.1f\n", (double)count / (now() - begun));
    return 0;
}
