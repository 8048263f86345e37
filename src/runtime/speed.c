/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See speed.h. Each of the three does work until its time is over, and says how much that was a
 * second. What is computed goes into a volatile at the end, or a compiler would leave it out.
 */
#include "speed.h"

#include "base/attributes.h"
#include "base/memory.h"
#include "sys/clock.h"

#include <math.h>
#include <string.h>

enum { TIME_US = 30000, VAX_ROUNDS = 1757 };

/* Not inlined, because calls are part of what is measured. */
#define _call_ __attribute__((__noinline__))

static uint64_t per_second(uint64_t work, uint64_t begun_us)
{
    uint64_t passed_us = clock_boot_us() - begun_us;

    return work * 1000000 / (passed_us ? passed_us : 1);
}

/* ---- integer work ---- */

enum { TEXT_LENGTH = 30, TABLE_SIZE = 50 };

struct record {
    struct record *next;
    int kind;
    int number;
    char text[TEXT_LENGTH + 1];
};

struct workshop {
    struct record first, second;
    int row[TABLE_SIZE];
    int table[TABLE_SIZE][TABLE_SIZE];
    char left[TEXT_LENGTH + 1], right[TEXT_LENGTH + 1];
};

_call_ static int choose(int kind, char letter)
{
    switch (kind & 3) {
    case 0:
        return letter > 'M' ? 2 : 1;
    case 1:
        return kind + 2;
    case 2:
        return letter == 'Z' ? 0 : 3;
    }
    return kind / 2;
}

_call_ static void copy_record(struct workshop *workshop, int number)
{
    struct record *record = workshop->first.next;

    *record = workshop->first;
    record->number = number + 5;
    record->kind = choose(record->kind, workshop->left[2]);
    record->next = &workshop->second;
}

_call_ static void fill_table(struct workshop *workshop, int at, int value)
{
    workshop->row[at] = value;
    workshop->row[at + 1] = workshop->row[at];
    workshop->row[at + 7] = at;
    for (int i = at; i <= at + 1; i++)
        workshop->table[at][i] = at;
    workshop->table[at][at - 1]++;
    workshop->table[at + 2][at] = workshop->row[at];
}

_call_ static int compare_texts(const struct workshop *workshop)
{
    return strcmp(workshop->left, workshop->right) > 0 ? 10 : choose(2, workshop->right[1]);
}

/* About a hundred statements: half assign, a third decide, the rest call. */
_call_ static int work_one_round(struct workshop *workshop, int round)
{
    int a = 2, b = 3, c = round & 7;

    memcpy(workshop->right, "A TEXT THAT IS COMPARED, AND 2", TEXT_LENGTH);
    c += compare_texts(workshop);
    while (a < b) {
        c = 5 * a - b + c;
        a++;
    }
    fill_table(workshop, 8 + (c & 7), c);
    copy_record(workshop, c);
    for (char letter = 'A'; letter <= 'B'; letter++)
        if (choose(a, letter) == 3)
            workshop->right[letter - 'A'] = letter;
    b = c * a;
    a = b / (workshop->second.number + 3);
    return 7 * (b - a) - c;
}

static uint64_t measure_mips(void)
{
    enum { BETWEEN_LOOKS = 2000 };
    _cleanup_free_ struct workshop *workshop = memory_allocate(sizeof(*workshop));
    uint64_t begun_us = clock_boot_us(), rounds = 0;
    volatile int sink = 0;

    workshop->first.next = &workshop->second;
    memcpy(workshop->first.text, "A RECORD WITH A TEXT OF THIRTY", TEXT_LENGTH);
    memcpy(workshop->left, "A TEXT THAT IS COMPARED, AND 1", TEXT_LENGTH);
    while (clock_boot_us() - begun_us < TIME_US)
        for (int i = 0; i < BETWEEN_LOOKS; i++, rounds++)
            sink = work_one_round(workshop, i);
    (void)sink;
    return per_second(rounds, begun_us) / VAX_ROUNDS;
}

/* ---- floating-point work ---- */

enum { EQUATIONS = 100 };

struct equations {
    double columns[EQUATIONS][EQUATIONS]; /* a column lies in one piece */
    double right[EQUATIONS];
};

/* A dense system that can be solved: random numbers are not needed for its speed. */
static void set_up(struct equations *equations)
{
    unsigned seed = 1325;

    for (int column = 0; column < EQUATIONS; column++)
        for (int row = 0; row < EQUATIONS; row++) {
            seed = 3125 * seed % 65536;
            equations->columns[column][row] = ((double)seed - 32768.0) / 16384.0;
        }
    for (int row = 0; row < EQUATIONS; row++)
        equations->right[row] = 1.0;
}

/* y += a * x from `first` on: what most of the time goes into. */
static void add_multiple(double *y, double a, const double *x, int first)
{
    for (int i = first; i < EQUATIONS; i++)
        y[i] += a * x[i];
}

/* Gaussian elimination with the largest element of each column, and the way back. */
static void solve(struct equations *equations)
{
    double *right = equations->right;

    for (int k = 0; k < EQUATIONS; k++) {
        double *column = equations->columns[k], swapped;
        int largest = k;

        for (int row = k + 1; row < EQUATIONS; row++)
            if (fabs(column[row]) > fabs(column[largest]))
                largest = row;
        swapped = right[k];
        right[k] = right[largest];
        right[largest] = swapped;
        for (int j = k; j < EQUATIONS; j++) {
            double *other = equations->columns[j];

            swapped = other[k];
            other[k] = other[largest];
            other[largest] = swapped;
        }
        for (int row = k + 1; row < EQUATIONS; row++)
            column[row] /= -column[k];
        for (int j = k + 1; j < EQUATIONS; j++)
            add_multiple(equations->columns[j], equations->columns[j][k], column, k + 1);
        add_multiple(right, right[k], column, k + 1);
    }
    for (int k = EQUATIONS; k-- > 0;) {
        right[k] /= equations->columns[k][k];
        for (int row = 0; row < k; row++)
            right[row] -= right[k] * equations->columns[k][row];
    }
}

static uint64_t measure_kflops(void)
{
    _cleanup_free_ struct equations *equations = memory_allocate(sizeof(*equations));
    const uint64_t n = EQUATIONS, operations = 2 * n * n * n / 3 + 2 * n * n;
    uint64_t work = 0, solving_us = 0;
    volatile double sink = 0;

    /* Setting up is not counted, as in LINPACK. */
    while (solving_us < TIME_US) {
        uint64_t begun_us;

        set_up(equations);
        begun_us = clock_boot_us();
        solve(equations);
        solving_us += clock_boot_us() - begun_us + 1;
        work += operations;
        sink = equations->right[0];
    }
    (void)sink;
    return work * 1000 / solving_us;
}

/* ---- memory ---- */

static uint64_t measure_copying(void)
{
    enum { SIZE = 8 << 20 };
    _cleanup_free_ char *from = memory_allocate(SIZE);
    _cleanup_free_ char *to = memory_allocate(SIZE);
    uint64_t begun_us, bytes = 0;

    memset(from, 1, SIZE);
    memset(to, 2, SIZE);
    begun_us = clock_boot_us();
    while (clock_boot_us() - begun_us < TIME_US) {
        memcpy(to, from, SIZE);
        /* So that no compiler concludes that nobody reads it. */
        from[bytes % SIZE] = to[SIZE - 1];
        bytes += SIZE;
    }
    return per_second(bytes, begun_us) >> 20;
}

struct speed speed_measure(void)
{
    return (struct speed){
        .mips = measure_mips(), .kflops = measure_kflops(), .memory_mb = measure_copying()};
}
