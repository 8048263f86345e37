/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log of the long-running programs, on standard error, one line an event, for journald and for
 * people. Library code logs at debug only; whoever handles an error logs it, once.
 */
#pragma once

#include "base/error.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_NOTICE, LOG_LEVEL_DEBUG };

/* What is less important than `level` is left out. Notice is where it starts. */
void log_set_level(enum log_level level);
/* The level that people may choose, "notice" or "debug"; -EINVAL for any other word. */
int log_set_level_named(const char *name, struct error *err);

void log_line(enum log_level level, const char *format, ...) _printf_(2, 3);

#define log_error(...)   log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)  log_line(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)
