/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON (RFC 8259) written straight into a buffer, for what is written a million times: no object is
 * made and freed for it. Reading, and what is written seldom, is jansson's.
 *
 * Each function appends. The writer keeps the order: json_write_name() puts the comma, also behind
 * values that were written by other means.
 */
#pragma once

#include "buffer.h"

/* "name": behind '{', or with a comma in front. The name needs no escapes. */
void json_write_name(struct buffer *out, const char *name);

/* A string; what is no UTF-8 in it becomes U+FFFD. NULL is null. */
void json_write_text(struct buffer *out, const char *text);
void json_write_number(struct buffer *out, uint64_t number);
/*
 * With six digits behind the point, which is what clocks have. What is negative or no number is 0,
 * and beyond 2^43 all are one, because such values come from nodes.
 */
void json_write_seconds(struct buffer *out, double seconds);

/* Whether all of it is well-formed UTF-8 (RFC 3629). */
bool json_text_is_valid(const char *text);
