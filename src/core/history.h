/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a node usually stays free: for each hour of the week, how often it was free in it, and
 * how often that came to an end (its owner came, it was switched off). The older, the less it
 * counts.
 *
 * The question is what may be expected from now on. In each hour to come the node stays free with a
 * chance of its own: the free hours that were watched against those that came to an end. Of an hour
 * that was seen little the node's own mean speaks, and of a node that was seen little an end in
 * half a day. So a new node is no better and no worse than most.
 *
 * Times are seconds of any calendar in which weeks follow each other, such as UTC. Whole numbers
 * only, so that every computer comes to the same.
 */
#pragma once

#include "base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    HISTORY_HOURS = 7 * 24,
    HISTORY_CERTAIN = 1 << 16, /* the chance of what will surely be so */
    HISTORY_SIZE = 4 + 4 * HISTORY_HOURS
};

/* All zero: nothing was seen. */
struct history {
    uint32_t week; /* of what was added last: what is older counts less */
    /* Both in parts of 1024, by hour of the week, and together. */
    uint16_t watched[HISTORY_HOURS];
    uint16_t ends[HISTORY_HOURS];
    uint32_t watched_sum, ends_sum;
};

/* The node was free from `from_s` to `to_s`; `has_ended`: and then not any more. */
void history_add(struct history *history, uint64_t from_s, uint64_t to_s, bool has_ended);

/*
 * The chance that the node, if it is free, stays so for that long, in parts of HISTORY_CERTAIN;
 * more than four weeks are taken for four.
 */
uint32_t history_chance(const struct history *history, uint64_t now_s, uint64_t duration_s);

/* How long it may be expected to stay free, in seconds; a week at most. */
uint64_t history_expected_s(const struct history *history, uint64_t now_s);

/* For a store: HISTORY_SIZE bytes. */
void history_write(const struct history *history, struct buffer *bytes);
/* False, and *ret_history untouched, if they are not of that size. */
bool history_read(struct slice bytes, struct history *ret_history);
