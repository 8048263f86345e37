/* SPDX-License-Identifier: Apache-2.0 */
/* What an attempt that ended by itself left: its exit status and the list of its outputs. */
#pragma once

#include "attempt.h"
#include "runtime/keeper_message.h"

/* Takes over exit status and use of the machine. */
void collect_exit(struct attempt *attempt, const struct keeper_result *kept);

/*
 * Lists the outputs into the attempt's result. Returns REASON_NONE, or why the attempt has failed;
 * then the result's detail says what.
 */
enum reason collect_outputs(struct attempt *attempt);
