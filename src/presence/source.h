/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One source: how it is written, and what it is given.
 *
 * A kind is a table of three functions, listed in presence.c. `open` begins to watch, most often
 * with source_watch() on a descriptor; whatever it keeps is `source->data`. From then on it calls
 * source_used() and source_lasts(). When it cannot go on it calls source_fail(), which closes it
 * and opens it again later; so a source needs no repair of its own.
 */
#pragma once

#include "presence.h"

struct source;
struct session_helper;

enum {
    SOURCE_OPENING = 1,
    SOURCE_LOOK_MS = 10000, /* an agent that has nothing to do may not wake more often */
};

struct source_kind {
    const char *name;
    /*
     * "X server of DISPLAY": what it speaks to may stand still, so it is watched in a process of
     * its own (watcher.h), and the functions below but `is_here` are called there. NULL: here.
     */
    const char *desktop;
    /* Whether `auto` takes it: it can be watched, here and by this user. */
    bool (*is_here)(const struct presence_options *options);
    /*
     * After a failure `close` is called as well. SOURCE_OPENING: whether it works turns out later,
     * by source_works() or source_fail(); until then it does not.
     */
    int (*open)(struct source *source, struct error *err);
    /* Frees `data`; watches and alarm are gone already. NULL: there is nothing to free. */
    void (*close)(struct source *source);
};

struct source_watch {
    uv_poll_t poll;
    struct source *source;
    struct source_watch *next;
    int fd;     /* owned */
    int events; /* of enum uv_poll_event */
    void (*on_readable)(struct source *source, int fd);
};

struct source {
    const struct source_kind *kind;
    const struct presence_options *options;
    struct presence *presence;
    void *data;
    struct source_watch *watches; /* owned, each by the loop once it closes */
    uv_timer_t *rest;             /* owned by the loop; active while the source rests */
    uv_timer_t *alarm;            /* likewise; source_wake()'s, or that of the next try */
    void (*on_alarm)(struct source *source);
    int (*look)(struct source *source, struct error *err); /* source_look()'s */
    uint64_t look_ms;
    bool works;
    bool is_gone;  /* set before it fails: what it watches has ended, or was not there */
    char *why_not; /* owned */
    pid_t left;    /* of watcher.c: a child that was killed and may not be reaped yet */
    uint64_t used_ms;
    bool holds[OWNER_REASON_COUNT];
};

extern const struct source_kind source_battery, source_evdev, source_heat, source_load,
    source_logind, source_programs, source_session, source_tty, source_utmp, source_wayland,
    source_x11;

/* Where the absolute path is, behind options->root. The caller frees it. */
char *source_path(const struct presence_options *options, const char *path);

/*
 * Calls `on_readable` whenever something can be read from the descriptor, which is taken over in
 * any case, but while the source rests. It must be nonblocking, and is read until nothing is left.
 */
int source_watch(struct source *source, int fd, void (*on_readable)(struct source *source, int fd),
                 struct error *err);
/* Whether the same is called as well when something can be written to it. */
void source_watch_writable(struct source *source, int fd, bool writable);
/* Closes the descriptor of an earlier watch. */
void source_unwatch(struct source *source, int fd);
/* Calls it once after so long, in place of what was to be called before. */
void source_wake(struct source *source, uint64_t delay_ms, void (*on_alarm)(struct source *source));
/*
 * The same at the next multiple of the period on the loop's clock, so that all who do something by
 * the clock wake the agent together.
 */
void source_wake_together(struct source *source, uint64_t period_ms,
                          void (*on_alarm)(struct source *source));
/*
 * Calls `look` now and, by source_wake_together(), at each multiple of the period. Returns what the
 * first look did; when a later one fails, the source fails.
 */
int source_look(struct source *source, uint64_t period_ms,
                int (*look)(struct source *source, struct error *err), struct error *err);
/* One look in between; the source may have failed and be closed afterwards. */
void source_look_now(struct source *source);

/* A source that was opening works. */
void source_works(struct source *source);
/* Somebody uses the computer now; the source rests for a moment. */
void source_used(struct source *source);
/* Somebody used it so long ago, as is known at the beginning. */
void source_used_before(struct source *source, uint64_t ago_ms);
/* Something lasts, or not any more; told on only if it is news. */
void source_lasts(struct source *source, enum owner_reason reason, bool holds);
/* One that has failed is opened now and not later, because something is better. */
void source_try_again(struct source *source);
/* Of this kind, or NULL: nobody asked for it. */
struct source *presence_source(struct presence *presence, const struct source_kind *kind);
/* The list that session.c keeps, longer than its source is open. */
struct session_helper **presence_helpers(struct presence *presence);
/* It cannot go on, for this reason. The source is closed: nothing of it may be touched after. */
void source_fail(struct source *source, const struct error *err);
/* The same, because its kind's `desktop` gives no answer. */
void source_fail_silent(struct source *source);
