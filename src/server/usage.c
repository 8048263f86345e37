/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the nodes give to the pool, day by day: how long they are lent, how long their CPUs compute
 * for tasks, stand still with a frozen one, or have computed in vain.
 *
 * Each report counts the time since the one before, by what was true in between. That is exact to a
 * heartbeat, and costs one look at what the node holds. Rows are written with the batch of a report
 * when they are ten minutes old, when the day is over, and at the end of the server: a crash takes
 * back ten minutes at most. How much an attempt has computed is known to this run of the server
 * alone, so of one that is given up after a restart only what came after it counts as wasted.
 */
#include "server.h"

#include "base/memory.h"
#include "sys/clock.h"
#include "sys/log.h"

#include <time.h>

enum { SAVED_EVERY_S = 600, DAY_S = 86400 };

/* Days are those of the server's clock on the wall. */
uint32_t usage_day(double at)
{
    time_t seconds = (time_t)at;
    struct tm local;

    if (localtime_r(&seconds, &local))
        seconds += local.tm_gmtoff;
    return seconds > 0 ? (uint32_t)(seconds / DAY_S) : 0;
}

static void save(struct server *server, struct usage *usage, double now)
{
    store_save_usage(server->store, &usage->row);
    usage->unsaved = false;
    usage->saved_at = now;
}

/*
 * What is there is finished and saved if it is of another day. A clock that is put back over
 * midnight, as in some zones at the end of summer, begins no day again.
 */
static void begin_day(struct server *server, struct usage *usage, uint32_t node, double now)
{
    uint32_t day = usage_day(now);

    if (usage->row.day == day || usage->row.day == day + 1)
        return;
    if (usage->unsaved)
        save(server, usage, now);
    if (node == STORE_NONE && day > USAGE_DAYS_MAX)
        store_forget_usage(server->store, day - USAGE_DAYS_MAX);
    usage->row = (struct store_usage){.day = day, .node = node};
}

static void add(struct usage *usage, const struct store_usage *more)
{
    usage_add(&usage->row, more);
    usage->unsaved = true;
}

void usage_add(struct store_usage *sum, const struct store_usage *more)
{
    sum->lent += more->lent;
    sum->computed += more->computed;
    sum->suspended += more->suspended;
    sum->wasted += more->wasted;
    sum->flop += more->flop;
}

static void add_to_both(struct server *server, struct node_record *node,
                        const struct store_usage *more, double now)
{
    begin_day(server, &node->usage, node->number, now);
    begin_day(server, &server->usage, STORE_NONE, now);
    add(&node->usage, more);
    add(&server->usage, more);
}

struct counting {
    struct server *server;
    struct store_usage more;
    double passed;
};

static uint64_t key_of(uint32_t job, uint32_t task)
{
    return (uint64_t)job << 32 | task;
}

/* In thousandths of a second, which a map can hold. */
static void count_claim(const struct pool_task_row *row, void *userdata)
{
    struct counting *counting = userdata;
    struct map *computed = &counting->server->computed;
    struct pool_part part = {0};
    uint64_t before = 0;
    double seconds;

    (void)pool_view_part(counting->server->pool, row->job, row->task, &part);
    seconds = counting->passed * part.request.cpus;
    if (row->state == TASK_SUSPENDED)
        counting->more.suspended += seconds;
    if (row->state != TASK_RUNNING)
        return;
    counting->more.computed += seconds;
    (void)map_get(computed, key_of(row->job, row->task), &before);
    map_put(computed, key_of(row->job, row->task), before + (uint64_t)(seconds * 1000));
}

static double flop_a_second(const struct node_record *node)
{
    const json_t *speed = json_object_get(node->facts, "speed");

    return json_number_value(json_object_get(speed, "floating")) * 1000;
}

/* Longer than a lease nobody knows what was; and clocks on walls may jump. */
static double passed_since(const struct server *server, double counted_at, double now)
{
    double most = (double)server->options.pool.lease_ms / 1000, passed = now - counted_at;

    if (counted_at <= 0 || passed < 0)
        return 0;
    return passed < most ? passed : most;
}

void usage_count(struct server *server, struct node_record *node)
{
    double now = clock_wall_seconds();
    struct counting counting = {.server = server,
                                .passed = passed_since(server, node->usage.counted_at, now)};

    node->usage.counted_at = node->link ? now : 0;
    if (counting.passed > 0) {
        if (node->usage.lent)
            counting.more.lent = counting.passed;
        pool_walk_node(server->pool, node->number, count_claim, &counting);
        counting.more.flop = counting.more.computed * flop_a_second(node);
        add_to_both(server, node, &counting.more, now);
    }
    node->usage.lent = node->usage.lent_next;
    if (node->usage.unsaved && now - node->usage.saved_at >= SAVED_EVERY_S)
        save(server, &node->usage, now);
    if (server->usage.unsaved && now - server->usage.saved_at >= SAVED_EVERY_S)
        save(server, &server->usage, now);
}

void usage_note_saved(struct server *server, uint32_t job, uint32_t task)
{
    map_remove(&server->computed, key_of(job, task));
}

void usage_note(struct server *server, const struct pool_effect *trace)
{
    uint64_t key = key_of(trace->trace.job, trace->trace.task), computed;
    struct store_usage wasted = {0};

    if (trace->trace.to == TASK_RUNNING || trace->trace.to == TASK_SUSPENDED ||
        !map_get(&server->computed, key, &computed))
        return;
    map_remove(&server->computed, key);
    if (trace->trace.to == TASK_COMPLETED || trace->trace.node == NONE)
        return;
    wasted.wasted = (double)computed / 1000;
    add_to_both(server, &server->records.nodes[trace->trace.node], &wasted, clock_wall_seconds());
}

void usage_save_all(struct server *server)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    double now = clock_wall_seconds();

    store_begin(server->store);
    for (size_t i = 0; i < server->records.node_count; i++)
        if (server->records.nodes[i].usage.unsaved)
            save(server, &server->records.nodes[i].usage, now);
    if (server->usage.unsaved)
        save(server, &server->usage, now);
    if (store_commit(server->store, &err) < 0)
        log_warning("the last minutes of what the nodes gave are not stored: %s", error_text(&err));
}

static int restore_row(const struct store_usage *row, void *userdata)
{
    struct server *server = userdata;

    if (row->node == STORE_NONE)
        server->usage.row = *row;
    else if (row->node < server->records.node_count)
        server->records.nodes[row->node].usage.row = *row;
    return 0;
}

int usage_restore(struct server *server, struct error *err)
{
    uint32_t today = usage_day(clock_wall_seconds());
    int r = store_walk_usage(server->store, today, false, restore_row, server, err);

    return r < 0 ? r : store_walk_usage(server->store, today, true, restore_row, server, err);
}
