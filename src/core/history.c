/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See history.h. Rates are ends per hour, with RATE_SHIFT bits behind the point. An hour that came
 * to an end counts as watched whole, as those do that did not: of an owner who comes at nine each
 * day, nothing of the hour behind nine is ever left to be seen.
 *
 * The constants were chosen where made-up owners were foretold best: such with the distributions of
 * two pools' traces, with and without office hours, and such who keep office hours strictly.
 */
#include "core/history.h"

enum {
    HOUR_S = 3600,
    WEEK_S = HISTORY_HOURS * HOUR_S,
    DAY_HOURS = 24,
    PARTS = 1024,      /* of an hour, and of an end */
    CERTAIN = 1 << 16, /* the chance of what will surely be so */
    /* What is three weeks old counts half: 0.8 ^ 3. */
    FADE_NUMERATOR = 4,
    FADE_DENOMINATOR = 5,
    /* After so many weeks nothing is left. */
    FADE_WEEKS_MAX = 64,
    /* Longer ago is too old to be added. */
    ADD_WEEKS_MAX = 8,
    /* A node that was never seen: an end in twelve hours, as if twelve had been watched. */
    UNSEEN_HOURS = 12 * PARTS,
    UNSEEN_ENDS = PARTS,
    /* How much an hour of the day leans on the mean, an hour of the week on that of the day. */
    DAY_LEANS = 4 * PARTS,
    WEEK_LEANS = 4 * PARTS,
    /* How much an age leans on what most nodes are like. */
    AGE_LEANS = 3 * PARTS,
    RATE_SHIFT = 24,
    /* Beyond it nothing is left of a minute: 64 ends an hour. */
    RATE_MAX = 64 << RATE_SHIFT,
    /* Chances below e^-16 are taken for that. */
    EXPONENT_MAX = 16 * CERTAIN,
    STAY_UNIT_S = 300,
    STAY_PER_DOUBLING = 4
};

static const uint64_t age_limits_s[HISTORY_AGES] = {900, 3600, 4 * 3600, 16 * 3600, UINT64_MAX};

/* Ends in AGE_LEANS: of a Weibull distribution of shape 1/2 whose mean is twelve hours. */
static const uint64_t age_usual_ends[HISTORY_AGES] = {2507, 836, 418, 209, 104};

/* ---- adding ---- */

static void fade_parts(uint16_t *parts)
{
    *parts = (uint16_t)(*parts * FADE_NUMERATOR / FADE_DENOMINATOR);
}

static void fade_sum(uint32_t *sum)
{
    *sum = (uint32_t)((uint64_t)*sum * FADE_NUMERATOR / FADE_DENOMINATOR);
}

/* Nothing fades twice: a week that was reached before changes nothing. */
static void fade(struct history *history, uint64_t week)
{
    uint64_t weeks;

    if (week <= history->week)
        return;
    weeks = week - history->week;
    history->week = (uint32_t)week;
    for (uint64_t i = 0; i < weeks && i < FADE_WEEKS_MAX; i++) {
        for (int hour = 0; hour < HISTORY_HOURS; hour++) {
            fade_parts(&history->watched[hour]);
            fade_parts(&history->ends[hour]);
        }
        for (int age = 0; age < HISTORY_AGES; age++) {
            fade_sum(&history->age_watched[age]);
            fade_sum(&history->age_ends[age]);
        }
    }
}

static void add_parts(uint16_t *cell, uint64_t parts)
{
    uint64_t sum = *cell + parts;

    *cell = (uint16_t)(sum < UINT16_MAX ? sum : UINT16_MAX);
}

static void add_sum(uint32_t *sum, uint64_t parts)
{
    uint64_t all = *sum + parts;

    *sum = (uint32_t)(all < UINT32_MAX ? all : UINT32_MAX);
}

static uint64_t hour_of(uint64_t time_s)
{
    return time_s / HOUR_S % HISTORY_HOURS;
}

/* A clock that was put back makes a node free since the future: it has just begun, then. */
static int age_of(uint64_t since_s, uint64_t time_s)
{
    uint64_t free_s = time_s > since_s ? time_s - since_s : 0;
    int age = 0;

    while (free_s >= age_limits_s[age])
        age++;
    return age;
}

/* Where the next hour begins, or it is older by the next age, but not behind the end. */
static uint64_t piece_end(uint64_t since_s, uint64_t at_s, uint64_t end_s)
{
    uint64_t until_s = (at_s / HOUR_S + 1) * HOUR_S;
    uint64_t limit_s = age_limits_s[age_of(since_s, at_s)];

    if (limit_s < UINT64_MAX && since_s + limit_s < until_s)
        until_s = since_s + limit_s;
    return until_s < end_s ? until_s : end_s;
}

static void add_end(struct history *history, uint64_t since_s, uint64_t at_s)
{
    add_parts(&history->ends[hour_of(at_s)], PARTS);
    add_parts(&history->watched[hour_of(at_s)], (HOUR_S - at_s % HOUR_S) * PARTS / HOUR_S);
    add_sum(&history->age_ends[age_of(since_s, at_s)], PARTS);
}

void history_add(struct history *history, uint64_t since_s, uint64_t from_s, uint64_t to_s,
                 bool has_ended)
{
    const uint64_t longest_s = (uint64_t)ADD_WEEKS_MAX * WEEK_S;

    if (to_s < from_s)
        return;
    if (to_s - from_s > longest_s)
        from_s = to_s - longest_s;
    /* A clock that was put right may have been in the future. */
    if (to_s / WEEK_S < history->week)
        history->week = (uint32_t)(to_s / WEEK_S);
    while (from_s < to_s) {
        uint64_t until_s = piece_end(since_s, from_s, to_s);
        uint64_t parts = (until_s - from_s) * PARTS / HOUR_S;

        fade(history, from_s / WEEK_S);
        add_parts(&history->watched[hour_of(from_s)], parts);
        add_sum(&history->age_watched[age_of(since_s, from_s)], parts);
        from_s = until_s;
    }
    fade(history, to_s / WEEK_S);
    if (has_ended)
        add_end(history, since_s, to_s);
}

/* ---- asking ---- */

/* What was seen, leaning on another rate as if that had been seen for so long. */
static uint64_t rate_of(uint64_t ends, uint64_t watched, uint64_t leaning, uint64_t on)
{
    uint64_t rate = ((ends << RATE_SHIFT) + leaning * on) / (watched + leaning);

    return rate < RATE_MAX ? rate : RATE_MAX;
}

/* The sums that every answer needs, added up once. */
struct foretelling {
    const struct history *history;
    uint64_t since_s;
    uint64_t mean;
    uint64_t of_day[DAY_HOURS];
};

static void begin(struct foretelling *foretelling, const struct history *history, uint64_t since_s)
{
    uint64_t ends[DAY_HOURS] = {0}, watched[DAY_HOURS] = {0}, all_ends = 0, all_watched = 0;

    for (int hour = 0; hour < HISTORY_HOURS; hour++) {
        ends[hour % DAY_HOURS] += history->ends[hour];
        watched[hour % DAY_HOURS] += history->watched[hour];
        all_ends += history->ends[hour];
        all_watched += history->watched[hour];
    }
    foretelling->history = history;
    foretelling->since_s = since_s;
    foretelling->mean = rate_of(all_ends + UNSEEN_ENDS, all_watched + UNSEEN_HOURS, 0, 0);
    for (int hour = 0; hour < DAY_HOURS; hour++)
        foretelling->of_day[hour] =
            rate_of(ends[hour], watched[hour], DAY_LEANS, foretelling->mean);
}

/* The rate of that age, times how much worse or better than the mean that hour is. */
static uint64_t rate_at(const struct foretelling *foretelling, uint64_t at_s)
{
    const struct history *history = foretelling->history;
    uint64_t hour = hour_of(at_s);
    int age = age_of(foretelling->since_s, at_s);
    uint64_t of_age = rate_of(history->age_ends[age] + age_usual_ends[age],
                              (uint64_t)history->age_watched[age] + AGE_LEANS, 0, 0);
    uint64_t of_hour = rate_of(history->ends[hour], history->watched[hour], WEEK_LEANS,
                               foretelling->of_day[hour % DAY_HOURS]);
    uint64_t rate = of_age * of_hour / foretelling->mean;

    return rate < RATE_MAX ? rate : RATE_MAX;
}

/* e to the power of minus `exponent`, by the first terms of its series upside down. */
static uint64_t decay(uint64_t exponent)
{
    uint64_t x = exponent < EXPONENT_MAX ? exponent : EXPONENT_MAX, one = CERTAIN;

    return one * one / (one + x + x * x / (2 * one) + x * x / one * x / (6 * one));
}

/* The chance at the piece's end, from that at its beginning. */
static uint64_t get_through(const struct foretelling *foretelling, uint64_t at_s, uint64_t until_s,
                            uint64_t chance)
{
    uint64_t exponent =
        rate_at(foretelling, at_s) * (until_s - at_s) / HOUR_S / ((1 << RATE_SHIFT) / CERTAIN);

    return chance * decay(exponent) / CERTAIN;
}

uint64_t history_expected_s(const struct history *history, uint64_t since_s, uint64_t now_s)
{
    uint64_t chance = CERTAIN, end_s = now_s + WEEK_S, expected = 0;
    struct foretelling foretelling;

    begin(&foretelling, history, since_s);
    for (uint64_t at_s = now_s, until_s; at_s < end_s; at_s = until_s) {
        uint64_t after;

        until_s = piece_end(since_s, at_s, end_s);
        after = get_through(&foretelling, at_s, until_s, chance);
        expected += (chance + after) / 2 * (until_s - at_s);
        chance = after;
    }
    return expected / CERTAIN;
}

/* The logarithm to the base of two, with a straight line between the powers. */
uint8_t history_stay(uint64_t expected_s)
{
    uint64_t units = (expected_s < WEEK_S ? expected_s : WEEK_S) / STAY_UNIT_S + 1, power = 1;
    uint64_t stay = 0;

    for (; units >= 2 * power; power *= 2)
        stay += STAY_PER_DOUBLING;
    return (uint8_t)(stay + (units - power) * STAY_PER_DOUBLING / power);
}

/* ---- keeping ---- */

static void write_number(struct buffer *bytes, uint32_t number, int size)
{
    for (int i = 0; i < size; i++)
        buffer_append_character(bytes, (char)(number >> (8 * i)));
}

static uint32_t read_number(const char **at, int size)
{
    uint32_t number = 0;

    for (int i = size; i-- > 0;)
        number = number << 8 | (unsigned char)(*at)[i];
    *at += size;
    return number;
}

void history_write(const struct history *history, struct buffer *bytes)
{
    write_number(bytes, history->week, 4);
    for (int hour = 0; hour < HISTORY_HOURS; hour++) {
        write_number(bytes, history->watched[hour], 2);
        write_number(bytes, history->ends[hour], 2);
    }
    for (int age = 0; age < HISTORY_AGES; age++) {
        write_number(bytes, history->age_watched[age], 4);
        write_number(bytes, history->age_ends[age], 4);
    }
}

bool history_read(struct slice bytes, struct history *ret_history)
{
    const char *at = bytes.data;

    if (bytes.length != HISTORY_SIZE)
        return false;
    ret_history->week = read_number(&at, 4);
    for (int hour = 0; hour < HISTORY_HOURS; hour++) {
        ret_history->watched[hour] = (uint16_t)read_number(&at, 2);
        ret_history->ends[hour] = (uint16_t)read_number(&at, 2);
    }
    for (int age = 0; age < HISTORY_AGES; age++) {
        ret_history->age_watched[age] = read_number(&at, 4);
        ret_history->age_ends[age] = read_number(&at, 4);
    }
    return true;
}
