/* SPDX-License-Identifier: Apache-2.0 */
/* See nudge.h. */
#include "nudge.h"

enum { WINDOW_MS = 1000 };

uint64_t nudge_distance(int32_t value)
{
    return value < 0 ? -(uint64_t)value : (uint64_t)value;
}

bool nudge_add(struct nudge *nudge, uint64_t distance, uint64_t now_ms, uint32_t limit)
{
    if (now_ms - nudge->since_ms > WINDOW_MS) {
        nudge->moved = 0;
        nudge->since_ms = now_ms;
    }
    nudge->moved += distance;
    return nudge->moved >= limit;
}
