/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See help.h. All of it is made from the tables of commands and options: what works is explained,
 * and what is explained works. A word without a summary is one that HTCondor's users type; it works
 * unmentioned.
 */
#include "help.h"

#include "base/memory.h"
#include "base/spelling.h"

#include <stdio.h>
#include <string.h>

enum { SUMMARY_COLUMN = 28, LIST_COLUMN = 12 };

static const struct program no_program;
static const struct program *programs = &no_program;

void help_set_programs(const struct program *known)
{
    programs = known;
}

const struct program *help_find_program(const char *name)
{
    for (const struct program *program = programs; program->name; program++)
        if (strcmp(program->name, name) == 0)
            return program;
    return NULL;
}

/* What is too long for its column gets a line of its own. */
static void append_padded(struct buffer *text, const char *start, size_t column)
{
    buffer_appendf(text, "%-*s", (int)column, start);
    if (strlen(start) >= column)
        buffer_appendf(text, "\n%*s", (int)column, "");
}

static void append_option(struct buffer *text, const struct option_word *word)
{
    _cleanup_buffer_ struct buffer start = BUFFER_INIT;

    if (!word->summary)
        return;
    if (word->key < KEY_SERVER)
        buffer_appendf(&start, "  -%c, --%s", word->key, word->name);
    else
        buffer_appendf(&start, "      --%s", word->name);
    if (word->kind == OPTION_VALUE)
        buffer_appendf(&start, "=%s", word->argument);
    if (word->kind == OPTION_WORDS)
        buffer_appendf(&start, " %s", word->argument);
    append_padded(text, start.data, SUMMARY_COLUMN);
    buffer_appendf(text, "%s\n", word->summary);
}

void help_append_command(struct buffer *text, const struct command *command)
{
    buffer_appendf(text, "Usage: dusk %s%s%s\n\n%s\n", command->name, *command->synopsis ? " " : "",
                   command->synopsis, command->description);
    buffer_append_text(text, "Options:\n");
    for (size_t i = 0; i < command->option_count; i++)
        append_option(text, &command->options[i]);
    for (size_t i = 0; i < ARRAY_LENGTH(options_of_server) && !command->is_local; i++)
        append_option(text, &options_of_server[i]);
    for (size_t i = 0; i < ARRAY_LENGTH(options_of_all); i++)
        append_option(text, &options_of_all[i]);
    buffer_appendf(text, "\nExamples:\n%s", command->examples);
}

void help_print_command(const struct command *command)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    help_append_command(&text, command);
    (void)fputs(text.data, stdout);
    (void)fflush(stdout);
}

static void append_entry(struct buffer *text, const char *name, const char *summary)
{
    buffer_appendf(text, "  %-*s%s\n", LIST_COLUMN, name, summary);
}

void help_append_list(struct buffer *text)
{
    buffer_append_text(text, "Usage: dusk COMMAND [OPTION]...\n"
                             "\n"
                             "Runs programs on the computers of a pool whenever nobody sits at "
                             "them.\n"
                             "\n"
                             "Commands:\n");
    for (size_t i = 0; i < command_count; i++)
        append_entry(text, commands[i]->name, commands[i]->summary);
    if (programs->name)
        buffer_append_text(text, "\nPrograms that stay:\n");
    for (const struct program *program = programs; program->name; program++)
        append_entry(text, program->name, program->summary);
    buffer_append_text(text, "\n"
                             "'dusk COMMAND --help' explains a command, 'dusk help exit-codes' how "
                             "they end.\n");
}

const char *help_nearest(const char *name)
{
    const char **candidates = NULL;
    size_t count = 0, capacity = 0;
    const char *nearest;

    for (size_t i = 0; i < command_count; i++) {
        array_reserve(candidates, capacity, count + 1);
        candidates[count++] = commands[i]->name;
    }
    for (const struct program *program = programs; program->name; program++) {
        array_reserve(candidates, capacity, count + 1);
        candidates[count++] = program->name;
    }
    nearest = spelling_nearest(name, candidates, count);
    free(candidates);
    return nearest;
}
