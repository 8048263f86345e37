/* SPDX-License-Identifier: Apache-2.0 */
/* What dusk-init tells the keeper about a start (container.h), through a pipe. */
#pragma once

#include "keeper_failure.h"

#include <stdint.h>
#include <sys/types.h>

/* By its name process 1 says that its program died of a signal; exit codes are for programs. */
#define CONTAINER_SIGNAL_NAME "signal %d"

/* What follows the leader's pid (an int32_t; 0: there is none) if its program cannot be started. */
struct container_report {
    int32_t step;  /* enum keeper_step */
    int32_t error; /* a positive errno */
    char path[KEEPER_CULPRIT_SIZE];
};
