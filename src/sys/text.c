/* SPDX-License-Identifier: Apache-2.0 */
/* See text.h. Everything here walks over characters with next_character(). */
#define _GNU_SOURCE
#include "text.h"

#include <locale.h>
#include <string.h>
#include <wchar.h>

struct character {
    const char *bytes; /* what is printed for it */
    size_t length;
    size_t width; /* columns: 0 for what combines with the one before, 2 for wide ones */
};

static const struct character replacement_utf8 = {"\xef\xbf\xbd", 3, 1};
static const struct character replacement_ascii = {"?", 1, 1};

/* Columns of a character that is not ASCII, or -1 if it must not be shown. */
static int wide_width(uint32_t code)
{
    static bool locale_is_set;

    /* Only the kinds of characters: numbers and messages stay those of the C locale. */
    if (!locale_is_set)
        setlocale(LC_CTYPE, "C.UTF-8");
    locale_is_set = true;
    if ((code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
        code == 0x200e || code == 0x200f || code == 0x061c)
        return -1;
    return wcwidth((wchar_t)code);
}

/* Reads one character of two to four bytes (RFC 3629); returns its length, 0 if it is broken. */
static size_t decode(const char *text, uint32_t *ret_code)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char lead = (unsigned char)text[0];
    size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    uint32_t code;

    if (lead < 0xc2 || lead > 0xf4)
        return 0;
    code = lead & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | ((unsigned char)text[i] & 0x3f);
    }
    if (code < smallest[length] || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff)
        return 0;
    *ret_code = code;
    return length;
}

/* Takes the next character off the text, which must not be at its end. */
static struct character next_character(const char **text, bool utf8)
{
    const struct character bad = utf8 ? replacement_utf8 : replacement_ascii;
    const char *start = *text;
    uint32_t code;
    size_t length;
    int width;

    if ((unsigned char)start[0] < 0x80) {
        *text = start + 1;
        return start[0] < ' ' || start[0] == 0x7f ? bad : (struct character){start, 1, 1};
    }
    length = decode(start, &code);
    *text = start + (length > 0 ? length : 1);
    if (length == 0 || !utf8)
        return bad;
    width = wide_width(code);
    return width < 0 ? bad : (struct character){start, length, (size_t)width};
}

size_t text_width(const char *text, bool utf8)
{
    size_t width = 0;

    while (*text)
        width += next_character(&text, utf8).width;
    return width;
}

void text_append_printable(struct buffer *buffer, const char *text, bool utf8)
{
    while (*text) {
        struct character character = next_character(&text, utf8);

        buffer_append(buffer, character.bytes, character.length);
    }
}

void text_append_lines(struct buffer *buffer, const char *text, bool utf8)
{
    while (*text) {
        struct character character = {text, 1, 1};

        if (*text == '\n' || *text == '\t')
            text++;
        else
            character = next_character(&text, utf8);
        buffer_append(buffer, character.bytes, character.length);
    }
}

static void append_spaces(struct buffer *buffer, size_t count)
{
    while (count-- > 0)
        buffer_append_character(buffer, ' ');
}

static void append_cut(struct buffer *buffer, const char *text, size_t width, bool utf8)
{
    size_t used = 0;

    if (width == 0)
        return;
    for (;;) {
        struct character character = next_character(&text, utf8);

        if (used + character.width > width - 1)
            break;
        buffer_append(buffer, character.bytes, character.length);
        used += character.width;
    }
    append_spaces(buffer, width - 1 - used);
    buffer_append_text(buffer, utf8 ? "…" : "~");
}

void text_append_fitted(struct buffer *buffer, const char *text, size_t width, bool right,
                        bool utf8)
{
    size_t needed = text_width(text, utf8);

    if (needed > width) {
        append_cut(buffer, text, width, utf8);
        return;
    }
    if (right)
        append_spaces(buffer, width - needed);
    text_append_printable(buffer, text, utf8);
    if (!right)
        append_spaces(buffer, width - needed);
}
