/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTCondor's two ways to write an environment (condor_submit(1), "environment"):
 *
 *     environment = A=1;B=x y             old: ';' separates, everything else stands for itself
 *     environment = "A=1 B='x y' C=""2""" new: as the new syntax of arguments
 */
#pragma once

#include "list.h"

#include "base/arena.h"

/* More variables than this is surely a mistake. */
#define ENVIRONMENT_COUNT_MAX ((size_t)2000)

/*
 * Adds the variables as "NAME=value" texts in the arena; one of the same name that is in the list
 * is replaced, at its place. The list has each name once. Returns 0, or -EINVAL with `ret_message`
 * saying what is wrong; then some of the variables may be in the list.
 */
int environment_merge(struct slice text, struct arena *arena, struct list *list,
                      const char **ret_message);
/* The same for one of the two: the old syntax, and the new one without its double quotes. */
int environment_merge_old(struct slice text, struct arena *arena, struct list *list,
                          const char **ret_message);
int environment_merge_raw(struct slice text, struct arena *arena, struct list *list,
                          const char **ret_message);
