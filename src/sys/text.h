/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts from outside (names, reasons, arguments) on their way to a person: control characters,
 * broken UTF-8 and what turns the direction of writing are replaced, so that nothing that a node
 * or another user wrote can steer a terminal; and texts are cut to a number of columns, which are
 * neither bytes nor characters.
 */
#pragma once

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>

/* The columns that the text takes once it is printable. */
size_t text_width(const char *text, bool utf8);

/* Appends the text with '?' (or U+FFFD) for each character that must not or cannot be shown. */
void text_append_printable(struct buffer *buffer, const char *text, bool utf8);
/* The same, but line feeds and tabs stay: for texts of several lines. */
void text_append_lines(struct buffer *buffer, const char *text, bool utf8);

/*
 * Appends the text in exactly `width` columns: filled with spaces on one side, or cut with an
 * ellipsis ("…", in ASCII "~") as its last column.
 */
void text_append_fitted(struct buffer *buffer, const char *text, size_t width, bool right,
                        bool utf8);
