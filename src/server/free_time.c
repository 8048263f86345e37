/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server sees of its nodes' weeks: from when until when each was free, for
 * core/history.h. A spell ends when the owner comes or the agent leaves; it also ends when a node
 * is not heard of, but that is known only when it comes back: a link may break and be there again
 * before anything is lost.
 *
 * A spell that goes on is counted hour by hour, so that a server that ends takes little with it.
 * The one after it takes the spell for one that goes on if the node is there again soon: nobody
 * knows better, and to take it for a new one would make a node that was free all day look restless.
 */
#include "server.h"

#include "base/memory.h"

#include <string.h>

enum { COUNTED_AFTER_S = 3600, GOES_ON_AFTER_S = 2 * COUNTED_AFTER_S };
enum { ROW_SIZE = HISTORY_SIZE + 2 * sizeof(uint64_t) };

static const struct history nothing_seen;

static struct history *history_of(struct node_record *node)
{
    if (!node->history)
        node->history = memory_allocate(sizeof(*node->history));
    return node->history;
}

static void count(struct node_record *node, double until, bool has_ended)
{
    history_add(history_of(node), (uint64_t)node->free_since, (uint64_t)node->free_counted,
                (uint64_t)until, has_ended);
    node->free_counted = until;
    node->history_unsaved = true;
    if (has_ended)
        node->free_since = 0;
}

void free_time_hear(struct node_record *node, bool is_free, double now)
{
    if (is_free && node->free_since == 0) {
        node->free_since = node->free_counted = now;
        node->history_unsaved = true;
        node->stay_at = 0;
    } else if (node->free_since > 0 && (!is_free || now - node->free_counted >= COUNTED_AFTER_S)) {
        count(node, now, !is_free);
    }
}

void free_time_come_back(struct node_record *node, double lease, double now)
{
    if (node->free_is_restored && now - node->free_counted <= GOES_ON_AFTER_S)
        node->free_counted = now;
    else if (node->free_is_restored)
        node->free_since = 0;
    else if (node->free_since > 0 && now - node->last_seen_at > lease)
        count(node, node->last_seen_at, true);
    node->free_is_restored = false;
}

bool free_time_expect(const struct node_record *node, double now, uint64_t *ret_seconds)
{
    if (node->free_since == 0 || !node->link)
        return false;
    *ret_seconds = history_expected_s(node->history ? node->history : &nothing_seen,
                                      (uint64_t)node->free_since, (uint64_t)now);
    return true;
}

static void append_time(struct buffer *bytes, double time)
{
    uint64_t seconds = (uint64_t)time;

    buffer_append(bytes, &seconds, sizeof(seconds));
}

static double read_time(const char *bytes)
{
    uint64_t seconds;

    memcpy(&seconds, bytes, sizeof(seconds));
    return (double)seconds;
}

void free_time_save(struct server *server, struct node_record *node)
{
    _cleanup_buffer_ struct buffer bytes = BUFFER_INIT;

    if (!node->history_unsaved)
        return;
    history_write(history_of(node), &bytes);
    append_time(&bytes, node->free_since);
    append_time(&bytes, node->free_counted);
    store_save_node_history(server->store, node->number, (struct slice){bytes.data, bytes.length});
    node->history_unsaved = false;
}

/* One of another size was written by another dusk: the node is learned anew. */
void free_time_load(struct node_record *node, struct slice bytes)
{
    if (bytes.length != ROW_SIZE ||
        !history_read((struct slice){bytes.data, HISTORY_SIZE}, history_of(node)))
        return;
    node->free_since = read_time(bytes.data + HISTORY_SIZE);
    node->free_counted = read_time(bytes.data + HISTORY_SIZE + sizeof(uint64_t));
    node->free_is_restored = node->free_since > 0;
}
