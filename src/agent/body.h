/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's body: what the brain (core/agent.h) decides is carried out here, and what happens
 * becomes its events.
 *
 *     agent_main.c  the command line, joining the pool, start and end
 *     body.c        the heart: events in, steps, effects out; what is said once per loop iteration
 *     uplink.c      the connection to the server: dialling, first words, messages both ways
 *     keeping.c     the keeper: its news to events, and what it still has after a restart
 *     fetching.c    the inputs of an attempt, from the server or from the cache, into its folder
 *     containing.c  in which container it lives, if tasks are contained
 *     images.c      what containers have as their root; image_fetch.c brings it
 *     launch.c      what the keeper is asked to run
 *     gpus.c        which of the GPUs are an attempt's
 *     limits.c      what an attempt is held to, and what is said when it was not enough
 *     disk_watch.c  how much disk attempts take
 *     collect.c     what an attempt left
 *     outgoing.c    outputs and live output to the server
 *     folders.c     the attempts' folders
 *     owning.c      whether somebody uses the computer, and so whose it is
 *     word.c        what its owner said, and until when that holds
 *     hearing.c     the socket at which he says it
 *     policing.c    the same by HTCondor's expressions, if the admin gave some
 *     resting.c     whether the idle computer sleeps, and how others are woken
 *     publishing.c  the node's attributes, which jobs choose by
 *
 * Callbacks of the loop post events; posting steps the brain at once, unless it is in a step:
 * then the event waits for its turn. Messages to the server, requests to the keeper and the epoch
 * are gathered and go out together before the loop waits again.
 */
#pragma once

#include "attempt.h"
#include "base/arena.h"
#include "containing.h"
#include "core/agent.h"
#include "disk_watch.h"
#include "fetching.h"
#include "folders.h"
#include "hearing.h"
#include "keeping.h"
#include "memory_watch.h"
#include "outgoing.h"
#include "owning.h"
#include "policing.h"
#include "publishing.h"
#include "recording.h"
#include "resting.h"
#include "settings.h"
#include "state.h"
#include "tidying.h"
#include "uplink.h"
#include "word.h"

#include <uv.h>

enum { BODY_SIGNALS = 2 };

struct body_options {
    const struct settings *settings;
    struct state *state;
    struct resources capacity;
    struct containing *containing;
    const struct gpu_list *gpus; /* as many as are lent, at least; those are the first */
    uint64_t machine;
    const char *facts;             /* JSON; the limits are added */
    struct attributes *attributes; /* taken over: what is known of the node */
};

struct body_events {
    struct agent_event *items; /* owned */
    size_t count;
    size_t capacity;
    size_t next;
};

struct body {
    struct body_options options;
    uv_loop_t loop;
    uv_prepare_t prepare;
    uv_timer_t tick;   /* for agent_next_step_ms() */
    uv_timer_t follow; /* looks for more while somebody follows a task's output */
    uv_timer_t linger; /* bounds how long the end may take */
    uv_signal_t signals[BODY_SIGNALS];

    struct agent *brain;
    struct agent_effects effects;
    struct body_events events;
    bool is_stepping;
    struct owning owning;
    struct word word;
    struct hearing hearing;
    struct policing policing;
    struct resting resting;
    uint64_t tick_at_ms;
    struct agent_report_item *items; /* room for a report */
    bool report_due;
    bool report_is_full;
    bool epoch_due;

    struct attempts attempts;
    struct identities *identities;
    struct arena arena; /* for one launch */
    struct uplink uplink;
    struct keeping keeping;
    struct fetching fetching;
    struct outgoing outgoing;
    struct folders folders;
    struct disk_watch disk_watch;
    struct memory_watch memory_watch;
    struct tidying tidying;
    struct publishing publishing;
    struct recording recording;

    char *facts;    /* owned; of which the options then speak */
    bool is_ready;  /* was, once: it was said */
    bool has_left;  /* AGENT_LEFT */
    bool is_ending; /* nothing more is begun */
    int signal_count;
    int exit_code;
};

/*
 * Runs the agent until it was told to leave and has left, or cannot go on. Returns the exit code,
 * or a negative errno if it could not begin.
 */
int body_run(const struct body_options *options, struct error *err);

/* The event's time is filled in. */
void body_post(struct body *body, const struct agent_event *event);
/* An event that is only about an attempt. */
void body_post_attempt(struct body *body, enum agent_event_kind kind, uint64_t epoch,
                       enum reason failure);
/* Appends to the frame that goes out before the loop waits again; no connection, no message. */
void body_say(struct body *body, const struct wire_message *message);
/* Lets the tasks leave; when they have, and the server knows, the agent ends. */
void body_leave(struct body *body);
/* The agent cannot go on: says why, lets its tasks leave, and ends with an exit code that is not 0.
 */
void body_give_up(struct body *body, const char *why, const char *hint);
