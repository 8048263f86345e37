/* SPDX-License-Identifier: Apache-2.0 */
/* What a submit text would do, task by task, without a server. */
#pragma once

#include "lang/submit.h"

#include <stdbool.h>

enum dry_run_form {
    DRY_RUN_LINES, /* a block of "Name = expression" lines a task, with an empty line behind */
    DRY_RUN_TABLE, /* a line a task, with what differs between them */
    DRY_RUN_JSON,  /* an array with an object a task, as HTCondor writes ClassAds in JSON */
};

/*
 * Prints the job attributes of all tasks (lang/job_ad.h) as if it were submitted in the absolute
 * `folder`; the job's number, not known yet, is shown as 1.
 */
int dry_run_print(const struct submit *submit, enum dry_run_form form, const char *folder,
                  struct error *err);
