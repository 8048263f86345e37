/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks at how much disk the scratch folders take, while attempts run and once more at their ends.
 *
 * No file system that is common limits a folder, so it is a look every few seconds, sooner when the
 * disk fills quickly: a task may be over for a moment, and is then ended. A folder with few entries
 * is measured at once, any other by a child (errand.h), so that nobody waits for it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct attempt;
struct body;
struct errand;

/* Attempts that a child measures: both share the memory in which it writes the sums. */
struct disk_round {
    struct errand *errand; /* NULL: none is under way */
    struct body *body;
    struct disk_measure *measures; /* mapped */
    size_t count;
};

struct disk_watch {
    uv_timer_t timer; /* runs while something runs */
    struct disk_round running;
    struct disk_round ended;
    uint64_t next_ms;     /* when running attempts are measured at the latest */
    uint64_t earliest_ms; /* and at the earliest: a walk must not be all that a disk does */
    uint64_t began_ms;    /* the last one */
    uint64_t free_then;   /* bytes free on the disk when that began */
    unsigned rounds;
    bool is_thorough; /* this round also looks for files that have no name any more */
};

void disk_watch_init(struct body *body);
/* Ends what is under way. */
void disk_watch_deinit(struct disk_watch *watch);
/* Sees to it that somebody looks, if there is something to look at; cheap. */
void disk_watch_wake(struct body *body);
/* Measures the attempt that has ended, and lists its outputs; AGENT_COLLECTED follows. */
void disk_watch_collect(struct body *body, struct attempt *attempt);
