/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The time between submit and end of `dusk run`. Three children ask the server, each over its own
 * connection: two print what the task writes while it runs, one waits for its end. The parent
 * only minds signals and children, so Ctrl-C is heard at once: it removes the task.
 */
#pragma once

#include "connection.h"
#include "id.h"

#include <stdbool.h>

enum run_end {
    RUN_ENDED,       /* the task is Completed */
    RUN_REMOVED,     /* by somebody else */
    RUN_HELD,        /* it cannot go on */
    RUN_INTERRUPTED, /* by a signal to this process: the task is removed, or about to be */
    RUN_FAILED       /* the server was not reached */
};

struct run_watch {
    const char *server; /* as given on the command line; NULL: not given */
    const char *socket;
    struct connection *connection; /* the parent's */
    struct id task;
    int signal;           /* set when interrupted: which */
    uint64_t *written[2]; /* bytes of stdout and stderr that are out; shared with the children */
};

/* Blocks the signals that remove the task; to be called before it is submitted. */
void run_watch_block_signals(void);

int run_watch_init(struct run_watch *watch, struct error *err);
void run_watch_deinit(struct run_watch *watch);

/* Watches until the end; *ret_end says which. */
int run_watch_run(struct run_watch *watch, enum run_end *ret_end, struct error *err);

/* Prints what came too late for the children, from the spool, and fetches all other outputs. */
int run_watch_collect(struct run_watch *watch, struct error *err);
