/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owners who come and go like those of real computers.
 *
 * A table has, for each place that somebody watched, distributions fitted to how long its computers
 * stayed free ("between failures") and how long they were taken ("failure duration"), in hours, as
 * the Failure Trace Archive has them (Javadi et al. 2013):
 *
 *     data_set,family,between_failures_h_p1,between_failures_h_p2,failure_duration_h_p1,...
 *     Microsoft99,weibull,0.55,35.30,0.60,9.34
 *
 * Families and their parameters: exponential (mean), weibull (shape, scale), lognormal (mean and
 * standard deviation of the logarithm), gamma (shape, scale).
 *
 * The table knows no daily rhythm and no habits of single owners. Both are laid over it here; the
 * lengths that are drawn for all owners together still have the fitted distribution.
 *
 * - *Rhythm.* A length is time on a clock of its own. Office hours are ten hours from 8 on (with
 *   some owners from 7 or 9 on), from Monday to Friday. In them the clock of an absence goes
 *   sixteen times as fast as in the rest of the week, so that over a whole week it goes as fast as
 *   time; the clock of a presence goes four times as slowly as time in them, and four times as fast
 *   in the rest of the week. So owners come in office hours and leave after them.
 * - *Habits.* Of what decides whether a length is a long or a short one, a share belongs to the
 *   owner and not to the day: with z normally distributed, once for an owner and once for each
 *   length, the quantile drawn is that of sqrt(share) * z_owner + sqrt(1 - share) * z_length. With
 *   0 all owners are alike; with 1 each has one length, always.
 */
#pragma once

#include "base/error.h"
#include "base/random.h"

enum owners_family {
    OWNERS_EXPONENTIAL,
    OWNERS_WEIBULL,
    OWNERS_LOGNORMAL,
    OWNERS_GAMMA,
    OWNERS_FAMILY_COUNT
};

struct owners_lengths {
    enum owners_family family;
    double first, second; /* parameters, in hours where they are times */
};

struct owners {
    struct owners_lengths absences, presences;
    double habits; /* the share, 0 to 1 */
};

/* One owner. */
struct owner {
    struct random random;
    double absence_habit, presence_habit; /* his z */
    uint64_t day_begins_ms;               /* of his office hours, after midnight */
};

/*
 * Reads the lengths of `like` from the table: "Microsoft99", or "Microsoft99/lognormal" for another
 * family than weibull. `habits` of the owners stays as it was.
 */
int owners_read(const char *path, const char *like, struct owners *ret_owners, struct error *err);

/* The length in hours that a part of `quantile` of all lengths is below; above 0 and below 1. */
double owners_length_h(const struct owners_lengths *lengths, double quantile);

/* The owner with this number in the world of this seed. */
void owner_init(struct owner *owner, uint64_t seed, uint32_t number);
/* Draws how long he stays or is away next, on the clock of that; at most ten years. */
double owner_draw_h(struct owner *owner, const struct owners *owners, bool present);
/*
 * When the owner who came (`present`) or left at this time leaves or comes again: later than that.
 * Times begin on a Monday at 0 o'clock.
 */
uint64_t owner_next_ms(struct owner *owner, const struct owners *owners, bool present,
                       uint64_t now_ms);
/* Whether it is in the office hours that most owners have. */
bool owners_office_hours(uint64_t at_ms);
