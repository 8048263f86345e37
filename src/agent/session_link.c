/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See session_link.h. A connection counts as one when the first answer is there; only then the
 * pauses begin anew, so that an agent that refuses us is not asked again and again.
 */
#define _GNU_SOURCE
#include "session_link.h"

#include "base/memory.h"
#include "sys/agent_socket.h"
#include "sys/descriptor.h"
#include "sys/log.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PAUSE_MIN_MS = 1000, PAUSE_MAX_MS = 60000, READ_SIZE = 16 * 1024 };

struct session_link {
    struct session_link_listener listener;
    const char *path;
    uv_timer_t pause;
    uint64_t pause_ms;     /* the next one */
    struct stream *stream; /* owned by the loop once it closes; NULL: not connected */
};

/* One connection, which may still be closing when the next one is there. */
struct stream {
    uv_pipe_t pipe;
    struct session_link *link; /* NULL: closing */
    struct buffer line;
};

static void on_closed(uv_handle_t *handle)
{
    struct stream *stream = handle->data;

    buffer_deinit(&stream->line);
    free(stream);
}

static void drop_stream(struct session_link *link)
{
    struct stream *stream = take_pointer(link->stream);

    if (!stream)
        return;
    stream->link = NULL;
    uv_close((uv_handle_t *)&stream->pipe, on_closed);
}

static void on_pause_over(uv_timer_t *timer);

static void try_later(struct session_link *link)
{
    drop_stream(link);
    uv_timer_start(&link->pause, on_pause_over, link->pause_ms, 0);
    link->pause_ms = link->pause_ms * 2 < PAUSE_MAX_MS ? link->pause_ms * 2 : PAUSE_MAX_MS;
}

static void lose(struct session_link *link)
{
    try_later(link);
    link->listener.on_answer(link->listener.userdata, NULL);
}

/* ---- what the agent says ---- */

static void take_answer(struct session_link *link, struct slice line)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    struct owner_answer answer;

    if (owner_answer_decode(line, &answer, &err) < 0) {
        log_warning("the agent's answer makes no sense: %s", error_text(&err));
        lose(link);
        return;
    }
    if (!answer.error)
        link->pause_ms = PAUSE_MIN_MS;
    link->listener.on_answer(link->listener.userdata, &answer);
    owner_answer_deinit(&answer);
}

static void make_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_room)
{
    struct stream *stream = handle->data;

    (void)suggested;
    buffer_reserve(&stream->line, READ_SIZE);
    *ret_room = uv_buf_init(stream->line.data + stream->line.length, READ_SIZE);
}

static void on_read(uv_stream_t *handle, ssize_t length, const uv_buf_t *room)
{
    struct stream *stream = handle->data;
    const char *end;

    (void)room;
    if (length < 0) {
        lose(stream->link);
        return;
    }
    stream->line.length += (size_t)length;
    /* An answer may be the last thing that this stream is heard of. */
    while (stream->link && (end = memchr(stream->line.data, '\n', stream->line.length))) {
        struct slice line = {stream->line.data, (size_t)(end - stream->line.data)};

        take_answer(stream->link, line);
        buffer_consume(&stream->line, line.length + 1);
    }
    if (stream->link && stream->line.length > OWNER_ANSWER_SIZE_MAX)
        lose(stream->link);
}

/* ---- the connection ---- */

/* Who listens there is asked of the kernel: a socket of somebody else's is no agent of ours. */
static int check_agent(int fd, const char *path, struct error *err)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return error_set_errno(err, -errno, "cannot see who listens at '%s'", path);
    if (peer.uid != 0 && peer.uid != geteuid())
        return error_set(err, -EPERM, "user %u listens at '%s', not root or you",
                         (unsigned int)peer.uid, path);
    return 0;
}

static int connect_stream(struct session_link *link, struct error *err)
{
    _cleanup_free_ char *path = agent_socket_find(link->path);
    _cleanup_fd_ int fd = descriptor_connect_unix(path, SOCK_STREAM, err);
    struct stream *stream;
    int r = fd < 0 ? fd : check_agent(fd, path, err);

    if (r < 0)
        return r;
    stream = memory_allocate(sizeof(*stream));
    *stream = (struct stream){.link = link};
    uv_pipe_init(link->pause.loop, &stream->pipe, 0);
    stream->pipe.data = stream;
    link->stream = stream;
    r = uv_pipe_open(&stream->pipe, fd);
    if (r == 0)
        (void)descriptor_take(&fd);
    if (r == 0)
        r = uv_read_start((uv_stream_t *)&stream->pipe, make_room, on_read);
    return r < 0 ? error_set_errno(err, r, "cannot listen to the agent") : 0;
}

static void try_now(struct session_link *link)
{
    static const struct owner_word hello = {.kind = OWNER_WORD_SESSION};
    _cleanup_error_ struct error err = ERROR_INIT;

    if (connect_stream(link, &err) < 0) {
        log_debug("no agent: %s", error_text(&err));
        try_later(link);
        return;
    }
    session_link_say(link, &hello);
    if (link->stream)
        link->listener.on_connected(link->listener.userdata);
}

static void on_pause_over(uv_timer_t *timer)
{
    try_now(timer->data);
}

/* An agent that has not read for so long that there is no room left is none. */
void session_link_say(struct session_link *link, const struct owner_word *word)
{
    _cleanup_buffer_ struct buffer line = BUFFER_INIT;
    uv_buf_t text;

    if (!link->stream)
        return;
    owner_word_encode(&line, word);
    text = uv_buf_init(line.data, (unsigned int)line.length);
    if (uv_try_write((uv_stream_t *)&link->stream->pipe, &text, 1) != (int)line.length)
        lose(link);
}

struct session_link *session_link_new(uv_loop_t *loop, const char *path,
                                      const struct session_link_listener *listener)
{
    struct session_link *link = memory_allocate(sizeof(*link));

    *link = (struct session_link){.listener = *listener, .path = path, .pause_ms = PAUSE_MIN_MS};
    uv_timer_init(loop, &link->pause);
    link->pause.data = link;
    /* With the loop's first turn: then all that listens is there. */
    uv_timer_start(&link->pause, on_pause_over, 0, 0);
    return link;
}

static void on_pause_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void session_link_free(struct session_link *link)
{
    if (!link)
        return;
    drop_stream(link);
    uv_close((uv_handle_t *)&link->pause, on_pause_closed);
}
