/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CALL... -- PROGRAM [ARGUMENT...]: the program, on a kernel that has none of these system calls.
 */
#include "sys/missing_call.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    long number;
} calls[] = {
    {"clone3", SYS_clone3},
    {"close_range", SYS_close_range},
    {"mount_setattr", SYS_mount_setattr},
    {"openat2", SYS_openat2},
    {"pidfd_open", SYS_pidfd_open},
};

static bool take_away(const char *name)
{
    for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
        if (strcmp(calls[i].name, name) == 0)
            return missing_call(calls[i].number);
    return false;
}

int main(int argc, char **argv)
{
    int i = 1;

    for (; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (!take_away(argv[i])) {
            fprintf(stderr, "cannot be without %s\n", argv[i]);
            return 125;
        }
    if (i + 1 < argc)
        execvp(argv[i + 1], argv + i + 1);
    return 126;
}
