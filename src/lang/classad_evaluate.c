/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evaluation: a walk over the tree, in the ad where each expression stands.
 *
 * Names are looked up in the innermost ad, then in those around it, then in the other one of the
 * pair. MY is the ad itself, TARGET the other one; an attribute that is found is evaluated where it
 * was found, so that in TARGET's expressions MY is that ad.
 *
 * Four limits, each an ERROR when it is reached: steps, depth (which is stack), references that
 * follow each other, and the memory of the values. Nothing else can go wrong.
 */
#include "classad_internal.h"

#include <assert.h>

enum {
    DEPTH_MAX = 2000, /* deeper than any expression nests, with room for references */
    STEP_LENGTH = 32, /* what a step can do of a string */
    BEGIN_STEPS = 20  /* what it takes to begin, which counts as spent and not towards the limit */
};

void classad_evaluator_deinit(struct classad_evaluator *evaluator)
{
    arena_deinit(&evaluator->arena);
}

bool evaluation_spend(struct evaluation *evaluation, size_t steps)
{
    if (evaluation->steps_left < steps) {
        evaluation->steps_left = 0;
        return false;
    }
    evaluation->steps_left -= steps;
    return true;
}

void *evaluation_allocate(struct evaluation *evaluation, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes) || bytes > evaluation->bytes_left)
        return NULL;
    evaluation->bytes_left -= bytes;
    return arena_allocate(&evaluation->evaluator->arena, count, size);
}

struct classad_value evaluation_string(struct evaluation *evaluation, struct slice text)
{
    char *copy = evaluation_allocate(evaluation, text.length + 1, 1);

    if (!copy)
        return VALUE_ERROR;
    if (text.length > 0)
        memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    return value_string((struct slice){copy, text.length});
}

struct classad_value evaluation_list(struct evaluation *evaluation, const struct classad_node *node,
                                     const struct classad_scope *scope)
{
    struct classad_list *list = evaluation_allocate(evaluation, 1, sizeof(*list));

    if (!list)
        return VALUE_ERROR;
    *list = (struct classad_list){.node = node, .scope = scope};
    return (struct classad_value){.type = CLASSAD_LIST, .list = list};
}

static const struct classad_scope *outermost(const struct classad_scope *scope)
{
    while (scope && scope->parent)
        scope = scope->parent;
    return scope;
}

static struct classad_value value_ad(const struct classad_scope *scope)
{
    if (!scope)
        return VALUE_UNDEFINED;
    return (struct classad_value){.type = CLASSAD_AD, .ad = scope};
}

/* An attribute of `scope` or of what is around it, or, if `also_target`, of the other ad. */
static const struct classad_node *look_up(const struct classad_scope *scope,
                                          const struct name *name, bool also_target,
                                          const struct classad_scope **ret_scope)
{
    const struct classad_scope *last = NULL;
    const struct classad_node *found;

    for (; scope; last = scope, scope = scope->parent) {
        found = attributes_find(scope->attributes, name);
        if (found) {
            *ret_scope = scope;
            return found;
        }
    }
    if (!also_target || !last || !last->target)
        return NULL;
    *ret_scope = last->target;
    return attributes_find(last->target->attributes, name);
}

static struct classad_value special_value(struct evaluation *evaluation, const struct name *name)
{
    const struct classad_scope *scope = evaluation->scope;
    const struct classad_scope *outer = outermost(scope);

    switch (special_from_name(name->text)) {
    case SPECIAL_MY:
        return value_ad(scope);
    case SPECIAL_TARGET:
        return value_ad(outer ? outer->target : NULL);
    case SPECIAL_PARENT:
        return value_ad(scope ? scope->parent : NULL);
    case SPECIAL_ROOT:
        return value_ad(outer);
    case SPECIAL_CURRENT_TIME:
        return value_integer(evaluation->evaluator->now_seconds);
    case SPECIAL_NONE:
        break;
    }
    return VALUE_UNDEFINED;
}

struct classad_value classad_node_evaluate_in(struct evaluation *evaluation,
                                              const struct classad_node *node,
                                              const struct classad_scope *scope)
{
    const struct classad_scope *before = evaluation->scope;
    struct classad_value value;

    evaluation->scope = scope;
    value = classad_node_evaluate(evaluation, node);
    evaluation->scope = before;
    return value;
}

/* Whatever uses a long string takes as long as it is. */
static struct classad_value literal_value(struct evaluation *evaluation,
                                          const struct classad_node *node)
{
    if (node->value.type == CLASSAD_STRING && node->value.length >= STEP_LENGTH &&
        !evaluation_spend(evaluation, node->value.length / STEP_LENGTH))
        return VALUE_ERROR;
    return node->value;
}

/* The value of an attribute that was found in `scope`. */
static struct classad_value follow(struct evaluation *evaluation, const struct classad_node *node,
                                   const struct classad_scope *scope)
{
    struct classad_value value;

    if (node->kind == NODE_LITERAL)
        return literal_value(evaluation, node);
    if (evaluation->references_left == 0)
        return VALUE_ERROR;
    evaluation->references_left--;
    value = classad_node_evaluate_in(evaluation, node, scope);
    evaluation->references_left++;
    return value;
}

static struct classad_value evaluate_attribute(struct evaluation *evaluation,
                                               const struct classad_node *node)
{
    const struct classad_scope *scope = NULL;
    const struct classad_node *found = look_up(evaluation->scope, &node->name, true, &scope);

    if (found)
        return follow(evaluation, found, scope);
    return special_value(evaluation, &node->name);
}

static struct classad_value evaluate_root(struct evaluation *evaluation,
                                          const struct classad_node *node)
{
    const struct classad_scope *scope = outermost(evaluation->scope);
    const struct classad_node *found = look_up(scope, &node->name, false, &scope);

    return found ? follow(evaluation, found, scope) : VALUE_UNDEFINED;
}

static struct classad_value select_from_list(struct evaluation *evaluation,
                                             const struct classad_value *list,
                                             const struct classad_node *node);

static struct classad_value select_from(struct evaluation *evaluation,
                                        const struct classad_value *from,
                                        const struct classad_node *node)
{
    const struct classad_scope *scope = NULL;
    const struct classad_node *found;

    if (from->type == CLASSAD_UNDEFINED || from->type == CLASSAD_ERROR)
        return *from;
    if (from->type == CLASSAD_LIST)
        return select_from_list(evaluation, from, node);
    if (from->type != CLASSAD_AD)
        return VALUE_ERROR;
    found = look_up(from->ad, &node->name, false, &scope);
    return found ? follow(evaluation, found, scope) : VALUE_UNDEFINED;
}

/* The name selected from each of the elements. */
static struct classad_value select_from_list(struct evaluation *evaluation,
                                             const struct classad_value *list,
                                             const struct classad_node *node)
{
    struct list_walk walk = list_walk_begin(evaluation, list);
    struct list_builder builder = {.evaluation = evaluation};
    struct classad_value element;

    if (evaluation->depth_left == 0)
        return VALUE_ERROR;
    evaluation->depth_left--;
    while (list_walk_next(&walk, &element))
        list_builder_add(&builder, select_from(evaluation, &element, node));
    evaluation->depth_left++;
    return list_builder_finish(&builder);
}

static struct classad_value evaluate_select(struct evaluation *evaluation,
                                            const struct classad_node *node)
{
    struct classad_value from = classad_node_evaluate(evaluation, node->operands[0]);

    return select_from(evaluation, &from, node);
}

/* What MY or TARGET is, where no attribute is called so. */
static bool side_scope(const struct classad_scope *scope, enum classad_side side,
                       const struct classad_scope **ret_scope)
{
    const struct classad_scope *outer = scope;

    for (; outer; outer = outer->parent) {
        if (outer->attributes->has_special)
            return false;
        if (!outer->parent)
            break;
    }
    if (outer && outer->target && outer->target->attributes->has_special)
        return false;
    *ret_scope = scope;
    if (side == CLASSAD_SIDE_TARGET)
        *ret_scope = outer ? outer->target : NULL;
    return true;
}

/* MY.name and TARGET.name, without a value for the ad in between. */
static struct classad_value evaluate_select_side(struct evaluation *evaluation,
                                                 const struct classad_node *node)
{
    const struct classad_scope *scope;
    const struct classad_node *found;

    if (!side_scope(evaluation->scope, node->side, &scope))
        return evaluate_select(evaluation, node);
    found = look_up(scope, &node->name, false, &scope);
    return found ? follow(evaluation, found, scope) : VALUE_UNDEFINED;
}

static struct classad_value subscript_ad(struct evaluation *evaluation,
                                         const struct classad_value *ad, struct slice key)
{
    struct name name = name_from_slice(key);
    const struct classad_node *found = attributes_find(ad->ad->attributes, &name);

    return found ? follow(evaluation, found, ad->ad) : VALUE_UNDEFINED;
}

static struct classad_value subscript_list(struct evaluation *evaluation,
                                           const struct classad_value *list, int64_t index)
{
    if (index < 0 || index >= (int64_t)list->list->node->count)
        return VALUE_ERROR;
    return classad_node_evaluate_in(evaluation, list->list->node->operands[index],
                                    list->list->scope);
}

static struct classad_value evaluate_subscript(struct evaluation *evaluation,
                                               const struct classad_node *node)
{
    struct classad_value from = classad_node_evaluate(evaluation, node->operands[0]);
    struct classad_value index = classad_node_evaluate(evaluation, node->operands[1]);

    if (from.type == CLASSAD_ERROR || index.type == CLASSAD_ERROR)
        return VALUE_ERROR;
    if (from.type == CLASSAD_UNDEFINED || index.type == CLASSAD_UNDEFINED)
        return VALUE_UNDEFINED;
    if (from.type == CLASSAD_AD && index.type == CLASSAD_STRING)
        return subscript_ad(evaluation, &from, value_text(&index));
    if (from.type == CLASSAD_LIST && index.type == CLASSAD_INTEGER)
        return subscript_list(evaluation, &from, index.integer);
    return VALUE_ERROR;
}

/* Whether the left side of && or || says it all. */
static bool decides(enum classad_operator operation, const struct classad_value *left)
{
    bool boolean;

    return (operation == OPERATOR_AND || operation == OPERATOR_OR) &&
           classad_value_as_boolean(left, &boolean) && boolean == (operation == OPERATOR_OR);
}

static struct classad_value evaluate_chain(struct evaluation *evaluation,
                                           const struct classad_node *node)
{
    struct classad_value left = classad_node_evaluate(evaluation, node->operands[0]);

    for (uint32_t i = 1; i < node->count; i++) {
        enum classad_operator operation = node->operators[i - 1];
        struct classad_value right;

        if (decides(operation, &left))
            return value_boolean(operation == OPERATOR_OR);
        right = classad_node_evaluate(evaluation, node->operands[i]);
        left = classad_operate(operation, &left, &right);
    }
    return left;
}

struct classad_value evaluation_choose(struct evaluation *evaluation,
                                       const struct classad_node *const *operands)
{
    struct classad_value condition = classad_node_evaluate(evaluation, operands[0]);
    bool boolean;

    if (condition.type == CLASSAD_UNDEFINED)
        return condition;
    if (!classad_value_as_boolean(&condition, &boolean))
        return VALUE_ERROR;
    return classad_node_evaluate(evaluation, operands[boolean ? 1 : 2]);
}

static struct classad_value evaluate_default(struct evaluation *evaluation,
                                             const struct classad_node *node)
{
    struct classad_value value = classad_node_evaluate(evaluation, node->operands[0]);

    if (value.type != CLASSAD_UNDEFINED)
        return value;
    return classad_node_evaluate(evaluation, node->operands[1]);
}

static struct classad_value evaluate_unary(struct evaluation *evaluation,
                                           const struct classad_node *node)
{
    struct classad_value operand = classad_node_evaluate(evaluation, node->operands[0]);

    return classad_operate_unary(node->operation, &operand);
}

static struct classad_value evaluate_call(struct evaluation *evaluation,
                                          const struct classad_node *node)
{
    const struct classad_function *function = node->function;
    struct call call = {
        .evaluation = evaluation,
        .node = node,
        .arguments = node->operands,
        .count = node->count,
    };
    struct classad_value value;

    if (!function || node->count < function->count_min || node->count > function->count_max)
        return VALUE_ERROR;
    call.variant = function->variant;
    value = function->code(&call);
    if (call.regexp)
        regexps_free(call.regexp);
    return value;
}

static struct classad_value evaluate_ad(struct evaluation *evaluation,
                                        const struct classad_node *node)
{
    struct classad_scope *scope = evaluation_allocate(evaluation, 1, sizeof(*scope));

    if (!scope)
        return VALUE_ERROR;
    *scope = (struct classad_scope){
        .attributes = node->attributes,
        .parent = evaluation->scope,
    };
    return value_ad(scope);
}

static struct classad_value evaluate_kind(struct evaluation *evaluation,
                                          const struct classad_node *node)
{
    switch (node->kind) {
    case NODE_LITERAL:
    case NODE_PARENTHESES:
        break; /* classad_node_evaluate() has seen to these */
    case NODE_ATTRIBUTE:
        return evaluate_attribute(evaluation, node);
    case NODE_ROOT:
        return evaluate_root(evaluation, node);
    case NODE_SELECT:
        return evaluate_select(evaluation, node);
    case NODE_SELECT_SIDE:
        return evaluate_select_side(evaluation, node);
    case NODE_SUBSCRIPT:
        return evaluate_subscript(evaluation, node);
    case NODE_UNARY:
        return evaluate_unary(evaluation, node);
    case NODE_CHAIN:
        return evaluate_chain(evaluation, node);
    case NODE_CONDITIONAL:
        return evaluation_choose(evaluation, node->operands);
    case NODE_DEFAULT:
        return evaluate_default(evaluation, node);
    case NODE_CALL:
        return evaluate_call(evaluation, node);
    case NODE_LIST:
        return evaluation_list(evaluation, node, evaluation->scope);
    case NODE_AD:
        return evaluate_ad(evaluation, node);
    }
    return VALUE_ERROR;
}

/* Parentheses around parentheses are no deeper a walk, but work all the same. */
struct classad_value classad_node_evaluate(struct evaluation *evaluation,
                                           const struct classad_node *node)
{
    struct classad_value value;

    for (;; node = node->operands[0]) {
        if (node->kind == NODE_LITERAL)
            return literal_value(evaluation, node);
        if (evaluation->steps_left == 0 || evaluation->depth_left == 0)
            return VALUE_ERROR;
        evaluation->steps_left--;
        if (node->kind != NODE_PARENTHESES)
            break;
    }
    evaluation->depth_left--;
    value = evaluate_kind(evaluation, node);
    evaluation->depth_left++;
    return value;
}

const struct classad_node *classad_node_dereference(struct evaluation *evaluation,
                                                    const struct classad_node *node,
                                                    const struct classad_scope **ret_scope)
{
    struct classad_value from;

    if (node->kind == NODE_ATTRIBUTE)
        return look_up(evaluation->scope, &node->name, true, ret_scope);
    if (node->kind == NODE_ROOT)
        return look_up(outermost(evaluation->scope), &node->name, false, ret_scope);
    if (!classad_node_is_reference(node))
        return NULL;
    from = classad_node_evaluate(evaluation, node->operands[0]);
    return from.type == CLASSAD_AD ? look_up(from.ad, &node->name, false, ret_scope) : NULL;
}

static uint32_t step_count_max(const struct classad_evaluator *evaluator)
{
    return evaluator->step_count_max > 0 ? evaluator->step_count_max : CLASSAD_STEP_COUNT_MAX;
}

static struct evaluation begin(struct classad_evaluator *evaluator)
{
    arena_clear(&evaluator->arena);
    return (struct evaluation){
        .evaluator = evaluator,
        .steps_left = step_count_max(evaluator),
        .depth_left = DEPTH_MAX,
        .references_left = CLASSAD_REFERENCE_DEPTH_MAX,
        .bytes_left = CLASSAD_VALUE_SIZE_MAX,
    };
}

/* Two scopes that are each other's target; values may refer to them, so they are not ours. */
static const struct classad_scope *make_scopes(struct arena *arena, const struct classad *my,
                                               const struct classad *target)
{
    struct classad_scope *scopes;

    if (!my && !target)
        return NULL;
    scopes = arena_allocate(arena, 2, sizeof(*scopes));
    scopes[0] = scopes[1] = (struct classad_scope){0};
    scopes[0].attributes = my ? classad_attributes(my) : &classad_no_attributes;
    if (target) {
        scopes[1].attributes = classad_attributes(target);
        scopes[0].target = &scopes[1];
        scopes[1].target = my ? &scopes[0] : NULL;
    }
    return scopes;
}

struct classad_value classad_evaluate(struct classad_evaluator *evaluator,
                                      const struct classad_node *node, const struct classad *my,
                                      const struct classad *target)
{
    struct evaluation evaluation = begin(evaluator);
    struct classad_value value;

    evaluation.scope = make_scopes(&evaluator->arena, my, target);
    value = classad_node_evaluate(&evaluation, node);
    evaluator->steps_spent += BEGIN_STEPS + step_count_max(evaluator) - evaluation.steps_left;
    /* A walk along a list that had to end early looks like one that found nothing. */
    return evaluation.steps_left > 0 ? value : VALUE_ERROR;
}

struct classad_value classad_evaluate_attribute(struct classad_evaluator *evaluator,
                                                const char *name, const struct classad *my,
                                                const struct classad *target)
{
    const struct classad_node *node = classad_get(my, name);

    if (!node)
        return VALUE_UNDEFINED;
    return classad_evaluate(evaluator, node, my, target);
}
