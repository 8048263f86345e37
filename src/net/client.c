/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See client.h. A request is begun at libwebsockets, and its own small loop runs until the answer
 * is complete or a deadline of ours has passed; libwebsockets' many timeouts are put out of the
 * way. Its client was measured against a hand-written reader on the Unix socket: the context costs
 * 0.1 ms once and a request the same 0.2 ms, so nothing is parsed here. Over TLS, where connecting
 * is dear, the connection is kept for the next request; libwebsockets keeps none on a Unix socket.
 *
 * After any failure the whole context is thrown away, and the next request begins with a new one.
 * So is a connection that was idle for so long that the server may just be closing it. Why a
 * connection did not come about libwebsockets does not say; the kernel is asked again then.
 */
#define _GNU_SOURCE
#include "client.h"

#include "base/memory.h"
#include "base/number.h"
#include "sys/clock.h"
#include "sys/descriptor.h"
#include "sys/log.h"
#include "tls_client.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    TIMEOUT_MS = 30000,
    PROBE_TIMEOUT_MS = 2000,
    IDLE_MAX_MS = 5000, /* below the server's own limit between two requests */
    READ_SIZE = 17 << 10,
    PIECE_SIZE = 64 << 10,
    BODY_SIZE_MAX = 1 << 30,
    DESCRIPTORS_MAX = 8,
    NEVER_S = 365 * 86400
};

/*
 * One request and its answer, while client_exchange() runs. It lives on the stack, so what comes
 * from libwebsockets behind its end must not find it: hence the number in the client.
 */
struct exchange {
    const char *method;
    const char *path;
    struct slice body; /* what is left of it to send */
    int fd;            /* -1, or where the body comes from */
    uint64_t fd_left;
    bool has_body;
    uint64_t body_size;

    int (*sink)(void *userdata, const void *data, size_t length);
    void *sink_userdata;
    struct buffer *answer; /* may be NULL */
    unsigned int status;   /* 0 until the answer's head is here */
    uint64_t length;       /* announced, or UINT64_MAX */
    uint64_t received;
    bool chunked;
    bool at_end;   /* the peer had ended the connection before the last read, */
    bool got_data; /* and that read still brought something */

    bool complete;
    bool closed;
    bool timed_out;
    int failure; /* negative errno of sink, file or size */
};

struct client {
    char *socket_path; /* NULL over TLS */
    char *host;
    uint16_t port;
    uint32_t protocol;
    uint64_t timeout_ms;
    struct tls_client *tls;
    int folder_fd; /* of the socket, if its path is too long to be said; else -1 */
    char *address; /* what libwebsockets connects to */
    struct lws_context *context;
    uint64_t idle_since_ms;
    lws_sorted_usec_list_t deadline;
    struct exchange *exchange;
    uintptr_t exchange_number; /* tells its events from what is left of the one before */
};

static struct client *client_of(struct lws *wsi)
{
    return lws_context_user(lws_get_context(wsi));
}

/* The one limit that counts; those of libwebsockets are set so far away that they never come. */
static void on_deadline(lws_sorted_usec_list_t *deadline)
{
    struct client *client = (void *)((char *)deadline - offsetof(struct client, deadline));

    if (client->exchange)
        client->exchange->timed_out = true;
    lws_cancel_service(client->context); /* lws_service() would wait on for the next event */
}

static void set_deadline(struct client *client)
{
    lws_usec_t wait_us = client->timeout_ms ? (lws_usec_t)client->timeout_ms * LWS_US_PER_MS
                                            : (lws_usec_t)NEVER_S * LWS_US_PER_SEC;

    lws_sul_schedule(client->context, 0, &client->deadline, on_deadline, wait_us);
}

static int append_header(struct lws *wsi, const char *name, const char *value, unsigned char **p,
                         size_t room)
{
    return lws_add_http_header_by_name(wsi, (const unsigned char *)name,
                                       (const unsigned char *)value, (int)strlen(value), p,
                                       *p + room);
}

/*
 * libwebsockets sends a body only if it is told here that one is coming, and then asks for it piece
 * by piece. The server wants its length in advance (request.c).
 */
static int on_append_headers(struct lws *wsi, const struct client *client, unsigned char **p,
                             size_t room)
{
    const struct exchange *exchange = client->exchange;
    char number[24];

    snprintf(number, sizeof(number), "%u", (unsigned int)client->protocol);
    if (client->protocol && append_header(wsi, "dusk-protocol:", number, p, room))
        return -1;
    if (!exchange->has_body)
        return 0;
    snprintf(number, sizeof(number), "%llu", (unsigned long long)exchange->body_size);
    if (append_header(wsi, "content-length:", number, p, room) ||
        append_header(wsi, "content-type:",
                      exchange->fd >= 0 ? "application/octet-stream" : "application/json", p, room))
        return -1;
    if (exchange->body_size > 0) {
        lws_client_http_body_pending(wsi, 1);
        lws_callback_on_writable(wsi);
    }
    return 0;
}

/* The next piece of the body. Returns its length, or a negative errno. */
static ssize_t take_piece(struct exchange *exchange, unsigned char *piece)
{
    size_t length;
    ssize_t n;

    if (exchange->fd < 0) {
        length = exchange->body.length < PIECE_SIZE ? exchange->body.length : PIECE_SIZE;
        memcpy(piece, exchange->body.data, length);
        exchange->body.data += length;
        exchange->body.length -= length;
        return (ssize_t)length;
    }
    length = exchange->fd_left < PIECE_SIZE ? (size_t)exchange->fd_left : PIECE_SIZE;
    do
        n = read(exchange->fd, piece, length);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return n < 0 ? -errno : -ENODATA;
    exchange->fd_left -= (uint64_t)n;
    return n;
}

static int on_writeable(struct lws *wsi, struct exchange *exchange)
{
    unsigned char piece[LWS_PRE + PIECE_SIZE];
    ssize_t length;
    bool last;

    if (exchange->body.length == 0 && exchange->fd_left == 0)
        return 0;
    length = take_piece(exchange, piece + LWS_PRE);
    if (length < 0) {
        exchange->failure = (int)length;
        return -1;
    }
    last = exchange->body.length == 0 && exchange->fd_left == 0;
    /* libwebsockets keeps what the socket does not take; less than all means that it broke. */
    if (lws_write(wsi, piece + LWS_PRE, (size_t)length,
                  last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < (int)length)
        return -1;
    if (last)
        lws_client_http_body_pending(wsi, 0);
    else
        lws_callback_on_writable(wsi);
    return 0;
}

/* An answer that is kept has a limit; one that is passed on needs none. */
static int on_read(struct exchange *exchange, const void *data, size_t length)
{
    exchange->got_data = true;
    exchange->received += length;
    if (exchange->sink && exchange->status == 200)
        exchange->failure = exchange->sink(exchange->sink_userdata, data, length);
    else if (exchange->answer && exchange->answer->length + length > BODY_SIZE_MAX)
        exchange->failure = -EMSGSIZE;
    else if (exchange->answer)
        buffer_append(exchange->answer, data, length);
    return exchange->failure < 0 ? -1 : 0;
}

/* Whether the peer has ended the connection and nothing is left to read. */
static bool is_at_end(struct lws *wsi)
{
    SSL *ssl = lws_get_ssl(wsi);
    char byte;
    int n;

    if (!ssl)
        return recv(lws_get_socket_fd(wsi), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
    n = SSL_peek(ssl, &byte, 1);
    return n <= 0 && SSL_get_error(ssl, n) == SSL_ERROR_ZERO_RETURN;
}

/* Makes libwebsockets read on; what it reads comes back by on_read(). */
static int on_readable(struct lws *wsi, struct exchange *exchange)
{
    char bytes[LWS_PRE + READ_SIZE];
    char *start = bytes + LWS_PRE;
    int length = READ_SIZE;

    exchange->at_end = is_at_end(wsi);
    exchange->got_data = false;
    return lws_http_client_read(wsi, &start, &length) < 0 ? -1 : 0;
}

static void read_framing(struct lws *wsi, struct exchange *exchange)
{
    char number[24];

    exchange->chunked = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0;
    exchange->length = UINT64_MAX;
    if (lws_hdr_copy(wsi, number, sizeof(number), WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0)
        number_parse_u64(slice_from_text(number), &exchange->length);
}

/*
 * libwebsockets takes the end of the connection for the end of the answer, even in the middle of a
 * chunk. A last chunk comes while the connection stands.
 */
static bool is_whole(const struct exchange *exchange)
{
    if (exchange->chunked)
        return !exchange->at_end || exchange->got_data;
    return exchange->length == UINT64_MAX || exchange->length == exchange->received;
}

static int on_exchange_event(struct lws *wsi, struct client *client,
                             enum lws_callback_reasons reason, void *in, size_t length)
{
    struct exchange *exchange = client->exchange;

    if (!exchange || (uintptr_t)lws_get_opaque_user_data(wsi) != client->exchange_number)
        return 0;
    /* Whatever happens on the connection, it is not silent. */
    set_deadline(client);
    switch ((int)reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        return on_append_headers(wsi, client, in, length);
    case LWS_CALLBACK_CLIENT_HTTP_WRITEABLE:
        return on_writeable(wsi, exchange);
    case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
        exchange->status = lws_http_client_http_response(wsi);
        read_framing(wsi, exchange);
        return 0;
    case LWS_CALLBACK_RECEIVE_CLIENT_HTTP:
        return on_readable(wsi, exchange);
    case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ:
        return on_read(exchange, in, length);
    case LWS_CALLBACK_COMPLETED_CLIENT_HTTP:
        exchange->complete = is_whole(exchange);
        exchange->closed = !exchange->complete;
        return client->socket_path ? -1 : 0; /* a socket's connection would not be used again */
    default:                                 /* CLIENT_CONNECTION_ERROR, CLOSED_CLIENT_HTTP */
        exchange->closed = true;
        return 0;
    }
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t length)
{
    switch ((int)reason) {
    case LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION:
        return tls_client_verify(client_of(wsi)->tls, user, length != 0);
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
    case LWS_CALLBACK_CLIENT_HTTP_WRITEABLE:
    case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
    case LWS_CALLBACK_RECEIVE_CLIENT_HTTP:
    case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ:
    case LWS_CALLBACK_COMPLETED_CLIENT_HTTP:
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
        return on_exchange_event(wsi, client_of(wsi), reason, in, length);
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "http", .callback = on_event},
    {0},
};

static void log_libwebsockets(int level, const char *line)
{
    (void)level;
    log_debug("libwebsockets: %.*s", (int)strcspn(line, "\n"), line);
}

/*
 * With its own loop, not on libuv: a command has nothing else to wait for. Few descriptors make it
 * keep a small table in place of one for all that the process may open.
 */
static int open_context(struct client *client, struct error *err)
{
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .user = client,
        .fd_limit_per_thread = DESCRIPTORS_MAX,
        .pt_serv_buf_size = READ_SIZE,
        .timeout_secs = NEVER_S,
        .connect_timeout_secs = NEVER_S,
    };

    if (client->tls) {
        info.options |=
            LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
        info.provided_client_ssl_ctx = tls_client_context(client->tls);
    }
    lws_set_log_level(LLL_ERR, log_libwebsockets);
    client->context = lws_create_context(&info);
    if (!client->context || !lws_create_vhost(client->context, &info))
        return error_set(err, -ENOMEM, "cannot start libwebsockets");
    return 0;
}

static void close_context(struct client *client)
{
    if (client->context)
        lws_context_destroy(client->context);
    client->context = NULL;
    /* The list that it may stand in went with the context. */
    client->deadline = (lws_sorted_usec_list_t){0};
}

/* libwebsockets marks a socket's path with '+' and does not know paths that are too long. */
static int set_socket_address(struct client *client, struct error *err)
{
    _cleanup_free_ char *folder = NULL;
    struct buffer address = BUFFER_INIT;
    const char *path = client->socket_path;
    const char *slash = strrchr(path, '/');

    if (slash && strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
        folder = memory_copy_bytes(path, (size_t)(slash - path) + 1);
        client->folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (client->folder_fd < 0)
            return error_set_errno(err, -errno, "cannot open the folder '%s'", folder);
        buffer_appendf(&address, "+/proc/self/fd/%d%s", client->folder_fd, slash);
    } else {
        buffer_appendf(&address, "+%s", path);
    }
    client->address = buffer_take(&address);
    return 0;
}

static int set_host_address(struct client *client, const struct client_options *options,
                            struct error *err)
{
    struct tls_client_options tls = {
        .host = options->host,
        .identity_folder = options->identity_folder,
        .authority_pem = options->authority_pem,
        .unverified = options->unverified,
    };

    client->address = memory_copy_string(options->host);
    client->host = memory_copy_string(options->host);
    client->port = options->port;
    return tls_client_new(&tls, &client->tls, err);
}

int client_new(const struct client_options *options, struct client **ret_client, struct error *err)
{
    _cleanup_(client_free_p) struct client *client = memory_allocate(sizeof(*client));
    int r;

    client->folder_fd = -1;
    client->protocol = options->protocol;
    client->timeout_ms = options->timeout_ms ? options->timeout_ms : TIMEOUT_MS;
    assert(options->socket_path || options->host);
    if (options->socket_path) {
        client->socket_path = memory_copy_string(options->socket_path);
        r = set_socket_address(client, err);
    } else {
        r = set_host_address(client, options, err);
    }
    if (r < 0)
        return r;
    *ret_client = take_pointer(client);
    return 0;
}

struct client *client_free(struct client *client)
{
    if (!client)
        return NULL;
    close_context(client);
    tls_client_free(client->tls);
    descriptor_close(client->folder_fd);
    free(client->socket_path);
    free(client->address);
    free(client->host);
    free(client);
    return NULL;
}

void client_set_timeout(struct client *client, uint64_t timeout_ms)
{
    client->timeout_ms = timeout_ms;
}

/* Why nobody answers at the socket, or that somebody does. */
static int explain_socket(const struct client *client, struct error *err)
{
    _cleanup_fd_ int fd = descriptor_connect_unix(client->socket_path, SOCK_STREAM, err);

    if (fd >= 0)
        return error_set(err, -ECONNRESET, "the server at '%s' broke the connection off",
                         client->socket_path);
    if (fd != -ENOENT && fd != -ECONNREFUSED && fd != -ENOTDIR)
        return fd;
    error_set(err, -ECONNREFUSED, "no server answers at '%s'", client->socket_path);
    error_hint(err, "start one with 'dusk server', or set DUSK_SOCKET to the socket of the server "
                    "that is running");
    return -ECONNREFUSED;
}

/* Tries one address for a moment, for the kernel's reason. Returns 0 or a negative errno. */
static int probe_address(const struct addrinfo *address)
{
    _cleanup_fd_ int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    int problem = 0;
    socklen_t size = sizeof(problem);

    if (fd < 0)
        return -errno;
    if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return -errno;
    /* Writable is both, connected and failed; SO_ERROR says which (connect(2)). */
    if (poll(&wait, 1, PROBE_TIMEOUT_MS) <= 0)
        return -ETIMEDOUT;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &size);
    return -problem;
}

static int explain_host(const struct client *client, struct error *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    const char *problem = tls_client_problem(client->tls);
    struct addrinfo *addresses = NULL;
    char service[8];
    int r;

    if (problem)
        return error_set(err, -EPROTO, "%s", problem);
    snprintf(service, sizeof(service), "%u", (unsigned int)client->port);
    r = getaddrinfo(client->host, service, &hints, &addresses);
    if (r != 0)
        return error_set(err, -EHOSTUNREACH, "the name '%s' cannot be resolved: %s", client->host,
                         gai_strerror(r));
    r = probe_address(addresses);
    freeaddrinfo(addresses);
    if (r < 0)
        return error_set_errno(err, r, "no connection to '%s', port %u", client->host,
                               (unsigned int)client->port);
    return error_set(err, -EPROTO, "what answers at '%s', port %u, is no dusk server", client->host,
                     (unsigned int)client->port);
}

/*
 * What is ours comes first: a file that cannot be read or a sink that is full makes us break off,
 * and the broken connection is no news then.
 */
static int explain(const struct client *client, const struct exchange *exchange, struct error *err)
{
    if (exchange->failure == -EMSGSIZE && !exchange->sink)
        return error_set(err, -EMSGSIZE, "the answer to '%s' is too large", exchange->path);
    if (exchange->failure == -ENODATA && exchange->fd >= 0)
        return error_set(err, -ENODATA, "the file became shorter while it was sent");
    if (exchange->failure < 0)
        return error_set_errno(err, exchange->failure,
                               exchange->fd >= 0 ? "cannot read the file that is sent"
                                                 : "cannot take what was received");
    if (exchange->timed_out)
        return error_set(err, -ETIMEDOUT, "the server at '%s' was silent for %llu seconds",
                         client->socket_path ? client->socket_path : client->host,
                         (unsigned long long)(client->timeout_ms / 1000));
    if (exchange->status != 0)
        return error_set(err, -ECONNRESET, "the answer of the server broke off");
    return client->socket_path ? explain_socket(client, err) : explain_host(client, err);
}

/*
 * LCCSCF_PIPELINE makes libwebsockets look for a connection that is kept warm. What comes on one is
 * told from what is left of an earlier exchange by a number, because addresses are used again. No
 * server of dusk sends anybody elsewhere, so no redirection is followed.
 */
static void run_exchange(struct client *client, struct exchange *exchange)
{
    struct lws_client_connect_info info = {
        .context = client->context,
        .address = client->address,
        .port = client->socket_path ? 0 : client->port,
        .path = exchange->path,
        .host = client->socket_path ? "localhost" : client->host,
        .method = exchange->method,
        .protocol = protocols[0].name,
        .alpn = "http/1.1",
        .ssl_connection = LCCSCF_PIPELINE | LCCSCF_HTTP_NO_FOLLOW_REDIRECT,
        .keep_warm_secs = IDLE_MAX_MS / 1000,
        .opaque_user_data = (void *)++client->exchange_number,
    };

    if (client->tls) {
        info.ssl_connection |= tls_client_flags(client->tls);
        tls_client_begin(client->tls);
    }
    client->exchange = exchange;
    set_deadline(client);
    if (!lws_client_connect_via_info(&info))
        exchange->closed = true;
    while (!exchange->complete && !exchange->closed && !exchange->timed_out)
        if (lws_service(client->context, 0) < 0)
            exchange->closed = true;
    client->exchange = NULL;
}

static int client_exchange(struct client *client, struct exchange *exchange,
                           unsigned int *ret_status, struct error *err)
{
    int r;

    /* The server may be closing it at this moment, and a request on it would be lost; POST and PUT
     * cannot simply be sent again. */
    if (client->context && clock_boot_ms() - client->idle_since_ms > IDLE_MAX_MS)
        close_context(client);
    if (!client->context) {
        r = open_context(client, err);
        if (r < 0)
            return r;
    }
    run_exchange(client, exchange);
    client->idle_since_ms = clock_boot_ms();
    if (exchange->complete && exchange->failure == 0 && exchange->status != 0) {
        /* Refused before all was sent: the rest would be read as the next request. */
        if (exchange->body.length > 0 || exchange->fd_left > 0)
            close_context(client);
        *ret_status = exchange->status;
        return 0;
    }
    r = explain(client, exchange, err);
    /* What is left of this answer would be read as the beginning of the next one. */
    close_context(client);
    return r;
}

int client_request(struct client *client, const char *method, const char *path,
                   const struct slice *body, unsigned int *ret_status, struct buffer *ret_body,
                   struct error *err)
{
    struct exchange exchange = {
        .method = method, .path = path, .fd = -1, .answer = ret_body, .has_body = body != NULL};

    if (body) {
        exchange.body = *body;
        exchange.body_size = body->length;
    }
    return client_exchange(client, &exchange, ret_status, err);
}

int client_download(struct client *client, const char *path,
                    int (*sink)(void *userdata, const void *data, size_t length), void *userdata,
                    unsigned int *ret_status, struct buffer *ret_body, struct error *err)
{
    struct exchange exchange = {.method = "GET",
                                .path = path,
                                .fd = -1,
                                .sink = sink,
                                .sink_userdata = userdata,
                                .answer = ret_body};

    return client_exchange(client, &exchange, ret_status, err);
}

int client_upload(struct client *client, const char *path, int fd, uint64_t size,
                  unsigned int *ret_status, struct buffer *ret_body, struct error *err)
{
    struct exchange exchange = {.method = "PUT",
                                .path = path,
                                .fd = fd,
                                .fd_left = size,
                                .has_body = true,
                                .body_size = size,
                                .answer = ret_body};

    return client_exchange(client, &exchange, ret_status, err);
}

void client_append_encoded(struct buffer *buffer, const char *text)
{
    /* The unreserved characters; all others may mean something to somebody on the way. */
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "-._~";

    for (; *text; text++) {
        if (strchr(plain, *text))
            buffer_append_character(buffer, *text);
        else
            buffer_appendf(buffer, "%%%02X", (unsigned int)(unsigned char)*text);
    }
}
