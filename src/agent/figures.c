/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See figures.h. Rows are looked for from the end, where today is. A day has few of them, so that
 * neither the file nor the answer grows with the pool.
 */
#include "figures.h"

#include "base/memory.h"
#include "base/number.h"
#include "lang/date.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const uint32_t periods[] = {1, 7, 30, FIGURES_DAYS};
enum { PERIODS = ARRAY_LENGTH(periods) };

#define US_PER_SECOND    1e6
#define SECONDS_PER_HOUR 3600.0

static_assert(PERIODS * (FIGURES_SHOWN_MAX + 2) <= OWNER_FIGURES_MAX, "an answer has room for all");

void figures_deinit(struct figures *figures)
{
    for (size_t i = 0; i < figures->count; i++)
        free(figures->rows[i].user);
    free(figures->rows);
    *figures = (struct figures){0};
}

/* ---- sums ---- */

static void sum_add(struct figures_sum *sum, const struct figures_sum *more)
{
    sum->lent_us += more->lent_us;
    sum->tasks += more->tasks;
    sum->cpu_us += more->cpu_us;
}

/* A line of the file ends where the name does, so it has no line feeds, nor what is like them. */
static char *copy_name(const char *user)
{
    char *name = memory_copy_bytes(user, strnlen(user, FIGURES_NAME_MAX));

    for (char *at = name; *at; at++)
        if ((unsigned char)*at < ' ')
            *at = '?';
    return name;
}

/* The row of that day and user. *ret_end is where a new one of that day belongs. */
static struct figures_row *find_row(const struct figures *figures, int64_t day, const char *user,
                                    size_t *ret_end, size_t *ret_of_day)
{
    size_t at = figures->count;

    while (at > 0 && figures->rows[at - 1].day > day)
        at--;
    *ret_end = at;
    *ret_of_day = 0;
    for (; at > 0 && figures->rows[at - 1].day == day; at--) {
        if (strcmp(figures->rows[at - 1].user, user) == 0)
            return &figures->rows[at - 1];
        ++*ret_of_day;
    }
    return NULL;
}

/* Takes the name. */
static struct figures_row *insert_row(struct figures *figures, size_t at, int64_t day, char *user)
{
    array_reserve(figures->rows, figures->capacity, figures->count + 1);
    memmove(&figures->rows[at + 1], &figures->rows[at],
            (figures->count - at) * sizeof(*figures->rows));
    figures->count++;
    figures->rows[at] = (struct figures_row){.day = day, .user = user};
    return &figures->rows[at];
}

void figures_add(struct figures *figures, int64_t day, const char *user,
                 const struct figures_sum *sum)
{
    _cleanup_free_ char *name = copy_name(user ? user : FIGURES_OTHERS);
    size_t end, of_day;
    struct figures_row *row = find_row(figures, day, name, &end, &of_day);

    if (!row && of_day >= FIGURES_USERS_MAX && name[0] != '\0') {
        free(name);
        name = memory_copy_string(FIGURES_OTHERS);
        row = find_row(figures, day, name, &end, &of_day);
    }
    if (!row)
        row = insert_row(figures, end, day, take_pointer(name));
    sum_add(&row->sum, sum);
}

void figures_forget(struct figures *figures, int64_t today)
{
    size_t old = 0;

    while (old < figures->count && figures->rows[old].day <= today - FIGURES_DAYS)
        free(figures->rows[old++].user);
    figures->count -= old;
    if (old > 0)
        memmove(figures->rows, figures->rows + old, figures->count * sizeof(*figures->rows));
}

/* ---- lines ---- */

void figures_write(const struct figures *figures, struct buffer *lines)
{
    for (size_t i = 0; i < figures->count; i++) {
        const struct figures_row *row = &figures->rows[i];

        buffer_appendf(lines, "%lld %llu %llu %llu %s\n", (long long)row->day,
                       (unsigned long long)row->sum.lent_us, (unsigned long long)row->sum.tasks,
                       (unsigned long long)row->sum.cpu_us, row->user);
    }
}

/* The next word of the line, which is moved behind the blank that follows. */
static struct slice take_field(struct slice *line)
{
    const char *blank = line->length > 0 ? memchr(line->data, ' ', line->length) : NULL;
    size_t length = blank ? (size_t)(blank - line->data) : line->length;
    struct slice field = {line->data, length};

    line->data += length + (blank != NULL);
    line->length -= length + (blank != NULL);
    return field;
}

/* What JSON cannot carry was never written. */
static bool take_number(struct slice *line, uint64_t *ret)
{
    return number_parse_u64(take_field(line), ret) == 0 && *ret <= INT64_MAX;
}

static bool read_line(struct figures *figures, struct slice line)
{
    _cleanup_free_ char *user = NULL;
    struct figures_sum sum;
    int64_t day;

    if (number_parse_i64(take_field(&line), &day) < 0 || day < 0 || day > UINT32_MAX ||
        !take_number(&line, &sum.lent_us) || !take_number(&line, &sum.tasks) ||
        !take_number(&line, &sum.cpu_us) || memchr(line.data, '\0', line.length))
        return false;
    user = slice_copy(line);
    figures_add(figures, day, user, &sum);
    return true;
}

size_t figures_read(struct figures *figures, struct slice lines)
{
    size_t senseless = 0;

    while (lines.length > 0) {
        const char *end = memchr(lines.data, '\n', lines.length);
        size_t length = end ? (size_t)(end - lines.data) : lines.length;

        senseless += !read_line(figures, (struct slice){lines.data, length});
        lines.data += length + (end != NULL);
        lines.length -= length + (end != NULL);
    }
    return senseless;
}

/* ---- what is shown ---- */

/* What one user had in each period. */
struct share {
    const char *user;
    struct figures_sum sums[PERIODS];
};

struct shares {
    struct share items[FIGURES_SHOWN_MAX + 2]; /* the computer itself is first */
    size_t count;
};

static struct share *find_share(struct shares *shares, const char *user)
{
    for (size_t i = 0; i < shares->count; i++)
        if (strcmp(shares->items[i].user, user) == 0)
            return &shares->items[i];
    if (shares->count > FIGURES_SHOWN_MAX && strcmp(user, FIGURES_OTHERS) != 0)
        return find_share(shares, FIGURES_OTHERS);
    shares->items[shares->count] = (struct share){.user = user};
    return &shares->items[shares->count++];
}

static void share_add(struct share *share, int64_t ago, const struct figures_sum *sum)
{
    for (size_t i = 0; i < PERIODS; i++)
        if (ago < periods[i])
            sum_add(&share->sums[i], sum);
}

/* By the processor time in the longest period, which has all of the others in it. */
static int compare_shares(const void *one, const void *other)
{
    const struct share *left = one, *right = other;
    uint64_t left_us = left->sums[PERIODS - 1].cpu_us, right_us = right->sums[PERIODS - 1].cpu_us;

    return left_us != right_us ? (left_us < right_us ? 1 : -1) : strcmp(left->user, right->user);
}

static void collect_shares(const struct figures *figures, int64_t today, struct shares *shares)
{
    struct share *all = find_share(shares, "");

    for (size_t i = figures->count; i-- > 0;) {
        const struct figures_row *row = &figures->rows[i];
        int64_t ago = today - row->day;

        if (ago < 0 || ago >= FIGURES_DAYS)
            continue;
        share_add(all, ago, &row->sum);
        if (row->user[0] != '\0')
            share_add(find_share(shares, row->user), ago, &row->sum);
    }
    qsort(shares->items + 1, shares->count - 1, sizeof(*shares->items), compare_shares);
}

static struct owner_figure figure_of(const struct share *share, size_t period,
                                     double watts_per_core)
{
    const struct figures_sum *sum = &share->sums[period];
    double cpu_s = (double)sum->cpu_us / US_PER_SECOND;

    return (struct owner_figure){
        .days = periods[period],
        .user = share->user[0] ? memory_copy_string(share->user) : NULL,
        .lent_s = (double)sum->lent_us / US_PER_SECOND,
        .tasks = sum->tasks,
        .cpu_s = cpu_s,
        .energy_wh = cpu_s / SECONDS_PER_HOUR * watts_per_core,
    };
}

/* NULL if nothing is known of any day that has come. */
static char *first_day(const struct figures *figures, int64_t today)
{
    struct buffer text = BUFFER_INIT;
    struct date date;
    size_t first = 0;

    while (first < figures->count && figures->rows[first].day <= today - FIGURES_DAYS)
        first++;
    if (first == figures->count || figures->rows[first].day > today)
        return NULL;
    date = date_from_days(figures->rows[first].day);
    buffer_appendf(&text, "%04lld-%02d-%02d", (long long)date.year, date.month, date.day);
    return buffer_take(&text);
}

void figures_describe(const struct figures *figures, int64_t today, double watts_per_core,
                      struct owner_figures *ret_figures)
{
    struct shares shares = {.count = 0};
    struct owner_figures described = {.since = first_day(figures, today),
                                      .watts_per_core = watts_per_core};

    collect_shares(figures, today, &shares);
    described.items = memory_allocate(PERIODS * shares.count * sizeof(*described.items));
    for (size_t period = 0; period < PERIODS; period++)
        for (size_t i = 0; i < shares.count; i++) {
            const struct figures_sum *sum = &shares.items[i].sums[period];

            if (i == 0 || sum->tasks > 0 || sum->cpu_us > 0)
                described.items[described.count++] =
                    figure_of(&shares.items[i], period, watts_per_core);
        }
    *ret_figures = described;
}
