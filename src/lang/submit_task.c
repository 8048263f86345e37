/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See submit.h: the values of one task. For each command that its part defines, the value is
 * expanded and handed to the command's reader; the table of readers is the heart of this file.
 * What a task keeps lies in its own memory, which the next expansion uses again.
 *
 * This runs once for every task that starts, and for each task of a range whose requests differ, so
 * it allocates nothing after the first time, and reads no table that it need not read.
 */
#include "submit_task_internal.h"

#include "arguments.h"
#include "classad.h"
#include "environment.h"
#include "text.h"

#include "base/memory.h"
#include "base/number.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

void submit_task_init(struct submit_task *task)
{
    *task = (struct submit_task){.memory = memory_allocate(sizeof(*task->memory))};
}

void submit_task_deinit(struct submit_task *task)
{
    struct submit_task_memory *memory = task->memory;

    if (!memory)
        return;
    arena_deinit(&memory->arena);
    buffer_deinit(&memory->text);
    buffer_deinit(&memory->made);
    list_deinit(&memory->words);
    list_deinit(&memory->arguments);
    list_deinit(&memory->environment);
    list_deinit(&memory->transfer_input);
    list_deinit(&memory->transfer_output);
    free(memory->remaps);
    free(memory->commands);
    free(memory->attributes);
    free(memory);
    *task = (struct submit_task){0};
}

/* The text of the value is asked for what varies: a '$' is what the submitter sees there. */
static int error_at(struct task_reader *reader, const char *place, const char *format,
                    va_list arguments)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    const struct definition *definition = reader->definition;

    buffer_appendf(&text, "%.*s: ", SLICE_SHOWN(definition->name));
    buffer_append_formatted(&text, format, arguments);
    if (reader->part->range.count > 1 &&
        memchr(definition->value.data, '$', definition->value.length))
        buffer_appendf(&text, " (in task %llu)", (unsigned long long)reader->task->process);
    return sources_error(&reader->submit->sources, place, reader->err, -EINVAL, "%s",
                         buffer_text(&text));
}

int value_error(struct task_reader *reader, const char *format, ...)
{
    va_list arguments;
    int r;

    va_start(arguments, format);
    r = error_at(reader, reader->definition->value.data, format, arguments);
    va_end(arguments);
    return r;
}

static _printf_(3, 4) int place_error(struct task_reader *reader, const char *place,
                                      const char *format, ...)
{
    va_list arguments;
    int r;

    va_start(arguments, format);
    r = error_at(reader, place, format, arguments);
    va_end(arguments);
    return r;
}

/* The value lies in a buffer that the next command uses again. */
const char *task_keep(struct task_reader *reader, struct slice value)
{
    return arena_copy(&reader->memory->arena, value);
}

static int split_arguments(struct task_reader *reader, struct slice value)
{
    const char *message;

    /* As it was written as well, because people look for that and not for what became of it. */
    reader->task->arguments_text = task_keep(reader, value);
    if (arguments_split(value, &reader->memory->arena, &reader->memory->arguments, &message) < 0)
        return value_error(reader, "%s", message);
    return 0;
}

static int read_arguments(struct task_reader *reader, struct slice value)
{
    reader->task->arguments_are_old = !arguments_are_quoted(value);
    return split_arguments(reader, value);
}

/* Of the new syntax only; for files that had to be read by a Condor older than that, too. */
static int read_arguments2(struct task_reader *reader, struct slice value)
{
    if (!arguments_are_quoted(value))
        return value_error(reader, "write it in double quotes, or use 'arguments'");
    if (*reader->task->arguments_text && !reader->allow_arguments_v1)
        return value_error(reader, "there is 'arguments', too; give one of them, or say "
                                   "'allow_arguments_v1 = true' and this one counts");
    list_clear(&reader->memory->arguments);
    reader->task->arguments_are_old = false;
    return split_arguments(reader, value);
}

static int merge_environment(struct task_reader *reader, struct slice value)
{
    const char *message;

    if (environment_merge(value, &reader->memory->arena, &reader->memory->environment, &message) <
        0)
        return value_error(reader, "%s", message);
    return 0;
}

/* Behind what getenv brought in, which it overrules. */
static int read_environment(struct task_reader *reader, struct slice value)
{
    bool is_new = arguments_are_quoted(value);

    /* With environment2 beside it, it is for computers that know no better, and none is ours. */
    if (reader->part->definitions[COMMAND_ENVIRONMENT2] != MACRO_NONE)
        return reader->allow_environment_v1
                   ? 0
                   : value_error(reader, "there is 'environment2', too; give one of them, or say "
                                         "'allow_environment_v1 = true' and that one counts");
    /* HTCondor keeps the old syntax in the job for those who write "env". */
    reader->task->environment_is_old =
        !is_new && slice_equals_ignoring_case(reader->definition->name, "env");
    return merge_environment(reader, value);
}

static int read_environment2(struct task_reader *reader, struct slice value)
{
    if (!arguments_are_quoted(value))
        return value_error(reader, "write it in double quotes, or use 'environment'");
    return merge_environment(reader, value);
}

/* The value of an expression that asks for nothing; false if that is no number. */
static bool compute(struct slice value, double *ret_number)
{
    _cleanup_classad_expression_ struct classad_expression *expression = NULL;
    _cleanup_classad_evaluator_ struct classad_evaluator evaluator = CLASSAD_EVALUATOR_INIT;
    struct classad_failure failure;
    struct classad_value result;

    if (classad_expression_parse(value, CLASSAD_OLD, &expression, &failure) < 0)
        return false;
    result = classad_evaluate(&evaluator, classad_expression_node(expression), NULL, NULL);
    return classad_value_as_real(&result, ret_number);
}

bool integer_parse(struct slice value, int64_t *ret_integer)
{
    double number;

    if (number_parse_i64(value, ret_integer) == 0)
        return true;
    /* Up to where a double still counts by ones. */
    if (!compute(value, &number) || !(number > -0x1p53 && number < 0x1p53) ||
        (double)(int64_t)number != number)
        return false;
    *ret_integer = (int64_t)number;
    return true;
}

int read_boolean(struct task_reader *reader, struct slice value, bool *ret_value)
{
    double number;

    if (boolean_parse(value, ret_value))
        return 0;
    if (compute(value, &number)) {
        *ret_value = number < 0 || number > 0;
        return 0;
    }
    return value_error(reader, "'%.*s' is neither true nor false", SLICE_SHOWN(value));
}

static int read_allow_arguments_v1(struct task_reader *reader, struct slice value)
{
    return read_boolean(reader, value, &reader->allow_arguments_v1);
}

static int read_allow_environment_v1(struct task_reader *reader, struct slice value)
{
    return read_boolean(reader, value, &reader->allow_environment_v1);
}

static int read_transfer_executable(struct task_reader *reader, struct slice value)
{
    reader->transfer_executable_given = true;
    return read_boolean(reader, value, &reader->task->transfer_executable);
}

static int read_hold(struct task_reader *reader, struct slice value)
{
    return read_boolean(reader, value, &reader->task->hold);
}

/* HTCondor knows more words than its manual: the usual ones stand first, in the hint too. */
int read_word(struct task_reader *reader, struct slice value, const struct word *words,
              size_t count, int *ret_value)
{
    _cleanup_buffer_ struct buffer known = BUFFER_INIT;

    for (size_t i = 0; i < count; i++) {
        if (slice_equals_ignoring_case(value, words[i].word)) {
            *ret_value = words[i].value;
            return 0;
        }
    }
    for (size_t i = 0; i < count; i++)
        buffer_appendf(&known, "%s%s", i > 0 ? ", " : "", words[i].word);
    value_error(reader, "'%.*s' is not known", SLICE_SHOWN(value));
    error_hint(reader->err, "use one of %s", buffer_text(&known));
    return -EINVAL;
}

static int read_should_transfer_files(struct task_reader *reader, struct slice value)
{
    static const struct word words[] = {
        {"yes", SUBMIT_TRANSFER_YES},
        {"no", SUBMIT_TRANSFER_NO},
        {"if_needed", SUBMIT_TRANSFER_IF_NEEDED},
        {"true", SUBMIT_TRANSFER_YES},
        {"false", SUBMIT_TRANSFER_NO},
        {"always", SUBMIT_TRANSFER_YES},
        {"never", SUBMIT_TRANSFER_NO},
        {"auto", SUBMIT_TRANSFER_IF_NEEDED},
    };
    int found;
    int r = read_word(reader, value, words, ARRAY_LENGTH(words), &found);

    reader->should_transfer_given = true;
    if (r == 0)
        reader->task->should_transfer_files = (enum submit_transfer)found;
    return r;
}

static int read_when_to_transfer_output(struct task_reader *reader, struct slice value)
{
    static const struct word words[] = {
        {"on_exit", SUBMIT_TRANSFER_ON_EXIT},
        {"on_exit_or_evict", SUBMIT_TRANSFER_ON_EXIT_OR_EVICT},
        {"on_success", SUBMIT_TRANSFER_ON_SUCCESS},
        {"always", SUBMIT_TRANSFER_ON_EXIT_OR_EVICT},
        {"never", SUBMIT_TRANSFER_NEVER},
    };
    int found;
    int r = read_word(reader, value, words, ARRAY_LENGTH(words), &found);

    reader->when_to_transfer_given = true;
    if (r == 0)
        reader->task->when_to_transfer_output = (enum submit_transfer_when)found;
    return r;
}

/* Commas separate; white space may be part of a name. */
static void read_file_list(struct task_reader *reader, struct slice value, struct list *list)
{
    struct slice file;

    while (text_take_item(&value, ",", &file))
        list_add(list, task_keep(reader, file));
}

static int read_transfer_input_files(struct task_reader *reader, struct slice value)
{
    if (slice_equals(value, "\"\""))
        return 0;
    read_file_list(reader, value, &reader->memory->transfer_input);
    return 0;
}

static int read_transfer_output_files(struct task_reader *reader, struct slice value)
{
    /* An empty list says that nothing shall come back, which is not the same as no list. */
    reader->task->transfer_output_given = true;
    if (slice_equals(value, "\"\""))
        return 0;
    read_file_list(reader, value, &reader->memory->transfer_output);
    return 0;
}

/* Where quotes are usual but mean nothing: HTCondor wants them there, for its own parser's sake. */
struct slice without_quotes(struct slice value)
{
    if (value.length > 1 && value.data[0] == '"' && value.data[value.length - 1] == '"')
        return slice_trim((struct slice){value.data + 1, value.length - 2});
    return value;
}

/* What stands before the separator, and takes it off with it; one behind a backslash is none. */
static struct slice take_unescaped(struct slice *rest, char separator)
{
    struct slice taken = *rest;

    for (size_t i = 0; i < rest->length; i++) {
        if (rest->data[i] == '\\')
            i++;
        else if (rest->data[i] == separator) {
            taken.length = i;
            break;
        }
    }
    rest->data += taken.length;
    rest->length -= taken.length;
    (void)text_take(rest, separator);
    return taken;
}

/* Without the backslashes, which is never longer: so it is done in the copy itself. */
static const char *keep_unescaped(struct task_reader *reader, struct slice name)
{
    char *kept = arena_copy(&reader->memory->arena, slice_trim(name)), *to = kept;

    for (const char *from = kept; *from; from++) {
        if (*from == '\\' && (from[1] == '=' || from[1] == ';'))
            from++;
        *to++ = *from;
    }
    *to = '\0';
    return kept;
}

/*
 * "from = to; from = to", mostly in double quotes. A '=' or ';' of a name has a backslash before it
 * (condor_submit(1)).
 */
static int read_transfer_output_remaps(struct task_reader *reader, struct slice value)
{
    struct submit_task *task = reader->task;
    struct submit_task_memory *memory = reader->memory;

    if (value.length < 2 || value.data[0] != '"' || value.data[value.length - 1] != '"') {
        value_error(reader, "this must stand in double quotes");
        error_hint(reader->err, "write: transfer_output_remaps = \"NAME = NEW_NAME; ...\"");
        return -EINVAL;
    }
    value = (struct slice){value.data + 1, value.length - 2};
    reader->task->remaps_text = task_keep(reader, value);
    while (value.length > 0) {
        struct slice to = slice_trim(take_unescaped(&value, ';'));
        struct slice whole = to, from;

        if (to.length == 0)
            continue;
        /* At the first '=': a new name may have one, the task's own names seldom do. */
        from = take_unescaped(&to, '=');
        if (from.length == whole.length)
            return value_error(reader, "'%.*s' is not of the form NAME = NEW_NAME",
                               SLICE_SHOWN(whole));
        array_reserve(memory->remaps, memory->remap_capacity, task->remap_count + 1);
        memory->remaps[task->remap_count++] = (struct submit_remap){
            .from = keep_unescaped(reader, from), .to = keep_unescaped(reader, to)};
    }
    return 0;
}

/* Its range is the pool's to bound: a number is a number here. */
static int read_priority(struct task_reader *reader, struct slice value)
{
    if (!integer_parse(value, &reader->task->priority))
        return value_error(reader, "'%.*s' is not a whole number", SLICE_SHOWN(value));
    return 0;
}

/* Read and handed on; the pool does not try again by itself yet. */
static int read_max_retries(struct task_reader *reader, struct slice value)
{
    int64_t tries;

    if (!integer_parse(value, &tries) || tries < 0)
        return value_error(reader, "'%.*s' is not a number of tries", SLICE_SHOWN(value));
    reader->task->max_retries = (uint64_t)tries;
    reader->task->max_retries_given = true;
    return 0;
}

static int read_success_exit_code(struct task_reader *reader, struct slice value)
{
    if (!integer_parse(value, &reader->task->success_exit_code))
        return value_error(reader, "'%.*s' is not an exit code", SLICE_SHOWN(value));
    reader->task->success_exit_code_given = true;
    return 0;
}

static int read_retry_until(struct task_reader *reader, struct slice value)
{
    return read_expression(reader, value, &reader->task->retry_until);
}

static int read_on_exit_remove(struct task_reader *reader, struct slice value)
{
    return read_expression(reader, value, &reader->task->on_exit_remove);
}

static int read_requirements(struct task_reader *reader, struct slice value)
{
    return read_expression(reader, value, &reader->task->requirements);
}

static int read_batch_name(struct task_reader *reader, struct slice value)
{
    reader->task->batch_name = task_keep(reader, without_quotes(value));
    return 0;
}

/* How each command's value is read. GETENV and ALLOW_UNDEFINED are none of a single task's. */
static const struct {
    int (*read)(struct task_reader *reader, struct slice value);
    size_t text_offset; /* of a text in struct submit_task, where there is no function */
} value_readers[COMMAND_COUNT] = {
    [COMMAND_UNIVERSE] = {.read = read_universe},
    [COMMAND_EXECUTABLE] = {.text_offset = offsetof(struct submit_task, executable)},
    [COMMAND_TRANSFER_EXECUTABLE] = {.read = read_transfer_executable},
    [COMMAND_ALLOW_ARGUMENTS_V1] = {.read = read_allow_arguments_v1},
    [COMMAND_ARGUMENTS] = {.read = read_arguments},
    [COMMAND_ARGUMENTS2] = {.read = read_arguments2},
    [COMMAND_ALLOW_ENVIRONMENT_V1] = {.read = read_allow_environment_v1},
    [COMMAND_ENVIRONMENT] = {.read = read_environment},
    [COMMAND_ENVIRONMENT2] = {.read = read_environment2},
    [COMMAND_INITIALDIR] = {.text_offset = offsetof(struct submit_task, initialdir)},
    [COMMAND_INPUT] = {.text_offset = offsetof(struct submit_task, input)},
    [COMMAND_OUTPUT] = {.text_offset = offsetof(struct submit_task, output)},
    [COMMAND_ERROR] = {.text_offset = offsetof(struct submit_task, error)},
    [COMMAND_LOG] = {.text_offset = offsetof(struct submit_task, log)},
    [COMMAND_CONTAINER_IMAGE] = {.read = read_container_image},
    [COMMAND_DOCKER_IMAGE] = {.read = read_docker_image},
    [COMMAND_SHOULD_TRANSFER_FILES] = {.read = read_should_transfer_files},
    [COMMAND_WHEN_TO_TRANSFER_OUTPUT] = {.read = read_when_to_transfer_output},
    [COMMAND_TRANSFER_INPUT_FILES] = {.read = read_transfer_input_files},
    [COMMAND_TRANSFER_OUTPUT_FILES] = {.read = read_transfer_output_files},
    [COMMAND_TRANSFER_OUTPUT_REMAPS] = {.read = read_transfer_output_remaps},
    [COMMAND_REQUEST_CPUS] = {.read = read_request_cpus},
    [COMMAND_REQUEST_GPUS] = {.read = read_request_gpus},
    [COMMAND_REQUEST_MEMORY] = {.read = read_request_memory},
    [COMMAND_REQUEST_DISK] = {.read = read_request_disk},
    [COMMAND_EXPECTED_DURATION] = {.read = read_expected_duration},
    [COMMAND_RUNTIME] = {.read = read_runtime},
    [COMMAND_NETWORK] = {.read = read_network},
    [COMMAND_REQUIREMENTS] = {.read = read_requirements},
    [COMMAND_HOLD] = {.read = read_hold},
    [COMMAND_PRIORITY] = {.read = read_priority},
    [COMMAND_MAX_RETRIES] = {.read = read_max_retries},
    [COMMAND_SUCCESS_EXIT_CODE] = {.read = read_success_exit_code},
    [COMMAND_RETRY_UNTIL] = {.read = read_retry_until},
    [COMMAND_ON_EXIT_REMOVE] = {.read = read_on_exit_remove},
    [COMMAND_BATCH_NAME] = {.read = read_batch_name},
};

/* Makes the definition the one that is read, and expands it into the reader's buffer. */
static int expand_value(struct task_reader *reader, uint32_t definition, struct slice *ret_value)
{
    struct buffer *text = &reader->memory->text;
    int r;

    buffer_clear(text);
    reader->definition = &reader->submit->macros.definitions[definition];
    r = macros_expand(&reader->expansion, &reader->definition->template, text, reader->err);
    /* White space that a macro brought in is as meaningless as any other at the ends. */
    *ret_value = slice_trim((struct slice){buffer_text(text), text->length});
    reader->is_blank = text->length > 0 && ret_value->length == 0;
    return r;
}

int read_expression(struct task_reader *reader, struct slice value, const char **ret_expression)
{
    _cleanup_classad_expression_ struct classad_expression *expression = NULL;
    const struct slice written = reader->definition->value;
    struct classad_failure failure;

    *ret_expression = task_keep(reader, value);
    /* The first and the last task show what is wrong with all; compiling costs more than the rest.
     */
    if (reader->part->settled)
        return 0;
    if (classad_expression_parse(value, CLASSAD_OLD, &expression, &failure) == 0)
        return 0;
    /* Where macros stood the place is not one of the file, so the text is told. */
    if (written.length == value.length && memcmp(written.data, value.data, value.length) == 0)
        return place_error(reader, written.data + (failure.at - value.data), "%s", failure.message);
    return value_error(reader, "%s, in: %.*s", failure.message, SLICE_SHOWN(value));
}

/* A value that is empty counts as not given, as in HTCondor; only a list of outputs may be. */
static int read_value(struct task_reader *reader, enum command command, struct slice value)
{
    char *field;

    /* To HTCondor, arguments of white space are some of the old syntax, and none of them. */
    if (command == COMMAND_ARGUMENTS && reader->is_blank)
        reader->task->arguments_are_old = true;
    if (value.length == 0 && command != COMMAND_TRANSFER_OUTPUT_FILES)
        return 0;
    if (value_readers[command].read)
        return value_readers[command].read(reader, value);
    field = (char *)reader->task + value_readers[command].text_offset;
    *(const char **)(void *)field = task_keep(reader, value);
    return 0;
}

bool task_select(struct task_reader *reader, enum command command)
{
    uint32_t definition = reader->part->definitions[command];

    if (definition == MACRO_NONE)
        return false;
    reader->definition = &reader->submit->macros.definitions[definition];
    reader->varies = reader->part->varies[command];
    return true;
}

static int refuse_transfer(struct task_reader *reader, enum command command)
{
    (void)task_select(reader, command);
    return value_error(reader, "should_transfer_files says that nothing is transferred");
}

/* Who forbids transfers cannot name what shall be transferred. */
static int check_no_transfer(struct task_reader *reader)
{
    struct submit_task *task = reader->task;

    if (!reader->when_to_transfer_given)
        task->when_to_transfer_output = SUBMIT_TRANSFER_NEVER;
    if (task->when_to_transfer_output != SUBMIT_TRANSFER_NEVER)
        return refuse_transfer(reader, COMMAND_WHEN_TO_TRANSFER_OUTPUT);
    if (reader->memory->transfer_input.count > 0)
        return refuse_transfer(reader, COMMAND_TRANSFER_INPUT_FILES);
    if (task->transfer_output_given)
        return refuse_transfer(reader, COMMAND_TRANSFER_OUTPUT_FILES);
    if (reader->transfer_executable_given && task->transfer_executable)
        return refuse_transfer(reader, COMMAND_TRANSFER_EXECUTABLE);
    return 0;
}

/*
 * HTCondor's rules. Outputs that are saved at an eviction can only be found again where they were
 * transferred: so "if needed" means yes there, and cannot be asked for.
 */
static int check_transfer(struct task_reader *reader)
{
    struct submit_task *task = reader->task;

    if (task->should_transfer_files == SUBMIT_TRANSFER_NO)
        return check_no_transfer(reader);
    if (task->when_to_transfer_output == SUBMIT_TRANSFER_NEVER) {
        (void)task_select(reader, COMMAND_WHEN_TO_TRANSFER_OUTPUT);
        return value_error(reader, "should_transfer_files says that files may be transferred, so "
                                   "the outputs are");
    }
    if (task->when_to_transfer_output != SUBMIT_TRANSFER_ON_EXIT_OR_EVICT ||
        task->should_transfer_files != SUBMIT_TRANSFER_IF_NEEDED)
        return 0;
    if (!reader->should_transfer_given) {
        task->should_transfer_files = SUBMIT_TRANSFER_YES;
        return 0;
    }
    (void)task_select(reader, COMMAND_WHEN_TO_TRANSFER_OUTPUT);
    value_error(reader, "'on_exit_or_evict' does not go together with "
                        "'should_transfer_files = if_needed'");
    error_hint(reader->err, "write 'should_transfer_files = yes', or 'on_exit' here");
    return -EINVAL;
}

/* The first mistake is told, and the rest when that is mended: together they only confuse. */
static int read_commands(struct task_reader *reader)
{
    int r = 0;

    for (enum command command = COMMAND_NONE + 1; r == 0 && command < COMMAND_COUNT; command++) {
        struct slice value;

        if (!(value_readers[command].read || value_readers[command].text_offset) ||
            !task_select(reader, command))
            continue;
        r = expand_value(reader, reader->part->definitions[command], &value);
        if (r == 0)
            r = read_value(reader, command, value);
    }
    if (r == 0)
        r = check_universe(reader);
    if (r < 0)
        return r;
    return check_transfer(reader);
}

static int read_plain_commands(struct task_reader *reader)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < reader->part->plain_count; i++) {
        const struct plain_command *plain = &reader->part->plain[i];
        struct slice value;

        reader->varies = plain->varies;
        r = expand_value(reader, plain->definition, &value);
        if (r == 0)
            r = read_plain_command(reader, plain, value);
    }
    return r;
}

/*
 * Custom attributes are kept as they are: ClassAds give them their meaning. Expanded they are all
 * the same, because macros in them are the submit file's business and not the pool's.
 */
/* By itself it would say how long the task takes, and nobody would go by it. */
static int refuse_duration_attribute(struct task_reader *reader)
{
    value_error(reader, "this attribute follows from a command");
    error_hint(reader->err, "write: expected_duration = 2h");
    return -EINVAL;
}

static int read_attributes(struct task_reader *reader)
{
    const struct macros *macros = &reader->submit->macros;
    struct submit_task_memory *memory = reader->memory;
    struct submit_task *task = reader->task;

    for (size_t i = 0; i < reader->part->attribute_count; i++) {
        uint32_t index = reader->part->attributes[i];
        const char *expression = "undefined", *name;
        struct slice value;
        int r;

        if (index == MACRO_NONE)
            continue;
        reader->varies = reader->part->attributes_vary[i];
        r = expand_value(reader, index, &value);
        if (r == 0 && value.length > 0)
            r = read_expression(reader, value, &expression);
        name = macros->symbols[reader->definition->symbol].name + strlen("MY.");
        if (r == 0 && value.length > 0)
            r = read_request_attribute(reader, name, value);
        if (r == 0 && slice_equals_ignoring_case(slice_from_text(name), "ExpectedDuration"))
            r = refuse_duration_attribute(reader);
        if (r < 0)
            return r;
        array_reserve(memory->attributes, memory->attribute_capacity, task->attribute_count + 1);
        memory->attributes[task->attribute_count++] = (struct submit_attribute){
            .name = name,
            .expression = expression,
            .varies = reader->varies,
        };
    }
    return 0;
}

/* Back to a task that says nothing, with its memory empty and ready. */
static void task_reset(struct submit_task *task)
{
    struct submit_task_memory *memory = task->memory;

    arena_clear(&memory->arena);
    /* Cleared lists still end with their NULL, so an empty task can be handed out as it is. */
    list_clear(&memory->arguments);
    list_clear(&memory->environment);
    list_clear(&memory->transfer_input);
    list_clear(&memory->transfer_output);
    *task = (struct submit_task){
        .memory = memory,
        .transfer_executable = true,
        .arguments_text = "",
        .request_cpus = SUBMIT_CPUS_DEFAULT,
        .request_memory_bytes = SUBMIT_MEMORY_DEFAULT,
        .request_disk_bytes = SUBMIT_DISK_DEFAULT,
    };
}

/* The arrays stay the memory's; the caller sees them until the next expansion. */
static struct submit_list publish_list(const struct list *list)
{
    return (struct submit_list){.items = list->items, .count = list->count};
}

/* Behind all that adds to them, because the arrays have moved while they grew. */
static void task_publish(struct submit_task *task)
{
    struct submit_task_memory *memory = task->memory;

    task->arguments = publish_list(&memory->arguments);
    task->environment = publish_list(&memory->environment);
    task->transfer_input = publish_list(&memory->transfer_input);
    task->transfer_output = publish_list(&memory->transfer_output);
    task->remaps = memory->remaps;
    task->commands = memory->commands;
    task->attributes = memory->attributes;
}

int part_expand(const struct submit *submit, size_t part, uint64_t cluster, uint64_t process,
                uint64_t *steps_left, struct submit_task *task, struct error *err)
{
    struct macro_scope scope = part_scope(submit, &submit->parts[part], cluster, process);
    struct task_reader reader = {
        .submit = submit,
        .part = &submit->parts[part],
        .task = task,
        .memory = task->memory,
        .expansion = {.macros = &submit->macros, .scope = &scope, .steps_left = *steps_left},
        .err = err,
    };
    int r;

    task_reset(task);
    task->cluster = cluster;
    task->process = process;
    task->part = part;
    /*
     * First what getenv asks for: the environment overrules it. The entries are the part's, which
     * lives longer than any task.
     */
    for (size_t i = 0; i < reader.part->import_count; i++)
        list_add(&reader.memory->environment, reader.part->imports[i]);
    r = read_commands(&reader);
    if (r == 0)
        r = read_plain_commands(&reader);
    if (r == 0)
        apply_sizes(&reader);
    if (r == 0)
        r = read_attributes(&reader);
    *steps_left = reader.expansion.steps_left;
    if (r == 0) {
        task_publish(task);
        r = settle_requests(&reader);
    }
    /* Half a task must not look like a whole one to a caller who forgets to ask. */
    if (r < 0)
        task_reset(task);
    return r;
}

int submit_expand(const struct submit *submit, uint64_t cluster, uint64_t process,
                  struct submit_task *task, struct error *err)
{
    uint64_t steps_left = MACRO_STEP_COUNT_MAX;

    /* Each task has an account of its own: a costly one takes nothing from the others. */
    assert(process < submit->task_count);
    return part_expand(submit, submit_part_of(submit, process), cluster, process, &steps_left, task,
                       err);
}
