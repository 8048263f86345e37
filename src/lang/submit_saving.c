/* SPDX-License-Identifier: Apache-2.0 */
/* See submit_saving.h. The commands have checked their values; custom attributes may hold anything.
 */
#include "submit_saving.h"

#include "expression.h"
#include "submit_task_internal.h"
#include "text.h"

#include "base/number.h"

enum { EXIT_CODE_MAX = 255, VACATE_SECONDS_MAX = 7 * 24 * 60 * 60 };

void submit_saving_deinit(struct submit_saving *saving)
{
    list_deinit(&saving->files);
    arena_deinit(&saving->memory);
    *saving = SUBMIT_SAVING_INIT;
}

/* The last one of that name counts, and is empty if there is none. */
static struct slice find_in(const struct submit_attribute *attributes, size_t count,
                            const char *name)
{
    for (size_t i = count; i-- > 0;)
        if (slice_equals_ignoring_case(slice_from_text(attributes[i].name), name))
            return slice_from_text(attributes[i].expression ? attributes[i].expression : "");
    return slice_from_text("");
}

static struct slice find(const struct submit_task *task, const char *name)
{
    struct slice custom = find_in(task->attributes, task->attribute_count, name);

    return custom.length > 0 ? custom : find_in(task->commands, task->command_count, name);
}

/* False if there is none, or none between the two. */
static bool find_integer(const struct submit_task *task, const char *name, int64_t least,
                         int64_t most, int64_t *ret_value)
{
    struct slice text = find(task, name);
    int64_t value;

    if (text.length == 0 || !integer_parse(text, &value) || value < least || value > most)
        return false;
    *ret_value = value;
    return true;
}

static bool is_true(const struct submit_task *task, const char *name)
{
    bool value = false;

    return boolean_parse(find(task, name), &value) && value;
}

/* By its number or, in quotes, by its name; 0: neither. */
static int32_t find_signal(const struct submit_task *task, const char *name)
{
    _cleanup_buffer_ struct buffer unquoted = BUFFER_INIT;
    struct slice text = find(task, name);
    int32_t number = 0;

    if (expression_classify(text) == EXPRESSION_STRING) {
        expression_unquote(text, &unquoted);
        text = (struct slice){buffer_text(&unquoted), unquoted.length};
    }
    (void)signal_parse(slice_trim(text), &number, NULL);
    return number;
}

static void read_files(const struct submit_task *task, struct submit_saving *saving)
{
    _cleanup_buffer_ struct buffer unquoted = BUFFER_INIT;
    struct slice text = find(task, "TransferCheckpoint"), file;

    if (expression_classify(text) != EXPRESSION_STRING)
        return;
    saving->files_given = true;
    expression_unquote(text, &unquoted);
    text = (struct slice){buffer_text(&unquoted), unquoted.length};
    while (text_take_item(&text, ",", &file))
        list_add(&saving->files, arena_copy(&saving->memory, file));
}

/* Two commands, of which the shorter time counts. */
static void read_vacate_time(const struct submit_task *task, struct submit_saving *saving)
{
    static const char *const names[] = {"JobMaxVacateTime", "KillSigTimeout"};
    int64_t seconds;

    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (!find_integer(task, names[i], 0, VACATE_SECONDS_MAX, &seconds))
            continue;
        if (!saving->vacate_given || (uint64_t)seconds * 1000 < saving->vacate_ms)
            saving->vacate_ms = (uint64_t)seconds * 1000;
        saving->vacate_given = true;
    }
}

void submit_saving_read(const struct submit_task *task, struct submit_saving *ret_saving)
{
    int64_t code;

    if (is_true(task, "SuccessCheckpointExitBySignal"))
        ret_saving->exit_signal = find_signal(task, "SuccessCheckpointExitSignal");
    else if (find_integer(task, "SuccessCheckpointExitCode", 0, EXIT_CODE_MAX, &code))
        ret_saving->exit_code = (int32_t)code;
    ret_saving->saves_to_leave = task->when_to_transfer_output == SUBMIT_TRANSFER_ON_EXIT_OR_EVICT;
    ret_saving->kill_signal = find_signal(task, "KillSig");
    read_files(task, ret_saving);
    read_vacate_time(task, ret_saving);
}
