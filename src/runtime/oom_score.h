/* SPDX-License-Identifier: Apache-2.0 */
/* Whom the kernel kills first when memory runs out (proc(5), /proc/PID/oom_score_adj). */
#pragma once

#include <stdbool.h>

/* Without the keeper all tasks are lost; what it starts, and the owner's programs do not, goes. */
#define OOM_SCORE_SPARED      "-900"
#define OOM_SCORE_FIRST_TO_GO "800"

/*
 * For this process and those that it starts; may be called in a child between fork and exec. False
 * if the kernel refuses, as it does an ordinary user who wants to be spared.
 */
bool oom_score_set(const char *adjustment);
