/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See store.h: opening, batches, and single values. Durability is SQLite's: with a write-ahead log
 * and synchronous=FULL a commit is flushed before it returns, and a log with half a batch at its
 * end is cut back at the next start (https://sqlite.org/wal.html).
 */
#define _GNU_SOURCE
#include "internal.h"

#include "base/memory.h"
#include "schema.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Another connection of ours holds a lock for as long as it recovers or cleans the log, no more. */
enum { BUSY_TIMEOUT_MS = 10000 };

/* SQLite starts the log anew after the commit that brings it to 1000 pages. */
enum { LOG_SIZE = 5 << 20 };

/* 16 MB for pages, and no more than 64 MB of log kept after a large batch. */
static const char connection_settings[] = "PRAGMA journal_mode = WAL;"
                                          "PRAGMA synchronous = FULL;"
                                          "PRAGMA foreign_keys = ON;"
                                          "PRAGMA cache_size = -16384;"
                                          "PRAGMA journal_size_limit = 67108864;"
                                          "PRAGMA temp_store = MEMORY;";

static int connection_open(struct store_connection *connection, const char *path, struct error *err)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;

    if (sqlite3_open_v2(path, &connection->database, flags, NULL) != SQLITE_OK)
        return statement_error(connection->database, err);
    sqlite3_extended_result_codes(connection->database, 0);
    sqlite3_busy_timeout(connection->database, BUSY_TIMEOUT_MS);
    if (sqlite3_exec(connection->database, connection_settings, NULL, NULL, NULL) != SQLITE_OK)
        return statement_error(connection->database, err);
    return 0;
}

static void connection_close(struct store_connection *connection)
{
    for (size_t i = 0; i < connection->statement_count; i++) {
        statement_finalize(connection->statements[i]);
        free(connection->statements[i]);
    }
    free(connection->statements);
    map_deinit(&connection->places);
    sqlite3_close(connection->database);
}

static int connection_find(struct store_connection *connection, const char *sql,
                           struct statement **ret_statement, struct error *err)
{
    struct statement prepared;
    uint64_t place;
    int r;

    if (!map_get(&connection->places, (uintptr_t)sql, &place)) {
        r = statement_prepare(&prepared, connection->database, sql, err);
        if (r < 0)
            return r;
        place = connection->statement_count++;
        array_reserve(connection->statements, connection->statement_capacity, place + 1);
        connection->statements[place] = memory_allocate(sizeof(prepared));
        *connection->statements[place] = prepared;
        map_put(&connection->places, (uintptr_t)sql, place);
    }
    *ret_statement = connection->statements[place];
    return 0;
}

/* SQLite would make the file as umask says; hashes of secrets are nobody else's business. */
static int store_make_file(const char *path, struct error *err)
{
    _cleanup_fd_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    return fd < 0 ? error_set(err, -errno, "%s", strerror(errno)) : 0;
}

/* In a file of its own: SQLite's locks on the database come and go with its transactions. */
static int store_lock(struct store *store, const char *path, struct error *err)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    _cleanup_buffer_ struct buffer name = BUFFER_INIT;

    buffer_appendf(&name, "%s-lock", path);
    store->lock = open(name.data, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (store->lock < 0)
        return error_set_errno(err, -errno, "cannot open '%s'", name.data);
    if (fcntl(store->lock, F_OFD_SETLK, &whole) == 0)
        return 0;
    if (errno != EAGAIN && errno != EACCES)
        return error_set_errno(err, -errno, "cannot lock '%s'", name.data);
    error_set(err, -EBUSY, "another server is using it");
    error_hint(err, "end that server first, or give this one a --state folder of its own");
    return -EBUSY;
}

/*
 * A log that grows costs a flush of the file's own size and place with each commit, which on some
 * disks takes ten times as long as the flush of its content. So it starts as large as it gets
 * before it is written from its start again; what stands behind its last commit is never read.
 */
static int store_grow_log(const char *path, struct error *err)
{
    static const char zeros[64 * 1024];
    _cleanup_buffer_ struct buffer name = BUFFER_INIT;
    _cleanup_fd_ int fd = -1;
    off_t size;
    int r = 0;

    buffer_appendf(&name, "%s-wal", path);
    fd = open(name.data, O_WRONLY | O_CLOEXEC);
    size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
    if (size < 0)
        return error_set_errno(err, -errno, "cannot open '%s'", name.data);
    for (; size < LOG_SIZE && r == 0; size += (off_t)sizeof(zeros))
        r = file_write_all(fd, zeros, sizeof(zeros));
    if (r == 0 && fdatasync(fd) < 0)
        r = -errno;
    return r < 0 ? error_set_errno(err, r, "cannot write '%s'", name.data) : 0;
}

static int store_open_all(struct store *store, const char *path, struct error *err)
{
    int r = store_lock(store, path, err);

    if (r == 0)
        r = store_make_file(path, err);
    if (r == 0)
        r = connection_open(&store->writer, path, err);
    if (r == 0)
        r = schema_prepare(store->writer.database, err);
    if (r == 0)
        r = connection_open(&store->reader, path, err);
    if (r == 0)
        r = store_grow_log(path, err);
    return r;
}

int store_open(const char *path, struct store **ret_store, struct error *err)
{
    struct store *store = memory_allocate(sizeof(*store));
    int r;

    store->lock = -1;
    r = store_open_all(store, path, err);
    if (r < 0) {
        store_close(store);
        return error_prefix(err, r, "cannot open the pool's database '%s'", path);
    }
    *ret_store = store;
    return 0;
}

struct store *store_close(struct store *store)
{
    if (!store)
        return NULL;
    connection_close(&store->reader);
    connection_close(&store->writer);
    error_clear(&store->error);
    descriptor_close(store->lock);
    free(store);
    return NULL;
}

void store_begin(struct store *store)
{
    assert(!store->in_batch);
    store->in_batch = true;
    store->touched = false;
    store->failure = 0;
    error_clear(&store->error);
}

/* Notes what spoils the batch, unless something has before. */
static void store_note_failure(struct store *store, int r)
{
    if (store->failure == 0 && r < 0)
        store->failure = error_prefix(&store->error, r, "cannot save to the pool's database");
}

static void store_execute(struct store *store, const char *sql)
{
    if (store->failure == 0 &&
        sqlite3_exec(store->writer.database, sql, NULL, NULL, NULL) != SQLITE_OK)
        store_note_failure(store, statement_error(store->writer.database, &store->error));
}

int store_commit(struct store *store, struct error *err)
{
    assert(store->in_batch);
    store->in_batch = false;
    if (!store->touched)
        return 0;
    store_execute(store, "COMMIT");
    if (store->failure < 0) {
        /* Some failures have rolled back already, and then there is nothing to do here. */
        (void)sqlite3_exec(store->writer.database, "ROLLBACK", NULL, NULL, NULL);
        return error_set(err, store->failure, "%s", error_text(&store->error));
    }
    store->commits++;
    return 0;
}

uint64_t store_count_commits(const struct store *store)
{
    return store->commits;
}

struct statement *store_write_begin(struct store *store, const char *sql)
{
    struct statement *statement = &store->spoilt;

    assert(store->in_batch);
    if (!store->touched) {
        store->touched = true;
        store_execute(store, "BEGIN IMMEDIATE");
    }
    if (store->failure == 0)
        store_note_failure(store, connection_find(&store->writer, sql, &statement, &store->error));
    return statement;
}

void store_write_end(struct store *store, struct statement *statement)
{
    int r;

    if (!statement->handle)
        return;
    r = statement_step(statement, &store->error);
    statement_reset(statement);
    store_note_failure(store, r);
}

void store_write_end_one(struct store *store, struct statement *statement)
{
    store_write_end(store, statement);
    if (store->failure == 0 && sqlite3_changes(store->writer.database) != 1)
        store_note_failure(store, error_set(&store->error, -ENOENT, "there is no row for: %s",
                                            sqlite3_sql(statement->handle)));
}

int store_read_begin(struct store *store, const char *sql, struct statement **ret_statement,
                     struct error *err)
{
    int r = connection_find(&store->reader, sql, ret_statement, err);

    if (r < 0)
        return error_prefix(err, r, "cannot read the pool's database");
    assert(!sqlite3_stmt_busy((*ret_statement)->handle));
    return 0;
}

int store_read_next(struct statement *statement, struct error *err)
{
    int r = statement_step(statement, err);

    return r < 0 ? error_prefix(err, r, "cannot read the pool's database") : r;
}

static struct statement *store_save_value(struct store *store, const char *key)
{
    struct statement *save = store_write_begin(store, "INSERT OR REPLACE INTO meta VALUES (?, ?)");

    bind_text(save, key);
    return save;
}

void store_save_text(struct store *store, const char *key, const char *value)
{
    struct statement *save = store_save_value(store, key);

    bind_text(save, value);
    store_write_end(store, save);
}

void store_save_number(struct store *store, const char *key, uint64_t value)
{
    struct statement *save = store_save_value(store, key);

    bind_number(save, value);
    store_write_end(store, save);
}

/* The caller resets the statement. */
static int store_load_value(struct store *store, const char *key, struct statement **ret_statement,
                            struct error *err)
{
    int r = store_read_begin(store, "SELECT value FROM meta WHERE key = ?", ret_statement, err);

    if (r < 0)
        return r;
    bind_text(*ret_statement, key);
    return store_read_next(*ret_statement, err);
}

int store_load_text(struct store *store, const char *key, char **ret_value, struct error *err)
{
    _cleanup_read_ struct statement *load = NULL;
    int r = store_load_value(store, key, &load, err);

    if (r == 0)
        *ret_value = memory_copy_string(column_text(load));
    return r;
}

int store_load_number(struct store *store, const char *key, uint64_t *ret_value, struct error *err)
{
    _cleanup_read_ struct statement *load = NULL;
    int r = store_load_value(store, key, &load, err);

    if (r == 0)
        *ret_value = column_number(load);
    return r;
}
