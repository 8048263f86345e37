/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a watcher says to whoever has started it (watcher.h), a line each:
 *
 *     used 1500            somebody used the desktop so many milliseconds ago
 *     works                from now on all uses are told
 *     fails no extension   it cannot watch, and ends
 *     gone connection lost likewise, because the desktop has ended or is not there
 */
#pragma once

#include "base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

enum { WATCHER_LINE_SIZE_MAX = 512 }; /* without the line feed */

enum watcher_word { WATCHER_USED, WATCHER_WORKS, WATCHER_FAILS, WATCHER_GONE, WATCHER_WORD_COUNT };

struct watcher_line {
    enum watcher_word word;
    uint64_t ago_ms; /* of USED */
    char *why;       /* owned, of FAILS and GONE: printable ASCII, whatever was sent */
};

/* Appends the line with its line feed; a reason is cut to what has room. */
void watcher_line_write(struct buffer *out, const struct watcher_line *line);
/* Whether it is such a line (without its line feed). `why` is the caller's then. */
bool watcher_line_read(struct slice text, struct watcher_line *ret_line);
