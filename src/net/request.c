/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See request.h and request_internal.h: the way of a request to the program. What its headers say
 * is copied at once, because libwebsockets gives their memory to the next connection while the
 * program may answer much later. libwebsockets has already decoded the path (and refused one that
 * climbs out) and split and decoded the query.
 *
 * What it would misread is answered here: a body whose length was not announced, and a NUL in
 * the path. Then the body is counted against what the program allows.
 */
#define _GNU_SOURCE
#include "request_internal.h"

#include "base/memory.h"
#include "base/number.h"

#include <assert.h>
#include <poll.h>
#include <string.h>

enum { HEADER_LENGTH_MAX = 8192, TICK_US = 1000000 };

/* By libwebsockets' numbers; a method that has none of them is refused (read_headers()). */
static const char *const method_names[] = {
    [LWSHUMETH_GET] = "GET",         [LWSHUMETH_POST] = "POST",   [LWSHUMETH_OPTIONS] = "OPTIONS",
    [LWSHUMETH_PUT] = "PUT",         [LWSHUMETH_PATCH] = "PATCH", [LWSHUMETH_DELETE] = "DELETE",
    [LWSHUMETH_CONNECT] = "CONNECT", [LWSHUMETH_HEAD] = "HEAD",
};

/*
 * The program's word for the method; "" for one that nobody knows. In HTTP/2 it is a header of its
 * own; in HTTP/1.1 libwebsockets has made a token of it, and says which.
 */
static const char *find_method(struct lws *wsi)
{
    char text[16];
    char *path = NULL;
    int length = 0, n;

    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_COLON_METHOD) == 0) {
        n = lws_http_get_uri_and_method(wsi, &path, &length);
        return n >= 0 && n < (int)ARRAY_LENGTH(method_names) ? method_names[n] : "";
    }
    if (lws_hdr_copy(wsi, text, sizeof(text), WSI_TOKEN_HTTP_COLON_METHOD) <= 0)
        return "";
    for (size_t i = 0; i < ARRAY_LENGTH(method_names); i++)
        if (strcmp(method_names[i], text) == 0)
            return method_names[i];
    return "";
}

/* libwebsockets keeps "name=value" as fragments of one token, decoded, and counts them for us. */
static void read_parameters(struct request *request)
{
    char text[HEADER_LENGTH_MAX];
    int length;

    for (int i = 0;; i++) {
        struct parameter *parameter;
        char *equals;

        length =
            lws_hdr_copy_fragment(request->wsi, text, sizeof(text), WSI_TOKEN_HTTP_URI_ARGS, i);
        if (length < 0)
            return;
        array_reserve(request->parameters, request->parameter_capacity,
                      request->parameter_count + 1);
        parameter = &request->parameters[request->parameter_count++];
        parameter->name = memory_copy_bytes(text, (size_t)length);
        equals = strchr(parameter->name, '=');
        parameter->value = equals ? equals + 1 : "";
        if (equals)
            *equals = '\0';
    }
}

/*
 * Headers that libwebsockets does not know are kept for HTTP/1.1 alone, and with their colon. Only
 * our own commands send this one, and they speak HTTP/1.1 (client.c).
 */
static void read_protocol(struct request *request)
{
    static const char name[] = "dusk-protocol:";
    char text[16];
    uint64_t number = 0;

    if (request->is_h2 || lws_hdr_custom_length(request->wsi, name, (int)strlen(name)) <= 0 ||
        lws_hdr_custom_copy(request->wsi, text, sizeof(text), name, (int)strlen(name)) < 0)
        return;
    if (number_parse_u64(slice_from_text(text), &number) == 0 && number <= UINT32_MAX)
        request->protocol = (uint32_t)number;
}

static bool method_has_body(const char *method)
{
    return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
           strcmp(method, "PATCH") == 0;
}

/*
 * Returns NULL, or what is wrong; *ret_status is the answer then. Chunks are refused because
 * libwebsockets 4.1 takes them apart for clients alone. A length that is no number in digits, "5x"
 * or "-5", is refused before the two of us read different ones from it.
 */
static const char *read_body_size(struct request *request, unsigned int *ret_status)
{
    char text[32];

    *ret_status = 411;
    if (lws_hdr_total_length(request->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0)
        return "a request's body must have a Content-Length";
    if (lws_hdr_total_length(request->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) == 0) {
        request->body_complete = !method_has_body(request->method);
        return request->body_complete ? NULL
                                      : "a request of this method must have a Content-Length";
    }
    *ret_status = 400;
    if (lws_hdr_copy(request->wsi, text, sizeof(text), WSI_TOKEN_HTTP_CONTENT_LENGTH) <= 0 ||
        strspn(text, "0123456789") != strlen(text) ||
        number_parse_u64(slice_from_text(text), &request->body_size) < 0 ||
        request->body_size > INT64_MAX)
        return "the Content-Length is no number";
    request->body_complete = request->body_size == 0;
    return NULL;
}

/* Returns NULL, or what is wrong; *ret_status is the answer then. */
static const char *read_headers(struct request *request, const char *path, size_t path_length,
                                unsigned int *ret_status)
{
    char version[16];

    request->is_h2 = lws_get_network_wsi(request->wsi) != request->wsi;
    if (!request->is_h2 && lws_hdr_copy(request->wsi, version, sizeof(version), WSI_TOKEN_HTTP) > 0)
        request->is_old = strstr(version, "1.0") != NULL;
    request->method = find_method(request->wsi);
    request->path = memory_copy_bytes(path, path_length);
    *ret_status = 405;
    if (request->method[0] == '\0' || strcmp(request->method, "CONNECT") == 0)
        return "there is no such method";
    *ret_status = 400;
    if (request->path[0] != '/' || strlen(request->path) != path_length)
        return "the path is malformed";
    read_parameters(request);
    read_protocol(request);
    return read_body_size(request, ret_status);
}

/*
 * Whether this caller may ask anything at all; *ret_status is the answer if not. A certificate may
 * be withdrawn while its connection stands, so the program is asked for each request.
 */
static const char *check_peer(const struct request *request, unsigned int *ret_status)
{
    const struct listener_handlers *handlers = request->service->handlers;
    const struct peer *peer = &request->record.peer;

    if (!request->service->unix_socket && !lws_get_ssl(lws_get_network_wsi(request->wsi))) {
        *ret_status = 400;
        return "this port speaks TLS only: use https";
    }
    *ret_status = 401;
    if (peer->kind != PEER_UNKNOWN && handlers->accepts &&
        !handlers->accepts(request->service->userdata, peer))
        return "this certificate is not accepted any more";
    return NULL;
}

/*
 * Reading is off while a reply is awaited, so nobody would notice that the caller hung up;
 * POLLRDHUP tells without reading. A connection with HTTP/2 is read all the time.
 */
static bool peer_is_gone(const struct request *request)
{
    struct pollfd poll_fd = {.fd = lws_get_socket_fd(request->wsi), .events = POLLRDHUP};

    return !request->is_h2 && poll(&poll_fd, 1, 0) > 0;
}

/* Input behind a request whose reply is not taken: libwebsockets spins on it. */
static bool peer_sends_more(const struct request *request)
{
    struct pollfd poll_fd = {.fd = lws_get_socket_fd(request->wsi), .events = POLLIN};

    return !request->is_h2 && poll(&poll_fd, 1, 0) > 0;
}

/* A body that is not complete when the timer comes has stopped coming. */
int request_tick(struct request *request)
{
    uint64_t stall_ticks_max = request->service->stall_ticks_max;

    if (!request->body_complete || peer_is_gone(request))
        return -1;
    if (request_is_stalled(request)) {
        request->stall_ticks++;
        if (peer_sends_more(request) ||
            (stall_ticks_max > 0 && request->stall_ticks > stall_ticks_max))
            return -1;
    }
    lws_set_timer_usecs(request->wsi, TICK_US);
    return 0;
}

/*
 * The whole request is here: from now on the ticks watch the peer. libwebsockets has a limit of its
 * own for how long a request may take, which would end long polls.
 */
static void begin_ticks(struct request *request)
{
    lws_set_timeout(request->wsi, NO_PENDING_TIMEOUT, 0);
    lws_set_timer_usecs(request->wsi, TICK_US);
    if (request->reply == REPLY_AWAITED)
        request_set_reading(request, false);
}

static void announce(struct request *request)
{
    const struct request_service *service = request->service;

    request->plan = service->handlers->on_request_begin(service->userdata, request);
    /* Refused by what it announces, before any of it has come. */
    if (request->reply == REPLY_AWAITED && request->body_size > request->plan.size_max)
        request_reply_error(request, 413, "the body of the request is too large");
    lws_set_timer_usecs(request->wsi, service->idle_timeout_us);
    if (!request->body_complete)
        return;
    begin_ticks(request);
    if (request->reply == REPLY_AWAITED)
        service->handlers->on_request(service->userdata, request);
}

struct request *request_begin(struct lws *wsi, const struct request_service *service,
                              const char *path, size_t path_length)
{
    struct request *request = memory_allocate(sizeof(*request));
    unsigned int status = 400;
    const char *problem;

    request->wsi = wsi;
    request->service = service;
    peer_record_init(&request->record, wsi, service->unix_socket);
    /* The headers first, because an answer needs what they say about the version and the method. */
    problem = read_headers(request, path, path_length, &status);
    if (!problem)
        problem = check_peer(request, &status);
    if (!problem) {
        announce(request);
        return request;
    }
    /* Whatever comes behind it cannot be told from a next request: the connection ends here. */
    request->internal = true;
    request->body_complete = true;
    begin_ticks(request);
    request_add_header(request, "connection", "close");
    request_reply_error(request, status, problem);
    return request;
}

int request_receive(struct request *request, const void *data, size_t length)
{
    const struct request_service *service = request->service;
    struct slice piece = {.data = data, .length = length};

    lws_set_timer_usecs(request->wsi, service->idle_timeout_us);
    if (request->reply != REPLY_AWAITED || request->body_complete)
        return 0;
    request->body_seen += length;
    if (request->body_seen > request->plan.size_max)
        request_reply_error(request, 413, "the body of the request is too large");
    else if (!request->plan.streamed)
        buffer_append(&request->body, data, length);
    else if (service->handlers->on_request_body)
        service->handlers->on_request_body(service->userdata, request, piece);
    return 0;
}

/*
 * A request with a body that came in one packet behind another request makes libwebsockets 4.1
 * report its end again and again, for ever; only closing the connection stops it.
 */
int request_receive_end(struct request *request)
{
    const struct request_service *service = request->service;

    if (request->body_end_reported)
        return -1;
    request->body_end_reported = true;
    if (request->body_complete)
        return 0;
    request->body_complete = true;
    begin_ticks(request);
    if (request->reply == REPLY_AWAITED)
        service->handlers->on_request(service->userdata, request);
    else
        lws_callback_on_writable(request->wsi);
    return 0;
}

/* The program's end comes first: what it attached to the request may still look at it. */
void request_end(struct request *request, bool complete)
{
    if (!request)
        return;
    if (!request->internal && request->service->handlers->on_request_end)
        request->service->handlers->on_request_end(request->service->userdata, request, complete);
    if (request->stream.release)
        request->stream.release(request->stream.userdata);
    for (size_t i = 0; i < request->parameter_count; i++)
        free(request->parameters[i].name);
    free(request->parameters);
    free(request->path);
    free(request->content_type);
    buffer_deinit(&request->body);
    buffer_deinit(&request->headers);
    buffer_deinit(&request->chunk);
    buffer_deinit(&request->out);
    peer_record_deinit(&request->record);
    free(request);
}

const char *request_method(const struct request *request)
{
    return request->method;
}

const char *request_path(const struct request *request)
{
    return request->path;
}

const char *request_parameter(const struct request *request, const char *name)
{
    for (size_t i = 0; i < request->parameter_count; i++)
        if (strcmp(request->parameters[i].name, name) == 0)
            return request->parameters[i].value;
    return NULL;
}

const char *request_parameter_name(const struct request *request, size_t n)
{
    return n < request->parameter_count ? request->parameters[n].name : NULL;
}

const struct peer *request_peer(const struct request *request)
{
    return &request->record.peer;
}

uint32_t request_protocol(const struct request *request)
{
    return request->protocol;
}

uint64_t request_body_size(const struct request *request)
{
    return request->body_size;
}

struct slice request_body(const struct request *request)
{
    return (struct slice){.data = buffer_text(&request->body), .length = request->body.length};
}

void request_set_userdata(struct request *request, void *userdata)
{
    request->userdata = userdata;
}

void *request_userdata(const struct request *request)
{
    return request->userdata;
}
