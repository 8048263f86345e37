/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See program.h: timers of each kind go on, and the clock that only grows does not jump. Each check
 * waits for the next tick: a timer that was lost is a program that does not answer.
 */
#define _GNU_SOURCE
#include "program.h"

#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { TICK_US = 5000, JUMP_S = 3600 };

static sigset_t tick;
static int timer_file;
static struct timespec last;

static void await_signal(void)
{
    int number;

    require(sigwait(&tick, &number) == 0 && number == SIGALRM, "tick");
}

static void block_signal(void)
{
    sigemptyset(&tick);
    sigaddset(&tick, SIGALRM);
    require(sigprocmask(SIG_BLOCK, &tick, NULL) == 0, "block");
}

static void begin_setitimer(void)
{
    const struct itimerval when = {{0, TICK_US}, {0, TICK_US}};

    block_signal();
    require(setitimer(ITIMER_REAL, &when, NULL) == 0, "timer");
}

static void begin_posix_timer(void)
{
    const struct itimerspec when = {{0, TICK_US * 1000}, {0, TICK_US * 1000}};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    timer_t timer;

    block_signal();
    require(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0, "timer");
    require(timer_settime(timer, 0, &when, NULL) == 0, "set");
}

static void begin_timerfd(void)
{
    timer_file = timerfd_create(CLOCK_MONOTONIC, 0);
    require(timer_file >= 0, "timer");
}

/*
 * Set anew each time: CRIU 4.2 forgets the period of one that had expired and was not yet read
 * (doc/specification/container.md).
 */
static void check_timerfd(void)
{
    const struct itimerspec once = {.it_value = {0, TICK_US * 1000}};
    uint64_t ticks;

    require(timerfd_settime(timer_file, 0, &once, NULL) == 0, "set");
    require(read(timer_file, &ticks, sizeof(ticks)) == sizeof(ticks) && ticks == 1, "tick");
}

static void begin_clock(void)
{
    require(clock_gettime(CLOCK_MONOTONIC, &last) == 0, "clock");
}

static void check_clock(void)
{
    struct timespec now;

    require(clock_gettime(CLOCK_MONOTONIC, &now) == 0, "clock");
    require(now.tv_sec > last.tv_sec || (now.tv_sec == last.tv_sec && now.tv_nsec >= last.tv_nsec),
            "backwards");
    require(now.tv_sec - last.tv_sec < JUMP_S, "jump");
    last = now;
}

const struct program time_programs[] = {
    {"setitimer", begin_setitimer, await_signal},
    {"posix-timer", begin_posix_timer, await_signal},
    {"timerfd", begin_timerfd, check_timerfd},
    {"clock", begin_clock, check_clock},
    {NULL, NULL, NULL},
};
