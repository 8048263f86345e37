/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See dialer.h. One dial is: look the name up (in libuv's thread, because a resolver that hangs
 * must not stop an agent from serving its owner), then try each address in turn until a WebSocket
 * stands. An address that answers wrongly ends the dial; only those that do not answer are passed
 * over. libwebsockets does not say why nobody answered, so the last address is then tried once
 * more, only to hear the kernel's reason. A dial that failed is reported from the loop, never from
 * within dialer_dial().
 */
#define _GNU_SOURCE
#include "dialer.h"

#include "base/memory.h"
#include "link_internal.h"
#include "listener.h"
#include "loop_context.h"
#include "tls_client.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

enum {
    CONNECT_TIMEOUT_S = 15,
    PING_INTERVAL_S = 30,
    DESCRIPTORS_MAX = 8, /* one connection and libwebsockets' own */
    PROBE_TIMEOUT_MS = 2000
};

enum dialer_state { DIALER_IDLE, DIALER_LOOKING_UP, DIALER_CONNECTING, DIALER_UP };

struct dialer {
    uv_loop_t *loop;
    struct link_handlers handlers;
    void *userdata;
    char *host;
    uint16_t port;
    uint64_t connect_timeout_s;
    struct link_watch watch;
    struct tls_client *tls;
    struct lws_context *context;
    struct lws_vhost *vhost;

    enum dialer_state state;
    uv_getaddrinfo_t lookup;
    bool lookup_open;
    struct addrinfo *addresses;     /* of this dial */
    const struct addrinfo *address; /* the one that is tried */
    struct lws *wsi;
    struct link *link;
    uv_timer_t report; /* carries a failure to the loop's next turn */
    uv_tcp_t probe;    /* asks the kernel why nobody answers */
    uv_connect_t probing;
    unsigned int open_handles; /* of the two above */
    char *failure;             /* what the report will say */
    bool freeing;
};

/* `address` points into them: both go together. */
static void forget_addresses(struct dialer *dialer)
{
    if (dialer->addresses)
        uv_freeaddrinfo(dialer->addresses);
    dialer->addresses = NULL;
    dialer->address = NULL;
}

static void on_report(uv_timer_t *timer)
{
    struct dialer *dialer = timer->data;
    _cleanup_free_ char *failure = take_pointer(dialer->failure);

    dialer->state = DIALER_IDLE;
    if (!dialer->freeing)
        dialer->handlers.on_closed(dialer->userdata, NULL, LINK_CLOSE_LOST, failure);
}

/*
 * Ends the dial; on_closed follows from the loop, because the caller may still be in dialer_dial()
 * or libwebsockets in the connection, and the handler may dial again at once. Takes the sentence
 * over; the first one counts, what fails behind it does so in consequence.
 */
static void fail(struct dialer *dialer, char *sentence)
{
    forget_addresses(dialer);
    dialer->wsi = NULL;
    if (dialer->failure) {
        free(sentence);
        return;
    }
    dialer->failure = sentence;
    uv_timer_start(&dialer->report, on_report, 0, 0);
}

/*
 * libwebsockets gets the address as a number, because it would look up a name within this call and
 * hold up the loop. The name still goes along as `host`, for the Host header and for SNI. A failure
 * may be reported within the call, so `pwsi` tells whose it is before the call has returned.
 */
static void connect_address(struct dialer *dialer)
{
    char text[NI_MAXHOST];
    struct lws_client_connect_info info = {
        .context = dialer->context,
        .vhost = dialer->vhost,
        .address = text,
        .port = dialer->port,
        .path = LISTENER_LINK_PATH,
        .host = dialer->host,
        .protocol = LISTENER_LINK_SUBPROTOCOL,
        .local_protocol_name = LISTENER_LINK_SUBPROTOCOL,
        .alpn = "http/1.1",
        .ssl_connection = tls_client_flags(dialer->tls),
        .retry_and_idle_policy = &loop_context_no_pings,
        .pwsi = &dialer->wsi,
    };

    getnameinfo(dialer->address->ai_addr, dialer->address->ai_addrlen, text, sizeof(text), NULL, 0,
                NI_NUMERICHOST);
    tls_client_begin(dialer->tls);
    /* If it fails at once, CLIENT_CONNECTION_ERROR has come or there was no memory for it. */
    if (!lws_client_connect_via_info(&info) && dialer->address && !dialer->failure)
        fail(dialer, memory_copy_string("the connection could not be begun"));
}

/* Comes also for a lookup that dialer_free() has cancelled, and must come before it can end. */
static void on_looked_up(uv_getaddrinfo_t *lookup, int status, struct addrinfo *addresses)
{
    struct dialer *dialer = lookup->data;
    struct buffer sentence = BUFFER_INIT;

    dialer->lookup_open = false;
    dialer->addresses = addresses;
    if (dialer->freeing)
        return;
    if (status < 0) {
        buffer_appendf(&sentence, "the name '%s' cannot be resolved: %s", dialer->host,
                       uv_strerror(status));
        fail(dialer, buffer_take(&sentence));
        return;
    }
    dialer->state = DIALER_CONNECTING;
    dialer->address = addresses;
    connect_address(dialer);
}

int dialer_dial(struct dialer *dialer, struct error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    int r;

    if (dialer->state != DIALER_IDLE)
        return error_set(err, -EALREADY, "the link to '%s' is up or on its way", dialer->host);
    dialer->lookup.data = dialer;
    r = uv_getaddrinfo(dialer->loop, &dialer->lookup, on_looked_up, dialer->host, NULL, &hints);
    if (r < 0)
        return error_set_errno(err, r, "cannot look up '%s'", dialer->host);
    dialer->lookup_open = true;
    dialer->state = DIALER_LOOKING_UP;
    return 0;
}

struct link *dialer_link(const struct dialer *dialer)
{
    return dialer->link;
}

static void fail_unanswered(struct dialer *dialer, const char *words)
{
    struct buffer sentence = BUFFER_INIT;

    buffer_appendf(&sentence, "no connection to '%s', port %u: %s", dialer->host,
                   (unsigned int)dialer->port, words);
    fail(dialer, buffer_take(&sentence));
}

static void on_probe_closed(uv_handle_t *handle)
{
    struct dialer *dialer = handle->data;

    dialer->open_handles--;
}

static void on_probed(uv_connect_t *probing, int status)
{
    struct dialer *dialer = probing->handle->data;

    if (dialer->freeing)
        return;
    uv_timer_stop(&dialer->report);
    if (!uv_is_closing((uv_handle_t *)&dialer->probe))
        uv_close((uv_handle_t *)&dialer->probe, on_probe_closed);
    if (status == UV_ECANCELED)
        fail_unanswered(dialer, "nobody answers");
    else
        fail_unanswered(dialer, status < 0 ? uv_strerror(status)
                                           : "what answers there ends the connection at once");
}

/* Closing the probe makes on_probed say that it was cancelled. */
static void on_probe_timeout(uv_timer_t *timer)
{
    struct dialer *dialer = timer->data;

    uv_close((uv_handle_t *)&dialer->probe, on_probe_closed);
}

/*
 * The kernel's reason ("connection refused", "no route to host") is what a person needs, and
 * libwebsockets 4.1 only says that it did not work. It may of course work this time; then something
 * answers there and is no server of ours.
 */
static void probe(struct dialer *dialer, const struct sockaddr *address)
{
    int r;

    uv_tcp_init(dialer->loop, &dialer->probe);
    dialer->probe.data = dialer;
    dialer->open_handles++;
    r = uv_tcp_connect(&dialer->probing, &dialer->probe, address, on_probed);
    if (r == 0) {
        uv_timer_start(&dialer->report, on_probe_timeout, PROBE_TIMEOUT_MS, 0);
        return;
    }
    uv_close((uv_handle_t *)&dialer->probe, on_probe_closed);
    fail_unanswered(dialer, uv_strerror(r));
}

/* Nothing answered at this address: the next one, or the end. */
static void on_no_connection(struct dialer *dialer, struct lws *wsi)
{
    const struct addrinfo *address = dialer->address;
    struct buffer sentence = BUFFER_INIT;
    unsigned int status = wsi ? lws_http_client_http_response(wsi) : 0;
    const char *problem = tls_client_problem(dialer->tls);

    /* One failure may be reported twice, as an error and as the connection's end. */
    if (dialer->freeing || !dialer->address)
        return;
    if (problem) {
        fail(dialer, memory_copy_string(problem));
        return;
    }
    if (status != 0 && status != 101) {
        buffer_appendf(&sentence, "'%s', port %u, answers but is no dusk server (HTTP status %u)",
                       dialer->host, (unsigned int)dialer->port, status);
        fail(dialer, buffer_take(&sentence));
        return;
    }
    dialer->address = address->ai_next;
    if (dialer->address)
        connect_address(dialer);
    else
        probe(dialer, address->ai_addr);
}

/*
 * A server that goes away between its TLS handshake and its answer is no connection error to
 * libwebsockets: the connection ends without a word. Where an error was reported before, there is
 * no address left to be tried or another connection that tries it.
 */
static void on_destroyed(struct dialer *dialer, const struct lws *wsi)
{
    if (dialer->state == DIALER_CONNECTING && wsi == dialer->wsi)
        on_no_connection(dialer, NULL);
}

/* Who the server is was settled in the handshake; its certificate names no node and no user. */
static int on_established(struct dialer *dialer, struct lws *wsi)
{
    struct peer_record record = {.peer = {.kind = PEER_UNKNOWN, .name = "", .serial = ""}};

    lws_get_peer_simple(wsi, record.address, sizeof(record.address));
    forget_addresses(dialer);
    dialer->state = DIALER_UP;
    dialer->link = link_new(wsi, &record, &dialer->handlers, dialer->userdata, &dialer->watch);
    link_connect(dialer->link);
    return 0;
}

/*
 * Comes for each way in which a connection ends, and for some ways twice. The dialer is idle before
 * on_closed is told, so that the handler may dial again. A server that refuses our certificate does
 * so when the link seems to be up already (tls_client.c): TLS knows the reason then.
 */
static void on_link_closed(struct dialer *dialer)
{
    struct link *link = take_pointer(dialer->link);
    const char *problem = tls_client_problem(dialer->tls);

    if (!link)
        return;
    dialer->wsi = NULL;
    dialer->state = DIALER_IDLE;
    if (problem)
        link_note_problem(link, problem);
    link_end(link);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t length)
{
    struct dialer *dialer = lws_context_user(lws_get_context(wsi));

    switch ((int)reason) {
    case LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION:
        return tls_client_verify(dialer->tls, user, length != 0);
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        on_no_connection(dialer, wsi);
        return 0;
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        return on_established(dialer, wsi);
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return dialer->link ? link_receive(dialer->link, in, length) : -1;
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
        if (dialer->link)
            link_receive_pong(dialer->link, in, length);
        return 0;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return dialer->link ? link_write(dialer->link) : 0;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        if (dialer->link)
            link_note_peer_close(dialer->link, in, length);
        return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_WS_CLIENT_DROP_PROTOCOL:
        on_link_closed(dialer);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        on_destroyed(dialer, wsi);
        return 0;
    case LWS_CALLBACK_TIMER:
        return dialer->link ? link_tick(dialer->link) : 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = LISTENER_LINK_SUBPROTOCOL,
     .callback = on_event,
     .rx_buffer_size = LINK_READ_SIZE,
     .tx_packet_size = LINK_WRITE_SIZE},
    {0},
};

static int open_context(struct dialer *dialer, struct error *err)
{
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .user = dialer,
        .provided_client_ssl_ctx = tls_client_context(dialer->tls),
        .fd_limit_per_thread = DESCRIPTORS_MAX,
        .timeout_secs = (unsigned int)dialer->connect_timeout_s,
        .connect_timeout_secs = (unsigned int)dialer->connect_timeout_s,
        .retry_and_idle_policy = &loop_context_no_pings,
    };
    int r;

    r = loop_context_new(dialer->loop, &info, &dialer->context, err);
    if (r < 0)
        return r;
    dialer->vhost = lws_create_vhost(dialer->context, &info);
    if (!dialer->vhost)
        return error_set(err, -ENOMEM, "cannot prepare TLS for '%s'", dialer->host);
    return 0;
}

int dialer_new(const struct dialer_options *options, struct dialer **ret_dialer, struct error *err)
{
    _cleanup_(dialer_free_p) struct dialer *dialer = memory_allocate(sizeof(*dialer));
    struct tls_client_options tls = {.host = options->host,
                                     .identity_folder = options->identity_folder};
    uint64_t ping_s = options->ping_interval_s ? options->ping_interval_s : PING_INTERVAL_S;
    int r;

    dialer->loop = options->loop;
    dialer->handlers = options->handlers;
    dialer->userdata = options->userdata;
    dialer->host = memory_copy_string(options->host);
    dialer->port = options->port;
    dialer->connect_timeout_s =
        options->connect_timeout_s ? options->connect_timeout_s : CONNECT_TIMEOUT_S;
    link_watch_init(&dialer->watch, dialer->loop, ping_s * LWS_MS_PER_SEC);
    uv_timer_init(dialer->loop, &dialer->report);
    dialer->report.data = dialer;
    dialer->open_handles = 1;
    r = tls_client_new(&tls, &dialer->tls, err);
    if (r == 0)
        r = open_context(dialer, err);
    if (r < 0)
        return r;
    *ret_dialer = take_pointer(dialer);
    return 0;
}

static void on_report_closed(uv_handle_t *handle)
{
    struct dialer *dialer = handle->data;

    dialer->open_handles--;
}

/*
 * Handles of libuv are the loop's until their close callbacks, and a lookup that runs in another
 * thread cannot be broken off, only waited for. So the loop runs on until all have come back, and
 * `freeing` keeps what comes back from beginning anything new. The links' deadlines go behind the
 * context, whose end is also that of the link.
 */
struct dialer *dialer_free(struct dialer *dialer)
{
    if (!dialer)
        return NULL;
    dialer->freeing = true;
    uv_close((uv_handle_t *)&dialer->report, on_report_closed);
    if (dialer->open_handles > 1 && !uv_is_closing((uv_handle_t *)&dialer->probe))
        uv_close((uv_handle_t *)&dialer->probe, on_probe_closed);
    if (dialer->lookup_open)
        uv_cancel((uv_req_t *)&dialer->lookup);
    loop_context_free(dialer->loop, dialer->context);
    link_watch_close(&dialer->watch);
    while (dialer->open_handles > 0 || dialer->lookup_open || !link_watch_is_closed(&dialer->watch))
        uv_run(dialer->loop, UV_RUN_NOWAIT);
    forget_addresses(dialer);
    tls_client_free(dialer->tls);
    free(dialer->failure);
    free(dialer->host);
    free(dialer);
    return NULL;
}
