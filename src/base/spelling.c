/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See spelling.h: optimal string alignment distance (Damerau 1964) in three rows. Without swaps two
 * would do, but swapped neighbours are what fingers do most, and must cost one and not two.
 */
#include "spelling.h"

#include <stdint.h>
#include <string.h>

/* Longer words are compared by their first letters only: nobody mistypes that much. */
enum { WORD_LENGTH_MAX = 64 };

static char lower(char character)
{
    return character >= 'A' && character <= 'Z' ? (char)(character | 0x20) : character;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t spelling_distance(const char *a, const char *b)
{
    size_t rows[3][WORD_LENGTH_MAX + 1];
    size_t length_a = strnlen(a, WORD_LENGTH_MAX), length_b = strnlen(b, WORD_LENGTH_MAX);
    size_t *before = rows[0], *above = rows[1], *row = rows[2];

    /* From nothing to the first j letters: j insertions. */
    for (size_t j = 0; j <= length_b; j++)
        above[j] = j;
    for (size_t i = 1; i <= length_a; i++) {
        size_t *oldest = before;

        row[0] = i;
        for (size_t j = 1; j <= length_b; j++) {
            size_t change = lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1;

            row[j] = smaller(smaller(above[j], row[j - 1]) + 1, above[j - 1] + change);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1]))
                row[j] = smaller(row[j], before[j - 2] + 1);
        }
        /* The rows change their places and not their contents. */
        before = above;
        above = row;
        row = oldest;
    }
    return above[length_b];
}

const char *spelling_nearest(const char *word, const char *const *candidates, size_t count)
{
    size_t length = strlen(word);
    size_t limit = length / 3 > 1 ? length / 3 : 1;
    const char *nearest = NULL;

    for (size_t i = 0; i < count; i++) {
        size_t distance = spelling_distance(word, candidates[i]);

        /* As many changes as letters would make any word of any other. */
        if (distance > limit || distance >= length || (nearest && distance == limit))
            continue;
        nearest = candidates[i];
        limit = distance;
        if (distance == 0)
            break;
    }
    return nearest;
}
