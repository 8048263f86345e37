/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See program.h. Whoever moves a program asks it in between, by a file `move-N`, and it answers,
 * after another check, by `moved-N`. The file `go` ends it.
 */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_SIZE = 32 };

void require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static const struct program *find(const char *name)
{
    static const struct program *const lists[] = {file_programs, memory_programs, process_programs,
                                                  socket_programs, time_programs};

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        for (const struct program *program = lists[i]; program->name; program++)
            if (strcmp(program->name, name) == 0)
                return program;
    return NULL;
}

static void answer(const char *name)
{
    int fd = open(name, O_WRONLY | O_CREAT, 0644);

    require(fd >= 0 && write(fd, "\n", 1) == 1, "answer");
    close(fd);
}

static void run(const struct program *program)
{
    char asked[NAME_SIZE], answered[NAME_SIZE];

    program->begin();
    for (unsigned move = 0; access("go", F_OK) < 0;) {
        bool is_asked;

        snprintf(asked, sizeof(asked), "move-%u", move);
        snprintf(answered, sizeof(answered), "moved-%u", move);
        is_asked = access(asked, F_OK) == 0;
        program->check();
        if (is_asked)
            answer(answered);
        move += is_asked;
    }
}

int main(int argc, char **argv)
{
    const struct program *program = argc == 2 ? find(argv[1]) : NULL;

    require(program != NULL, "no such program");
    run(program);
    return EXIT_SUCCESS;
}
