/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two files of scenarios share: the reader of lines (scenario.c) and what each command
 * does to the world (scenario_command.c).
 */
#pragma once

#include "world.h"

struct scenario {
    struct world world;
    bool begun; /* the world is there: `agents` was the first command */
    FILE *trace;
};

/* The words of a line; they point into it. */
struct words {
    struct slice items[10];
    size_t count;
};

struct scenario_command {
    const char *name;
    const char *usage;  /* of what follows the name */
    size_t least, most; /* words, with the name */
    int (*run)(struct scenario *scenario, const struct words *words, struct error *err);
};

extern const struct scenario_command scenario_commands[];
extern const size_t scenario_command_count;
