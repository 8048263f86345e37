/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether something holds, without flapping: it begins when it was high for so long, and ends when
 * it was low for so long; what is between the two changes nothing. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum hysteresis_level { HYSTERESIS_LOW, HYSTERESIS_BETWEEN, HYSTERESIS_HIGH };

/* Zeroed at first. */
struct hysteresis {
    bool holds;
    bool turns;        /* it was on the other side when it was looked at last */
    uint64_t since_ms; /* and has been since then; only if `turns` */
};

/* Takes what was seen from one moment until now. Returns whether it holds. */
bool hysteresis_step(struct hysteresis *hysteresis, enum hysteresis_level level, uint64_t from_ms,
                     uint64_t now_ms, uint64_t for_ms);
