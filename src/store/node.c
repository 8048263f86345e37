/* SPDX-License-Identifier: Apache-2.0 */
/* See store.h: nodes, and the tokens that let them in. */
#include "internal.h"

static void bind_sleep(struct statement *save, const struct store_node *node)
{
    bind_number(save, node->asleep);
    bind_number(save, node->wakes);
    bind_number(save, node->cpus);
    bind_number(save, node->memory);
    bind_number(save, node->disk);
    bind_number(save, node->gpus);
}

void store_save_node(struct store *store, const struct store_node *node)
{
    struct statement *save = store_write_begin(
        store, "INSERT INTO node (node, name, serial, machine, enrolled_at, forgotten,"
               " highest_epoch, last_seen_at, facts, attributes, drained, asleep, wakes,"
               " cpus, memory, disk, gpus)"
               " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
               " ON CONFLICT (node) DO UPDATE SET name = excluded.name, serial = excluded.serial,"
               " machine = excluded.machine, enrolled_at = excluded.enrolled_at,"
               " forgotten = excluded.forgotten, highest_epoch = excluded.highest_epoch,"
               " last_seen_at = excluded.last_seen_at, facts = excluded.facts,"
               " attributes = excluded.attributes, drained = excluded.drained,"
               " asleep = excluded.asleep, wakes = excluded.wakes, cpus = excluded.cpus,"
               " memory = excluded.memory, disk = excluded.disk, gpus = excluded.gpus");

    bind_number(save, node->node);
    bind_text(save, node->name);
    bind_text(save, node->serial);
    bind_number(save, node->machine);
    bind_real(save, node->enrolled_at);
    bind_number(save, node->forgotten);
    bind_number(save, node->highest_epoch);
    bind_time(save, node->last_seen_at);
    bind_text(save, node->facts);
    bind_text(save, node->attributes);
    bind_number(save, node->drained);
    bind_sleep(save, node);
    store_write_end(store, save);
}

void store_save_node_state(struct store *store, const struct store_node *node)
{
    struct statement *save = store_write_begin(
        store, "UPDATE node SET machine = ?, forgotten = ?, drained = ?, asleep = ?, wakes = ?,"
               " cpus = ?, memory = ?, disk = ?, gpus = ? WHERE node = ?");

    bind_number(save, node->machine);
    bind_number(save, node->forgotten);
    bind_number(save, node->drained);
    bind_sleep(save, node);
    bind_number(save, node->node);
    store_write_end_one(store, save);
}

void store_save_node_facts(struct store *store, uint32_t node, double last_seen_at,
                           const char *facts)
{
    struct statement *save =
        store_write_begin(store, "UPDATE node SET last_seen_at = ?, facts = ? WHERE node = ?");

    bind_time(save, last_seen_at);
    bind_text(save, facts);
    bind_number(save, node);
    store_write_end_one(store, save);
}

void store_save_node_attributes(struct store *store, uint32_t node, const char *attributes)
{
    struct statement *save =
        store_write_begin(store, "UPDATE node SET attributes = ? WHERE node = ?");

    bind_text(save, attributes);
    bind_number(save, node);
    store_write_end_one(store, save);
}

int store_walk_nodes(struct store *store, store_node_callback *callback, void *userdata,
                     struct error *err)
{
    _cleanup_read_ struct statement *read = NULL;
    int r;

    r = store_read_begin(
        store,
        "SELECT node, name, serial, machine, enrolled_at, forgotten,"
        " highest_epoch, last_seen_at, facts, attributes, drained, asleep, wakes, cpus,"
        " memory, disk, gpus FROM node"
        " ORDER BY node",
        &read, err);
    if (r < 0)
        return r;
    while ((r = store_read_next(read, err)) == 0) {
        struct store_node node = {.node = column_u32(read)};

        node.name = column_text(read);
        node.serial = column_text(read);
        node.machine = column_number(read);
        node.enrolled_at = column_real(read);
        node.forgotten = column_flag(read);
        node.highest_epoch = column_number(read);
        node.last_seen_at = column_real(read);
        node.facts = column_text(read);
        node.attributes = column_text(read);
        node.drained = column_flag(read);
        node.asleep = column_flag(read);
        node.wakes = column_u32(read);
        node.cpus = column_u32(read);
        node.memory = column_number(read);
        node.disk = column_number(read);
        node.gpus = column_u32(read);
        r = callback(&node, userdata);
        if (r < 0)
            return r;
    }
    return r < 0 ? r : 0;
}

void store_save_node_history(struct store *store, uint32_t node, struct slice history)
{
    struct statement *save =
        store_write_begin(store, "INSERT INTO node_history (node, history) VALUES (?, ?)"
                                 " ON CONFLICT (node) DO UPDATE SET history = excluded.history");

    bind_number(save, node);
    bind_blob(save, history);
    store_write_end(store, save);
}

int store_walk_node_histories(struct store *store, store_history_callback *callback, void *userdata,
                              struct error *err)
{
    _cleanup_read_ struct statement *read = NULL;
    int r = store_read_begin(store,
                             "SELECT node, history FROM node_history JOIN node USING (node)"
                             " WHERE forgotten = 0 ORDER BY node",
                             &read, err);

    while (r == 0 && (r = store_read_next(read, err)) == 0) {
        uint32_t node = column_u32(read);

        r = callback(node, column_blob(read), userdata);
    }
    return r < 0 ? r : 0;
}

void store_add_token(struct store *store, const struct store_token *token)
{
    struct statement *add =
        store_write_begin(store, "INSERT INTO token (id, secret_hash, kind, user, created_at,"
                                 " expires_at, revoked, uses) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");

    bind_text(add, token->id);
    bind_text(add, token->secret_hash);
    bind_text(add, token->kind);
    bind_text(add, token->user);
    bind_real(add, token->created_at);
    bind_real(add, token->expires_at);
    bind_number(add, token->revoked);
    bind_number(add, token->uses);
    store_write_end(store, add);
}

void store_revoke_token(struct store *store, const char *id)
{
    struct statement *save = store_write_begin(store, "UPDATE token SET revoked = 1 WHERE id = ?");

    bind_text(save, id);
    store_write_end_one(store, save);
}

void store_count_token_use(struct store *store, const char *id)
{
    struct statement *save =
        store_write_begin(store, "UPDATE token SET uses = uses + 1 WHERE id = ?");

    bind_text(save, id);
    store_write_end_one(store, save);
}

int store_walk_tokens(struct store *store, const char *secret_hash, store_token_callback *callback,
                      void *userdata, struct error *err)
{
    _cleanup_read_ struct statement *read = NULL;
    int r;

    r = store_read_begin(store,
                         "SELECT id, secret_hash, kind, user, created_at, expires_at, revoked,"
                         " uses FROM token WHERE ?1 IS NULL OR secret_hash = ?1 ORDER BY rowid",
                         &read, err);
    if (r < 0)
        return r;
    bind_text(read, secret_hash);
    while ((r = store_read_next(read, err)) == 0) {
        struct store_token token = {.id = column_text(read)};

        token.secret_hash = column_text(read);
        token.kind = column_text(read);
        token.user = column_text(read);
        token.created_at = column_real(read);
        token.expires_at = column_real(read);
        token.revoked = column_flag(read);
        token.uses = column_number(read);
        r = callback(&token, userdata);
        if (r < 0)
            return r;
    }
    return r < 0 ? r : 0;
}
