/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When tasks do not give way (cgroup_root_set_way()): a process must run to be frozen and to be
 * killed, and where it gets the processor only when nobody else wants it, that may take for ever;
 * most of all when an owner has just come back and his programs compute. So until it has happened,
 * for a second at most, tasks are as anybody. When all of them are to stand still they go before
 * everybody: the less their owner waits, and none of them computes meanwhile for long.
 *
 * It begins when all of a round's freezing and killing is asked for, because from then on the tasks
 * are also in the way of those who ask.
 */
#pragma once

#include "cgroup.h"

#include <stdbool.h>
#include <stdint.h>

struct hurry {
    bool is_asked_for; /* something was begun for which tasks must run */
    uint64_t ends_ms;  /* on clock_boot_ms()'s clock; 0: it is not on */
    enum cgroup_way way;
};

#define HURRY_INIT ((struct hurry){0})

/* Who must still run for it, of those that do not stand still. */
enum hurry_need { HURRY_NOBODY, HURRY_SOME, HURRY_ALL };

/* Behind the round, and again in each that follows. */
void hurry_look(struct hurry *hurry, const struct cgroup_root *groups, uint64_t now_ms,
                enum hurry_need need);
/* When hurry_look() must be called at the latest; UINT64_MAX: it need not be. */
uint64_t hurry_next_ms(const struct hurry *hurry);
