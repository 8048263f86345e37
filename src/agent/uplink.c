/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See uplink.h. A server that is not there is dialled again after 0.1 s, then twice as long each
 * time up to 5 s, give or take a third so that a pool's agents do not come all at once. A server
 * that says no has the last word: it will say so again.
 */
#include "uplink.h"

#include "base/memory.h"
#include "body.h"
#include "sys/clock.h"
#include "sys/log.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    DELAY_FIRST_MS = 100,
    DELAY_MAX_MS = 5000,
    WELCOME_PATIENCE_MS = 15000,
    /* After twice as long without a word the link is dead: well before leases end. */
    PING_INTERVAL_S = 10,
    HEARTBEAT_MIN_MS = 100,
    OLDER_CONNECTION_PATIENCE_MS = 75000, /* a server drops a dead one within 60 s (listener.h) */
    STATUS_DIGITS = 3
};

static void on_timer(uv_timer_t *timer);

/* ---- messages from the server ---- */

static int on_welcome(struct body *body, const struct wire_welcome *welcome)
{
    struct agent_event event = {.kind = AGENT_CONNECTED};
    struct uplink *uplink = &body->uplink;

    if (uplink->is_welcomed || welcome->session == 0)
        return -EPROTO;
    uplink->is_welcomed = true;
    uplink->in_the_way_since_ms = 0;
    uplink->delay_ms = DELAY_FIRST_MS;
    free(uplink->last_complaint);
    uplink->last_complaint = NULL;
    uv_timer_stop(&uplink->timer);
    log_notice("connected to '%s' as '%s'", body->options.settings->host,
               body->options.settings->name);
    event.connected.session = welcome->session;
    event.connected.heartbeat_ms =
        welcome->heartbeat_ms > HEARTBEAT_MIN_MS ? welcome->heartbeat_ms : HEARTBEAT_MIN_MS;
    body_post(body, &event);
    resting_connected(body, welcome->woken);
    fetching_connected(body);
    if (!body->is_ready)
        printf("ready %s\n", body->options.settings->name);
    fflush(stdout);
    body->is_ready = true;
    return 0;
}

/* The brain refuses by not holding it; then nothing else of it is kept. */
static bool is_taken(const struct body *body, uint64_t epoch)
{
    size_t count = agent_count_attempts(body->brain);

    return count > 0 && agent_view_attempt(body->brain, count - 1).epoch == epoch;
}

/* Known first and then posted, because the brain may want its inputs fetched in the same step. */
static void on_start(struct body *body, struct wire_start *start)
{
    struct agent_event event = {.kind = AGENT_START, .epoch = start->epoch};
    struct attempt *attempt;

    if (attempts_find(&body->attempts, start->epoch))
        return;
    event.start.session = start->session;
    event.start.job = start->job;
    event.start.task = start->task;
    event.start.attempt = start->attempt;
    event.start.user = agent_user_number(start->user);
    event.start.request = start->request;
    event.start.answers_ms = start->answers_ms;
    event.start.lease_ms = start->lease_ms;
    event.start.checkpoint = start->checkpoint;
    event.start.saves_to_leave = start->saving.to_leave;
    event.start.vacate_ms = attempt_vacate_ms(start);
    attempt = attempts_add(&body->attempts, start);
    body_post(body, &event);
    if (!is_taken(body, event.epoch))
        attempts_remove(&body->attempts, attempt);
}

/* Epoch 0 says only that the report was heard. */
static void on_renew(struct body *body, const struct wire_renew *renew)
{
    struct agent_event event = {.kind = AGENT_RENEWED, .epoch = renew->epoch};

    if (renew->epoch == 0) {
        resting_answered(body, renew->answers_ms);
        return;
    }
    event.start.session = renew->session;
    event.start.answers_ms = renew->answers_ms;
    event.start.lease_ms = renew->lease_ms;
    body_post(body, &event);
}

/* What became of the checkpoint is for people; the attempt goes on either way. */
static void on_saved(struct body *body, const struct wire_saved *saved)
{
    struct agent_event event = {.kind = AGENT_ACKNOWLEDGED, .epoch = saved->epoch};
    const struct attempt *attempt = attempts_find(&body->attempts, saved->epoch);

    if (attempt && saved->failure != REASON_NONE)
        log_notice("checkpoint %llu of %s is not stored: %s", (unsigned long long)saved->checkpoint,
                   attempt->folder, reason_text(saved->failure));
    event.checkpoint = saved->checkpoint;
    body_post(body, &event);
}

static void on_want(struct body *body, const struct wire_want *want)
{
    outgoing_add(&body->outgoing, want);
    outgoing_pump(&body->outgoing);
}

/* Nothing but a welcome counts as long as there was none. */
static int on_message(void *userdata, struct wire_message *message)
{
    struct body *body = userdata;

    if (message->kind == WIRE_WELCOME)
        return on_welcome(body, &message->welcome);
    if (!body->uplink.is_welcomed)
        return -EPROTO;
    switch (message->kind) {
    case WIRE_START:
        on_start(body, &message->start);
        break;
    case WIRE_STOP:
        body_post_attempt(body, AGENT_STOP, message->epoch, REASON_NONE);
        break;
    case WIRE_FORGET:
        body_post_attempt(body, AGENT_FORGET, message->epoch, REASON_NONE);
        break;
    case WIRE_RENEW:
        on_renew(body, &message->renew);
        break;
    case WIRE_WANT:
        on_want(body, &message->want);
        break;
    case WIRE_END:
        fetching_ended(body, &message->end);
        break;
    case WIRE_CANCEL:
        outgoing_cancel(&body->outgoing, message->stream);
        break;
    case WIRE_SAVED:
        on_saved(body, &message->saved);
        break;
    case WIRE_WAKE:
        resting_wake(body, message->card);
        break;
    case WIRE_HELLO:
    case WIRE_WELCOME:
    case WIRE_REPORT:
    case WIRE_KIND_COUNT:
        return -EPROTO;
    }
    return 0;
}

/* ---- the link's handlers ---- */

/* The hello goes out with the next flush; what was gathered for an older link is void. */
static const char *on_connected(void *userdata, struct link *link)
{
    struct body *body = userdata;
    struct wire_message hello = {.kind = WIRE_HELLO};

    body->uplink.link = link;
    hello.hello = (struct wire_hello){
        .protocol = WIRE_PROTOCOL,
        .version = (char *)DUSK_VERSION,
        .machine = body->options.machine,
        .capacity = body->options.capacity,
        .facts = (char *)body->options.facts,
    };
    resting_describe(body, &body->publishing.found);
    hello.hello.attributes = *publishing_tell_all(body); /* whose they stay */
    wire_batch_clear(&body->uplink.batch);
    wire_batch_append(&body->uplink.batch, &hello);
    uv_timer_start(&body->uplink.timer, on_timer, WELCOME_PATIENCE_MS, 0);
    return NULL;
}

static void on_text(void *userdata, struct link *link, const char *text, size_t length)
{
    struct body *body = userdata;
    struct slice frame = {.data = text, .length = length};
    _cleanup_error_ struct error err = ERROR_INIT;

    if (wire_decode(frame, on_message, body, &err) == 0)
        return;
    log_warning("the server sent what makes no sense: %s", error_text(&err));
    link_close(link, LINK_CLOSE_PROTOCOL, error_text(&err));
}

static void on_binary(void *userdata, struct link *link, const void *data, size_t length)
{
    struct body *body = userdata;
    struct slice bytes;
    uint64_t stream;

    if (wire_piece_read(data, length, &stream, &bytes))
        fetching_piece(body, stream, bytes);
    else
        link_close(link, LINK_CLOSE_PROTOCOL, "a piece without a header");
}

static void on_writable(void *userdata, struct link *link)
{
    struct body *body = userdata;

    (void)link;
    outgoing_pump(&body->outgoing);
}

/* Said once, not at every try. */
static void complain(struct uplink *uplink, const char *reason)
{
    if (uplink->last_complaint && strcmp(uplink->last_complaint, reason) == 0)
        return;
    free(uplink->last_complaint);
    uplink->last_complaint = memory_copy_string(reason);
    log_warning("not connected: %s; trying again", reason);
}

/* "403: …" is the server's own word, and the next try would hear it as well. */
static bool is_final(unsigned int code, const char *reason)
{
    bool is_status = strspn(reason, "0123456789") == STATUS_DIGITS &&
                     strncmp(reason + STATUS_DIGITS, ": ", 2) == 0;

    return code == LINK_CLOSE_REFUSED ||
           (is_status && reason[0] == '4' && strncmp(reason, "429", STATUS_DIGITS) != 0);
}

/*
 * Whether the server had the time to find out that our older connection is dead, and it is not. An
 * agent that was welcome before has lost that connection itself, and waits for as long as it takes.
 */
static bool is_taken_for_a_copy(struct body *body, unsigned int code)
{
    struct uplink *uplink = &body->uplink;
    uint64_t now_ms = clock_boot_ms();

    if (code != LINK_CLOSE_TRY_LATER) {
        uplink->in_the_way_since_ms = 0;
        return false;
    }
    if (uplink->in_the_way_since_ms == 0)
        uplink->in_the_way_since_ms = now_ms;
    return !body->is_ready && now_ms - uplink->in_the_way_since_ms > OLDER_CONNECTION_PATIENCE_MS;
}

/* The clock's microseconds are random enough to spread agents that lost the same server. */
static void dial_later(struct body *body)
{
    struct uplink *uplink = &body->uplink;
    uint64_t spread_ms = uplink->delay_ms / 3;

    if (body->is_ending)
        return;
    uv_timer_start(&uplink->timer, on_timer,
                   uplink->delay_ms - spread_ms + clock_boot_us() % (2 * spread_ms + 1), 0);
    uplink->delay_ms = uplink->delay_ms * 2 < DELAY_MAX_MS ? uplink->delay_ms * 2 : DELAY_MAX_MS;
}

static void give_up(struct body *body, const char *reason)
{
    _cleanup_buffer_ struct buffer hint = BUFFER_INIT;

    buffer_appendf(&hint, "what this node is known by lies in '%s'", body->options.state->identity);
    body_give_up(body, reason, buffer_text(&hint));
}

/* Streams end with the link that carried them; attempts do not, that is what leases are for. */
static void on_closed(void *userdata, struct link *link, unsigned int code, const char *reason)
{
    struct agent_event event = {.kind = AGENT_DISCONNECTED};
    struct body *body = userdata;
    struct uplink *uplink = &body->uplink;
    bool was_welcomed = uplink->is_welcomed;

    (void)link;
    uplink->link = NULL;
    uplink->is_welcomed = false;
    wire_batch_clear(&uplink->batch);
    uv_timer_stop(&uplink->timer);
    outgoing_clear(&body->outgoing);
    fetching_disconnected(body);
    if (was_welcomed)
        body_post(body, &event);
    if (body->is_ending || body->resting.sleeping.phase == SLEEPING_GOING)
        return;
    if (is_taken_for_a_copy(body, code)) {
        give_up(body, "an older connection of this node does not end; "
                      "if this is a copy, enrol it anew");
    } else if (is_final(code, reason)) {
        give_up(body, reason);
    } else {
        complain(uplink, reason);
        dial_later(body);
    }
}

/* ---- dialling ---- */

static void dial(struct body *body)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    if (dialer_dial(body->uplink.dialer, &err) < 0) {
        complain(&body->uplink, error_text(&err));
        dial_later(body);
    }
}

/* One timer serves both: there is either a link that owes its welcome, or none. */
static void on_timer(uv_timer_t *timer)
{
    struct body *body = timer->data;

    if (body->uplink.link)
        link_close(body->uplink.link, LINK_CLOSE_PROTOCOL, "the server did not say welcome");
    else if (!body->is_ending)
        dial(body);
}

void uplink_begin(struct body *body)
{
    if (!body->is_ending)
        dial(body);
}

int uplink_init(struct body *body, struct error *err)
{
    struct dialer_options options = {
        .loop = &body->loop,
        .host = body->options.settings->host,
        .port = body->options.settings->port,
        .identity_folder = body->options.state->identity,
        .ping_interval_s = PING_INTERVAL_S,
        .handlers = {.on_connected = on_connected,
                     .on_text = on_text,
                     .on_binary = on_binary,
                     .on_writable = on_writable,
                     .on_closed = on_closed},
        .userdata = body,
    };

    body->uplink = (struct uplink){.delay_ms = DELAY_FIRST_MS};
    uv_timer_init(&body->loop, &body->uplink.timer);
    body->uplink.timer.data = body;
    return dialer_new(&options, &body->uplink.dialer, err);
}

void uplink_deinit(struct uplink *uplink)
{
    uplink->dialer = dialer_free(uplink->dialer);
    wire_batch_deinit(&uplink->batch);
    free(uplink->last_complaint);
    uplink->last_complaint = NULL;
}

/* ---- sending ---- */

bool uplink_is_up(const struct uplink *uplink)
{
    return uplink->link && uplink->is_welcomed;
}

const char *uplink_problem(const struct uplink *uplink)
{
    if (uplink_is_up(uplink))
        return NULL;
    return uplink->last_complaint ? uplink->last_complaint : "it has not answered yet";
}

bool uplink_has_room(const struct uplink *uplink)
{
    return uplink_is_up(uplink) && link_queued_bytes(uplink->link) < LINK_QUEUE_HIGH;
}

/* A frame that cannot go closes the link; everything is said again on the next one. */
void uplink_flush(struct body *body)
{
    struct uplink *uplink = &body->uplink;
    int r;

    if (!uplink->link || !wire_batch_close(&uplink->batch))
        return;
    r = link_send_text(uplink->link, uplink->batch.frame.data, uplink->batch.frame.length);
    wire_batch_clear(&uplink->batch);
    if (r < 0 && r != -ENOTCONN)
        link_close(uplink->link, LINK_CLOSE_TOO_LARGE, "a frame became too large");
}

void uplink_close(struct body *body)
{
    uv_timer_stop(&body->uplink.timer);
    if (body->uplink.link)
        link_close(body->uplink.link, LINK_CLOSE_GOING_AWAY, "the agent ends");
}
