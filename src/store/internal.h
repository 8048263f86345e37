/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the store share.
 *
 * Two connections to one database: what is being written is not yet seen by what is read. Each
 * statement is prepared once, when it is first wanted, and found again by the address of its text.
 */
#pragma once

#include "statement.h"
#include "store.h"

#include "base/map.h"

struct store_connection {
    sqlite3 *database;
    struct map places;             /* address of the SQL text -> place in `statements` */
    struct statement **statements; /* owned, each on its own: a walk may be in one of them */
    size_t statement_count;
    size_t statement_capacity;
};

struct store {
    struct store_connection writer;
    struct store_connection reader;
    int lock; /* held as long as the store is open */
    bool in_batch;
    bool touched; /* the batch has something in it: a transaction is open */
    int failure;  /* what spoilt the batch, or 0 */
    struct error error;
    struct statement spoilt; /* has no handle: what is written to a spoilt batch */
    uint64_t commits;
};

/*
 * A statement of the open batch, with nothing bound; `sql` must be a constant. It has no handle if
 * the batch is spoilt.
 */
struct statement *store_write_begin(struct store *store, const char *sql);
/* Runs it; a failure spoils the batch. Accepts one without a handle. */
void store_write_end(struct store *store, struct statement *statement);
/* The same for a statement that must change exactly one row. */
void store_write_end_one(struct store *store, struct statement *statement);

/*
 * A statement that reads committed rows; `sql` must be a constant, and not be in use by a walk
 * further up. The caller resets it, best by _cleanup_read_.
 */
int store_read_begin(struct store *store, const char *sql, struct statement **ret_statement,
                     struct error *err);
/* Returns 0 with a row, 1 behind the last one, or an error. */
int store_read_next(struct statement *statement, struct error *err);

static inline void statement_reset_p(struct statement **statement)
{
    if (*statement)
        statement_reset(*statement);
}

#define _cleanup_read_ _cleanup_(statement_reset_p)
