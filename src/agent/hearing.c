/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See hearing.h. A visitor's life: he is let in, has a few seconds for one line, gets his answer
 * before the loop waits again, and goes. Each step may be his last: whoever leaves, sends too much
 * or does not read is closed, and nothing of it is worth a word in the log.
 */
#define _GNU_SOURCE
#include "hearing.h"

#include "base/memory.h"
#include "body.h"
#include "net/doors.h"
#include "presence/seated.h"
#include "sys/descriptor.h"
#include "sys/file.h"
#include "sys/log.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    VISITORS_MAX = 32,
    VISITORS_OF_USER_MAX = 4,
    PATIENCE_MS = 5000, /* from the first moment to the last byte of the answer */
    FOLDER_MODE = 0755
};

struct visitor {
    struct visitor *next;
    struct body *body;
    uid_t uid;
    uv_pipe_t pipe;
    uv_timer_t patience;
    unsigned int open_handles; /* of the two above */
    uv_write_t write;
    struct buffer line;
    struct buffer answer;
    struct error err; /* what is wrong with his word */
    bool is_refused;  /* likewise: he may not say it */
    bool answer_due;
    bool has_said; /* something, that must be remembered before he is answered */
};

/* ---- come and go ---- */

static void on_closed(uv_handle_t *handle)
{
    struct visitor *visitor = handle->data;

    if (--visitor->open_handles > 0)
        return;
    buffer_deinit(&visitor->line);
    buffer_deinit(&visitor->answer);
    error_clear(&visitor->err);
    free(visitor);
}

/* Out of the list at once; the memory goes with the loop's next turn. Twice is once. */
static void visitor_close(struct visitor *visitor)
{
    struct hearing *hearing = &visitor->body->hearing;

    if (uv_is_closing((uv_handle_t *)&visitor->pipe))
        return;
    for (struct visitor **at = &hearing->visitors; *at; at = &(*at)->next)
        if (*at == visitor) {
            *at = visitor->next;
            hearing->visitor_count--;
            break;
        }
    uv_close((uv_handle_t *)&visitor->pipe, on_closed);
    uv_close((uv_handle_t *)&visitor->patience, on_closed);
}

static void on_patience_over(uv_timer_t *timer)
{
    visitor_close(timer->data);
}

static bool there_is_room(const struct hearing *hearing, uid_t uid)
{
    size_t of_user = 0;

    for (const struct visitor *visitor = hearing->visitors; visitor; visitor = visitor->next)
        of_user += visitor->uid == uid;
    return hearing->visitor_count < VISITORS_MAX && of_user < VISITORS_OF_USER_MAX;
}

/* ---- what he says ---- */

static bool is_named(const struct hearing *hearing, uid_t uid)
{
    for (size_t i = 0; i < hearing->owner_count; i++)
        if (hearing->owners[i] == uid)
            return true;
    return false;
}

static bool may_command(const struct hearing *hearing, uid_t uid)
{
    if (geteuid() == 0 && owning_is_task(uid))
        return false;
    return uid == 0 || uid == geteuid() || is_named(hearing, uid) || seated_is("", uid);
}

static void refuse(struct visitor *visitor)
{
    visitor->is_refused = true;
    error_set(&visitor->err, -EPERM, "only whoever sits at this computer may say that");
    error_hint(&visitor->err, "root may as well, and whom 'owners' in the agent's settings names");
}

/* The brain has heard it when this returns; the answer waits until hearing_flush(). */
static void take_word(struct visitor *visitor, size_t length)
{
    struct body *body = visitor->body;
    struct owner_word word;

    visitor->answer_due = true;
    if (owner_word_decode((struct slice){visitor->line.data, length}, &word, &visitor->err) < 0) {
        error_prefix(&visitor->err, -EPROTO, "the agent does not understand this");
    } else if (word.kind != OWNER_WORD_STATUS && !may_command(&body->hearing, visitor->uid)) {
        refuse(visitor);
    } else if (word.kind != OWNER_WORD_STATUS) {
        log_notice("user %u says: %s", (unsigned int)visitor->uid, owner_word_name(word.kind));
        visitor->has_said = true;
        word_take(body, &word);
    }
}

static void make_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_room)
{
    struct visitor *visitor = handle->data;

    (void)suggested;
    buffer_reserve(&visitor->line, OWNER_WORD_SIZE_MAX + 1 - visitor->line.length);
    *ret_room = uv_buf_init(visitor->line.data + visitor->line.length,
                            (unsigned int)(OWNER_WORD_SIZE_MAX + 1 - visitor->line.length));
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *room)
{
    struct visitor *visitor = stream->data;
    const char *end;

    (void)room;
    if (length < 0) {
        visitor_close(visitor);
        return;
    }
    visitor->line.length += (size_t)length;
    end = memchr(visitor->line.data, '\n', visitor->line.length);
    if (!end && visitor->line.length <= OWNER_WORD_SIZE_MAX)
        return;
    uv_read_stop(stream);
    if (end) {
        take_word(visitor, (size_t)(end - visitor->line.data));
        return;
    }
    visitor->answer_due = true;
    error_set(&visitor->err, -EPROTO, "the agent takes no line as long as that");
}

static void on_visitor(void *userdata, int fd, bool unix_socket)
{
    struct body *body = userdata;
    _cleanup_fd_ int visiting = fd;
    struct ucred peer;
    socklen_t size = sizeof(peer);
    struct visitor *visitor;

    (void)unix_socket;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ||
        !there_is_room(&body->hearing, peer.uid))
        return;
    visitor = memory_allocate(sizeof(*visitor));
    visitor->body = body;
    visitor->uid = peer.uid;
    visitor->next = body->hearing.visitors;
    body->hearing.visitors = visitor;
    body->hearing.visitor_count++;
    uv_pipe_init(&body->loop, &visitor->pipe, 0);
    uv_timer_init(&body->loop, &visitor->patience);
    visitor->open_handles = 2;
    visitor->pipe.data = visitor->patience.data = visitor->write.data = visitor;
    uv_timer_start(&visitor->patience, on_patience_over, PATIENCE_MS, 0);
    if (uv_pipe_open(&visitor->pipe, visiting) < 0) {
        visitor_close(visitor);
        return;
    }
    (void)descriptor_take(&visiting);
    if (uv_read_start((uv_stream_t *)&visitor->pipe, make_room, on_read) < 0)
        visitor_close(visitor);
}

/* ---- what he hears ---- */

static void on_written(uv_write_t *write, int status)
{
    (void)status;
    visitor_close(write->data);
}

static void write_answer(struct visitor *visitor)
{
    struct owner_answer answer = {0};

    if (visitor->err.text) {
        answer.error = memory_copy_string(error_text(&visitor->err));
        answer.hint = visitor->err.hint ? memory_copy_string(visitor->err.hint) : NULL;
        answer.refused = visitor->is_refused;
    } else {
        word_describe(visitor->body, &answer);
    }
    owner_answer_encode(&visitor->answer, &answer);
    owner_answer_deinit(&answer);
}

/* What could not be remembered holds all the same; whoever said it is told, or else the log. */
static void remember(struct body *body)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    if (word_save(body, &err) == 0)
        return;
    log_warning("what the owner said will be forgotten when the agent ends: %s", error_text(&err));
    for (struct visitor *visitor = body->hearing.visitors; visitor; visitor = visitor->next)
        if (visitor->answer_due && visitor->has_said)
            error_set(&visitor->err, -EIO,
                      "it is so, but will be forgotten when the agent ends: %s", error_text(&err));
}

void hearing_flush(struct body *body)
{
    struct visitor *next;

    remember(body);
    for (struct visitor *visitor = body->hearing.visitors; visitor; visitor = next) {
        uv_buf_t text;

        next = visitor->next;
        if (!visitor->answer_due)
            continue;
        visitor->answer_due = false;
        write_answer(visitor);
        text = uv_buf_init(visitor->answer.data, (unsigned int)visitor->answer.length);
        if (uv_write(&visitor->write, (uv_stream_t *)&visitor->pipe, &text, 1, on_written) < 0)
            visitor_close(visitor);
    }
}

/* ---- the whole ---- */

/*
 * The names are looked up once: where users are kept on another computer, that can take seconds,
 * in which no key would be heard.
 */
static void find_owners(struct hearing *hearing, const char *names)
{
    hearing->owners = memory_allocate((strlen(names) + 1) * sizeof(*hearing->owners));
    for (const char *at = names; *at; at += strcspn(at, ","), at += *at == ',') {
        struct slice part = slice_trim((struct slice){at, strcspn(at, ",")});
        _cleanup_free_ char *name = slice_copy(part);
        const struct passwd *user = *name ? getpwnam(name) : NULL;

        if (user)
            hearing->owners[hearing->owner_count++] = user->pw_uid;
        else if (*name)
            log_warning("there is no user '%s', whom 'owners' names", name);
    }
}

/* A socket that somebody answers at is not to be taken away from him. */
static int listen_at(struct body *body, const char *path, struct error *err)
{
    _cleanup_free_ char *folder = memory_copy_string(path);
    _cleanup_fd_ int other = descriptor_connect_unix(path, SOCK_STREAM, NULL);
    int r = 0;

    *strrchr(folder, '/') = '\0';
    if (other >= 0)
        return error_set(err, -EADDRINUSE, "another agent listens there");
    if (folder[0] != '\0')
        r = file_make_folders(folder, FOLDER_MODE, err);
    return r < 0 ? r
                 : door_open_socket(&body->loop, path, on_visitor, body, &body->hearing.door, err);
}

void hearing_begin(struct body *body)
{
    const struct settings *settings = body->options.settings;
    _cleanup_error_ struct error err = ERROR_INIT;

    if (settings->owners)
        find_owners(&body->hearing, settings->owners);
    if (settings->owner_socket && listen_at(body, settings->owner_socket, &err) < 0)
        log_warning("the owner cannot say anything to this agent at '%s': %s",
                    settings->owner_socket, error_text(&err));
}

void hearing_deinit(struct body *body)
{
    door_close(take_pointer(body->hearing.door));
    while (body->hearing.visitors)
        visitor_close(body->hearing.visitors);
    free(body->hearing.owners);
    body->hearing.owners = NULL;
}
