/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What kept.c (the tasks, and what becomes of them), kept_request.c (what is asked) and
 * kept_checkpoint.c (what waits for CRIU) share.
 */
#pragma once

#include "checkpoint.h"
#include "kept.h"
#include "process_tree.h"

#include <sys/resource.h>

/*
 * How often memory is looked at where the kernel does not hold tasks to it. A look walks through
 * /proc, which takes some milliseconds of a processor. Where it does, it is asked now and then
 * whether it had to refuse a process.
 */
enum { KEPT_LOOK_MS = 1000, KEPT_ASK_MS = 10000 };

/* CRIU at work on a task. */
struct kept_run {
    pid_t child;
    enum checkpoint_verb verb;
    struct keeper_checkpoint checkpoint; /* its texts are owned */
    uint64_t ends_ms;                    /* when it is given up, by CLOCK_BOOTTIME */
    bool is_expired;
    bool thaws;                   /* DUMP: the task goes on when it is over */
    int signal;                   /* RESTORE: what the task gets when it has begun; 0: nothing */
    struct cgroup_request limits; /* RESTORE: which it is held to when CRIU is out of its group */
    bool has_ended;               /* RESTORE: process 1 did, before CRIU said that it began */
    int wait_status;
    struct rusage usage;
};

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
    bool is_contained;
    struct kept_run *run; /* owned; NULL: CRIU has nothing to do with it now */
    char *failure;        /* owned; not NULL: it was not restored, for this reason, and is ending */
    struct process_tree tree;
    uint64_t deadline_boot_ms; /* 0: never */
    uint64_t memory_max;       /* bytes; 0: any */
    uint64_t processes_max;    /* 0: any */
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

/* FREEZING, FROZEN or SAVING. */
bool kept_stands_still(enum keeper_state state);
/* Only the moves that the table in kept.c allows. */
void kept_move_task(struct kept *kept, struct kept_task *task, enum keeper_state state);
/* Begins it: the task must be RUNNING, or SAVING with that being over. */
void kept_freeze_task(struct kept *kept, struct kept_task *task);
/* Not once it is ENDED; more than once does no harm. */
void kept_kill_task(struct kept *kept, struct kept_task *task);
/* Its leader ended. */
void kept_end_leader(struct kept *kept, struct kept_task *task, int wait_status,
                     const struct rusage *usage);

/* ---- CRIU ---- */

/* Begins to save a FROZEN task, or says why not. */
void kept_save_task(struct kept *kept, struct kept_task *task,
                    const struct keeper_checkpoint *checkpoint);
/*
 * Begins to restore a task that was added and has a group; `limits` are what it is held to then. 0,
 * or a negative errno and the reason.
 */
int kept_restore_task(struct kept *kept, struct kept_task *task, const struct keeper_spawn *spawn,
                      const struct cgroup_request *limits, struct error *err);
/* With room for CRIU itself, which is in the task's group while it restores. */
struct cgroup_request kept_limits_of_restore(struct cgroup_request limits);
/* Whether that is still to be told of. */
bool kept_is_restoring(const struct kept_task *task);
/* Kills a CRIU that saves: the task must be dead, or be killed with it. Without one: nothing. */
void kept_stop_saving(struct kept_task *task);
/* Forgets it without a word. */
void kept_drop_run(struct kept *kept, struct kept_task *task);
/* To be asked of each child that was waited for: whether it was CRIU. */
bool kept_run_has_ended(struct kept *kept, pid_t pid, int wait_status);
/* The same of one that nobody knows: whether it was process 1 of a task that is being restored. */
bool kept_note_early_end(struct kept *kept, pid_t pid, int wait_status, const struct rusage *usage);
