/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dates as text: all conversions of glibc's strftime(3), with its flags, widths and modifiers, in
 * the C locale and without asking the environment for the zone. What it has no meaning for stands
 * for itself. As in HTCondor, which hands on the fields of a date and no zone, %Z is empty and %z
 * is that of UTC.
 */
#include "classad_internal.h"

#include <inttypes.h>

/* Wider than that no field of HTCondor's comes out. */
enum { WIDTH_MAX = 1023 };

/* What stands between a '%' and its letter. */
struct conversion {
    struct slice text; /* the whole */
    char pad;          /* '_', '-' or '0'; NUL: as usual */
    bool upper;
    bool swaps_case;
    size_t width;
    char modifier; /* 'E' or 'O', which change nothing in the C locale; or NUL */
    char letter;   /* NUL: the text ends before it */
};

static char letter_at(struct slice text, size_t at)
{
    return at < text.length ? text.data[at] : '\0';
}

/* Takes "%" and what belongs to it off the front of *format. */
static struct conversion take_conversion(struct slice *format)
{
    struct conversion conversion = {0};
    size_t at = 1;
    char letter;

    for (; (letter = letter_at(*format, at)) != '\0' && strchr("_-0^#", letter); at++) {
        conversion.upper = conversion.upper || letter == '^';
        conversion.swaps_case = conversion.swaps_case || letter == '#';
        if (letter != '^' && letter != '#')
            conversion.pad = letter;
    }
    for (; text_is_digit(letter = letter_at(*format, at)); at++)
        if (conversion.width <= WIDTH_MAX)
            conversion.width = conversion.width * 10 + (size_t)(letter - '0');
    if (conversion.width > WIDTH_MAX)
        conversion.width = WIDTH_MAX;
    if (letter == 'E' || letter == 'O') {
        conversion.modifier = letter;
        letter = letter_at(*format, ++at);
    }
    conversion.letter = letter;
    conversion.text = (struct slice){format->data, at + (letter != '\0')};
    *format = text_behind(*format, conversion.text.length);
    return conversion;
}

/* Where a modifier has no meaning, the whole conversion has none. */
static bool modifier_fits(const struct conversion *conversion)
{
    const char *letters =
        conversion->modifier == 'E' ? "%CcnpPRrsTtuXxYyZz" : "%BbCdeGgHhIjklMmnpPRrsSTtuUVWwyZz";

    return conversion->letter != '\0' &&
           (conversion->modifier == '\0' || strchr(letters, conversion->letter));
}

static void append_padding(size_t length, size_t width, char pad, struct buffer *text)
{
    for (; length < width; length++)
        buffer_append_character(text, pad);
}

/* Digits fill the width, with zeros behind the sign or with spaces in front of it. */
static void append_number(const struct conversion *conversion, int64_t value, size_t digits,
                          char pad, struct buffer *text)
{
    _cleanup_buffer_ struct buffer number = BUFFER_INIT;
    uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
    size_t width = conversion->width > digits ? conversion->width : digits, sign = value < 0;

    pad = conversion->pad != '\0' ? conversion->pad : pad;
    if (pad == '-')
        width = conversion->width;
    buffer_appendf(&number, "%" PRIu64, magnitude);
    if (pad != '0')
        append_padding(number.length + sign, width, ' ', text);
    buffer_append_text(text, sign ? "-" : "");
    if (pad == '0')
        append_padding(number.length + sign, width, '0', text);
    buffer_append(text, number.data, number.length);
}

/* The week of the year, which begins on Sunday (0) or Monday (1). */
static int week_number(const struct date *date, int first_weekday)
{
    return (date->year_day + 7 - (date->weekday + 7 - first_weekday) % 7) / 7;
}

static int64_t days_of(const struct date *date)
{
    return date_to_days(date->year, date->month, date->day);
}

/* Of the week of ISO 8601, which begins on Monday and belongs to the year of this day. */
static struct date thursday_of(const struct date *date)
{
    return date_from_days(days_of(date) - (date->weekday + 6) % 7 + 3);
}

static int64_t seconds_of(const struct date *date)
{
    return days_of(date) * DAY_SECONDS + date->hours * HOUR_SECONDS +
           date->minutes * MINUTE_SECONDS + date->seconds - date->offset_seconds;
}

/* Returns false if the letter means no number. */
static bool format_number(const struct date *date, const struct conversion *conversion,
                          struct buffer *text)
{
    int hour = date->hours % 12 == 0 ? 12 : date->hours % 12;
    struct date thursday = thursday_of(date);
    const struct {
        char letter;
        char pad;
        uint8_t digits;
        int64_t value;
    } numbers[] = {
        {'C', '0', 1, date_quotient(date->year, 100)},
        {'d', '0', 2, date->day},
        {'e', '_', 2, date->day},
        {'g', '0', 2, date_remainder(thursday.year, 100)},
        {'G', '0', 1, thursday.year},
        {'H', '0', 2, date->hours},
        {'I', '0', 2, hour},
        {'j', '0', 3, date->year_day + 1},
        {'k', '_', 2, date->hours},
        {'l', '_', 2, hour},
        {'m', '0', 2, date->month},
        {'M', '0', 2, date->minutes},
        {'S', '0', 2, date->seconds},
        {'u', '0', 1, date->weekday == 0 ? 7 : date->weekday},
        {'U', '0', 2, week_number(date, 0)},
        {'V', '0', 2, thursday.year_day / 7 + 1},
        {'w', '0', 1, date->weekday},
        {'W', '0', 2, week_number(date, 1)},
        {'y', '0', 2, date_remainder(date->year, 100)},
        {'Y', '0', 1, date->year},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++)
        if (numbers[i].letter == conversion->letter) {
            append_number(conversion, numbers[i].value, numbers[i].digits, numbers[i].pad, text);
            return true;
        }
    return false;
}

/* What some conversions are short for. */
static const char *compound_format(char letter)
{
    switch (letter) {
    case 'c':
        return "%a %b %e %H:%M:%S %Y";
    case 'D':
    case 'x':
        return "%m/%d/%y";
    case 'F':
        return "%Y-%m-%d";
    case 'r':
        return "%I:%M:%S %p";
    case 'R':
        return "%H:%M";
    case 'T':
    case 'X':
        return "%H:%M:%S";
    }
    return NULL;
}

static const char *name_of(const struct date *date, char letter)
{
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};

    switch (letter) {
    case 'a':
    case 'A':
        return date_weekday_name(date->weekday);
    case 'b':
    case 'B':
    case 'h':
        return months[date->month - 1];
    case 'n':
        return "\n";
    case 'p':
        return date->hours < 12 ? "AM" : "PM";
    case 'P':
        return date->hours < 12 ? "am" : "pm";
    case 't':
        return "\t";
    case 'z':
        return "+0000";
    case 'Z':
        return "";
    case '%':
        return "%";
    }
    return NULL;
}

static void change_case(struct buffer *words, char (*change)(char character))
{
    for (size_t i = 0; i < words->length; i++)
        words->data[i] = change(words->data[i]);
}

/* A word or several, before they are padded. The seconds since 1970 are padded like one. */
static void format_words(const struct date *date, const struct conversion *conversion,
                         struct buffer *words)
{
    char letter = modifier_fits(conversion) ? conversion->letter : '\0';
    const char *compound = compound_format(letter), *name = name_of(date, letter);

    if (compound)
        date_format(date, slice_from_text(compound), words);
    else if (letter == 's')
        buffer_appendf(words, "%" PRId64, seconds_of(date));
    else if (name)
        buffer_appendf(words, letter == 'a' || letter == 'b' || letter == 'h' ? "%.3s" : "%s",
                       name);
    else
        buffer_append_slice(words, conversion->text);
    if (letter == 'p' && conversion->swaps_case)
        change_case(words, text_lower);
    else if (letter != 'P' && (conversion->upper || (name && conversion->swaps_case)))
        change_case(words, text_upper);
}

static void format_conversion(const struct date *date, const struct conversion *conversion,
                              struct buffer *text)
{
    _cleanup_buffer_ struct buffer words = BUFFER_INIT;

    if (modifier_fits(conversion) && format_number(date, conversion, text))
        return;
    format_words(date, conversion, &words);
    append_padding(words.length, conversion->width, conversion->pad == '0' ? '0' : ' ', text);
    buffer_append(text, buffer_text(&words), words.length);
}

/* What is longer than a value may be is not gone on with. */
void date_format(const struct date *date, struct slice format, struct buffer *text)
{
    while (format.length > 0 && text->length <= CLASSAD_VALUE_SIZE_MAX) {
        const char *percent = memchr(format.data, '%', format.length);
        struct slice plain = {format.data,
                              percent ? (size_t)(percent - format.data) : format.length};
        struct conversion conversion;

        buffer_append_slice(text, plain);
        format = text_behind(format, plain.length);
        if (format.length == 0)
            return;
        conversion = take_conversion(&format);
        format_conversion(date, &conversion, text);
    }
}
