/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operators on values. All but =?=, =!=, && and || give ERROR if one side is an ERROR, else
 * UNDEFINED if one side is UNDEFINED. Booleans count as 0 and 1 among numbers; an integer that
 * meets a real becomes one; nothing else is converted.
 *
 * Where C would not say what happens, this does: integers wrap around as HTCondor's do in practice,
 * and shifts by more than there are bits leave nothing.
 */
#include "classad_internal.h"

bool classad_value_as_real(const struct classad_value *value, double *ret_real)
{
    if (value->type == CLASSAD_BOOLEAN)
        *ret_real = value->boolean ? 1 : 0;
    else if (value->type == CLASSAD_INTEGER)
        *ret_real = (double)value->integer;
    else if (value->type == CLASSAD_REAL)
        *ret_real = value->real;
    else
        return false;
    return true;
}

/* What a comparison says to an order of -1, 0 or 1. */
static struct classad_value compare(enum classad_operator operation, int order)
{
    if (operation == OPERATOR_LESS)
        return value_boolean(order < 0);
    if (operation == OPERATOR_LESS_OR_EQUAL)
        return value_boolean(order <= 0);
    if (operation == OPERATOR_GREATER)
        return value_boolean(order > 0);
    if (operation == OPERATOR_GREATER_OR_EQUAL)
        return value_boolean(order >= 0);
    if (operation == OPERATOR_EQUAL || operation == OPERATOR_IS)
        return value_boolean(order == 0);
    if (operation == OPERATOR_NOT_EQUAL || operation == OPERATOR_ISNT)
        return value_boolean(order != 0);
    return VALUE_ERROR;
}

/* NaN is neither less than, nor equal to, nor greater than anything. */
static struct classad_value compare_reals(enum classad_operator operation, double left,
                                          double right)
{
    if (left != left || right != right)
        return value_boolean(operation == OPERATOR_NOT_EQUAL || operation == OPERATOR_ISNT);
    return compare(operation, left < right ? -1 : left > right);
}

static struct classad_value compare_integers(enum classad_operator operation, int64_t left,
                                             int64_t right)
{
    return compare(operation, left < right ? -1 : left > right);
}

int text_order(struct slice left, struct slice right, bool ignore_case)
{
    size_t length = left.length < right.length ? left.length : right.length;

    for (size_t i = 0; i < length; i++) {
        int difference =
            ignore_case ? (uint8_t)text_lower(left.data[i]) - (uint8_t)text_lower(right.data[i])
                        : (uint8_t)left.data[i] - (uint8_t)right.data[i];

        if (difference != 0)
            return difference < 0 ? -1 : 1;
    }
    return left.length < right.length ? -1 : left.length > right.length;
}

static bool is_comparison(enum classad_operator operation)
{
    return operation <= OPERATOR_ISNT;
}

/* Of two values of one type, in which =?= may also be asked. */
static struct classad_value compare_alike(enum classad_operator operation,
                                          const struct classad_value *left,
                                          const struct classad_value *right)
{
    bool exact = operation == OPERATOR_IS || operation == OPERATOR_ISNT;

    switch (left->type) {
    case CLASSAD_BOOLEAN:
        return compare_integers(operation, left->boolean, right->boolean);
    case CLASSAD_INTEGER:
        return compare_integers(operation, left->integer, right->integer);
    case CLASSAD_REAL:
    case CLASSAD_RELATIVE_TIME:
        return compare_reals(operation, left->real, right->real);
    case CLASSAD_STRING:
        return compare(operation, text_order(value_text(left), value_text(right), !exact));
    case CLASSAD_ABSOLUTE_TIME:
        if (exact && left->offset_seconds != right->offset_seconds)
            return value_boolean(operation == OPERATOR_ISNT);
        return compare_integers(operation, left->seconds, right->seconds);
    case CLASSAD_LIST:
    case CLASSAD_AD:
        if (!exact)
            return VALUE_ERROR;
        return value_boolean(classad_value_is_same(left, right) == (operation == OPERATOR_IS));
    case CLASSAD_UNDEFINED:
    case CLASSAD_ERROR:
        return value_boolean(operation == OPERATOR_IS);
    }
    return VALUE_ERROR;
}

static struct classad_value operate_exact(enum classad_operator operation,
                                          const struct classad_value *left,
                                          const struct classad_value *right)
{
    if (left->type != right->type)
        return value_boolean(operation == OPERATOR_ISNT);
    return compare_alike(operation, left, right);
}

/* The smallest integer divided by -1 has no integer to be; HTCondor takes the largest. */
static struct classad_value divide_integers(enum classad_operator operation, int64_t left,
                                            int64_t right)
{
    if (right == 0)
        return VALUE_ERROR;
    if (operation == OPERATOR_MODULUS)
        return value_integer(right == -1 ? 0 : left % right);
    return value_integer(left == INT64_MIN && right == -1 ? INT64_MAX : left / right);
}

static struct classad_value operate_integers(enum classad_operator operation, int64_t left,
                                             int64_t right)
{
    int64_t result = 0;

    if (operation == OPERATOR_DIVIDE || operation == OPERATOR_MODULUS)
        return divide_integers(operation, left, right);
    if (operation == OPERATOR_ADD)
        (void)__builtin_add_overflow(left, right, &result);
    else if (operation == OPERATOR_SUBTRACT)
        (void)__builtin_sub_overflow(left, right, &result);
    else if (operation == OPERATOR_MULTIPLY)
        (void)__builtin_mul_overflow(left, right, &result);
    else
        return compare_integers(operation, left, right);
    return value_integer(result);
}

/* An infinite result of finite numbers is an ERROR, as in HTCondor; the negative one is not. */
static struct classad_value operate_reals(enum classad_operator operation, double left,
                                          double right)
{
    double result;

    if (is_comparison(operation))
        return compare_reals(operation, left, right);
    if (operation == OPERATOR_ADD)
        result = left + right;
    else if (operation == OPERATOR_SUBTRACT)
        result = left - right;
    else if (operation == OPERATOR_MULTIPLY)
        result = left * right;
    else if (operation == OPERATOR_DIVIDE)
        result = left / right;
    else
        return VALUE_ERROR;
    return result > 0 && result / 2 == result ? VALUE_ERROR : value_real(result);
}

static struct classad_value operate_numbers(enum classad_operator operation,
                                            const struct classad_value *left,
                                            const struct classad_value *right)
{
    double left_real, right_real;

    if (left->type != CLASSAD_REAL && right->type != CLASSAD_REAL)
        return operate_integers(operation,
                                left->type == CLASSAD_BOOLEAN ? left->boolean : left->integer,
                                right->type == CLASSAD_BOOLEAN ? right->boolean : right->integer);
    if (!classad_value_as_real(left, &left_real) || !classad_value_as_real(right, &right_real))
        return VALUE_ERROR;
    return operate_reals(operation, left_real, right_real);
}

static struct classad_value shift_time(const struct classad_value *time, double seconds)
{
    struct classad_value shifted = *time;

    (void)__builtin_add_overflow(time->seconds, real_to_integer(seconds), &shifted.seconds);
    return shifted;
}

/* A length of time and a number, or two lengths. */
static struct classad_value operate_lengths(enum classad_operator operation,
                                            const struct classad_value *left,
                                            const struct classad_value *right)
{
    double number;

    if (left->type == CLASSAD_RELATIVE_TIME && right->type == CLASSAD_RELATIVE_TIME) {
        if (operation == OPERATOR_ADD)
            return value_relative_time(left->real + right->real);
        if (operation == OPERATOR_SUBTRACT)
            return value_relative_time(left->real - right->real);
        return is_comparison(operation) ? compare_alike(operation, left, right) : VALUE_ERROR;
    }
    if (left->type == CLASSAD_RELATIVE_TIME && value_is_number(right) &&
        classad_value_as_real(right, &number)) {
        if (operation == OPERATOR_MULTIPLY)
            return value_relative_time(left->real * number);
        if (operation == OPERATOR_DIVIDE)
            return value_relative_time(left->real / number);
    }
    if (operation == OPERATOR_MULTIPLY && value_is_number(left) &&
        right->type == CLASSAD_RELATIVE_TIME && classad_value_as_real(left, &number))
        return value_relative_time(right->real * number);
    return VALUE_ERROR;
}

static struct classad_value operate_times(enum classad_operator operation,
                                          const struct classad_value *left,
                                          const struct classad_value *right)
{
    bool left_is_length = left->type == CLASSAD_RELATIVE_TIME;
    bool right_is_length = right->type == CLASSAD_RELATIVE_TIME;

    if (left->type == CLASSAD_ABSOLUTE_TIME && right->type == CLASSAD_ABSOLUTE_TIME) {
        if (operation == OPERATOR_SUBTRACT)
            return value_relative_time((double)left->seconds - (double)right->seconds);
        return is_comparison(operation) ? compare_alike(operation, left, right) : VALUE_ERROR;
    }
    if (left->type == CLASSAD_ABSOLUTE_TIME && right_is_length) {
        if (operation == OPERATOR_ADD)
            return shift_time(left, right->real);
        return operation == OPERATOR_SUBTRACT ? shift_time(left, -right->real) : VALUE_ERROR;
    }
    if (left_is_length && right->type == CLASSAD_ABSOLUTE_TIME)
        return operation == OPERATOR_ADD ? shift_time(right, left->real) : VALUE_ERROR;
    return operate_lengths(operation, left, right);
}

static struct classad_value operate_bits(enum classad_operator operation, int64_t left,
                                         int64_t right)
{
    uint64_t bits = (uint64_t)left, count = (uint64_t)right;

    if (operation == OPERATOR_BIT_OR)
        return value_integer(left | right);
    if (operation == OPERATOR_BIT_XOR)
        return value_integer(left ^ right);
    if (operation == OPERATOR_BIT_AND)
        return value_integer(left & right);
    if (operation == OPERATOR_SHIFT_RIGHT)
        return value_integer(left < 0 ? ~(int64_t)(count < 64 ? ~bits >> count : 0)
                                      : (int64_t)(count < 64 ? bits >> count : 0));
    if (count > 63)
        return value_integer(0);
    return value_integer(
        (int64_t)(operation == OPERATOR_SHIFT_LEFT ? bits << count : bits >> count));
}

/* Three-valued: UNDEFINED is what may be true or false. */
static struct classad_value operate_logic(enum classad_operator operation,
                                          const struct classad_value *left,
                                          const struct classad_value *right)
{
    bool deciding = operation == OPERATOR_OR, left_boolean, right_boolean;
    bool left_known = classad_value_as_boolean(left, &left_boolean);
    bool right_known = classad_value_as_boolean(right, &right_boolean);

    if (left_known && left_boolean == deciding)
        return value_boolean(deciding);
    if (!left_known && left->type != CLASSAD_UNDEFINED)
        return VALUE_ERROR;
    if (!right_known)
        return right->type == CLASSAD_UNDEFINED ? VALUE_UNDEFINED : VALUE_ERROR;
    if (left_known || right_boolean == deciding)
        return value_boolean(right_boolean);
    return VALUE_UNDEFINED;
}

static bool is_time(const struct classad_value *value)
{
    return value->type == CLASSAD_ABSOLUTE_TIME || value->type == CLASSAD_RELATIVE_TIME;
}

struct classad_value classad_operate(enum classad_operator operation,
                                     const struct classad_value *left,
                                     const struct classad_value *right)
{
    if (operation == OPERATOR_AND || operation == OPERATOR_OR)
        return operate_logic(operation, left, right);
    if (operation == OPERATOR_IS || operation == OPERATOR_ISNT)
        return operate_exact(operation, left, right);
    if (left->type == CLASSAD_ERROR || right->type == CLASSAD_ERROR)
        return VALUE_ERROR;
    if (left->type == CLASSAD_UNDEFINED || right->type == CLASSAD_UNDEFINED)
        return VALUE_UNDEFINED;
    if (operation >= OPERATOR_BIT_OR)
        return left->type == CLASSAD_INTEGER && right->type == CLASSAD_INTEGER
                   ? operate_bits(operation, left->integer, right->integer)
                   : VALUE_ERROR;
    if (left->type == CLASSAD_STRING && right->type == CLASSAD_STRING)
        return is_comparison(operation) ? compare_alike(operation, left, right) : VALUE_ERROR;
    if (left->type == CLASSAD_STRING || right->type == CLASSAD_STRING || value_is_compound(left) ||
        value_is_compound(right))
        return VALUE_ERROR;
    if (is_time(left) || is_time(right))
        return operate_times(operation, left, right);
    return operate_numbers(operation, left, right);
}

static struct classad_value negate(const struct classad_value *operand)
{
    int64_t result = 0;

    if (operand->type == CLASSAD_INTEGER) {
        (void)__builtin_sub_overflow((int64_t)0, operand->integer, &result);
        return value_integer(result);
    }
    if (operand->type == CLASSAD_REAL)
        return value_real(-operand->real);
    if (operand->type == CLASSAD_RELATIVE_TIME)
        return value_relative_time(-operand->real);
    return VALUE_ERROR;
}

struct classad_value classad_operate_unary(enum classad_operator operation,
                                           const struct classad_value *operand)
{
    bool boolean;

    if (operand->type == CLASSAD_ERROR || operand->type == CLASSAD_UNDEFINED)
        return *operand;
    if (operation == OPERATOR_NOT)
        return classad_value_as_boolean(operand, &boolean) ? value_boolean(!boolean) : VALUE_ERROR;
    if (operation == OPERATOR_MINUS)
        return negate(operand);
    if (operation == OPERATOR_BIT_NOT)
        return operand->type == CLASSAD_INTEGER ? value_integer(~operand->integer) : VALUE_ERROR;
    if (value_is_number(operand) || operand->type == CLASSAD_RELATIVE_TIME)
        return *operand;
    return VALUE_ERROR;
}
