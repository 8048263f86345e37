/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ClassAd expressions as texts of the old spelling, for those who put them together and need not
 * evaluate them: strings are written, names are looked for, and literals are told apart. No
 * expression is compiled for that, because it is done for every task.
 */
#pragma once

#include "base/buffer.h"

/* Appends the text as a string: in double quotes, with a backslash before each in it. */
void expression_append_string(struct buffer *text, struct slice value);
/* The same without the quotes around it: a piece of a string. */
void expression_append_quoted(struct buffer *text, struct slice value);

enum expression_kind {
    EXPRESSION_OTHER, /* it takes an evaluation to know */
    EXPRESSION_UNDEFINED,
    EXPRESSION_BOOLEAN,
    EXPRESSION_NUMBER, /* with or without a sign */
    EXPRESSION_STRING,
};

/* Whether the whole text is one literal, and of which kind. */
enum expression_kind expression_classify(struct slice text);
/* The value of a literal of kind EXPRESSION_NUMBER. */
double expression_number(struct slice text);
/* Appends the value of a literal of kind EXPRESSION_STRING. */
void expression_unquote(struct slice text, struct buffer *value);

/*
 * Whether the expression asks for this attribute of the computer that is looked at: by its bare
 * name or as TARGET.NAME, not as MY.NAME and not in a string. Case is ignored.
 */
bool expression_mentions(struct slice text, const char *name);
/* Whether it must stand in parentheses beside ||, or beside &&, because it binds weaker. */
bool expression_binds_weaker_than_or(struct slice text);
bool expression_binds_weaker_than_and(struct slice text);
