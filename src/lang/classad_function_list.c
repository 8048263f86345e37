/* SPDX-License-Identifier: Apache-2.0 */
/* Functions on lists. An element is evaluated where the list stands. */
#include "classad_internal.h"

/* member(x, list) by ==, identicalMember() by =?=. */
struct classad_value classad_function_member(struct call *call)
{
    enum classad_operator operation = (enum classad_operator)call->variant;
    struct classad_value sought = call_argument(call, 0), list = call_argument(call, 1);
    struct classad_value element;
    struct list_walk walk;

    if (list.type == CLASSAD_UNDEFINED ||
        (operation == OPERATOR_EQUAL && sought.type == CLASSAD_UNDEFINED))
        return VALUE_UNDEFINED;
    if (list.type != CLASSAD_LIST || value_is_compound(&sought) ||
        (operation == OPERATOR_EQUAL && sought.type == CLASSAD_ERROR))
        return VALUE_ERROR;
    walk = list_walk_begin(call->evaluation, &list);
    while (list_walk_next(&walk, &element)) {
        struct classad_value equal = classad_operate(operation, &element, &sought);

        if (equal.type == CLASSAD_BOOLEAN && equal.boolean)
            return equal;
    }
    return value_boolean(false);
}

struct classad_value classad_function_size(struct call *call)
{
    struct classad_value argument = call_argument(call, 0);

    switch (argument.type) {
    case CLASSAD_UNDEFINED:
        return argument;
    case CLASSAD_STRING:
        return value_integer((int64_t)argument.length);
    case CLASSAD_LIST:
        return value_integer(argument.list->node->count);
    case CLASSAD_AD:
        return value_integer(argument.ad->attributes->count);
    case CLASSAD_ERROR:
    case CLASSAD_BOOLEAN:
    case CLASSAD_INTEGER:
    case CLASSAD_REAL:
    case CLASSAD_ABSOLUTE_TIME:
    case CLASSAD_RELATIVE_TIME:
        break;
    }
    return VALUE_ERROR;
}

/*
 * Takes the next element that is not UNDEFINED. Returns 1, 0 at the end, or -1 if it is no number
 * (a boolean is one).
 */
static int next_number(struct list_walk *walk, struct classad_value *ret_value)
{
    double real;

    while (list_walk_next(walk, ret_value)) {
        if (ret_value->type == CLASSAD_UNDEFINED)
            continue;
        return classad_value_as_real(ret_value, &real) ? 1 : -1;
    }
    return 0;
}

/* sum() of an empty list is 0, of one in which nothing is defined UNDEFINED; so is avg(). */
struct classad_value classad_function_sum(struct call *call)
{
    struct classad_value list = call_argument(call, 0), element;
    struct classad_value total = value_integer(0), count_value;
    struct list_walk walk;
    int64_t count = 0;
    int r;

    if (list.type != CLASSAD_LIST)
        return list.type == CLASSAD_UNDEFINED ? list : VALUE_ERROR;
    walk = list_walk_begin(call->evaluation, &list);
    while ((r = next_number(&walk, &element)) > 0) {
        total = classad_operate(OPERATOR_ADD, &total, &element);
        count++;
    }
    if (r < 0)
        return VALUE_ERROR;
    if (count == 0)
        return walk.next > 0 ? VALUE_UNDEFINED : total;
    count_value = value_real((double)count);
    return call->variant == 1 ? classad_operate(OPERATOR_DIVIDE, &total, &count_value) : total;
}

struct classad_value classad_function_bound(struct call *call)
{
    enum classad_operator operation = (enum classad_operator)call->variant;
    struct classad_value list = call_argument(call, 0), element, bound = VALUE_UNDEFINED;
    bool real = false;
    struct list_walk walk;
    int r;

    if (list.type != CLASSAD_LIST)
        return list.type == CLASSAD_UNDEFINED ? list : VALUE_ERROR;
    walk = list_walk_begin(call->evaluation, &list);
    while ((r = next_number(&walk, &element)) > 0) {
        struct classad_value better = classad_operate(operation, &element, &bound);

        real = real || element.type == CLASSAD_REAL;
        if (bound.type == CLASSAD_UNDEFINED || (better.type == CLASSAD_BOOLEAN && better.boolean))
            bound = element;
    }
    if (r < 0)
        return VALUE_ERROR;
    return real ? value_to_real(call->evaluation, &bound) : bound;
}

static bool operator_from_text(struct slice text, enum classad_operator *ret_operator)
{
    static const struct {
        const char *text;
        enum classad_operator operation;
    } operators[] = {
        {"<", OPERATOR_LESS},    {"<=", OPERATOR_LESS_OR_EQUAL},
        {"==", OPERATOR_EQUAL},  {"!=", OPERATOR_NOT_EQUAL},
        {">", OPERATOR_GREATER}, {">=", OPERATOR_GREATER_OR_EQUAL},
        {"is", OPERATOR_IS},     {"isnt", OPERATOR_ISNT},
        {"=?=", OPERATOR_IS},    {"=!=", OPERATOR_ISNT},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(operators); i++) {
        if (!slice_equals(text, operators[i].text))
            continue;
        *ret_operator = operators[i].operation;
        return true;
    }
    return false;
}

/* Stops at the first element that says no (allCompare) or yes (anyCompare). */
static struct classad_value compare_elements(struct call *call, enum classad_operator operation,
                                             const struct classad_value *list,
                                             const struct classad_value *other)
{
    bool all = call->variant == 1;
    struct list_walk walk = list_walk_begin(call->evaluation, list);
    struct classad_value element;

    while (list_walk_next(&walk, &element)) {
        struct classad_value result = classad_operate(operation, &element, other);

        if (result.type == CLASSAD_UNDEFINED)
            result = value_boolean(false);
        if (result.type != CLASSAD_BOOLEAN)
            return VALUE_ERROR;
        if (result.boolean != all)
            return result;
    }
    return value_boolean(all);
}

struct classad_value classad_function_compare_all(struct call *call)
{
    struct classad_value text = call_argument(call, 0), list = call_argument(call, 1);
    struct classad_value other = call_argument(call, 2);
    enum classad_operator operation;

    if (text.type == CLASSAD_UNDEFINED)
        return text;
    if (text.type != CLASSAD_STRING || !operator_from_text(value_text(&text), &operation))
        return VALUE_ERROR;
    if (list.type != CLASSAD_LIST)
        return list.type == CLASSAD_UNDEFINED ? list : VALUE_ERROR;
    return compare_elements(call, operation, &list, &other);
}
