/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See store.h: the cursor over tasks. It reads a chunk of rows into its own memory, lets go of the
 * database, and hands the rows out one by one; the next chunk starts behind the key of the last
 * row. So a reader that takes an hour holds nothing but one chunk.
 */
#include "internal.h"

#include "base/arena.h"
#include "base/memory.h"

#include <assert.h>

enum { CHUNK_ROWS = 256 };

struct store_task_query {
    struct store *store;
    struct store_task_filter filter;
    char *user; /* owned; what filter.user points to */
    struct statement statement;
    uint64_t left; /* rows that may still be handed out */
    uint32_t last_job;
    int64_t last_task;
    bool at_end; /* the last chunk was not full */
    struct store_task rows[CHUNK_ROWS];
    size_t row_count;
    size_t next_row;
    struct arena texts; /* of the rows */
};

struct store_task_query *store_task_query_new(struct store *store,
                                              const struct store_task_filter *filter)
{
    struct store_task_query *query = memory_allocate(sizeof(*query));

    query->store = store;
    query->filter = *filter;
    query->user = filter->user ? memory_copy_string(filter->user) : NULL;
    query->filter.user = query->user;
    query->left = filter->limit > 0 ? filter->limit : UINT64_MAX;
    query->last_job = filter->newest_first ? STORE_NONE : 0;
    query->last_task = filter->newest_first ? (int64_t)STORE_NONE : -1;
    return query;
}

struct store_task_query *store_task_query_free(struct store_task_query *query)
{
    if (!query)
        return NULL;
    statement_finalize(&query->statement);
    arena_deinit(&query->texts);
    free(query->user);
    free(query);
    return NULL;
}

#define TASK_COLUMNS                                                                               \
    "task.job, task.task, task.state, task.over, task.attempts, task.node, task.epoch,"            \
    " task.reason, task.started_at, task.ended_at, task.exit_code, task.exit_signal,"              \
    " task.cpu_seconds, task.wall_seconds, task.memory_peak, task.detail, job.user, node.name,"    \
    " job.submitted_at, task.checkpoint"

/* A user's whole history is walked from his jobs; everything else from the tasks. */
static bool task_query_starts_at_jobs(const struct store_task_filter *filter)
{
    return filter->user && filter->job == 0 && !filter->only_open;
}

/* Whoever is in front of a CROSS JOIN is walked first. */
static const char *task_query_tables(const struct store_task_filter *filter)
{
    if (task_query_starts_at_jobs(filter))
        return "job INDEXED BY job_of_user CROSS JOIN task ON task.job = job.number";
    if (filter->only_open)
        return "task INDEXED BY task_live CROSS JOIN job ON job.number = task.job";
    return "task CROSS JOIN job ON job.number = task.job";
}

/*
 * The rows behind the key (?1, ?2), said so that each way finds the first of them in its index
 * instead of reading up to it.
 */
static const char *task_query_position(const struct store_task_filter *filter)
{
    if (filter->job != 0)
        return filter->newest_first ? "task.job = ?3 AND task.task < ?2"
                                    : "task.job = ?3 AND task.task > ?2";
    if (!task_query_starts_at_jobs(filter))
        return filter->newest_first ? "(task.job, task.task) < (?1, ?2)"
                                    : "(task.job, task.task) > (?1, ?2)";
    return filter->newest_first
               ? "job.number <= ?1 AND task.task < iif(job.number = ?1, ?2, 4294967295)"
               : "job.number >= ?1 AND task.task > iif(job.number = ?1, ?2, -1)";
}

static void task_query_append_sql(const struct store_task_filter *filter, struct buffer *sql)
{
    const char *first = task_query_starts_at_jobs(filter) ? "job.number" : "task.job";
    const char *order = filter->newest_first ? " DESC" : "";

    buffer_appendf(sql,
                   "SELECT " TASK_COLUMNS " FROM %s LEFT JOIN node ON node.node = task.last_node"
                   " WHERE %s",
                   task_query_tables(filter), task_query_position(filter));
    if (filter->task != STORE_NONE)
        buffer_append_text(sql, " AND task.task = ?4");
    if (filter->user)
        buffer_append_text(sql, " AND job.user = ?5");
    if (filter->only_over)
        buffer_append_text(sql, " AND task.over = 1");
    if (filter->only_open)
        buffer_append_text(sql, " AND task.over = 0");
    /* One task is in order by itself, and SQLite would sort it nevertheless. */
    if (filter->job == 0 || filter->task == STORE_NONE)
        buffer_appendf(sql, " ORDER BY %s%s, task.task%s", first, order, order);
    buffer_append_text(sql, " LIMIT ?6");
}

static const char *copy_text(struct arena *arena, const char *text)
{
    return text ? arena_copy(arena, slice_from_text(text)) : NULL;
}

static void task_query_read_row(struct store_task_query *query, struct store_task *ret_task)
{
    struct statement *row = &query->statement;
    struct store_task task = {.state.job = column_u32(row)};

    task.state.task = column_u32(row);
    task.state.state = copy_text(&query->texts, column_text(row));
    task.state.over = column_flag(row);
    task.state.attempts = column_u32(row);
    task.state.node = (uint32_t)column_optional(row, STORE_NONE);
    task.state.epoch = column_number(row);
    task.state.reason = copy_text(&query->texts, column_text(row));
    task.state.started_at = column_real(row);
    task.state.ended_at = column_real(row);
    task.result.job = task.state.job;
    task.result.task = task.state.task;
    task.result.exit_code = (int)column_optional(row, -1);
    task.result.exit_signal = (int)column_signed(row);
    /* Every result has used some time, be it 0.0 seconds. */
    task.ended_once = sqlite3_column_type(row->handle, row->column) != SQLITE_NULL;
    task.result.cpu_seconds = column_real(row);
    task.result.wall_seconds = column_real(row);
    task.result.memory_peak = column_number(row);
    task.result.detail = copy_text(&query->texts, column_text(row));
    task.user = copy_text(&query->texts, column_text(row));
    task.node_name = copy_text(&query->texts, column_text(row));
    task.submitted_at = column_real(row);
    task.state.checkpoint = column_number(row);
    *ret_task = task;
}

static int task_query_prepare(struct store_task_query *query, struct error *err)
{
    _cleanup_buffer_ struct buffer sql = BUFFER_INIT;
    int r;

    if (query->statement.handle)
        return 0;
    task_query_append_sql(&query->filter, &sql);
    r = statement_prepare(&query->statement, query->store->reader.database, sql.data, err);
    return r < 0 ? error_prefix(err, r, "cannot read the pool's database") : 0;
}

/* All are bound, also those that this text does not mention: the last one always is. */
static void task_query_bind(struct store_task_query *query, uint64_t limit)
{
    struct statement *statement = &query->statement;

    bind_number(statement, query->last_job);
    bind_signed(statement, query->last_task);
    bind_number(statement, query->filter.job);
    bind_number(statement, query->filter.task);
    bind_text(statement, query->filter.user);
    bind_number(statement, limit);
}

static int task_query_read_chunk(struct store_task_query *query, struct error *err)
{
    uint64_t limit = query->left < CHUNK_ROWS ? query->left : CHUNK_ROWS;
    int r = task_query_prepare(query, err);

    if (r < 0)
        return r;
    query->row_count = 0;
    query->next_row = 0;
    arena_clear(&query->texts);
    task_query_bind(query, limit);
    while ((r = store_read_next(&query->statement, err)) == 0)
        task_query_read_row(query, &query->rows[query->row_count++]);
    /* A sort would read all that is left for every chunk: each order must come from an index. */
    assert(sqlite3_stmt_status(query->statement.handle, SQLITE_STMTSTATUS_SORT, 0) == 0);
    statement_reset(&query->statement);
    if (r < 0)
        return r;
    query->left -= query->row_count;
    query->at_end = query->row_count < CHUNK_ROWS || query->left == 0;
    if (query->row_count > 0) {
        query->last_job = query->rows[query->row_count - 1].state.job;
        query->last_task = query->rows[query->row_count - 1].state.task;
    }
    return 0;
}

int store_task_query_next(struct store_task_query *query, const struct store_task **ret_task,
                          struct error *err)
{
    int r;

    if (query->next_row == query->row_count) {
        if (query->at_end)
            return 1;
        r = task_query_read_chunk(query, err);
        if (r < 0)
            return r;
        if (query->row_count == 0)
            return 1;
    }
    *ret_task = &query->rows[query->next_row++];
    return 0;
}
