/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attributes of the nodes, as their agents tell them: kept as lines of text, one allocation a
 * node and a third of what a set takes, and in the store, so that they are known of nodes that have
 * not come back since a restart.
 *
 * What a node says of itself is believed for matching alone: its claims are bounded by what it
 * lends, and what the server knows better (its state) stands above it wherever both are shown.
 */
#include "server.h"

#include "base/memory.h"
#include "sys/clock.h"

#include <string.h>

/* What is kept was checked before, so it reads back; what does not is as good as absent. */
static void read_kept(const struct node_record *node, struct attributes *attributes)
{
    if (node->attributes)
        (void)attributes_read(attributes, slice_from_text(node->attributes), NULL);
}

/*
 * Copied, because a buffer has room to grow and there are many nodes. After a restart of the server
 * all of them say again what the store has already.
 */
void attributes_hear(struct node_record *node, const struct attributes *attributes)
{
    _cleanup_buffer_ struct buffer lines = BUFFER_INIT;

    attributes_write(attributes, &lines);
    if (node->attributes && strcmp(node->attributes, buffer_text(&lines)) == 0)
        return;
    free(node->attributes);
    node->attributes = memory_copy_string(buffer_text(&lines));
    node->attributes_unsaved = true;
    node->is_classified = false;
}

int attributes_hear_changes(struct node_record *node, const struct attributes *changes,
                            struct error *err)
{
    _cleanup_attributes_ struct attributes attributes = ATTRIBUTES_INIT;
    int r;

    if (changes->count == 0)
        return 0;
    read_kept(node, &attributes);
    r = attributes_apply(&attributes, changes, err);
    if (r == 0)
        attributes_hear(node, &attributes);
    return r;
}

void attributes_save(struct server *server, struct node_record *node)
{
    if (!node->attributes_unsaved)
        return;
    store_save_node_attributes(server->store, node->number, node->attributes);
    node->attributes_unsaved = false;
}

/* ---- for people ---- */

static void set_own(struct attributes *attributes, const struct node_record *node,
                    const char *state, const char *activity)
{
    _cleanup_buffer_ struct buffer seen = BUFFER_INIT, estimate = BUFFER_INIT, since = BUFFER_INIT;
    uint64_t expected;

    /* A set that is full already goes without them: they are shown beside it as well. */
    (void)attributes_set_text(attributes, "State", state, NULL);
    (void)attributes_set_text(attributes, "Activity", activity, NULL);
    buffer_appendf(&seen, "%.0f", node->last_seen_at);
    if (node->last_seen_at > 0)
        (void)attributes_set(attributes, "LastHeardFrom", seen.data, NULL);
    if (!free_time_expect(node, clock_wall_seconds(), &expected))
        return;
    buffer_appendf(&estimate, "%llu", (unsigned long long)expected);
    buffer_appendf(&since, "%llu", (unsigned long long)node->free_since);
    (void)attributes_set(attributes, "AvailTimeEstimate", estimate.data, NULL);
    (void)attributes_set(attributes, "AvailSince", since.data, NULL);
}

json_t *attributes_object(const struct node_record *node, const char *state, const char *activity)
{
    _cleanup_attributes_ struct attributes attributes = ATTRIBUTES_INIT;
    json_t *object = json_object();

    read_kept(node, &attributes);
    set_own(&attributes, node, state, activity);
    for (size_t i = 0; i < attributes.count; i++)
        json_object_set_new(object, attributes.items[i].name,
                            json_string(attributes.items[i].value));
    return object;
}
