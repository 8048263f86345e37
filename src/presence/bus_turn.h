/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A turn of a loop that has a bus on it (sd_bus_get_fd(3)): take what has come, then say what the
 * bus waits for. Whose handles wait for that is the caller's matter.
 */
#pragma once

#include "bus_library.h"

#include <stdbool.h>
#include <stdint.h>

struct bus_wish {
    bool to_write; /* beside reading */
    bool has_delay;
    uint64_t delay_ms; /* a turn is due after it */
};

/*
 * Callbacks run within it. However many messages somebody sends, it takes a bounded number, and
 * wishes for a turn at once. Negative: the connection has ended.
 */
int bus_turn(const struct bus_library *library, sd_bus *bus);
struct bus_wish bus_wish(const struct bus_library *library, sd_bus *bus);
