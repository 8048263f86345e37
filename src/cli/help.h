/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of `--help` and `dusk help`, made from the tables of the commands. */
#pragma once

#include "command.h"

#include "base/buffer.h"

#include <stdbool.h>

/* A program that is no command of this room: its name, and what it does in a line. */
struct program {
    const char *name;
    const char *summary;
    int (*main)(int argc, char **argv);
    bool has_config; /* it knows --show-config */
};

void help_append_command(struct buffer *text, const struct command *command);
void help_print_command(const struct command *command);

/* The list of all commands and programs. */
void help_append_list(struct buffer *text);
/* The programs that the list names, from the first to one without a name; they must stay. */
void help_set_programs(const struct program *programs);
const struct program *help_find_program(const char *name);

/* "did you mean": the command or program whose name is nearest, or NULL. */
const char *help_nearest(const char *name);
