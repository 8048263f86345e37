/* SPDX-License-Identifier: Apache-2.0 */
/* See hysteresis.h. */
#include "hysteresis.h"

bool hysteresis_step(struct hysteresis *hysteresis, enum hysteresis_level level, uint64_t from_ms,
                     uint64_t now_ms, uint64_t for_ms)
{
    bool turns = level == (hysteresis->holds ? HYSTERESIS_LOW : HYSTERESIS_HIGH);

    if (turns && !hysteresis->turns)
        hysteresis->since_ms = from_ms;
    hysteresis->turns = turns;
    if (turns && now_ms - hysteresis->since_ms >= for_ms) {
        hysteresis->holds = !hysteresis->holds;
        hysteresis->turns = false;
    }
    return hysteresis->holds;
}
