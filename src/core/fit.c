/* SPDX-License-Identifier: Apache-2.0 */
/* See fit.h: a tournament in an array. */
#include "core/fit.h"

#include "base/memory.h"

#include <assert.h>
#include <string.h>

static const struct fit_entry nothing = {.key = UINT64_MAX};

void fit_deinit(struct fit *fit)
{
    free(fit->entries);
    *fit = FIT_INIT;
}

/* Makes an inner node say what its children say together. Returns whether that is news. */
static bool fit_join(struct fit *fit, size_t node)
{
    const struct fit_entry *left = &fit->entries[2 * node], *right = left + 1;
    struct fit_entry joined = left->key <= right->key ? *left : *right;

    for (int i = 0; i < FIT_AMOUNTS; i++)
        joined.amounts[i] =
            left->amounts[i] > right->amounts[i] ? left->amounts[i] : right->amounts[i];
    if (memcmp(&joined, &fit->entries[node], sizeof(joined)) == 0)
        return false;
    fit->entries[node] = joined;
    return true;
}

bool fit_try_reserve(struct fit *fit, size_t item_count)
{
    size_t leaf_count = fit->leaf_count > 0 ? fit->leaf_count : 8;
    struct fit_entry *entries;

    if (item_count <= fit->leaf_count)
        return true;
    while (leaf_count < item_count)
        leaf_count *= 2;
    entries = memory_try_allocate(2 * leaf_count, sizeof(*entries));
    if (!entries)
        return false;
    for (size_t i = 0; i < 2 * leaf_count; i++)
        entries[i] = nothing;
    if (fit->leaf_count > 0)
        memcpy(entries + leaf_count, fit->entries + fit->leaf_count,
               fit->leaf_count * sizeof(*entries));
    free(fit->entries);
    *fit = (struct fit){.entries = entries, .leaf_count = leaf_count};
    for (size_t node = leaf_count; --node > 0;)
        fit_join(fit, node);
    return true;
}

static void fit_put(struct fit *fit, uint32_t item, const struct fit_entry *entry)
{
    size_t node = fit->leaf_count + item;

    assert(item < fit->leaf_count);
    fit->entries[node] = *entry;
    while ((node /= 2) > 0 && fit_join(fit, node))
        continue;
}

void fit_set(struct fit *fit, uint32_t item, const struct fit_entry *entry)
{
    assert(entry->key < UINT64_MAX);
    fit_put(fit, item, entry);
}

void fit_remove(struct fit *fit, uint32_t item)
{
    if (fit_get(fit, item))
        fit_put(fit, item, &nothing);
}

const struct fit_entry *fit_get(const struct fit *fit, uint32_t item)
{
    const struct fit_entry *entry = &fit->entries[fit->leaf_count + item];

    return item < fit->leaf_count && entry->key != UINT64_MAX ? entry : NULL;
}

static bool fit_may_hold(const struct fit_entry *entry, const uint64_t needed[FIT_AMOUNTS])
{
    for (int i = 0; i < FIT_AMOUNTS; i++)
        if (entry->amounts[i] < needed[i])
            return false;
    return entry->key != UINT64_MAX;
}

/*
 * Whether nothing below the node can come before that leaf. Where many keys are equal, as those of
 * idle computers of one kind, the place alone decides, and without a look at it all of them would
 * be visited.
 */
static bool fit_is_beaten(const struct fit *fit, size_t node, size_t leaf)
{
    uint64_t key = fit->entries[node].key;

    if (fit->entries[leaf].key != key)
        return fit->entries[leaf].key < key;
    while (node < fit->leaf_count)
        node *= 2;
    return leaf < node;
}

struct fit_question {
    const struct fit *fit;
    const uint64_t *needed;
    bool (*accepts)(const void *user_data, uint32_t item);
    const void *user_data;
};

static bool leaf_is_accepted(const struct fit_question *question, size_t leaf)
{
    return !question->accepts ||
           question->accepts(question->user_data, (uint32_t)(leaf - question->fit->leaf_count));
}

/*
 * The first leaf below the node that fits and comes before `best`, or else `best` (0: none yet).
 * The child with the smaller key is looked at first, so that the other one rarely is.
 */
static size_t fit_descend(const struct fit_question *question, size_t node, size_t best)
{
    const struct fit *fit = question->fit;
    const struct fit_entry *entry = &fit->entries[node];
    size_t first = 2 * node, second = first + 1;

    if (!fit_may_hold(entry, question->needed) || (best > 0 && fit_is_beaten(fit, node, best)))
        return best;
    if (node >= fit->leaf_count)
        return leaf_is_accepted(question, node) ? node : best;
    if (fit->entries[second].key < fit->entries[first].key) {
        first = second;
        second = 2 * node;
    }
    best = fit_descend(question, first, best);
    return fit_descend(question, second, best);
}

uint64_t fit_first_key(const struct fit *fit)
{
    return fit->leaf_count > 0 ? fit->entries[1].key : UINT64_MAX;
}

uint32_t fit_find_if(const struct fit *fit, const uint64_t needed[FIT_AMOUNTS],
                     bool (*accepts)(const void *user_data, uint32_t item), const void *user_data)
{
    struct fit_question question = {
        .fit = fit, .needed = needed, .accepts = accepts, .user_data = user_data};
    size_t leaf = fit->leaf_count > 0 ? fit_descend(&question, 1, 0) : 0;

    return leaf > 0 ? (uint32_t)(leaf - fit->leaf_count) : UINT32_MAX;
}

uint32_t fit_find(const struct fit *fit, const uint64_t needed[FIT_AMOUNTS])
{
    return fit_find_if(fit, needed, NULL, NULL);
}
