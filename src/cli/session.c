/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See session.h. The frame that all commands share: it takes the options that every command has,
 * connects when a server is asked for first, and makes one message and one exit code of whatever a
 * command returns. So a command is what it does, and nothing else.
 */
#include "session.h"

#include "exit_code.h"
#include "help.h"
#include "sys/complain.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static void session_deinit(struct session *session)
{
    connection_free(session->connection);
    options_free(session->options);
}

/* What was printed must have arrived: a full disk behind '>' is a failure of the command. */
static int flush_output(struct error *err)
{
    int problem;

    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    problem = errno ? errno : EPIPE;
    return error_set_errno(err, -problem, "cannot write the output");
}

int session_run(const struct command *command, int argc, char *const *argv)
{
    _cleanup_(session_deinit) struct session session = {.command = command};
    _cleanup_error_ struct error err = ERROR_INIT;
    int r;

    session.options = options_new(command, argc, argv);
    r = command->run(&session, &err);
    if (r >= 0) {
        int flushed = flush_output(&err);

        r = flushed < 0 ? flushed : r;
    }
    if (r >= 0)
        return r;
    /* Whoever closes the pipe (head) wants no more, and no complaint: as if SIGPIPE had struck. */
    if (r == -EPIPE)
        return EXIT_CODE_SIGNAL + SIGPIPE;
    if (r != FAILURE_HELP_SHOWN)
        complain(&err);
    return (int)exit_code_of(r);
}

int session_next_option(struct session *session, const char **ret_value, struct error *err)
{
    for (;;) {
        const char *value = NULL;
        int key = options_next(session->options, &value, err);

        if (key == 'h') {
            help_print_command(session->command);
            return FAILURE_HELP_SHOWN;
        }
        if (key == KEY_SERVER) {
            session->server = value;
        } else if (key == KEY_SOCKET) {
            session->socket = value;
        } else {
            if (key == 0)
                session->operands = options_operands(session->options, &session->operand_count);
            if (key > 0)
                *ret_value = value;
            return key;
        }
    }
}

int session_end_options(struct session *session, struct error *err)
{
    const char *value;

    return session_next_option(session, &value, err);
}

int session_need_operands(const struct session *session, size_t least, size_t most,
                          const char *what, struct error *err)
{
    const char *name = session->command->name;

    if (session->operand_count < least)
        return options_refuse(session->command, err, "'dusk %s' needs %s", name, what);
    if (session->operand_count > most)
        return options_refuse(session->command, err, "'dusk %s' does not know what to do with '%s'",
                              name, session->operands[most]);
    return 0;
}

/* Late, so that a command line that is wrong is told without a server. */
int session_connect(struct session *session, struct connection **ret_connection, struct error *err)
{
    if (!session->connection) {
        int r = connection_open(session->server, session->socket, &session->connection, err);

        if (r < 0)
            return r;
    }
    *ret_connection = session->connection;
    return 0;
}
