/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long programs had to wait for memory or for disks: the kernel's pressure stall information
 * (Documentation/accounting/psi.rst), of the whole computer and of the control groups in which
 * nothing of the pool is.
 *
 * Groups show the owner's programs alone: a task that waits for its own input is not in them, and
 * a program that has to wait because of a task is.
 */
#pragma once

#include "source.h"

/* In percent of the last ten seconds. */
struct pressure {
    double some; /* at least one program waited */
    double full; /* all that wanted to go on did */
};

/*
 * What stands in such a file, "/proc/pressure/io" or one of a group; false if it cannot be read or
 * tells no such thing.
 */
bool pressure_read(const char *folder, const char *name, struct pressure *ret_pressure);

/*
 * The most that any group beside ours waited (`some`) for "memory" or "io"; false if there is none,
 * so that nobody knows whose the pressure of the computer is.
 *
 * Ours are the agent's, with all that it is in, and whatever is called dusk.slice or dusk-…, with
 * the group that this is in. Beside them is what stands in one of ours and is none.
 */
bool pressure_beside(const struct presence_options *options, const char *resource,
                     double *ret_percent);
