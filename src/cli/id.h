/* SPDX-License-Identifier: Apache-2.0 */
/* The names of jobs and tasks, 17 and 17.3, as people type them. */
#pragma once

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct id {
    uint64_t job;
    uint64_t task;
    bool has_task; /* else the whole job is meant */
};

/* FAILURE_USAGE if the text is neither JOB nor JOB.TASK. */
int id_parse(const char *text, struct id *ret_id, struct error *err);

/* "17" or "17.3". */
void id_append(struct buffer *buffer, const struct id *id);
/* "job 17" or "task 17.3". */
void id_append_noun(struct buffer *buffer, const struct id *id);
/* Appends "?task=3" or "&task=3", by `separator`, if a task is meant. */
void id_append_task_query(struct buffer *buffer, const struct id *id, char separator);
