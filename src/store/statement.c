/* SPDX-License-Identifier: Apache-2.0 */
/* See statement.h. */
#include "statement.h"

#include "store.h"

#include <assert.h>
#include <errno.h>

int statement_prepare(struct statement *statement, sqlite3 *database, const char *sql,
                      struct error *err)
{
    *statement = (struct statement){0};
    if (sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement->handle,
                           NULL) != SQLITE_OK)
        return statement_error(database, err);
    return 0;
}

void statement_finalize(struct statement *statement)
{
    sqlite3_finalize(statement->handle);
    *statement = (struct statement){0};
}

void statement_reset(struct statement *statement)
{
    sqlite3_reset(statement->handle);
    statement->parameter = 0;
    statement->column = 0;
}

int statement_step(struct statement *statement, struct error *err)
{
    int result = sqlite3_step(statement->handle);

    statement->column = 0;
    if (result == SQLITE_ROW)
        return 0;
    if (result == SQLITE_DONE)
        return 1;
    return statement_error(sqlite3_db_handle(statement->handle), err);
}

/* A parameter that is not there is a mistake in the SQL; no memory is the end. */
static void bind_check(const struct statement *statement, int result)
{
    assert(!statement->handle || result == SQLITE_OK);
}

void bind_signed(struct statement *statement, int64_t value)
{
    bind_check(statement, sqlite3_bind_int64(statement->handle, ++statement->parameter, value));
}

void bind_number(struct statement *statement, uint64_t value)
{
    bind_signed(statement, (int64_t)value);
}

void bind_real(struct statement *statement, double value)
{
    bind_check(statement, sqlite3_bind_double(statement->handle, ++statement->parameter, value));
}

static void bind_null(struct statement *statement)
{
    bind_check(statement, sqlite3_bind_null(statement->handle, ++statement->parameter));
}

void bind_time(struct statement *statement, double value)
{
    if (value > 0)
        bind_real(statement, value);
    else
        bind_null(statement);
}

void bind_optional(struct statement *statement, int64_t value)
{
    if (value < 0 || value == (int64_t)STORE_NONE)
        bind_null(statement);
    else
        bind_signed(statement, value);
}

void bind_text(struct statement *statement, const char *text)
{
    bind_check(statement, sqlite3_bind_text(statement->handle, ++statement->parameter, text, -1,
                                            SQLITE_STATIC));
}

/* A pointer to nothing is an empty blob and not NULL. */
void bind_blob(struct statement *statement, struct slice blob)
{
    bind_check(statement,
               sqlite3_bind_blob64(statement->handle, ++statement->parameter,
                                   blob.length > 0 ? blob.data : "", blob.length, SQLITE_STATIC));
}

int64_t column_signed(struct statement *statement)
{
    return sqlite3_column_int64(statement->handle, statement->column++);
}

uint64_t column_number(struct statement *statement)
{
    return (uint64_t)column_signed(statement);
}

uint32_t column_u32(struct statement *statement)
{
    return (uint32_t)column_signed(statement);
}

bool column_flag(struct statement *statement)
{
    return column_signed(statement) != 0;
}

double column_real(struct statement *statement)
{
    return sqlite3_column_double(statement->handle, statement->column++);
}

int64_t column_optional(struct statement *statement, int64_t missing)
{
    if (sqlite3_column_type(statement->handle, statement->column) == SQLITE_NULL) {
        statement->column++;
        return missing;
    }
    return column_signed(statement);
}

const char *column_text(struct statement *statement)
{
    return (const char *)sqlite3_column_text(statement->handle, statement->column++);
}

/* SQLite wants the pointer asked for before the length. */
struct slice column_blob(struct statement *statement)
{
    const char *data = sqlite3_column_blob(statement->handle, statement->column);
    int length = sqlite3_column_bytes(statement->handle, statement->column++);

    return (struct slice){.data = data, .length = (size_t)length};
}

/*
 * A file that may not grow, by quota or by a limit of the process, is a full disk to everybody.
 * SQLite notes only some errors; the failed call's own errno is still there for the others.
 */
static int errno_of_failed_write(void)
{
    return errno == EFBIG || errno == EDQUOT || errno == ENOSPC ? -ENOSPC : -EIO;
}

static int errno_of_result(sqlite3 *database)
{
    switch (sqlite3_errcode(database)) {
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_IOERR:
        return sqlite3_extended_errcode(database) == SQLITE_IOERR_WRITE ? errno_of_failed_write()
                                                                        : -EIO;
    case SQLITE_READONLY:
        return -EROFS;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return -EACCES;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return -EBADMSG;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_TOOBIG:
        return -EFBIG;
    default:
        return -EINVAL;
    }
}

int statement_error(sqlite3 *database, struct error *err)
{
    int r = errno_of_result(database);

    error_set(err, r, "%s", r == -ENOSPC ? "the disk is full" : sqlite3_errmsg(database));
    if (r == -EBADMSG)
        error_hint(err, "move it away and bring back a copy of the whole state folder");
    return r;
}
