/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first of many things that fits: each has a key, by which they are in order, and amounts; the
 * question is for the one with the smallest key whose amounts are all large enough. Equal keys are
 * in order of their items, so that nothing depends on history.
 *
 * It is a tree over the items in which each node knows the first item and the largest amounts
 * below it, so that most questions look at a path and not at all things. What has similar amounts
 * stands together, so that "some have enough of this, and others of that" is seen high above them.
 * Nodes are found in it by the room that they have, and kinds of requests by the room that they
 * leave unasked for.
 */
#pragma once

#include "base/attributes.h"

#include <stdbool.h>
#include <stdint.h>

enum { FIT_AMOUNTS = 5 };

struct fit_entry {
    uint64_t key; /* UINT64_MAX: nothing is there */
    uint64_t amounts[FIT_AMOUNTS];
};

struct fit_node;

struct fit {
    struct fit_node *nodes; /* owned */
    size_t node_capacity, node_count;
    uint32_t root, unused;
};

#define FIT_INIT ((struct fit){0})

void fit_deinit(struct fit *fit);
/* Room for items 0..item_count-1, at most 2^31 - 1 of them; false if there is no memory. */
_must_check_ bool fit_try_reserve(struct fit *fit, size_t item_count);
/* Puts the item in or changes it. The key is less than UINT64_MAX. */
void fit_set(struct fit *fit, uint32_t item, const struct fit_entry *entry);
/* Takes the item out if it is in. */
void fit_remove(struct fit *fit, uint32_t item);
/* What was set, or NULL if the item is not in. It stands there until the next change. */
const struct fit_entry *fit_get(const struct fit *fit, uint32_t item);
/* The smallest key of all items; UINT64_MAX if there are none. */
uint64_t fit_first_key(const struct fit *fit);
/* The first item with at least these amounts; UINT32_MAX if there is none. */
uint32_t fit_find(const struct fit *fit, const uint64_t needed[FIT_AMOUNTS]);
/*
 * The same of those that `accepts` says yes to. It is asked about those before that one, each once:
 * about all with these amounts if it accepts none; in no order that may matter.
 */
uint32_t fit_find_if(const struct fit *fit, const uint64_t needed[FIT_AMOUNTS],
                     bool (*accepts)(const void *user_data, uint32_t item), const void *user_data);
