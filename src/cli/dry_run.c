/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See dry_run.h. Each task becomes a JSON object once; the three forms are three ways to print it.
 */
#include "dry_run.h"

#include "connection.h"
#include "listing.h"
#include "sys/terminal.h"
#include "sys/text.h"

#include <inttypes.h>
#include <stdio.h>

enum { JOB_NOT_KNOWN = 1 };

static const struct column columns[] = {
    {"id", NULL, "ID", COLUMN_TEXT, false},
    {"executable", NULL, "EXECUTABLE", COLUMN_TEXT, true},
    {"arguments", NULL, "ARGUMENTS", COLUMN_TEXT, true},
    {"input", NULL, "INPUT", COLUMN_TEXT, true},
    {"output", NULL, "OUTPUT", COLUMN_TEXT, true},
    {"request_cpus", NULL, "CPUS", COLUMN_NUMBER, false},
    {"request_memory", NULL, "MEMORY", COLUMN_SIZE, false},
};
static const struct column_set columns_of_values = {
    .what = "task",
    .columns = columns,
    .count = ARRAY_LENGTH(columns),
    .usual = "id,executable,arguments,input,output,request_cpus,request_memory",
};

static void set_text(json_t *object, const char *name, const char *value)
{
    if (value)
        json_object_set_new(object, name, json_string(value) ?: json_string("(not UTF-8)"));
}

static void set_list(json_t *object, const char *name, const struct submit_list *list)
{
    json_t *texts;

    if (list->count == 0)
        return;
    texts = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(texts, json_string(list->items[i]) ?: json_string("(not UTF-8)"));
    json_object_set_new(object, name, texts);
}

static void set_number(json_t *object, const char *name, uint64_t number)
{
    json_object_set_new(object, name, json_integer((json_int_t)number));
}

static json_t *describe_task(const struct submit_task *task)
{
    json_t *object = json_object();

    json_object_set_new(object, "id",
                        json_sprintf("%" PRIu64 ".%" PRIu64, task->cluster, task->process));
    set_text(object, "executable", task->executable);
    set_text(object, "arguments", *task->arguments_text ? task->arguments_text : NULL);
    set_list(object, "environment", &task->environment);
    set_text(object, "initialdir", task->initialdir);
    set_text(object, "input", task->input);
    set_text(object, "output", task->output);
    set_text(object, "error", task->error);
    set_text(object, "log", task->log);
    set_list(object, "transfer_input_files", &task->transfer_input);
    set_list(object, "transfer_output_files", &task->transfer_output);
    set_number(object, "request_cpus", task->request_cpus);
    set_number(object, "request_memory", task->request_memory_bytes);
    set_number(object, "request_disk", task->request_disk_bytes);
    if (task->hold)
        json_object_set_new(object, "hold", json_true());
    if (task->priority != 0)
        json_object_set_new(object, "priority", json_integer(task->priority));
    if (task->max_retries > 0)
        set_number(object, "max_retries", task->max_retries);
    set_text(object, "batch_name", task->batch_name);
    for (size_t i = 0; i < task->attribute_count; i++) {
        _cleanup_buffer_ struct buffer name = BUFFER_INIT;

        buffer_appendf(&name, "+%s", task->attributes[i].name);
        set_text(object, name.data, task->attributes[i].expression);
    }
    return object;
}

static void print_lines(const json_t *object)
{
    bool utf8 = terminal_of_output().utf8;
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)object, name, value)
    {
        _cleanup_buffer_ struct buffer line = BUFFER_INIT;
        const struct column column = {.name = name, .kind = COLUMN_TEXT};
        _cleanup_buffer_ struct buffer text = BUFFER_INIT;

        column_append(&text, &column, object, true);
        text_append_printable(&line, buffer_text(&text), utf8);
        printf("%-22s = %s\n", name, buffer_text(&line));
    }
    printf("\n");
}

static void print_json(const json_t *object, bool first)
{
    _cleanup_free_ char *text = json_dumps(object, JSON_COMPACT);

    printf("%s%s", first ? "" : ",\n", text);
}

static int print_tasks(const struct submit *submit, enum dry_run_form form,
                       struct listing_printer *printer, struct error *err)
{
    struct submit_task task;
    int r = 0;

    submit_task_init(&task);
    for (uint64_t process = 0; r == 0 && process < submit_task_count(submit); process++) {
        _cleanup_json_ json_t *object = NULL;

        r = submit_expand(submit, JOB_NOT_KNOWN, process, &task, err);
        if (r < 0)
            break;
        object = describe_task(&task);
        if (form == DRY_RUN_TABLE)
            r = listing_print(printer, object, err);
        else if (form == DRY_RUN_JSON)
            print_json(object, process == 0);
        else
            print_lines(object);
    }
    submit_task_deinit(&task);
    return r;
}

int dry_run_print(const struct submit *submit, enum dry_run_form form, struct error *err)
{
    _cleanup_(listing_printer_free_p) struct listing_printer *printer = NULL;
    const struct listing listing = {0};
    int r;

    r = listing_printer_new(&listing, &columns_of_values, &printer, err);
    if (r < 0)
        return r;
    printf("%s", form == DRY_RUN_JSON ? "[" : "");
    r = print_tasks(submit, form, printer, err);
    printf("%s", form == DRY_RUN_JSON ? "]\n" : "");
    if (r == 0 && form == DRY_RUN_TABLE)
        listing_end(printer);
    return r;
}
