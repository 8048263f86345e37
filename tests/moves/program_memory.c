/* SPDX-License-Identifier: Apache-2.0 */
/* See program.h: threads, memory that is shared in each of its ways, and registers. */
#define _GNU_SOURCE
#include "program.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, WORDS = 64 * 1024, STEPS = 200000 };

/* ---- threads, a mutex, and memory of each thread's own ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t progress = PTHREAD_COND_INITIALIZER;
static uint64_t sum, parts[THREADS];
static _Thread_local uint64_t own;

static void *count_up(void *context)
{
    uint64_t *part = context;

    for (;;) {
        own++;
        pthread_mutex_lock(&mutex);
        sum++;
        (*part)++;
        require(*part == own, "memory of the thread");
        pthread_cond_signal(&progress);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void begin_threads(void)
{
    pthread_t thread;

    for (unsigned i = 0; i < THREADS; i++)
        require(pthread_create(&thread, NULL, count_up, &parts[i]) == 0, "thread");
}

/* Waits until each has gone on. */
static void check_threads(void)
{
    uint64_t before[THREADS], total = 0;
    unsigned moved = 0;

    pthread_mutex_lock(&mutex);
    memcpy(before, parts, sizeof(before));
    while (moved < THREADS) {
        pthread_cond_wait(&progress, &mutex);
        moved = 0;
        for (unsigned i = 0; i < THREADS; i++)
            moved += parts[i] > before[i];
    }
    for (unsigned i = 0; i < THREADS; i++)
        total += parts[i];
    require(total == sum, "sum");
    pthread_mutex_unlock(&mutex);
}

/* ---- memory that two processes share: each answers what the other has written ---- */

static volatile uint32_t *shared;
static uint32_t round_number;

/* The child writes into the second half what it finds in the first. */
static void begin_sharing(void *memory)
{
    require(memory != MAP_FAILED && memory != NULL, "memory");
    shared = memory;
    if (fork() != 0)
        return;
    for (;;)
        for (unsigned i = 0; i < WORDS / 2; i++)
            shared[WORDS / 2 + i] = shared[i];
}

static void check_sharing(void)
{
    unsigned at = round_number % (WORDS / 2);

    shared[at] = ++round_number;
    while (shared[WORDS / 2 + at] != round_number)
        require(waitpid(-1, NULL, WNOHANG) == 0, "the other process");
}

static void begin_shared_file(void)
{
    int fd = open("shared", O_RDWR | O_CREAT, 0600);

    require(fd >= 0 && ftruncate(fd, WORDS * sizeof(*shared)) == 0, "file");
    begin_sharing(mmap(NULL, WORDS * sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
}

static void begin_shared_anonymous(void)
{
    begin_sharing(mmap(NULL, WORDS * sizeof(*shared), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0));
}

static void begin_memfd(void)
{
    int fd = memfd_create("shared", 0);

    require(fd >= 0 && ftruncate(fd, WORDS * sizeof(*shared)) == 0, "file");
    begin_sharing(mmap(NULL, WORDS * sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
}

static void begin_segment(void)
{
    int segment = shmget(IPC_PRIVATE, WORDS * sizeof(*shared), IPC_CREAT | 0600);

    require(segment >= 0, "segment");
    begin_sharing(shmat(segment, NULL, 0));
}

/* ---- registers, the wide ones too ---- */

typedef double wide __attribute__((vector_size(32)));

static double first;

/* The sum of all lanes of four sums that stay in registers. */
#if defined(__x86_64__)
__attribute__((target("avx")))
#endif
static double
add_up(void)
{
    wide a = {1, 2, 3, 4}, b = {5, 6, 7, 8}, c = {9, 10, 11, 12}, d = {13, 14, 15, 16};

    for (unsigned i = 0; i < STEPS; i++) {
        a += b * 0.5;
        b -= c * 0.25;
        c += d * 0.125;
        d -= a * 0.0625;
        a *= 0.5;
    }
    a += b + c + d;
    return a[0] + a[1] + a[2] + a[3];
}

static void begin_registers(void)
{
    first = add_up();
}

static void check_registers(void)
{
    require(memcmp(&first, &(double){add_up()}, sizeof(first)) == 0, "sum");
}

const struct program memory_programs[] = {
    {"threads", begin_threads, check_threads},
    {"shared-file", begin_shared_file, check_sharing},
    {"shared-memory", begin_shared_anonymous, check_sharing},
    {"memfd", begin_memfd, check_sharing},
    {"segment", begin_segment, check_sharing},
    {"registers", begin_registers, check_registers},
    {NULL, NULL, NULL},
};
