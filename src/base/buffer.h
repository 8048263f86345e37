/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that grows, and text that is only looked at.
 *
 * A buffer is always NUL-terminated once anything was appended, and `length` never counts that
 * NUL; it may hold NULs and any bytes. A slice is a pointer and a length into memory that somebody
 * else owns: for input that is parsed in place. Running out of memory ends the process (memory.h).
 */
#pragma once

#include "attributes.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

struct buffer {
    char *data; /* owned; NULL while empty */
    size_t length;
    size_t capacity;
};

struct slice {
    const char *data;
    size_t length;
};

#define BUFFER_INIT      ((struct buffer){0})
#define _cleanup_buffer_ _cleanup_(buffer_deinit)

void buffer_deinit(struct buffer *buffer);
/* Empties the buffer and keeps its memory. */
void buffer_clear(struct buffer *buffer);
/* Makes room for `more` bytes behind the content (and a NUL). */
void buffer_reserve(struct buffer *buffer, size_t more);

void buffer_append(struct buffer *buffer, const void *data, size_t length);
void buffer_append_text(struct buffer *buffer, const char *text);
void buffer_append_character(struct buffer *buffer, char character);
void buffer_append_slice(struct buffer *buffer, struct slice slice);
void buffer_appendf(struct buffer *buffer, const char *format, ...) _printf_(2, 3);
void buffer_append_formatted(struct buffer *buffer, const char *format, va_list arguments)
    _printf_(2, 0);
/* Drops the first `count` bytes. */
void buffer_consume(struct buffer *buffer, size_t count);

/* The text, "" while empty; stays the buffer's. */
const char *buffer_text(const struct buffer *buffer);
/* The text becomes the caller's (free()); the buffer is empty afterwards. Never NULL. */
char *buffer_take(struct buffer *buffer);

struct slice slice_from_text(const char *text);
bool slice_equals(struct slice slice, const char *text);
/* ASCII only, whatever the locale says. */
bool slice_equals_ignoring_case(struct slice slice, const char *text);
/* Without white space (space, tab, CR, LF, VT, FF) at both ends. */
struct slice slice_trim(struct slice slice);
/* A NUL-terminated copy that the caller frees. */
char *slice_copy(struct slice slice);
