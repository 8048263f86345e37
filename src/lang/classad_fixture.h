/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of ClassAds: short ways to say "this expression, that value". */
#pragma once

#include "classad.h"

#include "base/test.h"

struct classad_case {
    const char *expression;
    const char *value; /* as printed in the new spelling */
};

/* Checks the values of expressions that stand in no ad, at 2009-02-13T23:31:30Z, in UTC. */
void assert_values(const struct classad_case *cases, size_t count);
/* The same within a pair of ads, which are lines of the old spelling; NULL: none. */
void assert_value_in(const char *expression, const char *my, const char *target, const char *value);
/* What is printed of an expression that was read. */
void assert_printed(const char *expression, enum classad_spelling spelling, const char *printed);

#define ASSERT_VALUES(...)                                                                         \
    do {                                                                                           \
        static const struct classad_case cases_[] = {__VA_ARGS__};                                 \
        assert_values(cases_, ARRAY_LENGTH(cases_));                                               \
    } while (0)
