/* SPDX-License-Identifier: Apache-2.0 */
/* See json_write.h. */
#include "json_write.h"

/*
 * How many bytes of a well-formed UTF-8 sequence (RFC 3629) begin here; 0 if none does. The bounds
 * of the second byte keep out overlong forms, surrogates and what lies above U+10FFFF.
 */
static size_t utf8_length(const unsigned char *text)
{
    size_t length = text[0] < 0xc2 ? 0 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
    unsigned char low = text[0] == 0xe0 ? 0xa0 : text[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char high = text[0] == 0xed ? 0x9f : text[0] == 0xf4 ? 0x8f : 0xbf;

    if (length == 0 || text[0] > 0xf4 || text[1] < low || text[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

bool json_text_is_valid(const char *text)
{
    const unsigned char *bytes = (const unsigned char *)text;

    while (*bytes) {
        size_t length = *bytes < 0x80 ? 1 : utf8_length(bytes);

        if (length == 0)
            return false;
        bytes += length;
    }
    return true;
}

/* Escapes are for the few that need one (RFC 8259, 7): what lies between is copied in one piece. */
void json_write_text(struct buffer *out, const char *text)
{
    const unsigned char *bytes = (const unsigned char *)text;

    if (!text) {
        buffer_append(out, "null", 4);
        return;
    }
    buffer_append_character(out, '"');
    while (*bytes) {
        size_t length = *bytes < 0x80 ? 0 : utf8_length(bytes);

        while (bytes[length] >= ' ' && bytes[length] < 0x80 && bytes[length] != '"' &&
               bytes[length] != '\\')
            length++;
        buffer_append(out, bytes, length);
        bytes += length;
        if (length > 0)
            continue;
        if (*bytes == '"' || *bytes == '\\')
            buffer_appendf(out, "\\%c", *bytes);
        else if (*bytes < ' ')
            buffer_appendf(out, "\\u%04x", *bytes);
        else
            buffer_append_text(out, "\\ufffd");
        bytes++;
    }
    buffer_append_character(out, '"');
}

void json_write_name(struct buffer *out, const char *name)
{
    char last = out->data[out->length - 1];

    if (last != '{')
        buffer_append_character(out, ',');
    buffer_append_character(out, '"');
    buffer_append_text(out, name);
    buffer_append(out, "\":", 2);
}

void json_write_number(struct buffer *out, uint64_t number)
{
    char digits[20];
    size_t place = sizeof(digits);

    do {
        digits[--place] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    buffer_append(out, digits + place, sizeof(digits) - place);
}

void json_write_seconds(struct buffer *out, double seconds)
{
    double bounded = seconds > 0 ? (seconds < 0x1p43 ? seconds : 0x1p43) : 0;
    uint64_t us = (uint64_t)(bounded * 1e6 + 0.5);

    json_write_number(out, us / 1000000);
    buffer_append_character(out, '.');
    for (uint64_t digit = 100000; digit > 0; digit /= 10)
        buffer_append_character(out, (char)('0' + us / digit % 10));
}
