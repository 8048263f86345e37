/* SPDX-License-Identifier: Apache-2.0 */
/* See watcher_line.h. A desktop may have taken its watcher over, so nothing of a line is trusted.
 */
#include "watcher_line.h"

#include "base/memory.h"
#include "base/number.h"

#include <string.h>

static const char *const words[WATCHER_WORD_COUNT] = {[WATCHER_USED] = "used",
                                                      [WATCHER_WORKS] = "works",
                                                      [WATCHER_FAILS] = "fails",
                                                      [WATCHER_GONE] = "gone"};

static bool has_reason(enum watcher_word word)
{
    return word == WATCHER_FAILS || word == WATCHER_GONE;
}

static char *copy_printable(struct slice text)
{
    char *copy = memory_copy_bytes(text.data, text.length);

    for (size_t i = 0; i < text.length; i++)
        if (copy[i] < ' ' || copy[i] > '~')
            copy[i] = '?';
    return copy;
}

void watcher_line_write(struct buffer *out, const struct watcher_line *line)
{
    buffer_append_text(out, words[line->word]);
    if (line->word == WATCHER_USED) {
        buffer_appendf(out, " %llu", (unsigned long long)line->ago_ms);
    } else if (has_reason(line->word)) {
        size_t room = WATCHER_LINE_SIZE_MAX - strlen(words[line->word]) - 1;
        _cleanup_free_ char *why =
            copy_printable((struct slice){line->why, strnlen(line->why, room)});

        buffer_appendf(out, " %s", why);
    }
    buffer_append_character(out, '\n');
}

bool watcher_line_read(struct slice text, struct watcher_line *ret_line)
{
    struct slice word = text, rest = {text.data + text.length, 0};
    const char *blank = text.length > 0 ? memchr(text.data, ' ', text.length) : NULL;

    if (text.length > WATCHER_LINE_SIZE_MAX)
        return false;
    if (blank) {
        word.length = (size_t)(blank - text.data);
        rest = (struct slice){blank + 1, text.length - word.length - 1};
    }
    for (unsigned int i = 0; i < WATCHER_WORD_COUNT; i++) {
        struct watcher_line line = {.word = (enum watcher_word)i};

        if (!slice_equals(word, words[i]))
            continue;
        if (i == WATCHER_USED ? number_parse_u64(rest, &line.ago_ms) < 0
                              : has_reason(line.word) != (rest.length > 0))
            return false;
        line.why = has_reason(line.word) ? copy_printable(rest) : NULL;
        *ret_line = line;
        return true;
    }
    return false;
}
