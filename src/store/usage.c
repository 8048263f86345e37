/* SPDX-License-Identifier: Apache-2.0 */
/* See store.h: what the nodes gave, day by day. */
#include "internal.h"

void store_save_usage(struct store *store, const struct store_usage *usage)
{
    struct statement *save = store_write_begin(
        store, "INSERT OR REPLACE INTO usage (day, node, lent, computed, suspended, wasted, flop)"
               " VALUES (?, ?, ?, ?, ?, ?, ?)");

    bind_number(save, usage->day);
    bind_number(save, usage->node);
    bind_real(save, usage->lent);
    bind_real(save, usage->computed);
    bind_real(save, usage->suspended);
    bind_real(save, usage->wasted);
    bind_real(save, usage->flop);
    store_write_end(store, save);
}

void store_forget_usage(struct store *store, uint32_t day)
{
    struct statement *forget = store_write_begin(store, "DELETE FROM usage WHERE day < ?");

    bind_number(forget, day);
    store_write_end(store, forget);
}

int store_walk_usage(struct store *store, uint32_t day, bool together,
                     store_usage_callback *callback, void *userdata, struct error *err)
{
    _cleanup_read_ struct statement *read = NULL;
    int r = store_read_begin(store,
                             "SELECT day, node, lent, computed, suspended, wasted, flop FROM usage"
                             " WHERE day >= ? AND (node = ?) = ? ORDER BY day, node",
                             &read, err);

    if (r < 0)
        return r;
    bind_number(read, day);
    bind_number(read, STORE_NONE);
    bind_number(read, together);
    while ((r = store_read_next(read, err)) == 0) {
        struct store_usage usage = {.day = column_u32(read)};

        usage.node = column_u32(read);
        usage.lent = column_real(read);
        usage.computed = column_real(read);
        usage.suspended = column_real(read);
        usage.wasted = column_real(read);
        usage.flop = column_real(read);
        r = callback(&usage, userdata);
        if (r < 0)
            return r;
    }
    return r < 0 ? r : 0;
}
