/* SPDX-License-Identifier: Apache-2.0 */
/* What an attempt whose program ended has left: its exit status, and its outputs or its checkpoint.
 */
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
/* Likewise the set of a checkpoint, under the number that the attempt is to save it under. */
enum reason collect_checkpoint(struct attempt *attempt);
