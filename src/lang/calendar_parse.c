/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See calendar.h for the grammar. One token is looked at ahead, and its first character says
 * whether it is a time: days have no digits. That is why a comma can stand between days as well
 * as between periods.
 *
 * Nothing is guessed: a mistake in working hours would show as a computer that is taken away from
 * its owner at ten in the morning. Each message has the text that is wrong and its place.
 */
#include "calendar_internal.h"
#include "date.h"
#include "source.h"
#include "text.h"

#include "base/memory.h"
#include "base/spelling.h"

#include <errno.h>

/* The shortest that tells the days apart. */
enum { WEEKDAY_LENGTH_MIN = 2 };

struct reader {
    const char *text;
    struct slice rest;
    struct slice token; /* what comes next; empty at the end of the text */
    struct error *err;
};

/* ---- mistakes ---- */

static bool byte_begins_character(char byte)
{
    return (byte & 0xc0) != 0x80;
}

/* Counted from 1, in characters of UTF-8. */
static size_t reader_column(const struct reader *reader, const char *at)
{
    size_t column = 1;

    for (const char *byte = reader->text; byte < at; byte++)
        column += byte_begins_character(*byte);
    return column;
}

/*
 * "'Fry' at character 5 is no day of the week", or what is missing if the text ends there. NULL
 * for that where it cannot end.
 */
static int refuse(const struct reader *reader, struct slice token, const char *what_is_wrong,
                  const char *what_is_missing)
{
    if (token.length == 0)
        return error_set(reader->err, -EINVAL, "it ends where %s should follow", what_is_missing);
    return error_set(reader->err, -EINVAL, "'%.*s' at character %zu %s", SLICE_SHOWN(token),
                     reader_column(reader, token.data), what_is_wrong);
}

static int refuse_with_example(const struct reader *reader, struct slice token,
                               const char *what_is_wrong, const char *what_is_missing)
{
    int r = refuse(reader, token, what_is_wrong, what_is_missing);

    error_hint(reader->err, "write hours as in 'Mon-Fri 07:00-12:00, 13:00-19:00; Sat "
                            "22:00-06:00', 'always' or 'never'");
    return r;
}

static int refuse_weekday(const struct reader *reader)
{
    static const char *const words[] = {
        "Mon",     "Tue",       "Wed",      "Thu",    "Fri",      "Sat",    "Sun",   "Monday",
        "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "never", "always",
    };
    _cleanup_free_ char *word = slice_copy(reader->token);
    const char *nearest = spelling_nearest(word, words, ARRAY_LENGTH(words));
    int r =
        refuse_with_example(reader, reader->token, "is no day of the week", "a day of the week");

    /* The right word in the wrong place is none to propose. */
    if (nearest && text_compare_ignoring_case(nearest, word) != 0)
        error_hint(reader->err, "did you mean '%s'?", nearest);
    return r;
}

static int refuse_time(const struct reader *reader, struct slice token)
{
    int r = refuse(reader, token, "is no time of the day", "a time of the day");

    error_hint(reader->err, "write times from 00:00 to 23:59, and 24:00 for an end at midnight");
    return r;
}

/* ---- tokens ---- */

/* More than times and days are made of, so that a message shows all of "7am" and of "07.30". */
static bool is_of_word(char character)
{
    return text_is_letter(character) || text_is_digit(character) || character == ':' ||
           character == '.';
}

/* A word, or a single character, however many bytes that has. */
static void reader_next(struct reader *reader)
{
    struct slice rest = slice_trim(reader->rest);
    size_t length = 0;

    while (length < rest.length && is_of_word(rest.data[length]))
        length++;
    if (length == 0 && rest.length > 0)
        for (length = 1; length < rest.length && !byte_begins_character(rest.data[length]);)
            length++;
    reader->token = (struct slice){rest.data, length};
    reader->rest = text_behind(rest, length);
}

static bool at_end(const struct reader *reader)
{
    return reader->token.length == 0;
}

static bool at_character(const struct reader *reader, char character)
{
    return !at_end(reader) && reader->token.data[0] == character;
}

static bool at_time(const struct reader *reader)
{
    return !at_end(reader) && text_is_digit(reader->token.data[0]);
}

/* ---- hours ---- */

/* 0..6, where 0 is Sunday. */
static int read_weekday(struct reader *reader, int *ret_weekday)
{
    _cleanup_free_ char *word = slice_copy(reader->token);

    for (int weekday = 0; weekday < 7; weekday++) {
        if (reader->token.length < WEEKDAY_LENGTH_MIN ||
            !text_begins(slice_from_text(date_weekday_name(weekday)), word))
            continue;
        *ret_weekday = weekday;
        reader_next(reader);
        return 0;
    }
    return refuse_weekday(reader);
}

/* DAY or DAY-DAY; the second may come before the first in the week. */
static int read_weekday_range(struct reader *reader, uint8_t *weekdays)
{
    int first, last, r = read_weekday(reader, &first);

    if (r < 0)
        return r;
    last = first;
    if (at_character(reader, '-')) {
        reader_next(reader);
        r = read_weekday(reader, &last);
        if (r < 0)
            return r;
    }
    for (int weekday = first; weekday != last; weekday = (weekday + 1) % 7)
        *weekdays |= (uint8_t)(1u << weekday);
    *weekdays |= (uint8_t)(1u << last);
    return 0;
}

/* All days up to the time that must follow. */
static int read_weekdays(struct reader *reader, uint8_t *ret_weekdays)
{
    uint8_t weekdays = 0;
    int r;

    while (!at_time(reader)) {
        r = read_weekday_range(reader, &weekdays);
        if (r < 0)
            return r;
        if (at_character(reader, ','))
            reader_next(reader);
        else if (!at_time(reader))
            return refuse_with_example(reader, reader->token,
                                       "stands where the hours of these days should",
                                       "the hours of these days");
    }
    *ret_weekdays = weekdays;
    return 0;
}

/* Takes a number of one or two digits off the front of *text. */
static bool take_two_digits(struct slice *text, uint16_t *ret_number)
{
    uint16_t number = 0;
    size_t length = 0;

    while (length < 2 && length < text->length && text_is_digit(text->data[length]))
        number = (uint16_t)(number * 10 + (text->data[length++] - '0'));
    *text = text_behind(*text, length);
    *ret_number = number;
    return length > 0;
}

/* H:MM or HH:MM, up to 24:00. */
static int read_time(struct reader *reader, uint16_t *ret_minute)
{
    struct slice text = reader->token;
    uint16_t hours, minutes;

    if (!take_two_digits(&text, &hours) || text.length != 3 || text.data[0] != ':')
        return refuse_time(reader, reader->token);
    text = text_behind(text, 1);
    if (!text_is_digit(text.data[0]) || !take_two_digits(&text, &minutes) || text.length > 0 ||
        minutes >= HOUR_MINUTES || hours * HOUR_MINUTES + minutes > DAY_MINUTES)
        return refuse_time(reader, reader->token);
    *ret_minute = (uint16_t)(hours * HOUR_MINUTES + minutes);
    reader_next(reader);
    return 0;
}

static int read_span(struct reader *reader, struct calendar_period *period)
{
    struct slice begin = reader->token, end;
    int r = read_time(reader, &period->begin);

    if (r < 0)
        return r;
    if (period->begin == DAY_MINUTES)
        return refuse_time(reader, begin);
    if (!at_character(reader, '-'))
        return refuse_with_example(reader, reader->token, "stands where '-' and an end should",
                                   "'-' and an end");
    reader_next(reader);
    end = reader->token;
    r = read_time(reader, &period->end);
    if (r < 0)
        return r;
    if (period->end == period->begin) {
        r = refuse(reader, end, "ends the period where it begins", NULL);
        error_hint(reader->err, "write 00:00-24:00 for the whole day");
        return r;
    }
    if (period->end < period->begin)
        period->end = (uint16_t)(period->end + DAY_MINUTES);
    return 0;
}

static void calendar_add_period(struct calendar *calendar, struct calendar_period period)
{
    array_reserve(calendar->periods, calendar->period_capacity, calendar->period_count + 1);
    calendar->periods[calendar->period_count++] = period;
}

/* Periods up to a semicolon, or to the end of the text. */
static int read_clause(struct reader *reader, struct calendar *calendar)
{
    struct calendar_period period = {.weekdays = EVERY_DAY};
    bool goes_on = true;

    while (goes_on) {
        int r = at_time(reader) ? 0 : read_weekdays(reader, &period.weekdays);

        if (r == 0)
            r = read_span(reader, &period);
        if (r < 0)
            return r;
        if (calendar->period_count == CALENDAR_PERIODS_MAX)
            return error_set(reader->err, -E2BIG, "there are more than %d periods",
                             CALENDAR_PERIODS_MAX);
        calendar_add_period(calendar, period);
        goes_on = at_character(reader, ',');
        if (goes_on)
            reader_next(reader);
    }
    if (at_end(reader) || at_character(reader, ';'))
        return 0;
    return refuse_with_example(reader, reader->token, "stands where ',' or ';' should", NULL);
}

static int read_hours(struct reader *reader, struct calendar *calendar)
{
    bool goes_on = true;

    while (goes_on) {
        int r = read_clause(reader, calendar);

        if (r < 0)
            return r;
        goes_on = at_character(reader, ';');
        if (goes_on)
            reader_next(reader);
    }
    return 0;
}

int calendar_parse(const char *text, struct calendar *calendar, struct error *err)
{
    static const struct calendar_period always = {.weekdays = EVERY_DAY, .end = DAY_MINUTES};
    _cleanup_calendar_ struct calendar read = CALENDAR_INIT;
    struct reader reader = {.text = text, .rest = slice_from_text(text), .err = err};
    struct slice whole = slice_trim(reader.rest);
    int r = 0;

    reader_next(&reader);
    if (slice_equals_ignoring_case(whole, "always"))
        calendar_add_period(&read, always);
    else if (whole.length > 0 && !slice_equals_ignoring_case(whole, "never"))
        r = read_hours(&reader, &read);
    if (r < 0)
        return r;
    free(calendar->periods);
    calendar->periods = take_pointer(read.periods);
    calendar->period_count = read.period_count;
    calendar->period_capacity = read.period_capacity;
    return 0;
}

/* ---- holidays ---- */

static int refuse_holiday(const struct reader *reader, struct slice token,
                          const char *what_is_wrong)
{
    int r = refuse(reader, token, what_is_wrong, "a date");

    error_hint(reader->err, "write 2026-12-25 for a day, 12-25 for a day of each year, and "
                            "2026-12-27..2027-01-06 for all days between");
    return r;
}

static bool text_begins_range(struct slice text)
{
    return text_begins(text, "..");
}

/* Blanks do not matter, nor how many commas and semicolons stand between two holidays. */
static void skip_separators(struct reader *reader)
{
    while (reader->rest.length > 0 &&
           (text_is_space(reader->rest.data[0]) || strchr(",;", reader->rest.data[0])))
        reader->rest = text_behind(reader->rest, 1);
}

/* Whatever stands before a blank, a separator or "..": the token. */
static void reader_next_date(struct reader *reader)
{
    struct slice rest = slice_trim(reader->rest);
    size_t length = 0;

    while (length < rest.length && !text_is_space(rest.data[length]) &&
           !strchr(",;", rest.data[length]) && !text_begins_range(text_behind(rest, length)))
        length++;
    reader->token = (struct slice){rest.data, length};
    reader->rest = text_behind(rest, length);
}

/* Takes exactly `count` digits off the front of *text, and a '-' behind them unless it ends. */
static bool take_number(struct slice *text, size_t count, int *ret_number)
{
    if (!text_take_digits(text, count, ret_number))
        return false;
    if (text->length == 0)
        return true;
    if (text->data[0] != '-')
        return false;
    *text = text_behind(*text, 1);
    return true;
}

/* YYYY-MM-DD, or MM-DD, which is yearly. */
static bool parse_date(struct slice text, bool *ret_is_yearly, int32_t *ret_day)
{
    bool is_yearly = text.length == strlen("MM-DD");
    /* A year that has a 29th of February. */
    int year = 2000, month, day;
    struct date date;
    int64_t days;

    if (!is_yearly && (text.length != strlen("YYYY-MM-DD") || !take_number(&text, 4, &year)))
        return false;
    if (!take_number(&text, 2, &month) || !take_number(&text, 2, &day))
        return false;
    if (month < 1 || month > 12)
        return false;
    /* A day that the month lacks becomes one of another. */
    days = date_to_days(year, month, day);
    date = date_from_days(days);
    if (date.month != month || date.day != day)
        return false;
    *ret_is_yearly = is_yearly;
    *ret_day = is_yearly ? calendar_year_day(month, day) : (int32_t)days;
    return true;
}

static int read_date(struct reader *reader, bool *ret_is_yearly, int32_t *ret_day)
{
    reader_next_date(reader);
    if (!parse_date(reader->token, ret_is_yearly, ret_day))
        return refuse_holiday(reader, reader->token, "is no date");
    return 0;
}

/* A date, or a range of dates. */
static int read_holiday(struct reader *reader, struct calendar_holiday *holiday)
{
    bool last_is_yearly;
    struct slice rest;
    int r = read_date(reader, &holiday->is_yearly, &holiday->first);

    if (r < 0)
        return r;
    holiday->last = holiday->first;
    rest = slice_trim(reader->rest);
    if (!text_begins_range(rest))
        return 0;
    reader->rest = text_behind(rest, strlen(".."));
    r = read_date(reader, &last_is_yearly, &holiday->last);
    if (r < 0)
        return r;
    if (last_is_yearly != holiday->is_yearly)
        return refuse_holiday(reader, reader->token,
                              "and the date before it are one with a year and one without");
    if (!last_is_yearly && holiday->last < holiday->first)
        return refuse_holiday(reader, reader->token, "lies before the date that it follows");
    return 0;
}

int calendar_add_holidays(struct calendar *calendar, const char *text, struct error *err)
{
    struct reader reader = {.text = text, .rest = slice_from_text(text), .err = err};
    size_t count = calendar->holiday_count;
    int r;

    /* They count only when all were read. */
    for (skip_separators(&reader); reader.rest.length > 0; skip_separators(&reader)) {
        if (count == CALENDAR_HOLIDAYS_MAX)
            return error_set(err, -E2BIG, "there are more than %d holidays", CALENDAR_HOLIDAYS_MAX);
        array_reserve(calendar->holidays, calendar->holiday_capacity, count + 1);
        r = read_holiday(&reader, &calendar->holidays[count]);
        if (r < 0)
            return r;
        count++;
    }
    calendar->holiday_count = count;
    return 0;
}
