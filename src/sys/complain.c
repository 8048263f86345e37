/* SPDX-License-Identifier: Apache-2.0 */
/* See complain.h. Each message leaves in one write, so that those of two processes do not mix. */
#include "complain.h"

#include "file.h"
#include "terminal.h"
#include "text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void say(const char *before, const char *text, const char *hint)
{
    _cleanup_buffer_ struct buffer message = BUFFER_INIT;
    bool utf8 = terminal_of_output().utf8;

    buffer_append_text(&message, "dusk: ");
    buffer_append_text(&message, before);
    text_append_lines(&message, text, utf8);
    if (message.data[message.length - 1] != '\n')
        buffer_append_character(&message, '\n');
    if (hint) {
        buffer_append_text(&message, "hint: ");
        text_append_lines(&message, hint, utf8);
        buffer_append_character(&message, '\n');
    }
    /* What was printed so far comes first, as it would on a terminal. */
    (void)fflush(stdout);
    (void)file_write_all(STDERR_FILENO, message.data, message.length);
}

void complain(const struct error *err)
{
    say("", error_text(err), err->hint);
}

void complain_warning(const char *text)
{
    say("warning: ", text, NULL);
}

void complain_note(const char *format, ...)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    va_list arguments;

    va_start(arguments, format);
    buffer_append_formatted(&text, format, arguments);
    va_end(arguments);
    say("", buffer_text(&text), NULL);
}
