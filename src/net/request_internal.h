/* SPDX-License-Identifier: Apache-2.0 */
/* How the listener drives requests over libwebsockets. Only for this room. */
#pragma once

#include "listener.h"
#include "peer_record.h"

#include <libwebsockets.h>

/* What the listener decides for all requests. */
struct request_service {
    const struct listener_handlers *handlers;
    void *userdata;
    bool unix_socket;
    lws_usec_t idle_timeout_us; /* the longest silence in a body */
    uint64_t stall_ticks_max;   /* how many seconds a reader may take nothing; 0: for ever */
};

struct parameter {
    char *name; /* owned; the value stands behind its NUL */
    const char *value;
};

enum reply_state {
    REPLY_AWAITED, /* the program has not answered yet */
    REPLY_GIVEN,   /* it has; nothing was sent */
    REPLY_STARTED, /* the head was sent */
    REPLY_SENT     /* all of it; perhaps the body of the request is still coming */
};

struct request {
    struct lws *wsi;
    const struct request_service *service;
    struct peer_record record;
    void *userdata;
    bool internal; /* answered by the listener itself: the program does not know of it */
    bool is_h2;
    bool is_old; /* HTTP/1.0: knows no chunks */

    const char *method;
    char *path;
    struct parameter *parameters;
    size_t parameter_count, parameter_capacity;
    uint32_t protocol;

    uint64_t body_size; /* announced */
    uint64_t body_seen;
    struct body_plan plan;
    struct buffer body;
    bool body_complete;
    bool body_end_reported; /* by libwebsockets, which must not do so twice */

    enum reply_state reply;
    unsigned int status;
    char *content_type;
    struct buffer headers; /* "name:", NUL, "value", NUL, ... */
    struct stream stream;
    bool streamed;
    uint64_t streamed_bytes;
    struct buffer chunk;  /* what the stream appends to */
    struct buffer out;    /* LWS_PRE bytes of room, then what goes to the socket */
    size_t out_sent;      /* of what is behind the room */
    bool out_last;        /* nothing comes behind `out` */
    uint64_t stall_ticks; /* since something could be written */
};

/*
 * The headers of a request are here: makes the request and tells the program, or answers by itself
 * what is malformed. NULL only if the connection must be closed.
 */
struct request *request_begin(struct lws *wsi, const struct request_service *service,
                              const char *path, size_t path_length);
/* What comes of its body. Non-zero closes the connection. */
int request_receive(struct request *request, const void *data, size_t length);
int request_receive_end(struct request *request);
/*
 * Sends what the socket takes. *ret_done: the reply is out and the body is in, so the request can
 * be ended. Non-zero closes the connection.
 */
int request_write(struct request *request, bool *ret_done);
/* The connection's timer: whether the peer is still there. Non-zero closes the connection. */
int request_tick(struct request *request);
/* Tells on_request_end and frees. Accepts NULL. */
void request_end(struct request *request, bool complete);

/*
 * While a reply is awaited from the program nothing must be read over HTTP/1.1: libwebsockets 4.1
 * would not read either but spin on what came, also on the peer's end. Nor does it write while
 * reading is off; so it is on while something is to be written.
 */
void request_set_reading(struct request *request, bool reading);
/* Whether bytes of the reply wait for a reader who takes none. */
bool request_is_stalled(const struct request *request);

/* An answer of the listener's own: {"error": text}; the text needs no escapes. */
void request_reply_error(struct request *request, unsigned int status, const char *text);
