/* SPDX-License-Identifier: Apache-2.0 */
/* How long something shall last, as a person says it: for 2h, until 18:00. */
#pragma once

#include "base/error.h"

#include <stddef.h>

/*
 * When it ends, in seconds since 1970. The words are a duration ("2h"), or "until" and a time of
 * day on the clock on the wall (TZ): today's, or tomorrow's if that is over. FAILURE_USAGE says
 * what would be right.
 */
int until_parse(char *const *words, size_t count, double now, double *ret_end, struct error *err);
