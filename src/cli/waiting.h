/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting until a job, or one of its tasks, needs no more waiting for: it is over, or all that is
 * left of it is Held and goes on only when somebody acts.
 */
#pragma once

#include "connection.h"
#include "id.h"

/* How many tasks are in which state; of one task alone, one of these is 1. */
struct progress {
    uint64_t tasks;
    uint64_t idle;
    uint64_t running;
    uint64_t suspended;
    uint64_t held;
    uint64_t completed;
    uint64_t removed;
    bool over;
};

enum verdict {
    VERDICT_GOES_ON,
    VERDICT_COMPLETED, /* every task */
    VERDICT_REMOVED,   /* over, and some tasks never completed */
    VERDICT_HELD       /* not over, and nothing of it moves */
};

/* From the object of a job (api.md), or of a task. */
void progress_of_job(const json_t *job, struct progress *ret_progress);
void progress_of_task(const json_t *task, struct progress *ret_progress);
enum verdict progress_verdict(const struct progress *progress);
/* "12 of 46 tasks completed, 3 held" */
void progress_append(struct buffer *text, const struct progress *progress);

struct waiting {
    struct connection *connection;
    struct id id;
    uint64_t seen;        /* the job's version that the caller knows of; 0: none, so look first */
    uint64_t deadline_ms; /* by clock_boot_ms(); 0: none */
    /* Called with what is new, also the first time; may be NULL. */
    void (*on_progress)(void *userdata, const struct progress *progress);
    void *userdata;
};

/*
 * Waits until the verdict is not VERDICT_GOES_ON. FAILURE_TIMEOUT, without a message, at the
 * deadline; *ret_progress is set then, too.
 */
int waiting_run(const struct waiting *waiting, struct progress *ret_progress, struct error *err);

/*
 * What a verdict means for a command: EXIT_CODE_OK, or EXIT_CODE_FAILED after a sentence on
 * standard error.
 */
int waiting_conclude(const struct id *id, const struct progress *progress);

/* The object of one task, wherever it is; *ret_task becomes the caller's. FAILURE_NOT_FOUND. */
int waiting_get_task(struct connection *connection, const struct id *id, json_t **ret_task,
                     struct error *err);
