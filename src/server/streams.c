/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes over the links. An asker names a stream and gets its pieces and then its end; the sender
 * goes round its streams piece by piece and stops while the link's queue is full, so that neither a
 * large file nor a slow reader keeps the orders waiting.
 */
#include "server.h"

#include "base/memory.h"
#include "sys/descriptor.h"
#include "sys/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* That one agent may ask for at a time: each holds a descriptor. Ours asks for four. */
enum { STREAMS_OUT_MAX = 16 };

/* Streams that we asked for. */

struct stream_in *streams_ask(struct agent_link *link, struct wire_want *want,
                              const struct stream_in *handlers)
{
    struct stream_in *stream = memory_allocate(sizeof(*stream));

    *stream = *handlers;
    stream->number = ++link->server->last_stream;
    stream->link = link;
    map_put(&link->server->streams_in, stream->number, (uint64_t)(uintptr_t)stream);
    want->stream = stream->number;
    agents_append(link, &(struct wire_message){.kind = WIRE_WANT, .want = *want});
    return stream;
}

static struct stream_in *find_stream(struct agent_link *link, uint64_t number)
{
    struct stream_in *stream;
    uint64_t value;

    if (!map_get(&link->server->streams_in, number, &value))
        return NULL;
    stream = (struct stream_in *)(uintptr_t)value;
    return stream->link == link ? stream : NULL;
}

static void end_stream(struct stream_in *stream, enum reason failure, const char *detail)
{
    map_remove(&stream->link->server->streams_in, stream->number);
    if (stream->on_end)
        stream->on_end(stream, failure, detail);
    free(stream);
}

void streams_cancel(struct stream_in *stream)
{
    agents_append(stream->link,
                  &(struct wire_message){.kind = WIRE_CANCEL, .stream = stream->number});
    stream->on_end = NULL;
    end_stream(stream, REASON_NONE, NULL);
}

void streams_piece(struct agent_link *link, const void *data, size_t length)
{
    struct stream_in *stream;
    struct slice bytes;
    uint64_t number;

    /* Pieces of a stream that was cancelled meanwhile are passed over. */
    if (!wire_piece_read(data, length, &number, &bytes))
        return;
    stream = find_stream(link, number);
    if (stream)
        stream->on_piece(stream, bytes);
}

void streams_ended(struct agent_link *link, const struct wire_end *end)
{
    struct stream_in *stream = find_stream(link, end->stream);

    if (stream)
        end_stream(stream, end->failure, end->detail);
}

/* Streams that we send. */

static void close_out(struct agent_link *link, struct stream_out **place, enum reason failure,
                      const char *detail)
{
    struct stream_out *stream = *place;

    *place = stream->next;
    descriptor_close(stream->fd);
    agents_append(
        link, &(struct wire_message){
                  .kind = WIRE_END,
                  .end = {.stream = stream->number, .failure = failure, .detail = (char *)detail}});
    free(stream);
}

static void refuse_want(struct agent_link *link, uint64_t number, const char *detail)
{
    agents_append(link, &(struct wire_message){.kind = WIRE_END,
                                               .end = {.stream = number,
                                                       .failure = REASON_CANNOT_FETCH_INPUT,
                                                       .detail = (char *)detail}});
}

/* An input of a job, or a file of a checkpoint. */
static char *find_content(struct server *server, const char *sha256)
{
    char *path = content_is_here(server, sha256) ? NULL : checkpoint_find_content(server, sha256);

    return path ? path : content_path(server, sha256);
}

void streams_serve(struct agent_link *link, const struct wire_want *want)
{
    _cleanup_free_ char *path = NULL;
    struct stream_out **place = &link->streams_out;
    struct stream_out *stream;
    struct stat status;
    size_t count = 0;
    int fd;

    for (; *place; place = &(*place)->next)
        count++;
    if (link->session == 0 || want->kind != WIRE_WANT_CONTENT ||
        !hash_text_is_valid(want->sha256) || count >= STREAMS_OUT_MAX) {
        refuse_want(link, want->stream, "the server does not serve that");
        return;
    }
    path = find_content(link->server, want->sha256);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) < 0) {
        descriptor_close(fd);
        refuse_want(link, want->stream, "the server does not have this input any more");
        return;
    }
    stream = memory_allocate(sizeof(*stream));
    *stream =
        (struct stream_out){.number = want->stream, .fd = fd, .left = (uint64_t)status.st_size};
    *place = stream;
    streams_pump(link);
}

/* Sends one piece; false when the stream is over. */
static bool send_piece(struct agent_link *link, struct stream_out **place)
{
    _cleanup_buffer_ struct buffer frame = BUFFER_INIT;
    struct stream_out *stream = *place;
    ssize_t n = 0;

    wire_piece_begin(&frame, stream->number);
    buffer_reserve(&frame, WIRE_PIECE_SIZE_MAX);
    if (stream->left > 0)
        n = read(stream->fd, frame.data + frame.length, WIRE_PIECE_SIZE_MAX);
    if (n < 0 || (n == 0 && stream->left > 0)) {
        close_out(link, place, REASON_CANNOT_FETCH_INPUT, "the server cannot read this input");
        return false;
    }
    if (n > 0) {
        frame.length += (size_t)n;
        stream->left -= (uint64_t)n < stream->left ? (uint64_t)n : stream->left;
        if (link_send_binary(link->link, frame.data, frame.length) < 0)
            return false;
    }
    if (stream->left > 0)
        return true;
    close_out(link, place, REASON_NONE, NULL);
    return false;
}

void streams_pump(struct agent_link *link)
{
    /* Round after round, a piece of each. */
    while (link->streams_out && link_queued_bytes(link->link) < LINK_QUEUE_HIGH) {
        struct stream_out **place = &link->streams_out;

        while (*place && link_queued_bytes(link->link) < LINK_QUEUE_HIGH) {
            struct stream_out *stream = *place;

            if (send_piece(link, place))
                place = &stream->next;
            else if (*place == stream)
                return;
        }
    }
}

void streams_cancel_out(struct agent_link *link, uint64_t number)
{
    struct stream_out **place = &link->streams_out;

    while (*place && (*place)->number != number)
        place = &(*place)->next;
    if (*place)
        close_out(link, place, REASON_NONE, NULL);
}

void streams_break(struct agent_link *link)
{
    struct map *streams = &link->server->streams_in;

    while (link->streams_out)
        close_out(link, &link->streams_out, REASON_CANNOT_FETCH_INPUT, NULL);
    /* Ending one may move others in the map, so the walk starts again behind each. */
    for (size_t i = 0; i < streams->capacity; i++) {
        struct stream_in *stream = (struct stream_in *)(uintptr_t)streams->entries[i].value;

        if (!streams->entries[i].used || stream->link != link)
            continue;
        end_stream(stream, REASON_CANNOT_COLLECT_OUTPUT, "the node went away");
        i = (size_t)-1;
    }
}
