/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers, sizes and durations as people and peers write them, checked to the last character:
 * the whole slice must be the number (white space around it is allowed), or nothing is stored.
 * Each returns 0, -EINVAL if it is no such thing, or -ERANGE if it does not fit.
 */
#pragma once

#include "buffer.h"

#include <stdint.h>

int number_parse_u64(struct slice text, uint64_t *ret_value);
int number_parse_i64(struct slice text, int64_t *ret_value);
/* Decimal floating point with '.', finite, whatever the locale says. */
int number_parse_double(struct slice text, double *ret_value);

/*
 * A size: a number (fractions allowed) and one of B, K, M, G, T, P, each also with B or iB behind,
 * in powers of 1024 as HTCondor counts. A bare number counts in `unit` bytes (1024 for HTCondor's
 * disk, 1048576 for its memory). Rounded up to whole bytes.
 */
int number_parse_size(struct slice text, uint64_t unit, uint64_t *ret_bytes);

/* A duration: "90", "90s", "1.5m", "2h", "1d", "250ms"; a bare number counts in seconds. */
int number_parse_duration(struct slice text, uint64_t *ret_ms);
/* The shortest of these that says just that, in whole numbers: "90s", "36h", "5d". */
void number_append_duration(struct buffer *text, uint64_t ms);
