/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean": the nearest of the words that would have been right. */
#pragma once

#include <stddef.h>

/*
 * Returns the candidate with the smallest edit distance to `word` (ASCII case ignored; insert,
 * delete, change or swap of neighbours cost 1 each), or NULL if none is near enough to be meant: at
 * most a third of the word's length, or one in short words, but never all of it. Of equals the
 * first wins.
 */
const char *spelling_nearest(const char *word, const char *const *candidates, size_t count);
