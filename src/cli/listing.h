/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands that show a list from the server share one set of options and one way to print:
 * a table, chosen columns, HTCondor's -af, everything of each (--long), or the JSON as it came.
 */
#pragma once

#include "column.h"
#include "connection.h"

/* What the options asked for. */
struct listing {
    bool json;
    bool complete;          /* --long */
    const char *columns;    /* --columns, or -af's; NULL: the usual ones */
    bool bare;              /* -af: values alone */
    const char *autoformat; /* -af's letters: "jh"; "" if none */
};

/* For the tables of the commands' options. */
#define OPTIONS_OF_LISTING                                                                         \
    {"json", KEY_JSON, OPTION_FLAG, NULL, "a JSON array as the server sends it"},                  \
        {"columns", KEY_COLUMNS, OPTION_VALUE, "NAME,...", "a table of these columns"},            \
        {"af", KEY_AUTOFORMAT, OPTION_WORDS, "NAME...",                                            \
         "their bare values; -af:h headings, :j ids, :t tabs, :, commas"},                         \
        {"autoformat", KEY_AUTOFORMAT, OPTION_WORDS, "NAME...", NULL},                             \
    {                                                                                              \
        "long", 'l', OPTION_FLAG, NULL, "all there is, a line each"                                \
    }

/* Takes note of one of these options; false if the key is none of them. */
bool listing_take_option(struct listing *listing, int key, const char *value);

/* A printer of objects: the rows of a list that comes from anywhere. */
struct listing_printer;

/* FAILURE_USAGE if the columns that were asked for do not exist. Not for --json. */
int listing_printer_new(const struct listing *listing, const struct column_set *set,
                        struct listing_printer **ret_printer, struct error *err);
struct listing_printer *listing_printer_free(struct listing_printer *printer);
DEFINE_CLEANUP(struct listing_printer *, listing_printer_free);
/* `printer` is void for json_array.h's sake. -EPIPE if nobody reads what is printed. */
int listing_print(void *printer, const json_t *object, struct error *err);
void listing_end(struct listing_printer *printer);

/* All in one: GET of `path`, printed as asked. Nothing of it stands in memory for long. */
int listing_show(const struct listing *listing, const struct column_set *set,
                 struct connection *connection, const char *path, struct error *err);

/* Prints what the server sends as it is: an object or an array, and a line feed. */
int listing_pass_through(struct connection *connection, const char *path, struct error *err);
