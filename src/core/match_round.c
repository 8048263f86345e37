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
} restless[] = {
    {"LoadAvg", ROUND_LOAD},        {"TotalLoadAvg", ROUND_LOAD},
    {"CondorLoadAvg", ROUND_LOAD},  {"TotalCondorLoadAvg", ROUND_LOAD},
    {"KeyboardIdle", ROUND_IDLE},   {"ConsoleIdle", ROUND_IDLE},
    {"CpuBusyTime", ROUND_IDLE},    {"MyCurrentTime", ROUND_CLOCK},
    {"LastHeardFrom", ROUND_CLOCK},
};

/* By whole numbers and with a little more, so that 0.3 is met as people write it. */
static double round_load(double load)
{
    static const double little = 1e-9;

    if (load < 1)
        return floor(load * 20 + little) / 20;
    return load < 10 ? floor(load * 2) / 2 : floor(load / 5) * 5;
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

static void set_rounded(struct classad *node, const char *name, enum rounding rounding,
                        double value)
{
    struct classad_failure failure;

    switch (rounding) {
    case ROUND_LOAD:
        classad_set_real(node, name, round_load(value));
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
        const struct classad_node *expression = classad_get(node, restless[i].name);
        struct classad_value value;
        double number;

        if (!expression || !classad_node_is_constant(expression))
            continue;
        value = classad_evaluate(evaluator, expression, NULL, NULL);
        if (classad_value_as_real(&value, &number) && value.type != CLASSAD_BOOLEAN)
            set_rounded(node, restless[i].name, restless[i].rounding, number);
    }
}
