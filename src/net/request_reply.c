/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See request.h: the way of a reply to the socket. Nothing is written when the program replies; the
 * socket's WRITEABLE turn takes the head, then piece after piece of `out`, and asks a stream for
 * more when `out` is empty. So a reply never holds more memory than one piece, and a reader who
 * pauses just gets no turn.
 *
 * HTTP/1.1 frames a stream of unknown length in chunks (RFC 9112, 7.1), so that the reader can tell
 * the end from a break; HTTP/2 has frames of its own; HTTP/1.0 knows only the end of the
 * connection.
 */
#define _GNU_SOURCE
#include "request_internal.h"

#include "base/memory.h"
#include "sys/descriptor.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
    PIECE_SIZE = 64 << 10,
    H2_PIECE_SIZE = 16 << 10, /* the smallest frame that every peer takes (RFC 9113, 6.5.2) */
    TURN_SIZE = 512 << 10,
    HEAD_SIZE = 2048, /* status line and our own headers */
    FILE_CHUNK_SIZE = 64 << 10
};

/* Kept as text until the head is written: libwebsockets only appends to a buffer of that moment. */
void request_add_header(struct request *request, const char *name, const char *value)
{
    if (request->reply != REPLY_AWAITED)
        return;
    buffer_appendf(&request->headers, "%s:", name);
    buffer_append_character(&request->headers, '\0');
    buffer_append(&request->headers, value, strlen(value) + 1);
}

void request_set_reading(struct request *request, bool reading)
{
    if (!request->is_h2 && request->body_complete)
        lws_rx_flow_control(request->wsi, reading);
}

/* Asks for a turn of the socket, which libwebsockets gives only while reading is on. */
static void want_to_write(struct request *request)
{
    request_set_reading(request, true);
    lws_callback_on_writable(request->wsi);
}

/* The room is where libwebsockets puts the frame's head in HTTP/2. */
static void give(struct request *request, unsigned int status, const char *content_type)
{
    static const unsigned char room[LWS_PRE];

    request->status = status;
    request->content_type = memory_copy_string(content_type);
    request->reply = REPLY_GIVEN;
    buffer_append(&request->out, room, sizeof(room));
    want_to_write(request);
}

void request_reply(struct request *request, unsigned int status, const char *content_type,
                   const void *data, size_t length)
{
    if (request->reply != REPLY_AWAITED)
        return;
    give(request, status, content_type);
    buffer_append(&request->out, data, length);
    request->out_last = true;
}

/* For what is wrong before the program has seen the request; it answers in the same form. */
void request_reply_error(struct request *request, unsigned int status, const char *text)
{
    _cleanup_buffer_ struct buffer json = BUFFER_INIT;

    buffer_appendf(&json, "{\"error\": \"%s\"}\n", text);
    request_reply(request, status, "application/json", json.data, json.length);
}

void request_reply_stream(struct request *request, unsigned int status, const char *content_type,
                          const struct stream *stream)
{
    /* The second reply is ignored, but its stream came with it and must go. */
    if (request->reply != REPLY_AWAITED) {
        if (stream->release)
            stream->release(stream->userdata);
        return;
    }
    give(request, status, content_type);
    request->stream = *stream;
    request->streamed = true;
}

/* Whether libwebsockets still holds bytes that the kernel did not take: then nothing may follow. */
static bool is_choked(const struct request *request)
{
    return lws_partial_buffered(lws_get_network_wsi(request->wsi)) != 0;
}

void request_wake(struct request *request)
{
    if (request->streamed)
        want_to_write(request);
}

struct file_reply {
    int fd;
    uint64_t left;
};

/*
 * Read when the socket has room and not before, so that a slow reader costs a descriptor and no
 * memory. A file that became shorter breaks the reply off: its length is out already.
 */
static int file_reply_produce(void *userdata, struct buffer *chunk)
{
    struct file_reply *file = userdata;
    size_t wanted = file->left < FILE_CHUNK_SIZE ? (size_t)file->left : FILE_CHUNK_SIZE;
    ssize_t n;

    if (wanted == 0)
        return STREAM_END;
    buffer_reserve(chunk, wanted);
    do
        n = read(file->fd, chunk->data + chunk->length, wanted);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return n < 0 ? -errno : -ENODATA;
    chunk->length += (size_t)n;
    file->left -= (uint64_t)n;
    return file->left > 0 ? STREAM_MORE : STREAM_END;
}

static void file_reply_release(void *userdata)
{
    struct file_reply *file = userdata;

    descriptor_close(file->fd);
    free(file);
}

void request_reply_file(struct request *request, unsigned int status, const char *content_type,
                        int fd, uint64_t size)
{
    struct file_reply *file = memory_allocate(sizeof(*file));
    struct stream stream = {.produce = file_reply_produce,
                            .release = file_reply_release,
                            .userdata = file,
                            .size = (int64_t)size};

    *file = (struct file_reply){.fd = fd, .left = size};
    request_reply_stream(request, status, content_type, &stream);
}

/* HTTP/2 has frames, HTTP/1.0 knows no chunks: there the end of the connection is the end. */
static bool is_chunked(const struct request *request)
{
    return request->streamed && request->stream.size < 0 && !request->is_h2 && !request->is_old;
}

/*
 * Whether the head is all: HEAD, 204 and 304 never have a body (RFC 9110, 6.4.1), and HTTP/2 wants
 * the end of the stream announced with the last frame, which may be the head's.
 */
static bool has_no_body(const struct request *request)
{
    bool known = !request->streamed || request->stream.size >= 0;
    size_t length =
        request->streamed ? (size_t)request->stream.size : request->out.length - LWS_PRE;

    return strcmp(request->method, "HEAD") == 0 || request->status == 204 ||
           request->status == 304 || (known && length == 0);
}

static int add_length(struct request *request, unsigned char **p, unsigned char *end)
{
    if (is_chunked(request))
        return lws_add_http_header_by_token(request->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING,
                                            (const unsigned char *)"chunked", 7, p, end);
    if (request->streamed && request->stream.size < 0)
        return 0;
    return lws_add_http_header_content_length(
        request->wsi,
        request->streamed ? (lws_filepos_t)request->stream.size : request->out.length - LWS_PRE, p,
        end);
}

/* libwebsockets writes headers for either version, each into the buffer behind the one before. */
static int add_own_headers(struct request *request, unsigned char **p, unsigned char *end)
{
    const char *name = request->headers.data;
    const char *stop = name + request->headers.length;

    while (name < stop) {
        const char *value = name + strlen(name) + 1;

        if (lws_add_http_header_by_name(request->wsi, (const unsigned char *)name,
                                        (const unsigned char *)value, (int)strlen(value), p, end))
            return -1;
        name = value + strlen(value) + 1;
    }
    return 0;
}

/* Our headers twice over: their separators, or their codes in HTTP/2, need room as well. */
static int write_head(struct request *request)
{
    size_t size = HEAD_SIZE + strlen(request->content_type) + 2 * request->headers.length;
    _cleanup_free_ unsigned char *head = memory_resize(NULL, 1, LWS_PRE + size);
    unsigned char *start = head + LWS_PRE, *p = start, *end = start + size;
    int kind = LWS_WRITE_HTTP_HEADERS | (has_no_body(request) ? LWS_WRITE_H2_STREAM_END : 0);

    if (lws_add_http_header_status(request->wsi, request->status, &p, end) ||
        lws_add_http_header_by_token(request->wsi, WSI_TOKEN_HTTP_CONTENT_TYPE,
                                     (const unsigned char *)request->content_type,
                                     (int)strlen(request->content_type), &p, end) ||
        add_length(request, &p, end) || add_own_headers(request, &p, end) ||
        lws_finalize_http_header(request->wsi, &p, end))
        return -1;
    if (lws_write(request->wsi, start, (size_t)(p - start), (enum lws_write_protocol)kind) < 0)
        return -1;
    request->reply = has_no_body(request) ? REPLY_SENT : REPLY_STARTED;
    return 0;
}

/* No chunk of length 0 but the last: it would be read as the end. */
static void frame_chunk(struct request *request)
{
    bool chunked = is_chunked(request);

    if (chunked && request->chunk.length > 0)
        buffer_appendf(&request->out, "%zx\r\n", request->chunk.length);
    buffer_append(&request->out, request->chunk.data, request->chunk.length);
    if (chunked && request->chunk.length > 0)
        buffer_append_text(&request->out, "\r\n");
    if (chunked && request->out_last)
        buffer_append_text(&request->out, "0\r\n\r\n");
}

/* Asks the stream for the next piece. Returns 1, 0 if there is nothing now, -1 to break off. */
static int refill(struct request *request)
{
    uint64_t size = request->stream.size < 0 ? UINT64_MAX : (uint64_t)request->stream.size;
    int result;

    buffer_clear(&request->chunk);
    result = request->stream.produce(request->stream.userdata, &request->chunk);
    if (result < 0)
        return -1;
    assert(request->chunk.length <= STREAM_CHUNK_MAX);
    request->streamed_bytes += request->chunk.length;
    request->out_last = result == STREAM_END;
    /* More or less than the head promised would be read as a part of the next reply. */
    if (request->streamed_bytes > size ||
        (request->out_last && size != UINT64_MAX && request->streamed_bytes < size))
        return -1;
    request->out.length = LWS_PRE;
    request->out_sent = 0;
    frame_chunk(request);
    return result == STREAM_WAIT && request->chunk.length == 0 ? 0 : 1;
}

/* Sends the next piece of `out`. Returns its length, 0 if the peer takes none now, or -1. */
static ssize_t write_piece(struct request *request)
{
    size_t length = request->out.length - LWS_PRE - request->out_sent;
    size_t size_max = request->is_h2 ? H2_PIECE_SIZE : PIECE_SIZE;
    /* HTTP/2's window of this stream; -1 where the socket alone is the measure. */
    lws_fileofs_t allowance = lws_get_peer_write_allowance(request->wsi);
    bool last;

    if (allowance == 0 && length > 0)
        return 0;
    if (allowance > 0 && (uint64_t)allowance < size_max)
        size_max = (size_t)allowance;
    if (length > size_max)
        length = size_max;
    last = request->out_last && LWS_PRE + request->out_sent + length == request->out.length;
    /* The room before the piece is LWS_PRE at first and then what was sent: it may be written. */
    if (lws_write(request->wsi, (unsigned char *)request->out.data + LWS_PRE + request->out_sent,
                  length, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < (int)length)
        return -1;
    request->out_sent += length;
    if (last)
        request->reply = REPLY_SENT;
    return (ssize_t)length;
}

/* Pieces until the socket, the peer's window, the stream or this turn has enough. */
static int write_body(struct request *request)
{
    size_t written = 0;

    while (request->reply == REPLY_STARTED && !is_choked(request)) {
        bool empty = LWS_PRE + request->out_sent == request->out.length;
        ssize_t length;
        int r;

        /* One stream's frame at a time in HTTP/2, where others share the connection. */
        if (written > 0 && (request->is_h2 || written >= TURN_SIZE))
            break;
        if (empty && request->streamed && !request->out_last) {
            r = refill(request);
            if (r == 0)
                request_set_reading(request, false);
            if (r <= 0)
                return r;
        }
        length = write_piece(request);
        if (length < 0)
            return -1;
        /* libwebsockets calls again by itself when the peer opens its window. */
        if (length == 0 && request->reply == REPLY_STARTED)
            return 0;
        written += (size_t)length;
    }
    if (request->reply == REPLY_STARTED)
        lws_callback_on_writable(request->wsi);
    return 0;
}

bool request_is_stalled(const struct request *request)
{
    return request->reply == REPLY_STARTED &&
           (LWS_PRE + request->out_sent < request->out.length || is_choked(request));
}

int request_write(struct request *request, bool *ret_done)
{
    if (request->reply == REPLY_GIVEN && write_head(request) < 0)
        return -1;
    if (request->reply == REPLY_STARTED && write_body(request) < 0)
        return -1;
    request->stall_ticks = 0;
    /* libwebsockets sets a limit of its own with each write. */
    lws_set_timeout(request->wsi, NO_PENDING_TIMEOUT, 0);
    if (request->reply == REPLY_SENT && is_choked(request)) {
        lws_callback_on_writable(request->wsi);
        return 0;
    }
    /* A reply may be out while the body still comes; what is left of that is no next request. */
    *ret_done = request->reply == REPLY_SENT && request->body_complete;
    return *ret_done && request->is_old && !request->internal ? -1 : 0;
}
