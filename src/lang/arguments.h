/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTCondor's two ways to write arguments (condor_submit(1), "arguments"):
 *
 *     arguments = one \"two\" 'three'              old: white space separates, \" is a quote
 *     arguments = "one 'with space' it''s ""x"""   new: in double quotes; '...' groups; '' and ""
 *                                                  inside stand for one quote
 */
#pragma once

#include "list.h"

#include "base/arena.h"

/* Whether the text is of the new syntax: its first character is a double quote. */
bool arguments_are_quoted(struct slice text);

/*
 * Adds the arguments, each a text in the arena. Returns 0, or -EINVAL with `ret_message` saying
 * what is wrong.
 */
int arguments_split(struct slice text, struct arena *arena, struct list *list,
                    const char **ret_message);
/* The same for the new syntax without the double quotes, as it stands in an ad's Arguments. */
int arguments_split_raw(struct slice text, struct arena *arena, struct list *list,
                        const char **ret_message);
/*
 * The same for an environment of the new syntax, with the double quotes or without. Unlike
 * arguments it is split before the node is known, so what is filled in there (references.h) is
 * part of its entry, white space and quotes included.
 */
int arguments_split_environment(struct slice text, bool is_quoted, struct arena *arena,
                                struct list *list, const char **ret_message);
/* Whether an argument cannot stand in the raw new syntax as it is: it is empty, or has spaces or
 * single quotes. */
bool arguments_need_quotes(struct slice argument);
/* Appends an argument in the raw new syntax. */
void arguments_append_raw(struct slice argument, struct buffer *text);
