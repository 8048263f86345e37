/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing as the submitter: one child process per user, started when it is first needed and ended
 * when it was idle for a while. It reads deliveries as lines of JSON and answers each with a line
 * (deliver_main.c). A slow or hanging folder of one user keeps nobody else waiting.
 */
#include "server.h"

#include "base/memory.h"
#include "sys/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { IDLE_MS = 30000 };

struct deliverer {
    struct server *server;
    uint32_t uid, gid;
    uv_process_t process;
    uv_pipe_t in, out;
    uv_timer_t idle;
    struct buffer answer; /* what came of a line */
    struct delivery *waiting;
    uint64_t last_number;
    bool closing;
    int handles; /* that are not closed yet */
    struct deliverer *next;
};

static void delivery_free(struct delivery *delivery)
{
    json_decref(delivery->request);
    free(delivery);
}

static void finish(struct deliverer *deliverer, struct delivery *delivery, int code,
                   const char *detail)
{
    struct delivery **place = &deliverer->waiting;

    while (*place != delivery)
        place = &(*place)->next;
    *place = delivery->next;
    if (delivery->on_done)
        delivery->on_done(deliverer->server, delivery->userdata, code, detail);
    delivery_free(delivery);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct deliverer *deliverer = handle->data;

    if (--deliverer->handles > 0)
        return;
    buffer_deinit(&deliverer->answer);
    free(deliverer);
}

/* Whatever still waits has failed; the pipes close, and the child ends by that. */
static void deliverer_close(struct deliverer *deliverer)
{
    struct deliverer **place = &deliverer->server->deliverers;
    uv_handle_t *handles[] = {(uv_handle_t *)&deliverer->process, (uv_handle_t *)&deliverer->in,
                              (uv_handle_t *)&deliverer->out, (uv_handle_t *)&deliverer->idle};

    if (deliverer->closing)
        return;
    deliverer->closing = true;
    while (*place != deliverer)
        place = &(*place)->next;
    *place = deliverer->next;
    while (deliverer->waiting)
        finish(deliverer, deliverer->waiting, -EPIPE, "the process that writes outputs ended");
    deliverer->handles = ARRAY_LENGTH(handles);
    for (size_t i = 0; i < ARRAY_LENGTH(handles); i++)
        uv_close(handles[i], on_handle_closed);
}

static void on_idle(uv_timer_t *timer)
{
    struct deliverer *deliverer = timer->data;

    if (!deliverer->waiting)
        deliverer_close(deliverer);
}

static void take_answer(struct deliverer *deliverer, const char *line, size_t length)
{
    json_t *answer = json_loadb(line, length, 0, NULL);
    uint64_t number = (uint64_t)json_integer_value(json_object_get(answer, "number"));
    struct delivery *delivery = deliverer->waiting;

    while (delivery && delivery->number != number)
        delivery = delivery->next;
    if (delivery)
        finish(deliverer, delivery, (int)json_integer_value(json_object_get(answer, "code")),
               json_string_value(json_object_get(answer, "detail")));
    json_decref(answer);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct deliverer *deliverer = handle->data;

    buffer_reserve(&deliverer->answer, suggested);
    *buffer =
        uv_buf_init(deliverer->answer.data + deliverer->answer.length, (unsigned int)suggested);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    struct deliverer *deliverer = stream->data;
    char *end;

    (void)buffer;
    if (n < 0) {
        deliverer_close(deliverer);
        return;
    }
    deliverer->answer.length += (size_t)n;
    while (!deliverer->closing && deliverer->answer.length > 0 &&
           (end = memchr(deliverer->answer.data, '\n', deliverer->answer.length))) {
        size_t length = (size_t)(end - deliverer->answer.data);

        take_answer(deliverer, deliverer->answer.data, length);
        buffer_consume(&deliverer->answer, length + 1);
    }
    if (!deliverer->closing && !deliverer->waiting)
        uv_timer_start(&deliverer->idle, on_idle, IDLE_MS, 0);
}

static void on_child_exit(uv_process_t *process, int64_t status, int signal)
{
    struct deliverer *deliverer = process->data;

    if (status != 0 || signal != 0)
        log_warning("the process that writes outputs for uid %u ended with status %d, signal %d",
                    deliverer->uid, (int)status, signal);
    deliverer_close(deliverer);
}

static int spawn(struct deliverer *deliverer)
{
    char uid[16], gid[16];
    char *arguments[] = {(char *)"dusk", (char *)"deliver", uid, gid, NULL};
    uv_stdio_container_t stdio[] = {
        {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&deliverer->in},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&deliverer->out},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO}};
    uv_process_options_t options = {.exit_cb = on_child_exit,
                                    .file = "/proc/self/exe",
                                    .args = arguments,
                                    .stdio = stdio,
                                    .stdio_count = 3};

    snprintf(uid, sizeof(uid), "%u", deliverer->uid);
    snprintf(gid, sizeof(gid), "%u", deliverer->gid);
    return uv_spawn(&deliverer->server->loop, &deliverer->process, &options);
}

static struct deliverer *deliverer_new(struct server *server, uint32_t uid, uint32_t gid)
{
    struct deliverer *deliverer = memory_allocate(sizeof(*deliverer));
    int r;

    deliverer->server = server;
    deliverer->uid = uid;
    deliverer->gid = gid;
    uv_pipe_init(&server->loop, &deliverer->in, 0);
    uv_pipe_init(&server->loop, &deliverer->out, 0);
    uv_timer_init(&server->loop, &deliverer->idle);
    deliverer->in.data = deliverer;
    deliverer->out.data = deliverer;
    deliverer->idle.data = deliverer;
    deliverer->process.data = deliverer;
    deliverer->next = server->deliverers;
    server->deliverers = deliverer;
    r = spawn(deliverer);
    if (r < 0) {
        log_error("cannot start the process that writes outputs: %s", uv_strerror(r));
        deliverer_close(deliverer);
        return NULL;
    }
    uv_read_start((uv_stream_t *)&deliverer->out, on_alloc, on_read);
    return deliverer;
}

struct writing {
    uv_write_t write;
    char *line; /* owned */
};

static void on_written(uv_write_t *write, int status)
{
    struct writing *writing = (struct writing *)write;

    /* A child that is gone is noticed by its exit. */
    (void)status;
    free(writing->line);
    free(writing);
}

static void send_line(struct deliverer *deliverer, const struct delivery *delivery)
{
    struct writing *writing = memory_allocate(sizeof(*writing));
    _cleanup_buffer_ struct buffer line = BUFFER_INIT;
    char *text = json_dumps(delivery->request, JSON_COMPACT);
    uv_buf_t buffer;

    buffer_append_text(&line, text ? text : "{}");
    buffer_append_character(&line, '\n');
    free(text);
    buffer = uv_buf_init(NULL, (unsigned int)line.length);
    writing->line = buffer_take(&line);
    buffer.base = writing->line;
    if (uv_write(&writing->write, (uv_stream_t *)&deliverer->in, &buffer, 1, on_written) < 0)
        on_written(&writing->write, -1);
}

void deliver_as(struct server *server, uint32_t uid, uint32_t gid, struct delivery *delivery)
{
    struct deliverer *deliverer = server->deliverers;

    while (deliverer && deliverer->uid != uid)
        deliverer = deliverer->next;
    if (!deliverer)
        deliverer = deliverer_new(server, uid, gid);
    if (!deliverer) {
        delivery->on_done(server, delivery->userdata, -EAGAIN,
                          "the process that writes outputs could not be started");
        delivery_free(delivery);
        return;
    }
    uv_timer_stop(&deliverer->idle);
    delivery->number = ++deliverer->last_number;
    json_object_set_new(delivery->request, "number", json_integer((json_int_t)delivery->number));
    delivery->next = deliverer->waiting;
    deliverer->waiting = delivery;
    send_line(deliverer, delivery);
}

void deliver_deinit(struct server *server)
{
    while (server->deliverers) {
        struct deliverer *deliverer = server->deliverers;

        /* Nobody is told any more: the brain is on its way out too. */
        for (struct delivery *d = deliverer->waiting; d; d = d->next)
            d->on_done = NULL;
        deliverer_close(deliverer);
    }
}
