/* SPDX-License-Identifier: Apache-2.0 */
/* Dates and lengths of time as texts: what ClassAds' time functions read and print. */
#include "classad_internal.h"

#include "base/number.h"

#include <inttypes.h>
#include <math.h>

/* Takes the next `count` digits, whatever stands before them; false if there are not so many. */
static bool take_digits(struct slice *text, size_t count, int *ret_number)
{
    while (text->length > 0 && !text_is_digit(text->data[0]))
        *text = text_behind(*text, 1);
    return text_take_digits(text, count, ret_number);
}

/* Takes "Z", "+hhmm" or "-hh:mm" off the end. Returns whether there was one. */
static bool take_zone(struct slice *text, int32_t *ret_offset_seconds)
{
    size_t digits = 0, at = text->length;
    int hours, minutes;
    struct slice zone;

    if (at > 0 && (text->data[at - 1] | 0x20) == 'z') {
        text->length--;
        *ret_offset_seconds = 0;
        return true;
    }
    while (at > 0 && digits <= 4 &&
           (text_is_digit(text->data[at - 1]) || text->data[at - 1] == ':')) {
        digits += text->data[at - 1] != ':';
        at--;
    }
    if (digits != 4 || at == 0 || (text->data[at - 1] != '+' && text->data[at - 1] != '-'))
        return false;
    zone = text_behind(*text, at);
    /* "2004-0101" is a date and no zone: a zone stands behind an hour. */
    if (at < 9 || !take_digits(&zone, 2, &hours) || !take_digits(&zone, 2, &minutes))
        return false;
    *ret_offset_seconds = hours * HOUR_SECONDS + minutes * MINUTE_SECONDS;
    if (text->data[at - 1] == '-')
        *ret_offset_seconds = -*ret_offset_seconds;
    text->length = at - 1;
    return true;
}

/* yyyy-mm-ddThh:mm:ss and a zone; what stands between the digits is free, the end may be missing.
 */
struct classad_value absolute_time_parse(struct slice text, int32_t local_offset_seconds)
{
    int32_t offset_seconds = local_offset_seconds;
    int year, month = 1, day = 1, hours = 0, minutes = 0, seconds = 0, rest;

    text = slice_trim(text);
    take_zone(&text, &offset_seconds);
    if (!take_digits(&text, 4, &year))
        return VALUE_ERROR;
    (void)(take_digits(&text, 2, &month) && take_digits(&text, 2, &day) &&
           take_digits(&text, 2, &hours) && take_digits(&text, 2, &minutes) &&
           take_digits(&text, 2, &seconds));
    if (take_digits(&text, 1, &rest) || month < 1 || month > 12)
        return VALUE_ERROR;
    return value_time(date_to_days(year, month, day) * DAY_SECONDS + hours * HOUR_SECONDS +
                          minutes * MINUTE_SECONDS + seconds - offset_seconds,
                      offset_seconds);
}

/* HTCondor writes UTC as -00:00. */
void absolute_time_print(const struct classad_value *time, struct buffer *text)
{
    struct date date = date_from_time(time->seconds, time->offset_seconds);
    int32_t offset = time->offset_seconds > 0 ? time->offset_seconds : -time->offset_seconds;

    date_format(&date, slice_from_text("%Y-%m-%dT%H:%M:%S"), text);
    buffer_appendf(text, "%c%02d:%02d", time->offset_seconds > 0 ? '+' : '-',
                   (int)(offset / HOUR_SECONDS), (int)(offset / MINUTE_SECONDS % 60));
}

/*
 * Takes a number and one of the letters behind it off the end of the text. Returns false if the
 * text does not end so; `fraction` allows for a point in the number, `bare` for no letter.
 */
static bool take_part(struct slice *text, const char *letters, bool bare, bool fraction,
                      double *ret_number)
{
    struct slice rest = slice_trim(*text);
    size_t start;

    if (rest.length > 0 && strchr(letters, rest.data[rest.length - 1]))
        rest = slice_trim((struct slice){rest.data, rest.length - 1});
    else if (!bare)
        return false;
    for (start = rest.length; start > 0 && text_is_digit(rest.data[start - 1]); start--)
        continue;
    if (fraction && start > 0 && rest.data[start - 1] == '.')
        for (start--; start > 0 && text_is_digit(rest.data[start - 1]); start--)
            continue;
    if (number_parse_double(text_behind(rest, start), ret_number) < 0)
        return false;
    text->length = (size_t)(rest.data + start - text->data);
    return true;
}

/* [-][days+][hh:][mm:]ss[.fff], or with d, h, m and s behind the numbers. */
bool relative_time_parse(struct slice text, double *ret_seconds)
{
    double days = 0, hours = 0, minutes = 0, seconds = 0;
    bool negative, any;

    text = slice_trim(text);
    any = take_part(&text, "sS", true, true, &seconds);
    any = take_part(&text, "mM:", false, false, &minutes) || any;
    any = take_part(&text, "hH:", false, false, &hours) || any;
    any = take_part(&text, "dD+", false, false, &days) || any;
    text = slice_trim(text);
    negative = text.length == 1 && text.data[0] == '-';
    if (!any || (text.length > 0 && !negative))
        return false;
    seconds += days * DAY_SECONDS + hours * HOUR_SECONDS + minutes * MINUTE_SECONDS;
    *ret_seconds = negative ? -seconds : seconds;
    return true;
}

/* The last field: whole, or with six digits as in HTCondor, or with more of them. */
static void print_seconds(double seconds, struct buffer *text)
{
    size_t start = text->length;
    double read;

    buffer_appendf(text, floor(seconds) == seconds ? "%02.0f" : "%02g", seconds);
    for (int digits = 6; digits <= 17; digits++) {
        struct slice written = {text->data + start, text->length - start};

        if (relative_time_parse(written, &read) && read == seconds)
            return;
        text->length = start;
        buffer_appendf(text, "%.*f", digits, seconds);
    }
}

/* Fields that are zero are left out at the front. What no clock shows is printed as a real. */
void relative_time_print(double seconds, struct buffer *text)
{
    int64_t whole, minutes;
    double rest;

    if (!isfinite(seconds)) {
        real_print(seconds, CLASSAD_NEW, text);
        return;
    }
    if (seconds < 0) {
        buffer_append_character(text, '-');
        seconds = -seconds;
    }
    whole = real_to_integer(seconds);
    minutes = whole / MINUTE_SECONDS;
    rest = seconds - (double)(minutes * MINUTE_SECONDS);
    if (whole >= DAY_SECONDS)
        buffer_appendf(text, "%lld+", (long long)(whole / DAY_SECONDS));
    if (whole >= HOUR_SECONDS)
        buffer_appendf(text, "%02d:", (int)(whole % DAY_SECONDS / HOUR_SECONDS));
    if (whole >= MINUTE_SECONDS)
        buffer_appendf(text, "%02d:", (int)(minutes % 60));
    print_seconds(rest, text);
}
