/* SPDX-License-Identifier: Apache-2.0 */
/* The two clocks. Only the world's rooms ask them; the brains get the time handed in. */
#pragma once

#include <stdint.h>
#include <sys/time.h>

/*
 * Milliseconds that only grow and that count suspended time as well (CLOCK_BOOTTIME), so that a
 * lease ends on a closed laptop too. Comparable between processes of one boot only.
 */
uint64_t clock_boot_ms(void);
/* The same in microseconds, for measuring. */
uint64_t clock_boot_us(void);
/* Seconds since 1970 with fractions: for people to read. It may jump. */
double clock_wall_seconds(void);
/* How far local time is ahead of UTC then (TZ), in seconds. */
int32_t clock_utc_offset_seconds(double wall_seconds);
/*
 * Minutes from 1970-01-01 00:00 to that time as the clock on the wall shows both, without a zone:
 * what calendars count in (lang/calendar.h). Where summer time ends, an hour of them comes twice.
 */
int64_t clock_local_minute(int64_t wall_seconds);
/* How long it is from then until the clock on the wall shows that minute; 0: it has. */
uint64_t clock_ms_until(double wall_seconds, int64_t local_minute);
/* Microseconds of a span of time as getrusage(2) tells them. */
uint64_t clock_us_of_timeval(struct timeval span);
