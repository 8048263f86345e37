/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dusk status and dusk node: the computers of the pool, and what an admin does with them. Both show
 * the same list; 'status' has the sums below it, for people alone, because whoever chose columns or
 * JSON has a program read on.
 */
#include "session.h"

#include "exit_code.h"
#include "listing.h"
#include "net/client.h"
#include "sys/terminal.h"
#include "sys/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct option_word status_words[] = {
    {"total", 't', OPTION_FLAG, NULL, "the sums alone"},
    {"compact", 't', OPTION_FLAG, NULL, NULL},
    OPTIONS_OF_LISTING,
};

static const struct option_word node_words[] = {OPTIONS_OF_LISTING};

/* "3 Claimed, 1 Owner": the members of an object that are not 0, in the server's order. */
static void append_counts(struct buffer *text, const json_t *counts)
{
    const char *name, *between = "";
    json_t *count;

    json_object_foreach((json_t *)counts, name, count)
    {
        if (json_integer_value(count) == 0)
            continue;
        buffer_appendf(text, "%s%" JSON_INTEGER_FORMAT " %s", between, json_integer_value(count),
                       name);
        between = ", ";
    }
    if (*between == '\0')
        buffer_append_text(text, "none");
}

/* The server counts: of a hundred thousand nodes only the sums are sent. */
static int print_totals(struct connection *connection, struct error *err)
{
    _cleanup_json_ json_t *pool = NULL;
    _cleanup_buffer_ struct buffer nodes = BUFFER_INIT, tasks = BUFFER_INIT;
    int r = connection_call(connection, "GET", "/v1/pool", NULL, &pool, err);

    if (r < 0)
        return r;
    append_counts(&nodes, json_object_get(pool, "nodes"));
    append_counts(&tasks, json_object_get(pool, "tasks"));
    printf("Nodes: %s\n", nodes.data);
    printf("CPUs:  %" PRIu64 " of %" PRIu64 " claimed\n", json_member_number(pool, "cpus_claimed"),
           json_member_number(pool, "cpus"));
    printf("Tasks: %s\n", tasks.data);
    return 0;
}

static int run_status(struct session *session, struct error *err)
{
    struct listing listing = {0};
    struct connection *connection;
    bool total = false;
    const char *value;
    int key, r;

    while ((key = session_next_option(session, &value, err)) > 0)
        if (!listing_take_option(&listing, key, value))
            total = true;
    if (key < 0)
        return key;
    r = session_need_operands(session, 0, 0, "", err);
    if (r == 0)
        r = session_connect(session, &connection, err);
    if (r < 0)
        return r;
    if (total)
        return listing.json ? listing_pass_through(connection, "/v1/pool", err)
                            : print_totals(connection, err);
    r = listing_show(&listing, &columns_of_nodes, connection, "/v1/nodes", err);
    if (r < 0 || listing.json || listing.columns || listing.complete)
        return r;
    printf("\n");
    return print_totals(connection, err);
}

static void node_path(struct buffer *path, const char *name)
{
    buffer_append_text(path, "/v1/nodes/");
    client_append_encoded(path, name);
}

/* As `condor_status -long` prints a machine. */
static void print_attributes(const json_t *attributes)
{
    bool utf8 = terminal_of_output().utf8;
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)attributes, name, value)
    {
        _cleanup_buffer_ struct buffer text = BUFFER_INIT;

        text_append_printable(&text, json_string_value(value) ?: "undefined", utf8);
        printf("%s = %s\n", name, buffer_text(&text));
    }
}

/* What the server makes of it, then what it says of itself; --long is the latter alone. */
static int show_node(struct connection *connection, struct listing *listing, const char *name,
                     struct error *err)
{
    _cleanup_(listing_printer_free_p) struct listing_printer *printer = NULL;
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    _cleanup_json_ json_t *node = NULL;
    bool only_attributes = listing->complete && !listing->columns;
    int r;

    node_path(&path, name);
    if (listing->json)
        return listing_pass_through(connection, path.data, err);
    if (!listing->columns)
        listing->complete = true;
    r = listing_printer_new(listing, &columns_of_nodes, &printer, err);
    if (r == 0)
        r = connection_call(connection, "GET", path.data, NULL, &node, err);
    if (r < 0)
        return r;
    if (!only_attributes)
        (void)listing_print(printer, node, err);
    listing_end(printer);
    if (listing->columns)
        return 0;
    if (!only_attributes)
        printf("\n");
    print_attributes(json_object_get(node, "attributes"));
    return 0;
}

static int forget_node(struct connection *connection, const char *name, struct error *err)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    int r;

    node_path(&path, name);
    r = connection_call(connection, "DELETE", path.data, NULL, NULL, err);
    if (r == 0)
        printf("%s is forgotten: it needs a token to join again\n", name);
    return r;
}

static int wake_node(struct connection *connection, const char *name, struct error *err)
{
    _cleanup_json_ json_t *body = json_object();
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    int r;

    node_path(&path, name);
    buffer_append_text(&path, "/wake");
    r = connection_call(connection, "POST", path.data, body, NULL, err);
    if (r == 0)
        printf("%s was sent a magic packet; it takes some time to start\n", name);
    return r;
}

static int run_node(struct session *session, struct error *err)
{
    struct listing listing = {0};
    struct connection *connection;
    const char *verb, *value;
    int key, r;

    while ((key = session_next_option(session, &value, err)) > 0)
        (void)listing_take_option(&listing, key, value);
    if (key < 0)
        return key;
    r = session_need_operands(session, 0, 2, "'list', 'show NAME', 'wake NAME' or 'forget NAME'",
                              err);
    if (r < 0)
        return r;
    verb = session->operand_count > 0 ? session->operands[0] : "list";
    if (strcmp(verb, "list") == 0)
        r = session_need_operands(session, 0, 1, "", err);
    else if (strcmp(verb, "show") == 0 || strcmp(verb, "wake") == 0 || strcmp(verb, "forget") == 0)
        r = session_need_operands(session, 2, 2, "the name of a node", err);
    else
        r = options_refuse(session->command, err, "'dusk node' cannot '%s'", verb);
    if (r == 0)
        r = session_connect(session, &connection, err);
    if (r < 0)
        return r;
    if (strcmp(verb, "list") == 0)
        return listing_show(&listing, &columns_of_nodes, connection, "/v1/nodes", err);
    if (strcmp(verb, "show") == 0)
        return show_node(connection, &listing, session->operands[1], err);
    if (strcmp(verb, "wake") == 0)
        return wake_node(connection, session->operands[1], err);
    return forget_node(connection, session->operands[1], err);
}

const struct command command_status = {
    .name = "status",
    .summary = "shows the computers of the pool and what they do",
    .synopsis = "[OPTION]...",
    .description =
        "Shows the nodes of the pool, a line each, and the sums. A node is Owner while\n"
        "somebody uses the computer, Unclaimed when it waits for work, Claimed when it\n"
        "works (Retiring: and gets nothing more), Drained when an admin lets it have\n"
        "nothing (dusk drain), and Offline when it sleeps, or is not heard of.\n"
        "\n"
        "Columns: name, state, activity, cpus, cpus_claimed, memory, memory_claimed,\n"
        "disk, gpus, gpus_claimed, arch, os, kernel, speed.integer, speed.floating,\n"
        "speed.memory, limits.memory, limits.disk, limits.processes, limits.cpus,\n"
        "version, last_seen_at, drained, asleep, reason, tasks. A limit that is not enforced\n"
        "is watched: a task may be over it for a moment before it is ended.\n",
    .examples = "  dusk status\n"
                "  dusk status --total\n"
                "  dusk status -af Machine State\n",
    .options = status_words,
    .option_count = ARRAY_LENGTH(status_words),
    .run = run_status,
};

const struct command command_node = {
    .name = "node",
    .summary = "lists, shows, wakes and forgets nodes",
    .synopsis = "[list] | show NAME | wake NAME | forget NAME",
    .description =
        "'list', or nothing, shows all nodes as 'dusk status' does, 'show' all about one:\n"
        "what the server knows of it, and its attributes, which requirements and rank of\n"
        "jobs may name; with --long its attributes alone. An admin adds some in the node's\n"
        "agent.ini: attribute.HasMatlab = true.\n"
        "'wake' and 'forget' are for admins. To wake a node that went to sleep another one\n"
        "of its segment of the network, or the server, sends it a magic packet; when work\n"
        "waits, that happens by itself. The certificate of a node that is forgotten is not\n"
        "accepted any more, and what it was working on starts again elsewhere.\n",
    .examples = "  dusk node list --columns name,state,tasks\n"
                "  dusk node show pc3\n"
                "  dusk node forget pc3\n",
    .options = node_words,
    .option_count = ARRAY_LENGTH(node_words),
    .run = run_node,
};
