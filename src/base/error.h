/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one error convention.
 *
 * A function that can fail returns int: 0 is success; negative is fatal for the caller too and is
 * passed on unchanged (a negative errno value, which says the kind); positive is a documented
 * result of that function and must be handled. Where a person will read what went wrong, the last
 * parameter is `struct error *err`: the place that knows fills it, each caller on the way up may
 * put in front what it tried. Texts are lower case, without a full stop, 'names' quoted; the hint
 * is one sentence that says what to do. Functions either log or return errors, never both.
 *
 *     return error_set(err, -ENOENT, "cannot open '%s': no such file", path);
 *     ...
 *     r = file_read(path, &text, err);
 *     if (r < 0)
 *         return error_prefix(err, r, "cannot read the submit file");
 */
#pragma once

#include "attributes.h"

struct error {
    char *text; /* owned; NULL as long as nothing went wrong */
    char *hint; /* owned; NULL or one sentence */
};

#define ERROR_INIT      ((struct error){0})
#define _cleanup_error_ _cleanup_(error_clear)

/* Replaces what `err` says and returns `code`, which must be negative. `err` may be NULL. */
int error_set(struct error *err, int code, const char *format, ...) _printf_(3, 4);
/* The same, with ": " and the system's words for the errno value -code behind. */
int error_set_errno(struct error *err, int code, const char *format, ...) _printf_(3, 4);
/* Puts "text: " in front of what is there and returns `code`. */
int error_prefix(struct error *err, int code, const char *format, ...) _printf_(3, 4);
/* Adds or replaces the hint. */
void error_hint(struct error *err, const char *format, ...) _printf_(2, 3);

/* What went wrong, for printing; never NULL. */
const char *error_text(const struct error *err);

/* Frees the texts and leaves ERROR_INIT. */
void error_clear(struct error *err);
