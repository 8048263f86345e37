/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What logind knows (org.freedesktop.login1(5)), over the system bus.
 *
 *  - A use: a person's session begins or ends, stops being idle, is unlocked, comes to the front
 *    or leaves it; and the computer is sent to sleep or wakes up. That it wakes is told late, and
 *    what was frozen before does not compute until then.
 *  - OWNER_REASON_DISTURB lasts while somebody else blocks idleness or sleep: a film, a call, a
 *    presentation. Those that only delay sleep (the network, the desktop's lock) mean nothing.
 *
 * Sessions in which nobody sits do not count: greeters, the users' managers, cron's, and those of
 * the tasks' users. What a session is has to be asked for, and counts for nothing until then.
 *
 * Nothing here waits for the bus: each question has a callback. The first answers decide whether
 * the source works; an answer that fails or does not come, a bus or a logind that goes away let it
 * fail, and it begins anew. Callbacks run deep within sd_bus_process(), so they only leave what
 * follows in struct logind, and take_messages() acts on it when all are done.
 */
#include "source.h"

#include "base/memory.h"
#include "bus_turn.h"
#include "lang/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define DESTINATION "org.freedesktop.login1"
#define MANAGER     "org.freedesktop.login1.Manager"
#define SESSION     "org.freedesktop.login1.Session"
#define PROPERTIES  "org.freedesktop.DBus.Properties"
#define ROOT_PATH   "/org/freedesktop/login1"

struct session {
    struct session *next;
    struct logind *logind;
    char *path;         /* owned */
    sd_bus_slot *asked; /* owned; the question what it is */
    bool is_new;        /* it began under our eyes */
    bool counts;        /* a person sits in it */
};

struct logind {
    const struct bus_library *library;
    const struct presence_options *options;
    sd_bus *bus;              /* owned */
    char *sender;             /* owned; logind's own name on the bus; NULL before its first word */
    int fd;                   /* the source's; a copy of the bus's own */
    struct session *sessions; /* owned */
    bool is_listing;          /* somebody was asked for the inhibitors… */
    bool lists_again;         /* … and they have changed since */

    /* What the messages said, for take_messages(). */
    bool answered; /* the first questions */
    bool used;
    bool disturbs;
    struct error failure;
};

static bool is_here(const struct presence_options *options)
{
    _cleanup_free_ char *path = source_path(options, "/run/systemd/seats");

    return access(path, F_OK) == 0 && bus_library_load(NULL);
}

static bool sleeps_by_itself(const struct presence_options *options)
{
    return options->sleeps_by_itself && options->sleeps_by_itself(options->own_userdata);
}

static bool is_task(const struct presence_options *options, uint32_t uid)
{
    return options->is_task && options->is_task(uid);
}

/* Returns 0: to sd-bus all is well. The first failure is the one that is told. */
static int fail(struct logind *logind, const char *what, int r)
{
    if (!logind->failure.text)
        error_set_errno(&logind->failure, r, "%s", what);
    return 0;
}

/* Whether the answer is none. What went wrong is kept if it should not have. */
static bool is_refusal(struct logind *logind, sd_bus_message *answer, const char *what)
{
    const sd_bus_error *error = logind->library->message_get_error(answer);

    if (error && !logind->failure.text)
        error_set(&logind->failure, -EIO, "%s: %s", what,
                  error->message ? error->message : error->name);
    return error != NULL;
}

/* The bus lets anybody send a signal to us alone, whatever we asked to hear. */
static bool is_from(const struct logind *logind, sd_bus_message *signal, const char *sender)
{
    const char *said_by = logind->library->message_get_sender(signal);

    return said_by && sender && strcmp(said_by, sender) == 0;
}

/* ---- sessions ---- */

static struct session **find_session(struct logind *logind, const char *path)
{
    struct session **at = &logind->sessions;

    while (*at && strcmp((*at)->path, path) != 0)
        at = &(*at)->next;
    return at;
}

static void forget_session(struct session **at)
{
    struct session *session = *at;

    *at = session->next;
    session->logind->library->slot_unref(session->asked);
    free(session->path);
    free(session);
}

/* Classes as in org.freedesktop.login1(5); one that is not known may have a person in it. */
static bool is_class_of_person(const char *class)
{
    static const char *const others[] = {"greeter", "manager", "background", "none"};

    for (size_t i = 0; i < ARRAY_LENGTH(others); i++)
        if (strncmp(class, others[i], strlen(others[i])) == 0)
            return false;
    return true;
}

/* Of what properties are told: those of a session, and one of the manager. */
struct properties {
    const char *class; /* the message's; NULL: not among them */
    uint32_t uid;
    bool is_use;
    bool has_inhibited;
};

static int read_property(const struct bus_library *library, sd_bus_message *message,
                         struct properties *properties)
{
    const char *name, *path;
    int is_so, r = library->message_read(message, "s", &name);

    if (r < 0)
        return r;
    if (strcmp(name, "Class") == 0)
        return library->message_read(message, "v", "s", &properties->class);
    if (strcmp(name, "User") == 0)
        return library->message_read(message, "v", "(uo)", &properties->uid, &path);
    if (strcmp(name, "IdleHint") == 0 || strcmp(name, "LockedHint") == 0) {
        r = library->message_read(message, "v", "b", &is_so);
        properties->is_use = properties->is_use || (r >= 0 && !is_so);
        return r;
    }
    properties->is_use = properties->is_use || strcmp(name, "Active") == 0;
    properties->has_inhibited = properties->has_inhibited || strcmp(name, "BlockInhibited") == 0;
    return library->message_skip(message, "v");
}

/* The message stands before an a{sv}. */
static int read_properties(const struct bus_library *library, sd_bus_message *message,
                           struct properties *properties)
{
    int r = library->message_enter_container(message, SD_BUS_TYPE_ARRAY, "{sv}");

    while (r >= 0) {
        r = library->message_enter_container(message, SD_BUS_TYPE_DICT_ENTRY, "sv");
        if (r == 0)
            return library->message_exit_container(message);
        if (r > 0)
            r = read_property(library, message, properties);
        if (r >= 0)
            r = library->message_exit_container(message);
    }
    return r;
}

static int on_session_known(sd_bus_message *answer, void *userdata, sd_bus_error *ret_error)
{
    struct session *session = userdata;
    struct logind *logind = session->logind;
    const sd_bus_error *error = logind->library->message_get_error(answer);
    struct properties properties = {.class = ""};
    int r;

    (void)ret_error;
    /* It ended before it could be asked, which is told as well. */
    if (error && strcmp(error->name, SD_BUS_ERROR_UNKNOWN_OBJECT) == 0)
        return 0;
    if (is_refusal(logind, answer, "logind does not say what a session is"))
        return 0;
    r = read_properties(logind->library, answer, &properties);
    if (r < 0)
        return fail(logind, "cannot read what logind says of a session", r);
    session->counts =
        is_class_of_person(properties.class) && !is_task(logind->options, properties.uid);
    logind->used = logind->used || (session->counts && session->is_new);
    return 0;
}

static void add_session(struct logind *logind, const char *path, bool is_new)
{
    struct session *session;
    int r;

    if (*find_session(logind, path))
        return;
    session = memory_allocate(sizeof(*session));
    *session = (struct session){.next = logind->sessions,
                                .logind = logind,
                                .path = memory_copy_string(path),
                                .is_new = is_new};
    logind->sessions = session;
    r = logind->library->call_method_async(logind->bus, &session->asked, DESTINATION, path,
                                           PROPERTIES, "GetAll", on_session_known, session, "s",
                                           SESSION);
    if (r < 0)
        fail(logind, "cannot ask logind what a session is", r);
}

static int on_sessions(sd_bus_message *answer, void *userdata, sd_bus_error *ret_error)
{
    struct logind *logind = userdata;
    const struct bus_library *library = logind->library;
    const char *id, *user, *seat, *path;
    uint32_t uid;
    int r;

    (void)ret_error;
    if (is_refusal(logind, answer, "logind does not say which sessions there are"))
        return 0;
    if (!logind->sender && library->message_get_sender(answer))
        logind->sender = memory_copy_string(library->message_get_sender(answer));
    r = library->message_enter_container(answer, SD_BUS_TYPE_ARRAY, "(susso)");
    while (r >= 0 &&
           (r = library->message_read(answer, "(susso)", &id, &uid, &user, &seat, &path)) > 0)
        add_session(logind, path, false);
    return r < 0 ? fail(logind, "cannot read which sessions logind has", r) : 0;
}

/* ---- inhibitors ---- */

/* One of the words with ':' between them. */
static bool has_word(const char *words, const char *word)
{
    struct slice rest = slice_from_text(words);

    while (rest.length > 0)
        if (slice_equals(text_take(&rest, ':'), word))
            return true;
    return false;
}

struct inhibitor {
    const char *what, *who, *why, *mode; /* the message's */
    uint32_t uid, pid;
};

/* "block-weak" blocks as well, but for those who may overrule it. */
static bool is_disturbed(const struct logind *logind, const struct inhibitor *inhibitor)
{
    return strncmp(inhibitor->mode, "block", strlen("block")) == 0 &&
           (has_word(inhibitor->what, "idle") || has_word(inhibitor->what, "sleep")) &&
           inhibitor->pid != (uint32_t)getpid() && !is_task(logind->options, inhibitor->uid);
}

static int list_inhibitors(struct logind *logind);

static int on_inhibitors(sd_bus_message *answer, void *userdata, sd_bus_error *ret_error)
{
    struct logind *logind = userdata;
    const struct bus_library *library = logind->library;
    struct inhibitor one;
    bool disturbs = false;
    int r;

    (void)ret_error;
    logind->is_listing = false;
    if (is_refusal(logind, answer, "logind does not say who blocks sleep"))
        return 0;
    r = library->message_enter_container(answer, SD_BUS_TYPE_ARRAY, "(ssssuu)");
    while (r >= 0 && (r = library->message_read(answer, "(ssssuu)", &one.what, &one.who, &one.why,
                                                &one.mode, &one.uid, &one.pid)) > 0)
        disturbs = disturbs || is_disturbed(logind, &one);
    if (r < 0)
        return fail(logind, "cannot read who blocks sleep", r);
    logind->answered = true;
    logind->disturbs = disturbs;
    return logind->lists_again ? list_inhibitors(logind) : 0;
}

/* However often they change, one question at a time is on its way. */
static int list_inhibitors(struct logind *logind)
{
    int r;

    logind->lists_again = logind->is_listing;
    if (logind->is_listing)
        return 0;
    logind->is_listing = true;
    r = logind->library->call_method_async(logind->bus, NULL, DESTINATION, ROOT_PATH, MANAGER,
                                           "ListInhibitors", on_inhibitors, logind, NULL);
    return r < 0 ? fail(logind, "cannot ask logind who blocks sleep", r) : 0;
}

/* ---- signals ---- */

static void end_session(struct logind *logind, const char *path)
{
    struct session **at = find_session(logind, path);

    if (!*at)
        return;
    logind->used = logind->used || (*at)->counts;
    forget_session(at);
}

static int on_manager_signal(sd_bus_message *signal, void *userdata, sd_bus_error *ret_error)
{
    struct logind *logind = userdata;
    const char *member = logind->library->message_get_member(signal), *id, *path;
    int r = 0;

    (void)ret_error;
    if (!is_from(logind, signal, logind->sender))
        return 0;
    if (strcmp(member, "SessionNew") == 0) {
        r = logind->library->message_read(signal, "so", &id, &path);
        if (r >= 0)
            add_session(logind, path, true);
    } else if (strcmp(member, "SessionRemoved") == 0) {
        r = logind->library->message_read(signal, "so", &id, &path);
        if (r >= 0)
            end_session(logind, path);
    } else if (strcmp(member, "PrepareForSleep") == 0) {
        logind->used = logind->used || !sleeps_by_itself(logind->options);
    }
    return r < 0 ? fail(logind, "cannot read what logind tells", r) : 0;
}

static int on_properties(sd_bus_message *signal, void *userdata, sd_bus_error *ret_error)
{
    struct logind *logind = userdata;
    struct properties properties = {0};
    const struct session *session =
        *find_session(logind, logind->library->message_get_path(signal));
    const char *interface;
    int r;

    (void)ret_error;
    if (!is_from(logind, signal, logind->sender))
        return 0;
    r = logind->library->message_read(signal, "s", &interface);
    if (r >= 0)
        r = read_properties(logind->library, signal, &properties);
    if (r < 0)
        return fail(logind, "cannot read what logind says of a session", r);
    logind->used = logind->used || (session && session->counts && properties.is_use);
    return properties.has_inhibited ? list_inhibitors(logind) : 0;
}

/* Another logind knows nothing of what this one was asked; one that was not there before may. */
static int on_owner_changed(sd_bus_message *signal, void *userdata, sd_bus_error *ret_error)
{
    struct logind *logind = userdata;
    const char *name, *before, *now;
    int r;

    (void)ret_error;
    if (!is_from(logind, signal, "org.freedesktop.DBus"))
        return 0;
    r = logind->library->message_read(signal, "sss", &name, &before, &now);
    if (r < 0)
        return fail(logind, "cannot read who is logind", r);
    if (before[0] != '\0' && !logind->failure.text)
        error_set(&logind->failure, -ECONNRESET, "logind has ended");
    return 0;
}

#define SIGNAL_OF(sender) "type='signal',sender='" sender "',"

static const struct {
    const char *rule;
    sd_bus_message_handler_t on_signal;
} matches[] = {
    {SIGNAL_OF(DESTINATION) "path='" ROOT_PATH "',interface='" MANAGER "'", on_manager_signal},
    {SIGNAL_OF(DESTINATION) "interface='" PROPERTIES "',arg0='" MANAGER "'", on_properties},
    {SIGNAL_OF(DESTINATION) "interface='" PROPERTIES "',arg0='" SESSION "'", on_properties},
    {SIGNAL_OF("org.freedesktop.DBus") "member='NameOwnerChanged',arg0='" DESTINATION "'",
     on_owner_changed},
};

/* ---- the source ---- */

static void on_time(struct source *source);

static void wait_for_bus(struct source *source)
{
    const struct logind *logind = source->data;
    struct bus_wish wish = bus_wish(logind->library, logind->bus);

    source_watch_writable(source, logind->fd, wish.to_write);
    if (wish.has_delay)
        source_wake(source, wish.delay_ms, on_time);
}

static void take_messages(struct source *source, int fd)
{
    struct logind *logind = source->data;
    int r = bus_turn(logind->library, logind->bus);

    (void)fd;
    if (r < 0)
        fail(logind, "the connection to the system bus has ended", r);
    if (logind->failure.text) {
        _cleanup_error_ struct error failure = logind->failure;

        logind->failure = ERROR_INIT;
        source_fail(source, &failure);
        return;
    }
    if (logind->answered && !source->works)
        source_works(source);
    source_lasts(source, OWNER_REASON_DISTURB, logind->disturbs);
    if (logind->used)
        source_used(source);
    logind->used = false;
    wait_for_bus(source);
}

static void on_time(struct source *source)
{
    take_messages(source, -1);
}

/* The signals first: what happens after the answers were written is told then. */
static int ask(struct logind *logind, struct error *err)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < ARRAY_LENGTH(matches); i++)
        r = logind->library->add_match_async(logind->bus, NULL, matches[i].rule,
                                             matches[i].on_signal, NULL, logind);
    if (r >= 0)
        r = logind->library->call_method_async(logind->bus, NULL, DESTINATION, ROOT_PATH, MANAGER,
                                               "ListSessions", on_sessions, logind, NULL);
    if (r < 0)
        return error_set_errno(err, r, "cannot ask logind");
    return list_inhibitors(logind);
}

static int logind_open(struct source *source, struct error *err)
{
    struct logind *logind = memory_allocate(sizeof(*logind));
    int r;

    source->data = logind;
    logind->options = source->options;
    logind->library = bus_library_load(err);
    if (!logind->library)
        return -ENOENT;
    r = logind->library->open_system(&logind->bus);
    if (r < 0)
        return error_set_errno(err, r, "cannot connect to the system bus");
    r = ask(logind, err);
    if (r < 0)
        return r;
    /* The bus closes its descriptor itself; a watch closes its own. */
    logind->fd = fcntl(logind->library->get_fd(logind->bus), F_DUPFD_CLOEXEC, 0);
    if (logind->fd < 0)
        return error_set_errno(err, -errno, "cannot watch the connection to the system bus");
    r = source_watch(source, logind->fd, take_messages, err);
    if (r < 0)
        return r;
    wait_for_bus(source);
    return SOURCE_OPENING;
}

static void logind_close(struct source *source)
{
    struct logind *logind = source->data;

    while (logind && logind->sessions)
        forget_session(&logind->sessions);
    if (logind && logind->bus)
        logind->library->close_unref(logind->bus);
    if (logind)
        error_clear(&logind->failure);
    if (logind)
        free(logind->sender);
    free(logind);
}

const struct source_kind source_logind = {
    .name = "logind", .is_here = is_here, .open = logind_open, .close = logind_close};
