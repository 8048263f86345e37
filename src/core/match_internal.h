/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the matchmaker share: its classes (match.c), and why they do not suit
 * (match_why.c). */
#pragma once

#include "core/match.h"
#include "core/match_queue.h"

#include "base/map.h"
#include "lang/classad.h"

struct match_class {
    char *key;          /* owned; what it is found by; NULL: the number is free */
    struct classad *ad; /* owned */
    char *user;  /* owned; of a class of tasks: in whose share it counts; NULL: in nobody's */
    char *whose; /* owned; nodes: whose tasks they take; tasks: whose they are; NULL: anybody's */
};

struct class_list {
    struct match_class *items; /* owned; by number */
    size_t count;
    size_t capacity;
    size_t used;          /* numbers that are not free */
    uint32_t free_number; /* none below it is free */
    struct string_map by_key;
};

struct matchmaker {
    struct pool *pool;
    struct class_list jobs;
    struct class_list nodes;
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
    struct string_map kept_for;   /* users for whom nodes were seen to be kept */
    struct string_map share_used; /* user -> classes of tasks that count in his share */
    bool shares_are_bounded;
};

bool match_is_true(const struct classad_value *value);
/* Whether the node takes the tasks of other users alone. */
bool match_is_kept_from(const struct matchmaker *matchmaker, uint32_t job, uint32_t node);
