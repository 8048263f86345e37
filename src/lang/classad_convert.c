/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What int(), real() and string() make of a value. Of a string, the number at its front counts,
 * with K, M, G or T right behind it, and what follows is ignored, as HTCondor does it with
 * strtod().
 */
#include "classad_internal.h"

int64_t real_to_integer(double real)
{
    /* 2^63 is the first double that is too large. */
    if (real >= 9223372036854775808.0)
        return INT64_MAX;
    if (real <= -9223372036854775808.0)
        return INT64_MIN;
    return real != real ? 0 : (int64_t)real;
}

int64_t unit_factor(char letter)
{
    static const struct {
        char letter;
        int64_t factor;
    } units[] = {
        {'b', 1}, {'k', 1 << 10}, {'m', 1 << 20}, {'g', 1 << 30}, {'t', (int64_t)1 << 40},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(units); i++)
        if (text_lower(letter) == units[i].letter)
            return units[i].factor;
    return 0;
}

/* The number at the front of a string; false if there is none. */
static bool read_number(struct evaluation *evaluation, struct slice string, bool whole,
                        double *ret_real)
{
    struct classad_value copy = evaluation_string(evaluation, string);
    char *end;
    int64_t factor;
    double real;

    if (copy.type != CLASSAD_STRING)
        return false;
    real = strtod(copy.string, &end);
    if (end == copy.string)
        return false;
    if (whole)
        real = (double)real_to_integer(real);
    factor = unit_factor(*end);
    *ret_real = real * (double)(factor > 0 ? factor : 1);
    return true;
}

struct classad_value value_to_integer(struct evaluation *evaluation,
                                      const struct classad_value *value)
{
    double real;

    switch (value->type) {
    case CLASSAD_UNDEFINED:
    case CLASSAD_INTEGER:
        return *value;
    case CLASSAD_BOOLEAN:
        return value_integer(value->boolean);
    case CLASSAD_REAL:
    case CLASSAD_RELATIVE_TIME:
        return value_integer(real_to_integer(value->real));
    case CLASSAD_ABSOLUTE_TIME:
        return value_integer(value->seconds);
    case CLASSAD_STRING:
        if (!read_number(evaluation, value_text(value), true, &real))
            return VALUE_ERROR;
        return value_integer(real_to_integer(real));
    case CLASSAD_ERROR:
    case CLASSAD_LIST:
    case CLASSAD_AD:
        break;
    }
    return VALUE_ERROR;
}

struct classad_value value_to_real(struct evaluation *evaluation, const struct classad_value *value)
{
    double real;

    switch (value->type) {
    case CLASSAD_UNDEFINED:
    case CLASSAD_REAL:
        return *value;
    case CLASSAD_BOOLEAN:
        return value_real(value->boolean);
    case CLASSAD_INTEGER:
        return value_real((double)value->integer);
    case CLASSAD_RELATIVE_TIME:
        return value_real(value->real);
    case CLASSAD_ABSOLUTE_TIME:
        return value_real((double)value->seconds);
    case CLASSAD_STRING:
        return read_number(evaluation, value_text(value), false, &real) ? value_real(real)
                                                                        : VALUE_ERROR;
    case CLASSAD_ERROR:
    case CLASSAD_LIST:
    case CLASSAD_AD:
        break;
    }
    return VALUE_ERROR;
}

struct classad_value value_to_string(struct evaluation *evaluation,
                                     const struct classad_value *value)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    if (value->type == CLASSAD_UNDEFINED || value->type == CLASSAD_ERROR ||
        value->type == CLASSAD_STRING)
        return *value;
    if (value->type == CLASSAD_ABSOLUTE_TIME)
        absolute_time_print(value, &text);
    else if (value->type == CLASSAD_RELATIVE_TIME)
        relative_time_print(value->real, &text);
    else
        classad_value_print(value, CLASSAD_NEW, &text);
    return evaluation_string(evaluation, (struct slice){buffer_text(&text), text.length});
}
