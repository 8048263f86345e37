/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the folders that a job's results go to are there, before its tasks compute for nothing.
 */
#pragma once

#include "origin.h"

/*
 * Looks at the folders of output, error, log and transfer_output_remaps, and at initialdir. Only
 * the first ten thousand tasks of a part are looked at; of the others the server holds those whose
 * folder is missing.
 */
int outputs_check(const struct submit *submit, const struct origin *origin, struct error *err);
