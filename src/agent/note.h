/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The note that an agent leaves with its keeper for each attempt, so that it knows the attempt
 * again after its own restart: the `start` message without what only the start needed (arguments,
 * environment), and with one input in place of all, as large as they are together.
 */
#pragma once

#include "wire/wire.h"

/*
 * Appends the note. -E2BIG if it is longer than a keeper takes: the list of the outputs is.
 */
int note_write(const struct wire_start *start, struct buffer *note, struct error *err);

/* The way back; what it fills is the caller's. -EPROTO if it is no note. */
int note_read(struct slice note, struct wire_start *ret_start, struct error *err);
