/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who uses a Wayland desktop: its compositor tells when nobody has used a seat for half a second,
 * and when somebody does again (ext-idle-notify-v1). So the first key after a pause is heard at
 * once; from then on the seat is in use until the compositor says otherwise, and is told as used
 * again and again, because nobody says how often.
 *
 * The compositor is WAYLAND_DISPLAY's in XDG_RUNTIME_DIR, with the rights of the agent's user. What
 * is asked of it at the beginning is answered later, by events: until the
 * answer is there, the computer counts as used. Connecting may block, so all of it happens in a
 * process of its own (watcher.h). While nobody uses it, it is asked at each look whether it is
 * still there, which must be answered by the next: one that stands still would tell nobody's keys.
 */
#include "source.h"

#include "base/memory.h"

#include "ext-idle-notify-v1-client-protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wayland-client.h>

enum { PAUSE_MS = 500, AGAIN_MS = 1500, NOTIFIER_VERSION = 1, SEAT_VERSION = 1 };

/* One of the keyboards and mice that belong together; there is mostly one. */
struct seat {
    struct wayland *wayland;
    struct wl_seat *proxy;
    uint32_t name; /* in the registry */
    struct ext_idle_notification_v1 *notification;
    bool pauses;
    struct seat *next;
};

struct wayland {
    struct source *source;
    struct wl_display *display;
    struct wl_registry *registry;
    /* Until the last question is answered; the first is when all that there is has been told. */
    struct wl_callback *asked;
    struct ext_idle_notifier_v1 *notifier;
    struct seat *seats; /* owned */
    bool was_used;      /* in what was read just now */
};

static bool is_here(const struct presence_options *options)
{
    const char *display = getenv("WAYLAND_DISPLAY");

    (void)options;
    return display && display[0] != '\0';
}

/* ---- seats ---- */

static void on_idled(void *data, struct ext_idle_notification_v1 *notification)
{
    struct seat *seat = data;

    (void)notification;
    seat->pauses = true;
}

static void on_resumed(void *data, struct ext_idle_notification_v1 *notification)
{
    struct seat *seat = data;

    (void)notification;
    seat->pauses = false;
    seat->wayland->was_used = true;
}

static const struct ext_idle_notification_v1_listener seat_listener = {.idled = on_idled,
                                                                       .resumed = on_resumed};

/* Seats may be told before the notifier is. */
static void ask_for_pauses(const struct wayland *wayland)
{
    for (struct seat *seat = wayland->seats; seat && wayland->notifier; seat = seat->next) {
        if (seat->notification)
            continue;
        seat->notification =
            ext_idle_notifier_v1_get_idle_notification(wayland->notifier, PAUSE_MS, seat->proxy);
        ext_idle_notification_v1_add_listener(seat->notification, &seat_listener, seat);
    }
}

static bool is_used(const struct wayland *wayland)
{
    const struct seat *seat = wayland->seats;

    while (seat && seat->pauses)
        seat = seat->next;
    return seat;
}

/* ---- what the compositor has ---- */

static void on_global(void *data, struct wl_registry *registry, uint32_t name,
                      const char *interface, uint32_t version)
{
    struct wayland *wayland = data;

    (void)version;
    if (strcmp(interface, ext_idle_notifier_v1_interface.name) == 0 && !wayland->notifier) {
        wayland->notifier =
            wl_registry_bind(registry, name, &ext_idle_notifier_v1_interface, NOTIFIER_VERSION);
    } else if (strcmp(interface, wl_seat_interface.name) == 0) {
        struct seat *seat = memory_allocate(sizeof(*seat));

        *seat = (struct seat){.wayland = wayland, .name = name, .next = wayland->seats};
        seat->proxy = wl_registry_bind(registry, name, &wl_seat_interface, SEAT_VERSION);
        wayland->seats = seat;
    }
    ask_for_pauses(wayland);
}

/* Takes the seat at this place out. */
static void drop_seat(struct seat **at)
{
    struct seat *seat = *at;

    *at = seat->next;
    if (seat->notification)
        ext_idle_notification_v1_destroy(seat->notification);
    wl_seat_destroy(seat->proxy);
    free(seat);
}

/* A seat that goes, as one of a remote desktop does, is used no more, and may not say so itself. */
static void on_global_remove(void *data, struct wl_registry *registry, uint32_t name)
{
    struct wayland *wayland = data;
    struct seat **at = &wayland->seats;

    (void)registry;
    while (*at && (*at)->name != name)
        at = &(*at)->next;
    if (*at)
        drop_seat(at);
}

static const struct wl_registry_listener registry_listener = {.global = on_global,
                                                              .global_remove = on_global_remove};

static void on_answered(void *data, struct wl_callback *callback, uint32_t serial)
{
    struct wayland *wayland = data;

    (void)serial;
    wl_callback_destroy(callback);
    wayland->asked = NULL;
}

static const struct wl_callback_listener answer_listener = {.done = on_answered};

static void ask(struct wayland *wayland)
{
    wayland->asked = wl_display_sync(wayland->display);
    wl_callback_add_listener(wayland->asked, &answer_listener, wayland);
}

/* ---- the connection ---- */

/* 0, or why nothing can be heard any more. The callbacks above are called in it, and only there. */
static int take_events(struct wayland *wayland, struct error *err)
{
    struct wl_display *display = wayland->display;

    while (wl_display_prepare_read(display) != 0)
        if (wl_display_dispatch_pending(display) < 0)
            break;
    if (wl_display_read_events(display) < 0 || wl_display_dispatch_pending(display) < 0 ||
        (wl_display_flush(display) < 0 && errno != EAGAIN)) {
        wayland->source->is_gone = true;
        return error_set(err, -ECONNRESET, "the compositor of WAYLAND_DISPLAY=%s is gone",
                         getenv("WAYLAND_DISPLAY"));
    }
    if (!wayland->asked && !wayland->notifier)
        return error_set(err, -EOPNOTSUPP,
                         "the compositor does not tell who is idle "
                         "(ext-idle-notify-v1)");
    return 0;
}

static void look(struct source *source);

/* False: the source is closed. */
static bool hear(struct source *source)
{
    struct wayland *wayland = source->data;
    _cleanup_error_ struct error err = ERROR_INIT;

    wayland->was_used = false;
    if (take_events(wayland, &err) < 0) {
        source_fail(source, &err);
        return false;
    }
    if (!wayland->asked && !source->works) {
        source_works(source);
        source_wake(source, AGAIN_MS, look);
    }
    return true;
}

static void tell_used(struct source *source)
{
    source_wake(source, AGAIN_MS, look);
    source_used(source);
}

static void on_events(struct source *source, int fd)
{
    const struct wayland *wayland = source->data;

    (void)fd;
    if (hear(source) && wayland->was_used)
        tell_used(source);
}

static void look(struct source *source)
{
    struct wayland *wayland = source->data;

    if (!hear(source))
        return;
    if (wayland->was_used || is_used(wayland)) {
        tell_used(source);
    } else if (wayland->asked) {
        source_fail_silent(source);
    } else {
        ask(wayland);
        (void)wl_display_flush(wayland->display);
        source_wake(source, SOURCE_LOOK_MS, look);
    }
}

static int wayland_open(struct source *source, struct error *err)
{
    struct wayland *wayland = memory_allocate(sizeof(*wayland));
    const char *name = getenv("WAYLAND_DISPLAY");
    int fd, r;

    *wayland = (struct wayland){.source = source, .display = wl_display_connect(NULL)};
    source->data = wayland;
    if (!wayland->display) {
        source->is_gone = true;
        return error_set_errno(err, -errno, "cannot connect to WAYLAND_DISPLAY=%s",
                               name ? name : "");
    }
    wayland->registry = wl_display_get_registry(wayland->display);
    wl_registry_add_listener(wayland->registry, &registry_listener, wayland);
    ask(wayland);
    /* Its descriptor is closed with the connection; a watch closes its own. */
    fd = fcntl(wl_display_get_fd(wayland->display), F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return error_set_errno(err, -errno, "cannot watch the connection to the compositor");
    r = source_watch(source, fd, on_events, err);
    if (r == 0 && wl_display_flush(wayland->display) < 0)
        r = error_set_errno(err, -errno, "cannot ask the compositor");
    return r < 0 ? r : SOURCE_OPENING;
}

static void wayland_close(struct source *source)
{
    struct wayland *wayland = source->data;

    while (wayland && wayland->seats)
        drop_seat(&wayland->seats);
    if (wayland && wayland->notifier)
        ext_idle_notifier_v1_destroy(wayland->notifier);
    if (wayland && wayland->asked)
        wl_callback_destroy(wayland->asked);
    if (wayland && wayland->registry)
        wl_registry_destroy(wayland->registry);
    if (wayland && wayland->display)
        wl_display_disconnect(wayland->display);
    free(wayland);
}

const struct source_kind source_wayland = {.name = "wayland",
                                           .desktop = "compositor of WAYLAND_DISPLAY",
                                           .is_here = is_here,
                                           .open = wayland_open,
                                           .close = wayland_close};
