/* SPDX-License-Identifier: Apache-2.0 */
/* dusk stats: what the nodes gave to the pool. */
#include "session.h"

#include "base/number.h"
#include "exit_code.h"
#include "listing.h"
#include "sys/terminal.h"
#include "sys/text.h"
#include "table.h"

#include <stdio.h>

enum { DAYS_USUAL = 7, DAYS_MAX = 400 };

static const struct option_word option_words[] = {
    {"days", 'd', OPTION_VALUE, "N", "the nodes of the last N days, today is one (7)"},
    {"json", KEY_JSON, OPTION_FLAG, NULL, "JSON, as the server sends it"},
};

static const struct table_column node_columns[] = {
    {"NAME", false, true},     {"OWNER", false, true},     {"LENT", true, false},
    {"COMPUTED", true, false}, {"SUSPENDED", true, false}, {"WASTED", true, false},
    {"FLOP", true, false},
};

static const struct table_column pool_columns[] = {
    {"POOL", false, false},     {"LENT", true, false},   {"COMPUTED", true, false},
    {"SUSPENDED", true, false}, {"WASTED", true, false}, {"FLOP", true, false},
};

enum { FIGURES = 5 };

/* "12.3h" of a person, "4.1e+15" of operations; the buffers are the caller's. */
static void append_figures(const json_t *object, struct buffer *figures)
{
    static const char *const members[FIGURES] = {"lent_hours", "core_hours", "suspended_core_hours",
                                                 "wasted_core_hours", "flop"};

    for (size_t i = 0; i < FIGURES; i++)
        buffer_appendf(&figures[i], i == FIGURES - 1 ? "%.2g" : "%.1f",
                       json_number_value(json_object_get(object, members[i])));
}

static void add_row(struct table *table, const json_t *object, const char *name, const char *owner)
{
    struct buffer figures[FIGURES] = {BUFFER_INIT};
    _cleanup_buffer_ struct buffer whose = BUFFER_INIT;
    const char *cells[FIGURES + 2];
    size_t count = 0;

    append_figures(object, figures);
    cells[count++] = name;
    if (owner) {
        text_append_printable(&whose, owner, terminal_of_output().utf8);
        cells[count++] = buffer_text(&whose);
    }
    for (size_t i = 0; i < FIGURES; i++)
        cells[count++] = figures[i].data;
    table_add(table, cells);
    for (size_t i = 0; i < FIGURES; i++)
        buffer_deinit(&figures[i]);
}

static void print_nodes(const json_t *stats)
{
    _cleanup_(table_free_p) struct table *table =
        table_new(node_columns, ARRAY_LENGTH(node_columns), terminal_of_output(),
                  table_write_to_stream, stdout);
    const json_t *nodes = json_object_get(stats, "nodes");

    for (size_t i = 0; i < json_array_size(nodes); i++) {
        const json_t *node = json_array_get(nodes, i);

        add_row(table, node, json_member_text(node, "name", "?"),
                json_member_text(node, "owner", "-"));
    }
    table_end(table);
}

static void print_pool(const json_t *stats)
{
    static const char *const periods[] = {"day", "week", "year"};
    _cleanup_(table_free_p) struct table *table =
        table_new(pool_columns, ARRAY_LENGTH(pool_columns), terminal_of_output(),
                  table_write_to_stream, stdout);

    for (size_t i = 0; i < ARRAY_LENGTH(periods); i++)
        add_row(table, json_object_get(stats, periods[i]), periods[i], NULL);
    table_end(table);
}

static int run_stats(struct session *session, struct error *err)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    _cleanup_json_ json_t *stats = NULL;
    struct connection *connection;
    uint64_t days = DAYS_USUAL;
    bool json = false;
    const char *value;
    int key, r;

    while ((key = session_next_option(session, &value, err)) > 0) {
        if (key == KEY_JSON)
            json = true;
        else if (number_parse_u64(slice_from_text(value), &days) < 0 || days < 1 || days > DAYS_MAX)
            return options_refuse(session->command, err, "--days %s is no number from 1 to %d",
                                  value, DAYS_MAX);
    }
    if (key < 0)
        return key;
    r = session_need_operands(session, 0, 0, "", err);
    if (r == 0)
        r = session_connect(session, &connection, err);
    if (r < 0)
        return r;
    buffer_appendf(&path, "/v1/stats?days=%u", (unsigned int)days);
    if (json)
        return listing_pass_through(connection, path.data, err);
    r = connection_call(connection, "GET", path.data, NULL, &stats, err);
    if (r < 0)
        return r;
    print_nodes(stats);
    printf("\n");
    print_pool(stats);
    return 0;
}

const struct command command_stats = {
    .name = "stats",
    .summary = "shows what the nodes gave to the pool",
    .synopsis = "[OPTION]...",
    .description =
        "Shows for each node how long it was lent in the last days, and in hours of single\n"
        "CPUs how long tasks computed there, stood still for its owner, and computed in\n"
        "vain (of the computed hours: attempts that gave no result). FLOP is an estimate:\n"
        "what was computed times the node's speed (KFlops). Below, all nodes together:\n"
        "today, in seven days and in a year. Today is not over, and ten minutes of it may\n"
        "be lost if the server crashes. Who owns a node its attribute MachineOwner says.\n",
    .examples = "  dusk stats\n"
                "  dusk stats --days 30 --json\n",
    .options = option_words,
    .option_count = ARRAY_LENGTH(option_words),
    .run = run_stats,
};
