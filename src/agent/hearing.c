/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See hearing.h. A visitor's life: he is let in, has a few seconds for one line, gets his answer
 * before the loop waits again, and goes. Each step may be his last: whoever leaves, sends too much
 * or does not read is closed, and nothing of it is worth a word in the log.
 *
 * The helper of a session is a visitor who goes on reading and writing. One answer at a time is on
 * its way to him: who does not read it misses those between, and costs no more than that one.
 */
#define _GNU_SOURCE
#include "hearing.h"

#include "base/memory.h"
#include "body.h"
#include "net/doors.h"
#include "presence/seated.h"
#include "presence/session.h"
#include "sys/clock.h"
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

enum {
    SESSIONS_MAX = 64,
    SESSIONS_OF_USER_MAX = 4,
    TELL_AGAIN_MS = 1000,
    /* Who types all day says a line a second. */
    LINES_MAX = 100,
    LINES_PERIOD_MS = 10000
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
    bool wants_figures; /* with it */
    bool has_said;      /* something, that must be remembered before he is answered */
    bool is_writing;
    struct session_helper *session; /* NULL: he is none; the presence's */
    unsigned int lines;             /* of a session, since that time */
    uint64_t since_ms;
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
            break;
        }
    if (visitor->session)
        session_go(visitor->body->owning.presence, take_pointer(visitor->session));
    uv_close((uv_handle_t *)&visitor->pipe, on_closed);
    uv_close((uv_handle_t *)&visitor->patience, on_closed);
}

static void on_patience_over(uv_timer_t *timer)
{
    visitor_close(timer->data);
}

/* Among those who are sessions, or those who are not. */
static bool there_is_room(const struct hearing *hearing, uid_t uid, bool for_session)
{
    size_t count = 0, of_user = 0;

    for (const struct visitor *visitor = hearing->visitors; visitor; visitor = visitor->next) {
        if (!visitor->session == for_session)
            continue;
        count++;
        of_user += visitor->uid == uid;
    }
    return for_session ? count < SESSIONS_MAX && of_user < SESSIONS_OF_USER_MAX
                       : count < VISITORS_MAX && of_user < VISITORS_OF_USER_MAX;
}

/* ---- what he says ---- */

static bool is_named(const struct hearing *hearing, uid_t uid)
{
    for (size_t i = 0; i < hearing->owner_count; i++)
        if (hearing->owners[i] == uid)
            return true;
    return false;
}

static bool is_task(uid_t uid)
{
    return geteuid() == 0 && owning_is_task(uid);
}

static bool may_command(const struct hearing *hearing, uid_t uid)
{
    if (is_task(uid))
        return false;
    return uid == 0 || uid == geteuid() || is_named(hearing, uid) || seated_is("", uid);
}

static void refuse(struct visitor *visitor)
{
    visitor->is_refused = true;
    error_set(&visitor->err, -EPERM, "only whoever sits at this computer may say that");
    error_hint(&visitor->err, "root may as well, and whom 'owners' in the agent's settings names");
}

static void begin_session(struct visitor *visitor)
{
    struct body *body = visitor->body;

    if (is_task(visitor->uid)) {
        visitor->is_refused = true;
        error_set(&visitor->err, -EPERM, "a task is no desktop's session");
    } else if (!there_is_room(&body->hearing, visitor->uid, true)) {
        error_set(&visitor->err, -EUSERS, "too many helpers of sessions are here already");
    } else if (!visitor->session) {
        uv_timer_stop(&visitor->patience);
        visitor->session = session_come(body->owning.presence, visitor->uid);
        log_notice("the session of user %u has a helper", (unsigned int)visitor->uid);
    }
}

static void take_session_word(struct visitor *visitor, const struct owner_word *word)
{
    struct presence *presence = visitor->body->owning.presence;

    if (!visitor->session)
        error_set(&visitor->err, -EPROTO, "only the helper of a session says that");
    else if (word->kind == OWNER_WORD_USED)
        session_used(presence, word->ago_ms);
    else
        session_watches(presence, visitor->session, word->why_not);
}

/* Who does not say whose tasks are welcome means his own: those of his name here. */
static int name_speaker(struct visitor *visitor, struct owner_word *word)
{
    const struct passwd *entry;

    if (word->user)
        return 0;
    entry = getpwuid(visitor->uid);
    if (entry) {
        word->user = memory_copy_string(entry->pw_name);
        return 0;
    }
    error_set(&visitor->err, -ENOENT, "user %u has no name on this computer",
              (unsigned int)visitor->uid);
    error_hint(&visitor->err,
               "name the pool's user whose tasks may run: dusk owner mine-only USER");
    return -ENOENT;
}

static void take_lasting_word(struct visitor *visitor, struct owner_word *word)
{
    if (!may_command(&visitor->body->hearing, visitor->uid)) {
        refuse(visitor);
        return;
    }
    if (word->kind == OWNER_WORD_MINE_ONLY && name_speaker(visitor, word) < 0)
        return;
    log_notice("user %u says: %s", (unsigned int)visitor->uid, owner_word_name(word->kind));
    visitor->has_said = true;
    word_take(visitor->body, word);
}

/* The brain has heard it when this returns; the answer waits until hearing_flush(). */
static void take_word(struct visitor *visitor, size_t length)
{
    struct owner_word word = {.kind = OWNER_WORD_STATUS};

    if (owner_word_decode((struct slice){visitor->line.data, length}, &word, &visitor->err) < 0)
        error_prefix(&visitor->err, -EPROTO, "the agent does not understand this");
    else if (owner_word_lasts(word.kind))
        take_lasting_word(visitor, &word);
    else if (word.kind == OWNER_WORD_SESSION)
        begin_session(visitor);
    else if (owner_word_is_of_session(word.kind))
        take_session_word(visitor, &word);
    visitor->wants_figures = visitor->wants_figures || word.kind == OWNER_WORD_FIGURES;
    /* A session's own words are not answered, but by what follows from them. */
    visitor->answer_due = visitor->answer_due || !visitor->session ||
                          !owner_word_is_of_session(word.kind) || visitor->err.text;
    owner_word_deinit(&word);
}

/* Who babbles is no helper of ours. */
static bool babbles(struct visitor *visitor)
{
    uint64_t now_ms = clock_boot_ms();

    if (now_ms - visitor->since_ms >= LINES_PERIOD_MS) {
        visitor->since_ms = now_ms;
        visitor->lines = 0;
    }
    return ++visitor->lines > LINES_MAX;
}

/* One line of a visitor, all that are there of a session. */
static void take_lines(struct visitor *visitor)
{
    const char *end;

    while ((end = memchr(visitor->line.data, '\n', visitor->line.length))) {
        size_t length = (size_t)(end - visitor->line.data);

        if (visitor->session && babbles(visitor)) {
            visitor_close(visitor);
            return;
        }
        take_word(visitor, length);
        buffer_consume(&visitor->line, length + 1);
        if (!visitor->session) {
            uv_read_stop((uv_stream_t *)&visitor->pipe);
            return;
        }
    }
    if (visitor->line.length <= OWNER_WORD_SIZE_MAX)
        return;
    if (visitor->session) {
        visitor_close(visitor);
        return;
    }
    uv_read_stop((uv_stream_t *)&visitor->pipe);
    visitor->answer_due = true;
    error_set(&visitor->err, -EPROTO, "the agent takes no line as long as that");
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

    (void)room;
    if (length < 0) {
        visitor_close(visitor);
        return;
    }
    visitor->line.length += (size_t)length;
    take_lines(visitor);
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
        !there_is_room(&body->hearing, peer.uid, false))
        return;
    visitor = memory_allocate(sizeof(*visitor));
    visitor->body = body;
    visitor->uid = peer.uid;
    visitor->next = body->hearing.visitors;
    body->hearing.visitors = visitor;
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
    struct visitor *visitor = write->data;

    visitor->is_writing = false;
    if (!visitor->session || status < 0)
        visitor_close(visitor);
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
        if (visitor->wants_figures)
            recording_describe(visitor->body, &answer);
    }
    buffer_clear(&visitor->answer);
    owner_answer_encode(&visitor->answer, &answer);
    owner_answer_deinit(&answer);
    error_clear(&visitor->err);
    visitor->is_refused = visitor->has_said = visitor->wants_figures = false;
}

static void unsaved(struct visitor *visitor, const struct error *why)
{
    error_set(&visitor->err, -EIO, "it is so, but cannot be remembered yet: %s", error_text(why));
    error_hint(&visitor->err, "the agent tries again; if it ends before, it forgets this");
}

/* What could not be remembered holds all the same. Whoever said it is told, and the log once. */
static void remember(struct body *body)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    bool was_unsaved = body->word.is_unsaved;

    if (word_save(body, &err) == 0)
        return;
    if (!was_unsaved)
        log_warning("what the owner said holds, but cannot be remembered yet: %s",
                    error_text(&err));
    for (struct visitor *visitor = body->hearing.visitors; visitor; visitor = visitor->next)
        if (visitor->answer_due && visitor->has_said)
            unsaved(visitor, &err);
}

/*
 * The answer with what changes all the time at rest: when which source saw something, and the
 * seconds of moments, because a key moves the end of what it begins.
 */
static void describe_at_rest(const struct body *body, struct buffer *out)
{
    struct owner_answer answer;

    word_describe(body, &answer);
    for (size_t i = 0; i < answer.source_count; i++)
        answer.sources[i].was_used = false;
    for (size_t i = 0; i < answer.task_count; i++)
        answer.tasks[i].since_at = 0;
    answer.until_at = (double)(uint64_t)(answer.until_at / 60);
    answer.since_at = 0;
    owner_answer_encode(out, &answer);
    owner_answer_deinit(&answer);
}

static void on_pace(uv_timer_t *timer)
{
    (void)timer; /* hearing_flush() comes with this turn of the loop */
}

void hearing_has_news(struct hearing *hearing)
{
    hearing->has_news = true;
}

static bool has_sessions(const struct hearing *hearing)
{
    for (const struct visitor *visitor = hearing->visitors; visitor; visitor = visitor->next)
        if (visitor->session)
            return true;
    return false;
}

/* Marks all sessions if there is something new to tell. An agent without any is spared the look. */
static void tell_sessions(struct body *body)
{
    struct hearing *hearing = &body->hearing;
    _cleanup_buffer_ struct buffer now = BUFFER_INIT;
    uint64_t ago_ms = clock_boot_ms() - hearing->told_ms;

    if (!hearing->has_news || uv_is_active((uv_handle_t *)&hearing->pace) || !has_sessions(hearing))
        return;
    if (ago_ms < TELL_AGAIN_MS) {
        uv_timer_start(&hearing->pace, on_pace, TELL_AGAIN_MS - ago_ms, 0);
        return;
    }
    hearing->has_news = false;
    describe_at_rest(body, &now);
    if (strcmp(buffer_text(&now), buffer_text(&hearing->told)) == 0)
        return;
    hearing->told_ms = clock_boot_ms();
    buffer_clear(&hearing->told);
    buffer_append(&hearing->told, now.data, now.length);
    for (struct visitor *visitor = hearing->visitors; visitor; visitor = visitor->next)
        visitor->answer_due = visitor->answer_due || visitor->session;
}

void hearing_flush(struct body *body)
{
    struct visitor *next;

    remember(body);
    tell_sessions(body);
    for (struct visitor *visitor = body->hearing.visitors; visitor; visitor = next) {
        uv_buf_t text;

        next = visitor->next;
        if (!visitor->answer_due || visitor->is_writing)
            continue;
        visitor->answer_due = false;
        visitor->is_writing = true;
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

    uv_timer_init(&body->loop, &body->hearing.pace);
    if (settings->owners)
        find_owners(&body->hearing, settings->owners);
    if (settings->owner_socket && listen_at(body, settings->owner_socket, &err) < 0)
        log_warning("the owner cannot say anything to this agent at '%s': %s",
                    settings->owner_socket, error_text(&err));
}

void hearing_deinit(struct body *body)
{
    door_close(take_pointer(body->hearing.door));
    /* An agent that ends is not told that sessions do. */
    while (body->hearing.visitors) {
        body->hearing.visitors->session = NULL;
        visitor_close(body->hearing.visitors);
    }
    buffer_deinit(&body->hearing.told);
    free(body->hearing.owners);
    body->hearing.owners = NULL;
}
