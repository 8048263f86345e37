/* SPDX-License-Identifier: Apache-2.0 */
/* How listener and dialer make and drive links over libwebsockets. Only for this room. */
#pragma once

#include "deadlines.h"
#include "link.h"
#include "peer_record.h"

#include <libwebsockets.h>

/* For the protocol's description at libwebsockets. */
enum {
    LINK_READ_SIZE = 4 << 10,  /* its memory is kept per link */
    LINK_WRITE_SIZE = 64 << 10 /* else it is the same, and the rest of each piece is copied */
};

/*
 * Watches over links: one that was silent for an interval is asked for a sign of life, and one that
 * gives none for another is closed as lost.
 */
struct link_watch {
    struct deadlines silence; /* of links since they were heard */
    struct deadlines answer;  /* of links since they were asked */
};

void link_watch_init(struct link_watch *watch, uv_loop_t *loop, uint64_t interval_ms);
/* When its links have ended. The memory is the loop's until link_watch_is_closed(). */
void link_watch_close(struct link_watch *watch);
bool link_watch_is_closed(const struct link_watch *watch);

/*
 * A link on an established WebSocket. It asks the record for its peer and takes it over. The
 * handlers and the watch are only pointed to.
 */
struct link *link_new(struct lws *wsi, struct peer_record *record,
                      const struct link_handlers *handlers, void *handlers_userdata,
                      struct link_watch *watch);
/* Announces it; after this on_closed will come. */
void link_connect(struct link *link);
/* The things that libwebsockets reports. What they return goes back to libwebsockets. */
int link_receive(struct link *link, const void *data, size_t length);
void link_receive_pong(struct link *link, const void *data, size_t length);
int link_write(struct link *link);
int link_tick(struct link *link);
void link_note_peer_close(struct link *link, const void *data, size_t length);
/* What TLS said about its end, if nobody closed it properly. */
void link_note_problem(struct link *link, const char *problem);
/* The WebSocket is gone: tells on_closed if the link was announced, and frees it. */
void link_end(struct link *link);
