/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The submit language under any text: nothing may crash, hang or leak, and what can be read must
 * survive freezing: the canonical text is read without a world, is its own canonical text, and has
 * the same tasks. The attributes of the first task of each part are expressions, and the
 * same after freezing.
 */
#include "base/buffer.h"
#include "lang/classad.h"
#include "lang/job_ad.h"
#include "lang/references.h"
#include "lang/submit.h"

#include <errno.h>
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

/* Nothing is kept: what was written is read back by nobody. */
static int write_file(void *user_data, const char *path, struct slice text, struct error *err)
{
    (void)user_data;
    (void)path;
    if (text.length % 7 == 0)
        return error_set(err, -13, "there is no room");
    return 0;
}

/* A command prints its own words, so that lines of a text can be anywhere. */
static int run_command(void *user_data, const char *command, struct buffer *text, struct error *err)
{
    (void)user_data;
    if (strcmp(command, "no") == 0)
        return error_set(err, -5, "the command failed");
    buffer_appendf(text, "%s\n", command);
    return 0;
}

/* A pattern matches its own name, with and without its stars, and what is odd. */
static int match_files(void *user_data, const char *pattern, enum submit_match match,
                       struct buffer *names, struct error *err)
{
    (void)user_data;
    (void)err;
    buffer_append(names, pattern, strlen(pattern) + 1);
    if (match != SUBMIT_MATCH_FILES)
        buffer_append(names, "#dir/", 6);
    if (match != SUBMIT_MATCH_DIRS)
        buffer_append(names, ")a, b$(Process)", 16);
    return 0;
}

static int read_template(void *user_data, const char *name, struct buffer *text, struct error *err)
{
    (void)user_data;
    (void)err;
    buffer_appendf(text, "%s = $(1)\n$(0)\n$(2:$(0#))$(3?)$(1+)\n", name);
    return name[0] == 'N' ? 1 : 0;
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

static int look_up(void *user_data, enum reference_kind kind, struct slice text,
                   struct buffer *value, struct error *err)
{
    (void)user_data;
    (void)err;
    buffer_append_slice(value, text);
    return kind == REFERENCE_ATTRIBUTE && text.length == 1 ? 1 : 0;
}

static void fill_in(const char *text)
{
    _cleanup_buffer_ struct buffer filled = BUFFER_INIT;
    struct slice slice = slice_from_text(text);

    if (references_expand(slice, SUBMIT_VALUE_SIZE_MAX, look_up, NULL, &filled, NULL) == 0 &&
        !references_are_in(slice) && strcmp(buffer_text(&filled), text) != 0)
        abort();
}

static _noreturn_ void give_up(const char *what, const struct buffer *text)
{
    fprintf(stderr, "%s\n---\n%s---\n", what, buffer_text(text));
    abort();
}

/*
 * What is too large for an expression need not be one, and what the old spelling of ClassAds cannot
 * say, a quote before a line end, is no expression of it.
 */
static void check_expression(const struct submit_attribute *attribute)
{
    _cleanup_classad_expression_ struct classad_expression *expression = NULL;
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    struct classad_failure failure;

    if (classad_expression_parse(slice_from_text(attribute->expression), CLASSAD_OLD, &expression,
                                 &failure) != -EINVAL ||
        strstr(attribute->expression, "\"\n") || strstr(attribute->expression, "\"\r"))
        return;
    buffer_appendf(&text, "%s = %s", attribute->name, attribute->expression);
    give_up(failure.message, &text);
}

/* Appends the attributes of the first task of each part. */
static void describe_parts(const struct submit *submit, struct buffer *text)
{
    static const struct job_origin origin = {
        .folder = "/w", .arch = "X86_64", .operating_system = "LINUX"};
    struct submit_task task;
    struct job_ad ad;

    submit_task_init(&task);
    job_ad_init(&ad);
    for (size_t part = 0; part < TASK_COUNT_MAX && part < submit_part_count(submit); part++) {
        if (submit_expand(submit, 1, submit_part_range(submit, part).first, &task, NULL) < 0)
            continue;
        job_ad_fill(&ad, submit, &task, &origin);
        for (size_t i = 0; i < ad.count; i++) {
            if (!ad.items[i].expression)
                continue;
            check_expression(&ad.items[i]);
            buffer_appendf(text, "%s = %s\n", ad.items[i].name, ad.items[i].expression);
        }
    }
    job_ad_deinit(&ad);
    submit_task_deinit(&task);
}

static void expand_some(const struct submit *submit)
{
    uint64_t count = submit_task_count(submit);
    struct submit_task task;

    submit_task_init(&task);
    for (uint64_t i = 0; i < TASK_COUNT_MAX && i < count; i++) {
        _cleanup_error_ struct error err = ERROR_INIT;

        if (submit_expand(submit, 1, i, &task, &err) == 0)
            fill_in(task.arguments_text);
        submit_expand(submit, 1, count - 1 - i, &task, NULL);
    }
    for (size_t i = 0; i < TASK_COUNT_MAX && i < submit_part_count(submit); i++) {
        submit_varies(submit, i, "arguments");
        submit_varies(submit, i, "x");
    }
    submit_task_deinit(&task);
}

/* What a task is, in parts that come from all kinds of values. */
static void describe(const struct submit *submit, uint64_t process, struct buffer *text)
{
    struct submit_task task;

    submit_task_init(&task);
    if (submit_expand(submit, 1, process, &task, NULL) == 0) {
        buffer_appendf(text, "%s|%s|%s|%s|%llu", task.executable, task.arguments_text,
                       task.input ? task.input : "", task.output ? task.output : "",
                       (unsigned long long)task.request_cpus);
        for (size_t i = 0; i < task.attribute_count; i++)
            buffer_appendf(text, "|%s=%s", task.attributes[i].name, task.attributes[i].expression);
        for (size_t i = 0; i < task.environment.count; i++)
            buffer_appendf(text, "|%s", task.environment.items[i]);
    }
    submit_task_deinit(&task);
}

static void check_tasks(const struct submit *submit, const struct submit *copy,
                        const struct buffer *frozen)
{
    uint64_t count = submit_task_count(submit);

    for (uint64_t i = 0; i < TASK_COUNT_MAX && i < count; i++) {
        _cleanup_buffer_ struct buffer one = BUFFER_INIT, other = BUFFER_INIT;

        describe(submit, i, &one);
        describe(copy, i, &other);
        if (strcmp(buffer_text(&one), buffer_text(&other)) != 0) {
            fprintf(stderr, "%s\n%s\n", buffer_text(&one), buffer_text(&other));
            give_up("another task", frozen);
        }
    }
}

static void check_frozen(const struct submit *submit)
{
    _cleanup_buffer_ struct buffer frozen = BUFFER_INIT, again = BUFFER_INIT;
    _cleanup_buffer_ struct buffer described = BUFFER_INIT, described_again = BUFFER_INIT;
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
    check_tasks(submit, copy, &frozen);
    describe_parts(submit, &described);
    describe_parts(copy, &described_again);
    if (strcmp(buffer_text(&described), buffer_text(&described_again)) != 0)
        give_up(buffer_text(&described_again), &described);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct submit_world world = {
        .read_file = read_file,
        .write_file = write_file,
        .run_command = run_command,
        .match_files = match_files,
        .read_template = read_template,
        .get_environment = get_environment,
        .list_environment = list_environment,
    };
    static const struct submit_automatic automatics[] = {
        {"Year", "2026"}, {"SUBMIT_FOLDER", "/f"}, {"SUBMIT_TIME", "1700000000"}, {"Node", ""}};
    static const struct submit_options options = {
        .world = &world, .automatics = automatics, .automatic_count = 4, .seed = 7};
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
