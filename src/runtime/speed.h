/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast this computer is just now, in the units of HTCondor's Mips and KFlops, whose names and
 * orders of magnitude the submit files of decades have in them. The work is of the kind that these
 * units come from, and not the same: figures compare the nodes of a pool with each other.
 */
#pragma once

#include <stdint.h>

struct speed {
    /*
     * Integer work, branches, calls and copies, in the mixture of Dhrystone (Weicker 1984), in
     * units of the VAX 11/780, which did 1757 rounds of that a second.
     */
    uint64_t mips;
    /* Thousands of floating-point operations a second: LINPACK (Dongarra 1979), 100 equations. */
    uint64_t kflops;
    uint64_t memory_mb; /* megabytes copied in memory a second */
};

/* Takes a tenth of a second or so. */
struct speed speed_measure(void);
