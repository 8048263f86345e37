/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The matchmaker: from the attributes of tasks and of nodes to the classes that the pool's brain
 * knows them by (pool.h).
 *
 * Tasks are of one class if their Requirements, their Rank and what these look at in the task's own
 * attributes are written the same. Nodes are of one class if those of their attributes that some
 * task's Requirements or Rank look at are written the same; so a name that nobody asks for does not
 * tell nodes apart. An expression with eval(), or with MY or TARGET as a value, looks at all
 * attributes of both, so that hardly two nodes are of one class while such a task is there. Each
 * pair of classes is evaluated once, when the second of the two comes, or again and again if the
 * time of day is in it: a task may run where its Requirements are true, and prefers the nodes for
 * which its Rank, as a number, is larger (HTCondor manual, "Matchmaking with ClassAds").
 *
 * A node whose DuskOnlyUser is a user's name takes that user's tasks alone. So that not each user
 * is a class of his own in pools where nobody says that, a task's class has its user only if some
 * node was seen to be kept for him.
 *
 * A node's attribute Start is HTCondor's START: an expression in which MY is the node and TARGET
 * the task. A task runs there only if it is true. What it looks at tells tasks apart from then on,
 * and all are to be classified anew. One node has a say in all classes by that, so it is bounded: a
 * START that looks at too much (match_wishes.h), or at the whole of a task, is true of none. Where
 * tasks of a part differ in what is looked at, or make too many classes, they are told apart as if
 * nobody looked, and no START is true of them. Rank is HTCondor's RANK, likewise: how gladly the
 * node takes the task, as a number, also of what runs there; one that looks at too much says
 * nothing.
 *
 * Attributes that never stand still, such as LoadAvg, are rounded before (match_round.h).
 *
 * A node's amounts (Memory, Disk, Cpus, GPUs) are those of the whole node here; what is left of
 * them is the brain's business. So conditions that compare them with the task's requests, as
 * HTCondor adds to everybody's Requirements, say nothing here: tasks that ask for different amounts
 * may be of one class. What an expression of a node says of the task it is matched with sees the
 * attributes that make the task's class, and no others.
 *
 * Pure as the rest of the room, but memory that ends ends the process: it is called between steps.
 */
#pragma once

#include "core/pool.h"

#include "base/buffer.h"
#include "base/error.h"

/*
 * Of tasks. A user may have half of those that the others leave; a class that tasks of several have
 * counts for the one who came with it.
 */
#define MATCH_JOB_CLASSES_MAX  ((uint32_t)10 * 1000)
#define MATCH_NODE_CLASSES_MAX ((uint32_t)200 * 1000)
/* As long as there are fewer, in all and of the user, what STARTs look at tells tasks apart. */
#define MATCH_TOLD_CLASSES_MAX ((uint32_t)5 * 1000)
#define MATCH_TOLD_SHARE_MAX   ((uint32_t)1000)
/* What takes longer is an ERROR: no requirement that is true, and no rank. */
#define MATCH_STEPS_MAX ((uint32_t)10 * 1000)
/* Likewise, of a node's START or RANK: one that is dear is so for all tasks. */
#define MATCH_START_STEPS_MAX ((uint32_t)1000)

struct matchmaker;

/* One attribute as text: an expression of the old spelling. An expression of NULL is none. */
struct match_attribute {
    const char *name;
    const char *expression;
    bool varies; /* tasks that are classified as one may differ in it */
};

/* `pool` must outlive it. Never NULL. */
struct matchmaker *matchmaker_new(struct pool *pool);
/* Accepts NULL, returns NULL. */
struct matchmaker *matchmaker_free(struct matchmaker *matchmaker);

/* What time() and its kind say from now on: seconds since 1970, and those of the zone here. */
void matchmaker_set_clock(struct matchmaker *matchmaker, int64_t now_seconds,
                          int32_t utc_offset_seconds);
/* What depends on the clock or on chance is to be evaluated again; matchmaker_go_on() does it. */
void matchmaker_look_again(struct matchmaker *matchmaker);
/*
 * Evaluates pairs of classes that wait for it, and tells the pool, until about that many steps were
 * spent (classad.h): a new class suits nothing before. Returns whether some still wait; a million
 * steps take some ten milliseconds.
 */
bool matchmaker_go_on(struct matchmaker *matchmaker, uint64_t steps);

/*
 * Whether a user gets no more than his share; not so at first. What was accepted before, and is
 * classified after a restart or anew, is let in.
 */
void matchmaker_bound_shares(struct matchmaker *matchmaker, bool bounded);

/*
 * The class of a task of these attributes, in that user's share, or in nobody's (NULL), for whom
 * there is always room. Returns 1 if its expressions look at names of nodes that nobody looked at
 * since that was last returned: then all nodes must be classified anew. Else 0, or -EINVAL if one
 * of its expressions cannot be read, or only before it was printed anew; -E2BIG if there are too
 * many classes, -EDQUOT if the user's share of them is used up, -ENOMEM.
 */
int matchmaker_classify_task(struct matchmaker *matchmaker, const char *user,
                             const struct match_attribute *attributes, size_t count,
                             uint32_t *ret_job_class, struct error *err);
/* Whether tasks of the class look at that attribute of their own. Case is ignored. */
bool matchmaker_looks_at(const struct matchmaker *matchmaker, uint32_t job_class, const char *name);
/*
 * The class of a node whose attributes are lines of "Name = expression". A line that cannot be read
 * is passed over. Returns 0; -E2BIG if there are too many classes, or -ENOMEM.
 */
int matchmaker_classify_node(struct matchmaker *matchmaker, struct slice lines,
                             uint32_t *ret_node_class);

/* Whether some node was seen to be kept for this user, and his tasks have classes of their own. */
bool matchmaker_keeps_for(const struct matchmaker *matchmaker, const char *user);
/*
 * Whether, since this was asked last, nodes came that are kept for a user for whom none were
 * before: then the tasks of all for whom nodes are kept must be classified anew.
 */
bool matchmaker_take_new_user(struct matchmaker *matchmaker);
/*
 * Whether, since this was asked last, nodes came whose START looks at attributes of tasks at which
 * none did before: all tasks must be classified anew then. Those that are not yet suit no such
 * node.
 */
bool matchmaker_take_new_wishes(struct matchmaker *matchmaker);
/* Whether nodes of the class have a START that may be untrue. */
bool matchmaker_has_start(const struct matchmaker *matchmaker, uint32_t node_class);
/* Appends it, an expression of the old spelling. */
void matchmaker_append_start(const struct matchmaker *matchmaker, uint32_t node_class,
                             struct buffer *text);
/* For whom nodes of the class are kept; NULL: for nobody. The matchmaker's, until it tidies. */
const char *matchmaker_only_user(const struct matchmaker *matchmaker, uint32_t node_class);

/*
 * Lets go of the classes that no part and no node in the brain is of, and of the names that only
 * such tasks looked at. Only while no event that names a class is under way.
 */
void matchmaker_tidy(struct matchmaker *matchmaker);
/* Whether so many classes came since the last tidying that another is worth it. */
bool matchmaker_is_crowded(const struct matchmaker *matchmaker);

/* One condition of a task's Requirements, looked at by itself. */
struct match_condition {
    char *text;           /* owned; as written, but for white space */
    uint32_t fails;       /* nodes on which it is not true */
    uint32_t alone;       /* nodes on which it is the only one that is not true */
    uint32_t alone_class; /* the class of some of these, if there are any */
};

struct match_analysis {
    struct match_condition *conditions; /* owned */
    size_t count;
    uint32_t nodes;
    uint32_t suited;        /* on which all of them are true */
    uint32_t kept;          /* that take only somebody else's tasks, whatever the conditions say */
    uint32_t kept_class;    /* the class of some of these, if there are any */
    uint32_t refused;       /* of which the START is not true, whatever the conditions say */
    uint32_t refused_class; /* likewise */
    bool is_untold; /* START was not even asked: it looks at what does not tell these tasks apart */
    bool is_cut;    /* it took too long: not all nodes were looked at */
    bool is_pending; /* the brain is not told of all of them yet */
};

void match_analysis_deinit(struct match_analysis *analysis);
/*
 * Which of the conditions rule out how many of the nodes: `nodes_of_class` says how many there are
 * of each class from 0 to count-1.
 */
void matchmaker_analyze(struct matchmaker *matchmaker, uint32_t job_class,
                        const uint32_t *nodes_of_class, size_t count,
                        struct match_analysis *ret_analysis);
