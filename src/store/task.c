/* SPDX-License-Identifier: Apache-2.0 */
/* See store.h: tasks that were started, as the brain saves them and is rebuilt from them. */
#include "internal.h"

void store_save_task(struct store *store, const struct store_task_state *state)
{
    struct statement *save = store_write_begin(
        store, "INSERT INTO task (job, task, state, over, attempts, node, last_node, epoch, reason,"
               " started_at, ended_at, detail, checkpoint)"
               " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
               " ON CONFLICT (job, task) DO UPDATE SET detail = CASE WHEN excluded.detail IS NULL"
               " AND state = excluded.state AND reason IS excluded.reason THEN detail"
               " ELSE excluded.detail END, state = excluded.state, over = excluded.over,"
               " attempts = excluded.attempts, node = excluded.node,"
               " last_node = ifnull(excluded.node, last_node), epoch = excluded.epoch,"
               " reason = excluded.reason, started_at = ifnull(excluded.started_at, started_at),"
               " ended_at = ifnull(excluded.ended_at, ended_at), checkpoint = excluded.checkpoint");

    bind_number(save, state->job);
    bind_number(save, state->task);
    bind_text(save, state->state);
    bind_number(save, state->over);
    bind_number(save, state->attempts);
    bind_optional(save, state->node);
    bind_number(save, state->epoch);
    bind_text(save, state->reason);
    bind_time(save, state->started_at);
    bind_time(save, state->ended_at);
    bind_text(save, state->detail);
    bind_number(save, state->checkpoint);
    store_write_end(store, save);
}

void store_save_result(struct store *store, const struct store_task_result *result)
{
    struct statement *save = store_write_begin(
        store, "UPDATE task SET exit_code = ?, exit_signal = ?, cpu_seconds = ?, wall_seconds = ?,"
               " memory_peak = ?, detail = ? WHERE job = ? AND task = ?");

    bind_optional(save, result->exit_code);
    bind_optional(save, result->exit_signal > 0 ? result->exit_signal : -1);
    bind_real(save, result->cpu_seconds);
    bind_real(save, result->wall_seconds);
    bind_number(save, result->memory_peak);
    bind_text(save, result->detail);
    bind_number(save, result->job);
    bind_number(save, result->task);
    store_write_end_one(store, save);
}

int store_walk_live_tasks(struct store *store, store_task_callback *callback, void *userdata,
                          struct error *err)
{
    _cleanup_read_ struct statement *read = NULL;
    int r;

    r = store_read_begin(
        store,
        "SELECT job, task, state, over, attempts, node, epoch, reason,"
        " started_at, ended_at, checkpoint FROM task INDEXED BY task_live"
        " WHERE over = 0 OR epoch <> 0"
        " UNION ALL "
        "SELECT task.job, task.task, state, task.over, attempts, node, epoch, task.reason,"
        " started_at, task.ended_at, checkpoint FROM part"
        " JOIN job ON job.number = part.job AND job.over = 0"
        " JOIN task ON task.job = part.job"
        " AND task.task >= part.next AND task.task < part.first + part.count"
        " WHERE part.next < part.first + part.count AND task.over = 1 AND epoch = 0"
        " ORDER BY 1, 2",
        &read, err);
    if (r < 0)
        return r;
    while ((r = store_read_next(read, err)) == 0) {
        struct store_task_state state = {.job = column_u32(read)};

        state.task = column_u32(read);
        state.state = column_text(read);
        state.over = column_flag(read);
        state.attempts = column_u32(read);
        state.node = (uint32_t)column_optional(read, STORE_NONE);
        state.epoch = column_number(read);
        state.reason = column_text(read);
        state.started_at = column_real(read);
        state.ended_at = column_real(read);
        state.checkpoint = column_number(read);
        r = callback(&state, userdata);
        if (r < 0)
            return r;
    }
    return r < 0 ? r : 0;
}
