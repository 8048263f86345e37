/* SPDX-License-Identifier: Apache-2.0 */
/* What standard output leads to: a person's terminal, or a file or pipe that wants everything. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct terminal {
    bool interactive; /* somebody looks at it while it is written */
    bool utf8;        /* it shows more than ASCII */
    size_t width;     /* columns; 0: there is no right margin */
    size_t height;    /* lines; 0: no end */
};

/* Asks the kernel and the environment anew each time: a window may have been resized. */
struct terminal terminal_of_output(void);

/* Whether the locale that these three variables choose writes UTF-8; each may be NULL. */
bool terminal_locale_is_utf8(const char *lc_all, const char *lc_ctype, const char *lang);
