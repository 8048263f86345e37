/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tasks left outside of their scratch folders (runtime/leavings.h) is removed some seconds
 * after the last task of their user has gone, by a child. Only users whom the agent made up are
 * tidied up after: an agent that is an ordinary user cannot tell its owner's files from its tasks'.
 */
#pragma once

#include "errand.h"

#include <stddef.h>
#include <sys/types.h>

struct attempt;
struct body;
struct tidying_round;

struct tidying {
    uv_timer_t timer;
    struct errand *errand;       /* NULL: none is under way */
    struct tidying_round *round; /* owned; what it does */
    uid_t *uids;                 /* owned; whose tasks may have left something */
    size_t count;
    size_t capacity;
};

/* The timer is the loop's from here on. */
void tidying_init(struct body *body);
/* Tidies up after all whose last task has gone, at once. */
void tidying_deinit(struct body *body);
/* An attempt that may have run has gone, or will have when this iteration is over. */
void tidying_note(struct body *body, const struct attempt *attempt);
