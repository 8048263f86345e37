/* SPDX-License-Identifier: Apache-2.0 */
/* Which attributes an expression looks at, and which conditions it is made of. */
#include "classad_internal.h"

#include "base/memory.h"

static const struct classad_node *without_parentheses(const struct classad_node *node)
{
    while (node->kind == NODE_PARENTHESES)
        node = node->operands[0];
    return node;
}

/* Whether it is MY or TARGET or their like, as a value with all that is in it. */
static bool is_whole_ad(const struct classad_node *node)
{
    enum special special =
        node->kind == NODE_ATTRIBUTE ? special_from_name(node->name.text) : SPECIAL_NONE;

    return special != SPECIAL_NONE && special != SPECIAL_CURRENT_TIME;
}

/*
 * Whether it selects an attribute, and which one: none, which stands for all of them, if only a
 * value will say. A number in brackets selects from a list.
 */
static bool selects_name(const struct classad_node *node, struct slice *ret_name)
{
    const struct classad_node *index;

    *ret_name = node->name.text;
    if (node->kind != NODE_SUBSCRIPT)
        return node->kind == NODE_SELECT;
    index = without_parentheses(node->operands[1]);
    if (index->kind != NODE_LITERAL)
        return true;
    *ret_name = value_text(&index->value);
    return index->value.type == CLASSAD_STRING;
}

static void tell_name(const struct classad_node *node, classad_name_callback *callback,
                      void *user_data)
{
    if (node->kind == NODE_ATTRIBUTE)
        callback(user_data, CLASSAD_SIDE_EITHER, node->name.text);
    else if (node->kind == NODE_ROOT)
        callback(user_data, CLASSAD_SIDE_MY, node->name.text);
    else if (node->kind == NODE_SELECT_SIDE)
        callback(user_data, node->side, node->name.text);
    if (is_whole_ad(node) || (node->kind == NODE_CALL && node->function &&
                              node->function->code == classad_function_eval))
        callback(user_data, CLASSAD_SIDE_SELECTED, (struct slice){0});
}

void classad_node_walk_names(const struct classad_node *node, classad_name_callback *callback,
                             void *user_data)
{
    bool from_ad = node->kind == NODE_SELECT_SIDE;
    struct slice selected;

    if (selects_name(node, &selected)) {
        callback(user_data, CLASSAD_SIDE_SELECTED, selected);
        from_ad = is_whole_ad(without_parentheses(node->operands[0]));
    }
    tell_name(node, callback, user_data);
    /* Of the ad that a name is selected from no more than that is looked at. */
    for (uint32_t i = from_ad ? 1 : 0; i < node->count; i++)
        classad_node_walk_names(node->operands[i], callback, user_data);
    if (node->kind == NODE_AD)
        for (uint32_t i = 0; i < node->attributes->count; i++)
            classad_node_walk_names(node->attributes->items[i].expression, callback, user_data);
}

bool classad_node_is_constant(const struct classad_node *node)
{
    return without_parentheses(node)->kind == NODE_LITERAL;
}

/* Operands of a chain are never chains of && themselves, unless in parentheses. */
static bool is_conjunction(const struct classad_node *node)
{
    return node->kind == NODE_CHAIN && node->operators[0] == OPERATOR_AND;
}

void classad_node_walk_conditions(const struct classad_node *node,
                                  classad_condition_callback *callback, void *user_data)
{
    node = without_parentheses(node);
    if (!is_conjunction(node)) {
        callback(user_data, node);
        return;
    }
    for (uint32_t i = 0; i < node->count; i++)
        classad_node_walk_conditions(node->operands[i], callback, user_data);
}

/* The names that an attribute looks for outside of its own ad, as often as it names them. */
struct outside_names {
    const struct classad_scope *scope;
    struct outside_name {
        struct slice text;
        size_t place; /* in the expression */
    } * items;        /* owned */
    size_t count;
    size_t capacity;
};

static void outside_names_deinit(struct outside_names *names)
{
    free(names->items);
}

static void add_outside_name(void *user_data, enum classad_side side, struct slice text)
{
    struct outside_names *names = user_data;
    struct name name = name_from_slice(text);

    if (side == CLASSAD_SIDE_MY || side == CLASSAD_SIDE_SELECTED ||
        special_from_name(text) != SPECIAL_NONE)
        return;
    if (side == CLASSAD_SIDE_EITHER && names->scope &&
        attributes_find(names->scope->attributes, &name))
        return;
    array_reserve(names->items, names->capacity, names->count + 1);
    names->items[names->count] = (struct outside_name){text, names->count};
    names->count++;
}

/* No two are equal, so that it does not matter how they are sorted. */
static int compare_outside_names(const void *left_item, const void *right_item)
{
    const struct outside_name *left = left_item, *right = right_item;
    int order = text_order(left->text, right->text, true);

    return order != 0 ? order : (left->place > right->place) - (left->place < right->place);
}

/* In order, each as it is written first. */
static void sort_outside_names(struct outside_names *names)
{
    size_t kept = 0;

    if (names->count == 0)
        return;
    qsort(names->items, names->count, sizeof(*names->items), compare_outside_names);
    for (size_t i = 1; i < names->count; i++)
        if (text_order(names->items[i].text, names->items[kept].text, true) != 0)
            names->items[++kept] = names->items[i];
    names->count = kept + 1;
}

static size_t node_size(const struct classad_node *node)
{
    size_t size = 1;

    for (uint32_t i = 0; i < node->count; i++)
        size += node_size(node->operands[i]);
    if (node->kind == NODE_AD)
        for (uint32_t i = 0; i < node->attributes->count; i++)
            size += node_size(node->attributes->items[i].expression);
    return size;
}

static struct classad_value match_names(struct call *call, const struct outside_names *names)
{
    struct classad_value pattern = call_argument(call, 1), value = value_boolean(false);
    struct classad_value options = value_string((struct slice){"", 0});

    for (size_t i = 0; i < names->count; i++) {
        value = regexp_match(call, &pattern, &options, names->items[i].text);
        if (value.type != CLASSAD_BOOLEAN || value.boolean)
            return value;
    }
    return value;
}

/* unresolved(attribute): a list in a string; with a pattern, whether one of the names matches. */
struct classad_value classad_function_unresolved(struct call *call)
{
    _cleanup_(outside_names_deinit) struct outside_names names = {0};
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    const struct classad_scope *scope;
    const struct classad_node *node =
        classad_node_dereference(call->evaluation, call->arguments[0], &scope);

    if (!classad_node_is_reference(call->arguments[0]))
        return VALUE_ERROR;
    if (!node)
        return VALUE_UNDEFINED;
    if (!evaluation_spend(call->evaluation, node_size(node)))
        return VALUE_ERROR;
    names.scope = scope;
    classad_node_walk_names(node, add_outside_name, &names);
    sort_outside_names(&names);
    if (call->count == 2)
        return match_names(call, &names);
    for (size_t i = 0; i < names.count; i++) {
        buffer_append_text(&text, i > 0 ? "," : "");
        buffer_append_slice(&text, names.items[i].text);
    }
    return evaluation_string(call->evaluation, (struct slice){buffer_text(&text), text.length});
}
