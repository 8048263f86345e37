/* SPDX-License-Identifier: Apache-2.0 */
/* See owners.h: a table is read, lengths are drawn from it, and a week's rhythm stretches them. */
#include "owners.h"

#include "base/memory.h"
#include "base/number.h"
#include "base/spelling.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    HOUR_MS = 3600000,
    DAY_MS = 24 * HOUR_MS,
    WORKDAYS = 5,
    OFFICE_BEGINS_H = 8, /* on average */
    OFFICE_H = 10,
    /* How many times as fast an owner comes in office hours as in the others, and leaves in the
     * others as in office hours. */
    RUSH = 16,
    RUSH_ROOT = 4,
    LENGTH_MAX_H = 10 * 365 * 24, /* where a tail is so heavy that nobody lives to see its end */
    FIELDS = 6
};

static const char *const family_names[OWNERS_FAMILY_COUNT] = {"exponential", "weibull", "lognormal",
                                                              "gamma"};

/* The table. */

/* Returns how many there are; further ones are nobody's matter. */
static size_t split_fields(char *line, struct slice *ret_fields)
{
    size_t count = 0;

    line[strcspn(line, "\r\n")] = '\0';
    for (size_t length; count < FIELDS; line += length + 1) {
        length = strcspn(line, ",");
        ret_fields[count++] = slice_trim((struct slice){line, length});
        if (line[length] == '\0')
            break;
    }
    return count;
}

/* A parameter that the family does not have is empty. */
static int parse_parameter(struct slice text, double *ret_parameter)
{
    *ret_parameter = 0;
    return text.length == 0 ? 0 : number_parse_double(text, ret_parameter);
}

/* A lognormal's first parameter is the mean of logarithms, and may be anything. */
static bool lengths_are_possible(const struct owners_lengths *lengths)
{
    if (lengths->family == OWNERS_LOGNORMAL)
        return lengths->second > 0;
    return lengths->first > 0 && (lengths->family == OWNERS_EXPONENTIAL || lengths->second > 0);
}

static int take_lengths(const struct slice fields[2], enum owners_family family,
                        struct owners_lengths *ret_lengths)
{
    struct owners_lengths lengths = {.family = family};

    if (parse_parameter(fields[0], &lengths.first) < 0 ||
        parse_parameter(fields[1], &lengths.second) < 0 || !lengths_are_possible(&lengths))
        return -EINVAL;
    *ret_lengths = lengths;
    return 0;
}

/* What is looked for in the table. */
struct wanted {
    struct slice place;
    enum owners_family family;
    bool found;
};

/* Lines for other places may look as they like: they are not ours to judge. */
static int take_line(char *line, struct wanted *wanted, struct owners *owners, struct error *err)
{
    struct slice fields[FIELDS] = {0};
    size_t count = split_fields(line, fields);

    if (fields[0].length != wanted->place.length ||
        memcmp(fields[0].data, wanted->place.data, fields[0].length) != 0 ||
        !slice_equals(fields[1], family_names[wanted->family]))
        return 0;
    if (count < FIELDS)
        return error_set(err, -EINVAL, "it has not six fields");
    if (take_lengths(&fields[2], wanted->family, &owners->absences) < 0 ||
        take_lengths(&fields[4], wanted->family, &owners->presences) < 0)
        return error_set(err, -EINVAL, "these are no parameters of a %s distribution",
                         family_names[wanted->family]);
    wanted->found = true;
    return 0;
}

static int read_lines(FILE *file, struct wanted *wanted, struct owners *owners, struct error *err)
{
    _cleanup_free_ char *line = NULL;
    size_t capacity = 0, number = 0;
    int r = 0;

    while (r == 0 && !wanted->found && getline(&line, &capacity, file) >= 0) {
        number++;
        r = take_line(line, wanted, owners, err);
    }
    return r < 0 ? error_prefix(err, r, "line %zu", number) : 0;
}

/* "PLACE" or "PLACE/FAMILY". */
static int parse_like(const char *like, struct wanted *ret_wanted, struct error *err)
{
    const char *slash = strchr(like, '/'), *nearest;

    *ret_wanted = (struct wanted){.place = slice_from_text(like), .family = OWNERS_WEIBULL};
    if (!slash)
        return 0;
    ret_wanted->place.length = (size_t)(slash - like);
    for (int i = 0; i < OWNERS_FAMILY_COUNT; i++)
        if (strcmp(slash + 1, family_names[i]) == 0) {
            ret_wanted->family = (enum owners_family)i;
            return 0;
        }
    error_set(err, -EINVAL, "there is no family of distributions '%s'", slash + 1);
    nearest = spelling_nearest(slash + 1, family_names, OWNERS_FAMILY_COUNT);
    if (nearest)
        error_hint(err, "Did you mean %s?", nearest);
    return -EINVAL;
}

int owners_read(const char *path, const char *like, struct owners *ret_owners, struct error *err)
{
    struct owners owners = *ret_owners;
    struct wanted wanted;
    FILE *file;
    int r = parse_like(like, &wanted, err);

    if (r < 0)
        return r;
    file = fopen(path, "re");
    if (!file)
        return error_set_errno(err, -errno, "cannot read '%s'", path);
    r = read_lines(file, &wanted, &owners, err);
    fclose(file);
    if (r == 0 && !wanted.found)
        r = error_set(err, -ENOENT, "it has no line for '%.*s' and %s", (int)wanted.place.length,
                      wanted.place.data, family_names[wanted.family]);
    if (r < 0)
        return error_prefix(err, r, "%s", path);
    *ret_owners = owners;
    return 0;
}

/* Distributions. */

/* By erfc(), which keeps its digits far out in the tails, where the long lengths come from. */
static double normal_part_below(double z)
{
    return erfc(-z / sqrt(2)) / 2;
}

/*
 * Where the part below is `part`: the range is halved until no number is between its ends. That is
 * sixty steps or so, and needs neither tables nor a first guess.
 */
static double find_quantile(double (*part_below)(double x, double shape), double shape, double part,
                            double low, double high)
{
    for (;;) {
        double middle = low + (high - low) / 2;

        if (!(middle > low && middle < high))
            return middle;
        if (part_below(middle, shape) < part)
            low = middle;
        else
            high = middle;
    }
}

static double normal_part(double z, double unused)
{
    (void)unused;
    return normal_part_below(z);
}

static double normal_quantile(double part)
{
    return find_quantile(normal_part, 0, part, -40, 40);
}

/*
 * Of the gamma distribution with scale 1, at exp(log_x): the series of the incomplete gamma
 * function (Abramowitz and Stegun, 6.5.29), all of whose terms are positive. The logarithm, because
 * with small shapes most lengths are tiny.
 */
static double gamma_part(double log_x, double shape)
{
    double x = exp(log_x), term = 1 / shape, sum = term;

    for (double n = 1; term > sum * 1e-16; n++) {
        term *= x / (shape + n);
        sum += term;
    }
    return sum * exp(shape * log_x - x - lgamma(shape));
}

static double gamma_quantile(double shape, double part)
{
    /* Nobody draws a part that 500 and e^-700 do not have between them. */
    return exp(find_quantile(gamma_part, shape, part, -700, log(500)));
}

double owners_length_h(const struct owners_lengths *lengths, double quantile)
{
    switch (lengths->family) {
    case OWNERS_EXPONENTIAL:
        return -lengths->first * log1p(-quantile);
    case OWNERS_WEIBULL:
        return lengths->second * pow(-log1p(-quantile), 1 / lengths->first);
    case OWNERS_LOGNORMAL:
        return exp(lengths->first + lengths->second * normal_quantile(quantile));
    case OWNERS_GAMMA:
        return lengths->second * gamma_quantile(lengths->first, quantile);
    case OWNERS_FAMILY_COUNT:
        break;
    }
    abort();
}

/* Between 0 and 1, and neither of them, because the lengths there are none. */
static double draw_part(struct random *random)
{
    return ((double)(random_next(random) >> 12) + 0.5) / (double)(1ULL << 52);
}

/*
 * The owner's habit and the day's luck together are normally distributed again, with the same
 * spread, whatever their shares are; so the quantiles of all owners are evenly spread, too.
 */
double owner_draw_h(struct owner *owner, const struct owners *owners, bool present)
{
    double habit = present ? owner->presence_habit : owner->absence_habit;
    double luck = normal_quantile(draw_part(&owner->random));
    double z = sqrt(owners->habits) * habit + sqrt(1 - owners->habits) * luck;

    return fmin(LENGTH_MAX_H, owners_length_h(present ? &owners->presences : &owners->absences,
                                              normal_part_below(z)));
}

/* The rhythm. */

/* Time 0 is a Monday, 0 o'clock, and no summer time ever comes. */
static bool is_office_hour(uint64_t at_ms, uint64_t day_begins_ms)
{
    uint64_t of_day_ms = at_ms % DAY_MS;

    return at_ms / DAY_MS % 7 < WORKDAYS && of_day_ms >= day_begins_ms &&
           of_day_ms < day_begins_ms + OFFICE_H * HOUR_MS;
}

bool owners_office_hours(uint64_t at_ms)
{
    return is_office_hour(at_ms, OFFICE_BEGINS_H * HOUR_MS);
}

/* When the office hours begin or end next, or the day does. */
static uint64_t next_change_ms(uint64_t at_ms, uint64_t day_begins_ms)
{
    uint64_t midnight_ms = at_ms - at_ms % DAY_MS, of_day_ms = at_ms % DAY_MS;

    if (of_day_ms < day_begins_ms)
        return midnight_ms + day_begins_ms;
    if (of_day_ms < day_begins_ms + OFFICE_H * HOUR_MS)
        return midnight_ms + day_begins_ms + OFFICE_H * HOUR_MS;
    return midnight_ms + DAY_MS;
}

/*
 * How fast the clock of an absence or a presence goes. A week of absence is a week. A presence is
 * longer than its length in office hours, and shorter in the others, by the same factor: a week
 * that is a week would leave most owners in their offices all night.
 */
static double clock_speed(bool present, bool office)
{
    const double office_h = WORKDAYS * OFFICE_H, other_h = 7 * 24 - office_h;
    double other = (office_h + other_h) / (office_h * RUSH + other_h);

    if (present)
        return office ? 1.0 / RUSH_ROOT : RUSH_ROOT;
    return office ? other * RUSH : other;
}

/* What he is like comes from his own numbers alone, however many others there are. */
void owner_init(struct owner *owner, uint64_t seed, uint32_t number)
{
    struct random random = {.state = seed * 0x9e3779b97f4a7c15ULL + number};

    *owner = (struct owner){.random = {.state = random_next(&random)}};
    owner->absence_habit = normal_quantile(draw_part(&owner->random));
    owner->presence_habit = normal_quantile(draw_part(&owner->random));
    owner->day_begins_ms =
        random_between(&owner->random, OFFICE_BEGINS_H - 1, OFFICE_BEGINS_H + 1) * HOUR_MS;
}

uint64_t owner_next_ms(struct owner *owner, const struct owners *owners, bool present,
                       uint64_t now_ms)
{
    double left_ms = owner_draw_h(owner, owners, present) * HOUR_MS;

    /* Each stretch of the week takes its part of the length, until one takes the rest. */
    for (;;) {
        double speed = clock_speed(present, is_office_hour(now_ms, owner->day_begins_ms));
        uint64_t change_ms = next_change_ms(now_ms, owner->day_begins_ms);
        double until_change_ms = (double)(change_ms - now_ms) * speed;

        if (left_ms < until_change_ms)
            return now_ms + 1 + (uint64_t)(left_ms / speed);
        left_ms -= until_change_ms;
        now_ms = change_ms;
    }
}
