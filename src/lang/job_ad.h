/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A task as HTCondor describes it: its job attributes, by the names and with the expressions that
 * condor_submit of HTCondor 23.9 gives them. This is what nodes are matched against, and, but for
 * trusts_silent_nodes, what `dusk submit --dry-run` prints.
 *
 * An ad is a list of names and texts of expressions, of the old spelling. Nothing in it is
 * evaluated here. HTCondor's bookkeeping (when, how often, how much so far) is not in it, because
 * the server knows that and not the submit text.
 */
#pragma once

#include "submit.h"

/* What a job's attributes need to know of where it was submitted. */
struct job_origin {
    const char *folder;             /* absolute; relative paths count from there */
    const char *user;               /* of accounting groups; may be NULL */
    const char *arch;               /* as HTCondor calls it: "X86_64" */
    const char *operating_system;   /* "LINUX" */
    const char *file_system_domain; /* may be NULL: then none is told */
    /*
     * For those who match: a node that does not tell what its GPUs can do (AvailableGPUs,
     * CUDAMaxSupportedVersion) has GPUs that will do. Otherwise the requirements are HTCondor's
     * own, by which no such node has any.
     */
    bool trusts_silent_nodes;
};

/*
 * The ad of the last task that was filled in. Names and expressions live as long as the task is not
 * expanded again and the ad not filled again.
 */
struct job_ad {
    /* In a fixed order, each name once. An expression that is NULL: this task does not have the
     * attribute, but another one of its part may. */
    struct submit_attribute *items; /* owned */
    size_t count;
    size_t capacity;
    struct job_ad_memory *memory; /* owned */
};

void job_ad_init(struct job_ad *ad);
void job_ad_deinit(struct job_ad *ad);

/*
 * Fills in the attributes of a task that submit_expand() has made of this submit. Whether one
 * `varies` is said with it: the same for all tasks of a part, and no only if it is certain.
 */
void job_ad_fill(struct job_ad *ad, const struct submit *submit, const struct submit_task *task,
                 const struct job_origin *origin);
/* The expression of an attribute, or NULL. Case is ignored. */
const char *job_ad_find(const struct job_ad *ad, const char *name);
