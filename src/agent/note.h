/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The note that an agent leaves with its keeper for each attempt, so that it knows the attempt
 * again after its own restart: the `start` message without what only the start needed (arguments,
 * environment), and with one input in place of all, as large as they are together. Behind it, in a
 * line of its own, stand the attempt's GPUs, if it has some.
 */
#pragma once

#include "wire/wire.h"

/*
 * Appends the note. `gpus` may be NULL. -E2BIG if it is longer than a keeper takes: the list of the
 * outputs is.
 */
int note_write(const struct wire_start *start, const char *gpus, struct buffer *note,
               struct error *err);

/* The way back; what it fills is the caller's, GPUs may be NULL. -EPROTO if it is no note. */
int note_read(struct slice note, struct wire_start *ret_start, char **ret_gpus, struct error *err);
