/* SPDX-License-Identifier: Apache-2.0 */
/* See match_round.h. */
#include "core/match_round.h"

#include "base/attributes.h"

#include <math.h>

enum rounding { ROUND_LOAD, ROUND_IDLE, ROUND_CLOCK };

enum { MINUTE_S = 60, HOUR_S = 60 * MINUTE_S, DAY_S = 24 * HOUR_S };

static const struct {
    const char *name;
    enum rounding rounding;
    const char *subtracted; /* what people subtract from it; or NULL */
} restless[] = {
    /* Those that need the others as they are come first. */
    {"LoadAvg", ROUND_LOAD, "CondorLoadAvg"}, {"TotalLoadAvg", ROUND_LOAD, "TotalCondorLoadAvg"},
    {"CondorLoadAvg", ROUND_LOAD, NULL},      {"TotalCondorLoadAvg", ROUND_LOAD, NULL},
    {"KeyboardIdle", ROUND_IDLE, NULL},       {"ConsoleIdle", ROUND_IDLE, NULL},
    {"CpuBusyTime", ROUND_IDLE, NULL},        {"MyCurrentTime", ROUND_CLOCK, NULL},
    {"LastHeardFrom", ROUND_CLOCK, NULL},
};

/* By whole numbers and with a little more, so that 0.3 is met as people write it. */
static double round_load(double load)
{
    static const double little = 1e-9;

    if (load < 1)
        return floor(load * 20 + little) / 20;
    return load < 10 ? floor(load * 2 + little) / 2 : floor(load / 5 + little) * 5;
}

/*
 * The load of all, so that what is not of the pool's tasks comes out when theirs is subtracted: two
 * that were rounded by themselves would be as much as two steps of the larger one apart. Binary
 * fractions seldom come out as they went in, so it is a hair less, not more: "<= 0.3" holds.
 */
static double round_load_of_all(double load, double of_tasks)
{
    double tasks = round_load(of_tasks), others = round_load(load - of_tasks);
    double sum = tasks + others;

    return sum - tasks > others ? nextafter(sum, -INFINITY) : sum;
}

int64_t match_round_idle(double seconds)
{
    static const int64_t steps_s[] = {MINUTE_S,      2 * MINUTE_S,  5 * MINUTE_S,  10 * MINUTE_S,
                                      15 * MINUTE_S, 20 * MINUTE_S, 30 * MINUTE_S, HOUR_S,
                                      2 * HOUR_S,    4 * HOUR_S,    8 * HOUR_S,    12 * HOUR_S,
                                      DAY_S,         2 * DAY_S,     7 * DAY_S,     14 * DAY_S};
    int64_t rounded = 0;

    for (size_t i = 0; i < ARRAY_LENGTH(steps_s) && seconds >= (double)steps_s[i]; i++)
        rounded = steps_s[i] + 1;
    return rounded;
}

/* Whether the node says a number of that name, and no expression. */
static bool get_number(const struct classad *node, const char *name,
                       struct classad_evaluator *evaluator, double *ret_number)
{
    const struct classad_node *expression = classad_get(node, name);
    struct classad_value value;

    if (!expression || !classad_node_is_constant(expression))
        return false;
    value = classad_evaluate(evaluator, expression, NULL, NULL);
    return value.type != CLASSAD_BOOLEAN && classad_value_as_real(&value, ret_number);
}

static void set_rounded(struct classad *node, const char *name, enum rounding rounding,
                        double value, double subtracted)
{
    struct classad_failure failure;

    switch (rounding) {
    case ROUND_LOAD:
        classad_set_real(node, name, round_load_of_all(value, subtracted));
        break;
    case ROUND_IDLE:
        classad_set_integer(node, name, match_round_idle(value));
        break;
    case ROUND_CLOCK:
        (void)classad_set(node, slice_from_text(name), slice_from_text("time()"), CLASSAD_OLD,
                          &failure);
        break;
    }
}

void match_round(struct classad *node, struct classad_evaluator *evaluator)
{
    for (size_t i = 0; i < ARRAY_LENGTH(restless); i++) {
        double number, subtracted = 0;

        if (!get_number(node, restless[i].name, evaluator, &number))
            continue;
        if (restless[i].subtracted)
            (void)get_number(node, restless[i].subtracted, evaluator, &subtracted);
        set_rounded(node, restless[i].name, restless[i].rounding, number, subtracted);
    }
}
