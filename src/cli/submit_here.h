/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a submit text may ask of this computer, as the user: item files, shell commands, and
 * environment variables.
 */
#pragma once

#include "lang/submit.h"

extern const struct submit_world submit_here;

/* The submit text in a file, or from standard input for "-". */
int submit_read_text(const char *path, struct buffer *text, struct error *err);

/* The current folder, absolute; the caller's. */
int submit_current_folder(char **ret_folder, struct error *err);
