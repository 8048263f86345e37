/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes down for the owner what this computer did for the pool (figures.h): how long it was lent,
 * and for whom how many tasks began here and how much processor time they used. `dusk owner
 * figures` shows it.
 *
 * The file `figures` of the state folder is replaced each ten minutes in which something happened,
 * by a child, because a slow disk must not keep a key waiting; and at the end. An agent that is
 * killed loses ten minutes at most, and never what is older.
 */
#pragma once

#include "figures.h"

#include <uv.h>

struct attempt;
struct body;
struct errand;
struct owner_answer;

struct recording {
    uv_timer_t timer;
    char *path;             /* owned; NULL: it has not begun */
    struct figures figures; /* what is known, */
    bool save_due;          /* and not all of it is in the file */
    bool is_lent;           /* since that moment of the loop's clock, uncounted */
    uint64_t looked_ns;
    struct errand *errand; /* a child writes the lines; NULL: none does */
    struct buffer lines;
};

/* Takes up what was there. What cannot be read is said in the log, and the rest goes on. */
void recording_begin(struct body *body);
/* Saves what is not in the file yet. */
void recording_end(struct body *body);

/* Once per iteration: whether the computer is lent may have changed. Cheap. */
void recording_look(struct body *body);
void recording_count_task(struct body *body, const struct attempt *attempt);
/* The attempt has used so much more of a processor. */
void recording_count_use(struct body *body, const struct attempt *attempt, uint64_t cpu_us);

/* Puts the figures into the answer. */
void recording_describe(struct body *body, struct owner_answer *answer);
