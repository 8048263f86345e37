/* SPDX-License-Identifier: Apache-2.0 */
/* dusk drain: an admin wants nodes to become empty, or gives them back to the pool. */
#include "session.h"

#include "net/client.h"

#include <inttypes.h>
#include <stdio.h>

enum key { KEY_NOW = KEY_OWN, KEY_UNDO, KEY_GRACEFUL };

/* The last ones are those of condor_drain. */
static const struct option_word option_words[] = {
    {"now", KEY_NOW, OPTION_FLAG, NULL, "what runs there leaves, and starts again elsewhere"},
    {"undo", KEY_UNDO, OPTION_FLAG, NULL, "the nodes are given work again"},
    {"json", KEY_JSON, OPTION_FLAG, NULL, "JSON: an object with 'tasks' for each"},
    {"fast", KEY_NOW, OPTION_FLAG, NULL, NULL},
    {"quick", KEY_NOW, OPTION_FLAG, NULL, NULL},
    {"graceful", KEY_GRACEFUL, OPTION_FLAG, NULL, NULL},
    {"cancel", KEY_UNDO, OPTION_FLAG, NULL, NULL},
};

struct drain {
    bool now;
    bool undo;
    bool json;
};

static void print_drained(const struct drain *drain, const char *name, uint64_t tasks)
{
    const char *verb = drain->now ? "leaves" : "goes on to its end";
    const char *plural = drain->now ? "leave" : "go on to their end";

    if (drain->undo)
        printf("%s is given work again\n", name);
    else if (tasks == 0)
        printf("%s is drained\n", name);
    else
        printf("%s is given nothing new; %" PRIu64 " task%s %s\n", name, tasks,
               tasks == 1 ? "" : "s", tasks == 1 ? verb : plural);
}

static int drain_node(struct connection *connection, const struct drain *drain, const char *name,
                      struct error *err)
{
    _cleanup_json_ json_t *body = json_pack("{s:b}", "now", drain->now), *reply = NULL;
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    int r;

    buffer_append_text(&path, "/v1/nodes/");
    client_append_encoded(&path, name);
    buffer_append_text(&path, drain->undo ? "/undrain" : "/drain");
    r = connection_call(connection, "POST", path.data, body, &reply, err);
    if (r < 0)
        return r;
    if (drain->json) {
        json_object_set_new(reply, "name", json_string(name));
        json_dumpf(reply, stdout, JSON_COMPACT);
        printf("\n");
    } else {
        print_drained(drain, name, json_member_number(reply, "tasks"));
    }
    return 0;
}

static int run_drain(struct session *session, struct error *err)
{
    struct connection *connection;
    struct drain drain = {0};
    const char *value;
    int key, r;

    while ((key = session_next_option(session, &value, err)) > 0) {
        if (key == KEY_NOW)
            drain.now = true;
        else if (key == KEY_UNDO)
            drain.undo = true;
        else if (key == KEY_JSON)
            drain.json = true;
    }
    if (key < 0)
        return key;
    if (drain.now && drain.undo)
        return options_refuse(session->command, err, "--now and --undo exclude each other");
    r = session_need_operands(session, 1, SIZE_MAX - 1, "the name of a node", err);
    if (r == 0)
        r = session_connect(session, &connection, err);
    for (size_t i = 0; r == 0 && i < session->operand_count; i++)
        r = drain_node(connection, &drain, session->operands[i], err);
    return r;
}

const struct command command_drain = {
    .name = "drain",
    .summary = "lets nodes become empty, or gives them back",
    .synopsis = "[OPTION]... NODE...",
    .description =
        "For admins: nothing new starts on these nodes until it is taken back, also after a\n"
        "restart of the server. What runs there goes on to its end; meanwhile the node is\n"
        "Claimed and Retiring, and then it is Drained.\n",
    .examples = "  dusk drain pc3\n"
                "  dusk drain --now pc3 pc4\n"
                "  dusk drain --undo pc3\n",
    .options = option_words,
    .option_count = ARRAY_LENGTH(option_words),
    .run = run_drain,
};
