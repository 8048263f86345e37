/* SPDX-License-Identifier: Apache-2.0 */
/* What the pool harvested: the nodes of some days, and the pool of a day, a week and a year. */
#include "server.h"

#include "base/memory.h"
#include "sys/clock.h"

#include <string.h>

enum { DAYS_USUAL = 7, WEEK = 7, YEAR = 365 };

struct harvest {
    struct server *server;
    uint32_t today;
    struct store_usage *nodes; /* owned; sums by number */
    struct store_usage day, week, year;
};

/* What is counted now is newer than its row. */
static int add_node_row(const struct store_usage *row, void *userdata)
{
    struct harvest *harvest = userdata;
    const struct records *records = &harvest->server->records;

    if (row->node < records->node_count && row->day != records->nodes[row->node].usage.row.day)
        usage_add(&harvest->nodes[row->node], row);
    return 0;
}

static int add_pool_row(const struct store_usage *row, void *userdata)
{
    struct harvest *harvest = userdata;
    uint32_t ago = harvest->today - row->day;

    if (row->day > harvest->today)
        return 0;
    if (ago < 1)
        usage_add(&harvest->day, row);
    if (ago < WEEK)
        usage_add(&harvest->week, row);
    if (ago < YEAR)
        usage_add(&harvest->year, row);
    return 0;
}

static int add_other_pool_row(const struct store_usage *row, void *userdata)
{
    const struct harvest *harvest = userdata;

    return row->day == harvest->server->usage.row.day ? 0 : add_pool_row(row, userdata);
}

static json_t *usage_object(const struct store_usage *usage)
{
    return json_pack("{s:f,s:f,s:f,s:f,s:f}", "lent_hours", usage->lent / 3600, "core_hours",
                     usage->computed / 3600, "suspended_core_hours", usage->suspended / 3600,
                     "wasted_core_hours", usage->wasted / 3600, "flop", usage->flop);
}

/* Whoever shall be named as its owner has an attribute for that, as in HTCondor. */
static json_t *owner_of(const struct node_record *node)
{
    _cleanup_attributes_ struct attributes attributes = ATTRIBUTES_INIT;
    json_t *owner = NULL;
    const char *text;

    /* Few have one, and to read all attributes of all nodes takes its time. */
    if (node->attributes && strstr(node->attributes, "MachineOwner") &&
        attributes_read(&attributes, slice_from_text(node->attributes), NULL) == 0) {
        text = attributes_get(&attributes, "MachineOwner");
        owner = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
    }
    if (json_is_string(owner))
        return owner;
    json_decref(owner);
    return json_null();
}

static json_t *nodes_list(const struct harvest *harvest, uint32_t first_day)
{
    const struct records *records = &harvest->server->records;
    json_t *list = json_array();

    for (size_t i = 0; i < records->node_count; i++) {
        const struct node_record *node = &records->nodes[i];
        struct store_usage *sum = &harvest->nodes[i];
        json_t *object;

        if (node->usage.row.day >= first_day)
            usage_add(sum, &node->usage.row);
        if (!node->name || (node->forgotten && sum->lent + sum->computed <= 0))
            continue;
        object = usage_object(sum);
        json_object_set_new(object, "name", json_string(node->name));
        json_object_set_new(object, "owner", owner_of(node));
        json_array_append_new(list, object);
    }
    return list;
}

static int gather(struct harvest *harvest, uint32_t first_day, struct error *err)
{
    struct server *server = harvest->server;
    uint32_t year = harvest->today > YEAR ? harvest->today - YEAR : 0;
    int r = store_walk_usage(server->store, first_day, false, add_node_row, harvest, err);

    if (r == 0)
        r = store_walk_usage(server->store, year, true, add_other_pool_row, harvest, err);
    if (r == 0 && server->usage.row.day > 0)
        add_pool_row(&server->usage.row, harvest);
    return r;
}

void api_stats(struct server *server, struct request *request)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    _cleanup_free_ struct store_usage *nodes = NULL;
    struct harvest harvest = {.server = server, .today = usage_day(clock_wall_seconds())};
    uint32_t days = DAYS_USUAL, first_day;

    if (!api_parameter(request, "days", &days))
        return;
    if (days < 1 || days > USAGE_DAYS_MAX) {
        api_reply_error(request, 400, NULL, "days must be from 1 to %d", USAGE_DAYS_MAX);
        return;
    }
    nodes = memory_allocate((server->records.node_count + 1) * sizeof(*nodes));
    harvest.nodes = nodes;
    first_day = harvest.today >= days ? harvest.today - days + 1 : 0;
    if (gather(&harvest, first_day, &err) < 0) {
        api_reply_error(request, 500, NULL, "cannot read the figures: %s", error_text(&err));
        return;
    }
    api_reply_json(request, 200,
                   json_pack("{s:i,s:o,s:o,s:o,s:o}", "days", (int)days, "nodes",
                             nodes_list(&harvest, first_day), "day", usage_object(&harvest.day),
                             "week", usage_object(&harvest.week), "year",
                             usage_object(&harvest.year)));
}
