/* SPDX-License-Identifier: Apache-2.0 */
/* See terminal.h. */
#define _GNU_SOURCE
#include "terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool terminal_locale_is_utf8(const char *lc_all, const char *lc_ctype, const char *lang)
{
    const char *locale = lc_all && *lc_all ? lc_all : lc_ctype && *lc_ctype ? lc_ctype : lang;

    return locale && (strcasestr(locale, "UTF-8") || strcasestr(locale, "UTF8"));
}

struct terminal terminal_of_output(void)
{
    struct terminal terminal = {
        .interactive = isatty(STDOUT_FILENO),
        .utf8 = terminal_locale_is_utf8(getenv("LC_ALL"), getenv("LC_CTYPE"), getenv("LANG")),
    };
    struct winsize size;

    if (terminal.interactive && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
        terminal.width = size.ws_col;
        terminal.height = size.ws_row;
    }
    return terminal;
}
