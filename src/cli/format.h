/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes, durations and times, short and the same everywhere. */
#pragma once

#include "base/buffer.h"

#include <stdint.h>

/* "17B", "1.5K", "128M", "16G": powers of 1024, at most four digits. */
void format_size(struct buffer *buffer, uint64_t bytes);

/* "0.02s" below a minute, "3:07" below an hour, "1:02:03", and with days as HTCondor "2+01:02:03".
 */
void format_duration(struct buffer *buffer, double seconds);

/* Local time, as "2026-03-01 14:05:09". `seconds` counts since 1970. */
void format_time(struct buffer *buffer, double seconds);

/*
 * The same as short as it can be told at `now`: "14:05:09" today, "03-01 14:05" in this year,
 * "2026-03-01" in another.
 */
void format_time_short(struct buffer *buffer, double seconds, double now);

/* "1 task", "46 tasks": the count with the word, which takes an 's'. */
void format_count(struct buffer *buffer, uint64_t count, const char *word);
