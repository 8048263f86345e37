/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command is: a name, the words that explain it, its options, and a function. `--help`, the
 * list of commands, the completion and the messages about wrong options are all made from this.
 */
#pragma once

#include "options.h"

#include "base/error.h"

#include <stddef.h>

struct session;

struct command {
    const char *name;
    const char *summary;     /* "submits a job": one line, for the list of commands */
    const char *synopsis;    /* what follows the name: "[OPTION]... FILE" */
    const char *description; /* paragraphs, each line with its line feed */
    const char *examples;    /* the same, indented */
    const struct option_word *options;
    size_t option_count;
    bool is_local;         /* asks no server, so it has no --server and no --socket */
    bool stops_at_operand; /* options behind the first operand belong to that (dusk run) */
    /* 0, a positive exit code (exit_code.h), or a negative value and `err`. */
    int (*run)(struct session *session, struct error *err);
};

/* In the order of the list that `dusk help` prints. */
extern const struct command *const commands[];
extern const size_t command_count;

/* NULL if there is none of that name. */
const struct command *commands_find(const char *name);

extern const struct command command_submit, command_run, command_q, command_history, command_status,
    command_watch, command_wait, command_tail, command_fetch, command_why, command_rm, command_hold,
    command_release, command_drain, command_stats, command_node, command_owner, command_token,
    command_login, command_image, command_config, command_classad, command_version, command_help;
