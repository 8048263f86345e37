/* SPDX-License-Identifier: Apache-2.0 */
/* What programs can compute on beside the processors. */
#pragma once

#include <stddef.h>

/*
 * How many the drivers of NVIDIA (/proc/driver/nvidia) and AMD (/sys/class/kfd, amdkfd) list below
 * `root`, which is "" but in tests. A card that only draws, or without such a driver, is none.
 */
size_t gpu_count(const char *root);
