/* SPDX-License-Identifier: Apache-2.0 */
/* See hurry.h. */
#include "hurry.h"

enum { LENGTH_MS = 1000 };

void hurry_look(struct hurry *hurry, const struct cgroup_root *groups, uint64_t now_ms,
                bool is_needed)
{
    bool was_on = hurry->ends_ms > 0;

    if (hurry->is_asked_for)
        hurry->ends_ms = now_ms + LENGTH_MS;
    if (!is_needed || now_ms >= hurry->ends_ms)
        hurry->ends_ms = 0;
    hurry->is_asked_for = false;
    if (was_on != (hurry->ends_ms > 0))
        cgroup_root_give_way(groups, was_on);
}

uint64_t hurry_next_ms(const struct hurry *hurry)
{
    if (hurry->is_asked_for)
        return 0;
    return hurry->ends_ms > 0 ? hurry->ends_ms : UINT64_MAX;
}
