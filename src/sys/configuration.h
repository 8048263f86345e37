/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person may set of a program that stays: one table of keys serves the command line
 * (--cache-size 20G), the environment and a section of an INI file (cache_size = 20G) alike.
 *
 * From weak to strong: the key's default, the file, the environment, the command line. A value is
 * checked where it is said, also when a stronger one takes its place: a mistake in a file must not
 * wait for the day on which an option is left out.
 *
 * A family is a key whose members have names of their own: in the file `attribute.HasMatlab =
 * true`, on the command line --attribute HasMatlab=true; `set` gets "HasMatlab = true". Each member
 * is a setting as keys are. In the file a long one goes on in the next line, behind blanks.
 *
 * --set KEY=VALUE is the same as the key's own option, for scripts that have the file's names.
 *
 * Beside its keys each program has --help, --config FILE, and --show-config, which prints what
 * every key is and who said so (`dusk config server` and `dusk config agent` are that), with --json
 * too.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct configuration_key {
    const char *name;            /* cache_size; it is --cache-size on the command line */
    const char *argument;        /* for --help: "SIZE" */
    const char *summary;         /* for --help: what it is */
    const char *default_text;    /* what counts if nobody says anything; NULL: see the next two */
    char *(*find_default)(void); /* likewise, where it depends on the computer; the caller's text */
    const char *usual;           /* neither of these: what the program does, in a word: "all" */
    const char *variable;        /* of the environment; an empty one counts as unset; NULL: none */
    bool is_list;                /* all that is said counts, not only the strongest */
    bool is_family;              /* see above */
    bool is_secret;              /* never printed */
    /* Takes the text over into the program's own struct. Its errors name only what is wrong. */
    int (*set)(void *target, const char *text, struct error *err);
};

struct configuration {
    const char *program;      /* "agent": of `dusk agent`, and the section of the file */
    const char *introduction; /* of --help: what the program does; whole lines */
    const char *example;      /* of --help: one line */
    const char *file_name;    /* read, if it is there, from the folder that the key `state` names;
                                 --config names another one, which must be there */
    const struct configuration_key *keys;
    size_t key_count;
};

/* Returned when what was asked for is printed and the program shall not run. */
enum { CONFIGURATION_WAS_PRINTED = 1 };

/*
 * Calls `set` for all that is said, weak before strong. 0, CONFIGURATION_WAS_PRINTED, or a negative
 * errno value: errors name the option, variable or line, and for what does not exist the nearest
 * word that does. `target` may be half filled then.
 */
int configuration_read(const struct configuration *configuration, int argc, char **argv,
                       void *target, struct error *err);
