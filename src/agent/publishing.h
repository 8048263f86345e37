/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent tells of its node: three layers, each of which stands above the one before, as in
 * HTCondor's startd: what the agent found out, what the admin set, what the admin's script printed
 * last; and above all of them what the policy asks of jobs, and the owner's own word. All of it in
 * hello, and then with the next report what is another.
 *
 * A script that fails changes nothing but AttributeScriptError, which says how; the log says so
 * once.
 */
#pragma once

#include "describing.h"
#include "errand.h"

#include <uv.h>

struct attempt;
struct body;

struct publishing {
    uv_timer_t timer;        /* to look at what changes by itself */
    uv_timer_t script_timer; /* to the next run of the script */
    struct attributes found; /* the three layers; the second is the settings' */
    struct attributes scripted;
    struct attributes told; /* what the server knows, or will with what is under way */
    bool is_due;            /* there may be something to tell */
    struct load load;       /* as it stands in `found` */
    int64_t idle_step_s;    /* likewise, rounded; negative: nothing was told */
    uint64_t used_us;       /* of processor time by tasks, since that was looked at */
    uint64_t all_used_us;   /* likewise, since this agent began */
    uint64_t looked_ms;     /* when that was */
    struct errand *errand;  /* the script runs; NULL: it does not */
    struct buffer printed;  /* by it */
    char *complaint;        /* owned; what went wrong in its last run; NULL: nothing */
};

/* Takes what is known of the node over. The timers are the loop's from here on. */
void publishing_init(struct body *body, struct attributes *found);
void publishing_deinit(struct body *body);

/* How long nobody has used the computer is another time now, and the next report tells it. */
void publishing_look_at_idle(struct body *body);
/* An attempt has used so much processor time in all, as far as is known now. */
void publishing_count_use(struct body *body, struct attempt *attempt, uint64_t cpu_us);

/*
 * What is another than what was told goes out with a report before the loop waits again, if the
 * server listens; else with the next hello.
 */
void publishing_note_change(struct body *body);

/* All attributes as of now, which the server then knows; they stay here. */
const struct attributes *publishing_tell_all(struct body *body);
/* Appends all of them as of now, a line each; the server is told nothing. */
void publishing_write(struct body *body, struct buffer *lines);
/* What the server does not know yet; freed by the caller. */
void publishing_tell_changes(struct body *body, struct attributes *ret_changes);
