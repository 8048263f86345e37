/* SPDX-License-Identifier: Apache-2.0 */
/* Functions on numbers. */
#include "classad_internal.h"

#include <math.h>

/* To the nearest integer, and to the even one from the middle. */
static double round_to_even(double real)
{
    double down = floor(real), rest = real - down;

    if (rest < 0.5)
        return down;
    if (rest > 0.5)
        return down + 1;
    return floor(down / 2) * 2 == down ? down : down + 1;
}

/* floor(), ceiling() and round(); an integer stays what it is. */
struct classad_value classad_function_round(struct call *call)
{
    struct classad_value argument = call_argument(call, 0);
    struct classad_value real = value_to_real(call->evaluation, &argument);
    double rounded;

    if (argument.type == CLASSAD_INTEGER)
        return argument;
    if (real.type != CLASSAD_REAL)
        return VALUE_ERROR;
    if (call->variant == 'f')
        rounded = floor(real.real);
    else
        rounded = call->variant == 'c' ? ceil(real.real) : round_to_even(real.real);
    return value_integer(real_to_integer(rounded));
}

/* An integer to the power of one that is not negative is an integer. */
struct classad_value classad_function_power(struct call *call)
{
    struct classad_value base = call_argument(call, 0), exponent = call_argument(call, 1);
    bool integers = base.type == CLASSAD_INTEGER && exponent.type == CLASSAD_INTEGER;

    if (integers && exponent.integer >= 0)
        return value_integer(
            real_to_integer(round_to_even(pow((double)base.integer, (double)exponent.integer))));
    base = value_to_real(call->evaluation, &base);
    exponent = value_to_real(call->evaluation, &exponent);
    if (base.type != CLASSAD_REAL || exponent.type != CLASSAD_REAL)
        return VALUE_ERROR;
    return value_real(pow(base.real, exponent.real));
}

/* The next multiple of `step` that is not less than the value. */
static struct classad_value next_multiple(const struct classad_value *value, double real,
                                          const struct classad_value *step, double step_real)
{
    int64_t result;

    if (step_real > -1e-8 && step_real < 1e-8)
        return *value;
    if (value->type != CLASSAD_INTEGER || step->type != CLASSAD_INTEGER)
        return value_real(ceil(real / step_real) * step_real);
    if (__builtin_add_overflow(value->integer, step->integer - 1, &result) || step->integer == -1)
        return *value;
    (void)__builtin_mul_overflow(result / step->integer, step->integer, &result);
    return value_integer(result);
}

/* The first element that is not less than the value, else a multiple of the last one. */
static struct classad_value quantize_by_list(struct call *call, const struct classad_value *value,
                                             double real, const struct classad_value *list)
{
    struct list_walk walk = list_walk_begin(call->evaluation, list);
    struct classad_value element, last = value_real(0), last_real = value_real(0);

    while (list_walk_next(&walk, &element)) {
        last = element;
        last_real = value_to_real(call->evaluation, &element);
        if (last_real.type != CLASSAD_REAL)
            return VALUE_ERROR;
        if (last_real.real >= real)
            return element;
    }
    return next_multiple(value, real, &last, last_real.real);
}

struct classad_value classad_function_quantize(struct call *call)
{
    struct classad_value value = call_argument(call, 0), step = call_argument(call, 1);
    struct classad_value real = value_to_real(call->evaluation, &value), step_real;

    if (real.type != CLASSAD_REAL)
        return VALUE_ERROR;
    if (step.type == CLASSAD_LIST)
        return quantize_by_list(call, &value, real.real, &step);
    step_real = value_to_real(call->evaluation, &step);
    if (step_real.type != CLASSAD_REAL)
        return VALUE_ERROR;
    return next_multiple(&value, real.real, &step, step_real.real);
}

/* xorshift64* (Vigna 2014); nobody's safety hangs on it. */
static uint64_t next_random(uint64_t *seed)
{
    uint64_t state = *seed != 0 ? *seed : 0x9e3779b97f4a7c15u;

    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    *seed = state;
    return state * 0x2545f4914f6cdd1du;
}

/* random([limit]): at least 0 and less than the limit, an integer or a real as that is. */
struct classad_value classad_function_random(struct call *call)
{
    struct classad_value limit = call->count > 0 ? call_argument(call, 0) : value_real(1);
    uint64_t random = next_random(&call->evaluation->evaluator->seed);

    if (limit.type == CLASSAD_INTEGER && limit.integer > 0)
        return value_integer((int64_t)(random % (uint64_t)limit.integer));
    if (limit.type == CLASSAD_REAL)
        return value_real(limit.real * ((double)(random >> 11) / 9007199254740992.0));
    return VALUE_ERROR;
}
