/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this computer did for the pool: sums of a day, for each user and for the computer itself.
 * A year of them is kept. Nothing else is known later: no program, no file, no hour of the day.
 * Pure: the day comes in, and lines go out and come back (recording.h has the clock and the file).
 *
 * A line of the file is
 *
 *     DAY LENT_US TASKS CPU_US USER
 *
 * with the day counted from 1970-01-01 by the clock on the wall here, and no USER where it is the
 * time that the computer itself was lent.
 */
#pragma once

#include "base/buffer.h"
#include "wire/owner_word.h"

#include <stdint.h>

enum {
    FIGURES_DAYS = 365,                /* kept, today is one */
    FIGURES_USERS_MAX = 32,            /* of a day; those who come later are counted together */
    FIGURES_SHOWN_MAX = 128,           /* users in what is answered, likewise */
    FIGURES_NAME_MAX = 128,            /* bytes of a user; the rest is cut */
    FIGURES_SIZE_MAX = 4 * 1024 * 1024 /* of all lines */
};

/* Whom those are counted for that have no place of their own. No user of a pool is called so. */
#define FIGURES_OTHERS "(others)"

struct figures_sum {
    uint64_t lent_us;
    uint64_t tasks;
    uint64_t cpu_us;
};

struct figures_row {
    int64_t day;
    char *user; /* owned; "": the computer itself */
    struct figures_sum sum;
};

struct figures {
    struct figures_row *rows; /* owned, by rising day */
    size_t count;
    size_t capacity;
};

void figures_deinit(struct figures *figures);

/* `user` is "" for the computer itself; NULL: nobody knows whom it was for. */
void figures_add(struct figures *figures, int64_t day, const char *user,
                 const struct figures_sum *sum);
/* Forgets what is older than a year today. */
void figures_forget(struct figures *figures, int64_t today);

/* Appends all lines. */
void figures_write(const struct figures *figures, struct buffer *lines);
/* Adds what the lines say; returns how many of them say nothing that makes sense. */
size_t figures_read(struct figures *figures, struct slice lines);

/*
 * What an owner is shown: today, 7, 30 and 365 days; of each first all together, then the users
 * with the most processor time first, without those for whom nothing was done. Days that have not
 * come yet (the clock was wrong once) are passed over.
 */
void figures_describe(const struct figures *figures, int64_t today, double watts_per_core,
                      struct owner_figures *ret_figures);
