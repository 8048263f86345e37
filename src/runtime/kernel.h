/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an agent cannot do without, of the kernel. Nearly everything that is younger than most
 * kernels is asked for where it is used, and something older does the same work
 * (keeper.md, "Kernels"); what has no such place is asked for here, before anything is promised.
 */
#pragma once

#include "base/error.h"

/* Returns 0 or a negative errno: the kernel is too old, or a sandbox keeps it from us. */
int kernel_check(struct error *err);
