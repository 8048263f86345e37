/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See hostile.h.
 *
 *     hostile tries [NAME=VALUE]...   each of the attacks in a line: its name, and what stood in
 *                                     its way; "done" if nothing did
 *     hostile OTHER [NAME=VALUE]...   one of those that take a task of their own
 *
 * It is static, because a container need not have a C library.
 */
#define _GNU_SOURCE
#include "hostile.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
static char **values;

const char *value_of(const char *name)
{
    size_t length = strlen(name);

    for (char **word = values; *word; word++)
        if (strncmp(*word, name, length) == 0 && (*word)[length] == '=')
            return *word + length + 1;
    return "";
}

int read_path(const char *path)
{
    char text[64];
    int fd = open(path, O_RDONLY);

    return fd < 0 ? errno : error_of(read(fd, text, sizeof(text)));
}

int write_path(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);

    return fd < 0 ? errno : error_of(write(fd, text, strlen(text)));
}

/*
 * Each in a process of its own, so that one that gets through is in no other one's way. It is never
 * root who tries: on the node itself he would not be refused.
 */
static int try_all(const struct attack *attacks)
{
    for (; attacks->name; attacks++) {
        pid_t pid = fork();
        int status;

        if (pid == 0)
            _exit(attacks->run());
        if (pid < 0 || waitpid(pid, &status, 0) < 0)
            return 1;
        printf("%s ", attacks->name);
        if (!WIFEXITED(status))
            printf("signal %d\n", WTERMSIG(status));
        else
            puts(status == 0 ? "done" : strerrorname_np(WEXITSTATUS(status)));
    }
    return 0;
}

int main(int argc, char **argv)
{
    values = argv + argc;
    if (argc < 2)
        return 2;
    values = argv + 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (strcmp(argv[1], "tries") == 0)
        return geteuid() == 0 || try_all(rights) || try_all(neighbours);
    for (const struct attack *other = others; other->name; other++)
        if (strcmp(argv[1], other->name) == 0)
            return other->run();
    return 2;
}
