/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the matchmaker share: its classes (match_class.c), which of them suit
 * (match.c), what nodes ask of tasks (match_start.c), and why they do not suit (match_why.c).
 */
#pragma once

#include "core/match.h"
#include "core/match_queue.h"
#include "core/match_wishes.h"

#include "base/map.h"
#include "lang/classad.h"

struct match_class {
    char *key;          /* owned; what it is found by; NULL: the number is free */
    struct classad *ad; /* owned */
    char *user;  /* owned; of a class of tasks: in whose share it counts; NULL: in nobody's */
    char *whose; /* owned; nodes: whose tasks they take; tasks: whose they are; NULL: anybody's */
    uint64_t *wishes;  /* owned; of a class of nodes: numbers of what START and RANK look at */
    size_t wish_count; /* of these */
    /*
     * The last wish that a class of tasks tells its tasks apart by, or that a class of nodes needs:
     * 0 if these have no START, MATCH_NO_TASK if it can be true of no task.
     */
    uint64_t wished;
    uint64_t rank_wished; /* likewise for the RANK of nodes */
};

#define MATCH_NO_TASK UINT64_MAX

/* HTCondor's names for what a node asks of tasks. */
#define MATCH_START "Start"
#define MATCH_RANK  "Rank"

struct match_classes {
    struct match_class *items; /* owned; by number */
    size_t count;
    size_t capacity;
    size_t used;          /* numbers that are not free */
    uint32_t free_number; /* none below it is free */
    struct string_map by_key;
};

/* There is class 0: of tasks that ask for nothing, of nodes of which nothing is known. */
void match_classes_init(struct match_classes *classes);
void match_classes_deinit(struct match_classes *classes);
/* The number that the next class gets: a free one, or one more. */
uint32_t match_classes_next(struct match_classes *classes);
/* The number is the next. Takes the ad over, and the name. */
void match_classes_put(struct match_classes *classes, uint32_t number, const char *key,
                       struct classad *ad, char *whose);
void match_classes_drop(struct match_classes *classes, uint32_t number);

struct matchmaker {
    struct pool *pool;
    struct match_classes jobs;
    struct match_classes nodes;
    struct string_map significant; /* names of nodes' attributes that count */
    char **names;                  /* owned; the same, in the order in which they came */
    size_t name_count;
    size_t name_capacity;
    bool all_count;    /* all other names count, too: some task can look at any of them */
    bool has_new_user; /* nodes are kept for somebody for whom none were */
    bool has_news;     /* a name came that the classes of nodes do not know of */
    size_t crowded_at; /* so many classes are worth a tidying */
    struct classad_evaluator evaluator;
    struct match_queue queue;     /* pairs that are not evaluated */
    struct match_wishes wishes;   /* of the nodes */
    struct string_map kept_for;   /* users for whom nodes were seen to be kept */
    struct string_map share_used; /* user -> classes of tasks that count in his share */
    bool shares_are_bounded;
};

/* So that doubles that are larger are larger as integers, too; NaN, which is no rank, is none. */
int64_t match_order_of_real(double real);
bool match_is_true(const struct classad_value *value);
/* Whether the node takes the tasks of other users alone. */
bool match_is_kept_from(const struct matchmaker *matchmaker, uint32_t job, uint32_t node);
/* Whether the node's START looks at what does not tell the tasks of the class apart. */
bool match_is_untold(const struct matchmaker *matchmaker, uint32_t job, uint32_t node);
/* Whether the node's START is not true of the task; nor can it be of one that is untold. */
bool match_start_refuses(struct matchmaker *matchmaker, uint32_t job, uint32_t node);
/* Tells the brain how gladly the node takes the task, if it says so. */
void match_rank(struct matchmaker *matchmaker, uint32_t job, uint32_t node);
/* A new class of nodes takes what its START and its RANK look at, as far as there is room. */
void match_take_wishes(struct matchmaker *matchmaker, uint32_t node,
                       const struct match_wish_list *start, const struct match_wish_list *rank);
