/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logical lines: physical ones with a backslash at the end are joined with the next, white space
 * at both ends is dropped, CRLF is a line end, and empty lines are passed over. The rules are those
 * of HTCondor's submit and item files: the white space that a continuing line begins with is
 * dropped too, a comment between continuing lines is passed over, a comment never continues.
 */
#pragma once

#include "source.h"

#include "base/arena.h"

struct line_reader {
    struct sources *sources;
    struct arena *arena; /* holds joined lines */
    const char *at;
    const char *end;
    bool keep_comments; /* in item files '#' is nothing special */
};

/* Begins to read `text`, which must lie in `sources`. */
void line_reader_init(struct line_reader *reader, struct sources *sources, struct arena *arena,
                      struct slice text);
/*
 * Returns 1 with the next line, 0 at the end, or -E2BIG if the line is too long. The line lies in
 * the sources or in the arena.
 */
int line_reader_next(struct line_reader *reader, struct slice *ret_line, struct error *err);
