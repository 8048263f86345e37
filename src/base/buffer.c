/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See buffer.h. Everything grows through buffer_reserve(), which always counts the NUL, so that no
 * other place has to think of it. What is appended may not lie in the buffer itself: growing moves
 * the buffer away from under it.
 */
#include "buffer.h"

#include "memory.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

void buffer_deinit(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = BUFFER_INIT;
}

void buffer_clear(struct buffer *buffer)
{
    buffer->length = 0;
    if (buffer->data)
        buffer->data[0] = '\0';
}

void buffer_reserve(struct buffer *buffer, size_t more)
{
    /* Nothing that is bounded before, as all sizes from outside are, comes anywhere near this. */
    assert(more < SIZE_MAX / 2 - buffer->length);
    array_reserve(buffer->data, buffer->capacity, buffer->length + more + 1);
}

void buffer_append(struct buffer *buffer, const void *data, size_t length)
{
    buffer_reserve(buffer, length);
    /* An empty slice may have no data at all, which memcpy() is not to be called with. */
    if (length > 0)
        memcpy(buffer->data + buffer->length, data, length);
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
}

void buffer_append_text(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

void buffer_append_character(struct buffer *buffer, char character)
{
    buffer_append(buffer, &character, 1);
}

void buffer_append_slice(struct buffer *buffer, struct slice slice)
{
    buffer_append(buffer, slice.data, slice.length);
}

void buffer_append_formatted(struct buffer *buffer, const char *format, va_list arguments)
{
    va_list again;
    int length;

    /* Once for the length and once for the text, because arguments can be walked only once. */
    va_copy(again, arguments);
    length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    assert(length >= 0);
    buffer_reserve(buffer, (size_t)length);
    vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, arguments);
    buffer->length += (size_t)length;
}

void buffer_appendf(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    buffer_append_formatted(buffer, format, arguments);
    va_end(arguments);
}

void buffer_consume(struct buffer *buffer, size_t count)
{
    assert(count <= buffer->length);
    /* Taking nothing from an empty buffer must not touch memory that it does not have. */
    if (count == 0)
        return;
    memmove(buffer->data, buffer->data + count, buffer->length - count);
    buffer->length -= count;
    buffer->data[buffer->length] = '\0';
}

const char *buffer_text(const struct buffer *buffer)
{
    return buffer->data ? buffer->data : "";
}

char *buffer_take(struct buffer *buffer)
{
    char *text;

    /* One that nothing was appended to has no memory yet, and the caller wants a text. */
    buffer_reserve(buffer, 0);
    buffer->data[buffer->length] = '\0';
    text = buffer->data;
    *buffer = BUFFER_INIT;
    return text;
}

struct slice slice_from_text(const char *text)
{
    return (struct slice){.data = text, .length = strlen(text)};
}

bool slice_equals(struct slice slice, const char *text)
{
    /* An empty slice may have no data at all, and memcmp() wants some. */
    return strlen(text) == slice.length &&
           (slice.length == 0 || memcmp(slice.data, text, slice.length) == 0);
}

/* Not tolower(): keywords mean the same in every locale, and so does the Turkish I. */
static char character_lower(char character)
{
    return character >= 'A' && character <= 'Z' ? (char)(character - 'A' + 'a') : character;
}

bool slice_equals_ignoring_case(struct slice slice, const char *text)
{
    if (strlen(text) != slice.length)
        return false;
    for (size_t i = 0; i < slice.length; i++)
        if (character_lower(slice.data[i]) != character_lower(text[i]))
            return false;
    return true;
}

/* Not isspace(), for the same reason, and because a negative char is no argument for it. */
static bool character_is_space(char character)
{
    return character == ' ' || (character >= '\t' && character <= '\r');
}

struct slice slice_trim(struct slice slice)
{
    while (slice.length > 0 && character_is_space(slice.data[0])) {
        slice.data++;
        slice.length--;
    }
    while (slice.length > 0 && character_is_space(slice.data[slice.length - 1]))
        slice.length--;
    return slice;
}

char *slice_copy(struct slice slice)
{
    return memory_copy_bytes(slice.data, slice.length);
}
