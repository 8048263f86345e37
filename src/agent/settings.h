/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person may set of an agent: one table of keys, each with a default, for the command line
 * (--cache-size) and for the section [agent] of an INI file (cache_size = 20G) alike. The command
 * line wins over the environment (DUSK_TOKEN), and that over the file.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct settings {
    char *state; /* owned, as all texts here; absolute */
    char *host;  /* of the server */
    uint16_t port;
    char *name;
    char *token;     /* NULL: none was given */
    uint32_t cpus;   /* 0: what is found, as for the next two */
    uint64_t memory; /* bytes */
    uint64_t disk;
    uint64_t cache_size; /* of inputs that are kept for the next task, bytes */
    uint64_t grace_ms;
    uint64_t suspend_for_ms;
    uint64_t
        keep_lapsed_ms; /* counted from the end of a lease; by the keeper if it hears no agent */
    bool verbose;
    bool wants_help; /* nothing else counts then */
};

#define SETTINGS_INIT ((struct settings){0})

void settings_deinit(struct settings *settings);
#define _cleanup_settings_ _cleanup_(settings_deinit)

/*
 * Reads command line, environment and file, and fills in the defaults. Errors name the option or
 * the line, what was expected, and the nearest word that exists.
 */
int settings_read(int argc, char **argv, struct settings *settings, struct error *err);

/* Prints what --help shows: usage, an example, and every key with its default. */
void settings_print_help(void);
