/* SPDX-License-Identifier: Apache-2.0 */
/* See log.h. Control characters of outside text are shown as '?', so that one event stays a line.
 */
#include "log.h"

#include "base/buffer.h"
#include "sys/file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What one event may take, whatever a stranger puts into his name or his message. */
enum { LINE_LENGTH_MAX = 2048 };

static enum log_level log_level_most = LOG_LEVEL_NOTICE;

static const char *const level_names[] = {"error", "warning", "notice", "debug"};

void log_set_level(enum log_level level)
{
    log_level_most = level;
}

int log_set_level_named(const char *name, struct error *err)
{
    if (strcmp(name, "notice") == 0)
        log_set_level(LOG_LEVEL_NOTICE);
    else if (strcmp(name, "debug") == 0)
        log_set_level(LOG_LEVEL_DEBUG);
    else
        return error_set(err, -EINVAL, "'%s' is neither 'notice' nor 'debug'", name);
    return 0;
}

static void log_append_time(struct buffer *line)
{
    struct timespec now;
    struct tm local;
    char text[32];

    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &local);
    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local);
    buffer_appendf(line, "%s.%03ld ", text, now.tv_nsec / 1000000);
}

/* Cut between two characters of UTF-8: half of one would make the line unreadable to some. */
static void log_shorten(struct buffer *line)
{
    size_t length = LINE_LENGTH_MAX;

    if (line->length <= length)
        return;
    while (length > 0 && ((unsigned char)line->data[length] & 0xc0) == 0x80)
        length--;
    line->data[length] = '\0';
    line->length = length;
    buffer_append_text(line, "...");
}

void log_line(enum log_level level, const char *format, ...)
{
    _cleanup_buffer_ struct buffer line = BUFFER_INIT;
    va_list arguments;

    if (level > log_level_most)
        return;
    log_append_time(&line);
    buffer_appendf(&line, "%s: ", level_names[level]);
    va_start(arguments, format);
    buffer_append_formatted(&line, format, arguments);
    va_end(arguments);
    log_shorten(&line);
    for (size_t i = 0; i < line.length; i++)
        if ((unsigned char)line.data[i] < ' ' || line.data[i] == 0x7f)
            line.data[i] = '?';
    buffer_append_character(&line, '\n');
    /* A log that cannot be written has nowhere to say so. */
    (void)file_write_all(STDERR_FILENO, line.data, line.length);
}
