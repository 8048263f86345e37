/* SPDX-License-Identifier: Apache-2.0 */
/* Functions on times. What time it is, and in which zone, the evaluator was told. */
#include "classad_internal.h"

enum {
    FORMAT_STEPS = 20, /* what a letter of a format costs: one may stand for a whole date */
    SPLIT_STEPS = 30   /* what an ad of the parts of a date costs */
};

static struct classad_value value_now(const struct call *call)
{
    const struct classad_evaluator *evaluator = call->evaluation->evaluator;

    return value_time(evaluator->now_seconds, evaluator->utc_offset_seconds);
}

/* time(), currentTime(), timeZoneOffset() and dayTime(). */
struct classad_value classad_function_time(struct call *call)
{
    struct classad_value now = value_now(call);
    struct date date;

    if (call->variant == 't')
        return value_integer(now.seconds);
    if (call->variant == 'c')
        return now;
    if (call->variant == 'z')
        return value_relative_time(now.offset_seconds);
    date = date_from_time(now.seconds, now.offset_seconds);
    return value_relative_time(date.hours * 3600.0 + date.minutes * 60.0 + date.seconds);
}

/* The zone of a time that is made, from the second argument. */
static bool take_offset(struct call *call, int32_t *ret_offset_seconds)
{
    struct classad_value offset;
    int64_t seconds;

    *ret_offset_seconds = call->evaluation->evaluator->utc_offset_seconds;
    if (call->count < 2)
        return true;
    offset = call_argument(call, 1);
    if (!value_is_number(&offset) && offset.type != CLASSAD_RELATIVE_TIME)
        return false;
    seconds = value_to_integer(call->evaluation, &offset).integer;
    if (seconds < -ZONE_SECONDS_MAX || seconds > ZONE_SECONDS_MAX)
        return false;
    *ret_offset_seconds = (int32_t)seconds;
    return true;
}

static struct classad_value make_absolute(struct call *call, const struct classad_value *argument)
{
    int32_t offset_seconds;

    if (argument->type == CLASSAD_ABSOLUTE_TIME)
        return *argument;
    if (!take_offset(call, &offset_seconds))
        return VALUE_ERROR;
    if (argument->type == CLASSAD_STRING)
        return call->count == 1 ? absolute_time_parse(value_text(argument), offset_seconds)
                                : VALUE_ERROR;
    return value_time(value_to_integer(call->evaluation, argument).integer, offset_seconds);
}

static struct classad_value make_relative(struct call *call, const struct classad_value *argument)
{
    double seconds;

    if (argument->type == CLASSAD_STRING)
        return relative_time_parse(value_text(argument), &seconds) ? value_relative_time(seconds)
                                                                   : VALUE_ERROR;
    return value_relative_time(value_to_real(call->evaluation, argument).real);
}

/* absTime() and relTime(). */
struct classad_value classad_function_make_time(struct call *call)
{
    struct classad_value argument = call->count > 0 ? call_argument(call, 0) : value_now(call);

    switch (argument.type) {
    case CLASSAD_UNDEFINED:
        return argument;
    case CLASSAD_ERROR:
    case CLASSAD_BOOLEAN:
    case CLASSAD_LIST:
    case CLASSAD_AD:
        return VALUE_ERROR;
    case CLASSAD_INTEGER:
    case CLASSAD_REAL:
    case CLASSAD_STRING:
    case CLASSAD_ABSOLUTE_TIME:
    case CLASSAD_RELATIVE_TIME:
        break;
    }
    return call->variant == CLASSAD_ABSOLUTE_TIME ? make_absolute(call, &argument)
                                                  : make_relative(call, &argument);
}

/* A length of time in days, hours, minutes and seconds, each with the sign of the whole. */
struct length {
    int64_t days, hours, minutes, seconds;
    double fraction;
};

static struct length length_split(double seconds)
{
    int64_t whole = real_to_integer(seconds);

    return (struct length){
        .days = whole / 86400,
        .hours = whole % 86400 / 3600,
        .minutes = whole % 3600 / 60,
        .seconds = whole % 60,
        .fraction = seconds - (double)whole,
    };
}

static struct classad_value absolute_field(const struct date *date, int variant)
{
    switch (variant) {
    case 'Y':
        return value_integer(date->year);
    case 'M':
        return value_integer(date->month);
    case 'y':
        return value_integer(date->year_day);
    case 'm':
        return value_integer(date->day);
    case 'w':
        return value_integer(date->weekday);
    case 'h':
        return value_integer(date->hours);
    case 'n':
        return value_integer(date->minutes);
    case 's':
        return value_integer(date->seconds);
    }
    return VALUE_ERROR;
}

static struct classad_value relative_field(const struct length *length, int variant)
{
    switch (variant) {
    case 'd':
        return value_integer(length->days);
    case 'h':
        return value_integer(length->hours);
    case 'n':
        return value_integer(length->minutes);
    case 's':
        return value_integer(length->seconds);
    }
    return VALUE_ERROR;
}

/* getYear() and its kind; dates are those of the zone here. */
struct classad_value classad_function_time_field(struct call *call)
{
    struct classad_value argument = call_argument(call, 0);
    struct length length;
    struct date date;

    if (argument.type == CLASSAD_RELATIVE_TIME) {
        length = length_split(argument.real);
        return relative_field(&length, call->variant);
    }
    if (argument.type != CLASSAD_ABSOLUTE_TIME)
        return VALUE_ERROR;
    date = date_from_time(argument.seconds, call->evaluation->evaluator->utc_offset_seconds);
    return absolute_field(&date, call->variant);
}

/* An ad of values, as splitTime() makes it. */
struct ad_builder {
    struct evaluation *evaluation;
    struct attributes *attributes;
};

static void ad_builder_add(struct ad_builder *builder, const char *name, struct classad_value value)
{
    struct arena *arena = &builder->evaluation->evaluator->arena;
    struct name key = name_from_slice(slice_from_text(name));

    attributes_put(builder->attributes, arena, &key, classad_node_literal(arena, value));
}

static struct classad_value ad_builder_finish(struct ad_builder *builder)
{
    struct classad_scope *scope = evaluation_allocate(builder->evaluation, 1, sizeof(*scope));

    if (!scope)
        return VALUE_ERROR;
    *scope = (struct classad_scope){.attributes = builder->attributes};
    return (struct classad_value){.type = CLASSAD_AD, .ad = scope};
}

static void add_date(struct ad_builder *builder, const struct classad_value *time)
{
    struct date date = date_from_time(time->seconds, time->offset_seconds);

    ad_builder_add(builder, "Type", value_string(slice_from_text("AbsoluteTime")));
    ad_builder_add(builder, "Year", value_integer(date.year));
    ad_builder_add(builder, "Month", value_integer(date.month));
    ad_builder_add(builder, "Day", value_integer(date.day));
    ad_builder_add(builder, "Hours", value_integer(date.hours));
    ad_builder_add(builder, "Minutes", value_integer(date.minutes));
    ad_builder_add(builder, "Seconds", value_integer(date.seconds));
    ad_builder_add(builder, "Offset", value_integer(time->offset_seconds));
}

static void add_length(struct ad_builder *builder, double seconds)
{
    struct length length = length_split(seconds);

    ad_builder_add(builder, "Type", value_string(slice_from_text("RelativeTime")));
    ad_builder_add(builder, "Days", value_integer(length.days));
    ad_builder_add(builder, "Hours", value_integer(length.hours));
    ad_builder_add(builder, "Minutes", value_integer(length.minutes));
    ad_builder_add(builder, "Seconds",
                   length.fraction != 0 ? value_real((double)length.seconds + length.fraction)
                                        : value_integer(length.seconds));
}

/* A number is a time of this zone. */
static bool take_time(struct call *call, const struct classad_value *argument,
                      struct classad_value *ret_time)
{
    if (argument->type == CLASSAD_ABSOLUTE_TIME) {
        *ret_time = *argument;
        return true;
    }
    if (!value_is_number(argument))
        return false;
    *ret_time = value_now(call);
    ret_time->seconds = value_to_integer(call->evaluation, argument).integer;
    return true;
}

struct classad_value classad_function_split_time(struct call *call)
{
    struct classad_value argument = call_argument(call, 0);
    struct ad_builder builder = {.evaluation = call->evaluation};
    struct classad_value time;

    if (!evaluation_spend(call->evaluation, SPLIT_STEPS))
        return VALUE_ERROR;
    builder.attributes =
        evaluation_allocate(call->evaluation, 1, sizeof(*builder.attributes) + 4096);
    if (!builder.attributes)
        return VALUE_ERROR;
    *builder.attributes = (struct attributes){0};
    if (argument.type == CLASSAD_RELATIVE_TIME)
        add_length(&builder, argument.real);
    else if (take_time(call, &argument, &time))
        add_date(&builder, &time);
    else
        return VALUE_ERROR;
    return ad_builder_finish(&builder);
}

/* A field of what splitTime() makes; 0 if it is not there. */
static int64_t field_of(struct call *call, const struct classad_value *ad, const char *text)
{
    struct name name = name_from_slice(slice_from_text(text));
    const struct classad_node *node = attributes_find(ad->ad->attributes, &name);
    struct classad_value value;

    if (!node)
        return 0;
    value = classad_node_evaluate_in(call->evaluation, node, ad->ad);
    value = value_to_integer(call->evaluation, &value);
    return value.type == CLASSAD_INTEGER && value.integer >= 0 && value.integer < 100000
               ? value.integer
               : 0;
}

/* The limits keep the tables of names safe; a month of 0 is January. */
static int bounded(int64_t number, int least, int most)
{
    return number < least ? least : number > most ? most : (int)number;
}

static struct date date_from_ad(struct call *call, const struct classad_value *ad)
{
    struct date date = {
        .year = field_of(call, ad, "Year"),
        .month = bounded(field_of(call, ad, "Month"), 1, 12),
        .day = bounded(field_of(call, ad, "Day"), 1, 31),
        .hours = bounded(field_of(call, ad, "Hours"), 0, 23),
        .minutes = bounded(field_of(call, ad, "Minutes"), 0, 59),
        .seconds = bounded(field_of(call, ad, "Seconds"), 0, 60),
        .offset_seconds = call->evaluation->evaluator->utc_offset_seconds,
    };

    date_complete(&date);
    return date;
}

/* formatTime([time[, format]]): of a time, a number, or what splitTime() made of one. */
struct classad_value classad_function_format_time(struct call *call)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    struct classad_value argument = call->count > 0 ? call_argument(call, 0) : value_now(call);
    struct classad_value format =
        call->count > 1 ? call_argument(call, 1) : value_string(slice_from_text("%c"));
    struct classad_value time;
    struct date date;

    if (format.type != CLASSAD_STRING ||
        !evaluation_spend(call->evaluation, FORMAT_STEPS * format.length))
        return VALUE_ERROR;
    if (argument.type == CLASSAD_AD)
        date = date_from_ad(call, &argument);
    else if (take_time(call, &argument, &time))
        date = date_from_time(time.seconds, time.offset_seconds);
    else
        return VALUE_ERROR;
    date_format(&date, value_text(&format), &text);
    return evaluation_string(call->evaluation, (struct slice){buffer_text(&text), text.length});
}

static int64_t magnitude(int64_t number)
{
    return number < 0 ? -number : number;
}

/* days+hh:mm:ss, the fields in front left out while they are 0; the sign is the first one's. */
struct classad_value classad_function_interval(struct call *call)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    struct classad_value argument = call_argument(call, 0);
    struct classad_value seconds = value_to_integer(call->evaluation, &argument);
    struct length length;

    if (seconds.type != CLASSAD_INTEGER)
        return VALUE_ERROR;
    length = (struct length){
        .days = seconds.integer / 86400,
        .hours = seconds.integer % 86400 / 3600,
        .minutes = seconds.integer % 3600 / 60,
        .seconds = seconds.integer % 60,
    };
    if (length.days != 0)
        buffer_appendf(&text, "%lld+%02d:%02d:%02d", (long long)length.days,
                       (int)magnitude(length.hours), (int)magnitude(length.minutes),
                       (int)magnitude(length.seconds));
    else if (length.hours != 0)
        buffer_appendf(&text, "%d:%02d:%02d", (int)length.hours, (int)magnitude(length.minutes),
                       (int)magnitude(length.seconds));
    else if (length.minutes != 0)
        buffer_appendf(&text, "%d:%02d", (int)length.minutes, (int)magnitude(length.seconds));
    else
        buffer_appendf(&text, "%d", (int)length.seconds);
    return evaluation_string(call->evaluation, (struct slice){buffer_text(&text), text.length});
}
