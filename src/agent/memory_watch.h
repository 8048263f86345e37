/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks whether the computer is short of memory, as long as its owner is there and something of the
 * pool is, too: every 10 seconds, since what is frozen is in nobody's way but by its memory. The
 * brain says what follows.
 */
#pragma once

#include <stdbool.h>
#include <uv.h>

struct body;

struct memory_watch {
    uv_timer_t timer; /* runs while somebody looks */
    bool is_short;    /* as the brain was told last */
};

void memory_watch_init(struct body *body);
/* Begins to look if there is something to look for, and ends it if there is not any more; cheap. */
void memory_watch_follow(struct body *body);
