/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See history.h. An hour that came to an end counts as watched whole, as those do that did not: of
 * an owner who comes at nine each day, nothing of the hour behind nine is ever left to be seen.
 */
#include "core/history.h"

enum {
    HOUR_S = 3600,
    WEEK_S = HISTORY_HOURS * HOUR_S,
    PARTS = 1024, /* of an hour, and of an end */
    /* What is three weeks old counts half: 0.8 ^ 3. */
    FADE_NUMERATOR = 4,
    FADE_DENOMINATOR = 5,
    /* After so many weeks nothing is left. */
    FADE_WEEKS_MAX = 64,
    /* Longer ago is too old to be added. */
    ADD_WEEKS_MAX = 8,
    /* What takes longer has the chance of what takes so long: next to none, or nearly certain. */
    CHANCE_WEEKS_MAX = 4,
    /* A node that was never seen: an end in twelve hours, as if twelve had been watched. */
    UNSEEN_HOURS = 12 * PARTS,
    UNSEEN_ENDS = PARTS,
    /* The mean of the node counts in each hour like half an hour more that was watched. */
    MEAN_HOURS = PARTS / 2
};

/* ---- adding ---- */

/* Nothing fades twice: a week that was reached before changes nothing. */
static void fade(struct history *history, uint64_t week)
{
    uint64_t weeks;

    if (week <= history->week)
        return;
    weeks = week - history->week;
    history->week = (uint32_t)week;
    for (uint64_t i = 0; i < weeks && i < FADE_WEEKS_MAX; i++)
        for (int hour = 0; hour < HISTORY_HOURS; hour++) {
            history->watched[hour] =
                (uint16_t)(history->watched[hour] * FADE_NUMERATOR / FADE_DENOMINATOR);
            history->ends[hour] =
                (uint16_t)(history->ends[hour] * FADE_NUMERATOR / FADE_DENOMINATOR);
        }
}

static void add_to(uint16_t *cell, uint64_t parts)
{
    uint64_t sum = *cell + parts;

    *cell = (uint16_t)(sum < UINT16_MAX ? sum : UINT16_MAX);
}

static void add_up(struct history *history)
{
    history->watched_sum = history->ends_sum = 0;
    for (int hour = 0; hour < HISTORY_HOURS; hour++) {
        history->watched_sum += history->watched[hour];
        history->ends_sum += history->ends[hour];
    }
}

static uint64_t hour_of(uint64_t time_s)
{
    return time_s / HOUR_S % HISTORY_HOURS;
}

void history_add(struct history *history, uint64_t from_s, uint64_t to_s, bool has_ended)
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
        uint64_t next_s = (from_s / HOUR_S + 1) * HOUR_S;
        uint64_t until_s = next_s < to_s ? next_s : to_s;

        fade(history, from_s / WEEK_S);
        add_to(&history->watched[hour_of(from_s)], (until_s - from_s) * PARTS / HOUR_S);
        from_s = until_s;
    }
    fade(history, to_s / WEEK_S);
    if (has_ended) {
        add_to(&history->ends[hour_of(to_s)], PARTS);
        add_to(&history->watched[hour_of(to_s)], (HOUR_S - to_s % HOUR_S) * PARTS / HOUR_S);
    }
    add_up(history);
}

/* ---- asking ---- */

/* The chance not to get through that whole hour of the week. Ends may be more than hours. */
static uint64_t chance_of_end(const struct history *history, uint64_t hour)
{
    uint64_t mean_ends = (uint64_t)MEAN_HOURS * (history->ends_sum + UNSEEN_ENDS) /
                         (history->watched_sum + UNSEEN_HOURS);
    uint64_t ends = history->ends[hour] + mean_ends;
    uint64_t hours = (uint64_t)history->watched[hour] + MEAN_HOURS;

    return ends < hours ? ends * HISTORY_CERTAIN / hours : HISTORY_CERTAIN;
}

/*
 * One hour or the part of it that counts: the chance at its end, from that at its beginning. What
 * is lost is lost evenly within it.
 */
static uint64_t get_through(const struct history *history, uint64_t at_s, uint64_t until_s,
                            uint64_t chance)
{
    uint64_t lost = chance * chance_of_end(history, hour_of(at_s)) / HISTORY_CERTAIN;

    return chance - lost * (until_s - at_s) / HOUR_S;
}

static uint64_t end_of_hour(uint64_t at_s, uint64_t end_s)
{
    uint64_t next_s = (at_s / HOUR_S + 1) * HOUR_S;

    return next_s < end_s ? next_s : end_s;
}

uint32_t history_chance(const struct history *history, uint64_t now_s, uint64_t duration_s)
{
    const uint64_t longest_s = (uint64_t)CHANCE_WEEKS_MAX * WEEK_S;
    uint64_t chance = HISTORY_CERTAIN;
    uint64_t end_s = now_s + (duration_s < longest_s ? duration_s : longest_s);

    for (uint64_t at_s = now_s, until_s; at_s < end_s; at_s = until_s) {
        until_s = end_of_hour(at_s, end_s);
        chance = get_through(history, at_s, until_s, chance);
    }
    return (uint32_t)chance;
}

uint64_t history_expected_s(const struct history *history, uint64_t now_s)
{
    uint64_t chance = HISTORY_CERTAIN, end_s = now_s + WEEK_S, expected = 0;

    for (uint64_t at_s = now_s, until_s; at_s < end_s; at_s = until_s) {
        uint64_t after;

        until_s = end_of_hour(at_s, end_s);
        after = get_through(history, at_s, until_s, chance);
        expected += (chance + after) / 2 * (until_s - at_s);
        chance = after;
    }
    return expected / HISTORY_CERTAIN;
}

/* ---- keeping ---- */

static void write_number(struct buffer *bytes, uint32_t number, int size)
{
    for (int i = 0; i < size; i++)
        buffer_append_character(bytes, (char)(number >> (8 * i)));
}

static uint32_t read_number(const char *bytes, int size)
{
    uint32_t number = 0;

    for (int i = size; i-- > 0;)
        number = number << 8 | (unsigned char)bytes[i];
    return number;
}

void history_write(const struct history *history, struct buffer *bytes)
{
    write_number(bytes, history->week, 4);
    for (int hour = 0; hour < HISTORY_HOURS; hour++) {
        write_number(bytes, history->watched[hour], 2);
        write_number(bytes, history->ends[hour], 2);
    }
}

bool history_read(struct slice bytes, struct history *ret_history)
{
    struct history history = {0};

    if (bytes.length != HISTORY_SIZE)
        return false;
    history.week = read_number(bytes.data, 4);
    for (int hour = 0; hour < HISTORY_HOURS; hour++) {
        const char *cell = bytes.data + 4 + (size_t)hour * 4;

        history.watched[hour] = (uint16_t)read_number(cell, 2);
        history.ends[hour] = (uint16_t)read_number(cell + 2, 2);
    }
    add_up(&history);
    *ret_history = history;
    return true;
}
