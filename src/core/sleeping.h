/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether an idle computer goes to sleep: the agent's side of doc/specification/sleep.md.
 *
 *     awake ── quiet for after_ms ──> asking ── the server has answered ──> going ──> awake
 *
 * Quiet is a computer that is lent, connected and holds nothing of the pool's. While it asks, each
 * report says that it sleeps; whatever disturbs the quiet makes it awake again. Only when the
 * server has answered such a report does it go, for then the server knows whom to wake.
 *
 * Pure, like the brains beside it: time comes in with each call, nothing is allocated.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum sleeping_phase { SLEEPING_AWAKE, SLEEPING_ASKING, SLEEPING_GOING };

struct sleeping {
    enum sleeping_phase phase;
    uint64_t after_ms;    /* 0: it never sleeps */
    uint64_t quiet_ms;    /* since when it is quiet, if it is */
    uint64_t earliest_ms; /* before this it does not ask again */
    uint64_t asked_ms;    /* when the first report that says so was sent; 0: none was */
    bool is_quiet;
};

enum sleeping_act {
    SLEEPING_NOTHING,
    SLEEPING_TELL /* a full report is due: it says now that it sleeps, or does not any more */
};

/* No destructor is needed. */
void sleeping_init(struct sleeping *sleeping, uint64_t after_ms);
/* Whether it is quiet now, and when somebody used it last; 0: nobody knows of anybody. */
enum sleeping_act sleeping_look(struct sleeping *sleeping, uint64_t now_ms, bool is_quiet,
                                uint64_t used_ms);
/* When to look again if nothing happens; UINT64_MAX: not by time alone. */
uint64_t sleeping_next_ms(const struct sleeping *sleeping, uint64_t used_ms);
/* A full report was sent; it said `phase != SLEEPING_AWAKE`. */
void sleeping_reported(struct sleeping *sleeping, uint64_t sent_ms);
/* The server has answered the report that was sent then. Returns whether to go to sleep now. */
bool sleeping_answered(struct sleeping *sleeping, uint64_t answers_ms);
/* It has slept and is awake again, or could not sleep: then it does not try again at once. */
void sleeping_ended(struct sleeping *sleeping, uint64_t now_ms, bool has_slept);
