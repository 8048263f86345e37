/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's doors, on a loop that the program owns: one TLS 1.3 port (HTTP/1.1, HTTP/2 and the
 * agents' WebSocket, told apart by ALPN and upgrade) and one Unix socket (HTTP/1.1). Both lead to
 * the same handlers. The listener moves bytes and says who is there; it knows no paths but
 * LISTENER_LINK_PATH and answers by itself only what is broken: malformed, too large, too slow,
 * or a certificate that the authority or the program refuses.
 *
 * Doing work once per loop iteration (a group commit): handlers only collect, and the program's
 * own uv_prepare_t, which libuv runs after all callbacks of an iteration and before it waits
 * again, commits and then replies and sends. What is sent there goes out at once.
 *
 * Nothing here is safe to call from another thread.
 */
#pragma once

#include "base/error.h"
#include "link.h"
#include "request.h"

#include <uv.h>

#define LISTENER_LINK_PATH        "/v1/agent"
#define LISTENER_LINK_SUBPROTOCOL "dusk-agent-1"

struct listener;

/* What becomes of a request's body. */
struct body_plan {
    bool streamed;     /* true: on_request_body gets the pieces, nothing is collected */
    uint64_t size_max; /* a longer body is answered with 413 */
};

struct listener_handlers {
    /*
     * Whether this certificate (kind, name, serial) is still welcome; asked for each request and
     * link. Those refused get 401. NULL welcomes all that the authority signed.
     */
    bool (*accepts)(void *userdata, const struct peer *peer);

    /* See request.h for the order. Only on_request and on_request_begin are needed. */
    struct body_plan (*on_request_begin)(void *userdata, struct request *request);
    void (*on_request_body)(void *userdata, struct request *request, struct slice piece);
    void (*on_request)(void *userdata, struct request *request);
    /* `complete`: the whole reply was handed to the kernel; else the peer or the server went. */
    void (*on_request_end)(void *userdata, struct request *request, bool complete);

    struct link_handlers link; /* only nodes get as far as on_connected */
};

struct listener_options {
    uv_loop_t *loop;
    const char *host; /* a name or an address; NULL: all of this computer; "": no port at all */
    uint16_t port;    /* 0: any free one */
    const char *authority_path; /* the CA's certificate, PEM; needed for the port */
    const char *certificate_path;
    const char *key_path;
    const char *socket_path; /* of any length; a stale file is replaced; NULL: no Unix socket */

    uint64_t idle_timeout_s; /* handshake, headers, silence in a body or between requests; 0: 15 */
    uint64_t
        ping_interval_s;    /* a silent link is pinged this often, and is dead after twice; 0: 30 */
    size_t connections_max; /* 0: what the limit of open files leaves */

    struct listener_handlers handlers;
    void *userdata; /* the first argument of every handler */
};

/* Opens the doors. The options' texts are copied. */
int listener_new(const struct listener_options *options, struct listener **ret_listener,
                 struct error *err);
/* The real port, 0 without one. */
uint16_t listener_port(const struct listener *listener);
/* Connections that are open now. */
size_t listener_connections(const struct listener *listener);

/*
 * Begins a graceful stop: no new connections, links are closed (going away), replies that were
 * begun are finished. Deferred replies are still the program's to give. `on_stopped` comes when no
 * connection is left or at the timeout, from the loop.
 */
void listener_stop(struct listener *listener, uint64_t timeout_ms,
                   void (*on_stopped)(void *userdata));

/*
 * Ends everything at once. Every open request and link gets its end callback. It runs the loop
 * until its own handles are gone, so it must be called from outside of all callbacks, when uv_run()
 * has returned. Accepts NULL, returns NULL.
 */
struct listener *listener_free(struct listener *listener);
DEFINE_CLEANUP(struct listener *, listener_free);
