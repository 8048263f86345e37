/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See dry_run.h. Each task is expanded and described once; the three forms are three ways to print
 * the description. Expressions are compiled for that, so that they are seen as HTCondor would write
 * them, and so that one that is wrong in any task is found.
 */
#include "dry_run.h"

#include "base/arena.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/number.h"
#include "connection.h"
#include "lang/classad.h"
#include "lang/expression.h"
#include "lang/job_ad.h"
#include "listing.h"
#include "sys/platform.h"
#include "sys/terminal.h"
#include "sys/text.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { JOB_NOT_KNOWN = 1 };

static const struct column columns[] = {
    {"id", NULL, "ID", COLUMN_TEXT, false},
    {"command", NULL, "COMMAND", COLUMN_TEXT, true},
    {"input", NULL, "INPUT", COLUMN_TEXT, true},
    {"output", NULL, "OUTPUT", COLUMN_TEXT, true},
    {"request_cpus", NULL, "CPUS", COLUMN_NUMBER, false},
    {"request_memory", NULL, "MEMORY", COLUMN_SIZE, false},
    {"differs", NULL, "WHAT ELSE DIFFERS", COLUMN_TEXT, true},
};
static const struct column_set columns_of_values = {
    .what = "task",
    .columns = columns,
    .count = ARRAY_LENGTH(columns),
    .usual = "id,command,input,output,request_cpus,request_memory,differs",
};

/*
 * Expressions as they are printed, by how they were written: most are the same in all tasks, and
 * compiling them is what a dry run spends its time with. Emptied when it is full.
 */
struct printed {
    struct string_map index; /* into `texts` */
    const char *texts[4096]; /* in the arena */
    size_t count;
    struct arena arena;
};

/* One dry run. */
struct dry_run {
    enum dry_run_form form;
    struct printed printed;          /* in the form's one spelling */
    struct listing_printer *printer; /* of the table */
    struct submit_task task;
    struct job_ad ad;
    struct platform platform;
    struct utsname names;
    struct job_origin origin;
    bool utf8;
};

/* What HTCondor's configuration would say of this computer. */
static void find_origin(struct dry_run *run, const char *folder)
{
    const struct passwd *user = getpwuid(geteuid());

    platform_read(&run->platform);
    if (uname(&run->names) < 0)
        run->names = (struct utsname){0};
    run->origin = (struct job_origin){
        .folder = folder,
        .user = user ? user->pw_name : NULL,
        .arch = run->platform.arch,
        .operating_system = run->platform.opsys,
        .file_system_domain = run->names.nodename,
    };
}

static int compile(const struct dry_run *run, const struct submit_attribute *attribute,
                   struct classad_expression **ret_expression, struct error *err)
{
    struct classad_failure failure;

    if (classad_expression_parse(slice_from_text(attribute->expression), CLASSAD_OLD,
                                 ret_expression, &failure) == 0)
        return 0;
    return error_set(err, -EINVAL, "task %" PRIu64 ": %s = %s: %s", run->task.process,
                     attribute->name, attribute->expression, failure.message);
}

static const char *printed_add(struct printed *printed, const char *expression,
                               const struct buffer *text)
{
    if (printed->count == ARRAY_LENGTH(printed->texts)) {
        string_map_deinit(&printed->index);
        string_map_init(&printed->index, false);
        arena_clear(&printed->arena);
        printed->count = 0;
    }
    string_map_put(&printed->index, expression, printed->count);
    printed->texts[printed->count] =
        arena_copy(&printed->arena, (struct slice){buffer_text(text), text->length});
    return printed->texts[printed->count++];
}

/* The text lives until the next one is asked for. Strings stay as they are, whatever is in them. */
static int print_expression(struct dry_run *run, const struct submit_attribute *attribute,
                            enum classad_spelling spelling, const char **ret_text,
                            struct error *err)
{
    _cleanup_classad_expression_ struct classad_expression *expression = NULL;
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    uint64_t place;
    int r;

    if (expression_classify(slice_from_text(attribute->expression)) == EXPRESSION_STRING) {
        *ret_text = attribute->expression;
        return 0;
    }
    if (string_map_get(&run->printed.index, attribute->expression, &place)) {
        *ret_text = run->printed.texts[place];
        return 0;
    }
    r = compile(run, attribute, &expression, err);
    if (r < 0)
        return r;
    classad_node_print(classad_expression_node(expression), spelling, &text);
    *ret_text = printed_add(&run->printed, attribute->expression, &text);
    return 0;
}

static int print_lines(struct dry_run *run, struct error *err)
{
    for (size_t i = 0; i < run->ad.count; i++) {
        _cleanup_buffer_ struct buffer shown = BUFFER_INIT;
        const char *text;
        int r;

        if (!run->ad.items[i].expression)
            continue;
        r = print_expression(run, &run->ad.items[i], CLASSAD_OLD, &text, err);
        if (r < 0)
            return r;
        text_append_printable(&shown, text, run->utf8);
        printf("%s = %s\n", run->ad.items[i].name, buffer_text(&shown));
    }
    printf("\n");
    return 0;
}

static json_t *number_to_json(struct slice text)
{
    int64_t integer;

    if (number_parse_i64(text, &integer) == 0)
        return json_integer(integer);
    return json_real(expression_number(text));
}

/* What is more than a literal stands in a string, in the new spelling, between marks that tell. */
static json_t *other_to_json(struct dry_run *run, const struct submit_attribute *attribute,
                             struct error *err)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    const char *expression;

    if (print_expression(run, attribute, CLASSAD_NEW, &expression, err) < 0)
        return NULL;
    buffer_appendf(&text, "/Expr(%s)/", expression);
    return json_string(buffer_text(&text)) ?: json_string("(not UTF-8)");
}

static json_t *attribute_to_json(struct dry_run *run, const struct submit_attribute *attribute,
                                 struct error *err)
{
    struct slice text = slice_trim(slice_from_text(attribute->expression));
    _cleanup_buffer_ struct buffer value = BUFFER_INIT;

    switch (expression_classify(text)) {
    case EXPRESSION_UNDEFINED:
        return json_null();
    case EXPRESSION_BOOLEAN:
        return json_boolean(slice_equals_ignoring_case(text, "true"));
    case EXPRESSION_NUMBER:
        return number_to_json(text);
    case EXPRESSION_STRING:
        expression_unquote(text, &value);
        return json_string(buffer_text(&value)) ?: json_string("(not UTF-8)");
    case EXPRESSION_OTHER:
        break;
    }
    return other_to_json(run, attribute, err);
}

/* One object; the brackets around all are print_tasks()'s, so that no list is ever held. */
static int print_json(struct dry_run *run, struct error *err)
{
    _cleanup_json_ json_t *object = json_object();
    _cleanup_free_ char *text = NULL;

    for (size_t i = 0; i < run->ad.count; i++) {
        const struct submit_attribute *attribute = &run->ad.items[i];
        json_t *value;

        if (!attribute->expression)
            continue;
        value = attribute_to_json(run, attribute, err);
        if (!value)
            return -EINVAL;
        json_object_set_new(object, attribute->name, value);
    }
    text = json_dumps(object, JSON_COMPACT);
    printf("%s%s", run->task.process == 0 ? "" : ",\n", text);
    return 0;
}

/* What has a column of its own, or follows from what has. */
static bool is_shown_elsewhere(const char *name)
{
    static const char *const names[] = {
        "ProcId",      "Cmd",         "Args",        "Arguments",     "In",           "Out",
        "Err",         "UserLog",     "StreamIn",    "StreamOut",     "StreamErr",    "TransferIn",
        "TransferOut", "TransferErr", "RequestCpus", "RequestMemory", "Requirements",
    };

    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static void append_differences(const struct dry_run *run, struct buffer *text)
{
    for (size_t i = 0; i < run->ad.count; i++) {
        const struct submit_attribute *attribute = &run->ad.items[i];

        if (attribute->varies && attribute->expression && !is_shown_elsewhere(attribute->name))
            buffer_appendf(text, "%s%s=%s", text->length > 0 ? " " : "", attribute->name,
                           attribute->expression);
    }
}

static void set_text(json_t *object, const char *name, const char *value)
{
    if (value && *value)
        json_object_set_new(object, name, json_string(value) ?: json_string("(not UTF-8)"));
}

static int print_row(struct dry_run *run, struct error *err)
{
    const struct submit_task *task = &run->task;
    _cleanup_json_ json_t *object = json_object();
    _cleanup_buffer_ struct buffer command = BUFFER_INIT, differs = BUFFER_INIT;

    buffer_appendf(&command, "%s%s%s", task->executable, *task->arguments_text ? " " : "",
                   task->arguments_text);
    append_differences(run, &differs);
    json_object_set_new(object, "id",
                        json_sprintf("%" PRIu64 ".%" PRIu64, task->cluster, task->process));
    set_text(object, "command", buffer_text(&command));
    set_text(object, "input", task->input);
    set_text(object, "output", task->output);
    json_object_set_new(object, "request_cpus", json_integer((json_int_t)task->request_cpus));
    json_object_set_new(object, "request_memory",
                        json_integer((json_int_t)task->request_memory_bytes));
    set_text(object, "differs", buffer_text(&differs));
    return listing_print(run->printer, object, err);
}

static int print_task(struct dry_run *run, const struct submit *submit, uint64_t process,
                      struct error *err)
{
    int r = submit_expand(submit, JOB_NOT_KNOWN, process, &run->task, err);

    if (r < 0)
        return r;
    job_ad_fill(&run->ad, submit, &run->task, &run->origin);
    switch (run->form) {
    case DRY_RUN_LINES:
        return print_lines(run, err);
    case DRY_RUN_TABLE:
        return print_row(run, err);
    case DRY_RUN_JSON:
        return print_json(run, err);
    }
    return -EINVAL;
}

static int print_tasks(struct dry_run *run, const struct submit *submit, struct error *err)
{
    int r = 0;

    printf("%s", run->form == DRY_RUN_JSON ? "[" : "");
    for (uint64_t i = 0; r == 0 && i < submit_task_count(submit); i++)
        r = print_task(run, submit, i, err);
    printf("%s", run->form == DRY_RUN_JSON ? "]\n" : "");
    if (r == 0 && run->form == DRY_RUN_TABLE)
        listing_end(run->printer);
    return r;
}

int dry_run_print(const struct submit *submit, enum dry_run_form form, const char *folder,
                  struct error *err)
{
    _cleanup_(listing_printer_free_p) struct listing_printer *printer = NULL;
    const struct listing listing = {0};
    struct dry_run run = {.form = form, .utf8 = terminal_of_output().utf8};
    int r;

    r = listing_printer_new(&listing, &columns_of_values, &printer, err);
    if (r < 0)
        return r;
    run.printer = printer;
    find_origin(&run, folder);
    string_map_init(&run.printed.index, false);
    submit_task_init(&run.task);
    job_ad_init(&run.ad);
    r = print_tasks(&run, submit, err);
    job_ad_deinit(&run.ad);
    submit_task_deinit(&run.task);
    platform_deinit(&run.platform);
    string_map_deinit(&run.printed.index);
    arena_deinit(&run.printed.arena);
    return r;
}
