/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See error.h: texts for people, built from the inside out. The place that fails knows what, its
 * callers know what for; each adds its own words in front and none repeats another's.
 *
 * The code travels as the return value and not in the struct, so that a caller who has no use for
 * the text passes NULL and still learns the kind.
 */
#include "error.h"

#include "buffer.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

/* What is replaced is freed last: it may be one of the arguments. */
static void error_replace(char **text, const char *format, va_list arguments)
{
    struct buffer buffer = BUFFER_INIT;

    buffer_append_formatted(&buffer, format, arguments);
    free(*text);
    *text = buffer_take(&buffer);
}

int error_set(struct error *err, int code, const char *format, ...)
{
    va_list arguments;

    assert(code < 0);
    if (!err)
        return code;
    va_start(arguments, format);
    error_replace(&err->text, format, arguments);
    va_end(arguments);
    /* The hint belonged to the error that was there before. */
    free(err->hint);
    err->hint = NULL;
    return code;
}

int error_set_errno(struct error *err, int code, const char *format, ...)
{
    struct buffer buffer = BUFFER_INIT;
    va_list arguments;

    assert(code < 0);
    if (!err)
        return code;
    va_start(arguments, format);
    buffer_append_formatted(&buffer, format, arguments);
    va_end(arguments);
    buffer_appendf(&buffer, ": %s", strerror(-code));
    /* Only now, because the arguments may be what is cleared. */
    error_clear(err);
    err->text = buffer_take(&buffer);
    return code;
}

int error_prefix(struct error *err, int code, const char *format, ...)
{
    struct buffer buffer = BUFFER_INIT;
    va_list arguments;

    assert(code < 0);
    if (!err)
        return code;
    va_start(arguments, format);
    buffer_append_formatted(&buffer, format, arguments);
    va_end(arguments);
    buffer_appendf(&buffer, ": %s", error_text(err));
    /* The hint stays: what to do is known best where it failed. */
    free(err->text);
    err->text = buffer_take(&buffer);
    return code;
}

void error_hint(struct error *err, const char *format, ...)
{
    va_list arguments;

    if (!err)
        return;
    va_start(arguments, format);
    error_replace(&err->hint, format, arguments);
    va_end(arguments);
}

const char *error_text(const struct error *err)
{
    return err && err->text ? err->text : "no reason given";
}

void error_clear(struct error *err)
{
    free(err->text);
    free(err->hint);
    *err = ERROR_INIT;
}
