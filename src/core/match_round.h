/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes of nodes that never stand still (HTCondor manual, "Machine ClassAd Attributes"): for
 * classes they are rounded down to steps that people compare with, because else each value would be
 * a class of its own, and each node of another class with each report.
 *
 *   loads         to 0.05 below 1, to 0.5 below 10, to 5 above: CondorLoadAvg and the difference
 *                 LoadAvg - CondorLoadAvg, which people compare, and LoadAvg is the sum of the two;
 *                 so with TotalCondorLoadAvg and TotalLoadAvg
 *   idle seconds  to 1, 2, 5, 10, 15, 20 and 30 minutes, 1, 2, 4, 8 and 12 hours, 1, 2, 7, 14 days,
 *                 and one second more, so that both > and >= a step are true
 *   its clock     to the server's, which is looked at each minute
 */
#pragma once

#include "lang/classad.h"

/* A time without a use, as above. */
int64_t match_round_idle(double seconds);
/* Only numbers are rounded, and no expression: that is the same text whatever it is worth. */
void match_round(struct classad *node, struct classad_evaluator *evaluator);
