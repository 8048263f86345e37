/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many deadlines of one length, for the same cost each with ten thousand as with ten: a newcomer
 * always ends last, so a list in the order of arrival is in the order of the ends, and one timer
 * waits for the first. No search, and no memory but what lies in the things themselves.
 * Only for this room.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct deadlines;

/* Lives in what it is the deadline of. Zeroed: it is not set. */
struct deadline {
    struct deadline *next, *previous;
    struct deadlines *deadlines; /* NULL: it is not set */
    uint64_t set_ms;             /* on the loop's clock */
};

struct deadlines {
    uv_timer_t timer;
    uint64_t length_ms;
    uint64_t due_ms; /* when the timer should come, on the loop's clock */
    struct deadline *first, *last;
    void (*on_over)(struct deadline *deadline);
    bool is_closed;
};

/* `on_over` comes from the loop; the deadline is not set any more then. */
void deadlines_init(struct deadlines *deadlines, uv_loop_t *loop, uint64_t length_ms,
                    void (*on_over)(struct deadline *deadline));
/* Clears all. The memory is the loop's until `is_closed`, which takes a turn of the loop. */
void deadlines_close(struct deadlines *deadlines);

/* From now on; moves one that is set already, also from other deadlines of the same loop. */
void deadline_set(struct deadline *deadline, struct deadlines *deadlines);
/* Nothing for one that is not set. */
void deadline_clear(struct deadline *deadline);
