/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See origin.h. What is checked here, names of files, has gone through macros and lists of items,
 * and no pointer leads back into the text. So the line that a message names is looked for again:
 * the last one that sets the command. Where there are several queue statements it may be another
 * one, but then the message still has the name that is wrong.
 */
#include "origin.h"

#include "base/memory.h"
#include "sys/file.h"

#include <string.h>

/* The values of a task depend on its job's number in few texts, and in no path that matters. */
enum { CLUSTER_NOT_KNOWN = 1 };

char *origin_path(const struct origin *origin, const struct submit_task *task, const char *name)
{
    _cleanup_free_ char *folder =
        file_join(origin->folder, task->initialdir ? task->initialdir : "");

    return file_join(folder, name);
}

char *origin_executable_path(const struct origin *origin, const struct submit_task *task)
{
    return file_join(origin->folder, task->executable);
}

/* Whether the line says "command = ..." for one of the spellings in "executable|Cmd". */
static bool line_sets(struct slice line, const char *command)
{
    const char *equals = memchr(line.data, '=', line.length);
    struct slice key = line;

    if (!equals)
        return false;
    key.length = (size_t)(equals - line.data);
    key = slice_trim(key);
    while (*command) {
        size_t length = strcspn(command, "|");
        _cleanup_free_ char *spelling = memory_copy_bytes(command, length);

        if (slice_equals_ignoring_case(key, spelling))
            return true;
        command += length + (command[length] == '|');
    }
    return false;
}

/* The number of the last line that sets the command, from 1; 0 if there is none. */
static size_t find_line(struct slice text, const char *command)
{
    const char *at = text.data, *end = text.data + text.length;
    size_t number = 0, found = 0;

    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        struct slice line = {.data = at};

        line.length = (size_t)((line_end ? line_end : end) - at);
        number++;
        if (line_sets(line, command))
            found = number;
        at += line.length + 1;
    }
    return found;
}

int origin_error(const struct origin *origin, const char *command, int code, struct error *err,
                 const char *format, ...)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    size_t line = find_line(origin->text, command);
    va_list arguments;

    va_start(arguments, format);
    buffer_append_formatted(&text, format, arguments);
    va_end(arguments);
    if (line > 0)
        return error_set(err, code, "%s:%zu: %s", origin->name, line, buffer_text(&text));
    return error_set(err, code, "%s: %s", origin->name, buffer_text(&text));
}

static bool part_varies(const struct submit *submit, size_t part, const char *const *names,
                        size_t name_count)
{
    for (size_t i = 0; i < name_count; i++)
        if (submit_varies(submit, part, names[i]))
            return true;
    return false;
}

struct walk {
    const struct submit *submit;
    int (*visit)(void *userdata, const struct submit_task *task, struct error *err);
    void *userdata;
    struct submit_task task;
};

/* Expanded as it will be on the server, but for the number of the job. */
static int visit_task(struct walk *walk, uint64_t process, struct error *err)
{
    int r = submit_expand(walk->submit, CLUSTER_NOT_KNOWN, process, &walk->task, err);

    return r < 0 ? r : walk->visit(walk->userdata, &walk->task, err);
}

/* Beyond the limit the last one too: a counter that runs out of its files does so at the end. */
static int visit_range(struct walk *walk, struct submit_range range, uint64_t limit,
                       struct error *err)
{
    uint64_t count = range.count < limit ? range.count : limit;

    for (uint64_t i = 0; i < count; i++) {
        int r = visit_task(walk, range.first + i, err);

        if (r < 0)
            return r;
    }
    return count < range.count ? visit_task(walk, range.first + range.count - 1, err) : 0;
}

int origin_walk(const struct submit *submit, const char *const *names, size_t name_count,
                uint64_t limit,
                int (*visit)(void *userdata, const struct submit_task *task, struct error *err),
                void *userdata, struct error *err)
{
    struct walk walk = {.submit = submit, .visit = visit, .userdata = userdata};
    int r = 0;

    submit_task_init(&walk.task);
    for (size_t part = 0; r == 0 && part < submit_part_count(submit); part++) {
        struct submit_range range = submit_part_range(submit, part);

        /* Where none of these values varies, one task stands for all of its part. */
        if (part_varies(submit, part, names, name_count))
            r = visit_range(&walk, range, limit, err);
        else
            r = visit_task(&walk, range.first, err);
    }
    submit_task_deinit(&walk.task);
    return r;
}
