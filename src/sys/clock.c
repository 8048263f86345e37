/* SPDX-License-Identifier: Apache-2.0 */
/* See clock.h. */
#include "clock.h"

#include <assert.h>
#include <time.h>

static struct timespec clock_read(clockid_t clock)
{
    struct timespec now;
    int r = clock_gettime(clock, &now);

    /* It can only fail for a clock that does not exist. */
    assert(r == 0);
    (void)r;
    return now;
}

uint64_t clock_boot_us(void)
{
    struct timespec now = clock_read(CLOCK_BOOTTIME);

    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t clock_boot_ms(void)
{
    return clock_boot_us() / 1000;
}

double clock_wall_seconds(void)
{
    struct timespec now = clock_read(CLOCK_REALTIME);

    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

uint64_t clock_us_of_timeval(struct timeval span)
{
    return (uint64_t)span.tv_sec * 1000000 + (uint64_t)span.tv_usec;
}

/* 0 for what has no local time, as of years beyond an int. */
static int32_t offset_of(time_t seconds)
{
    struct tm local;

    return localtime_r(&seconds, &local) ? (int32_t)local.tm_gmtoff : 0;
}

int32_t clock_utc_offset_seconds(double wall_seconds)
{
    return offset_of((time_t)wall_seconds);
}

int64_t clock_local_minute(int64_t wall_seconds)
{
    int64_t local = wall_seconds + offset_of((time_t)wall_seconds);

    /* Down to the whole minute, before 1970 as well. */
    return local / 60 - (local % 60 < 0);
}

/* The hour that a change to summer time leaves out has passed when it would have begun. */
uint64_t clock_ms_until(double wall_seconds, int64_t local_minute)
{
    time_t as_if_utc = (time_t)local_minute * 60;
    struct tm local;
    double ms;

    if (!gmtime_r(&as_if_utc, &local))
        return 0;
    local.tm_isdst = -1;
    ms = ((double)mktime(&local) - wall_seconds) * 1000;
    return ms > 0 ? (uint64_t)ms : 0;
}
