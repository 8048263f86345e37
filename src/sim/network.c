/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages between the server and the computers. TCP would neither lose, repeat nor reorder within
 * a connection; here all three happen, because the brains promise to bear them, and because they
 * stand for what a proxy, a bug or a restart does. A cut swallows everything one way, or holds it
 * back until it is over, as TCP does; both sides find out by silence.
 */
#include "world.h"

#include "base/memory.h"

#include <string.h>

struct message *message_new(enum message_kind kind, uint32_t computer, uint64_t session)
{
    struct message *message = memory_allocate(sizeof(*message));

    message->kind = kind;
    message->computer = computer;
    message->node = NONE;
    message->session = session;
    return message;
}

void message_free(struct message *message)
{
    if (message)
        free(message->items);
    free(message);
}

static struct message *message_copy(const struct message *message)
{
    struct message *copy = message_new(message->kind, message->computer, message->session);

    *copy = *message;
    copy->items = (void *)memory_copy_bytes(message->items,
                                            message->report.item_count * sizeof(*message->items));
    copy->report.items = copy->items;
    return copy;
}

static void schedule_at(struct world *world, uint64_t at_ms, uint32_t to, struct message *message)
{
    world_schedule(world, at_ms,
                   (struct happening){.kind = HAPPEN_MESSAGE, .computer = to, .message = message});
}

/* Each message has a delay of its own, so they overtake each other. */
static void network_schedule(struct world *world, uint32_t to, struct message *message)
{
    uint64_t late_ms = world_fault(world, world->options.late) ? 20000 : 20;

    schedule_at(world, world_delay(world, 0, late_ms), to, message);
}

/* Takes the message over if it is the one that a script has something in mind for. */
static bool meets_mishap(struct world *world, uint32_t to, struct message *message)
{
    struct mishap *mishap = &world->mishap;

    if (!mishap->wanted || mishap->computer != message->computer || mishap->kind != message->kind)
        return false;
    if (message->kind == MESSAGE_SEND && mishap->effect != message->effect.kind)
        return false;
    mishap->wanted = false;
    world_trace(world, "a message %s pc%u is %s", to == SERVER ? "from" : "to",
                message->computer + 1, mishap->late_ms > 0 ? "late" : "lost");
    if (mishap->late_ms > 0)
        schedule_at(world, world->now_ms + mishap->late_ms, to, message);
    else
        message_free(message);
    return true;
}

/* One place for all that can go wrong on the way; who sends cannot know, and is told nothing. */
void network_send(struct world *world, uint32_t to, struct message *message)
{
    struct computer *computer = &world->computers[message->computer];
    bool cut = to == SERVER ? computer->cut_out : computer->cut_in;

    world->result.messages++;
    if (cut && computer->cut_until_ms > world->now_ms) {
        schedule_at(world, computer->cut_until_ms, to, message);
        return;
    }
    if (cut || world_fault(world, world->options.loss)) {
        message_free(message);
        return;
    }
    if (meets_mishap(world, to, message))
        return;
    if (world_fault(world, world->options.repeat))
        network_schedule(world, to, message_copy(message));
    network_schedule(world, to, message);
}

static struct message *hello_new(const struct computer *computer, uint32_t number, uint64_t session)
{
    struct message *hello = message_new(MESSAGE_HELLO, number, session);

    hello->node = computer->node;
    hello->machine = computer->machine;
    hello->capacity = computer->capacity;
    return hello;
}

/*
 * The node's number is in it, so that an answer to a session finds its computer after a restart,
 * too.
 */
static uint64_t next_session(struct world *world, const struct computer *computer)
{
    return ++world->last_session << NUMBER_BITS | computer->node;
}

void network_dial(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];

    computer->dialled = next_session(world, computer);
    computer->heard_ms = world->now_ms;
    network_send(world, SERVER, hello_new(computer, number, computer->dialled));
}

/* The other side may hear of it late or never; until then it thinks the session stands. */
void network_close(struct world *world, uint32_t number)
{
    struct computer *computer = &world->computers[number];
    struct message *message;

    computer->dialled = 0;
    if (computer->session == 0)
        return;
    message = message_new(MESSAGE_CLOSED, number, computer->session);
    message->node = computer->node;
    computer->session = 0;
    network_send(world, SERVER, message);
}

/* And was heard lately: a connection that is silent for long gives way to a new one. */
static bool is_connected(const struct world *world, const struct computer *computer)
{
    const struct connection *connection = &world->server.connections[computer->node];

    return computer->session != 0 && connection->session == computer->session &&
           world->now_ms - connection->heard_ms <= HEARTBEAT_MS;
}

/* A copied folder can only be told from its original while that one is connected. */
void network_clone(struct world *world, uint32_t number, bool same_machine)
{
    struct computer *computer = &world->computers[number];
    struct message *hello, *report;

    if (computer->forgotten || (same_machine && !is_connected(world, computer)))
        return;
    /* An identity belongs to the computer that uses it first, and that one is the original here. */
    if (world->server.disk.nodes[computer->node].machine != computer->machine)
        return;
    hello = hello_new(computer, number, next_session(world, computer));
    hello->from_clone = true;
    hello->machine += same_machine ? 0 : 1000000;
    world_trace(world, "a clone of pc%u dials in", number + 1);
    report = message_new(MESSAGE_REPORT, number, hello->session);
    report->node = computer->node;
    report->from_clone = true;
    report->report = (struct pool_report){.node = computer->node,
                                          .session = hello->session,
                                          .highest_epoch = computer->saved_epoch,
                                          .full = true};
    world_schedule(
        world, world->now_ms + 1,
        (struct happening){.kind = HAPPEN_MESSAGE, .computer = SERVER, .message = hello});
    world_schedule(
        world, world->now_ms + 50,
        (struct happening){.kind = HAPPEN_MESSAGE, .computer = SERVER, .message = report});
}

static void deliver_to_server(struct world *world, struct message *message)
{
    struct connection *connection = &world->server.connections[message->node];
    struct pool_event event = {.kind = POOL_NODE_REPORTED};

    if (message->kind == MESSAGE_HELLO) {
        event.kind = POOL_NODE_CONNECTED;
        /* The caller is the session, so that the reply finds its way. */
        event.caller = message->session;
        event.connected.node = message->node;
        event.connected.session = message->session;
        event.connected.machine = message->machine;
        event.connected.capacity = message->capacity;
    } else if (message->kind == MESSAGE_CLOSED) {
        event.kind = POOL_NODE_DISCONNECTED;
        event.disconnected.node = message->node;
        event.disconnected.session = message->session;
        if (connection->session == message->session)
            connection->session = 0;
    } else {
        event.reported = message->report;
        if (connection->session == message->session)
            connection->heard_ms = world->now_ms;
    }
    server_receive(world, &event, message);
    if (event.kind == POOL_NODE_CONNECTED)
        classes_hello(world, event.connected.node);
}

/* Whoever writes to a connection that is no more learns it, if anything reaches him. */
static void reset(struct world *world, const struct message *message)
{
    if (message->kind == MESSAGE_REPORT && !message->from_clone &&
        world->server.connections[message->node].session != message->session)
        network_send(world, message->computer,
                     message_new(MESSAGE_RESET, message->computer, message->session));
}

static void deliver_welcome(struct world *world, const struct message *message)
{
    struct computer *computer = &world->computers[message->computer];

    if (computer->dialled != message->session || computer->session == message->session)
        return;
    computer->session = message->session;
    computer_step(world, message->computer,
                  (struct agent_event){
                      .kind = AGENT_CONNECTED,
                      .connected = {.session = message->session, .heartbeat_ms = HEARTBEAT_MS}});
}

static struct agent_event event_of_send(const struct world *world, const struct pool_effect *effect)
{
    struct agent_event event = {.kind = AGENT_START, .epoch = effect->send.epoch};

    if (effect->kind == POOL_SEND_STOP)
        event.kind = AGENT_STOP;
    if (effect->kind == POOL_SEND_FORGET)
        event.kind = AGENT_FORGET;
    if (effect->kind == POOL_SEND_RENEW)
        event.kind = AGENT_RENEWED;
    if (effect->kind == POOL_SEND_SAVED) {
        event.kind = AGENT_ACKNOWLEDGED;
        event.checkpoint = effect->send.checkpoint;
    }
    if (effect->kind == POOL_SEND_START || effect->kind == POOL_SEND_RENEW) {
        event.start.session = effect->send.session;
        event.start.job = effect->send.job;
        event.start.task = effect->send.task;
        event.start.attempt = effect->send.attempt;
        event.start.request = effect->send.request;
        event.start.answers_ms = effect->send.answers_ms;
        event.start.lease_ms = effect->send.lease_ms;
        event.start.checkpoint = effect->send.checkpoint;
        event.start.saves_to_leave = saving_leaves(world, effect->send.job);
    }
    return event;
}

static void deliver_to_computer(struct world *world, const struct message *message)
{
    struct computer *computer = &world->computers[message->computer];

    if (computer->power != POWER_ON || !computer->agent)
        return;
    if (message->kind == MESSAGE_WELCOME) {
        computer->heard_ms = world->now_ms;
        deliver_welcome(world, message);
    } else if (message->kind == MESSAGE_RESET && message->session == computer->session) {
        computer_disconnected(world, message->computer);
    } else if (message->kind == MESSAGE_SEND && message->session == computer->session) {
        computer->heard_ms = world->now_ms;
        if (message->effect.kind == POOL_SEND_SAVED)
            saving_acknowledged(world, message->computer, &message->effect);
        computer_step(world, message->computer, event_of_send(world, &message->effect));
        if (message->effect.kind == POOL_SEND_RENEW && message->effect.send.epoch == 0)
            rest_answered(world, message->computer, message->effect.send.answers_ms);
    }
}

/* Who stands still shakes nobody's hand: such a hello does not even leave its computer. */
static bool reaches_server(const struct sim_server *server, const struct message *message)
{
    return server->pool && !(server->committing && message->kind == MESSAGE_HELLO);
}

void network_deliver(struct world *world, const struct happening *happening)
{
    struct message *message = happening->message;

    if (happening->computer == SERVER)
        reset(world, message);
    if (happening->computer == SERVER && reaches_server(&world->server, message)) {
        deliver_to_server(world, message);
        return;
    }
    if (happening->computer != SERVER)
        deliver_to_computer(world, message);
    message_free(message);
}
