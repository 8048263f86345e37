/* SPDX-License-Identifier: Apache-2.0 */
/* See submit_fixture.h. */
#include "submit_fixture.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

/* Names with their contents; those that end with '/' are directories. */
static const char *const files[][2] = {
    {"a.dat", ""},
    {"b.dat", ""},
    {"c.txt", ""},
    {"d.dat/", NULL},
    {"wrong.sub", "x = 1\ny = $(\n"},
    {"d.sub", "include : d.sub\n"},
    {"items", "a 1\n  b, 2\r\n\nc 3"},
    {"more.sub", "if true\nfrom = more\nqueue 1 x in (i)\nif false\n"},
    {"odd\nname", ""},
    {"table.csv", "name, size , rest\nx, 1, a, b c\n\ny y,2\n"},
};

static int fixture_read_file(void *user_data, const char *path, struct buffer *text,
                             struct error *err)
{
    (void)user_data;
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++)
        if (strcmp(path, files[i][0]) == 0 && files[i][1]) {
            buffer_append_text(text, files[i][1]);
            return 0;
        }
    return error_set(err, -ENOENT, "cannot open '%s': no such file", path);
}

/* Nothing is kept: what was written is told by the error that only one name is for. */
static int fixture_write_file(void *user_data, const char *path, struct slice text,
                              struct error *err)
{
    (void)user_data;
    if (strcmp(path, "kept.sub") == 0)
        return 0;
    if (strncmp(path, "nowhere/", strlen("nowhere/")) == 0)
        return error_set(err, -ENOENT, "there is no folder 'nowhere'");
    return error_set(err, -EACCES, "cannot write '%s': %.*s", path, (int)text.length, text.data);
}

static int fixture_match_files(void *user_data, const char *pattern, enum submit_match match,
                               struct buffer *names, struct error *err)
{
    (void)user_data;
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
        _cleanup_free_ char *name =
            slice_copy((struct slice){files[i][0], strcspn(files[i][0], "/")});
        bool is_dir = !files[i][1];

        if (fnmatch(pattern, name, 0) == 0 && (match != SUBMIT_MATCH_FILES || !is_dir) &&
            (match != SUBMIT_MATCH_DIRS || is_dir))
            buffer_append(names, files[i][0], strlen(files[i][0]) + 1);
    }
    if (strcmp(pattern, "secret/*") == 0)
        return error_set(err, -EACCES, "cannot read the folder 'secret'");
    return 0;
}

static int fixture_run_command(void *user_data, const char *command, struct buffer *text,
                               struct error *err)
{
    (void)user_data;
    if (strncmp(command, "echo ", 5) != 0)
        return error_set(err, -ECHILD, "'%s' failed with status 1", command);
    buffer_appendf(text, "%s\n", command + 5);
    return 0;
}

static int fixture_read_template(void *user_data, const char *name, struct buffer *text,
                                 struct error *err)
{
    (void)user_data;
    if (strcmp(name, "Locked") == 0)
        return error_set(err, -EACCES, "cannot open 'Locked'");
    if (strcmp(name, "Sizes") != 0)
        return 1;
    buffer_append_text(text, "cores = $(1:2)\nmemory = $(2)\nall = $(0) of $(0#)\n"
                             "rest = $(2+) $(2?)$(9?) $(3:(none)) $(x)\n");
    return 0;
}

static int fixture_get_environment(void *user_data, const char *name, struct buffer *value,
                                   struct error *err)
{
    static const char *const variables[][2] = {
        {"HOME", "/h/u"}, {"LANG", "C $(Process) \"x\\"}, {"FUNCTION", "() {\n}"}};

    (void)user_data;
    (void)err;
    for (size_t i = 0; i < ARRAY_LENGTH(variables); i++)
        if (strcmp(variables[i][0], name) == 0) {
            buffer_append_text(value, variables[i][1]);
            return 0;
        }
    return 1;
}

static int fixture_list_environment(void *user_data, struct buffer *names, struct error *err)
{
    (void)user_data;
    (void)err;
    buffer_append_text(names, "FUNCTION\nHOME\nLANG\nBASH_FUNC_x()\n");
    return 0;
}

const struct submit_world fixture_world = {
    .read_file = fixture_read_file,
    .write_file = fixture_write_file,
    .run_command = fixture_run_command,
    .match_files = fixture_match_files,
    .read_template = fixture_read_template,
    .get_environment = fixture_get_environment,
    .list_environment = fixture_list_environment,
};

static const struct submit_options in_the_world = {.world = &fixture_world};

struct submit *fixture_parse(const char *text, const struct submit_options *options)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    struct submit *submit = NULL;

    if (submit_parse(slice_from_text(text), "x.sub", options ? options : &in_the_world, &submit,
                     NULL, &err) < 0)
        fail_msg("%s", error_text(&err));
    return submit;
}

char *fixture_error(const char *text, const struct submit_options *options)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    _cleanup_submit_ struct submit *submit = NULL;
    struct buffer message = BUFFER_INIT;

    assert_true(submit_parse(slice_from_text(text), "x.sub", options ? options : &in_the_world,
                             &submit, NULL, &err) < 0);
    buffer_append_text(&message, error_text(&err));
    if (err.hint)
        buffer_appendf(&message, "\nhint: %s", err.hint);
    return buffer_take(&message);
}

void fixture_expand(const struct submit *submit, uint64_t process, struct submit_task *task)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    if (submit_expand(submit, 17, process, task, &err) < 0)
        fail_msg("%s", error_text(&err));
}

void assert_value(const char *definitions, const char *value, const char *expected)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    _cleanup_submit_ struct submit *submit = NULL;
    struct submit_task task;

    buffer_appendf(&text, "executable = x\n%s\narguments = %s\nqueue 3\n", definitions, value);
    submit = fixture_parse(buffer_text(&text), NULL);
    submit_task_init(&task);
    fixture_expand(submit, 0, &task);
    assert_string_equal(task.arguments_text, expected);
    submit_task_deinit(&task);
}

void assert_list(struct submit_list list, const char *const *expected, size_t count)
{
    assert_int_equal(list.count, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(list.items[i], expected[i]);
    assert_null(list.items[count]);
}

char *fixture_arguments(const struct submit *submit)
{
    struct buffer joined = BUFFER_INIT;
    struct submit_task task;

    submit_task_init(&task);
    for (uint64_t i = 0; i < submit_task_count(submit); i++) {
        fixture_expand(submit, i, &task);
        buffer_appendf(&joined, "%s|", task.arguments_text);
    }
    submit_task_deinit(&task);
    return buffer_take(&joined);
}
