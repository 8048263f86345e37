/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes, the pool as a whole, and its figures for Prometheus. */
#include "server.h"

#include "base/memory.h"
#include "sys/clock.h"

#include <string.h>

static void add_task(const struct pool_task_row *row, void *userdata)
{
    _cleanup_buffer_ struct buffer id = BUFFER_INIT;

    buffer_appendf(&id, "%u.%u", row->job, row->task);
    json_array_append_new(userdata, json_string(id.data));
}

static const char *activity(const struct pool_node_view *view)
{
    switch (view->state) {
    case NODE_CLAIMED:
        if (view->drained)
            return "Retiring";
        return view->suspended ? "Suspended" : "Busy";
    case NODE_OFFLINE:
    case NODE_OWNER:
    case NODE_UNCLAIMED:
    case NODE_DRAINED:
    case NODE_STATE_COUNT:
        break;
    }
    return "Idle";
}

static json_t *fact(const struct node_record *node, const char *name)
{
    json_t *value = json_object_get(node->facts, name);

    return value ? json_incref(value) : json_null();
}

/* With its attributes, if it is the only one that is asked for: they are many. */
static json_t *node_object(struct server *server, const struct node_record *node, bool is_alone)
{
    struct pool_node_view view = {.state = NODE_OFFLINE};
    _cleanup_buffer_ struct buffer reason = BUFFER_INIT;
    json_t *tasks = json_array(), *object;

    if (pool_view_node(server->pool, node->number, &view))
        pool_walk_node(server->pool, node->number, add_task, tasks);
    owners_append_reason(server, &reason, node);
    object = json_pack("{s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "name", node->name, "state",
                       node_state_name(view.state), "activity", activity(&view), "cpus",
                       (json_int_t)view.capacity.cpus, "cpus_claimed",
                       (json_int_t)(view.capacity.cpus - view.available.cpus), "memory",
                       (json_int_t)view.capacity.memory, "memory_claimed",
                       (json_int_t)(view.capacity.memory - view.available.memory), "disk",
                       (json_int_t)view.capacity.disk, "gpus", (json_int_t)view.capacity.gpus,
                       "gpus_claimed", (json_int_t)(view.capacity.gpus - view.available.gpus));
    json_object_update_new(
        object, json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:s,s:o}", "arch", fact(node, "arch"),
                          "os", fact(node, "os"), "distribution", fact(node, "distribution"),
                          "kernel", fact(node, "kernel"), "speed", fact(node, "speed"), "limits",
                          fact(node, "limits"), "version", fact(node, "version"), "last_seen_at",
                          node->last_seen_at > 0 ? json_real(node->last_seen_at) : json_null(),
                          "reason", buffer_text(&reason), "tasks", tasks));
    json_object_set_new(object, "drained", json_boolean(node->drained));
    json_object_set_new(object, "asleep", json_boolean(node->asleep));
    json_object_set_new(object, "presence", owners_presence(node));
    if (is_alone)
        json_object_set_new(object, "attributes",
                            attributes_object(node, node_state_name(view.state), activity(&view)));
    return object;
}

static struct node_record *find_node(struct server *server, struct request *request,
                                     const char *name)
{
    struct node_record *node = records_find_node(&server->records, name);

    if (!node)
        api_reply_error(request, 404, "'dusk status' shows the nodes", "there is no node '%.80s'",
                        name);
    return node;
}

void api_nodes_list(struct server *server, struct request *request, const char *name)
{
    json_t *list;

    if (name) {
        const struct node_record *node = find_node(server, request, name);

        if (node)
            api_reply_json(request, 200, node_object(server, node, true));
        return;
    }
    list = json_array();
    for (size_t i = 0; i < server->records.node_count; i++)
        if (!server->records.nodes[i].forgotten)
            json_array_append_new(list, node_object(server, &server->records.nodes[i], false));
    api_reply_json(request, 200, list);
}

static void on_forgotten(struct server *server, struct caller *caller, enum pool_reply reply,
                         uint32_t count)
{
    (void)server;
    (void)reply;
    (void)count;
    if (caller->request)
        api_reply_json(caller->request, 200, json_object());
}

void api_nodes_forget(struct server *server, struct request *request, const char *name)
{
    struct node_record *node = find_node(server, request, name);
    struct pool_event event = {.kind = POOL_NODE_FORGOTTEN};

    if (!node)
        return;
    node->forgotten = true;
    string_map_remove(&server->records.node_by_name, name);
    store_begin(server->store);
    store_save_node_state(server->store, &(struct store_node){.node = node->number,
                                                              .machine = node->machine,
                                                              .forgotten = true,
                                                              .drained = node->drained});
    batch_commit(server);
    event.caller =
        batch_add_caller(server, &(struct caller){.on_reply = on_forgotten, .request = request});
    event.forgotten_node = node->number;
    batch_push(server, &event, NULL);
    agents_close(server, node->number, "this node was taken out of the pool; enrol it again");
}

static void on_drained(struct server *server, struct caller *caller, enum pool_reply reply,
                       uint32_t count)
{
    (void)server;
    if (!caller->request)
        return;
    if (reply == POOL_REPLY_DONE)
        api_reply_json(caller->request, 200, json_pack("{s:I}", "tasks", (json_int_t)count));
    else
        api_reply_error(caller->request, 409, "start its agent first, then drain it",
                        "this node has never been connected");
}

void api_nodes_drain(struct server *server, struct request *request, const char *name,
                     const char *verb, const json_t *body)
{
    struct pool_event event = {.kind = POOL_NODE_DRAINED};
    const struct node_record *node = find_node(server, request, name);

    if (!node)
        return;
    event.drained.node = node->number;
    event.drained.drained = strcmp(verb, "drain") == 0;
    event.drained.now = json_is_true(json_object_get(body, "now"));
    event.caller =
        batch_add_caller(server, &(struct caller){.on_reply = on_drained, .request = request});
    batch_push(server, &event, NULL);
}

static void on_woken(struct server *server, struct caller *caller, enum pool_reply reply,
                     uint32_t count)
{
    (void)server;
    (void)count;
    if (!caller->request)
        return;
    if (reply == POOL_REPLY_DONE)
        api_reply_json(caller->request, 200, json_object());
    else if (reply == POOL_REPLY_NO_WAKER)
        api_reply_error(caller->request, 409,
                        "start an agent on another computer of its segment of the network",
                        "nobody is there who could wake this node");
    else
        api_reply_error(caller->request, 409, "'dusk node show' says how it is",
                        "this node does not sleep");
}

void api_nodes_wake(struct server *server, struct request *request, const char *name)
{
    struct pool_event event = {.kind = POOL_NODE_WOKEN};
    const struct node_record *node = find_node(server, request, name);

    if (!node)
        return;
    event.woken_node = node->number;
    event.caller =
        batch_add_caller(server, &(struct caller){.on_reply = on_woken, .request = request});
    batch_push(server, &event, NULL);
}

struct pool_totals {
    uint32_t nodes[NODE_STATE_COUNT];
    uint64_t cpus, cpus_claimed;
};

static struct pool_totals add_up(struct server *server)
{
    struct pool_totals totals = {0};

    for (size_t i = 0; i < server->records.node_count; i++) {
        struct pool_node_view view = {.state = NODE_OFFLINE};

        if (server->records.nodes[i].forgotten)
            continue;
        (void)pool_view_node(server->pool, (uint32_t)i, &view);
        totals.nodes[view.state]++;
        if (view.state == NODE_OFFLINE)
            continue;
        totals.cpus += view.capacity.cpus;
        totals.cpus_claimed += view.capacity.cpus - view.available.cpus;
    }
    return totals;
}

void api_pool(struct server *server, struct request *request)
{
    struct pool_totals totals = add_up(server);
    struct pool_counts counts = pool_count_all(server->pool);
    json_t *nodes = json_object(), *tasks = json_object();
    const struct api_user *user = &api_call_of(request)->user;

    for (enum node_state state = 0; state < NODE_STATE_COUNT; state++)
        json_object_set_new(nodes, node_state_name(state), json_integer(totals.nodes[state]));
    for (enum task_state state = 0; state < TASK_STATE_COUNT; state++)
        json_object_set_new(tasks, task_state_name(state), json_integer(counts.by_state[state]));
    api_reply_json(
        request, 200,
        json_pack("{s:o,s:I,s:I,s:o,s:I,s:f,s:s,s:s,s:b,s:I,s:I}", "nodes", nodes, "cpus",
                  (json_int_t)totals.cpus, "cpus_claimed", (json_int_t)totals.cpus_claimed, "tasks",
                  tasks, "jobs", (json_int_t)server->records.job_count, "started_at",
                  server->started_at, "version", DUSK_VERSION, "user", user->name, "admin",
                  user->admin, "commits", (json_int_t)store_count_commits(server->store), "results",
                  (json_int_t)server->batch.results));
}

static void metric(struct buffer *text, const char *name, const char *label, const char *value,
                   uint64_t number)
{
    if (label)
        buffer_appendf(text, "dusk_%s{%s=\"%s\"} %llu\n", name, label, value,
                       (unsigned long long)number);
    else
        buffer_appendf(text, "dusk_%s %llu\n", name, (unsigned long long)number);
}

void api_metrics(struct server *server, struct request *request)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    struct pool_totals totals = add_up(server);
    struct pool_counts counts = pool_count_all(server->pool);

    for (enum node_state state = 0; state < NODE_STATE_COUNT; state++)
        metric(&text, "nodes", "state", node_state_name(state), totals.nodes[state]);
    for (enum task_state state = 0; state < TASK_STATE_COUNT; state++)
        metric(&text, "tasks", "state", task_state_name(state), counts.by_state[state]);
    metric(&text, "cpus", NULL, NULL, totals.cpus);
    metric(&text, "cpus_claimed", NULL, NULL, totals.cpus_claimed);
    metric(&text, "commits_total", NULL, NULL, store_count_commits(server->store));
    metric(&text, "results_total", NULL, NULL, server->batch.results);
    metric(&text, "connections", NULL, NULL, listener_connections(server->listener));
    request_reply(request, 200, "text/plain; version=0.0.4", text.data, text.length);
}
