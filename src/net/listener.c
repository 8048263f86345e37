/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See listener.h. Connections are accepted here and not by libwebsockets, because only so can the
 * Unix socket have a path of any length, the port be listened on by a descriptor, and a shortage
 * of descriptors mean that newcomers wait instead of a busy loop. Each accepted descriptor is then
 * given to libwebsockets, which speaks TLS, HTTP and WebSocket on it.
 *
 * A connection has one deadline of ours, from accept() to its first complete request and again
 * between two requests, whatever libwebsockets thinks of the bytes that drip in. Links have none in
 * libwebsockets at all: what it keeps for each of 10,000 links it would search through.
 */
#define _GNU_SOURCE
#include "listener.h"

#include "base/memory.h"
#include "doors.h"
#include "link_internal.h"
#include "loop_context.h"
#include "request_internal.h"

#include <assert.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum {
    IDLE_TIMEOUT_S = 15,
    PING_INTERVAL_S = 30,
    STALL_TIMEOUT_S = 600,
    HEADER_SIZE_MAX = 8192,
    DESCRIPTORS_RESERVED = 64, /* for the program: files, database, children */
    LOCAL_PART = 16,           /* one of so many places, and one more, is for the Unix socket */
    LINGER_S = 2,
    KILL_DELAY_S = 1 /* for what libwebsockets still has to flush */
};

/* One accepted descriptor, for as long as libwebsockets has it. */
struct connection {
    struct listener *listener;
    struct connection *next, *previous;
    struct lws *wsi;
    struct deadline deadline;
    bool unix_socket;
    unsigned int requests; /* open now; more than one only in HTTP/2 */
    struct link *link;
};

/* What libwebsockets keeps for us beside each HTTP stream or WebSocket. */
struct session {
    struct request *request;
    struct link *link;
    bool lingers; /* the answer is out, and our half is closed */
};

struct listener {
    uv_loop_t *loop;
    struct listener_handlers handlers;
    void *userdata;
    struct request_service port_service, socket_service;
    struct deadlines idle;
    struct link_watch watch;
    struct lws_context *context;
    struct lws_vhost *port_vhost, *socket_vhost;
    SSL_CTX *unused; /* for connecting; libwebsockets would make one and leave it behind */
    struct door *port_door, *socket_door;

    struct connection *connections;
    size_t connection_count, connections_max;
    size_t port_count, port_max; /* of these, by the port */

    bool stopping;
    void (*on_stopped)(void *userdata);
    uv_timer_t stop_timer;
    bool stop_timer_open;
};

/*
 * It hangs on the wsi that has the socket: each stream of HTTP/2 is another wsi on top of it. NULL
 * as long as the newcomer is still being handed over, when some events may come already.
 */
static struct connection *connection_of(struct lws *wsi)
{
    return lws_get_opaque_user_data(lws_get_network_wsi(wsi));
}

static struct listener *listener_of(struct lws *wsi)
{
    return lws_context_user(lws_get_context(wsi));
}

static struct connection *connection_of_deadline(struct deadline *deadline)
{
    return (void *)((char *)deadline - offsetof(struct connection, deadline));
}

/*
 * From the loop and not from libwebsockets, so it may be closed on the spot. What was sent before
 * may still wait for the socket, and then only another timer ends it: hence the wake.
 */
static void on_idle(struct deadline *deadline)
{
    struct connection *connection = connection_of_deadline(deadline);
    struct listener *listener = connection->listener;

    lws_set_timeout(connection->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
    loop_context_wake(listener->context);
}

static void report_stopped(struct listener *listener)
{
    void (*on_stopped)(void *userdata) = listener->on_stopped;

    if (!on_stopped)
        return;
    listener->on_stopped = NULL;
    uv_timer_stop(&listener->stop_timer);
    on_stopped(listener->userdata);
}

/* From the next turn of the loop, so that no callback of libwebsockets is on the stack. */
static void on_stop_timer(uv_timer_t *timer)
{
    report_stopped(timer->data);
}

/* Who came by the port, asks nothing just now, and does so for the longest time; NULL: nobody. */
static struct connection *find_longest_idle(const struct listener *listener)
{
    for (struct deadline *deadline = listener->idle.first; deadline; deadline = deadline->next) {
        struct connection *connection = connection_of_deadline(deadline);

        if (!connection->unix_socket)
            return connection;
    }
    return NULL;
}

/*
 * Those who find no room wait in the kernel's queue, as long as it takes, and need no answer. At
 * the port there is room as long as somebody there is idle, who then has to go: strangers who
 * connect and say nothing displace each other, and nobody who has something to say. And they never
 * take the last places, which are kept for this computer's own users.
 */
static void refresh_doors(struct listener *listener)
{
    bool port_has_room = listener->port_count < listener->port_max || find_longest_idle(listener);
    bool has_room = listener->connection_count < listener->connections_max;

    door_set_open(listener->port_door, !listener->stopping && port_has_room);
    door_set_open(listener->socket_door, !listener->stopping && has_room);
}

static void connection_begin(struct listener *listener, struct lws *wsi, bool unix_socket)
{
    struct connection *connection = memory_allocate(sizeof(*connection));

    *connection = (struct connection){.listener = listener,
                                      .next = listener->connections,
                                      .wsi = wsi,
                                      .unix_socket = unix_socket};
    if (listener->connections)
        listener->connections->previous = connection;
    listener->connections = connection;
    listener->connection_count++;
    listener->port_count += !unix_socket;
    lws_set_opaque_user_data(wsi, connection);
    deadline_set(&connection->deadline, &listener->idle);
    refresh_doors(listener);
}

static void connection_end(struct connection *connection)
{
    struct listener *listener = connection->listener;

    /* From WSI_DESTROY, the last word about a wsi: its requests and its link have ended before. */
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        listener->connections = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    listener->connection_count--;
    listener->port_count -= !connection->unix_socket;
    deadline_clear(&connection->deadline);
    free(connection);
    refresh_doors(listener);
    if (listener->stopping && listener->connection_count == 0 && listener->on_stopped)
        uv_timer_start(&listener->stop_timer, on_stop_timer, 0, 0);
}

/* A door's newcomer. The descriptor becomes libwebsockets', which closes it also on failure. */
static void on_accept(void *userdata, int fd, bool unix_socket)
{
    struct listener *listener = userdata;
    struct connection *idle = NULL;
    struct lws *wsi;

    if (!unix_socket && listener->port_count >= listener->port_max)
        idle = find_longest_idle(listener);
    if (idle)
        on_idle(&idle->deadline);
    wsi = lws_adopt_socket_vhost(unix_socket ? listener->socket_vhost : listener->port_vhost, fd);
    if (wsi)
        connection_begin(listener, wsi, unix_socket);
}

/* The headers are complete: the deadline has done its work, and the request's own one begins. */
static int on_http(struct lws *wsi, struct session *session, const char *path, size_t length)
{
    struct connection *connection = connection_of(wsi);
    struct listener *listener = listener_of(wsi);

    if (!connection || session->request)
        return -1;
    deadline_clear(&connection->deadline);
    connection->requests++;
    session->request = request_begin(
        wsi, connection->unix_socket ? &listener->socket_service : &listener->port_service, path,
        length);
    return 0;
}

static void end_request(struct lws *wsi, struct session *session, bool complete)
{
    struct request *request = session ? session->request : NULL;
    struct connection *connection = connection_of(wsi);

    if (!request)
        return;
    session->request = NULL;
    if (connection && --connection->requests == 0) {
        deadline_set(&connection->deadline, &connection->listener->idle);
        refresh_doors(connection->listener);
    }
    request_end(request, complete);
    /* Not closed at once: the last bytes of the reply may be with libwebsockets still. */
    if (connection && connection->requests == 0 && listener_of(wsi)->stopping)
        lws_set_timeout(connection->wsi, PENDING_TIMEOUT_USER_OK, KILL_DELAY_S);
}

/*
 * Closing a socket with unread bytes in it resets the connection, and the reply may be lost on its
 * way. So only our half is closed, and the peer has a moment to read it.
 */
static int linger(struct lws *wsi, struct session *session)
{
    session->lingers = true;
    lws_rx_flow_control(wsi, 0); /* see request_set_reading() */
    shutdown(lws_get_socket_fd(wsi), SHUT_WR);
    lws_set_timer_usecs(wsi, LINGER_S * LWS_US_PER_SEC);
    return 0;
}

/*
 * A request of which nothing was believed (request.c) may have a body that nobody will read, so its
 * connection ends with the answer. lws_http_transaction_completed() is what makes a connection
 * ready for the next request.
 */
static int on_http_writeable(struct lws *wsi, struct session *session)
{
    bool done = false, lingers;
    int r;

    if (!session->request)
        return 0;
    lingers = session->request->internal && !session->request->is_h2;
    r = request_write(session->request, &done);
    if (done)
        end_request(wsi, session, true);
    if (done && lingers)
        return linger(wsi, session);
    if (!done || r < 0)
        return r;
    if (listener_of(wsi)->stopping)
        return -1;
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

/* libwebsockets asks with OpenSSL's own verdict; only that may let a certificate in. */
static int on_verify(int verdict)
{
    return verdict ? 0 : 1;
}

/*
 * No resumption: a session would keep the peer's certificate in memory, and a handshake that
 * verifies it again costs little with EC keys. Buffers only while something is in them.
 */
static int on_server_context(SSL_CTX *context)
{
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    return 0;
}

/* Only one path leads to a WebSocket; who may stay is decided when it is up. */
static int on_upgrade(struct lws *wsi)
{
    char path[sizeof(LISTENER_LINK_PATH) + 1];

    if (lws_hdr_copy(wsi, path, sizeof(path), WSI_TOKEN_GET_URI) < 0 ||
        strcmp(path, LISTENER_LINK_PATH) != 0) {
        lws_return_http_status(wsi, 404, NULL);
        return 1;
    }
    return 0;
}

/* A tick that was set for a request may come when it has ended. */
static int on_http_timer(struct session *session)
{
    if (session && session->request)
        return request_tick(session->request);
    return session && session->lingers ? -1 : 0;
}

static int on_http_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                         size_t length)
{
    struct session *session = user;

    switch ((int)reason) {
    case LWS_CALLBACK_OPENSSL_PERFORM_CLIENT_CERT_VERIFICATION:
        return on_verify((int)length);
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
        return user ? on_server_context(user) : 0;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return on_upgrade(wsi);
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return -1; /* an upgrade without our subprotocol ends up here */
    case LWS_CALLBACK_HTTP:
        return on_http(wsi, session, in, length);
    case LWS_CALLBACK_HTTP_BODY:
        return session->request ? request_receive(session->request, in, length) : 0;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return session->request ? request_receive_end(session->request) : 0;
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return on_http_writeable(wsi, session);
    case LWS_CALLBACK_CLOSED_HTTP:
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
        end_request(wsi, session, false);
        return 0;
    case LWS_CALLBACK_TIMER:
        return on_http_timer(session);
    case LWS_CALLBACK_WSI_DESTROY:
        if (lws_get_network_wsi(wsi) == wsi && connection_of(wsi))
            connection_end(connection_of(wsi));
        return 0;
    default:
        return 0;
    }
}

/*
 * NULL if this peer may have a link. Asked only when the WebSocket stands, because before that
 * there is just a status to say no with, and the agent could not tell a person why.
 */
static const char *refuse_link(struct listener *listener, const struct peer *peer)
{
    if (peer->kind != PEER_NODE)
        return "only nodes may connect here: no certificate of a node was shown";
    if (listener->handlers.accepts && !listener->handlers.accepts(listener->userdata, peer))
        return "this node's certificate is not accepted any more";
    return listener->stopping ? "the server is stopping" : NULL;
}

static int on_link_established(struct lws *wsi, struct session *session)
{
    struct listener *listener = listener_of(wsi);
    struct connection *connection = connection_of(wsi);
    struct peer_record record;
    const char *refusal;

    if (!connection)
        return -1;
    deadline_clear(&connection->deadline);
    peer_record_init(&record, wsi, connection->unix_socket);
    refusal = refuse_link(listener, &record.peer);
    session->link =
        link_new(wsi, &record, &listener->handlers.link, listener->userdata, &listener->watch);
    connection->link = session->link;
    if (refusal)
        link_close(session->link, LINK_CLOSE_REFUSED, refusal);
    else
        link_connect(session->link);
    return 0;
}

/* libwebsockets ends a WebSocket with CLOSED, with DROP_PROTOCOL, or with both; the first counts.
 */
static void on_link_closed(struct lws *wsi, struct session *session)
{
    struct link *link = session ? session->link : NULL;
    struct connection *connection = connection_of(wsi);

    if (!link)
        return;
    session->link = NULL;
    if (connection)
        connection->link = NULL;
    link_end(link);
}

static int on_link_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                         size_t length)
{
    struct session *session = user;

    switch ((int)reason) {
    case LWS_CALLBACK_ESTABLISHED:
        return on_link_established(wsi, session);
    case LWS_CALLBACK_RECEIVE:
        return session->link ? link_receive(session->link, in, length) : -1;
    case LWS_CALLBACK_RECEIVE_PONG:
        if (session->link)
            link_receive_pong(session->link, in, length);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return session->link ? link_write(session->link) : 0;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        if (session->link)
            link_note_peer_close(session->link, in, length);
        return 0;
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
        on_link_closed(wsi, session);
        return 0;
    case LWS_CALLBACK_TIMER:
        return session && session->link ? link_tick(session->link) : 0;
    default:
        return 0;
    }
}

/*
 * The first one serves all that is no WebSocket, and hears of certificates; a WebSocket gets the
 * one whose name the client asks for. Sizes count per connection, and there are 10,000 of them.
 */
static const struct lws_protocols protocols[] = {
    {.name = "http", .callback = on_http_event, .per_session_data_size = sizeof(struct session)},
    {.name = LISTENER_LINK_SUBPROTOCOL,
     .callback = on_link_event,
     .per_session_data_size = sizeof(struct session),
     .rx_buffer_size = LINK_READ_SIZE,
     .tx_packet_size = LINK_WRITE_SIZE},
    {0},
};

static int open_context(struct listener *listener, uint64_t idle_timeout_s, struct error *err)
{
    struct lws_context_creation_info info = {
        .user = listener,
        .max_http_header_data2 = HEADER_SIZE_MAX,
        .timeout_secs = (unsigned int)idle_timeout_s,
    };

    return loop_context_new(listener->loop, &info, &listener->context, err);
}

/* The options are a vhost's own: what loop_context_new() set for the context does not reach here.
 */
static struct lws_vhost *make_vhost(struct listener *listener, uint64_t idle_timeout_s,
                                    struct lws_context_creation_info *info)
{
    info->options |= LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
    info->provided_client_ssl_ctx = listener->unused;
    info->protocols = protocols;
    info->server_string = "dusk";
    info->keepalive_timeout = (int)idle_timeout_s;
    info->timeout_secs_ah_idle = (unsigned int)idle_timeout_s;
    info->retry_and_idle_policy = &loop_context_no_pings;
    return lws_create_vhost(listener->context, info);
}

/*
 * NO_LISTEN_SERVER is no port, but TLS as a server has it; with plain NO_LISTEN there is none. A
 * certificate is asked for, and whoever shows none comes in all the same, because that is how
 * everybody enrols; one that is shown must be good. What is no TLS at all gets in as far as an
 * answer that says so (request.c). Old versions are struck out one by one: libwebsockets has no
 * option for the lowest one.
 */
static int open_port(struct listener *listener, const struct listener_options *options,
                     uint64_t idle_timeout_s, struct error *err)
{
    struct lws_context_creation_info info = {
        .vhost_name = "port",
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .options = LWS_SERVER_OPTION_REQUIRE_VALID_OPENSSL_CLIENT_CERT |
                   LWS_SERVER_OPTION_PEER_CERT_NOT_REQUIRED |
                   LWS_SERVER_OPTION_ALLOW_NON_SSL_ON_SSL_PORT |
                   LWS_SERVER_OPTION_ALLOW_HTTP_ON_HTTPS_LISTENER,
        .ssl_options_set = SSL_OP_NO_TLSv1_2 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_TLSv1,
        .ssl_ca_filepath = options->authority_path,
        .ssl_cert_filepath = options->certificate_path,
        .ssl_private_key_filepath = options->key_path,
    };

    listener->port_vhost = make_vhost(listener, idle_timeout_s, &info);
    if (!listener->port_vhost)
        return error_set(err, -EINVAL, "cannot use the certificate '%s' with the key '%s'",
                         options->certificate_path, options->key_path);
    return door_open_port(listener->loop, options->host, options->port, on_accept, listener,
                          &listener->port_door, err);
}

static int open_socket(struct listener *listener, const struct listener_options *options,
                       uint64_t idle_timeout_s, struct error *err)
{
    /* Another kind of no port: else a Host header could move a connection to the other vhost. */
    struct lws_context_creation_info info = {.vhost_name = "socket",
                                             .port = CONTEXT_PORT_NO_LISTEN};

    listener->socket_vhost = make_vhost(listener, idle_timeout_s, &info);
    if (!listener->socket_vhost)
        return error_set(err, -ENOMEM, "cannot prepare the socket '%s'", options->socket_path);
    return door_open_socket(listener->loop, options->socket_path, on_accept, listener,
                            &listener->socket_door, err);
}

/* Never none at all, so that a badly set limit is seen by those who then wait, not by a crash. */
static size_t count_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur <= 2 * DESCRIPTORS_RESERVED)
        return DESCRIPTORS_RESERVED;
    return (size_t)limit.rlim_cur - DESCRIPTORS_RESERVED;
}

static struct request_service make_service(const struct listener *listener, bool unix_socket,
                                           uint64_t idle_timeout_s)
{
    return (struct request_service){
        .handlers = &listener->handlers,
        .userdata = listener->userdata,
        .unix_socket = unix_socket,
        .idle_timeout_us = (lws_usec_t)idle_timeout_s * LWS_US_PER_SEC,
        .stall_ticks_max = unix_socket ? 0 : STALL_TIMEOUT_S,
    };
}

int listener_new(const struct listener_options *options, struct listener **ret_listener,
                 struct error *err)
{
    _cleanup_(listener_free_p) struct listener *listener = memory_allocate(sizeof(*listener));
    uint64_t idle_s = options->idle_timeout_s ? options->idle_timeout_s : IDLE_TIMEOUT_S;
    uint64_t ping_s = options->ping_interval_s ? options->ping_interval_s : PING_INTERVAL_S;
    int r;

    listener->loop = options->loop;
    listener->handlers = options->handlers;
    listener->userdata = options->userdata;
    listener->connections_max =
        options->connections_max ? options->connections_max : count_descriptors();
    listener->port_max = listener->connections_max - listener->connections_max / LOCAL_PART - 1;
    listener->port_service = make_service(listener, false, idle_s);
    listener->socket_service = make_service(listener, true, idle_s);
    uv_timer_init(listener->loop, &listener->stop_timer);
    listener->stop_timer.data = listener;
    listener->stop_timer_open = true;
    deadlines_init(&listener->idle, listener->loop, idle_s * LWS_MS_PER_SEC, on_idle);
    link_watch_init(&listener->watch, listener->loop, ping_s * LWS_MS_PER_SEC);
    listener->unused = SSL_CTX_new(TLS_client_method());
    r = open_context(listener, idle_s, err);
    if (r == 0 && !(options->host && options->host[0] == '\0'))
        r = open_port(listener, options, idle_s, err);
    if (r == 0 && options->socket_path)
        r = open_socket(listener, options, idle_s, err);
    if (r < 0)
        return r;
    *ret_listener = take_pointer(listener);
    return 0;
}

uint16_t listener_port(const struct listener *listener)
{
    return door_port(listener->port_door);
}

size_t listener_connections(const struct listener *listener)
{
    return listener->connection_count;
}

void listener_stop(struct listener *listener, uint64_t timeout_ms,
                   void (*on_stopped)(void *userdata))
{
    bool empty = listener->connection_count == 0;

    /* Requests that are open are let finish: end_request() closes behind the last of each. */
    listener->stopping = true;
    listener->on_stopped = on_stopped;
    refresh_doors(listener);
    uv_timer_start(&listener->stop_timer, on_stop_timer, empty ? 0 : timeout_ms, 0);
    for (struct connection *c = listener->connections; c; c = c->next) {
        if (c->link)
            link_close(c->link, LINK_CLOSE_GOING_AWAY, "the server is stopping");
        else if (c->requests == 0)
            lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
    }
    loop_context_wake(listener->context);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct listener *listener = handle->data;

    listener->stop_timer_open = false;
}

/*
 * From outside to inside: nobody comes in any more, then all connections end with their callbacks,
 * and last go the timers that those still use. What libuv has to close is gone only when the loop
 * has run; it must not find memory that was freed.
 */
struct listener *listener_free(struct listener *listener)
{
    if (!listener)
        return NULL;
    listener->stopping = true;
    listener->on_stopped = NULL;
    door_close(listener->port_door);
    door_close(listener->socket_door);
    listener->port_door = listener->socket_door = NULL;
    loop_context_free(listener->loop, listener->context);
    uv_close((uv_handle_t *)&listener->stop_timer, on_timer_closed);
    deadlines_close(&listener->idle);
    link_watch_close(&listener->watch);
    while (listener->stop_timer_open || !listener->idle.is_closed ||
           !link_watch_is_closed(&listener->watch))
        uv_run(listener->loop, UV_RUN_NOWAIT);
    assert(listener->connection_count == 0);
    SSL_CTX_free(listener->unused);
    free(listener);
    return NULL;
}
