/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See link.h. libwebsockets sends only from its WRITEABLE callback, so a link keeps a queue of
 * frames and sends them in pieces: a piece is handed over, and as long as libwebsockets could pass
 * all of it to the kernel the next one follows. Each turn ends after a while, so that a fast reader
 * with a long queue does not stop the others.
 *
 * A message that came in several pieces is put together; one that came whole is handed on from a
 * buffer that is kept, so that small messages cost no allocation.
 */
#include "link_internal.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "loop_context.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum {
    TURN_SIZE = 1 << 20,
    INCOMING_KEPT = 4 << 10,   /* a larger buffer is given back after each message */
    CLOSE_TIMEOUT_S = 10,      /* from the decision to close to the end, at the latest */
    DIRECT_SIZE_MAX = 4 << 10, /* what is sent without waiting for the loop */
    QUESTION_DIGITS = 16
};

/*
 * libwebsockets writes a frame's header into the room before the data, so that both leave in one
 * piece; hence the room, and hence a copy of what the program only lends.
 */
struct frame {
    struct frame *next;
    size_t length;
    size_t sent;
    bool binary;
    unsigned char bytes[]; /* LWS_PRE bytes of room, then the message */
};

struct link {
    struct lws *wsi;
    struct peer_record record;
    const struct link_handlers *handlers;
    void *handlers_userdata;
    void *userdata;
    bool announced;

    struct frame *first, **last;
    size_t queued_bytes;
    bool was_high; /* the queue had LINK_QUEUE_LOW bytes or more since on_writable */

    struct buffer incoming;

    struct link_watch *watch;
    struct deadline deadline; /* of its silence, or of its answer */
    uint64_t question;        /* the number of the last one; 0: it was never asked */
    uint64_t answered;        /* the number of the last one that it answered */
    bool ping_due;

    bool closing;            /* we decided to close */
    bool close_begun;        /* and told libwebsockets */
    unsigned int close_code; /* ours or the peer's, whoever was first */
    char *close_reason;
};

static void close_at_once(struct link *link, unsigned int code, const char *reason);

static struct link *link_of(struct deadline *deadline)
{
    return (void *)((char *)deadline - offsetof(struct link, deadline));
}

static void on_silent(struct deadline *deadline)
{
    link_ask(link_of(deadline));
}

static void on_unanswered(struct deadline *deadline)
{
    close_at_once(link_of(deadline), LINK_CLOSE_LOST, "the connection was lost");
}

void link_watch_init(struct link_watch *watch, uv_loop_t *loop, uint64_t interval_ms)
{
    deadlines_init(&watch->silence, loop, interval_ms, on_silent);
    deadlines_init(&watch->answer, loop, interval_ms, on_unanswered);
}

void link_watch_close(struct link_watch *watch)
{
    deadlines_close(&watch->silence);
    deadlines_close(&watch->answer);
}

bool link_watch_is_closed(const struct link_watch *watch)
{
    return watch->silence.is_closed && watch->answer.is_closed;
}

struct link *link_new(struct lws *wsi, struct peer_record *record,
                      const struct link_handlers *handlers, void *handlers_userdata,
                      struct link_watch *watch)
{
    struct link *link = memory_allocate(sizeof(*link));

    link->wsi = wsi;
    link->record = *record;
    link->record.peer.address = link->record.address;
    link->handlers = handlers;
    link->handlers_userdata = handlers_userdata;
    link->last = &link->first;
    link->watch = watch;
    deadline_set(&link->deadline, &watch->silence);
    *record = (struct peer_record){0};
    return link;
}

/* Announced before the handler is asked, which may close it: on_closed must follow then. */
void link_connect(struct link *link)
{
    const char *refusal;

    link->announced = true;
    refusal = link->handlers->on_connected(link->handlers_userdata, link);
    if (refusal)
        link_close(link, LINK_CLOSE_REFUSED, refusal);
}

static void drop_queue(struct link *link)
{
    while (link->first) {
        struct frame *frame = link->first;

        link->first = frame->next;
        free(frame);
    }
    link->last = &link->first;
    link->queued_bytes = 0;
}

void link_end(struct link *link)
{
    const char *reason = link->close_reason;

    if (!reason || reason[0] == '\0')
        reason = link->close_code == LINK_CLOSE_LOST ? "the connection was lost" : "closed";
    if (link->announced)
        link->handlers->on_closed(link->handlers_userdata, link, link->close_code, reason);
    deadline_clear(&link->deadline);
    drop_queue(link);
    buffer_deinit(&link->incoming);
    peer_record_deinit(&link->record);
    free(link->close_reason);
    free(link);
}

/* Whoever said something first knew why; what comes behind it is how the connection then broke. */
static void set_close(struct link *link, unsigned int code, const char *reason, size_t length)
{
    if (link->close_reason)
        return;
    link->close_code = code;
    link->close_reason = memory_copy_bytes(reason, length);
}

/*
 * The closing frame goes out behind the queue, from link_write(). A peer that takes nothing more
 * never lets it come to that: the timeout ends the link then, if libwebsockets is woken to see it.
 */
void link_close(struct link *link, unsigned int code, const char *reason)
{
    if (link->closing)
        return;
    link->closing = true;
    set_close(link, code, reason ? reason : "", reason ? strlen(reason) : 0);
    deadline_clear(&link->deadline);
    lws_set_timeout(link->wsi, PENDING_TIMEOUT_USER_OK, CLOSE_TIMEOUT_S);
    lws_callback_on_writable(link->wsi);
    loop_context_wake(lws_get_context(link->wsi));
}

/* For a peer that does not take what it is sent: no closing frame would get through either. */
static void close_at_once(struct link *link, unsigned int code, const char *reason)
{
    link->closing = true;
    set_close(link, code, reason, strlen(reason));
    deadline_clear(&link->deadline);
    drop_queue(link);
    lws_set_timeout(link->wsi, PENDING_TIMEOUT_LAGGING, LWS_TO_KILL_ASYNC);
    loop_context_wake(lws_get_context(link->wsi));
}

void link_note_peer_close(struct link *link, const void *data, size_t length)
{
    const unsigned char *bytes = data;

    /* The code is the first two bytes, in network order; a frame without any is allowed. */
    if (length < 2) {
        set_close(link, LINK_CLOSE_NORMAL, "", 0);
        return;
    }
    set_close(link, (unsigned int)bytes[0] << 8 | bytes[1], (const char *)bytes + 2, length - 2);
}

void link_note_problem(struct link *link, const char *problem)
{
    set_close(link, LINK_CLOSE_LOST, problem, strlen(problem));
}

/*
 * A small message behind which nothing waits goes out without the loop: to ask for a WRITEABLE
 * callback and to be done with it costs four changes of an epoll set. libwebsockets wants writes
 * from that callback alone because elsewhere one may run into what an earlier one has left over,
 * and that is asked here. Returns false if the message must wait for its turn.
 */
static bool send_at_once(struct link *link, const void *data, size_t length, bool binary)
{
    unsigned char bytes[LWS_PRE + DIRECT_SIZE_MAX];

    if (link->first || link->close_reason || length > DIRECT_SIZE_MAX ||
        lws_partial_buffered(link->wsi))
        return false;
    memcpy(bytes + LWS_PRE, data, length);
    if (lws_write(link->wsi, bytes + LWS_PRE, length, binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT) <
        (int)length)
        close_at_once(link, LINK_CLOSE_LOST, "the connection was lost");
    return true;
}

static int enqueue(struct link *link, const void *data, size_t length, bool binary)
{
    struct frame *frame;

    if (link->closing)
        return -ENOTCONN;
    if (length > (binary ? LINK_BINARY_SIZE_MAX : LINK_TEXT_SIZE_MAX))
        return -EMSGSIZE;
    if (send_at_once(link, data, length, binary))
        return 0;
    /* Somebody who reads nothing must not cost the server its memory, however much he is sent. */
    if (link->queued_bytes + length > LINK_QUEUE_MAX) {
        close_at_once(link, LINK_CLOSE_TOO_SLOW, "it does not read what it is sent");
        return -ENOBUFS;
    }
    frame = memory_resize(NULL, 1, sizeof(*frame) + LWS_PRE + length);
    *frame = (struct frame){.length = length, .binary = binary};
    memcpy(frame->bytes + LWS_PRE, data, length);
    *link->last = frame;
    link->last = &frame->next;
    link->queued_bytes += length;
    if (link->queued_bytes >= LINK_QUEUE_LOW)
        link->was_high = true;
    lws_callback_on_writable(link->wsi);
    return 0;
}

int link_send_text(struct link *link, const char *text, size_t length)
{
    return enqueue(link, text, length, false);
}

int link_send_binary(struct link *link, const void *data, size_t length)
{
    return enqueue(link, data, length, true);
}

size_t link_queued_bytes(const struct link *link)
{
    return link->queued_bytes;
}

void link_ask(struct link *link)
{
    if (link->closing)
        return;
    link->question++;
    link->ping_due = true;
    if (link->deadline.deadlines != &link->watch->answer)
        deadline_set(&link->deadline, &link->watch->answer);
    lws_callback_on_writable(link->wsi);
}

bool link_has_answered(const struct link *link)
{
    return link->question != 0 && link->answered == link->question;
}

void link_set_userdata(struct link *link, void *userdata)
{
    link->userdata = userdata;
}

void *link_userdata(const struct link *link)
{
    return link->userdata;
}

const struct peer *link_peer(const struct link *link)
{
    return &link->record.peer;
}

/*
 * The length to cut a text to, so that no character of it is split: RFC 6455 wants a closing reason
 * to be UTF-8, and libwebsockets 4.1 as a server takes a PONG between two fragments for a part of
 * the text. No more than the three steps back that a character can need.
 */
static size_t cut_text(const char *text, size_t length)
{
    for (int i = 0; i < 3 && length > 0 && (text[length] & 0xc0) == 0x80; i++)
        length--;
    return length;
}

/* Sends one piece of the first frame; false if the connection is no good any more. */
static bool write_piece(struct link *link, size_t *ret_length)
{
    struct frame *frame = link->first;
    size_t left = frame->length - frame->sent;
    size_t length = left < LINK_WRITE_SIZE ? left : (size_t)LINK_WRITE_SIZE;
    enum lws_write_protocol kind = frame->binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT;
    int flags;

    if (!frame->binary && length < left)
        length = cut_text((const char *)frame->bytes + LWS_PRE + frame->sent, length);
    flags = lws_write_ws_flags((int)kind, frame->sent == 0, length == left);
    /*
     * The room before the piece is LWS_PRE at first and then what was sent: it may be written.
     * libwebsockets keeps what the socket does not take; less than all means that it broke.
     */
    if (lws_write(link->wsi, frame->bytes + LWS_PRE + frame->sent, length,
                  (enum lws_write_protocol)flags) < (int)length)
        return false;
    frame->sent += length;
    link->queued_bytes -= length;
    *ret_length = length;
    if (frame->sent < frame->length)
        return true;
    link->first = frame->next;
    if (!link->first)
        link->last = &link->first;
    free(frame);
    return true;
}

/* Hexadecimal digits, because libwebsockets 4.1 wants what a PONG brings back to be UTF-8. */
static void write_question(const struct link *link, char ret_text[QUESTION_DIGITS + 1])
{
    snprintf(ret_text, QUESTION_DIGITS + 1, "%016llx", (unsigned long long)link->question);
}

static bool write_ping(struct link *link)
{
    char bytes[LWS_PRE + QUESTION_DIGITS + 1];

    link->ping_due = false;
    write_question(link, bytes + LWS_PRE);
    return lws_write(link->wsi, (unsigned char *)bytes + LWS_PRE, QUESTION_DIGITS,
                     LWS_WRITE_PING) >= 0;
}

/*
 * The polite close must begin in a timer: where a callback's result closes, libwebsockets 4.1 on
 * libuv (as Debian builds it, with _DEBUG) closes twice, and the second time cuts the frame off.
 */
static void begin_close(struct link *link)
{
    size_t length = strlen(link->close_reason);
    char reason[LINK_REASON_SIZE_MAX];

    if (length > sizeof(reason))
        length = cut_text(link->close_reason, sizeof(reason));
    memcpy(reason, link->close_reason, length);
    lws_close_reason(link->wsi, (enum lws_close_status)link->close_code, (unsigned char *)reason,
                     length);
    link->close_begun = true;
    lws_set_timer_usecs(link->wsi, 1);
}

int link_write(struct link *link)
{
    size_t written = 0;

    if (link->ping_due && !link->closing && !write_ping(link))
        return -1;
    while (link->first && written < TURN_SIZE && !lws_partial_buffered(link->wsi)) {
        size_t length = 0;

        if (!write_piece(link, &length))
            return -1;
        written += length;
    }
    if (link->was_high && link->queued_bytes < LINK_QUEUE_LOW) {
        link->was_high = false;
        if (link->handlers->on_writable && !link->closing)
            link->handlers->on_writable(link->handlers_userdata, link);
    }
    if (link->first)
        lws_callback_on_writable(link->wsi);
    else if (link->closing && !link->close_begun)
        begin_close(link);
    return 0;
}

/* The handler may close the link; it is freed only when libwebsockets is done with it. */
static void deliver(struct link *link, bool binary)
{
    const char *data = buffer_text(&link->incoming);
    size_t length = link->incoming.length;

    if (binary)
        link->handlers->on_binary(link->handlers_userdata, link, data, length);
    else
        link->handlers->on_text(link->handlers_userdata, link, data, length);
    buffer_clear(&link->incoming);
    if (link->incoming.capacity > INCOMING_KEPT)
        buffer_deinit(&link->incoming);
}

/* The timer of begin_close(); or one that was set when the connection was no link yet. */
int link_tick(struct link *link)
{
    return link->close_begun ? -1 : 0;
}

/* Each piece counts, also of a message that takes minutes to come whole over a slow line. */
static void hear(struct link *link)
{
    if (!link->closing)
        deadline_set(&link->deadline, &link->watch->silence);
}

/* RFC 6455, 5.5.3: a PONG brings back what its PING had. Others, also unasked ones, are life too.
 */
void link_receive_pong(struct link *link, const void *data, size_t length)
{
    char expected[QUESTION_DIGITS + 1];

    hear(link);
    write_question(link, expected);
    if (length == QUESTION_DIGITS && memcmp(data, expected, length) == 0)
        link->answered = link->question;
}

int link_receive(struct link *link, const void *data, size_t length)
{
    bool binary = lws_frame_is_binary(link->wsi);
    size_t size_max = binary ? LINK_BINARY_SIZE_MAX : LINK_TEXT_SIZE_MAX;

    /* Also what comes when we have begun to close is read, or the peer's farewell behind it could
     * not be; but nobody wants it any more. */
    hear(link);
    if (link->closing)
        return 0;
    if (length > size_max - link->incoming.length) {
        buffer_deinit(&link->incoming);
        link_close(link, LINK_CLOSE_TOO_LARGE,
                   binary ? "a binary message is above 1 MiB" : "a text message is above 16 MiB");
        return 0;
    }
    buffer_append(&link->incoming, data, length);
    if (lws_is_final_fragment(link->wsi))
        deliver(link, binary);
    return 0;
}
