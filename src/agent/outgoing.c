/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See outgoing.h. A turn sends one piece of one stream. A stream that has nothing to send now is
 * asleep until the next pump; one that is through says `end`, which travels behind its last piece.
 */
#include "outgoing.h"

#include "base/memory.h"
#include "sys/descriptor.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { STREAMS_MAX = 65536, OPEN_MAX = 16 };

struct outgoing_stream {
    struct wire_want want;
    int fd;
    uint64_t offset;
    uint64_t size; /* to be sent, from the start of the file */
};

void outgoing_init(struct outgoing *outgoing, const struct outgoing_world *world)
{
    *outgoing = (struct outgoing){.world = *world};
}

static void stream_free(struct outgoing_stream *stream)
{
    descriptor_close(stream->fd);
    free(stream);
}

void outgoing_clear(struct outgoing *outgoing)
{
    for (size_t i = 0; i < outgoing->count; i++)
        stream_free(outgoing->items[i]);
    outgoing->count = outgoing->next = outgoing->open_count = 0;
}

void outgoing_deinit(struct outgoing *outgoing)
{
    outgoing_clear(outgoing);
    free(outgoing->items);
    buffer_deinit(&outgoing->frame);
    *outgoing = (struct outgoing){0};
}

static void say_end(struct outgoing *outgoing, uint64_t stream, enum reason failure,
                    const char *detail)
{
    struct wire_end end = {.stream = stream, .failure = failure, .detail = (char *)detail};

    outgoing->world.end(outgoing->world.userdata, &end);
}

static struct outgoing_stream **find(const struct outgoing *outgoing, uint64_t stream)
{
    for (size_t i = 0; i < outgoing->count; i++)
        if (outgoing->items[i]->want.stream == stream)
            return &outgoing->items[i];
    return NULL;
}

static void drop(struct outgoing *outgoing, size_t place)
{
    struct outgoing_stream *stream = outgoing->items[place];

    if (!stream->want.follow && stream->fd >= 0)
        outgoing->open_count--;
    if (place < outgoing->next)
        outgoing->next--;
    stream_free(stream);
    memmove(&outgoing->items[place], &outgoing->items[place + 1],
            (--outgoing->count - place) * sizeof(struct outgoing_stream *));
}

void outgoing_add(struct outgoing *outgoing, const struct wire_want *want)
{
    struct outgoing_stream *stream;

    if (find(outgoing, want->stream) || outgoing->count == STREAMS_MAX) {
        say_end(outgoing, want->stream, REASON_CANNOT_COLLECT_OUTPUT, "there is no such stream");
        return;
    }
    array_reserve(outgoing->items, outgoing->capacity, outgoing->count + 1);
    stream = memory_allocate(sizeof(*stream));
    *stream = (struct outgoing_stream){.want = *want, .fd = -1, .offset = want->offset};
    /* Content is what the server has, not what it asks for: the text is not ours to keep. */
    stream->want.sha256 = NULL;
    outgoing->items[outgoing->count++] = stream;
}

void outgoing_cancel(struct outgoing *outgoing, uint64_t stream)
{
    struct outgoing_stream **place = find(outgoing, stream);

    if (place)
        drop(outgoing, (size_t)(place - outgoing->items));
}

bool outgoing_follows(const struct outgoing *outgoing)
{
    for (size_t i = 0; i < outgoing->count; i++)
        if (outgoing->items[i]->want.follow)
            return true;
    return false;
}

/* ---- turns ---- */

enum turn { TURN_SENT, TURN_ASLEEP, TURN_OVER };

/* Reads the next piece into the frame; returns its length, 0 at the end, or a negative errno. */
static ssize_t read_piece(struct outgoing *outgoing, const struct outgoing_stream *stream)
{
    uint64_t left = stream->size - stream->offset;
    size_t length = left < WIRE_PIECE_SIZE_MAX ? (size_t)left : WIRE_PIECE_SIZE_MAX;
    ssize_t n;

    buffer_clear(&outgoing->frame);
    wire_piece_begin(&outgoing->frame, stream->want.stream);
    buffer_reserve(&outgoing->frame, length);
    do {
        n = pread(stream->fd, outgoing->frame.data + outgoing->frame.length, length,
                  (off_t)stream->offset);
    } while (n < 0 && errno == EINTR);
    if (n > 0)
        outgoing->frame.length += (size_t)n;
    return n < 0 ? -errno : n;
}

static enum turn fail(struct outgoing *outgoing, const struct outgoing_stream *stream,
                      const struct error *err)
{
    say_end(outgoing, stream->want.stream, REASON_CANNOT_COLLECT_OUTPUT, error_text(err));
    return TURN_OVER;
}

static enum turn succeed(struct outgoing *outgoing, const struct outgoing_stream *stream)
{
    say_end(outgoing, stream->want.stream, REASON_NONE, NULL);
    return TURN_OVER;
}

/* Nothing more is there to be read now. */
static enum turn rest(struct outgoing *outgoing, const struct outgoing_stream *stream,
                      bool was_over)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    if (stream->want.kind != WIRE_WANT_TAIL) {
        if (stream->offset >= stream->size)
            return succeed(outgoing, stream);
        error_set(&err, -EIO, "the file became shorter while it was sent");
        return fail(outgoing, stream, &err);
    }
    return stream->want.follow && !was_over ? TURN_ASLEEP : succeed(outgoing, stream);
}

static enum turn take_turn(struct outgoing *outgoing, struct outgoing_stream *stream)
{
    const struct outgoing_world *world = &outgoing->world;
    _cleanup_error_ struct error err = ERROR_INIT;
    /* Asked before the file is read, so that nothing written in between is missed. */
    bool was_over = stream->want.follow && world->is_over(world->userdata, &stream->want);
    ssize_t n;

    if (stream->fd < 0) {
        stream->fd = world->open(world->userdata, &stream->want, &stream->size, &err);
        if (stream->fd == -EAGAIN)
            return rest(outgoing, stream, was_over);
        if (stream->fd < 0)
            return fail(outgoing, stream, &err);
    }
    n = stream->offset < stream->size ? read_piece(outgoing, stream) : 0;
    if (n < 0) {
        error_set_errno(&err, (int)n, "cannot read the file");
        return fail(outgoing, stream, &err);
    }
    if (n == 0)
        return rest(outgoing, stream, was_over);
    world->send(world->userdata, outgoing->frame.data, outgoing->frame.length);
    stream->offset += (uint64_t)n;
    return TURN_SENT;
}

/* Only a few files are open at a time; followers, of which there are few, do not count. */
static bool must_wait(const struct outgoing *outgoing, const struct outgoing_stream *stream)
{
    return !stream->want.follow && stream->fd < 0 && outgoing->open_count >= OPEN_MAX;
}

static enum turn take_counted_turn(struct outgoing *outgoing, struct outgoing_stream *stream)
{
    bool was_open = stream->fd >= 0;
    enum turn turn = take_turn(outgoing, stream);

    if (!stream->want.follow && !was_open && stream->fd >= 0)
        outgoing->open_count++;
    return turn;
}

/* One turn for each, beginning where the last round stopped. Returns whether anything was sent. */
static bool take_turns(struct outgoing *outgoing)
{
    size_t round = outgoing->count;
    bool sent = false;

    while (round-- > 0 && outgoing->world.has_room(outgoing->world.userdata)) {
        struct outgoing_stream *stream;
        enum turn turn = TURN_ASLEEP;

        if (outgoing->next >= outgoing->count)
            outgoing->next = 0;
        stream = outgoing->items[outgoing->next];
        if (!must_wait(outgoing, stream))
            turn = take_counted_turn(outgoing, stream);
        sent = sent || turn != TURN_ASLEEP;
        if (turn == TURN_OVER)
            drop(outgoing, outgoing->next);
        else
            outgoing->next++;
    }
    return sent;
}

void outgoing_pump(struct outgoing *outgoing)
{
    while (take_turns(outgoing))
        ;
}
