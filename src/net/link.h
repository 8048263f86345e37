/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A link: one WebSocket (RFC 6455) between an agent and the server, seen from either end. The
 * listener and the dialer make links; both hand over whole messages and take whole messages.
 *
 * Sending only queues; bytes go out when the socket takes them. Each text message costs a TLS
 * record and a system call, so put what belongs together into one message. A link whose queue
 * grows above its bound is closed as too slow; whoever sends files stops at LINK_QUEUE_HIGH and
 * goes on at on_writable.
 *
 * A link lives until its on_closed has returned, also after link_close(). All of it runs on the
 * loop's thread.
 */
#pragma once

#include "peer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct link;

enum {
    LINK_TEXT_SIZE_MAX = 16 << 20,  /* larger messages close the link (code 1009), both ways */
    LINK_BINARY_SIZE_MAX = 1 << 20, /* likewise */
    LINK_QUEUE_HIGH = 1 << 20,      /* senders of files pause here */
    LINK_QUEUE_LOW = 256 << 10,     /* on_writable says that the queue fell below this */
    LINK_QUEUE_MAX = 64 << 20,      /* above, the link is closed as too slow */
    LINK_REASON_SIZE_MAX = 123      /* bytes of a closing reason (RFC 6455, 5.5); longer is cut */
};

/* Closing codes (RFC 6455, 7.4). Below 1000 means that no closing frame came. */
enum {
    LINK_CLOSE_LOST = 0, /* the connection broke or never came about */
    LINK_CLOSE_NORMAL = 1000,
    LINK_CLOSE_GOING_AWAY = 1001,
    LINK_CLOSE_PROTOCOL = 1002,
    LINK_CLOSE_REFUSED = 1008,
    LINK_CLOSE_TOO_LARGE = 1009,
    LINK_CLOSE_TOO_SLOW = 1013,
    /*
     * What is in the way now may not be there later. A code of our own, because libwebsockets shows
     * the registered one for that, 1013, as 1002.
     */
    LINK_CLOSE_TRY_LATER = 4013
};

struct link_handlers {
    /*
     * The link is up. NULL keeps it; else it is closed with LINK_CLOSE_REFUSED and this reason
     * (read before the function's caller returns), and on_closed follows.
     */
    const char *(*on_connected)(void *userdata, struct link *link);
    /* A whole message; the bytes are only lent. Text is valid UTF-8 and followed by a NUL. */
    void (*on_text)(void *userdata, struct link *link, const char *text, size_t length);
    void (*on_binary)(void *userdata, struct link *link, const void *data, size_t length);
    /* The queue had LINK_QUEUE_LOW bytes or more and has less now. May be NULL. */
    void (*on_writable)(void *userdata, struct link *link);
    /*
     * The last call for this link, whoever closed it. The reason is for people, never NULL. It
     * comes exactly once for each on_connected; from a dialer whose link never came up it comes
     * without one, and `link` is NULL.
     */
    void (*on_closed)(void *userdata, struct link *link, unsigned int code, const char *reason);
};

/*
 * Queue one message; the bytes are copied. 0, -ENOTCONN if the link is closing or not up,
 * -EMSGSIZE if the message is above its limit, -ENOBUFS if it was the one too many: the link
 * closes then.
 */
int link_send_text(struct link *link, const char *text, size_t length);
int link_send_binary(struct link *link, const void *data, size_t length);
/* Bytes that wait to be sent. */
size_t link_queued_bytes(const struct link *link);

/*
 * Asks the peer for a sign of life now, with a PING (RFC 6455, 5.5.2); a peer that gives none at
 * all for a ping interval is lost. To ask again does not make that later.
 */
void link_ask(struct link *link);
/*
 * Whether the last question was answered, by a PONG of its own: what else comes from a peer may
 * have been on its way for long, and proves nothing.
 */
bool link_has_answered(const struct link *link);

/*
 * Sends what is queued, then a closing frame. on_closed comes later, from the loop, never from
 * within this call. Closing twice is nothing. `reason` may be NULL.
 */
void link_close(struct link *link, unsigned int code, const char *reason);

/* Something of the program's own, for its handlers. */
void link_set_userdata(struct link *link, void *userdata);
void *link_userdata(const struct link *link);
/* At the listener the agent; at the dialer the server (its kind is PEER_UNKNOWN). */
const struct peer *link_peer(const struct link *link);
