/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See checkpoint.h: what CRIU's log means for the person whose task it is. The lines of errors are
 *
 *     Error (criu/sk-inet.c:191): inet: Connected TCP socket, consider …
 *
 * The first of them is the cause, the others follow from it; but the first that is known here says
 * more than one that is not. The log quotes what the task has, such as names of files, so what is
 * passed on is bounded and has nothing in it that a terminal could obey.
 */
#define _GNU_SOURCE
#include "checkpoint.h"

#include <ctype.h>
#include <string.h>

enum { QUOTE_SIZE_MAX = 200 };

/* What stands in the line, and what it means. */
static const char *const meanings[][2] = {
    {"Connected TCP socket", "it has open connections to the outside"},
    {"In-flight connection", "it has open connections to the outside"},
    {"External socket is used", "it is connected to a program outside"},
    {"external stream unix", "it is connected to a program outside"},
    {"is external", "it is connected to a program outside"},
    {"[io_uring]", "it uses io_uring"},
    {"[perf_event]", "it watches performance counters"},
    {"[userfaultfd]", "it handles page faults of its own (userfaultfd)"},
    {"[bpf", "it has programs in the kernel (bpf)"},
    {"/dev/nvidia", "it uses a GPU"},
    {"/dev/dri", "it uses a GPU"},
    {"/dev/kfd", "it uses a GPU"},
    {"is already traced", "one of its processes is traced by another, such as a debugger"},
    {"Can't dump ghost file", "it has a file open that was removed and is larger than 1 GiB"},
    {"No space left on device", "the disk of the node is full"},
    {"Disk quota exceeded", "the disk of the node is full"},
    {"Cannot allocate memory", "the node has not enough memory for that"},
    {"has bad size", "a file that it has open is not as it was"},
    {"has bad mode", "a file that it has open is not as it was"},
    {"has bad build-ID",
     "a program or library of this node is another one than where it was saved"},
    {"CPU capabilities do not match",
     "this node's processor lacks what it used where it was saved"},
    {"cpu_has_feature", "this node's processor lacks what it used where it was saved"},
};

/* What CRIU says as well when all goes well. */
static const char *const harmless[] = {
    "Can't setup RLIMIT_NOFILE", "execvp(\"ip",
    "tables-restore -V failed",  "tables-legacy-restore -V failed",
    "cgroupd: recv req error",
};

static bool has(struct slice line, const char *text)
{
    return memmem(line.data, line.length, text, strlen(text)) != NULL;
}

static bool is_harmless(struct slice line)
{
    for (size_t i = 0; i < ARRAY_LENGTH(harmless); i++)
        if (has(line, harmless[i]))
            return true;
    return false;
}

/* What follows "Error (FILE:LINE): " in the first such line from `at` on; NULL data: none does. */
static struct slice next_error(const char **at)
{
    while (**at) {
        struct slice line = {.data = *at, .length = strcspn(*at, "\n")};
        const char *error = memmem(line.data, line.length, "Error (", strlen("Error ("));
        const char *end = line.data + line.length, *text = NULL;

        *at = end + (*end == '\n');
        if (error)
            text = memmem(error, (size_t)(end - error), "): ", strlen("): "));
        if (!text || is_harmless(line))
            continue;
        text += strlen("): ");
        return (struct slice){.data = text, .length = (size_t)(end - text)};
    }
    return (struct slice){0};
}

static const char *find_meaning(struct slice line)
{
    for (size_t i = 0; i < ARRAY_LENGTH(meanings); i++)
        if (has(line, meanings[i][0]))
            return meanings[i][1];
    return NULL;
}

static void quote(struct slice line, struct buffer *reason)
{
    line = slice_trim(line);
    if (line.length > QUOTE_SIZE_MAX)
        line.length = QUOTE_SIZE_MAX;
    buffer_append_text(reason, "CRIU says '");
    for (size_t i = 0; i < line.length; i++)
        buffer_append_character(reason, isprint((unsigned char)line.data[i]) ? line.data[i] : '?');
    buffer_append_character(reason, '\'');
}

void checkpoint_find_reason(const char *log, struct buffer *reason)
{
    const char *at = log;
    struct slice line = next_error(&at), first = line;

    for (; line.data; line = next_error(&at)) {
        const char *meaning = find_meaning(line);

        if (!meaning)
            continue;
        buffer_append_text(reason, meaning);
        return;
    }
    if (first.data)
        quote(first, reason);
}
