/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one task of `dusk run`: a program as it was typed, turned into a submit text. What the user
 * typed enters it only as values of variables ($ENV), so that nothing in it is read as language.
 */
#pragma once

#include "base/error.h"
#include "lang/submit.h"
#include "origin.h"

#include <stdbool.h>

/* What the task's output is called in the spool; no file of the user begins like this. */
#define RUN_PREFIX ".dusk-run-"
#define RUN_STDOUT RUN_PREFIX "stdout"
#define RUN_STDERR RUN_PREFIX "stderr"

struct run_job {
    const char *program;       /* as it is to be started; see run_find_program() */
    bool transfer;             /* it is sent along */
    char *const *arguments;    /* up to a NULL */
    const char *stdin_path;    /* absolute; NULL: none */
    struct buffer environment; /* in the new syntax of HTCondor, without the outer quotes */
    struct buffer inputs;      /* files to send along, with commas between */
    const char *cpus, *memory, *disk, *gpus; /* as in a submit file; NULL: not given */
};

void run_job_deinit(struct run_job *job);
/* Adds NAME=VALUE, or NAME with its value here; FAILURE_USAGE if it has none. */
int run_job_add_variable(struct run_job *job, const char *variable, struct error *err);

/*
 * Finds a program as a shell does: in PATH unless it has a slash. What is part of the operating
 * system is taken from the node, everything else is sent along. The path becomes the caller's.
 * -ENOENT, -EACCES.
 */
int run_find_program(const char *name, char **ret_path, bool *ret_transfer, struct error *err);

/* The submit text; `origin` gets it as its text, which stays in `text`. */
int run_job_parse(const struct run_job *job, struct origin *origin, struct buffer *text,
                  struct submit **ret_submit, struct error *err);
