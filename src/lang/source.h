/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where text came from: the submit file, lines from the command line, item files. Whoever parses
 * keeps pointers into these texts, and any such pointer can be turned into a message with file,
 * line and column, and the line itself with a caret beneath.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"

#include <stdarg.h>

struct source {
    char *name;        /* owned; for messages */
    struct slice text; /* owned; never moves */
};

/* Text that stands elsewhere but came from a source: lines that were joined, macros expanded. */
struct source_copy {
    struct slice text;  /* not owned */
    const char *origin; /* in a source: where it begins, and if `fixed`, where all of it lies */
    bool fixed;
};

struct sources {
    struct source *items; /* owned */
    size_t count;
    size_t capacity;
    struct source_copy *copies; /* owned */
    size_t copy_count;
    size_t copy_capacity;
};

#define SOURCES_INIT ((struct sources){0})

void sources_deinit(struct sources *sources);

/* Copies the text and returns the copy, in which pointers have a place. */
struct slice sources_add(struct sources *sources, const char *name, struct slice text);
/* Remembers that `copy`, which must live as long as the sources, came from `origin`. */
void sources_add_copy(struct sources *sources, struct slice copy, const char *origin, bool fixed);

/*
 * Appends "name:line:column: message", a newline, the line, a newline and a caret. The column
 * counts characters from 1. Control characters from outside are shown as '?'.
 */
void sources_describe(const struct sources *sources, const char *at, const char *message,
                      struct buffer *text);
/* Sets `err` to that description and returns `code`. */
int sources_error(const struct sources *sources, const char *at, struct error *err, int code,
                  const char *format, ...) _printf_(5, 6);

int sources_error_formatted(const struct sources *sources, const char *at, struct error *err,
                            int code, const char *format, va_list arguments) _printf_(5, 0);

/* For "%.*s" in messages: not more of a text from outside than a reader wants to see. */
#define SLICE_SHOWN(s) ((s).length < 60 ? (int)(s).length : 60), (s).data
