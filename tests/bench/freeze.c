/* SPDX-License-Identifier: Apache-2.0 */
/*
 * freeze COUNT GROUP...: presses a key of the X server of DISPLAY again and again, and measures how
 * long it takes until all of these control groups (their cgroup.events) are frozen, and how long
 * until a program of the owner, a loop that this is, has the processor for itself.
 *
 * Prints "frozen MEDIAN WORST cpu MEDIAN WORST beside RATE still WORST late COUNT" in ms: RATE is
 * how fast the loop is beside the tasks, against that when they are frozen; `still`, how long in
 * the worst of these keys the computer itself stood still, as a thread on each processor saw that
 * goes before all others and only wants to sleep. A virtual machine does so when its host has other
 * work. COUNT keys took more than 25 ms. In between it waits until the groups are thawed again,
 * because nobody presses a key.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xcb/xcb.h>
#include <xcb/xtest.h>

enum {
    GROUPS_MAX = 1024,
    KEYCODE = 38,
    PATIENCE_MS = 20000,
    SLICES_MAX = 4000, /* of a millisecond each, of the owner's loop */
    LOOPS = 2000,      /* between two looks at the clock */
    SETTLED_MS = 40,   /* of computing beside the tasks, before the key */
    PROBE_MS = 1,      /* that a probe sleeps */
    LATE_MS = 25       /* nobody should wait so long */
};

static int events[GROUPS_MAX];
static size_t group_count;
static xcb_connection_t *display;

static double now_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec * 1e-6;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static bool is_frozen(int fd)
{
    char text[256];
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

    if (n < 0)
        die("freeze: cannot read cgroup.events");
    text[n] = '\0';
    return strstr(text, "frozen 1") != NULL;
}

/* When the last of them was so; each is waited for by the kernel's word. */
static double wait_for(bool frozen)
{
    for (size_t i = 0; i < group_count; i++) {
        struct pollfd wait = {.fd = events[i], .events = POLLPRI};

        while (is_frozen(events[i]) != frozen)
            if (poll(&wait, 1, PATIENCE_MS) <= 0) {
                fprintf(stderr, "freeze: a group is not %s in time\n",
                        frozen ? "frozen" : "thawed");
                exit(1);
            }
    }
    return now_ms();
}

/* Owners come when nothing else happens; a different moment of everybody's timers each time. */
static void let_settle(size_t n)
{
    struct timespec pause = {.tv_nsec = 50000000L + (long)(n * 7919 % 97) * 1000000L};

    nanosleep(&pause, NULL);
}

static void press(void)
{
    xcb_test_fake_input(display, XCB_KEY_PRESS, KEYCODE, 0, XCB_NONE, 0, 0, 0);
    xcb_test_fake_input(display, XCB_KEY_RELEASE, KEYCODE, 0, XCB_NONE, 0, 0, 0);
    xcb_flush(display);
}

/* ---- the computer itself ---- */

static _Atomic double still_ms; /* the longest since it was set to 0 */

/* Without the right to go first it sees nothing, rather than what the tasks make it wait for. */
static void *probe(void *processor)
{
    const struct sched_param first = {.sched_priority = 50};
    const struct timespec pause = {.tv_nsec = PROBE_MS * 1000000L};
    cpu_set_t only;

    CPU_ZERO(&only);
    CPU_SET((int)(intptr_t)processor, &only);
    if (sched_setaffinity(0, sizeof(only), &only) < 0 ||
        sched_setscheduler(0, SCHED_FIFO, &first) < 0)
        return NULL;
    for (;;) {
        double begun_ms = now_ms(), late_ms;

        nanosleep(&pause, NULL);
        late_ms = now_ms() - begun_ms - PROBE_MS;
        if (late_ms > still_ms)
            still_ms = late_ms;
    }
}

static void begin_probes(void)
{
    for (long i = 0; i < sysconf(_SC_NPROCESSORS_ONLN); i++) {
        pthread_t thread;

        if (pthread_create(&thread, NULL, probe, (void *)(intptr_t)i) != 0)
            die("freeze: no thread");
    }
}

/* ---- the owner's program ---- */

static volatile bool owner_computes;
static double slices[SLICES_MAX]; /* loops done in each millisecond from owner_begun_ms on */
static double owner_begun_ms;

static void *compute(void *nothing)
{
    volatile uint64_t number = 1;

    while (owner_computes) {
        double at = now_ms() - owner_begun_ms;

        for (int i = 0; i < LOOPS; i++)
            number = number * 6364136223846793005ULL + 1442695040888963407ULL;
        if (at >= 0 && at < SLICES_MAX)
            slices[(size_t)at] += 1;
    }
    return nothing;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return left < right ? -1 : left > right;
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare);
    return values[count / 2];
}

static double mean(size_t from, size_t to)
{
    double sum = 0;

    for (size_t i = from; i < to; i++)
        sum += slices[i];
    return sum / (double)(to - from);
}

/* The first 10 ms behind the key in which the loop is as fast as it is alone, but for 2 %. */
static double own_again_ms(double key_ms, double alone)
{
    size_t key = (size_t)(key_ms - owner_begun_ms);

    for (size_t i = key; i + 10 < SLICES_MAX; i++)
        if (mean(i, i + 10) >= alone * 0.98)
            return (double)(i - key);
    return SLICES_MAX;
}

/* With the owner's loop beside: it computes before the key, and for some time after it. */
static void measure_owner(size_t count, double *ret_median, double *ret_worst, double *ret_beside)
{
    double *waits = calloc(count, sizeof(*waits)), *beside = calloc(count, sizeof(*beside));

    for (size_t n = 0; n < count; n++) {
        struct timespec settle = {.tv_nsec = SETTLED_MS * 1000000L}, rest = {.tv_nsec = 200000000L};
        pthread_t thread;
        double key_ms, alone;
        size_t key;

        wait_for(false);
        memset(slices, 0, sizeof(slices));
        owner_computes = true;
        owner_begun_ms = now_ms();
        if (pthread_create(&thread, NULL, compute, NULL) != 0)
            die("freeze: no thread");
        nanosleep(&settle, NULL);
        key_ms = now_ms();
        press();
        nanosleep(&rest, NULL);
        owner_computes = false;
        pthread_join(thread, NULL);
        key = (size_t)(key_ms - owner_begun_ms);
        alone = mean(key + 80, key + 180);
        waits[n] = own_again_ms(key_ms, alone);
        beside[n] = mean(10, key) / alone;
    }
    *ret_worst = 0;
    for (size_t n = 0; n < count; n++)
        *ret_worst = waits[n] > *ret_worst ? waits[n] : *ret_worst;
    *ret_median = median(waits, count);
    *ret_beside = median(beside, count);
    free(waits);
    free(beside);
}

int main(int argc, char **argv)
{
    size_t count = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
    double *waits = calloc(count + 1, sizeof(*waits)), worst = 0, still = 0;
    size_t late = 0;
    double own, own_worst, beside;

    for (int i = 2; i < argc && group_count < GROUPS_MAX; i++) {
        events[group_count] = open(argv[i], O_RDONLY | O_CLOEXEC);
        if (events[group_count++] < 0)
            die(argv[i]);
    }
    display = xcb_connect(NULL, NULL);
    if (count == 0 || xcb_connection_has_error(display)) {
        fprintf(stderr, "freeze: a number, groups and a DISPLAY are wanted\n");
        return 1;
    }
    begin_probes();
    for (size_t n = 0; n < count; n++) {
        double key_ms;

        wait_for(false);
        let_settle(n);
        still_ms = 0;
        key_ms = now_ms();
        press();
        waits[n] = wait_for(true) - key_ms;
        late += waits[n] > LATE_MS;
        if (waits[n] > worst) {
            worst = waits[n];
            still = still_ms;
        }
    }
    measure_owner(count < 50 ? count : 50, &own, &own_worst, &beside);
    printf("frozen %.2f %.2f cpu %.0f %.0f beside %.3f still %.2f late %zu\n", median(waits, count),
           worst, own, own_worst, beside, still, late);
    free(waits);
    xcb_disconnect(display);
    return 0;
}
