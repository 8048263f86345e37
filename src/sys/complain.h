/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place that speaks on standard error: "dusk: what went wrong", and "hint: what to do" on
 * a line of its own. Texts from outside cannot steer the terminal (text.h).
 */
#pragma once

#include "base/error.h"

/* What ends the command. */
void complain(const struct error *err);
/* "dusk: warning: ..." and it goes on. */
void complain_warning(const char *text);
/* What is worth a line to a person who waits; not an error. */
void complain_note(const char *format, ...) _printf_(1, 2);
