/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP request that the listener received, and the ways to answer it.
 *
 * Life: on_request_begin (the headers are here; decide about the body), body, on_request (answer
 * now or later), on_request_end (exactly once, always last, also if the peer went away: drop what
 * you attached). Between begin and end the pointer is good and exactly one reply may be given; a
 * second one is ignored. A reply given at begin throws the body away.
 */
#pragma once

#include "base/buffer.h"
#include "peer.h"

#include <stdbool.h>
#include <stdint.h>

struct request;

const char *request_method(const struct request *request); /* "GET", "PUT", "POST", "DELETE", … */
/* Decoded, without the query; begins with '/', never holds '..' components. */
const char *request_path(const struct request *request);
/* The decoded value of the first query parameter of that name, "" without '=', NULL if absent. */
const char *request_parameter(const struct request *request, const char *name);
/* The n-th parameter, counted from 0, to refuse those nobody knows; NULL behind the last. */
const char *request_parameter_name(const struct request *request, size_t n);
const struct peer *request_peer(const struct request *request);
/* The number in the header Dusk-Protocol; 0 if there is none (a browser). */
uint32_t request_protocol(const struct request *request);
/* What Content-Length announces; 0 without a body. */
uint64_t request_body_size(const struct request *request);
/* The collected body, from on_request on; NUL-terminated behind its length. */
struct slice request_body(const struct request *request);

void request_set_userdata(struct request *request, void *userdata);
void *request_userdata(const struct request *request);

/* Adds a header to the coming reply (browsers: caching, security). Name in lower case. */
void request_add_header(struct request *request, const char *name, const char *value);

/* Answers with these bytes, which are copied. */
void request_reply(struct request *request, unsigned int status, const char *content_type,
                   const void *data, size_t length);

/*
 * An answer that is made while it is sent, so that a million rows never stand in memory.
 *
 * `produce` is called whenever the socket takes more: it appends to `chunk` (some 16 to 64 KiB is
 * good; STREAM_CHUNK_MAX is the most) and returns STREAM_MORE; or STREAM_END, with or without a
 * last piece; or STREAM_WAIT when there is nothing now, and request_wake() is called later; or
 * a negative errno, which breaks the connection off, so that the peer sees a part as a part.
 * `release`, which may be NULL, is called exactly once, when the stream is over in any way.
 */
enum { STREAM_CHUNK_MAX = 1 << 20 };
enum stream_result { STREAM_END = 0, STREAM_MORE = 1, STREAM_WAIT = 2 };

struct stream {
    int (*produce)(void *userdata, struct buffer *chunk);
    void (*release)(void *userdata);
    void *userdata;
    int64_t size; /* bytes in all if known beforehand (a file), else -1 */
};

void request_reply_stream(struct request *request, unsigned int status, const char *content_type,
                          const struct stream *stream);
/* Asks the stream's `produce` again. Nothing happens if the reply is no stream. */
void request_wake(struct request *request);

/*
 * A file from its current position on, `size` bytes of it. The descriptor becomes the request's.
 * A file that turns out shorter breaks the connection off.
 */
void request_reply_file(struct request *request, unsigned int status, const char *content_type,
                        int fd, uint64_t size);
