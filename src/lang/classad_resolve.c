/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An expression for those who have the other ad of the pair and not this one.
 *
 * The tree is made anew from its root. A part from which no name leads out of this ad becomes the
 * value that it has now. Of what is left, a name of this ad becomes the expression that it stands
 * for, in parentheses, and any other name becomes TARGET's. What && and || need not ask any more is
 * left out where the whole only matters as a condition: at the root, if it is one, and as long as
 * only they and parentheses come in between.
 *
 * Attributes that refer to two others double with each step; so the nodes that are made are
 * counted.
 */
#include "classad_internal.h"

#include "base/memory.h"

/* ---- whether a name leads out of the ad ---- */

struct lookout {
    const struct attributes *my;
    const struct classad_node **seen; /* owned; expressions, each once */
    size_t count;
    size_t capacity;
    bool leads_out;
    classad_outer_callback *callback; /* NULL: the first name is enough */
    void *user_data;
};

static void see(struct lookout *lookout, const struct classad_node *node)
{
    for (size_t i = 0; i < lookout->count; i++)
        if (lookout->seen[i] == node)
            return;
    array_reserve(lookout->seen, lookout->capacity, lookout->count + 1);
    lookout->seen[lookout->count++] = node;
}

/* What eval() and whole ads would look at is not known here, and counts as nothing. */
static void on_name(void *user_data, enum classad_side side, struct slice text)
{
    struct lookout *lookout = user_data;
    struct name name = name_from_slice(text);
    const struct classad_node *own =
        side == CLASSAD_SIDE_TARGET ? NULL : attributes_find(lookout->my, &name);

    if (side == CLASSAD_SIDE_SELECTED)
        return;
    if (own) {
        see(lookout, own);
        return;
    }
    if (side != CLASSAD_SIDE_TARGET &&
        (side != CLASSAD_SIDE_EITHER || special_from_name(text) != SPECIAL_NONE))
        return;
    lookout->leads_out = true;
    if (lookout->callback)
        lookout->callback(lookout->user_data, text);
}

static void look_out(struct lookout *lookout, const struct classad_node *node)
{
    see(lookout, node);
    for (size_t i = 0; i < lookout->count && (lookout->callback || !lookout->leads_out); i++)
        classad_node_walk_names(lookout->seen[i], on_name, lookout);
    free(lookout->seen);
}

static bool leads_out(const struct attributes *my, const struct classad_node *node)
{
    struct lookout lookout = {.my = my};

    look_out(&lookout, node);
    return lookout.leads_out;
}

void classad_node_walk_outer(const struct classad_node *node, const struct classad *my,
                             classad_outer_callback *callback, void *user_data)
{
    struct lookout lookout = {
        .my = classad_attributes(my), .callback = callback, .user_data = user_data};

    look_out(&lookout, node);
}

bool classad_node_leads_out(const struct classad_node *node, const struct classad *my)
{
    return leads_out(classad_attributes(my), node);
}

/* ---- the tree that is made ---- */

struct resolution {
    struct classad_evaluator *evaluator;
    const struct classad *my;
    struct arena arena;
    uint32_t nodes_left; /* 0: it is given up */
};

static const struct classad_node *resolve(struct resolution *resolution,
                                          const struct classad_node *node, bool is_condition);

/* Like another, with other operands: as many are to be put in. */
static struct classad_node *make_like(struct resolution *resolution,
                                      const struct classad_node *model, uint32_t count,
                                      const struct classad_node ***ret_operands)
{
    struct classad_node *node = arena_allocate(&resolution->arena, 1, sizeof(*node));

    *node = *model;
    *ret_operands = arena_allocate(&resolution->arena, count, sizeof(**ret_operands));
    node->operands = *ret_operands;
    node->count = count;
    return node;
}

static const struct classad_node *make_around(struct resolution *resolution,
                                              const struct classad_node *model,
                                              const struct classad_node *operand)
{
    const struct classad_node **operands;
    struct classad_node *node = make_like(resolution, model, 1, &operands);

    operands[0] = operand;
    return node;
}

static const struct classad_node *put_parentheses(struct resolution *resolution,
                                                  const struct classad_node *inner)
{
    return make_around(resolution, &(struct classad_node){.kind = NODE_PARENTHESES}, inner);
}

/* A sign could be taken for an operator's, so a number stands in parentheses if it has one. */
static const struct classad_node *make_literal(struct resolution *resolution,
                                               struct classad_value value)
{
    const struct classad_node *literal;
    double real;

    if (value.type == CLASSAD_STRING)
        value.string = arena_copy(&resolution->arena, value_text(&value));
    literal = classad_node_literal(&resolution->arena, value);
    if (value.type != CLASSAD_BOOLEAN && classad_value_as_real(&value, &real) && !(real >= 0))
        return put_parentheses(resolution, literal);
    return literal;
}

static const struct classad_node *resolve_operands(struct resolution *resolution,
                                                   const struct classad_node *node)
{
    const struct classad_node **operands;
    struct classad_node *copy = make_like(resolution, node, node->count, &operands);

    for (uint32_t i = 0; i < node->count; i++)
        operands[i] = resolve(resolution, node->operands[i], false);
    return copy;
}

static bool is_literal(const struct classad_node *node, bool *ret_boolean)
{
    return node->kind == NODE_LITERAL && classad_value_as_boolean(&node->value, ret_boolean);
}

/* && or || as a condition: one false, or one true, says it all, and the others of these nothing. */
static const struct classad_node *resolve_conditions(struct resolution *resolution,
                                                     const struct classad_node *node)
{
    bool decisive = node->operators[0] == OPERATOR_OR, boolean;
    const struct classad_node **operands;
    struct classad_node *copy = make_like(resolution, node, node->count, &operands);

    copy->count = 0;
    for (uint32_t i = 0; i < node->count; i++) {
        const struct classad_node *operand = resolve(resolution, node->operands[i], true);

        if (!is_literal(operand, &boolean))
            operands[copy->count++] = operand;
        else if (boolean == decisive)
            return make_literal(resolution, value_boolean(decisive));
    }
    if (copy->count == 0)
        return make_literal(resolution, value_boolean(!decisive));
    return copy->count == 1 ? operands[0] : copy;
}

static const struct classad_node *resolve_parentheses(struct resolution *resolution,
                                                      const struct classad_node *node,
                                                      bool is_condition)
{
    const struct classad_node *inner = resolve(resolution, node, is_condition);

    if (inner->kind == NODE_LITERAL || inner->kind == NODE_PARENTHESES)
        return inner;
    return put_parentheses(resolution, inner);
}

/* MY, TARGET and their like stay what they are. */
static const struct classad_node *resolve_name(struct resolution *resolution,
                                               const struct classad_node *node, bool is_condition)
{
    bool is_targets = node->kind == NODE_SELECT_SIDE && node->side == CLASSAD_SIDE_TARGET;
    const struct classad_node *own =
        is_targets ? NULL : attributes_find(classad_attributes(resolution->my), &node->name);
    struct classad_node *target;

    if (own)
        return resolve_parentheses(resolution, own, is_condition);
    if (is_targets || special_from_name(node->name.text) != SPECIAL_NONE)
        return node;
    target = arena_allocate(&resolution->arena, 1, sizeof(*target));
    *target = (struct classad_node){.kind = NODE_ATTRIBUTE,
                                    .name = name_from_slice(slice_from_text("TARGET"))};
    return make_around(resolution,
                       &(struct classad_node){.kind = NODE_SELECT_SIDE,
                                              .side = CLASSAD_SIDE_TARGET,
                                              .name = node->name},
                       target);
}

static const struct classad_node *resolve_kind(struct resolution *resolution,
                                               const struct classad_node *node, bool is_condition)
{
    switch (node->kind) {
    case NODE_ATTRIBUTE:
    case NODE_SELECT_SIDE:
    case NODE_ROOT:
        return resolve_name(resolution, node, is_condition);
    case NODE_PARENTHESES:
        return resolve_parentheses(resolution, node->operands[0], is_condition);
    case NODE_CHAIN:
        if (is_condition &&
            (node->operators[0] == OPERATOR_AND || node->operators[0] == OPERATOR_OR))
            return resolve_conditions(resolution, node);
        return resolve_operands(resolution, node);
    case NODE_SELECT:
    case NODE_SUBSCRIPT:
    case NODE_UNARY:
    case NODE_CONDITIONAL:
    case NODE_DEFAULT:
    case NODE_CALL:
    case NODE_LIST:
        return resolve_operands(resolution, node);
    case NODE_LITERAL:
    case NODE_AD:
        break;
    }
    return node;
}

static const struct classad_node *resolve(struct resolution *resolution,
                                          const struct classad_node *node, bool is_condition)
{
    struct classad_value value;

    if (resolution->nodes_left == 0)
        return node;
    resolution->nodes_left--;
    if (!leads_out(classad_attributes(resolution->my), node)) {
        value = classad_evaluate(resolution->evaluator, node, resolution->my, NULL);
        /* Lists and ads hold expressions, which are looked into like others. */
        if (!value_is_compound(&value))
            return make_literal(resolution, value);
    }
    return resolve_kind(resolution, node, is_condition);
}

/* Printed, it may nest deeper or be longer than those who read it allow. */
static bool reads_back(struct slice text)
{
    _cleanup_classad_expression_ struct classad_expression *expression = NULL;
    struct classad_failure failure;

    return classad_expression_parse(text, CLASSAD_OLD, &expression, &failure) == 0;
}

bool classad_resolve(struct classad_evaluator *evaluator, const struct classad_node *node,
                     const struct classad *my, bool is_condition, size_t size_max,
                     struct buffer *text)
{
    struct resolution resolution = {
        .evaluator = evaluator,
        .my = my,
        .arena = ARENA_INIT,
        .nodes_left = CLASSAD_RESOLVED_NODES_MAX,
    };
    const struct classad_node *resolved = resolve(&resolution, node, is_condition);
    bool is_open = leads_out(&classad_no_attributes, resolved);
    size_t start = text->length;

    if (resolution.nodes_left > 0)
        classad_node_print(resolved, CLASSAD_OLD, text);
    arena_deinit(&resolution.arena);
    if (text->length > start && text->length - start <= size_max &&
        reads_back((struct slice){text->data + start, text->length - start}))
        return is_open;
    text->length = start;
    buffer_append_text(text, "error");
    return false;
}
