/* SPDX-License-Identifier: Apache-2.0 */
/* For unit tests only: cmocka with what it wants in front of it, and tests of a process's end. */
#pragma once

#include "base/attributes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Ends a test that this machine cannot make, and says why. Not cmocka's skip(): that prints "not ok
 * # SKIP", which meson counts as a failure.
 */
#define TEST_SKIP(why)                                                                             \
    do {                                                                                           \
        printf("# skipped %s: %s\n", __func__, why);                                               \
        return;                                                                                    \
    } while (0)

/* Whether `action` ends its process by abort(), as broken promises must. */
static inline bool test_aborts(void (*action)(void))
{
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        /* cmocka would catch the signal; the words on stderr are expected. */
        signal(SIGABRT, SIG_DFL);
        if (!freopen("/dev/null", "w", stderr))
            _exit(1);
        action();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}
