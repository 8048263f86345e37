/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is filled in once a task has a node (condor_submit(1), "Using the Machine ClassAd Attributes
 * in the Submit Description File"): $$(Attribute) and $$(Attribute:fallback) by what the node says
 * of itself, $$([expression]) by a ClassAd expression in which MY is the task and TARGET the node.
 * The submit language passes them through; $$(DOLLARDOLLAR) is "$$".
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"

enum reference_kind { REFERENCE_ATTRIBUTE, REFERENCE_EXPRESSION };

/*
 * Appends the value of an attribute, or of an expression. Returns 0, 1 if it is undefined, or a
 * negative errno value with `err` set.
 */
typedef int reference_lookup(void *user_data, enum reference_kind kind, struct slice text,
                             struct buffer *value, struct error *err);

/* Whether the text has such references. */
bool references_are_in(struct slice text);

/*
 * What is known not to come any more, for somebody who looks at one text from its start to its end:
 * a long text of beginnings is not searched for an end from each of them. Zeroed at the start.
 */
struct reference_horizon {
    bool no_close;          /* no ')' */
    bool no_expression_end; /* no "])" */
};

/* How much of the text is the reference that begins it; 0 if none does. */
size_t references_measure(struct slice text, struct reference_horizon *horizon);
/*
 * Appends the text with values in the places of its references; values are not looked at again.
 * What begins like a reference and is none stays. Returns 0, -EINVAL for one that is undefined and
 * has no fallback, -E2BIG if the result is longer than `size_max`, or what `lookup` returned.
 */
int references_expand(struct slice text, size_t size_max, reference_lookup *lookup, void *user_data,
                      struct buffer *expanded, struct error *err);
