/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be shown of a task, a job, a node: columns by name, with HTCondor's attribute names as
 * further spellings, and how a value of the server's JSON is written in one.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum column_kind {
    COLUMN_TEXT,
    COLUMN_NUMBER,
    COLUMN_SIZE,     /* bytes */
    COLUMN_DURATION, /* seconds */
    COLUMN_TIME,     /* seconds since 1970 */
    COLUMN_MODE,     /* permissions, in octal */
    COLUMN_LIST,     /* an array of texts, with blanks between */
    COLUMN_RUN_TIME  /* computed: from started_at to ended_at, or to now */
};

struct column {
    const char *name;    /* the member of the object; with a dot, of an object within */
    const char *alias;   /* HTCondor's names, with a blank between; NULL: none */
    const char *heading; /* of tables */
    enum column_kind kind;
    bool flexible; /* may be cut when the terminal is narrow */
};

struct column_set {
    const char *what; /* "task" */
    const struct column *columns;
    size_t count;
    const char *usual; /* the names that are shown unless others are asked for */
    bool selectable;   /* the server leaves out what is not asked for */
};

extern const struct column_set columns_of_tasks, columns_of_held_tasks, columns_of_finished_tasks,
    columns_of_jobs, columns_of_nodes, columns_of_tokens, columns_of_outputs, columns_of_images;

/*
 * Finds the columns of a list "id,state node": commas or blanks between, case ignored. The array,
 * of *ret_count, becomes the caller's. FAILURE_USAGE names the nearest column and all there are.
 */
int columns_choose(const struct column_set *set, const char *names,
                   const struct column ***ret_chosen, size_t *ret_count, struct error *err);

/*
 * As a person likes it: units, local time, "-" where there is nothing yet. Times are short unless
 * `complete` asks for date and time of day.
 */
void column_append(struct buffer *buffer, const struct column *column, const json_t *object,
                   bool complete);
/* As a script likes it: the bare number or text, "undefined" where there is nothing yet. */
void column_append_raw(struct buffer *buffer, const struct column *column, const json_t *object);

/* The members of the object that it is made from, with commas between. */
const char *column_members(const struct column *column);

/* Whether its cells belong to the right. */
bool column_is_right(const struct column *column);
