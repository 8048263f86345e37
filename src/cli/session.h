/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of one command: its command line, and the connection to the server, which is opened when
 * it is first needed, so that what asks nobody costs nothing.
 */
#pragma once

#include "command.h"
#include "connection.h"
#include "id.h"

struct session {
    const struct command *command;
    struct options *options; /* owned */
    const char *server;      /* --server; NULL: not given */
    const char *socket;      /* --socket; NULL: not given */
    char *const *operands;   /* once all options were read; the options' */
    size_t operand_count;
    struct connection *connection; /* owned; NULL until it is needed */
};

/* Runs the command with the words behind its name; returns the exit code. */
int session_run(const struct command *command, int argc, char *const *argv);

/*
 * As options_next(), for the command's own options only: --server and --socket are noted, --help
 * is answered (FAILURE_HELP_SHOWN).
 */
int session_next_option(struct session *session, const char **ret_value, struct error *err);
/* For commands without options of their own: reads those that all have. */
int session_end_options(struct session *session, struct error *err);

/* FAILURE_USAGE unless there are from `least` to `most` operands; `what` names those: "FILE". */
int session_need_operands(const struct session *session, size_t least, size_t most,
                          const char *what, struct error *err);

/* The connection stays the session's. */
int session_connect(struct session *session, struct connection **ret_connection, struct error *err);
