/* SPDX-License-Identifier: Apache-2.0 */
/* See bus_turn.h. */
#include "bus_turn.h"

#include <poll.h>
#include <uv.h>

enum { MESSAGES_MAX = 256, US_PER_MS = 1000, NS_PER_MS = 1000000 };

int bus_turn(const struct bus_library *library, sd_bus *bus)
{
    int r = 1;

    for (unsigned int i = 0; i < MESSAGES_MAX && r > 0; i++)
        r = library->process(bus, NULL);
    return r < 0 ? r : 0;
}

struct bus_wish bus_wish(const struct bus_library *library, sd_bus *bus)
{
    uint64_t until_us = UINT64_MAX, now_ms = uv_hrtime() / NS_PER_MS, until_ms;
    int events = library->get_events(bus);
    struct bus_wish wish = {.to_write = events > 0 && (events & POLLOUT) != 0};

    /* Messages that were read and not yet taken are due at once. */
    if (library->get_timeout(bus, &until_us) <= 0 || until_us == UINT64_MAX)
        return wish;
    until_ms = until_us / US_PER_MS + 1;
    wish.has_delay = true;
    wish.delay_ms = until_ms > now_ms ? until_ms - now_ms : 0;
    return wish;
}
