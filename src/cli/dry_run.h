/* SPDX-License-Identifier: Apache-2.0 */
/* What a submit text would do, task by task, without a server. */
#pragma once

#include "lang/submit.h"

#include <stdbool.h>

enum dry_run_form { DRY_RUN_LINES, DRY_RUN_TABLE, DRY_RUN_JSON };

/* Prints the values of all tasks; the job's number, not known yet, is shown as 1. */
int dry_run_print(const struct submit *submit, enum dry_run_form form, struct error *err);
