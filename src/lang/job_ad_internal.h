/* SPDX-License-Identifier: Apache-2.0 */
/* How a job's attributes are put together: for job_ad.c and job_requirements.c only. */
#pragma once

#include "job_ad.h"
#include "list.h"
#include "submit_internal.h"

#include "base/arena.h"

struct job_ad_memory {
    struct arena arena;
    struct buffer text; /* of the expression that is being made */
    struct list words;
};

/* One task's attributes being made. */
struct job_writer {
    struct job_ad *ad;
    const struct part *part; /* the task's, of its submit */
    const struct submit_task *task;
    const struct job_origin *origin;
};

/* The attribute, or NULL. */
struct submit_attribute *job_ad_get(const struct job_ad *ad, const char *name);
/* Sets an attribute; the expression must live as long as the ad needs it. */
void job_set(struct job_writer *writer, const char *name, const char *expression, bool varies);
/* Likewise, with a copy of the text that was made in the memory's buffer. */
void job_set_made(struct job_writer *writer, const char *name, bool varies);

/* Adds RequireGPUs, Requirements and what goes with it; everything else must be there. */
void job_set_requirements(struct job_writer *writer);
