/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQL with its parameters and columns in order: every bind_*() gives the next '?', every column_*()
 * takes the next column of the row. A statement without a handle swallows everything: it stands
 * for a write in a batch that is spoilt already.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

struct statement {
    sqlite3_stmt *handle;
    int parameter; /* how many were given */
    int column;    /* how many were taken */
};

int statement_prepare(struct statement *statement, sqlite3 *database, const char *sql,
                      struct error *err);
void statement_finalize(struct statement *statement);
/* Ends its read and makes it ready for the next time; parameters start from the first again. */
void statement_reset(struct statement *statement);

/* Returns 0 with a row, 1 behind the last one, or an error. */
int statement_step(struct statement *statement, struct error *err);

/* A size_t or uint64_t keeps its 64 bits, although SQLite calls them signed. */
void bind_number(struct statement *statement, uint64_t value);
void bind_signed(struct statement *statement, int64_t value);
void bind_real(struct statement *statement, double value);
/* 0 becomes NULL. */
void bind_time(struct statement *statement, double value);
/* STORE_NONE and negative numbers become NULL. */
void bind_optional(struct statement *statement, int64_t value);
/* NULL stays NULL. The memory must stay until the statement is reset. */
void bind_text(struct statement *statement, const char *text);
void bind_blob(struct statement *statement, struct slice blob);

uint64_t column_number(struct statement *statement);
uint32_t column_u32(struct statement *statement);
int64_t column_signed(struct statement *statement);
bool column_flag(struct statement *statement);
/* 0 where there is NULL. */
double column_real(struct statement *statement);
/* `missing` where there is NULL. */
int64_t column_optional(struct statement *statement, int64_t missing);
/* NULL where there is NULL; valid until the next step or reset. */
const char *column_text(struct statement *statement);
struct slice column_blob(struct statement *statement);

/* Says what the database's last call ran into and returns it as a negative errno value. */
int statement_error(sqlite3 *database, struct error *err);
