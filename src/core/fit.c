/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See fit.h: a crit-bit tree (Bernstein) over the amounts, whose bits are taken in turns (Morton),
 * the most significant of all amounts first and those of the item last.
 *
 * The bits are those of a floating point number, so that CPUs, which are few, and bytes, which are
 * many, are told apart at the same height; and what is just below the largest number, as the kinds'
 * amounts are, is as far apart as what is just above 0. So the tree divides its things as a k-d
 * tree does, by one amount after the other, and a question that nothing answers looks only at
 * parts through which the border of what it asks for goes. Its shape is that of its
 * content, whatever came first.
 *
 * Items have odd places in the array, and what joins them even ones; 0 is nobody.
 */
#include "core/fit.h"

#include "base/memory.h"

#include <assert.h>
#include <string.h>

enum { EXPONENT_BITS = 6, AMOUNT_BITS = 64, ITEM_SPLIT = FIT_AMOUNTS * AMOUNT_BITS };
static const uint32_t NO_BIT = UINT32_MAX;

struct fit_node {
    struct fit_entry entry; /* of an item; or the smallest key and the largest amounts below */
    uint32_t first;         /* of the items below with that key */
    uint32_t parent;        /* 0: it is the root */
    uint32_t children[2];   /* the first of an unused one is the next unused one */
    uint32_t split;         /* the bit in which the one child differs from the other */
};

void fit_deinit(struct fit *fit)
{
    free(fit->nodes);
    *fit = FIT_INIT;
}

static uint32_t item_place(uint32_t item)
{
    return 2 * item + 1;
}

static bool is_item(uint32_t place)
{
    return place % 2 == 1;
}

bool fit_try_reserve(struct fit *fit, size_t item_count)
{
    size_t needed = 2 * item_count + 1;

    assert(item_count <= UINT32_MAX / 2);
    if (item_count <= fit->node_count / 2)
        return true;
    if (!array_try_reserve(fit->nodes, fit->node_capacity, needed))
        return false;
    for (; fit->node_count < needed; fit->node_count++) {
        uint32_t place = (uint32_t)fit->node_count;

        fit->nodes[place] = (struct fit_node){.entry.key = UINT64_MAX};
        if (place == 0 || is_item(place))
            continue;
        fit->nodes[place].children[0] = fit->unused;
        fit->unused = place;
    }
    return true;
}

/* How many bits there are, then those behind the first. */
static uint64_t spread_small(uint64_t amount)
{
    unsigned length = amount > 0 ? 64 - (unsigned)__builtin_clzll(amount) : 0;
    uint64_t rest = length > 1 ? amount << (65 - length) : 0;

    return (uint64_t)length << (63 - EXPONENT_BITS) | rest >> (1 + EXPONENT_BITS);
}

/* Larger for what is larger, but that large amounts with the same first 58 bits are the same. */
static uint64_t spread(uint64_t amount)
{
    return amount >> 63 == 0 ? spread_small(amount) : ~spread_small(~amount);
}

/* The first bit, as they are taken in turns, in which the amounts differ; NO_BIT: in none. */
static uint32_t find_difference(const struct fit_entry *one, const struct fit_entry *other)
{
    uint32_t first = NO_BIT;

    for (uint32_t i = 0; i < FIT_AMOUNTS; i++) {
        uint64_t difference = spread(one->amounts[i]) ^ spread(other->amounts[i]);
        uint32_t bit = difference > 0 ? (uint32_t)__builtin_clzll(difference) : AMOUNT_BITS;

        if (bit < AMOUNT_BITS && bit * FIT_AMOUNTS + i < first)
            first = bit * FIT_AMOUNTS + i;
    }
    return first;
}

static uint32_t find_split(const struct fit_node *one, const struct fit_node *other)
{
    uint32_t split = find_difference(&one->entry, &other->entry);

    return split < NO_BIT ? split : ITEM_SPLIT + (uint32_t)__builtin_clz(one->first ^ other->first);
}

static bool bit_at(const struct fit_node *item, uint32_t split)
{
    if (split >= ITEM_SPLIT)
        return item->first >> (31 - (split - ITEM_SPLIT)) & 1;
    return spread(item->entry.amounts[split % FIT_AMOUNTS]) >> (63 - split / FIT_AMOUNTS) & 1;
}

/* Whether the first item below the one node comes before the first below the other. */
static bool comes_before(const struct fit_node *one, const struct fit_node *other)
{
    if (one->entry.key != other->entry.key)
        return one->entry.key < other->entry.key;
    return one->first < other->first;
}

/* Makes a node say what its children say together. Returns whether that is news. */
static bool fit_join(struct fit *fit, struct fit_node *node)
{
    const struct fit_node *one = &fit->nodes[node->children[0]];
    const struct fit_node *other = &fit->nodes[node->children[1]];
    const struct fit_node *before = comes_before(one, other) ? one : other;
    struct fit_entry joined = before->entry;

    for (int i = 0; i < FIT_AMOUNTS; i++)
        joined.amounts[i] = one->entry.amounts[i] > other->entry.amounts[i]
                                ? one->entry.amounts[i]
                                : other->entry.amounts[i];
    if (node->first == before->first && memcmp(&joined, &node->entry, sizeof(joined)) == 0)
        return false;
    node->entry = joined;
    node->first = before->first;
    return true;
}

static void fit_refresh(struct fit *fit, uint32_t place)
{
    while (place > 0 && fit_join(fit, &fit->nodes[place]))
        place = fit->nodes[place].parent;
}

/* Where the one stands, the other shall. */
static void fit_replace(struct fit *fit, uint32_t old, uint32_t new)
{
    uint32_t parent = fit->nodes[old].parent;

    fit->nodes[new].parent = parent;
    if (parent == 0)
        fit->root = new;
    else
        fit->nodes[parent].children[fit->nodes[parent].children[1] == old] = new;
}

/* The place that a new item shares: what stands there differs from it in that bit. */
static uint32_t fit_find_neighbour(const struct fit *fit, const struct fit_node *item,
                                   uint32_t *ret_split)
{
    uint32_t place = fit->root, split;

    while (!is_item(place))
        place = fit->nodes[place].children[bit_at(item, fit->nodes[place].split)];
    split = find_split(item, &fit->nodes[place]);
    while (fit->nodes[place].parent > 0 && fit->nodes[fit->nodes[place].parent].split > split)
        place = fit->nodes[place].parent;
    *ret_split = split;
    return place;
}

static void fit_insert(struct fit *fit, uint32_t place)
{
    struct fit_node *item = &fit->nodes[place], *join;
    uint32_t neighbour, split, joining = fit->unused;
    bool side;

    if (fit->root == 0) {
        item->parent = 0;
        fit->root = place;
        return;
    }
    neighbour = fit_find_neighbour(fit, item, &split);
    side = bit_at(item, split);
    join = &fit->nodes[joining];
    fit->unused = join->children[0];
    fit_replace(fit, neighbour, joining);
    join->split = split;
    join->children[side] = place;
    join->children[!side] = neighbour;
    item->parent = fit->nodes[neighbour].parent = joining;
    fit_refresh(fit, joining);
}

/* The other child takes the place of both. */
static void fit_take_out(struct fit *fit, uint32_t place)
{
    uint32_t joining = fit->nodes[place].parent, other;
    struct fit_node *join = &fit->nodes[joining];

    if (joining == 0) {
        fit->root = 0;
        return;
    }
    other = join->children[join->children[0] == place];
    fit_replace(fit, joining, other);
    *join = (struct fit_node){.entry.key = UINT64_MAX, .children = {fit->unused}};
    fit->unused = joining;
    fit_refresh(fit, fit->nodes[other].parent);
}

/* Nothing that decides where it stands is different with these amounts. */
static bool stays_in_place(const struct fit *fit, const struct fit_node *item,
                           const struct fit_entry *entry)
{
    return item->parent == 0 ||
           find_difference(&item->entry, entry) > fit->nodes[item->parent].split;
}

void fit_set(struct fit *fit, uint32_t item, const struct fit_entry *entry)
{
    uint32_t place = item_place(item);
    struct fit_node *node = &fit->nodes[place];

    assert(place < fit->node_count);
    assert(entry->key < UINT64_MAX);
    if (fit_get(fit, item) && stays_in_place(fit, node, entry)) {
        node->entry = *entry;
        fit_refresh(fit, node->parent);
        return;
    }
    fit_remove(fit, item);
    node->entry = *entry;
    node->first = item;
    fit_insert(fit, place);
}

void fit_remove(struct fit *fit, uint32_t item)
{
    if (!fit_get(fit, item))
        return;
    fit_take_out(fit, item_place(item));
    fit->nodes[item_place(item)].entry.key = UINT64_MAX;
}

const struct fit_entry *fit_get(const struct fit *fit, uint32_t item)
{
    const struct fit_entry *entry;

    if (item >= fit->node_count / 2)
        return NULL;
    entry = &fit->nodes[item_place(item)].entry;
    return entry->key != UINT64_MAX ? entry : NULL;
}

static bool fit_may_hold(const struct fit_entry *entry, const uint64_t needed[FIT_AMOUNTS])
{
    for (int i = 0; i < FIT_AMOUNTS; i++)
        if (entry->amounts[i] < needed[i])
            return false;
    return true;
}

struct fit_question {
    const struct fit *fit;
    const uint64_t *needed;
    bool (*accepts)(const void *user_data, uint32_t item);
    const void *user_data;
};

/*
 * The first item below the node that fits and comes before `best`, or else `best` (0: none yet).
 * The child whose first item comes first is looked at first, so that the other one rarely is.
 */
static uint32_t fit_descend(const struct fit_question *question, uint32_t place, uint32_t best)
{
    const struct fit_node *nodes = question->fit->nodes, *node = &nodes[place];
    bool nearer;

    if (!fit_may_hold(&node->entry, question->needed) ||
        (best > 0 && !comes_before(node, &nodes[best])))
        return best;
    if (is_item(place))
        return !question->accepts || question->accepts(question->user_data, node->first) ? place
                                                                                         : best;
    nearer = comes_before(&nodes[node->children[1]], &nodes[node->children[0]]);
    best = fit_descend(question, node->children[nearer], best);
    return fit_descend(question, node->children[!nearer], best);
}

uint64_t fit_first_key(const struct fit *fit)
{
    return fit->root > 0 ? fit->nodes[fit->root].entry.key : UINT64_MAX;
}

uint32_t fit_find_if(const struct fit *fit, const uint64_t needed[FIT_AMOUNTS],
                     bool (*accepts)(const void *user_data, uint32_t item), const void *user_data)
{
    struct fit_question question = {
        .fit = fit, .needed = needed, .accepts = accepts, .user_data = user_data};
    uint32_t place = fit->root > 0 ? fit_descend(&question, fit->root, 0) : 0;

    return place > 0 ? fit->nodes[place].first : UINT32_MAX;
}

uint32_t fit_find(const struct fit *fit, const uint64_t needed[FIT_AMOUNTS])
{
    return fit_find_if(fit, needed, NULL, NULL);
}
