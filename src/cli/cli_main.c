/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See cli_main.h. The first word decides: a program that stays (server, agent) takes the rest of
 * the command line as its own, a command is run in a session, and anything else gets the nearest
 * name.
 */
#include "cli_main.h"

#include "exit_code.h"
#include "session.h"
#include "sys/complain.h"

#include <stdio.h>
#include <string.h>

static int refuse_command(const char *name)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    const char *nearest = help_nearest(name);

    error_set(&err, FAILURE_USAGE, "there is no command '%s'", name);
    if (name[0] == '-')
        error_hint(&err, "options stand behind the command: dusk COMMAND %s", name);
    else if (nearest)
        error_hint(&err, "did you mean 'dusk %s'? 'dusk help' lists all commands", nearest);
    else
        error_hint(&err, "'dusk help' lists all commands");
    complain(&err);
    return EXIT_CODE_USAGE;
}

static int explain_usage(void)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    help_append_list(&text);
    (void)fputs(text.data, stderr);
    return EXIT_CODE_USAGE;
}

/*
 * `dusk config agent ...`: what the programs may be told, they alone know, and show by
 * --show-config.
 */
static int show_program_config(const struct program *program, int argc, char **argv)
{
    static char option[] = "--show-config";

    argv[1] = argv[2];
    argv[2] = option;
    return program->main(argc - 1, argv + 1);
}

int cli_main(int argc, char **argv, const struct program *programs)
{
    const struct command *command;
    const struct program *program;
    const char *name;

    help_set_programs(programs);
    if (argc < 2)
        return explain_usage();
    name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        name = "version";
    program = help_find_program(name);
    if (program)
        return program->main(argc - 1, argv + 1);
    command = commands_find(name);
    program = command == &command_config && argc > 2 ? help_find_program(argv[2]) : NULL;
    if (program && program->has_config)
        return show_program_config(program, argc, argv);
    if (command)
        return session_run(command, argc - 2, argv + 2);
    return refuse_command(name);
}
