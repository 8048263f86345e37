/* SPDX-License-Identifier: Apache-2.0 */
/* See presence.h, and source.h for the other side of this. */
#include "presence.h"

#include "base/memory.h"
#include "lang/text.h"
#include "session.h"
#include "source.h"
#include "sys/clock.h"
#include "sys/descriptor.h"
#include "sys/log.h"
#include "watcher.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { TRY_AGAIN_MS = 10000 };

static const struct source_kind *const kinds[] = {
    &source_evdev, &source_x11,    &source_wayland,  &source_session,
    &source_tty,   &source_logind, &source_utmp,     &source_battery,
    &source_heat,  &source_load,   &source_programs,
};

struct presence {
    struct presence_listener listener;
    struct presence_options options;
    struct source *sources; /* owned */
    size_t count;
    struct session_helper *helpers; /* of session.c */
};

/* ---- which ---- */

bool presence_is_wanted(const char *sources)
{
    return strcmp(sources, "none") != 0;
}

static const struct source_kind *find_kind(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
        if (slice_equals(name, kinds[i]->name))
            return kinds[i];
    return NULL;
}

static int refuse(struct slice name, struct error *err)
{
    _cleanup_buffer_ struct buffer names = BUFFER_INIT;

    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
        buffer_appendf(&names, "%s%s", i > 0 ? ", " : "", kinds[i]->name);
    error_set(err, -EINVAL, "there is no way '%.*s' to notice the owner", (int)name.length,
              name.data);
    error_hint(err, "there are 'auto', 'none' (always lend), and any of %s", names.data);
    return -EINVAL;
}

int presence_check(const char *sources, struct error *err)
{
    struct slice rest = slice_from_text(sources);

    if (strcmp(sources, "auto") == 0 || strcmp(sources, "none") == 0)
        return 0;
    do {
        struct slice name = slice_trim(text_take(&rest, ','));

        if (!find_kind(name))
            return refuse(name, err);
    } while (rest.length > 0);
    return 0;
}

static void add_source(struct presence *presence, const struct source_kind *kind)
{
    for (size_t i = 0; i < presence->count; i++)
        if (presence->sources[i].kind == kind)
            return;
    presence->sources[presence->count++] =
        (struct source){.kind = kind, .options = &presence->options, .presence = presence};
}

static void choose_sources(struct presence *presence)
{
    struct slice rest = slice_from_text(presence->options.sources);

    presence->sources = memory_allocate(ARRAY_LENGTH(kinds) * sizeof(*presence->sources));
    if (slice_equals(rest, "auto")) {
        for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
            if (kinds[i]->is_here(&presence->options))
                add_source(presence, kinds[i]);
    } else if (presence_is_wanted(presence->options.sources)) {
        while (rest.length > 0)
            add_source(presence, find_kind(slice_trim(text_take(&rest, ','))));
    }
}

/* ---- what sources say ---- */

/* Anything that lasts does as long as one source says so. */
static void tell_lasts(struct presence *presence, enum owner_reason reason)
{
    bool holds = false;

    for (size_t i = 0; i < presence->count; i++)
        holds = holds || presence->sources[i].holds[reason];
    presence->listener.on_lasts(presence->listener.userdata, reason, holds);
}

void source_lasts(struct source *source, enum owner_reason reason, bool holds)
{
    if (source->holds[reason] == holds)
        return;
    source->holds[reason] = holds;
    tell_lasts(source->presence, reason);
}

static void on_readable(uv_poll_t *poll, int status, int events);

static void listen_unless_resting(struct source_watch *watch)
{
    if (!uv_is_active((uv_handle_t *)watch->source->rest))
        uv_poll_start(&watch->poll, watch->events, on_readable);
}

/* After an error libuv listens no more; whether the source can go on is for itself to find out. */
static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct source_watch *watch = poll->data;

    (void)events;
    watch->on_readable(watch->source, watch->fd);
    if (status < 0 && !uv_is_closing((uv_handle_t *)poll))
        listen_unless_resting(watch);
}

static void listen_again(uv_timer_t *rest)
{
    const struct source *source = rest->data;

    for (struct source_watch *watch = source->watches; watch; watch = watch->next)
        listen_unless_resting(watch);
}

static void tell_used(struct source *source, uint64_t used_ms)
{
    struct presence_listener *listener = &source->presence->listener;

    if (used_ms > source->used_ms)
        source->used_ms = used_ms;
    listener->on_used(listener->userdata, used_ms);
}

void source_used(struct source *source)
{
    for (struct source_watch *watch = source->watches; watch; watch = watch->next)
        uv_poll_stop(&watch->poll);
    /* A rest that goes on is not made longer: a source that tells uses by the clock would never
     * hear their end. */
    if (!uv_is_active((uv_handle_t *)source->rest))
        uv_timer_start(source->rest, listen_again, source->options->rest_ms, 0);
    tell_used(source, clock_boot_ms());
}

void source_used_before(struct source *source, uint64_t ago_ms)
{
    uint64_t now_ms = clock_boot_ms();

    tell_used(source, ago_ms < now_ms ? now_ms - ago_ms : 0);
}

char *source_path(const struct presence_options *options, const char *path)
{
    struct buffer whole = BUFFER_INIT;

    buffer_append_text(&whole, options->root);
    buffer_append_text(&whole, path);
    return buffer_take(&whole);
}

/* ---- watches ---- */

static void on_watch_closed(uv_handle_t *handle)
{
    struct source_watch *watch = handle->data;

    descriptor_close(watch->fd);
    free(watch);
}

int source_watch(struct source *source, int fd, void (*on_readable_fd)(struct source *, int),
                 struct error *err)
{
    struct source_watch *watch = memory_allocate(sizeof(*watch));
    int r = uv_poll_init(source->rest->loop, &watch->poll, fd);

    if (r < 0) {
        free(watch);
        descriptor_close(fd);
        return error_set_errno(err, r, "cannot watch a descriptor");
    }
    *watch = (struct source_watch){.poll = watch->poll,
                                   .source = source,
                                   .next = source->watches,
                                   .fd = fd,
                                   .events = UV_READABLE,
                                   .on_readable = on_readable_fd};
    watch->poll.data = watch;
    source->watches = watch;
    listen_unless_resting(watch);
    return 0;
}

static struct source_watch **find_watch(struct source *source, int fd)
{
    struct source_watch **at = &source->watches;

    while (*at && (*at)->fd != fd)
        at = &(*at)->next;
    return at;
}

void source_watch_writable(struct source *source, int fd, bool writable)
{
    struct source_watch *watch = *find_watch(source, fd);
    int events = UV_READABLE | (writable ? UV_WRITABLE : 0);

    if (!watch || watch->events == events)
        return;
    watch->events = events;
    listen_unless_resting(watch);
}

void source_unwatch(struct source *source, int fd)
{
    struct source_watch **at = find_watch(source, fd);

    if (*at) {
        struct source_watch *watch = *at;

        *at = watch->next;
        uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
    }
}

static void on_alarm(uv_timer_t *alarm)
{
    struct source *source = alarm->data;

    source->on_alarm(source);
}

void source_wake(struct source *source, uint64_t delay_ms, void (*callback)(struct source *source))
{
    source->on_alarm = callback;
    uv_timer_start(source->alarm, on_alarm, delay_ms, 0);
}

/* The loop's clock stands still within a turn, so that all who look in one wake in one again. */
void source_wake_together(struct source *source, uint64_t period_ms,
                          void (*callback)(struct source *source))
{
    source_wake(source, period_ms - uv_now(source->alarm->loop) % period_ms, callback);
}

void source_look_now(struct source *source)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    if (source->look(source, &err) < 0)
        source_fail(source, &err);
    else
        source_wake_together(source, source->look_ms, source_look_now);
}

int source_look(struct source *source, uint64_t period_ms,
                int (*look)(struct source *source, struct error *err), struct error *err)
{
    int r = look(source, err);

    if (r < 0)
        return r;
    source->look = look;
    source->look_ms = period_ms;
    source_wake_together(source, period_ms, source_look_now);
    return 0;
}

/* ---- their life ---- */

static bool is_apart(const struct source *source)
{
    return source->kind->desktop && !source->options->is_watcher;
}

static void source_close(struct source *source)
{
    while (source->watches)
        source_unwatch(source, source->watches->fd);
    uv_timer_stop(source->rest);
    uv_timer_stop(source->alarm);
    if (is_apart(source))
        watcher_close(source);
    else if (source->kind->close)
        source->kind->close(source);
    source->data = NULL;
    source->works = false;
}

/* What went wrong, and what to do if that is known: all of it stands in one line. */
static char *describe_failure(const struct error *err)
{
    struct buffer text = BUFFER_INIT;

    buffer_append_text(&text, error_text(err));
    if (err->hint)
        buffer_appendf(&text, "; %s", err->hint);
    return buffer_take(&text);
}

/* Said once, and not at each try. What it said to last is not known any more. */
void source_fail(struct source *source, const struct error *err)
{
    _cleanup_free_ char *why_not = describe_failure(err);
    bool is_news = !source->why_not || strcmp(source->why_not, why_not) != 0;

    source_close(source);
    if (is_news)
        log_warning("presence: %s does not work, so this computer counts as used: %s",
                    source->kind->name, why_not);
    free(source->why_not);
    source->why_not = take_pointer(why_not);
    source_lasts(source, OWNER_REASON_UNWATCHED, true);
    for (unsigned int i = 0; i < OWNER_REASON_COUNT; i++)
        if (i != OWNER_REASON_UNWATCHED)
            source_lasts(source, (enum owner_reason)i, false);
    source_wake_together(source, TRY_AGAIN_MS, source_try_again);
}

void source_fail_silent(struct source *source)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    error_set(&err, -ETIMEDOUT, "the %s gives no answer", source->kind->desktop);
    source_fail(source, &err);
}

void source_works(struct source *source)
{
    if (source->why_not)
        log_notice("presence: %s works again", source->kind->name);
    source->works = true;
    free(take_pointer(source->why_not));
    source_lasts(source, OWNER_REASON_UNWATCHED, false);
}

/* Who has not answered yet, for the first time or again, watches as little as one who failed. */
void source_try_again(struct source *source)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    int r;

    source->is_gone = false;
    r = is_apart(source) ? watcher_open(source, &err) : source->kind->open(source, &err);
    if (r < 0) {
        source_fail(source, &err);
    } else if (r == SOURCE_OPENING) {
        source_lasts(source, OWNER_REASON_UNWATCHED, true);
    } else {
        source_works(source);
    }
}

static uv_timer_t *make_timer(uv_loop_t *loop, struct source *source)
{
    uv_timer_t *timer = memory_allocate(sizeof(*timer));

    uv_timer_init(loop, timer);
    timer->data = source;
    return timer;
}

struct source *presence_source(struct presence *presence, const struct source_kind *kind)
{
    for (size_t i = 0; i < presence->count; i++)
        if (presence->sources[i].kind == kind)
            return &presence->sources[i];
    return NULL;
}

struct session_helper **presence_helpers(struct presence *presence)
{
    return &presence->helpers;
}

/*
 * Whether `auto` found nobody to watch a keyboard that is there: what hands do at it is then seen
 * by no other source but in a terminal. Helpers may come or not.
 */
static bool is_blind(struct presence *presence)
{
    _cleanup_free_ char *devices = source_path(&presence->options, "/dev/input");

    if (strcmp(presence->options.sources, "auto") != 0)
        return false;
    if (presence->count == (presence_source(presence, &source_session) ? 1 : 0))
        return true;
    return access(devices, F_OK) == 0 && !presence_source(presence, &source_evdev) &&
           !presence_source(presence, &source_x11) && !presence_source(presence, &source_wayland);
}

struct presence *presence_new(uv_loop_t *loop, const struct presence_options *options,
                              const struct presence_listener *listener)
{
    struct presence *presence = memory_allocate(sizeof(*presence));

    *presence = (struct presence){.listener = *listener, .options = *options};
    choose_sources(presence);
    for (size_t i = 0; i < presence->count; i++) {
        presence->sources[i].rest = make_timer(loop, &presence->sources[i]);
        presence->sources[i].alarm = make_timer(loop, &presence->sources[i]);
        source_try_again(&presence->sources[i]);
    }
    if (is_blind(presence)) {
        log_warning(
            "presence: nothing here sees its keyboard, so this computer counts as used; run "
            "the agent as root or in the desktop's session, or say who watches: --presence");
        listener->on_lasts(listener->userdata, OWNER_REASON_UNWATCHED, true);
    }
    return presence;
}

static void on_timer_closed(uv_handle_t *timer)
{
    free(timer);
}

struct presence *presence_free(struct presence *presence)
{
    for (size_t i = 0; presence && i < presence->count; i++) {
        source_close(&presence->sources[i]);
        uv_close((uv_handle_t *)presence->sources[i].rest, on_timer_closed);
        uv_close((uv_handle_t *)presence->sources[i].alarm, on_timer_closed);
        free(presence->sources[i].why_not);
    }
    if (presence) {
        session_free_all(presence->helpers);
        free(presence->sources);
    }
    free(presence);
    return NULL;
}

size_t presence_count(const struct presence *presence)
{
    return presence->count;
}

struct presence_view presence_view(const struct presence *presence, size_t index)
{
    const struct source *source = &presence->sources[index];
    const char *why_not = source->why_not ? source->why_not : "it has not answered yet";

    return (struct presence_view){.name = source->kind->name,
                                  .works = source->works,
                                  .has_failed = !source->works && source->why_not,
                                  .is_gone = source->is_gone,
                                  .why_not = source->works ? NULL : why_not,
                                  .used_ms = source->used_ms};
}
