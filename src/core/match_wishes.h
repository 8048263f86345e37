/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which attributes of tasks START and RANK of nodes look at. Each name has a number of its own,
 * larger than those of all names before it; one that is given back and comes again is another one.
 * So of a class of tasks it is enough to know how far the numbers were when it was made.
 *
 * What nodes wish is bounded, because each name tells tasks of one class apart.
 */
#pragma once

#include "base/buffer.h"

/* In all, and of one expression. */
#define MATCH_WISHES_MAX      256u
#define MATCH_NODE_WISHES_MAX 16u

struct match_wish {
    char *name; /* owned */
    uint64_t number;
    uint32_t users; /* classes of nodes */
};

struct match_wishes {
    struct match_wish items[MATCH_WISHES_MAX]; /* in the order of their numbers */
    size_t count;
    uint64_t last; /* number; 0: there was none yet */
    bool has_news; /* a name came */
};

void match_wishes_deinit(struct match_wishes *wishes);
/* Whether it is wished, by whom soever. Case is ignored. */
bool match_wishes_have(const struct match_wishes *wishes, const char *name);
/*
 * One class of nodes wishes it from now on. Returns its number; 0 if there are too many, or if the
 * name is of other characters than letters, digits and '_', which no task has.
 */
uint64_t match_wishes_take(struct match_wishes *wishes, const char *name);
/* One that had taken the number does not any more. */
void match_wishes_give_back(struct match_wishes *wishes, uint64_t number);

/* What one expression of a node looks at, each name once. */
struct match_wish_list {
    char *names[MATCH_NODE_WISHES_MAX]; /* owned */
    size_t count;
    bool is_too_long; /* there are more, or what there is has no name */
};

void match_wish_list_deinit(struct match_wish_list *list);
/* Case is ignored. */
void match_wish_list_add(struct match_wish_list *list, const char *name);
