/* SPDX-License-Identifier: Apache-2.0 */
/* See hurry.h. */
#include "hurry.h"

enum { LENGTH_MS = 1000 };

void hurry_look(struct hurry *hurry, const struct cgroup_root *groups, uint64_t now_ms,
                enum hurry_need need)
{
    enum cgroup_way before = hurry->way;

    if (hurry->is_asked_for)
        hurry->ends_ms = now_ms + LENGTH_MS;
    if (need == HURRY_NOBODY || now_ms >= hurry->ends_ms)
        hurry->ends_ms = 0;
    hurry->is_asked_for = false;
    if (hurry->ends_ms == 0)
        hurry->way = CGROUP_WAY_LAST;
    else if (need == HURRY_ALL)
        hurry->way = CGROUP_WAY_FIRST;
    else if (hurry->way == CGROUP_WAY_LAST)
        hurry->way = CGROUP_WAY_EQUAL;
    if (hurry->way != before)
        cgroup_root_set_way(groups, hurry->way);
}

uint64_t hurry_next_ms(const struct hurry *hurry)
{
    if (hurry->is_asked_for)
        return 0;
    return hurry->ends_ms > 0 ? hurry->ends_ms : UINT64_MAX;
}
