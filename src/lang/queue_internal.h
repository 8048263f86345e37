/* SPDX-License-Identifier: Apache-2.0 */
/* A queue statement while it is read: what queue.c and queue_items.c have in common. */
#pragma once

#include "submit_internal.h"

enum list_kind { LIST_NONE, LIST_IN, LIST_FROM, LIST_MATCHING };

/* What HTCondor's users may set about patterns and fields; see queue_items.c. */
struct item_rules {
    bool warns_of_empty;     /* a pattern that matches nothing */
    bool fails_for_empty;    /* likewise */
    bool allows_duplicates;  /* a name that two patterns match is two items */
    bool warns_of_duplicate; /* and if it is not, */
    bool warns_of_no_field;  /* a line with fewer fields than variables; the first one in a list */
    bool fails_for_no_field; /* likewise */
};

/* Which of the items count: [start:end:step]. */
struct item_choice {
    bool given;
    bool has_start;
    bool has_end;
    int64_t start;
    int64_t end;
    int64_t step; /* not 0 */
};

struct queue {
    struct submit_reader *reader;
    const char *place;
    struct slice head; /* count and variables */
    enum list_kind kind;
    struct slice list; /* what stands behind the word */
    enum submit_match match;
    struct item_rules rules;
    struct item_choice choice;
    bool is_table;
    char separator; /* of a table's fields, ' ' for white space; 0: there is no table */
    uint64_t count;
    uint32_t variables[VARIABLE_COUNT_MAX];
    size_t variable_count;
    struct item_field *fields; /* owned */
    size_t field_count;
    size_t field_capacity;
    size_t row_count;
    bool has_templates;
    struct string_map matched; /* names that some pattern gave already */
};

/* Refuses the task's own numbers, and names that are there already. */
int queue_add_variable(struct queue *queue, struct slice name);

/* Reads what stands behind `word` ("in", "from", "matching"), and the files and lines it names. */
int queue_read_items(struct queue *queue, const char *word);
