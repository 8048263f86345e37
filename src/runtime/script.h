/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a program that an admin named and gathers what it prints. Root is nobody while it runs;
 * anybody else stays himself. It runs in / with a bare environment, gives way to everything else,
 * and when it is over or its time is, whatever it has started in its session is killed.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"

enum { SCRIPT_OUTPUT_SIZE_MAX = 64 * 1024 };

/*
 * Waits for its end, for `timeout_ms` at most, and appends its standard output. -ETIMEDOUT, -EFBIG
 * if it prints more than the above, -ECANCELED if it fails: with the first line of its standard
 * error.
 */
int script_run(const char *path, uint64_t timeout_ms, struct buffer *output, struct error *err);
