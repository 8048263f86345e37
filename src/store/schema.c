/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See schema.h. The version of a database is the number of migrations that it has seen, kept in
 * SQLite's user_version; its application_id tells a pool's database from any other. A migration is
 * never changed once it was released: what comes later is appended.
 */
#include "schema.h"

#include "statement.h"

#include <errno.h>

/* "dusk" in ASCII. */
enum { APPLICATION_ID = 0x6475736b };

/*
 * What is large and never changes (the texts of a job) has a table of its own, because SQLite
 * rewrites a whole row for each change. Tasks are sorted by their key, without a second tree for
 * row numbers; those that a brain is rebuilt from have a small index beside the long history.
 */
static const char version_1[] =
    "CREATE TABLE meta ("
    "    key TEXT PRIMARY KEY,"
    "    value NOT NULL"
    ") WITHOUT ROWID;"

    "CREATE TABLE job ("
    "    number INTEGER PRIMARY KEY,"
    "    tasks INTEGER NOT NULL,"
    "    user TEXT NOT NULL,"
    "    name TEXT,"
    "    folder TEXT NOT NULL,"
    "    deliver INTEGER NOT NULL,"
    "    uid INTEGER NOT NULL,"
    "    gid INTEGER NOT NULL,"
    "    submitted_at REAL NOT NULL,"
    "    ended_at REAL,"
    "    priority INTEGER NOT NULL,"
    "    held INTEGER NOT NULL,"
    "    removed INTEGER NOT NULL,"
    "    over INTEGER NOT NULL,"
    "    completed INTEGER NOT NULL,"
    "    removed_tasks INTEGER NOT NULL"
    ");"
    "CREATE INDEX job_open ON job (number) WHERE over = 0;"
    "CREATE INDEX job_of_user ON job (user);"

    "CREATE TABLE job_text ("
    "    job INTEGER PRIMARY KEY REFERENCES job,"
    "    submit BLOB NOT NULL,"
    "    files BLOB NOT NULL"
    ");"

    "CREATE TABLE part ("
    "    job INTEGER NOT NULL REFERENCES job,"
    "    part INTEGER NOT NULL,"
    "    first INTEGER NOT NULL,"
    "    count INTEGER NOT NULL,"
    "    next INTEGER NOT NULL,"
    "    cpus INTEGER NOT NULL,"
    "    memory INTEGER NOT NULL,"
    "    disk INTEGER NOT NULL,"
    "    PRIMARY KEY (job, part)"
    ") WITHOUT ROWID;"

    "CREATE TABLE node ("
    "    node INTEGER PRIMARY KEY,"
    "    name TEXT NOT NULL,"
    "    serial TEXT,"
    "    machine INTEGER NOT NULL,"
    "    enrolled_at REAL NOT NULL,"
    "    forgotten INTEGER NOT NULL,"
    "    highest_epoch INTEGER NOT NULL,"
    "    last_seen_at REAL,"
    "    facts TEXT"
    ");"
    "CREATE UNIQUE INDEX node_name ON node (name) WHERE forgotten = 0;"

    "CREATE TABLE task ("
    "    job INTEGER NOT NULL REFERENCES job,"
    "    task INTEGER NOT NULL,"
    "    state TEXT NOT NULL,"
    "    over INTEGER NOT NULL,"
    "    attempts INTEGER NOT NULL,"
    "    node INTEGER,"
    "    last_node INTEGER,"
    "    epoch INTEGER NOT NULL,"
    "    reason TEXT,"
    "    started_at REAL,"
    "    ended_at REAL,"
    "    exit_code INTEGER,"
    "    exit_signal INTEGER,"
    "    cpu_seconds REAL,"
    "    wall_seconds REAL,"
    "    memory_peak INTEGER,"
    "    detail TEXT,"
    "    PRIMARY KEY (job, task)"
    ") WITHOUT ROWID;"
    "CREATE INDEX task_live ON task (job, task) WHERE over = 0 OR epoch <> 0;"

    "CREATE TABLE token ("
    "    id TEXT PRIMARY KEY,"
    "    secret_hash TEXT NOT NULL UNIQUE,"
    "    kind TEXT NOT NULL,"
    "    user TEXT,"
    "    created_at REAL NOT NULL,"
    "    expires_at REAL NOT NULL,"
    "    revoked INTEGER NOT NULL,"
    "    uses INTEGER NOT NULL"
    ");"

    "CREATE TABLE content ("
    "    sha256 TEXT NOT NULL,"
    "    job INTEGER NOT NULL REFERENCES job,"
    "    size INTEGER NOT NULL,"
    "    PRIMARY KEY (sha256, job)"
    ") WITHOUT ROWID;"

    "CREATE TABLE output ("
    "    job INTEGER NOT NULL REFERENCES job,"
    "    task INTEGER NOT NULL,"
    "    number INTEGER NOT NULL,"
    "    name TEXT NOT NULL,"
    "    size INTEGER NOT NULL,"
    "    mode INTEGER NOT NULL,"
    "    kind TEXT NOT NULL,"
    "    path TEXT,"
    "    PRIMARY KEY (job, task, number)"
    ") WITHOUT ROWID;";

/* The history finds them among a million others: they have tasks without a row. */
static const char version_2[] = "CREATE INDEX job_removed ON job (number) WHERE removed = 1;";

static const char version_3[] = "ALTER TABLE job ADD COLUMN reason TEXT;";

static const char version_4[] = "ALTER TABLE node ADD COLUMN attributes TEXT;";

/* Beside the node's row, because it changes each hour and that one seldom. */
static const char version_5[] = "CREATE TABLE node_history ("
                                "    node INTEGER PRIMARY KEY REFERENCES node,"
                                "    history BLOB NOT NULL"
                                ");";

/* The parts that are there were submitted when GPUs were looked for and not claimed. */
static const char version_6[] = "ALTER TABLE part ADD COLUMN gpus INTEGER NOT NULL DEFAULT 0;";

static const char version_7[] = "ALTER TABLE node ADD COLUMN drained INTEGER NOT NULL DEFAULT 0;";

/* What each node gave on each day, a row each, and what all gave together, under no node's number.
 */
static const char version_8[] = "CREATE TABLE usage ("
                                "    day INTEGER NOT NULL,"
                                "    node INTEGER NOT NULL,"
                                "    lent REAL NOT NULL,"
                                "    computed REAL NOT NULL,"
                                "    suspended REAL NOT NULL,"
                                "    wasted REAL NOT NULL,"
                                "    flop REAL NOT NULL,"
                                "    PRIMARY KEY (day, node)"
                                ") WITHOUT ROWID;";

/* Of a node that sleeps nobody else knows what it has when the server starts anew. */
static const char version_9[] = "ALTER TABLE node ADD COLUMN asleep INTEGER NOT NULL DEFAULT 0;"
                                "ALTER TABLE node ADD COLUMN wakes INTEGER NOT NULL DEFAULT 0;"
                                "ALTER TABLE node ADD COLUMN cpus INTEGER NOT NULL DEFAULT 0;"
                                "ALTER TABLE node ADD COLUMN memory INTEGER NOT NULL DEFAULT 0;"
                                "ALTER TABLE node ADD COLUMN disk INTEGER NOT NULL DEFAULT 0;"
                                "ALTER TABLE node ADD COLUMN gpus INTEGER NOT NULL DEFAULT 0;";

/*
 * The last checkpoint of a task, and what is in it, until the task is over. The number stands in
 * the task's row, too, because a brain is rebuilt from that.
 */
static const char version_10[] =
    "ALTER TABLE task ADD COLUMN checkpoint INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE checkpoint ("
    "    job INTEGER NOT NULL REFERENCES job,"
    "    task INTEGER NOT NULL,"
    "    number INTEGER NOT NULL,"
    "    epoch INTEGER NOT NULL,"
    "    kind TEXT NOT NULL,"
    "    PRIMARY KEY (job, task)"
    ") WITHOUT ROWID;"
    "CREATE TABLE checkpoint_file ("
    "    job INTEGER NOT NULL REFERENCES job,"
    "    task INTEGER NOT NULL,"
    "    place INTEGER NOT NULL,"
    "    kind TEXT NOT NULL,"
    "    name TEXT NOT NULL,"
    "    size INTEGER NOT NULL,"
    "    mode INTEGER NOT NULL,"
    "    sha256 TEXT NOT NULL,"
    "    PRIMARY KEY (job, task, place)"
    ") WITHOUT ROWID;"
    "CREATE INDEX checkpoint_content ON checkpoint_file (sha256);";

/* A content is looked for among those of all images, too, before it goes. */
static const char version_11[] = "CREATE TABLE image ("
                                 "    sha256 TEXT PRIMARY KEY,"
                                 "    kind TEXT NOT NULL,"
                                 "    size INTEGER NOT NULL,"
                                 "    user TEXT NOT NULL,"
                                 "    added_at REAL NOT NULL,"
                                 "    kept_until REAL NOT NULL,"
                                 "    complete INTEGER NOT NULL"
                                 ") WITHOUT ROWID;"
                                 "CREATE TABLE image_content ("
                                 "    image TEXT NOT NULL REFERENCES image,"
                                 "    content TEXT NOT NULL,"
                                 "    PRIMARY KEY (image, content)"
                                 ") WITHOUT ROWID;"
                                 "CREATE INDEX image_of_content ON image_content (content);"
                                 "CREATE TABLE image_job ("
                                 "    image TEXT NOT NULL,"
                                 "    job INTEGER NOT NULL REFERENCES job,"
                                 "    PRIMARY KEY (image, job)"
                                 ") WITHOUT ROWID;"
                                 "CREATE TABLE image_name ("
                                 "    name TEXT PRIMARY KEY,"
                                 "    image TEXT NOT NULL REFERENCES image,"
                                 "    user TEXT NOT NULL,"
                                 "    named_at REAL NOT NULL"
                                 ") WITHOUT ROWID;"
                                 "CREATE INDEX image_name_of_image ON image_name (image);";

static const char *const migrations[] = {version_1, version_2,  version_3, version_4,
                                         version_5, version_6,  version_7, version_8,
                                         version_9, version_10, version_11};

static int schema_read_number(sqlite3 *database, const char *sql, int64_t *ret_number,
                              struct error *err)
{
    _cleanup_(statement_finalize) struct statement statement = {0};
    int r = statement_prepare(&statement, database, sql, err);

    if (r == 0)
        r = statement_step(&statement, err);
    if (r < 0)
        return r;
    *ret_number = r == 0 ? column_signed(&statement) : 0;
    return 0;
}

/* An empty database is welcome; one that somebody else filled is not. */
static int schema_check_owner(sqlite3 *database, struct error *err)
{
    int64_t id, tables;
    int r;

    r = schema_read_number(database, "PRAGMA application_id", &id, err);
    if (r == 0)
        r = schema_read_number(database, "SELECT count(*) FROM sqlite_schema", &tables, err);
    if (r < 0)
        return r;
    if (id != APPLICATION_ID && (id != 0 || tables != 0))
        return error_set(err, -EBADMSG, "it is a database, but not of a pool");
    return 0;
}

/* PRAGMA takes no parameters, so that the numbers become part of the text. */
static int schema_migrate(sqlite3 *database, size_t version, struct error *err)
{
    _cleanup_buffer_ struct buffer sql = BUFFER_INIT;

    buffer_appendf(&sql,
                   "BEGIN IMMEDIATE; %s PRAGMA application_id = %d; PRAGMA user_version = %zu;",
                   migrations[version], (int)APPLICATION_ID, version + 1);
    buffer_append_text(&sql, "COMMIT;");
    if (sqlite3_exec(database, sql.data, NULL, NULL, NULL) != SQLITE_OK)
        return statement_error(database, err);
    return 0;
}

int schema_prepare(sqlite3 *database, struct error *err)
{
    int64_t version;
    int r;

    r = schema_check_owner(database, err);
    if (r == 0)
        r = schema_read_number(database, "PRAGMA user_version", &version, err);
    if (r < 0)
        return r;
    if (version < 0 || (size_t)version > ARRAY_LENGTH(migrations)) {
        error_set(err, -EPROTO, "it has version %lld, and this dusk knows up to %zu",
                  (long long)version, ARRAY_LENGTH(migrations));
        error_hint(err, "install the newer dusk that wrote it, or choose another --state folder");
        return -EPROTO;
    }
    for (; (size_t)version < ARRAY_LENGTH(migrations); version++) {
        r = schema_migrate(database, (size_t)version, err);
        if (r < 0)
            return r;
    }
    return 0;
}
