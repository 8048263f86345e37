/* SPDX-License-Identifier: Apache-2.0 */
/* Small files of /proc and /sys, for the sources that look by clock. */
#pragma once

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* What stands in folder/name, without the white space around it; "" if it cannot be read. */
char *reading_text(const char *folder, const char *name);
/* Whether this stands there. */
bool reading_is(const char *folder, const char *name, const char *text);
/* The one number there; false if there is none. */
bool reading_number(const char *folder, const char *name, int64_t *ret_number);

/* Calls `on_entry` for each name in the folder but those that begin with a dot, in no order. */
int reading_each(const char *folder, void (*on_entry)(void *userdata, const char *name),
                 void *userdata, struct error *err);

/*
 * Whether the computer has little memory left: less than a tenth of it could be had without swap,
 * by proc_meminfo(5). `proc` is where /proc is; nothing there is no shortage.
 */
bool reading_memory_is_short(const char *proc);
