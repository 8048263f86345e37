/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See session_main.h. It watches with the same source as an agent would (presence/presence.h), so
 * in a process of its own, and says what that sees. It ends with the desktop that it watches; an
 * agent that ends is waited for. A lock keeps a second one out, because a session may start it in
 * two ways, by a unit of systemd and by XDG's autostart.
 *
 * Nothing is done by the clock: it wakes for a key, for the agent, or to look for one.
 */
#define _GNU_SOURCE
#include "session_main.h"

#include "base/memory.h"
#include "presence/presence.h"
#include "presence/tray.h"
#include "session.h"
#include "session_link.h"
#include "session_settings.h"
#include "sys/clock.h"
#include "sys/complain.h"
#include "sys/descriptor.h"
#include "sys/file.h"
#include "sys/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_OVER = 0, EXIT_CANNOT = 1, EXIT_USAGE = 2 };
enum { REST_MS = 1000, WHY_SIZE_MAX = 200, PRIVATE_FOLDER = 0700, SIGNALS = 2 };

static const char usage[] = "Usage: dusk agent --session [--socket PATH] [--log LEVEL]\n"
                            "\n"
                            "Tells the agent of this computer when this desktop is used. Started "
                            "by the desktop's session,\n"
                            "and ends with it.\n"
                            "\n"
                            "  --socket PATH  the agent's socket on this computer\n"
                            "  --log LEVEL    notice, or debug\n";

struct session {
    uv_loop_t loop;
    uv_prepare_t prepare;
    uv_signal_t signals[SIGNALS];
    const char *socket; /* NULL: where it is found */
    struct presence_options options;
    struct presence *presence;
    struct session_link *link;
    struct tray *tray;          /* NULL: he wants none */
    uint64_t used_ms;           /* the last use; 0: none was seen */
    enum owner_word_kind sight; /* what was said of it last: WATCHED, UNWATCHED, or STATUS: none */
    bool was_seen;              /* since it is watched in this way, the desktop was reached */
    bool is_gone;               /* it cannot be reached, for so many tries */
    unsigned int tries;
    bool has_agent;
};

/* ---- what is shown ---- */

void session_show(struct session *session, const struct owner_answer *answer)
{
    if (answer && answer->error)
        log_warning("the agent says: %s", answer->error);
    else if (answer)
        log_debug("the agent of '%s' says: %s", answer->node, owner_reason_text(answer->reason));
    if (session->has_agent != (answer != NULL))
        log_notice(answer ? "an agent listens" : "no agent listens");
    session->has_agent = answer != NULL;
    if (session->tray)
        tray_show(session->tray, answer);
}

void session_say(struct session *session, const struct owner_word *word)
{
    session_link_say(session->link, word);
}

static void on_word(void *userdata, const struct owner_word *word)
{
    session_say(userdata, word);
}

static void on_notes(void *userdata, bool wanted)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    (void)userdata;
    if (session_settings_store_notifications(wanted, &err) < 0)
        log_warning("whether notifications are wanted is forgotten at the end: %s",
                    error_text(&err));
}

/* A file that makes no sense is told of, and keeps nobody from seeing whose computer it is. */
static void begin_tray(struct session *session)
{
    const struct tray_listener listener = {on_word, on_notes, session};
    _cleanup_error_ struct error err = ERROR_INIT;
    struct session_settings settings;
    struct tray_options options = {0};

    if (session_settings_read(&settings, &err) < 0)
        log_warning("%s", error_text(&err));
    options.shows_icon = settings.tray;
    options.shows_notes = settings.notifications;
    if (settings.tray || settings.notifications)
        session->tray = tray_new(&session->loop, &options, &listener);
}

/* ---- what is seen ---- */

static void say_use(struct session *session)
{
    uint64_t now_ms = clock_boot_ms();
    struct owner_word word = {.kind = OWNER_WORD_USED, .ago_ms = now_ms - session->used_ms};

    if (session->used_ms > 0 && session->used_ms <= now_ms)
        session_link_say(session->link, &word);
}

/* The line has little room, and a reason is no more than a hint for people. */
static void say_sight(struct session *session, const struct presence_view *view)
{
    _cleanup_free_ char *why_not = NULL;
    struct owner_word word = {.kind = session->sight};

    if (session->sight == OWNER_WORD_UNWATCHED) {
        why_not = memory_copy_bytes(view->why_not, strnlen(view->why_not, WHY_SIZE_MAX));
        for (char *at = why_not; *at; at++)
            if (*at < ' ' || *at > '~' || *at == '"' || *at == '\\')
                *at = '\'';
        word.why_not = why_not;
    }
    if (session->sight != OWNER_WORD_STATUS)
        session_link_say(session->link, &word);
}

static void on_used(void *userdata, uint64_t used_ms)
{
    struct session *session = userdata;

    session->used_ms = used_ms;
    say_use(session);
}

/* Whether it can be seen is asked for after each turn. */
static void on_lasts(void *userdata, enum owner_reason reason, bool holds)
{
    (void)userdata;
    (void)reason;
    (void)holds;
}

/*
 * A desktop that was seen and is gone has ended. One that cannot be reached may have no place for
 * another client just now, or begin anew after its last one, as an X server does: it is tried
 * twice.
 */
static bool has_ended(struct session *session, const struct presence_view *view)
{
    bool is_gone = view->has_failed && view->is_gone;

    if (view->works) {
        session->was_seen = true;
        session->tries = 0;
    }
    if (is_gone && !session->is_gone)
        session->tries++;
    session->is_gone = is_gone;
    return is_gone && (session->was_seen || session->tries > 1);
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct session *session = prepare->data;
    struct presence_view view = presence_view(session->presence, 0);
    enum owner_word_kind sight = view.works        ? OWNER_WORD_WATCHED
                                 : view.has_failed ? OWNER_WORD_UNWATCHED
                                                   : session->sight;

    if (has_ended(session, &view)) {
        log_notice("the session is over: %s", view.why_not);
        uv_stop(&session->loop);
        return;
    }
    if (sight == session->sight)
        return;
    session->sight = sight;
    say_sight(session, &view);
}

/* ---- the agent ---- */

static void on_connected(void *userdata)
{
    struct session *session = userdata;
    struct presence_view view = presence_view(session->presence, 0);

    say_sight(session, &view);
    say_use(session);
}

static void watch(struct session *session);

/* What is no use the agent's admin says, and that may be known only now. */
static void on_answer(void *userdata, const struct owner_answer *answer)
{
    struct session *session = userdata;

    if (answer && !answer->error && answer->nudge != session->options.nudge) {
        session->options.nudge = answer->nudge;
        presence_free(session->presence);
        watch(session);
    }
    session_show(session, answer);
}

/* ---- the whole ---- */

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    uv_stop(handle->loop);
}

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);

    return value && *value;
}

/* Where there is a compositor, the X server beside it is Xwayland. NULL: there is no desktop. */
static const char *find_source(const char **ret_display)
{
    const char *variable = is_set("WAYLAND_DISPLAY") ? "WAYLAND_DISPLAY" : "DISPLAY";

    *ret_display = getenv(variable);
    if (!is_set(variable))
        return NULL;
    return strcmp(variable, "DISPLAY") == 0 ? "x11" : "wayland";
}

/*
 * 0: nobody else watches this display for this user; *ret_lock is held until the end. -EBUSY:
 * somebody does. Without a folder for it there is no lock, and two do no harm.
 */
static int take_lock(const char *display, int *ret_lock)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    _cleanup_free_ char *folder = runtime ? file_join(runtime, "dusk") : NULL;
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (!folder || file_make_folders(folder, PRIVATE_FOLDER, NULL) < 0)
        return 0;
    buffer_appendf(&path, "%s/session-%s", folder, display);
    for (char *at = path.data + strlen(folder) + 1; *at; at++)
        if (*at == '/')
            *at = '-';
    *ret_lock = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    return *ret_lock >= 0 && fcntl(*ret_lock, F_OFD_SETLK, &whole) < 0 && errno == EAGAIN ? -EBUSY
                                                                                          : 0;
}

static void watch(struct session *session)
{
    struct presence_listener used = {on_used, on_lasts, session};

    session->was_seen = false;
    session->is_gone = false;
    session->tries = 0;
    session->presence = presence_new(&session->loop, &session->options, &used);
}

static void begin(struct session *session)
{
    static const int numbers[SIGNALS] = {SIGTERM, SIGINT};
    struct session_link_listener said = {on_connected, on_answer, session};

    for (size_t i = 0; i < SIGNALS; i++) {
        uv_signal_init(&session->loop, &session->signals[i]);
        uv_signal_start(&session->signals[i], on_signal, numbers[i]);
    }
    uv_prepare_init(&session->loop, &session->prepare);
    session->prepare.data = session;
    session->sight = OWNER_WORD_STATUS;
    begin_tray(session);
    session->link = session_link_new(&session->loop, session->socket, &said);
    watch(session);
    uv_prepare_start(&session->prepare, on_prepare);
    session_show(session, NULL);
}

static void close_handle(uv_handle_t *handle, void *userdata)
{
    (void)userdata;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void end(struct session *session)
{
    tray_free(session->tray);
    presence_free(session->presence);
    session_link_free(session->link);
    uv_walk(&session->loop, close_handle, NULL);
    uv_run(&session->loop, UV_RUN_DEFAULT);
    uv_loop_close(&session->loop);
}

static int run(const char *socket)
{
    struct session session = {.socket = socket, .options = {.root = "", .rest_ms = REST_MS}};
    _cleanup_error_ struct error err = ERROR_INIT;
    _cleanup_fd_ int lock = -1;
    const char *display;

    session.options.sources = find_source(&display);
    if (!session.options.sources) {
        error_set(&err, -ENOENT,
                  "there is no desktop here: neither DISPLAY nor WAYLAND_DISPLAY "
                  "is set");
        complain(&err);
        return EXIT_CANNOT;
    }
    if (take_lock(display, &lock) < 0) {
        log_notice("the helper of this session runs already");
        return EXIT_OVER;
    }
    signal(SIGPIPE, SIG_IGN);
    /* Who watched with another nudge is killed and waited for by nobody. */
    signal(SIGCHLD, SIG_IGN);
    if (uv_loop_init(&session.loop) < 0)
        return EXIT_CANNOT;
    begin(&session);
    uv_run(&session.loop, UV_RUN_DEFAULT);
    end(&session);
    return EXIT_OVER;
}

static int refuse(struct error *err)
{
    if (!err->text)
        error_set(err, -EINVAL, "dusk agent --session takes --socket PATH and --log LEVEL");
    complain(err);
    return EXIT_USAGE;
}

int session_main(int argc, char **argv)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    const char *socket = NULL;

    for (int i = 1; i < argc; i++) {
        const char *value = argv[i + 1];

        if (strcmp(argv[i], "--session") == 0)
            continue;
        if (strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            return EXIT_OVER;
        }
        if (strcmp(argv[i], "--socket") == 0 && value)
            socket = value;
        else if (strcmp(argv[i], "--log") != 0 || !value || log_set_level_named(value, &err) < 0)
            return refuse(&err);
        i++;
    }
    return run(socket);
}
