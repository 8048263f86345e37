/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The submit language under any text: nothing may crash, hang or leak, and what can be read must
 * survive freezing: the canonical text is read without a world, and is its own canonical text.
 */
#include "base/buffer.h"
#include "lang/submit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tasks that are expanded of each text. */
enum { TASK_COUNT_MAX = 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A file holds a text that is the text's own name, in lines; there is one anywhere but in "no". */
static int read_file(void *user_data, const char *path, struct buffer *text, struct error *err)
{
    (void)user_data;
    if (strcmp(path, "no") == 0)
        return error_set(err, -2, "there is no such file");
    buffer_appendf(text, "%s\n#%s\n a,b c\n)\n\\\n", path, path);
    return 0;
}

static int get_environment(void *user_data, const char *name, struct buffer *value,
                           struct error *err)
{
    (void)user_data;
    (void)err;
    buffer_appendf(value, "%s\n\"\\$(Process)", name);
    return name[0] == 'N' ? 1 : 0;
}

static int list_environment(void *user_data, struct buffer *names, struct error *err)
{
    (void)user_data;
    (void)err;
    buffer_append_text(names, "A\nB=\n\nNO\nC)\nD");
    return 0;
}

static void expand_some(const struct submit *submit)
{
    uint64_t count = submit_task_count(submit);
    struct submit_task task;

    submit_task_init(&task);
    for (uint64_t i = 0; i < TASK_COUNT_MAX && i < count; i++) {
        _cleanup_error_ struct error err = ERROR_INIT;

        submit_expand(submit, 1, i, &task, &err);
        submit_expand(submit, 1, count - 1 - i, &task, NULL);
    }
    for (size_t i = 0; i < TASK_COUNT_MAX && i < submit_part_count(submit); i++) {
        submit_varies(submit, i, "arguments");
        submit_varies(submit, i, "x");
    }
    submit_task_deinit(&task);
}

static _noreturn_ void give_up(const char *what, const struct buffer *text)
{
    fprintf(stderr, "%s\n---\n%s---\n", what, buffer_text(text));
    abort();
}

static void check_frozen(const struct submit *submit)
{
    _cleanup_buffer_ struct buffer frozen = BUFFER_INIT, again = BUFFER_INIT;
    _cleanup_error_ struct error err = ERROR_INIT;
    _cleanup_submit_ struct submit *copy = NULL;

    submit_freeze(submit, &frozen);
    if (submit_parse((struct slice){frozen.data, frozen.length}, "frozen", NULL, &copy, NULL,
                     &err) < 0)
        give_up(error_text(&err), &frozen);
    submit_freeze(copy, &again);
    if (frozen.length != again.length || memcmp(frozen.data, again.data, again.length) != 0)
        give_up(buffer_text(&again), &frozen);
    if (submit_task_count(submit) != submit_task_count(copy))
        give_up("another number of tasks", &frozen);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct submit_world world = {
        .read_file = read_file,
        .run_command = read_file,
        .get_environment = get_environment,
        .list_environment = list_environment,
    };
    static const struct submit_options options = {.world = &world};
    _cleanup_submit_warnings_ struct submit_warnings warnings = SUBMIT_WARNINGS_INIT;
    _cleanup_error_ struct error err = ERROR_INIT;
    _cleanup_submit_ struct submit *submit = NULL;

    if (submit_parse((struct slice){(const char *)data, size}, "fuzz", &options, &submit, &warnings,
                     &err) < 0)
        return 0;
    expand_some(submit);
    check_frozen(submit);
    return 0;
}
