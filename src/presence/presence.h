/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is at this computer: the sources that watch for it, as one.
 *
 * A source (source.h; one file each) watches one thing: input devices, terminals, a desktop… It
 * tells that somebody used the computer, never what he did, and what lasts that keeps the pool
 * away. What follows from that is core/lending.h's to say.
 *
 * A source that was asked for by name and does not work means that nobody knows who is there: that
 * lasts (OWNER_REASON_UNWATCHED) until it works, and it is tried again and again. `auto` asks for
 * the sources that can work here, and for each of them as if by name.
 *
 * After a use its source rests for a moment: whoever types costs the agent a look a second, and the
 * first key is still heard at once. What comes meanwhile is heard at the end of the rest.
 */
#pragma once

#include "base/error.h"
#include "core/words.h"

#include <stddef.h>
#include <sys/types.h>
#include <uv.h>

struct presence;

/* Both are called from the loop, and within presence_new() for what is so at the beginning. */
struct presence_listener {
    /* When, on clock_boot_ms()'s clock; now, or before if a source knows that at its beginning. */
    void (*on_used)(void *userdata, uint64_t used_ms);
    /* Something lasts, or does not any more. */
    void (*on_lasts)(void *userdata, enum owner_reason reason, bool holds);
    void *userdata;
};

struct presence_options {
    const char *sources; /* names with ',' between them, or "auto", or "none"; presence_check()ed */
    const char *root;    /* "" but in tests: stands before /dev, /proc and /sys */
    uint64_t rest_ms;    /* how long a source rests after a use; shorter than any pause for one */
    uint32_t nudge;      /* pixels that a mouse may move within a second without being used */
    bool (*is_task)(uid_t uid); /* whether the pool's tasks run as this user; NULL: nobody knows */
    bool on_battery;            /* lent on its battery as well */
    uint32_t temperature_max;   /* °C; 0: a little below what each sensor calls critical */
    uint32_t max_fan;           /* turns of a fan in a minute; 0: any */
    double max_load;            /* cores that others' programs may use; 0: as many as they want */
    double max_pressure;        /* percent of the time that they may wait; 0: all of it */
    bool needs_pressure;        /* where nobody can know that, the source does not work */
    uint64_t load_for_ms;       /* above one of these for so long; 0: a minute */
    const char *groups;         /* where the tree of control groups is, version 2; NULL: nowhere */
    const char *own_group;      /* the folder in it of this process's group; with `groups` */
    /* CPU time of all tasks so far, which never becomes less; NULL: none. */
    uint64_t (*own_cpu_us)(void *own_userdata);
    /* Whether a task computes or is being brought or collected; NULL: there is none. */
    bool (*is_computing)(void *own_userdata);
    /* Whether the agent has sent the computer to sleep: that it wakes up is no use then. */
    bool (*sleeps_by_itself)(void *own_userdata);
    void *own_userdata;         /* of these */
    const char *do_not_disturb; /* names of programs with ',' between them; NULL: none */
    bool hears_sessions;        /* helpers of desktop sessions can come (session.h) */
    bool is_watcher;            /* this process may stand still with what it watches (watcher.h) */
};

/* Whether these are names of sources. The error says which there are. */
int presence_check(const char *sources, struct error *err);
/* Whether any source is wanted. */
bool presence_is_wanted(const char *sources);

/* What `options` points to must stay until presence_free(). Never NULL. */
struct presence *presence_new(uv_loop_t *loop, const struct presence_options *options,
                              const struct presence_listener *listener);
/* Its handles close with the next turn of the loop. Accepts NULL, returns NULL. */
struct presence *presence_free(struct presence *presence);

struct presence_view {
    const char *name;
    bool works;
    bool has_failed;     /* it does not work, and said why; else it may not have answered yet */
    bool is_gone;        /* it failed because what it watches has ended or is not there */
    const char *why_not; /* NULL if it works; valid until the loop runs again */
    uint64_t used_ms;    /* when it saw the last use; 0: never */
};

size_t presence_count(const struct presence *presence);
struct presence_view presence_view(const struct presence *presence, size_t index);
