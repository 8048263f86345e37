/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The macros that a submit file need not define (condor_submit(1), "Pre-Defined Macros"): what this
 * computer, the clock and the submit file say of themselves.
 */
#pragma once

#include "lang/submit.h"

#include "base/arena.h"

/* `file` is the submit file's name as given, `folder` the current one. All lies in the arena. */
const struct submit_automatic *automatics_make(const char *file, const char *folder,
                                               struct arena *arena, size_t *ret_count);

/* What the jobs of today draw from. */
uint64_t automatics_seed(void);
