/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a node will stay free, from how it did before. Two things tell:
 *
 * - how long it has been free already: owners who have just gone come back soon, and a node that
 *   was free for hours mostly stays so (in traces of real pools, times between interruptions are
 *   Weibull's with a shape near 1/2);
 * - the hour of the week: for each it is counted how long the node was watched while it was free,
 *   and how often that came to an end (its owner came, it was switched off).
 *
 * The first gives a rate of ends, the second by how much this hour is worse or better than the
 * node's mean. What was seen little leans on what was seen more: an hour of the week on that hour
 * of all days, this on the node's mean, and that on what most nodes are like. The older, the less
 * it counts.
 *
 * Times are seconds of any calendar in which days and weeks follow each other, such as UTC. Whole
 * numbers only, so that every computer comes to the same.
 */
#pragma once

#include "base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    HISTORY_HOURS = 7 * 24,
    HISTORY_AGES = 5, /* free for less than 15 minutes, 1 hour, 4, 16, and for longer */
    HISTORY_SIZE = 4 + 4 * HISTORY_HOURS + 8 * HISTORY_AGES
};

/* All zero: nothing was seen. */
struct history {
    uint32_t week; /* of what was added last: what is older counts less */
    /* In parts of 1024 of an hour, and of an end. */
    uint16_t watched[HISTORY_HOURS];
    uint16_t ends[HISTORY_HOURS];
    uint32_t age_watched[HISTORY_AGES];
    uint32_t age_ends[HISTORY_AGES];
};

/*
 * The node is free since `since_s`; what is added is the time from `from_s`, to which it was added
 * before or when it began, to `to_s`. `has_ended`: and then it was not free any more.
 */
void history_add(struct history *history, uint64_t since_s, uint64_t from_s, uint64_t to_s,
                 bool has_ended);

/* How long it may be expected to stay free from now on, in seconds; a week at most. */
uint64_t history_expected_s(const struct history *history, uint64_t since_s, uint64_t now_s);

/*
 * That time as a step for the order of nodes (POOL_NODE_CHANGED): 0 to 43, four more for twice the
 * time, so that a node is shown to the tasks that wait only when its prospects are really others.
 */
uint8_t history_stay(uint64_t expected_s);

/* For a store: HISTORY_SIZE bytes. */
void history_write(const struct history *history, struct buffer *bytes);
/* False, and *ret_history untouched, if they are not of that size. */
bool history_read(struct slice bytes, struct history *ret_history);
