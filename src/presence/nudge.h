/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a mouse was moved, or its desk was only knocked against: a hand moves it on, by more
 * than a few pixels within a second. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Of one mouse; begins as zeros. */
struct nudge {
    uint64_t moved; /* since `since_ms` */
    uint64_t since_ms;
};

/* How far, whichever way. */
uint64_t nudge_distance(int32_t value);
/*
 * The mouse moved by so much more. Returns whether that makes it a use: whether it moved `limit` or
 * more within a second; with 0, any motion does.
 */
bool nudge_add(struct nudge *nudge, uint64_t distance, uint64_t now_ms, uint32_t limit);
