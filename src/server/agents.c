/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The links to the agents. What they say becomes events for the brain; what the brain wants said is
 * gathered per link and leaves once per turn of the loop.
 *
 * A link belongs to a node by its certificate, and to a session once its hello was accepted. Until
 * then nothing of it is believed.
 */
#include "server.h"

#include "base/memory.h"
#include "sys/clock.h"
#include "sys/log.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* What a link is told in one turn goes out in one frame, until that is about so large. */
enum { FRAME_SIZE = 1 << 20, STARTS_QUEUED_MAX = LINK_QUEUE_MAX / 4 };

/*
 * How long an answer proves that a link is alive: longer than an agent waits between two dials
 * (agent-protocol.md), so that one that is refused and dials again finds it.
 */
enum { ANSWER_COUNTS_MS = 10000 };

struct agent_link *agents_find(struct server *server, uint32_t node, uint64_t session)
{
    struct agent_link *link;

    if (node >= server->records.node_count)
        return NULL;
    link = server->records.nodes[node].link;
    return link && link->session == session ? link : NULL;
}

static void link_flush(struct agent_link *link)
{
    if (!wire_batch_close(&link->outgoing))
        return;
    /* A link that cannot take it is closing; its session ends with it. */
    (void)link_send_text(link->link, link->outgoing.frame.data, link->outgoing.frame.length);
    wire_batch_clear(&link->outgoing);
}

void agents_append(struct agent_link *link, const struct wire_message *message)
{
    wire_batch_append(&link->outgoing, message);
    if (link->outgoing.frame.length >= FRAME_SIZE)
        link_flush(link);
    if (link->to_flush)
        return;
    link->to_flush = true;
    link->next_to_flush = link->server->links_to_flush;
    link->server->links_to_flush = link;
}

void agents_flush(struct server *server)
{
    while (server->links_to_flush) {
        struct agent_link *link = server->links_to_flush;

        server->links_to_flush = link->next_to_flush;
        link->to_flush = false;
        link_flush(link);
    }
}

void agents_close(struct server *server, uint32_t node, const char *reason)
{
    struct agent_link *link =
        node < server->records.node_count ? server->records.nodes[node].link : NULL;

    if (link)
        link_close(link->link, LINK_CLOSE_REFUSED, reason);
}

/* The hello's answer. */

static const char *refusal(enum pool_reply reply)
{
    switch (reply) {
    case POOL_REPLY_NODE_IS_CLONE:
        return "this identity was made on another computer; remove it here and enrol again";
    case POOL_REPLY_NODE_IS_CONNECTED:
        return "another agent with this identity is connected; if this is a copy, enrol it anew";
    case POOL_REPLY_NODE_IS_FORGOTTEN:
        return "this node was taken out of the pool; enrol it again";
    case POOL_REPLY_DONE:
    case POOL_REPLY_NO_SUCH_JOB:
    case POOL_REPLY_NO_SUCH_TASK:
    case POOL_REPLY_WRONG_STATE:
    case POOL_REPLY_NO_WAKER:
    case POOL_REPLY_NODE_ACCEPTED:
        break;
    }
    return NULL;
}

/*
 * Whether somebody else is at the other end of the node's older link. One that broke in the network
 * looks alive for long, and what it brings may have been on its way for long; so it is asked, and
 * until it has answered nobody knows. May be NULL: that link is going already.
 */
static bool is_alive(struct agent_link *older)
{
    uint64_t now_ms = clock_boot_ms();

    if (!older)
        return false;
    if (older->asked_ms != 0 && now_ms - older->asked_ms < ANSWER_COUNTS_MS)
        return link_has_answered(older->link);
    older->asked_ms = now_ms;
    link_ask(older->link);
    return false;
}

static struct agent_link *link_of_session(struct server *server, uint64_t session)
{
    uint64_t value;

    if (!map_get(&server->links_by_session, session, &value))
        return NULL;
    return (struct agent_link *)(uintptr_t)value;
}

static void on_hello_answer(struct server *server, struct caller *caller, enum pool_reply reply,
                            uint32_t count)
{
    struct agent_link *link = link_of_session(server, caller->session);
    const char *why = refusal(reply);
    unsigned int code = LINK_CLOSE_REFUSED;
    struct node_record *node;

    (void)count;
    if (!link)
        return;
    node = &server->records.nodes[link->node];
    if (reply == POOL_REPLY_NODE_IS_CONNECTED && !is_alive(node->link)) {
        why = "an older connection of this node is open and may be dead";
        code = LINK_CLOSE_TRY_LATER;
    }
    if (why) {
        log_notice("node %s at %s is refused: %s", node->name, link_peer(link->link)->address, why);
        map_remove(&server->links_by_session, link->session);
        link->session = 0;
        link_close(link->link, code, why);
        return;
    }
    node->link = link;
    node->session = link->session;
    attributes_hear(node, &link->attributes);
    attributes_deinit(&link->attributes);
    matching_classify_node(server, node);
    waking_look_at_node(server, node);
    log_notice("node %s is connected from %s", node->name, link_peer(link->link)->address);
    agents_append(
        link, &(struct wire_message){.kind = WIRE_WELCOME,
                                     .welcome = {.session = link->session,
                                                 .heartbeat_ms = server->options.pool.heartbeat_ms,
                                                 .lease_ms = server->options.pool.lease_ms,
                                                 .woken = node->woken}});
    node->woken = false;
}

/* What a report has made known of its node beside its attempts. */
static void write_news(struct server *server, void *userdata)
{
    struct node_record *node = &server->records.nodes[(uintptr_t)userdata];

    usage_count(server, node);
    attributes_save(server, node);
    free_time_save(server, node);
}

/* The connection is gone, and with it what is known of the node. */
static void write_gone(struct server *server, void *userdata)
{
    struct node_record *node = &server->records.nodes[(uintptr_t)userdata];

    node->usage.lent_next = false;
    usage_count(server, node);
}

/* The facts of a node and when it was last seen, stored with the event of its hello. */
static void write_facts(struct server *server, void *userdata)
{
    struct node_record *node = &server->records.nodes[(uintptr_t)userdata];
    _cleanup_free_ char *facts = json_dumps(node->facts, JSON_COMPACT);

    store_save_node_facts(server->store, node->number, node->last_seen_at, facts);
}

static void hear_hello(struct agent_link *link, struct wire_hello *hello)
{
    struct server *server = link->server;
    struct node_record *node = &server->records.nodes[link->node];
    struct pool_event event = {.kind = POOL_NODE_CONNECTED};
    struct rider rider = {.write = write_facts, .userdata = (void *)(uintptr_t)link->node};

    if (link->session != 0)
        return;
    if (server->room.still) {
        link_close(link->link, LINK_CLOSE_TRY_LATER, "the disk of the server is full");
        return;
    }
    if (hello->protocol != WIRE_PROTOCOL) {
        link_close(link->link, LINK_CLOSE_REFUSED,
                   "this agent speaks another protocol version; install the server's version");
        return;
    }
    link->session = ++server->last_session;
    map_put(&server->links_by_session, link->session, (uint64_t)(uintptr_t)link);
    json_decref(node->facts);
    node->facts = json_loads(hello->facts, 0, NULL);
    link->attributes = hello->attributes;
    hello->attributes = ATTRIBUTES_INIT;
    free_time_come_back(node, (double)server->options.pool.lease_ms / 1000, clock_wall_seconds());
    node->last_seen_at = clock_wall_seconds();
    event.caller = batch_add_caller(
        server, &(struct caller){.on_reply = on_hello_answer, .session = link->session});
    event.connected.node = link->node;
    event.connected.session = link->session;
    event.connected.machine = hello->machine;
    event.connected.capacity = hello->capacity;
    batch_push_with(server, &event, NULL, &rider);
}

/*
 * The results of ended attempts stay here until the brain has decided about them. A node speaks for
 * its own claims alone, and the claim says whose result it is: a node that names another node's
 * task, or an attempt that was given up, is not heard.
 */
static bool is_worth_keeping(const struct wire_attempt *attempt)
{
    if (attempt->state != ATTEMPT_ENDED)
        return attempt->checkpoint.number != 0;
    return attempt->outcome != OUTCOME_LOST && attempt->outcome != OUTCOME_VACATED;
}

static void keep_results(struct agent_link *link, struct wire_report *report)
{
    struct server *server = link->server;

    for (size_t i = 0; i < report->attempt_count; i++) {
        struct wire_attempt *attempt = &report->attempts[i];
        struct pool_task_row claim;
        const struct ended_attempt *ended;

        if (!is_worth_keeping(attempt))
            continue;
        if (!pool_view_claim(server->pool, attempt->epoch, &claim) || claim.node != link->node)
            continue;
        if (attempt->state != ATTEMPT_ENDED) {
            records_keep_checkpoint(&server->records, claim.job, claim.task, claim.epoch,
                                    &attempt->checkpoint);
            continue;
        }
        /* It is said again and again, until the claim ends. */
        ended = records_find_ended(&server->records, claim.job, claim.task);
        if (!ended || ended->epoch != claim.epoch)
            records_keep_ended(&server->records, claim.job, claim.task, claim.epoch,
                               &attempt->result);
    }
}

/*
 * The attributes are heard in any case, because changes are told once; they are saved with this
 * report or with the next one that is acted upon.
 */
static int hear_report(struct agent_link *link, struct wire_report *report, struct error *err)
{
    struct node_record *node = &link->server->records.nodes[link->node];
    struct rider rider = {.write = write_news, .userdata = (void *)(uintptr_t)link->node};
    struct pool_event event = {.kind = POOL_NODE_REPORTED};
    struct pool_report_item *items;

    if (report->session != link->session || link->session == 0)
        return 0;
    if (attributes_hear_changes(node, &report->changes, err) < 0)
        return -EPROTO;
    /* A report that cannot be acted upon is said again by the next full one. */
    if (link->server->room.still)
        return 0;
    items = memory_allocate((report->attempt_count + 1) * sizeof(*items));
    for (size_t i = 0; i < report->attempt_count; i++)
        items[i] = (struct pool_report_item){.epoch = report->attempts[i].epoch,
                                             .state = report->attempts[i].state,
                                             .outcome = report->attempts[i].outcome,
                                             .reason = report->attempts[i].reason,
                                             .checkpoint = report->attempts[i].checkpoint.number};
    keep_results(link, report);
    node->last_seen_at = clock_wall_seconds();
    owners_hear(node, &report->owner, node->last_seen_at);
    node->usage.lent_next = !report->owner_present && !report->leaving;
    free_time_hear(node, !report->owner_present && !report->leaving, node->last_seen_at);
    event.reported = (struct pool_report){.node = link->node,
                                          .session = report->session,
                                          .sent_ms = report->sent_ms,
                                          .highest_epoch = report->highest_epoch,
                                          .full = report->full,
                                          .owner_present = report->owner_present,
                                          .leaving = report->leaving,
                                          .asleep = report->asleep,
                                          .lent_ms = report->lent_ms,
                                          .items = items,
                                          .item_count = report->attempt_count};
    matching_classify_node(link->server, node);
    batch_push_with(link->server, &event, items, &rider);
    return 0;
}

/* A frame of a link, and what is wrong with it. */
struct hearing {
    struct agent_link *link;
    struct error *err;
};

static int hear(void *userdata, struct wire_message *message)
{
    const struct hearing *hearing = userdata;
    struct agent_link *link = hearing->link;

    switch (message->kind) {
    case WIRE_HELLO:
        hear_hello(link, &message->hello);
        return 0;
    case WIRE_REPORT:
        return hear_report(link, &message->report, hearing->err);
    case WIRE_WANT:
        streams_serve(link, &message->want);
        return 0;
    case WIRE_END:
        streams_ended(link, &message->end);
        return 0;
    case WIRE_CANCEL:
        streams_cancel_out(link, message->stream);
        return 0;
    case WIRE_WELCOME:
    case WIRE_START:
    case WIRE_STOP:
    case WIRE_FORGET:
    case WIRE_RENEW:
    case WIRE_SAVED:
    case WIRE_WAKE:
    case WIRE_KIND_COUNT:
        break;
    }
    return error_set(hearing->err, -EPROTO, "an agent does not say that");
}

static const char *on_connected(void *userdata, struct link *raw)
{
    struct server *server = userdata;
    struct node_record *node = records_find_node(&server->records, link_peer(raw)->name);
    struct agent_link *link;

    if (!node)
        return "this node is not known here any more; enrol it again";
    link = memory_allocate(sizeof(*link));
    link->link = raw;
    link->server = server;
    link->node = node->number;
    link_set_userdata(raw, link);
    return NULL;
}

static void on_text(void *userdata, struct link *raw, const char *text, size_t length)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    struct agent_link *link = link_userdata(raw);
    struct hearing hearing = {.link = link, .err = &err};

    (void)userdata;
    if (!link || wire_decode((struct slice){text, length}, hear, &hearing, &err) == 0)
        return;
    log_warning("node %s does not keep to the protocol: %s",
                link->server->records.nodes[link->node].name, error_text(&err));
    link_close(raw, LINK_CLOSE_PROTOCOL, "that was no message of this protocol");
}

static void on_binary(void *userdata, struct link *raw, const void *data, size_t length)
{
    struct agent_link *link = link_userdata(raw);

    (void)userdata;
    if (link)
        streams_piece(link, data, length);
}

static void on_writable(void *userdata, struct link *raw)
{
    struct agent_link *link = link_userdata(raw);

    (void)userdata;
    if (link)
        streams_pump(link);
}

static void unlink_link(struct server *server, struct agent_link *link)
{
    struct agent_link **place = &server->links_to_flush;

    if (link->session != 0)
        map_remove(&server->links_by_session, link->session);
    while (link->to_flush && *place != link)
        place = &(*place)->next_to_flush;
    if (link->to_flush)
        *place = link->next_to_flush;
}

static void on_closed(void *userdata, struct link *raw, unsigned int code, const char *reason)
{
    struct agent_link *link = link_userdata(raw);
    struct server *server = userdata;
    struct node_record *node;

    if (!link)
        return;
    node = &server->records.nodes[link->node];
    collect_break(server, link);
    checkpoint_break(server, link);
    streams_break(link);
    if (node->link == link) {
        log_notice("node %s is disconnected (%u%s%s)", node->name, code, *reason ? ": " : "",
                   reason);
        node->link = NULL;
        batch_push_with(
            server,
            &(struct pool_event){.kind = POOL_NODE_DISCONNECTED,
                                 .disconnected = {link->node, link->session}},
            NULL, &(struct rider){.write = write_gone, .userdata = (void *)(uintptr_t)link->node});
    }
    unlink_link(server, link);
    wire_batch_deinit(&link->outgoing);
    attributes_deinit(&link->attributes);
    free(link);
}

const struct link_handlers agents_handlers = {.on_connected = on_connected,
                                              .on_text = on_text,
                                              .on_binary = on_binary,
                                              .on_writable = on_writable,
                                              .on_closed = on_closed};

/* The brain's effects. */

static void refuse_start(struct server *server, const struct pool_effect *effect,
                         const struct error *err)
{
    struct wire_result result = {.exit_code = -1, .detail = memory_copy_string(error_text(err))};

    records_keep_ended(&server->records, effect->send.job, effect->send.task, effect->send.epoch,
                       &result);
    batch_push(server,
               &(struct pool_event){
                   .kind = POOL_REFUSED,
                   .collected = {.epoch = effect->send.epoch, .failure = REASON_CANNOT_EXPAND}},
               NULL);
}

static void perform_start(struct agent_link *link, const struct pool_effect *effect)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    struct server *server = link->server;
    struct job_record *job = records_find_job(&server->records, effect->send.job);
    struct wire_message message = {.kind = WIRE_START};

    assert(job);
    /* A node that is slow to read gets no more to do meanwhile: what its reports do not show is
     * sent again. Renewals are small, and must not wait behind starts that do not come through. */
    if (link_queued_bytes(link->link) + link->outgoing.frame.length > STARTS_QUEUED_MAX)
        return;
    message.start.session = effect->send.session;
    message.start.epoch = effect->send.epoch;
    message.start.job = effect->send.job;
    message.start.task = effect->send.task;
    message.start.attempt = effect->send.attempt;
    message.start.request = effect->send.request;
    message.start.gpus_given = true;
    message.start.answers_ms = effect->send.answers_ms;
    message.start.lease_ms = effect->send.lease_ms;
    message.start.checkpoint = effect->send.checkpoint;
    if (order_fill(server, job, effect->send.task, &server->records.nodes[link->node],
                   &message.start, &err) < 0)
        refuse_start(server, effect, &err);
    else
        agents_append(link, &message);
    wire_start_deinit(&message.start);
}

void agents_perform(struct server *server, const struct pool_effect *effect)
{
    struct agent_link *link = link_of_session(server, effect->send.session);
    struct wire_message message = {.kind = WIRE_FORGET, .epoch = effect->send.epoch};

    if (!link)
        return;
    switch (effect->kind) {
    case POOL_SEND_START:
        perform_start(link, effect);
        return;
    case POOL_SEND_STOP:
        message.kind = WIRE_STOP;
        break;
    case POOL_SEND_FORGET:
        break;
    case POOL_SEND_RENEW:
        message = (struct wire_message){.kind = WIRE_RENEW,
                                        .renew = {.session = effect->send.session,
                                                  .epoch = effect->send.epoch,
                                                  .answers_ms = effect->send.answers_ms,
                                                  .lease_ms = effect->send.lease_ms}};
        break;
    case POOL_SEND_SAVED:
        message = (struct wire_message){.kind = WIRE_SAVED,
                                        .saved = {.epoch = effect->send.epoch,
                                                  .checkpoint = effect->send.checkpoint,
                                                  .failure = effect->send.reason}};
        break;
    case POOL_CLOSE_SESSION:
        link_close(link->link, LINK_CLOSE_NORMAL, "replaced by a newer connection");
        return;
    case POOL_SAVE_JOB:
    case POOL_SAVE_PART:
    case POOL_SAVE_TASK:
    case POOL_SAVE_NODE:
    case POOL_SAVE_EPOCH:
    case POOL_WAKE:
    case POOL_COLLECT:
    case POOL_COLLECT_CHECKPOINT:
    case POOL_CHECKPOINTED:
    case POOL_REPLY:
    case POOL_JOB_OVER:
    case POOL_TRACE:
        abort();
    }
    agents_append(link, &message);
}
