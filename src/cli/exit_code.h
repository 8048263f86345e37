/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a command ends, and how the code that fails says so. Scripts rely on these numbers; `dusk
 * help exit-codes` prints them.
 *
 * A function that fails returns a negative errno value as everywhere. A few values have a meaning
 * here, because an exit code belongs to them; all others mean EXIT_CODE_FAILED.
 */
#pragma once

#include <errno.h>

enum exit_code {
    EXIT_CODE_OK = 0,
    EXIT_CODE_FAILED = 1,
    EXIT_CODE_USAGE = 2,
    EXIT_CODE_NO_SERVER = 3,
    EXIT_CODE_NOT_FOUND = 4,
    EXIT_CODE_NOT_ALLOWED = 5,
    EXIT_CODE_TIMEOUT = 124,
    EXIT_CODE_NOT_EXECUTABLE = 126, /* these two of `dusk run` only, as of a shell */
    EXIT_CODE_NO_PROGRAM = 127,
    EXIT_CODE_SIGNAL = 128 /* plus the signal that ended a task of `dusk run`, or a pipe */
};

enum failure {
    FAILURE_USAGE = -EBADRQC,      /* the command line is wrong */
    FAILURE_NO_SERVER = -ENOTCONN, /* there was no answer */
    FAILURE_NOT_FOUND = -ESRCH,    /* the server knows no such job, task, node or token */
    FAILURE_NOT_ALLOWED = -EPERM,  /* the server knows it, and it is not the caller's */
    FAILURE_TIMEOUT = -ETIME,
    /* No failure: help was asked for and given. Beyond every errno value, so that none is this. */
    FAILURE_HELP_SHOWN = -4096
};

/* The exit code that belongs to a negative return value. */
enum exit_code exit_code_of(int failure);

/* What `dusk help exit-codes` prints. */
extern const char exit_code_help[];
