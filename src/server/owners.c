/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the nodes say of their owners: whether somebody is there, why the pool must keep away, and
 * who watches. It is told with each full report, and is for people; the brain only hears whether
 * something may start.
 */
#include "server.h"

#include "sys/clock.h"

#include <time.h>

enum { HALF_MINUTE_S = 30, SOON_S = 12 * 3600 };

void owners_hear(struct node_record *node, struct wire_owner *owner, double now)
{
    wire_owner_deinit(&node->owner);
    node->owner = *owner;
    *owner = (struct wire_owner){0};
    node->owner_told_at = now;
}

void owners_append_time(struct buffer *text, double at)
{
    bool is_soon = at - clock_wall_seconds() < SOON_S;
    time_t seconds = (time_t)(at + HALF_MINUTE_S);
    char clock[sizeof("Mon 00:00")];
    struct tm local;

    if (localtime_r(&seconds, &local) &&
        strftime(clock, sizeof(clock), is_soon ? "%H:%M" : "%a %H:%M", &local) > 0)
        buffer_append_text(text, clock);
}

/* When what keeps the node ends, as far as its last report tells. */
static double end_of(const struct node_record *node)
{
    return node->owner_told_at + (double)node->owner.end_ms / 1000;
}

void owners_append_reason(const struct server *server, struct buffer *text,
                          const struct node_record *node)
{
    if (node->drained) {
        buffer_appendf(text, "drained by an admin, until: dusk drain --undo %s", node->name);
    } else if (node->asleep) {
        waking_append_reason(server, text, node);
    } else if (!node->link) {
        buffer_append_text(text, "not connected");
    } else if (node->owner.reason != OWNER_REASON_NONE) {
        buffer_append_text(text, owner_reason_text(node->owner.reason));
        if (node->owner.has_end) {
            buffer_append_text(text, "; it is lent from ");
            owners_append_time(text, end_of(node));
            buffer_append_text(text, " on if nothing happens");
        }
    } else if (matching_is_choosy(server, node->node_class)) {
        buffer_append_text(text, "it takes ");
        matching_append_choice(server, text, node->node_class);
    }
}

/* Who watches; what was so long before the report is so much longer ago now. */
json_t *owners_presence(const struct node_record *node)
{
    double passed_ms = (clock_wall_seconds() - node->owner_told_at) * 1000;
    json_t *list = json_array();

    for (size_t i = 0; node->link && i < node->owner.source_count; i++) {
        const struct wire_source *source = &node->owner.sources[i];
        json_int_t ago_ms = (json_int_t)((double)source->used_ms_ago + passed_ms);

        json_array_append_new(
            list, json_pack("{s:s,s:b,s:s?,s:o}", "source", source->name, "works", !source->why_not,
                            "why_not", source->why_not, "last_activity_ms_ago",
                            source->was_used ? json_integer(ago_ms) : json_null()));
    }
    return list;
}

/* The nodes that one reason keeps. Only hours end when they say they will. */
struct kept_nodes {
    uint32_t count;
    double first_end; /* 0: nobody knows */
};

static void count_node(struct kept_nodes kept[OWNER_REASON_COUNT], const struct node_record *node)
{
    struct kept_nodes *here = &kept[node->owner.reason];

    here->count++;
    if (node->owner.reason == OWNER_REASON_HOURS && node->owner.has_end &&
        (here->first_end == 0 || end_of(node) < here->first_end))
        here->first_end = end_of(node);
}

void owners_append_reasons(struct buffer *text, const struct server *server)
{
    struct kept_nodes kept[OWNER_REASON_COUNT] = {0};
    const char *between = "";

    for (size_t i = 0; i < server->records.node_count; i++)
        if (!server->records.nodes[i].forgotten && server->records.nodes[i].link)
            count_node(kept, &server->records.nodes[i]);
    for (unsigned int i = OWNER_REASON_USED; i < OWNER_REASON_COUNT; i++) {
        if (kept[i].count == 0)
            continue;
        buffer_appendf(text, "%s%s (%u", between, owner_reason_text((enum owner_reason)i),
                       kept[i].count);
        if (kept[i].first_end > 0) {
            buffer_append_text(text, ", until ");
            owners_append_time(text, kept[i].first_end);
        }
        buffer_append_text(text, ")");
        between = ", ";
    }
}
