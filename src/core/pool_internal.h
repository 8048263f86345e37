/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the pool's brain share: its objects and the lists that they stand in.
 *
 * All objects live in arrays and are named by index, NONE for none; freed ones are chained through
 * their first link. Arrays grow in pool_prepare() and pool_load_*() only.
 *
 * A kind is one distinct request (cpus, memory, disk, gpus, time) of a job class; it has a heap of
 * parts with ready tasks. A part is a range of a job's tasks; "returned" are its idle task objects,
 * first in first out. A task is a started or singled-out one, with its claim if one stands. A node
 * is a computer; offered by its room, within its class, while it may be given work. A class is one
 * of jobs: which node classes suit, best first; or of nodes: which are offered. A way is room on a
 * node that tasks leave to others.
 */
#pragma once

#include "core/fit.h"
#include "core/pool.h"

#include "base/heap.h"
#include "base/map.h"

enum {
    STARTS_PER_STEP = 256,   /* the rest of a large submit follows in the next steps */
    EXPIRIES_PER_STEP = 256, /* likewise when a whole building lost its power */
    LOOKS_PER_STEP = 256     /* and when all owners came at nine */
};

/* Where a claim stands, as the server knows it. */
enum claim_phase {
    CLAIM_NONE,
    CLAIM_OFFERED,    /* the start was sent, or must be sent again: no report has shown it yet */
    CLAIM_CONFIRMED,  /* a report has shown it */
    CLAIM_COLLECTING, /* it ended with a result, whose outputs are on their way */
    CLAIM_PHASE_COUNT
};

struct pool_link {
    uint32_t previous;
    uint32_t next;
};

struct pool_list {
    uint32_t first;
    uint32_t last;
};

#define POOL_LIST_INIT ((struct pool_list){.first = NONE, .last = NONE})

struct pool_slot {
    struct pool_part_object *part; /* NULL while the slot is free */
    uint32_t next_free;
};

/* From this bit on, the key of a part is its priority, the highest being the least. */
enum { POOL_KEY_PRIORITY = 48 };

struct pool_kind {
    struct resources request;
    uint64_t needed_ms;
    uint32_t job_class;
    struct heap ready;       /* of slots, by priority, job and part */
    struct pool_slot *slots; /* owned */
    size_t slots_capacity;
    uint32_t slot_count;
    uint32_t free_slot;
    uint32_t part_count;     /* a kind without parts is free and may become another one */
    uint32_t pins;           /* but not while a prepared submit counts on it, for so many parts */
    uint64_t map_key;        /* in kind_by_request */
    uint64_t ready_ms;       /* since when tasks of it are ready */
    uint64_t expected_tasks; /* for so many there is room on nodes that are being woken */
    uint64_t awaited_tasks;  /* for so many others make way */
    uint32_t next_free;
};

struct pool_part_object {
    struct pool_part row;
    uint32_t job; /* index */
    uint32_t number;
    uint32_t kind;
    uint32_t slot;
    uint64_t key;
    struct pool_list returned;
    uint32_t claim_count; /* of its tasks */
    bool dirty;
    struct pool_part_object *next_dirty; /* of the same job */
};

struct pool_job {
    struct pool_job_row row;        /* row.job is 0 while the object is free */
    struct pool_part_object *parts; /* owned; they never move */
    uint32_t part_count;
    uint32_t task_count;
    uint32_t ahead;                     /* objects whose part has not come to them yet */
    uint32_t objects[TASK_STATE_COUNT]; /* task objects by state */
    struct pool_list tasks;
    struct pool_link order; /* of job numbers */
    bool dirty;
    struct pool_part_object *dirty_parts;
};

struct pool_task {
    struct pool_task_row row; /* row.job is 0 while the object is free */
    uint32_t job;             /* index */
    struct pool_part_object *part;
    enum claim_phase phase;
    bool stopping;            /* its claim shall end as soon as possible */
    uint32_t starts_repeated; /* if any, an earlier start may be on its way, or have arrived */
    bool returned;            /* stands in its part's list */
    uint64_t start_session;   /* in which the start was sent last */
    uint64_t start_end_ms;    /* its lease's end, on the agent's clock */
    uint32_t reports_since;   /* full reports since then that did not show it */
    uint64_t collect_session; /* in which its outputs are being brought */
    uint64_t saving;          /* the number of a checkpoint that is being brought, or 0, */
    uint64_t save_session;    /* in this session */
    uint64_t seen_report;     /* the last report of the node that listed it */
    uint64_t expires_ms;      /* when its claim ends unless it is renewed */
    bool restored;            /* stands in restored_leases, not in leases */
    struct pool_link of_job;
    struct pool_link of_node;
    struct pool_link of_part;
    struct pool_link of_leases;
    uint64_t begun_ms;      /* when its claim began, or was restored */
    uint64_t look_ms;       /* suspended: when it is looked at, whether it shall go elsewhere */
    bool waits_to_move;     /* it was, and stands in waiting_to_move, not in suspended */
    uint32_t promised_node; /* it was told to leave for; NONE: for none */
    bool makes_way;         /* it was told to leave its node to another task */
    struct pool_link of_suspended;
};

/* Room that some tasks are leaving to others, which their node ranks higher. */
struct pool_way {
    uint32_t kind;            /* of those that it is for */
    uint32_t tasks;           /* so many of these are still to come */
    int64_t rank;             /* who is ranked lower does not get the room */
    struct resources request; /* of each */
    struct resources kept;    /* for all of them */
    struct resources leaving; /* what is still to become free */
    uint32_t leaving_count;   /* tasks that have yet to leave */
};

struct pool_node {
    struct pool_node_row row;
    bool known;
    bool connected;
    bool synchronised; /* has reported everything in this session */
    bool owner_present;
    bool leaving;
    uint64_t session;
    uint64_t heard_ms;
    uint64_t answers_ms; /* when the last report was sent, on the agent's clock */
    uint64_t report_count;
    struct resources capacity;
    struct resources used;
    struct resources promised; /* to tasks that have yet to leave other nodes */
    uint64_t lent_until_ms;    /* on the server's clock; UINT64_MAX: no end is known */
    struct pool_list claims;
    uint32_t claim_count;
    struct pool_way way;
    bool is_tempting; /* who runs there may make way otherwise than before; kinds are to be tried */
    bool fresh;       /* has new room, and not all kinds were tried on it yet */
    uint32_t node_class;
    uint32_t place; /* among the members of its class */
    uint8_t stay;
    uint32_t segment; /* of the network; 0: none that is known */
    bool is_waker;    /* stands in its segment's list */
    bool sleeps_on;   /* nobody wakes it now */
    struct pool_link of_segment;
    uint32_t expected_tasks; /* it is being woken for so many */
    uint32_t expected_kind;  /* of this kind */
};

struct pool_segment {
    struct pool_list wakers; /* connected nodes, who woke somebody last in the end */
    bool is_own;             /* the server's, too */
};

struct pool_job_class {
    int64_t *preferences; /* owned; by node class */
    size_t preference_capacity;
    uint32_t *suiting; /* owned; node classes, the preferred ones first */
    size_t suiting_count, suiting_capacity;
    uint32_t part_count;
    uint64_t claim_count; /* of its tasks */
    bool has_news;        /* some node class suits that did not, or ranks it otherwise */
    bool is_ranked;       /* some node class ranked it, once at least */
    bool is_ranked_anew;  /* and some may do it otherwise than what runs was placed by */
};

struct pool_node_class {
    struct fit offered; /* members by place, the best one first */
    uint32_t *members;  /* owned; node numbers */
    size_t member_count, member_capacity;
    int64_t *ranks; /* owned; by job class: how gladly its tasks are taken, or POOL_NEVER: */
    size_t rank_count, rank_capacity; /* nobody said, as of those beyond */
    struct fit yielding; /* members by place where tasks may make way, the lowest ranked first */
    bool has_news;       /* what runs on its members may be ranked otherwise */
};

struct pool {
    struct pool_options options;
    uint64_t now_ms;
    uint64_t epoch; /* the highest given */

    struct pool_kind *kinds;
    size_t kind_count, kind_capacity;
    uint32_t free_kind;
    struct map kind_by_request;
    uint32_t *pinned_kinds; /* those that the prepared submit counts on */
    size_t pinned_kind_count, pinned_kind_capacity;
    struct fit ready_kinds;  /* with ready tasks, by the key of their first part */
    struct heap fresh_kinds; /* with new ready tasks for which not all nodes were tried yet */
    struct heap eager_kinds; /* for which none is free, and not all were asked to make way yet */

    struct pool_job *jobs;
    size_t job_count, job_capacity;
    uint32_t free_job;
    struct pool_list job_order;
    struct map job_by_number;
    struct pool_part_object *spare_parts; /* owned; for the submit that was prepared */
    size_t spare_part_count;
    uint32_t *dirty_jobs;
    size_t dirty_job_count, dirty_job_capacity;

    struct pool_task *tasks;
    size_t task_count, task_capacity;
    uint32_t free_task;
    uint32_t free_task_count;
    struct map task_by_id;            /* job << 32 | task */
    struct map task_by_epoch;         /* of the claim that stands */
    struct pool_list leases;          /* claimed tasks, in the order in which their claims end */
    struct pool_list restored_leases; /* likewise; not renewed since the restart */
    struct pool_list suspended;       /* in the order in which they are looked at */
    struct pool_list waiting_to_move; /* likewise; they were before, and had to stay */

    struct pool_node *nodes; /* by number */
    size_t node_count, node_capacity;
    struct pool_job_class *job_classes;
    size_t job_class_count, job_class_capacity;
    bool classes_have_news;
    bool ranks_have_news;
    struct pool_node_class *node_classes;
    size_t node_class_count, node_class_capacity;
    struct pool_segment *segments;
    size_t segment_count, segment_capacity;
    struct heap sleepers;  /* nodes that sleep and may wake, by when they are looked at */
    uint64_t wake_next_ms; /* before this nobody is woken */
    uint64_t begun_ms;     /* when the first step was */
    bool has_begun;
    uint32_t *fresh_nodes;
    size_t fresh_node_count, fresh_node_capacity;
    uint32_t *tempting_nodes;
    size_t tempting_node_count, tempting_node_capacity;
    uint32_t claims_per_node_max; /* so many a node had at most */

    struct pool_counts counts;
};

/* pool_effects: append to what pool_prepare() made room for. */
struct pool_effect *pool_emit(struct pool_effects *effects, enum pool_effect_kind kind);
void pool_emit_reply(struct pool_effects *effects, uint64_t caller, enum pool_reply reply,
                     uint32_t count);

/* pool_job.c: jobs and their parts. */
struct pool_job *pool_find_job(const struct pool *pool, uint32_t number);
/* Whether they number the tasks from 0 without a gap, and their next ones lie within. */
bool pool_parts_are_valid(const struct pool_part *parts, size_t part_count);
/* Room for one more job of these parts; 0 or -ENOMEM or -E2BIG. */
int pool_reserve_job(struct pool *pool, const struct pool_part *parts, size_t part_count);
struct pool_job *pool_add_job(struct pool *pool, const struct pool_job_row *row,
                              const struct pool_part *parts, size_t part_count);
void pool_touch_job(struct pool *pool, struct pool_job *job);
/* Its row must be saved. */
void pool_touch_part(struct pool *pool, struct pool_part_object *part);
/* Writes out what changed of jobs and their parts in this step, and lets go of those that are over.
 */
void pool_flush_jobs(struct pool *pool, struct pool_effects *effects);
void pool_submit(struct pool *pool, const struct pool_event *event, struct pool_effects *effects);
void pool_choose(struct pool *pool, const struct pool_event *event, struct pool_effects *effects);
uint32_t pool_count_unstarted(const struct pool_job *job);
struct pool_counts pool_count_of_job(const struct pool_job *job);

/* pool_task.c: task objects, their states and their claims. */
struct pool_task *pool_find_task(const struct pool *pool, uint32_t job, uint32_t task);
struct pool_task *pool_find_claim(const struct pool *pool, uint64_t epoch);
int pool_reserve_tasks(struct pool *pool, size_t more);
struct pool_task *pool_add_task(struct pool *pool, struct pool_job *job,
                                struct pool_part_object *part, uint32_t task);
/* Takes the object out when nothing keeps it: it is over, unclaimed, and its part is past it. */
void pool_release_task(struct pool *pool, struct pool_task *task);
void pool_move_task(struct pool *pool, struct pool_task *task, enum task_state to,
                    enum reason reason, struct pool_effects *effects);
void pool_save_task(const struct pool_task *task, struct pool_effects *effects);
void pool_move_claim(struct pool_task *task, enum claim_phase to);
void pool_begin_claim(struct pool *pool, struct pool_task *task, uint32_t node, uint64_t epoch);
/* One that a previous server began, and may have renewed just before it ended. */
void pool_restore_claim(struct pool *pool, struct pool_task *task, uint32_t node, uint64_t epoch);
/* For a whole lease and margin from now. */
void pool_renew_claim(struct pool *pool, struct pool_task *task);
/* The claimed task whose lease ends first; NULL if nothing is claimed. */
struct pool_task *pool_first_to_expire(const struct pool *pool);
/* All claims, for as long as a new one, or after a restart for as long as a restored one. */
void pool_renew_all_claims(struct pool *pool);
/* Ends the claim; what becomes of the task the caller has decided or decides next. */
void pool_end_claim(struct pool *pool, struct pool_task *task);
/* Tells the node that it may forget the attempt. */
void pool_send_forget(const struct pool *pool, uint32_t node, uint64_t epoch,
                      struct pool_effects *effects);
/* The attempt came to nothing: its claim ends and the task is offered again, or stays held or
 * removed. */
void pool_return_task(struct pool *pool, struct pool_task *task, enum reason reason,
                      struct pool_effects *effects);
uint32_t pool_task_index(const struct pool *pool, const struct pool_task *task);
void pool_send(const struct pool *pool, struct pool_effects *effects, enum pool_effect_kind kind,
               const struct pool_task *task, enum reason reason);
/* Its lease on the node counts from the last report of it. */
void pool_send_start(const struct pool *pool, struct pool_task *task, struct pool_effects *effects);

/* pool_queue.c: what is ready, which node has room, and the pass that joins them. */
/* NULL if the job has no such task. */
struct pool_part_object *pool_find_part(const struct pool_job *job, uint32_t task);
void pool_queue_part(struct pool *pool, struct pool_part_object *part);
/* The kind's first ready part has changed, or it has none any more. */
void pool_place_kind(struct pool *pool, struct pool_kind *kind);
void pool_queue_returned(struct pool *pool, struct pool_task *task);
void pool_unqueue_returned(struct pool *pool, struct pool_task *task);
void pool_place_node(struct pool *pool, struct pool_node *node);
/* A node that is not waiting to be shown is offered as it is, or not usable. */
void pool_assert_offer(const struct pool *pool, const struct pool_node *node);
/* What is left of the capacity beside that; nothing where more is used than there is now. */
struct resources pool_room_beside(const struct resources *capacity, const struct resources *used);
/* What the node has left, but for what is kept for those whom others make way for. */
struct resources pool_node_room(const struct pool_node *node);
/* Whether it may be given work, if there is room for it; and whether a CPU is free as well. */
bool pool_node_is_open(const struct pool_node *node);
bool pool_node_is_usable(const struct pool_node *node);
/* No ready kind fits into it any more: what is left is offered. */
void pool_node_is_tried(struct pool *pool, struct pool_node *node);
/* The moment that is so far from now; UINT64_MAX: beyond all time. */
uint64_t pool_later_ms(const struct pool *pool, uint64_t after_ms);
/* For how much longer it is lent; UINT64_MAX: nobody knows an end. */
uint64_t pool_lent_ms(const struct pool *pool, const struct pool_node *node);
/* Amounts of a node's offer that tasks with this request and time need now. */
void pool_write_needs(const struct pool *pool, const struct resources *request, uint64_t needed_ms,
                      uint64_t ret_amounts[FIT_AMOUNTS]);
/*
 * What a request and its time leave unasked for, by which kinds of tasks are found: the less one
 * asks for, the better it fits. Of a node with that room and so long lent, what a kind that fits
 * has left at least.
 */
void pool_write_rest(const struct resources *request, uint64_t time_ms,
                     uint64_t ret_amounts[FIT_AMOUNTS]);
void pool_schedule(struct pool *pool, struct pool_effects *effects);
bool pool_schedule_is_due(const struct pool *pool);

/* pool_class.c: who suits whom, and the offers of the nodes. */
void pool_classes_deinit(struct pool *pool);
/* Room for classes up to this one; 0 or -ENOMEM. */
int pool_reserve_job_class(struct pool *pool, uint32_t job_class);
int pool_reserve_node_class(struct pool *pool, uint32_t node_class);
/* Kinds that suit where they did not before are fresh: new work, in a way. */
void pool_show_news(struct pool *pool);
/* Room for so many more members. */
int pool_reserve_members(struct pool *pool, uint32_t node_class, size_t more);
/* How gladly nodes of the one take tasks of the other; and whether somebody said so. */
int64_t pool_rank(const struct pool *pool, uint32_t job_class, uint32_t node_class);
bool pool_rank_is_told(const struct pool *pool, uint32_t job_class, uint32_t node_class);
bool pool_class_suits(const struct pool *pool, uint32_t job_class, uint32_t node_class);
/* A node that becomes a member, or stops being one. */
void pool_join_class(struct pool *pool, struct pool_node *node, uint32_t node_class);
void pool_leave_class(struct pool *pool, struct pool_node *node);
/* What is offered of the node, or NULL. */
const struct fit_entry *pool_offer_of(const struct pool *pool, const struct pool_node *node);
void pool_offer(struct pool *pool, struct pool_node *node, const struct fit_entry *offer);
void pool_withdraw(struct pool *pool, struct pool_node *node);
/* The offered node that tasks of this kind prefer, with room for one; NULL if there is none. */
struct pool_node *pool_best_offer(const struct pool *pool, const struct pool_kind *kind);
/*
 * A node other than the task's, of the class that it prefers, with room for it beside what is
 * promised to others; NULL if there is none.
 */
struct pool_node *pool_offer_elsewhere(const struct pool *pool, const struct pool_task *task);
/* Room for the class that the node changes to. */
int pool_reserve_change(struct pool *pool, const struct pool_event *event);
void pool_node_changed(struct pool *pool, const struct pool_event *event);

/* pool_leave.c: who has to leave a node although the task is wanted. */
/* Not one that was told so before, nor one whose result is on its way. */
void pool_tell_to_leave(struct pool *pool, struct pool_task *task, enum reason reason,
                        struct pool_effects *effects);
void pool_node_drained(struct pool *pool, const struct pool_event *event,
                       struct pool_effects *effects);
/* The task has become Suspended, or ceases to be. */
void pool_watch_suspended(struct pool *pool, struct pool_task *task);
void pool_unwatch_suspended(struct pool *pool, struct pool_task *task);
/* Who is to be looked at first; NULL if nobody is suspended. */
struct pool_task *pool_first_to_look_at(const struct pool *pool);
void pool_move_suspended(struct pool *pool, struct pool_effects *effects);
/* The claim ends: what was promised is there for whoever is first. */
void pool_drop_promise(struct pool *pool, struct pool_task *task);

/* pool_way.c: who makes way for a task that his node ranks higher. */
/* What may make way there may have changed. */
void pool_place_way(struct pool *pool, struct pool_node *node);
/* The last member of its class takes its place among those where tasks may make way. */
void pool_move_way(struct pool_node_class *class, uint32_t last, uint32_t place);
/* What runs of the one on nodes of the other may be ranked otherwise than before. */
void pool_note_rank(struct pool *pool, struct pool_job_class *tasks, struct pool_node_class *nodes);
/* No node is free for the kind. */
void pool_ask_way(struct pool *pool, struct pool_kind *kind);
/* One of the kind has begun on the node. */
void pool_take_way(struct pool *pool, struct pool_node *node, const struct pool_kind *kind);
/* The claim ends, whether or not it made way: others may have another chance there. */
void pool_leave_way(struct pool *pool, struct pool_node *node, struct pool_task *task);
/* If all have left, and none came who may have the room, it is anybody's: returns whether it was
 * kept. */
bool pool_end_way(struct pool *pool, struct pool_node *node);
void pool_make_way(struct pool *pool, struct pool_effects *effects);
bool pool_way_is_due(const struct pool *pool);
void pool_assert_way(const struct pool *pool, const struct pool_node *node);
/* pool_save.c: checkpoints. */
/* The node reports one of the claim that can be brought. */
void pool_checkpoint_shown(struct pool *pool, uint64_t epoch, uint64_t checkpoint,
                           struct pool_effects *effects);
void pool_checkpoint_collected(struct pool *pool, const struct pool_event *event,
                               struct pool_effects *effects);

/* pool_wake.c: nodes that sleep, and who is woken. */
/* How many of the part's tasks are ready; no more than `most` are counted. */
uint64_t pool_count_ready(const struct pool *pool, const struct pool_part_object *part,
                          uint64_t most);
/* It has become connected, or ceases to be, or its sleep has changed. */
void pool_place_waker(struct pool *pool, struct pool_node *node);
/* Stands among the sleepers from now on, unless it does not wake. */
void pool_add_sleeper(struct pool *pool, struct pool_node *node, uint64_t look_ms);
/* It is there again; returns whether its row is another one by that. */
bool pool_wake_up(struct pool *pool, struct pool_node *node);
/* What its report says of it. */
void pool_hear_sleep(struct pool *pool, struct pool_node *node, bool asleep,
                     struct pool_effects *effects);
/* It takes what it was woken for, or does not: others may be woken. */
void pool_drop_expectation(struct pool *pool, struct pool_node *node);
void pool_node_woken(struct pool *pool, const struct pool_event *event,
                     struct pool_effects *effects);
/* Nobody waits for it to wake any more. */
void pool_forget_sleeper(struct pool *pool, struct pool_node *node);
/* When the next sleeper is to be looked at; UINT64_MAX: not while things are as they are. */
uint64_t pool_next_wake_ms(const struct pool *pool);
void pool_wake_sleepers(struct pool *pool, struct pool_effects *effects);
bool pool_does_not_wake(const struct pool *pool, const struct pool_node *node);
void pool_assert_sleep(const struct pool *pool);

/* pool_node.c: nodes, their reports and the end of leases. */
struct pool_node *pool_find_node(const struct pool *pool, uint32_t number);
int pool_reserve_node(struct pool *pool, uint32_t number);
void pool_node_connected(struct pool *pool, const struct pool_event *event,
                         struct pool_effects *effects);
void pool_node_disconnected(struct pool *pool, const struct pool_event *event);
void pool_node_forgotten(struct pool *pool, const struct pool_event *event,
                         struct pool_effects *effects);
void pool_node_reported(struct pool *pool, const struct pool_report *report,
                        struct pool_effects *effects);
void pool_collected(struct pool *pool, const struct pool_event *event,
                    struct pool_effects *effects);
void pool_refused(struct pool *pool, const struct pool_event *event, struct pool_effects *effects);
/* For how long it is lent; 0: nobody knows an end. */
void pool_hear_end(const struct pool *pool, struct pool_node *node, uint64_t lent_ms);
void pool_expire_claims(struct pool *pool, struct pool_effects *effects);

/* Doubly linked lists through one pool_link member; `links` finds the member of an object. */
#define POOL_LIST_APPEND(list, objects, index, link)                                               \
    do {                                                                                           \
        (objects)[index].link = (struct pool_link){.previous = (list)->last, .next = NONE};        \
        if ((list)->last == NONE)                                                                  \
            (list)->first = (index);                                                               \
        else                                                                                       \
            (objects)[(list)->last].link.next = (index);                                           \
        (list)->last = (index);                                                                    \
    } while (0)

#define POOL_LIST_REMOVE(list, objects, index, link)                                               \
    do {                                                                                           \
        struct pool_link gone_ = (objects)[index].link;                                            \
        if (gone_.previous == NONE)                                                                \
            (list)->first = gone_.next;                                                            \
        else                                                                                       \
            (objects)[gone_.previous].link.next = gone_.next;                                      \
        if (gone_.next == NONE)                                                                    \
            (list)->last = gone_.previous;                                                         \
        else                                                                                       \
            (objects)[gone_.next].link.previous = gone_.previous;                                  \
    } while (0)
