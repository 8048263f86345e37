/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of functions, and those that are about expressions and types. The others stand in
 * classad_function_*.c, by what they compute with.
 *
 * A function gets its arguments unevaluated and asks for the values that it needs: so ifThenElse()
 * evaluates one branch only, and unparse() none.
 */
#include "classad_internal.h"

#include "base/memory.h"

#define ANY_COUNT UINT32_MAX

/* Walked through when an expression is compiled. */
static const struct classad_function functions[] = {
    {"isUndefined", classad_function_is_type, CLASSAD_UNDEFINED, 1, 1},
    {"isError", classad_function_is_type, CLASSAD_ERROR, 1, 1},
    {"isString", classad_function_is_type, CLASSAD_STRING, 1, 1},
    {"isInteger", classad_function_is_type, CLASSAD_INTEGER, 1, 1},
    {"isReal", classad_function_is_type, CLASSAD_REAL, 1, 1},
    {"isList", classad_function_is_type, CLASSAD_LIST, 1, 1},
    {"isClassAd", classad_function_is_type, CLASSAD_AD, 1, 1},
    {"isBoolean", classad_function_is_type, CLASSAD_BOOLEAN, 1, 1},
    {"isAbsTime", classad_function_is_type, CLASSAD_ABSOLUTE_TIME, 1, 1},
    {"isRelTime", classad_function_is_type, CLASSAD_RELATIVE_TIME, 1, 1},
    {"ifThenElse", classad_function_if_then_else, 0, 3, 3},
    {"eval", classad_function_eval, 0, 1, 1},
    {"unparse", classad_function_unparse, 0, 1, 1},
    {"unresolved", classad_function_unresolved, 0, 1, 2},
    {"debug", classad_function_debug, 0, 1, 1},
    {"evalInEachContext", classad_function_each_context, 0, 2, 2},
    {"countMatches", classad_function_each_context, 1, 2, 2},
    {"int", classad_function_convert, CLASSAD_INTEGER, 1, 1},
    {"real", classad_function_convert, CLASSAD_REAL, 1, 1},
    {"string", classad_function_convert, CLASSAD_STRING, 1, 1},
    {"bool", classad_function_convert, CLASSAD_BOOLEAN, 1, 1},
    {"userHome", classad_function_user, 1, 1, 2},
    {"userMap", classad_function_user, 3, 2, 4},

    {"member", classad_function_member, OPERATOR_EQUAL, 2, 2},
    {"identicalMember", classad_function_member, OPERATOR_IS, 2, 2},
    {"size", classad_function_size, 0, 1, 1},
    {"sum", classad_function_sum, 0, 1, 1},
    {"avg", classad_function_sum, 1, 1, 1},
    {"min", classad_function_bound, OPERATOR_LESS, 1, 1},
    {"max", classad_function_bound, OPERATOR_GREATER, 1, 1},
    {"anyCompare", classad_function_compare_all, 0, 3, 3},
    {"allCompare", classad_function_compare_all, 1, 3, 3},

    {"strcat", classad_function_concatenate, 0, 0, ANY_COUNT},
    {"join", classad_function_join, 0, 1, ANY_COUNT},
    {"toUpper", classad_function_change_case, 'A', 1, 1},
    {"toLower", classad_function_change_case, 'a', 1, 1},
    {"substr", classad_function_substring, 0, 2, 3},
    {"strcmp", classad_function_compare_text, 0, 2, 2},
    {"stricmp", classad_function_compare_text, 1, 2, 2},
    {"versioncmp", classad_function_compare_version, -1, 2, 2},
    {"versionGT", classad_function_compare_version, OPERATOR_GREATER, 2, 2},
    {"versionGE", classad_function_compare_version, OPERATOR_GREATER_OR_EQUAL, 2, 2},
    {"versionLT", classad_function_compare_version, OPERATOR_LESS, 2, 2},
    {"versionLE", classad_function_compare_version, OPERATOR_LESS_OR_EQUAL, 2, 2},
    {"versionEQ", classad_function_compare_version, OPERATOR_EQUAL, 2, 2},
    {"version_in_range", classad_function_version_in_range, 0, 3, 3},
    {"split", classad_function_split, 0, 1, 2},
    {"splitUserName", classad_function_split_at, 0, 1, 1},
    {"splitSlotName", classad_function_split_at, 1, 1, 1},
    {"argsToList", classad_function_arguments, 0, 1, 2},
    {"listToArgs", classad_function_arguments, 1, 1, 2},
    {"envV1ToV2", classad_function_environment, 0, 1, 1},
    {"mergeEnvironment", classad_function_environment, 1, 0, ANY_COUNT},

    {"stringListSize", classad_function_words_size, 0, 1, 2},
    {"stringListSum", classad_function_words_sum, 's', 1, 2},
    {"stringListAvg", classad_function_words_sum, 'a', 1, 2},
    {"stringListMin", classad_function_words_sum, '<', 1, 2},
    {"stringListMax", classad_function_words_sum, '>', 1, 2},
    {"stringListMember", classad_function_words_member, 0, 2, 3},
    {"stringListIMember", classad_function_words_member, 1, 2, 3},
    {"stringListSubsetMatch", classad_function_words_subset, 0, 2, 3},
    {"stringListISubsetMatch", classad_function_words_subset, 1, 2, 3},
    {"stringListsIntersect", classad_function_words_intersect, 0, 2, 3},
    {"stringListIntersect", classad_function_words_intersect, 0, 2, 3},

    {"regexp", classad_function_regexp, 0, 2, 3},
    {"regexpMember", classad_function_regexp_member, 0, 2, 3},
    {"regexps", classad_function_regexp_replace, 0, 3, 4},
    {"replace", classad_function_regexp_replace, 1, 3, 4},
    {"replaceAll", classad_function_regexp_replace, 2, 3, 4},
    {"stringList_regexpMember", classad_function_regexp_words, 0, 2, 4},

    {"time", classad_function_time, 't', 0, 0},
    {"currentTime", classad_function_time, 'c', 0, 0},
    {"timeZoneOffset", classad_function_time, 'z', 0, 0},
    {"dayTime", classad_function_time, 'd', 0, 0},
    {"absTime", classad_function_make_time, CLASSAD_ABSOLUTE_TIME, 0, 2},
    {"relTime", classad_function_make_time, CLASSAD_RELATIVE_TIME, 1, 1},
    {"getYear", classad_function_time_field, 'Y', 1, 1},
    {"getMonth", classad_function_time_field, 'M', 1, 1},
    {"getDayOfYear", classad_function_time_field, 'y', 1, 1},
    {"getDayOfMonth", classad_function_time_field, 'm', 1, 1},
    {"getDayOfWeek", classad_function_time_field, 'w', 1, 1},
    {"getDays", classad_function_time_field, 'd', 1, 1},
    {"getHours", classad_function_time_field, 'h', 1, 1},
    {"getMinutes", classad_function_time_field, 'n', 1, 1},
    {"getSeconds", classad_function_time_field, 's', 1, 1},
    {"splitTime", classad_function_split_time, 0, 1, 1},
    {"formatTime", classad_function_format_time, 0, 0, 2},
    {"interval", classad_function_interval, 0, 1, 1},

    {"floor", classad_function_round, 'f', 1, 1},
    {"ceil", classad_function_round, 'c', 1, 1},
    {"ceiling", classad_function_round, 'c', 1, 1},
    {"round", classad_function_round, 'r', 1, 1},
    {"pow", classad_function_power, 0, 2, 2},
    {"quantize", classad_function_quantize, 0, 2, 2},
    {"random", classad_function_random, 0, 0, 1},
};

const struct classad_function *classad_function_find(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(functions); i++)
        if (slice_equals_ignoring_case(name, functions[i].name))
            return &functions[i];
    return NULL;
}

struct classad_value call_argument(struct call *call, uint32_t index)
{
    return classad_node_evaluate(call->evaluation, call->arguments[index]);
}

struct list_walk list_walk_begin(struct evaluation *evaluation, const struct classad_value *list)
{
    return (struct list_walk){
        .evaluation = evaluation,
        .node = list->list->node,
        .scope = list->list->scope,
    };
}

bool list_walk_next(struct list_walk *walk, struct classad_value *ret_value)
{
    if (walk->next == walk->node->count || !evaluation_spend(walk->evaluation, 1))
        return false;
    *ret_value =
        classad_node_evaluate_in(walk->evaluation, walk->node->operands[walk->next++], walk->scope);
    return true;
}

void list_builder_add(struct list_builder *builder, struct classad_value value)
{
    struct evaluation *evaluation = builder->evaluation;
    struct classad_node *node;

    if (builder->count == builder->capacity) {
        size_t capacity = builder->capacity > 0 ? 2 * builder->capacity : 8;
        const struct classad_node **items =
            evaluation_allocate(evaluation, capacity, sizeof(const struct classad_node *));

        if (!items) {
            builder->failed = true;
            return;
        }
        if (builder->count > 0)
            memcpy(items, builder->items, builder->count * sizeof(const struct classad_node *));
        builder->items = items;
        builder->capacity = capacity;
    }
    node = evaluation_allocate(evaluation, 1, sizeof(*node));
    if (!node) {
        builder->failed = true;
        return;
    }
    *node = (struct classad_node){.kind = NODE_LITERAL, .value = value};
    builder->items[builder->count++] = node;
}

struct classad_value list_builder_finish(struct list_builder *builder)
{
    struct classad_node *node =
        builder->failed ? NULL : evaluation_allocate(builder->evaluation, 1, sizeof(*node));

    if (!node)
        return VALUE_ERROR;
    *node = (struct classad_node){
        .kind = NODE_LIST,
        .count = (uint32_t)builder->count,
        .operands = builder->items,
    };
    return evaluation_list(builder->evaluation, node, NULL);
}

struct classad_value classad_function_is_type(struct call *call)
{
    return value_boolean(call_argument(call, 0).type == (enum classad_type)call->variant);
}

struct classad_value classad_function_if_then_else(struct call *call)
{
    return evaluation_choose(call->evaluation, call->arguments);
}

/* The text of the argument as an expression, where the call stands. */
struct classad_value classad_function_eval(struct call *call)
{
    struct evaluation *evaluation = call->evaluation;
    struct classad_value argument = call_argument(call, 0);
    struct classad_value text = value_to_string(evaluation, &argument);
    struct classad_failure failure;
    const struct classad_node *node;
    struct classad_value value;

    /* Reading costs as much as some evaluation, and takes memory that is counted here. */
    if (text.type != CLASSAD_STRING || evaluation->references_left == 0 ||
        !evaluation_spend(evaluation, text.length) || text.length > evaluation->bytes_left / 100)
        return VALUE_ERROR;
    evaluation->bytes_left -= text.length * 100;
    node = classad_parse_expression(value_text(&text), CLASSAD_NEW, &evaluation->evaluator->arena,
                                    NULL, &failure);
    if (!node)
        return VALUE_ERROR;
    evaluation->references_left--;
    value = classad_node_evaluate(evaluation, node);
    evaluation->references_left++;
    return value;
}

/* What an attribute is, not its value. */
struct classad_value classad_function_unparse(struct call *call)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    const struct classad_scope *scope;
    const struct classad_node *node;

    if (!classad_node_is_reference(call->arguments[0]))
        return VALUE_ERROR;
    node = classad_node_dereference(call->evaluation, call->arguments[0], &scope);
    if (node)
        classad_node_print(node, CLASSAD_NEW, &text);
    return evaluation_string(call->evaluation, (struct slice){buffer_text(&text), text.length});
}

struct classad_value classad_function_debug(struct call *call)
{
    return call_argument(call, 0);
}

static struct classad_value in_context(struct call *call, const struct classad_node *node,
                                       const struct classad_value *context)
{
    if (context->type == CLASSAD_UNDEFINED)
        return VALUE_UNDEFINED;
    if (context->type != CLASSAD_AD)
        return VALUE_ERROR;
    return classad_node_evaluate_in(call->evaluation, node, context->ad);
}

/*
 * evalInEachContext() and countMatches(): the first argument is an expression, or the name of an
 * attribute that holds one; it is evaluated in each ad of the list.
 */
struct classad_value classad_function_each_context(struct call *call)
{
    const struct classad_scope *scope;
    const struct classad_node *node =
        classad_node_dereference(call->evaluation, call->arguments[0], &scope);
    struct classad_value contexts = call_argument(call, 1), context, value;
    struct list_builder builder = {.evaluation = call->evaluation};
    struct list_walk walk;
    int64_t count = 0;
    bool matches;

    if (contexts.type == CLASSAD_UNDEFINED)
        return call->variant == 1 ? value_integer(0) : VALUE_UNDEFINED;
    if (contexts.type != CLASSAD_LIST)
        return VALUE_ERROR;
    walk = list_walk_begin(call->evaluation, &contexts);
    while (list_walk_next(&walk, &context)) {
        value = in_context(call, node ? node : call->arguments[0], &context);
        if (call->variant == 0)
            list_builder_add(&builder, value);
        else if (classad_value_as_boolean(&value, &matches) && matches)
            count++;
    }
    return call->variant == 1 ? value_integer(count) : list_builder_finish(&builder);
}

static struct classad_value value_to_boolean(const struct classad_value *value)
{
    bool boolean;

    if (value->type == CLASSAD_UNDEFINED)
        return *value;
    if (classad_value_as_boolean(value, &boolean))
        return value_boolean(boolean);
    if (value->type == CLASSAD_RELATIVE_TIME)
        return value_boolean(value->real != 0);
    if (value->type != CLASSAD_STRING)
        return VALUE_ERROR;
    if (slice_equals_ignoring_case(value_text(value), "true"))
        return value_boolean(true);
    if (slice_equals_ignoring_case(value_text(value), "false"))
        return value_boolean(false);
    return VALUE_UNDEFINED;
}

struct classad_value classad_function_convert(struct call *call)
{
    struct classad_value argument = call_argument(call, 0);

    if (call->variant == CLASSAD_INTEGER)
        return value_to_integer(call->evaluation, &argument);
    if (call->variant == CLASSAD_REAL)
        return value_to_real(call->evaluation, &argument);
    if (call->variant == CLASSAD_STRING)
        return value_to_string(call->evaluation, &argument);
    return value_to_boolean(&argument);
}

/*
 * userHome() and userMap() ask the computer that they run on about its users. HTCondor answers with
 * the default argument, or UNDEFINED, unless an admin has switched them on; dusk always does.
 */
struct classad_value classad_function_user(struct call *call)
{
    uint32_t fallback = (uint32_t)call->variant;

    return call->count > fallback ? call_argument(call, fallback) : VALUE_UNDEFINED;
}
