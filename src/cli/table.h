/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of any length on a terminal of any width.
 *
 * The first rows are kept until there are enough to know how wide the columns must be, or the
 * table ends; what comes later is written at once, so that a million rows never stand in memory.
 * On a terminal no line is longer than it is wide: columns that may shrink are cut first, the
 * widest of them most. Without a right margin nothing is cut.
 */
#pragma once

#include "base/buffer.h"
#include "sys/terminal.h"

#include <stddef.h>

struct table_column {
    const char *heading;
    bool right;    /* numbers, so that their digits stand beneath each other */
    bool flexible; /* cut this first: a path, a reason, arguments */
};

struct table;

/* `write` gets whole lines. The columns are copied, their headings are not. */
struct table *table_new(const struct table_column *columns, size_t count, struct terminal terminal,
                        void (*write)(void *userdata, const char *text, size_t length),
                        void *userdata);
struct table *table_free(struct table *table);
DEFINE_CLEANUP(struct table *, table_free);

/* One row: as many texts as there are columns, copied. */
void table_add(struct table *table, const char *const *cells);
/* Writes what is still kept; a table without rows is its headings. */
void table_end(struct table *table);

/* For `write`: to the FILE that `userdata` is. */
void table_write_to_stream(void *userdata, const char *text, size_t length);
