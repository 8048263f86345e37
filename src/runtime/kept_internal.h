/* SPDX-License-Identifier: Apache-2.0 */
/* What kept.c (the tasks, and what becomes of them) and kept_request.c (what is asked) share. */
#pragma once

#include "kept.h"
#include "process_tree.h"

/*
 * How often memory is looked at where the kernel does not hold tasks to it. A look walks through
 * /proc, which takes some milliseconds of a processor.
 */
enum { KEPT_LOOK_MS = 1000 };

struct kept_task {
    uint64_t key;
    size_t place;
    char *note; /* owned */
    size_t note_length;
    enum keeper_state state;
    bool lapsed;
    bool was_frozen; /* its group may have to be thawed at the end */
    bool is_killed;
    bool told_to_end;  /* so its end is not its own, also for an agent that was not there then */
    bool was_pushed;   /* since it was frozen it was pushed out, as far as that went, */
    bool is_out;       /* and that was all the way */
    bool is_due;       /* pending, and something has happened that may end that */
    bool is_forgotten; /* to be dropped without a word when it is over */
    struct process_tree tree;
    uint64_t deadline_boot_ms; /* 0: never */
    uint64_t memory_max;       /* bytes; 0: any */
    uint64_t started_us;
    uint64_t frozen_since_us;
    struct keeper_result result;
};

/* ---- the set ---- */

/* NULL if no task has this key. */
struct kept_task *kept_find_task(const struct kept *kept, uint64_t key);
/* RUNNING, and with neither group nor processes yet. The key must be new. */
struct kept_task *kept_add_task(struct kept *kept, uint64_t key, const struct keeper_spawn *spawn);
/* Gives the group back and leaves the ranks of the living. */
void kept_leave_living(struct kept *kept, struct kept_task *task);
/* Forgets and frees it. Its place is free again, those of all others stay: the maps hold them. */
void kept_drop_task(struct kept *kept, struct kept_task *task);
/* Which of its processes is the keeper's own child. */
pid_t kept_child_of(const struct process_tree *tree);

/* ---- news ---- */

/* Nothing is said, or kept for later, as long as no agent hears it. */
void kept_tell(struct kept *kept, const struct keeper_news *news);
/* News that have no more in them than the task and its result; none of one that is forgotten. */
void kept_tell_of(struct kept *kept, const struct kept_task *task, enum keeper_news_type type);

/* ---- states ---- */

/* FREEZING or FROZEN. */
bool kept_stands_still(enum keeper_state state);
/* Only the moves that the table in kept.c allows. */
void kept_move_task(struct kept *kept, struct kept_task *task, enum keeper_state state);
/* Begins it: the task must be RUNNING. */
void kept_freeze_task(struct kept *kept, struct kept_task *task);
/* Not once it is ENDED; more than once does no harm. */
void kept_kill_task(struct kept *kept, struct kept_task *task);
