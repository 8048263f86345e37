/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options in the GNU style, by getopt_long(3), from one table a command. Users of HTCondor may
 * write its long words with one dash (-append, -batch-name, -af:jh): every long option is taken
 * that way too.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum option_kind {
    OPTION_FLAG,
    OPTION_VALUE,
    OPTION_WORDS /* takes all words up to the next with a dash, joined by blanks: -af Attr... */
};

struct option_word {
    const char *name;
    int key; /* its letter, which is then the short option, or KEY_* */
    enum option_kind kind;
    const char *argument; /* what --help calls the value: "NAME" */
    const char *summary;  /* NULL: another spelling, which --help leaves out */
};

/* Keys of options without a letter. A command may use more, from KEY_OWN on. */
enum option_key {
    KEY_SERVER = 256,
    KEY_SOCKET,
    KEY_JSON,
    KEY_COLUMNS,
    KEY_AUTOFORMAT,
    KEY_TIMEOUT,
    KEY_OWN = 300
};

/* The options that all commands have that ask a server, and those that all have. */
extern const struct option_word options_of_server[2];
extern const struct option_word options_of_all[1];

struct command;
struct options;

/* `argv` are the words behind the command's name; they must stay as long as the options. */
struct options *options_new(const struct command *command, int argc, char *const *argv);
struct options *options_free(struct options *options);
DEFINE_CLEANUP(struct options *, options_free);

/*
 * The next option's key with its value (NULL for a flag), 0 behind the last, FAILURE_USAGE with a
 * sentence that names the nearest option. The value stays the options'.
 */
int options_next(struct options *options, const char **ret_value, struct error *err);

/* What is no option, once options_next() has returned 0; stays the options'. */
char *const *options_operands(const struct options *options, size_t *ret_count);

/* A message about a wrong command line: returns FAILURE_USAGE, the hint names `--help`. */
int options_refuse(const struct command *command, struct error *err, const char *format, ...)
    _printf_(3, 4);
