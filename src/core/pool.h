/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool's brain: which task runs where, and what is true after any crash.
 *
 * One call, pool_step(), takes one event and answers with effects, plain values that the program
 * around it carries out in this order: all POOL_SAVE_* of a batch of steps in ONE transaction, and
 * only when that is committed, everything else. It cannot fail, does no I/O, reads no clock and
 * never allocates: pool_prepare() makes room beforehand and may be refused.
 *
 * A task that has not started is no object: a job is a few parts (ranges of equal tasks), each with
 * the number of its next unstarted task. A task becomes an object when it is started or singled
 * out by a user, and stops being one when it is over and no node holds it any more.
 *
 * A claim is the lease of part of a node to one attempt. Its epoch is unique in the pool and only
 * grows. A claim ends when the node reports the attempt ended, when the node shows that it does not
 * have it, or when it was not renewed for lease + margin. Until then its task is offered to nobody
 * else, whatever users ask for meanwhile. doc/specification/pool.md is the page for it.
 */
#pragma once

#include "core/words.h"

#include "base/digest.h"

struct pool;

/*
 * Requirements and ranks, as numbers. What they say is worked out elsewhere (match.h) and told here
 * beforehand: tasks that ask for the same are of one job class, nodes that are the same to all
 * requirements are of one node class, and for each pair there is how much the tasks prefer those
 * nodes, or that they never run there. Class 0 is for tasks that take any node, and for nodes of
 * which nothing is known.
 */
#define POOL_NEVER INT64_MIN

/* Ranges of equal tasks that one job can have; pool_prepare() refuses more. */
enum { POOL_PARTS_PER_JOB_MAX = 65535 };

struct pool_options {
    uint64_t lease_ms;
    uint64_t margin_ms;         /* for clocks that run apart, and for the way of a message */
    uint64_t heartbeat_ms;      /* how often agents report everything they hold */
    uint64_t restored_lease_ms; /* the longest lease that the previous server gave */
    uint64_t move_suspended_ms; /* who is suspended so long goes to a free node; 0: stays */
    uint64_t wake_after_ms;     /* for who waits so long, sleeping nodes are woken; 0: none are */
};

/* One range of equal tasks. */
struct pool_part {
    uint32_t first;
    uint32_t count;
    uint32_t next; /* the first task that was never started and is no object */
    struct resources request;
    uint32_t job_class;
    uint64_t needed_ms; /* how long one takes, as its user expects; 0: nobody knows */
};

/* Whether to the brain the tasks of one are like those of the other: all but their numbers. */
bool pool_parts_are_alike(const struct pool_part *left, const struct pool_part *right);

/* One attempt as the agent reports it. */
struct pool_report_item {
    uint64_t epoch;
    enum attempt_state state;
    enum outcome outcome; /* OUTCOME_NONE unless ended */
    enum reason reason;
    uint64_t checkpoint; /* that can be brought; 0: none */
};

struct pool_report {
    uint32_t node;
    uint64_t session;
    uint64_t sent_ms;       /* on the agent's clock, echoed in renewals */
    uint64_t highest_epoch; /* the highest that the agent has ever accepted */
    bool full;              /* lists everything that the agent holds, not only news */
    bool owner_present;
    bool leaving;     /* the agent is ending and wants nothing new */
    bool asleep;      /* it goes to sleep as soon as this report is answered */
    uint64_t lent_ms; /* before its owner's hours begin; 0: nobody knows that they ever do */
    const struct pool_report_item *items;
    size_t item_count;
};

enum pool_event_kind {
    POOL_TICK, /* nothing but time */
    POOL_SUBMIT,
    POOL_REMOVE,
    POOL_HOLD,
    POOL_RELEASE,
    POOL_NODE_CONNECTED,
    POOL_NODE_DISCONNECTED,
    POOL_NODE_FORGOTTEN,
    POOL_NODE_DRAINED, /* nothing new starts there, until that is taken back */
    POOL_NODE_REPORTED,
    POOL_NODE_WOKEN,          /* an admin wants it awake, whatever waits */
    POOL_NODE_CHANGED,        /* it is of another class; what runs there stays */
    POOL_COLLECTED,           /* the outputs of an ended attempt are in their place, or cannot be */
    POOL_REFUSED,             /* the world could not make the message that starts an attempt */
    POOL_CHECKPOINT_COLLECTED /* the files of a checkpoint are here, or cannot be */
};

struct pool_event {
    enum pool_event_kind kind;
    uint64_t now_ms; /* on the server's clock, never less than before */
    uint64_t caller; /* for POOL_REPLY; 0 if nobody waits */
    union {
        struct {
            uint32_t job;
            int32_t priority; /* higher goes first; -1000..1000 */
            bool held;
            const struct pool_part *parts;
            size_t part_count;
        } submit;
        struct {
            uint32_t job;
            uint32_t task; /* NONE: all of the job */
        } choice;          /* of POOL_REMOVE, POOL_HOLD, POOL_RELEASE */
        struct {
            uint32_t node;
            uint64_t session;
            uint64_t machine; /* fingerprint of the computer; 0 never */
            struct resources capacity;
        } connected; /* the node's class and stay are as they were, at first 0 */
        struct {
            uint32_t node;
            uint32_t node_class;
            uint8_t stay; /* how likely a task comes to its end there, by experience */
        } changed;
        struct {
            uint32_t node;
            uint64_t session;
        } disconnected;
        uint32_t forgotten_node;
        uint32_t woken_node;
        struct {
            uint32_t node;
            bool drained; /* false: it may be given work again */
            bool now;     /* what is there leaves, and does not go on to its end */
        } drained;
        struct pool_report reported;
        struct {
            uint64_t epoch;
            enum reason failure; /* REASON_NONE: all is well */
            uint64_t checkpoint; /* POOL_CHECKPOINT_COLLECTED: its number */
        } collected;             /* of these, of POOL_COLLECTED and of POOL_REFUSED */
    };
};

enum pool_reply {
    POOL_REPLY_DONE,
    POOL_REPLY_NO_SUCH_JOB,
    POOL_REPLY_NO_SUCH_TASK,
    POOL_REPLY_WRONG_STATE, /* nothing there that it could apply to */
    POOL_REPLY_NODE_ACCEPTED,
    POOL_REPLY_NODE_IS_CLONE,     /* this identity belongs to another computer */
    POOL_REPLY_NODE_IS_CONNECTED, /* and its other connection is alive */
    POOL_REPLY_NODE_IS_FORGOTTEN,
    POOL_REPLY_NO_WAKER /* nobody is there who could wake the node */
};

enum pool_effect_kind {
    POOL_SAVE_JOB,  /* counters and flags of a job */
    POOL_SAVE_PART, /* how far a part was started */
    POOL_SAVE_TASK,
    POOL_SAVE_NODE,
    POOL_SAVE_EPOCH, /* the highest epoch given */
    POOL_SEND_START,
    POOL_SEND_STOP,   /* end it, give it its grace */
    POOL_SEND_FORGET, /* kill it if it runs, drop what is kept of it */
    POOL_SEND_RENEW,
    POOL_SEND_SAVED,         /* a checkpoint is recorded, or cannot be */
    POOL_CLOSE_SESSION,      /* a dead connection was replaced */
    POOL_WAKE,               /* the waker, a connected node, shall wake another one */
    POOL_COLLECT,            /* bring the outputs to their place; answer with POOL_COLLECTED */
    POOL_COLLECT_CHECKPOINT, /* likewise its files; answer with POOL_CHECKPOINT_COLLECTED */
    POOL_CHECKPOINTED,       /* it is the task's now: the one before is not needed any more */
    POOL_REPLY,
    POOL_JOB_OVER, /* nothing of the job is left in the brain */
    POOL_TRACE
};

struct pool_task_row {
    uint32_t job;
    uint32_t task;
    enum task_state state;
    uint32_t attempts;
    uint32_t node;  /* NONE: no claim stands */
    uint64_t epoch; /* of the claim that stands, or 0 */
    enum reason reason;
    uint64_t checkpoint; /* the last one that is complete; 0: none */
};

struct pool_job_row {
    uint32_t job;
    int32_t priority;
    bool held;    /* the tasks that are no objects yet wait for a release */
    bool removed; /* and these will never start */
    uint32_t completed;
    uint32_t removed_count;
};

struct pool_node_row {
    uint32_t node;
    uint64_t machine;
    bool forgotten;
    bool drained;
    bool asleep;
    uint32_t wakes;            /* that it did not come after, since it fell asleep */
    struct resources capacity; /* while it sleeps; else all 0 */
};

struct pool_effect {
    enum pool_effect_kind kind;
    union {
        struct pool_job_row job;
        struct {
            uint32_t job;
            uint32_t part; /* index in the order of submission */
            uint32_t next;
        } part;
        struct pool_task_row task;
        struct pool_node_row node;
        uint64_t epoch;
        struct {
            uint32_t node;
            uint64_t session;
            uint64_t epoch;
            uint64_t answers_ms; /* the agent's own clock, from the report that this answers */
            uint64_t lease_ms;
            uint32_t job;
            uint32_t task;
            uint32_t attempt;
            struct resources request;
            enum reason reason;
            uint64_t checkpoint; /* that an attempt begins from, or that this is about */
        } send; /* of POOL_SEND_*, POOL_CLOSE_SESSION, POOL_COLLECT* and POOL_CHECKPOINTED */
        struct {
            uint64_t caller;
            enum pool_reply reply;
            uint32_t count; /* of tasks that changed; of a drained node, that it still has */
        } reply;
        struct {
            uint32_t job;
            uint32_t task;
            uint32_t attempt;
            uint32_t node; /* NONE if none is involved */
            enum task_state from;
            enum task_state to;
            enum reason reason;
            bool first; /* nothing was traced of this task before, in its whole life */
        } trace;
        struct {
            uint32_t node;
            uint32_t waker; /* NONE: the server itself */
            uint64_t session;
        } wake;
        uint32_t job_over;
    };
};

struct pool_effects {
    struct pool_effect *items; /* owned */
    size_t length;
    size_t capacity;
};

#define POOL_EFFECTS_INIT ((struct pool_effects){0})
void pool_effects_deinit(struct pool_effects *effects);

/* Returns NULL if there is no memory. */
struct pool *pool_new(const struct pool_options *options);
/* Accepts NULL, returns NULL. */
struct pool *pool_free(struct pool *pool);

/*
 * Makes room for the worst that this event can cause, in the pool and in `effects`. Returns 0, or
 * -ENOMEM, or -E2BIG (more parts than a job can have, a node's number that is too high); then
 * nothing has changed.
 */
int pool_prepare(struct pool *pool, const struct pool_event *event, struct pool_effects *effects);
/* Takes the event; appends to `effects`. pool_prepare() must have agreed to this event. */
void pool_step(struct pool *pool, const struct pool_event *event, struct pool_effects *effects);

/*
 * When pool_step() must be called again at the latest; UINT64_MAX: only when something happens.
 * While anything is claimed, that is each heartbeat: a call that comes later by more than margin_ms
 * shows that the caller was away and has heard nobody. Then all claims that stand run anew, as
 * after a restart.
 */
uint64_t pool_next_step_ms(const struct pool *pool);

/*
 * Rebuilds the brain from the rows: first the epoch, then nodes, then jobs, then tasks, in any
 * order within each. All return 0 or -ENOMEM, or -EINVAL if the rows contradict each other. Claims
 * that stand run from now on for restored_lease_ms + margin: the previous server may have renewed
 * them just before.
 */
int pool_load_epoch(struct pool *pool, uint64_t epoch);
int pool_load_node(struct pool *pool, const struct pool_node_row *row);
int pool_load_job(struct pool *pool, const struct pool_job_row *row, const struct pool_part *parts,
                  size_t part_count);
int pool_load_task(struct pool *pool, const struct pool_task_row *row, uint64_t now_ms);

/* Of all that the rows hold; equal before a crash and after the rebuild. Costs a full walk. */
uint64_t pool_digest(const struct pool *pool);
/* Asserts everything that must be true between steps. Costs a full walk. */
void pool_assert_invariants(const struct pool *pool);

/*
 * Says how much tasks of a job class prefer nodes of each class from 0 to count-1, larger being
 * better, or POOL_NEVER; classes that were never told are POOL_NEVER to all but job class 0, to
 * which all are 0, unless pool_set_preference() said otherwise. May be called at any time between
 * steps, also again for a class: the next step obeys, and what runs stays. Returns 0 or -ENOMEM,
 * and then nothing has changed.
 */
int pool_set_job_class(struct pool *pool, uint32_t job_class, const int64_t *preferences,
                       size_t count);
/* The same from the other side: for job classes from 0 to count-1. */
int pool_set_node_class(struct pool *pool, uint32_t node_class, const int64_t *preferences,
                        size_t count);
/* The same of one pair of classes that were both told before, or that parts or nodes are of. */
void pool_set_preference(struct pool *pool, uint32_t job_class, uint32_t node_class,
                         int64_t preference);
/*
 * How gladly nodes of the class take tasks of the other, larger being better, and not POOL_NEVER:
 * of several of one priority that a node has room for, one of those begins that it ranks highest;
 * and who is ranked strictly higher than what runs there takes its place, if there is none for it
 * elsewhere and its priority is not lower (pool_way.c). 0 unless it was said, and again when one of
 * the two is told anew; of whom nothing was said, he takes nobody's place and stays in his. Memory
 * that ends ends the process, or nothing is said.
 */
void pool_set_rank(struct pool *pool, uint32_t job_class, uint32_t node_class, int64_t rank);
/*
 * The part that this task is in is of that class from now on; what runs of it stays. Between steps;
 * 0, or -ENOMEM, and then nothing has changed. A task that is not there is passed over.
 */
int pool_set_part_class(struct pool *pool, uint32_t job, uint32_t task, uint32_t job_class);
/* Whether some part, or some node, is of the class: one that is not may be told anew as another. */
bool pool_uses_job_class(const struct pool *pool, uint32_t job_class);
bool pool_uses_node_class(const struct pool *pool, uint32_t node_class);

/*
 * Segments of the network, as numbers from 1; 0 is where nobody can be woken. A sleeping node is
 * woken from within its segment: by the server, if that is one of its own, else by another node.
 * May be called between steps; 0 or -ENOMEM, and then nothing has changed.
 */
int pool_set_segment(struct pool *pool, uint32_t node, uint32_t segment);
int pool_set_own_segment(struct pool *pool, uint32_t segment);
/*
 * What is known of a node that sleeps: whether it shall sleep on, whatever waits, because it is its
 * owner's time, and how long it is until that begins (0: nobody knows that it ever does). Of a node
 * that is awake its reports tell it.
 */
void pool_let_sleep(struct pool *pool, uint32_t node, bool sleeps_on, uint64_t lent_ms);

/* What people ask. Counts of a job's tasks by state; false if the job is not in the brain. */
struct pool_counts {
    uint32_t by_state[TASK_STATE_COUNT];
    uint32_t tasks;
};

bool pool_count_job(const struct pool *pool, uint32_t job, struct pool_counts *ret_counts);
struct pool_counts pool_count_all(const struct pool *pool);
/* Jobs in the brain, in order of their numbers: the first one after `job` (0: the first), or 0. */
uint32_t pool_next_job(const struct pool *pool, uint32_t job);

struct pool_node_view {
    enum node_state state;
    bool suspended;     /* all that is claimed there is frozen */
    bool drained;       /* nothing new starts there, whatever its state */
    bool asleep;        /* Offline, but may be woken, */
    bool does_not_wake; /* unless that was tried in vain */
    uint32_t wakes;     /* since it fell asleep */
    struct resources capacity;
    struct resources available;
    uint32_t claims;
    uint64_t heard_ms; /* when the last report came; 0 never */
};

/* False if the node is not known or was forgotten. */
bool pool_view_node(const struct pool *pool, uint32_t node, struct pool_node_view *ret_view);
/* The claims of a node: calls back with each task's row. */
void pool_walk_node(const struct pool *pool, uint32_t node,
                    void (*callback)(const struct pool_task_row *row, void *userdata),
                    void *userdata);

/*
 * The task as it is now, also if it is no object: unstarted ones are Idle, Held or Removed with
 * their job. Returns false if it is over (or there is no such task): then only the store knows it.
 */
bool pool_view_task(const struct pool *pool, uint32_t job, uint32_t task,
                    struct pool_task_row *ret_row);

/* The range of equal tasks that the task is in; false if there is no such task in the brain. */
bool pool_view_part(const struct pool *pool, uint32_t job, uint32_t task,
                    struct pool_part *ret_part);

/*
 * The task whose claim stands with this epoch; false if none does. What a node says of an attempt
 * counts only if this names that node.
 */
bool pool_view_claim(const struct pool *pool, uint64_t epoch, struct pool_task_row *ret_row);

/*
 * Whether POOL_CHECKPOINT_COLLECTED would record it: the claim of this epoch stands, its task is
 * not over, and has no checkpoint of that number or a higher one. What the brain never sees of it
 * is written in the same transaction, if this is so right before the step.
 */
bool pool_takes_checkpoint(const struct pool *pool, uint64_t epoch, uint64_t checkpoint);

/*
 * Why an idle task is not running: how many nodes are ruled out by what, counted over all nodes.
 * The counts are exclusive, in this order.
 */
struct pool_explanation {
    uint32_t nodes;
    uint32_t offline;      /* or about to leave */
    uint32_t asleep;       /* and it suits, so it may be woken */
    uint32_t too_few_cpus; /* even when empty */
    uint32_t too_little_memory;
    uint32_t too_little_disk;
    uint32_t too_few_gpus;
    uint32_t unsuited; /* the requirements rule them out */
    uint32_t drained;
    uint32_t owner_present;
    uint32_t closing;      /* it is its owner's again before the task could end */
    uint32_t making_way;   /* what runs there leaves for tasks like it, which the node prefers */
    uint32_t busy;         /* large enough, but others are there */
    uint32_t lacking_gpus; /* of the busy ones: all but GPUs is free */
    uint32_t available;    /* it could start there */
    uint32_t largest_cpus;
    uint64_t largest_memory;
    uint64_t largest_disk;
    uint32_t largest_gpus;
    uint64_t longest_lent_ms; /* of those that are closing, the longest that one is lent yet */
    uint32_t tasks_before;    /* that wait ahead of it, as far as they need no more than it does */
    struct resources request;
    uint64_t needed_ms; /* as the part says */
    uint32_t job_class;
};

bool pool_explain_task(const struct pool *pool, uint32_t job, uint32_t task,
                       struct pool_explanation *ret_explanation);
