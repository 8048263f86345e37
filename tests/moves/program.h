/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that are moved while they run, and see for themselves whether they are what they were.
 * Each uses one part of the kernel: it begins, and then checks again and again, without pause, for
 * as long as it is moved. What is wrong ends it with a word of what that was.
 */
#pragma once

#include <stdbool.h>

struct program {
    const char *name;
    void (*begin)(void);
    void (*check)(void); /* NULL at the end of a list */
};

extern const struct program file_programs[];
extern const struct program memory_programs[];
extern const struct program process_programs[];
extern const struct program socket_programs[];
extern const struct program time_programs[];

/* Ends the program, with `what` and errno on its error output, if it does not hold. */
void require(bool holds, const char *what);
