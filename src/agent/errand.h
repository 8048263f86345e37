/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work with files that may take long is done by a forked child, so that the loop goes on: copying
 * large inputs, removing large folders. The child has a copy of everything and may use it, but
 * nothing that it changes in memory comes back but its answer; its result and its words do.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"

#include <uv.h>

struct errand;

struct errand_task {
    /* In the child. Returns 0 or a negative errno with `err` set. */
    int (*run)(void *context, struct error *err);
    /* In the parent, when the child is over; the errand is gone then. May be NULL. */
    void (*on_done)(void *context, int result, const struct error *err);
    void *context;
    /* What the child leaves in its copy comes back, before on_done is called; NULL: nothing does.
     */
    struct buffer *answer;
};

/* The errand is the loop's; the caller may cancel it until on_done is called. */
int errand_start(uv_loop_t *loop, const struct errand_task *task, struct errand **ret_errand,
                 struct error *err);

/* Kills the child and waits for its end; on_done is not called. */
void errand_cancel(struct errand *errand);
