/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See arithmetic.h: how the result of arithmetic is written. The conversion is the submitter's, but
 * printf() never sees his text: it is taken apart here, bounded, and put together again, so that
 * there can be one conversion, of the right size, and no %s or %n.
 */
#include "arithmetic.h"
#include "text.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* Stops long before the value overflows; the caller refuses what is too large. */
static struct slice read_digits(struct slice text, int *ret_value)
{
    *ret_value = 0;
    while (text.length > 0 && text_is_digit(text.data[0]) && *ret_value < 1000) {
        *ret_value = *ret_value * 10 + (text.data[0] - '0');
        text.data++;
        text.length--;
    }
    return text;
}

/* A flag that is repeated counts once, so that five is the most there can be. */
static struct slice read_flags(struct slice text, char flags[static 6])
{
    size_t count = 0;

    while (text.length > 0 && memchr("-+ #0", text.data[0], 5)) {
        if (!memchr(flags, text.data[0], count))
            flags[count++] = text.data[0];
        text.data++;
        text.length--;
    }
    flags[count] = '\0';
    return text;
}

int number_format_parse(struct slice text, struct number_format *ret_format)
{
    struct number_format format = {.precision = -1};

    if (text.length == 0 || text.data[0] != '%')
        return -EINVAL;
    text = (struct slice){.data = text.data + 1, .length = text.length - 1};
    text = read_flags(text, format.flags);
    text = read_digits(text, &format.width);
    if (text.length > 0 && text.data[0] == '.')
        text = read_digits((struct slice){.data = text.data + 1, .length = text.length - 1},
                           &format.precision);
    /* %s and %c would make no number; %a, %n and the sizes (l, ll, z) are nobody's business. */
    if (text.length != 1 || !memchr("diuxXoeEfFgG", text.data[0], 12))
        return -EINVAL;
    if (format.width > NUMBER_FORMAT_MAX || format.precision > NUMBER_FORMAT_MAX)
        return -EINVAL;
    format.conversion = text.data[0];
    *ret_format = format;
    return 0;
}

/* Fifteen digits look best; seventeen always read back to the same value. */
static void append_plain_real(double value, struct buffer *text)
{
    size_t start = text->length;

    buffer_appendf(text, "%.15g", value);
    if (strtod(text->data + start, NULL) != value) {
        text->length = start;
        buffer_appendf(text, "%.17g", value);
    }
    /* 3.0 and not 3, which read back would be an integer and divide otherwise. */
    if (!strchr(text->data + start, '.') && !strchr(text->data + start, 'e'))
        buffer_append_text(text, ".0");
}

/* By hand: this is the one conversion that every task needs several times. */
static void append_integer(struct buffer *text, int64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do
        digits[--at] = (char)('0' + magnitude % 10);
    while ((magnitude /= 10) > 0);
    if (value < 0)
        buffer_append_character(text, '-');
    buffer_append(text, digits + at, sizeof(digits) - at);
}

/*
 * The conversion for printf(3), whose width and precision come as arguments. The format is no
 * literal, which compilers warn of for a good reason; here it is made of checked parts alone.
 */
static void conversion_text(const struct number_format *format, const char *size,
                            struct buffer *conversion)
{
    buffer_appendf(conversion, "%%%s*%s%s%c", format->flags, format->precision >= 0 ? ".*" : "",
                   size, format->conversion);
}

static void append_integer_as(const struct number_format *format, int64_t value,
                              struct buffer *text)
{
    _cleanup_buffer_ struct buffer conversion = BUFFER_INIT;

    conversion_text(format, "ll", &conversion);
    if (format->precision >= 0)
        buffer_appendf(text, conversion.data, format->width, format->precision, (long long)value);
    else
        buffer_appendf(text, conversion.data, format->width, (long long)value);
}

static void append_real_as(const struct number_format *format, double value, struct buffer *text)
{
    _cleanup_buffer_ struct buffer conversion = BUFFER_INIT;

    conversion_text(format, "", &conversion);
    if (format->precision >= 0)
        buffer_appendf(text, conversion.data, format->width, format->precision, value);
    else
        buffer_appendf(text, conversion.data, format->width, value);
}

int number_format_append(const struct number_format *format, struct number value,
                         struct buffer *text)
{
    /* No conversion: the number as it is. */
    if (format->conversion == '\0') {
        if (value.is_real)
            append_plain_real(value.real, text);
        else
            append_integer(text, value.integer);
        return 0;
    }
    if (memchr("eEfFgG", format->conversion, 6)) {
        append_real_as(format, value.is_real ? value.real : (double)value.integer, text);
        return 0;
    }
    /* What does not fit, converting would leave undefined. */
    if (value.is_real) {
        if (!(fabs(value.real) < 0x1p63))
            return -ERANGE;
        value.integer = (int64_t)value.real;
    }
    append_integer_as(format, value.integer, text);
    return 0;
}
