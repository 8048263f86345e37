/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See number.h. Integers are read by hand: strtoull() takes signs, white space and other bases that
 * nobody means, and says that a number was too large only through errno. Fractions go to strtod(),
 * which nobody should write again, behind a check that lets only decimal numbers through.
 */
#include "number.h"

#include <errno.h>
#include <math.h>
#include <string.h>

int number_parse_u64(struct slice text, uint64_t *ret_value)
{
    uint64_t value = 0;

    text = slice_trim(text);
    if (text.length > 0 && text.data[0] == '+') {
        text.data++;
        text.length--;
    }
    if (text.length == 0)
        return -EINVAL;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return -EINVAL;
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text.data[i] - '0'), &value))
            return -ERANGE;
    }
    *ret_value = value;
    return 0;
}

int number_parse_i64(struct slice text, int64_t *ret_value)
{
    uint64_t magnitude;
    bool negative;
    int r;

    text = slice_trim(text);
    /* A digit must follow at once, or "-+1" would be a number. */
    negative = text.length > 1 && text.data[0] == '-' && text.data[1] >= '0' && text.data[1] <= '9';
    if (negative) {
        text.data++;
        text.length--;
    }
    r = number_parse_u64(text, &magnitude);
    if (r < 0)
        return r;
    if (magnitude > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return -ERANGE;
    /* Turned around while unsigned: the smallest number has no positive counterpart. */
    *ret_value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return 0;
}

/* Only what decimal numbers are made of: keeps strtod's hexadecimal, "nan" and "inf" out. */
static bool text_is_decimal(struct slice text)
{
    bool digit = false;

    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] >= '0' && text.data[i] <= '9')
            digit = true;
        else if (!memchr("+-.eE", text.data[i], 5))
            return false;
    }
    return digit;
}

int number_parse_double(struct slice text, double *ret_value)
{
    _cleanup_free_ char *copy = NULL;
    double value;
    char *end;

    text = slice_trim(text);
    if (!text_is_decimal(text))
        return -EINVAL;
    copy = slice_copy(text);
    value = strtod(copy, &end);
    if (*end != '\0')
        return -EINVAL;
    /* Digits alone can make an infinity: 1e999. */
    if (!isfinite(value))
        return -ERANGE;
    *ret_value = value;
    return 0;
}

/* Splits "1.5GB" into its number and the letters behind. */
static int number_split_unit(struct slice text, double *ret_number, struct slice *ret_unit)
{
    size_t digits = 0;

    text = slice_trim(text);
    while (digits < text.length && memchr("+-.0123456789", text.data[digits], 13))
        digits++;
    *ret_unit =
        slice_trim((struct slice){.data = text.data + digits, .length = text.length - digits});
    return number_parse_double((struct slice){.data = text.data, .length = digits}, ret_number);
}

/* Up to the next whole one: who asks for a fraction of a byte needs that byte. */
static int number_scale(double number, double factor, uint64_t *ret_value)
{
    double value = ceil(number * factor);

    if (number < 0)
        return -EINVAL;
    /* 2^63: every double below it converts exactly. */
    if (value >= 9223372036854775808.0)
        return -ERANGE;
    *ret_value = (uint64_t)value;
    return 0;
}

int number_parse_size(struct slice text, uint64_t unit, uint64_t *ret_bytes)
{
    static const char letters[] = "BKMGTP";
    double number, factor = 1;
    struct slice suffix;
    const char *letter;
    int r;

    r = number_split_unit(text, &number, &suffix);
    if (r < 0)
        return r;
    if (suffix.length == 0)
        return number_scale(number, (double)unit, ret_bytes);
    /* strchr() finds the NUL at the end as well, and text from outside may have one. */
    letter = strchr(letters, suffix.data[0] & ~0x20);
    if (!letter || *letter == '\0')
        return -EINVAL;
    for (const char *l = letters; l < letter; l++)
        factor *= 1024;
    suffix.data++;
    suffix.length--;
    /* "KB" and "KiB" are one thing for HTCondor; "BB" is none. */
    if (suffix.length > 0 && (letter == letters || (!slice_equals_ignoring_case(suffix, "b") &&
                                                    !slice_equals_ignoring_case(suffix, "ib"))))
        return -EINVAL;
    return number_scale(number, factor, ret_bytes);
}

int number_parse_duration(struct slice text, uint64_t *ret_ms)
{
    static const struct {
        const char *name;
        double ms;
    } units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60e3}, {"h", 3600e3}, {"d", 86400e3}};
    struct slice suffix;
    double number;
    int r;

    r = number_split_unit(text, &number, &suffix);
    if (r < 0)
        return r;
    for (size_t i = 0; i < ARRAY_LENGTH(units); i++)
        if (slice_equals_ignoring_case(suffix, units[i].name))
            return number_scale(number, units[i].ms, ret_ms);
    return -EINVAL;
}

void number_append_duration(struct buffer *text, uint64_t ms)
{
    static const struct {
        const char *name;
        uint64_t ms;
    } units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
    size_t i = 0;

    while (ms % units[i].ms != 0)
        i++;
    buffer_appendf(text, "%llu%s", (unsigned long long)(ms / units[i].ms), units[i].name);
}
