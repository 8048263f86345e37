/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of the commands: a server that answers from a list, in a process and a folder of its
 * own, and commands that are run against it, with all that they print.
 */
#pragma once

#include "base/buffer.h"

#include <stddef.h>

/* Answers of the same method and path are given in their order, the last of them for ever. */
struct fake_answer {
    const char *method;
    const char *path; /* without query */
    unsigned int status;
    const char *body;
};

struct fake_server;

/* Starts it, and makes its folder the current one; DUSK_SOCKET leads to it. */
struct fake_server *fake_server_start(const struct fake_answer *answers, size_t count);
/* Ends it and removes its folder. */
void fake_server_stop(struct fake_server *server);

/*
 * Runs "dusk WORDS", split at blanks, with `input` (NULL: nothing) as standard input. Appends
 * "$ dusk WORDS", what it printed, what it complained, and "[CODE]".
 */
void fake_server_run(const char *words, const char *input, struct buffer *transcript);

/* What the server was asked so far: a line each, "METHOD PATH?QUERY BODY". */
void fake_server_requests(struct buffer *requests);
