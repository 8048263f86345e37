/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timed COUNT COMMAND [ARGUMENT]...: runs the command COUNT times, one after the other, and prints
 * the median of how long it took, from the start of the process to its end, in ms. What the command
 * prints is thrown away; if it fails once, this fails.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static double now_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec * 1e-6;
}

static double run(char **command, const posix_spawn_file_actions_t *actions)
{
    double begun = now_ms();
    int status, r;
    pid_t pid;

    r = posix_spawnp(&pid, command[0], actions, NULL, command, environ);
    if (r != 0) {
        fprintf(stderr, "timed: cannot start '%s': %s\n", command[0], strerror(r));
        exit(1);
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            exit(1);
    if (status != 0) {
        fprintf(stderr, "timed: '%s' failed\n", command[0]);
        exit(1);
    }
    return now_ms() - begun;
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

int main(int argument_count, char **arguments)
{
    long count = argument_count > 2 ? strtol(arguments[1], NULL, 10) : 0;
    posix_spawn_file_actions_t actions;
    double *times;

    if (count < 1) {
        fprintf(stderr, "usage: timed COUNT COMMAND [ARGUMENT]...\n");
        return 2;
    }
    times = calloc((size_t)count, sizeof(*times));
    if (!times)
        return 1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    for (long i = 0; i < count; i++)
        times[i] = run(arguments + 2, &actions);
    posix_spawn_file_actions_destroy(&actions);
    qsort(times, (size_t)count, sizeof(*times), compare);
    printf("%.3f\n", (times[(count - 1) / 2] + times[count / 2]) / 2);
    free(times);
    return 0;
}
