/* SPDX-License-Identifier: Apache-2.0 */
/* What an agent says of its computer in its first word. */
#pragma once

#include "runtime/computer.h"
#include "runtime/keeper_message.h"

#include <stdint.h>

/* The first 64 bits of the computer's fingerprint. */
uint64_t facts_machine(const struct computer *computer);

/* A JSON object for people; the caller's. */
char *facts_write(const struct computer *computer);

/* The same with what tasks are held to here, and how; the caller's. */
char *facts_add_limits(const char *facts, const struct keeper_means *means);
