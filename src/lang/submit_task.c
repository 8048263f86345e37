/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See submit.h: the values of one task. For each command that its part defines, the value is
 * expanded and handed to the command's reader; the table of readers is the heart of this file.
 * What a task keeps lies in its own memory, which the next expansion uses again.
 *
 * This runs once for every task that starts, and for each task of a range whose requests differ, so
 * it allocates nothing after the first time, and reads no table that it need not read.
 */
#include "submit_internal.h"

#include "arguments.h"
#include "environment.h"
#include "list.h"
#include "text.h"

#include "base/memory.h"
#include "base/number.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

struct submit_task_memory {
    struct arena arena;
    struct buffer text; /* of the value that is being read */
    struct list arguments;
    struct list environment;
    struct list transfer_input;
    struct list transfer_output;
    struct submit_remap *remaps; /* owned */
    size_t remap_capacity;
    struct submit_attribute *attributes; /* owned */
    size_t attribute_capacity;
};

/* The values of one task being read. */
struct task_reader {
    const struct submit *submit;
    const struct part *part;
    struct submit_task *task;
    struct submit_task_memory *memory;
    struct expansion expansion;
    enum command command;
    struct error *err;
};

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
    list_deinit(&memory->arguments);
    list_deinit(&memory->environment);
    list_deinit(&memory->transfer_input);
    list_deinit(&memory->transfer_output);
    free(memory->remaps);
    free(memory->attributes);
    free(memory);
    *task = (struct submit_task){0};
}

static const struct definition *reader_definition(const struct task_reader *reader)
{
    return &reader->submit->macros.definitions[reader->part->definitions[reader->command]];
}

/*
 * Says which value is wrong, and in which task if it is not the same in all. The text of the value
 * is asked for that, and not what varies: a '$' is what the submitter sees when he looks there.
 */
static _printf_(2, 3) int value_error(struct task_reader *reader, const char *format, ...)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    const struct definition *definition = reader_definition(reader);
    va_list arguments;

    buffer_appendf(&text, "%.*s: ", SLICE_SHOWN(definition->name));
    va_start(arguments, format);
    buffer_append_formatted(&text, format, arguments);
    va_end(arguments);
    if (reader->part->range.count > 1 &&
        memchr(definition->value.data, '$', definition->value.length))
        buffer_appendf(&text, " (in task %llu)", (unsigned long long)reader->task->process);
    return sources_error(&reader->submit->sources, definition->value.data, reader->err, -EINVAL,
                         "%s", buffer_text(&text));
}

/* The value lies in a buffer that the next command uses again. */
static const char *keep(struct task_reader *reader, struct slice value)
{
    return arena_copy(&reader->memory->arena, value);
}

static int read_arguments(struct task_reader *reader, struct slice value)
{
    const char *message;

    /* As it was written as well, because people look for that and not for what became of it. */
    reader->task->arguments_text = keep(reader, value);
    if (arguments_split(value, &reader->memory->arena, &reader->memory->arguments, &message) < 0)
        return value_error(reader, "%s", message);
    return 0;
}

/* Behind what getenv brought in, which it overrules. */
static int read_environment(struct task_reader *reader, struct slice value)
{
    const char *message;

    if (environment_merge(value, &reader->memory->arena, &reader->memory->environment, &message) <
        0)
        return value_error(reader, "%s", message);
    return 0;
}

static int read_boolean(struct task_reader *reader, struct slice value, bool *ret_value)
{
    if (boolean_parse(value, ret_value))
        return 0;
    return value_error(reader, "'%.*s' is neither true nor false", SLICE_SHOWN(value));
}

static int read_transfer_executable(struct task_reader *reader, struct slice value)
{
    return read_boolean(reader, value, &reader->task->transfer_executable);
}

static int read_hold(struct task_reader *reader, struct slice value)
{
    return read_boolean(reader, value, &reader->task->hold);
}

/* A word and what it stands for; an int, because each command has an enum of its own. */
struct word {
    const char *word;
    int value;
};

/* HTCondor knows more words than its manual: the usual ones stand first, in the hint too. */
static int read_word(struct task_reader *reader, struct slice value, const struct word *words,
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
    };
    int found;
    int r = read_word(reader, value, words, ARRAY_LENGTH(words), &found);

    if (r == 0)
        reader->task->when_to_transfer_output = (enum submit_transfer_when)found;
    return r;
}

/* Commas separate; white space may be part of a name. */
static void read_file_list(struct task_reader *reader, struct slice value, struct list *list)
{
    while (value.length > 0) {
        struct slice file = slice_trim(text_take(&value, ','));

        if (file.length > 0)
            list_add(list, keep(reader, file));
    }
}

static int read_transfer_input_files(struct task_reader *reader, struct slice value)
{
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
static struct slice without_quotes(struct slice value)
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

    value = without_quotes(value);
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

/* A plain number, or arithmetic such as 100*1024. */
static int read_number(struct slice value, double *ret_number)
{
    struct arithmetic_failure failure;
    const char *at = value.data, *end = at + value.length;
    struct number number;

    /* To HTCondor it is a ClassAd expression; of those, arithmetic is what people write. */
    if (number_parse(value, &number) < 0 &&
        (arithmetic_constant(&at, end, &number, &failure) < 0 || at != end))
        return -EINVAL;
    *ret_number = number.is_real ? number.real : (double)number.integer;
    return 0;
}

static int read_size(struct task_reader *reader, struct slice value, uint64_t unit,
                     uint64_t *ret_bytes)
{
    double number;

    /* The common case first; arithmetic has no units. */
    if (number_parse_size(value, unit, ret_bytes) == 0)
        return 0;
    /* Below 2^63, where a double still converts, and where JSON's integers end. */
    if (read_number(value, &number) == 0 && number >= 0 && number * (double)unit < 0x1p63) {
        *ret_bytes = (uint64_t)(number * (double)unit);
        return 0;
    }
    value_error(reader, "'%.*s' is not a size", SLICE_SHOWN(value));
    error_hint(reader->err, "write a number with a unit, such as 512MB or 2GB; expressions with "
                            "attributes are not there yet");
    return -EINVAL;
}

static int read_request_memory(struct task_reader *reader, struct slice value)
{
    return read_size(reader, value, 1024 * 1024, &reader->task->request_memory_bytes);
}

static int read_request_disk(struct task_reader *reader, struct slice value)
{
    return read_size(reader, value, 1024, &reader->task->request_disk_bytes);
}

/* A task without a core cannot run; HTCondor would give it one silently. */
static int read_request_cpus(struct task_reader *reader, struct slice value)
{
    double number;

    if (read_number(value, &number) < 0 || !(number >= 1 && number <= UINT32_MAX) ||
        number != (double)(uint32_t)number)
        return value_error(reader, "'%.*s' is not a number of cores", SLICE_SHOWN(value));
    reader->task->request_cpus = (uint64_t)number;
    return 0;
}

/* Its range is the pool's to bound: a number is a number here. */
static int read_priority(struct task_reader *reader, struct slice value)
{
    if (number_parse_i64(value, &reader->task->priority) < 0)
        return value_error(reader, "'%.*s' is not a whole number", SLICE_SHOWN(value));
    return 0;
}

/* Read and handed on; the pool does not try again by itself yet. */
static int read_max_retries(struct task_reader *reader, struct slice value)
{
    if (number_parse_u64(value, &reader->task->max_retries) < 0)
        return value_error(reader, "'%.*s' is not a number of tries", SLICE_SHOWN(value));
    return 0;
}

static int read_batch_name(struct task_reader *reader, struct slice value)
{
    reader->task->batch_name = keep(reader, without_quotes(value));
    return 0;
}

/* Each is refused in its own words: some will come, some never. */
static int read_universe(struct task_reader *reader, struct slice value)
{
    static const struct {
        const char *name;
        const char *number; /* as JobUniverse has it */
        const char *message;
    } universes[] = {
        {"vanilla", "5", NULL},
        {"container", "5c", "is not there yet"},
        {"docker", "5d", "is not there yet"},
        {"vm", "13", "is not there yet"},
        {"parallel", "11", "is not there yet"},
        {"mpi", "8", "is not there yet"},
        {"scheduler", "7", "does not exist in dusk: the server runs no programs of users"},
        {"local", "12", "does not exist in dusk: the server runs no programs of users"},
        {"grid", "9", "does not exist in dusk"},
        {"globus", "9g", "does not exist in dusk"},
        {"java", "10", "does not exist in dusk: give java as the executable"},
        {"standard", "1", "does not exist in dusk: every program can be saved as it is"},
        {"pvm", "4", "is not there yet"},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(universes); i++)
        if (slice_equals_ignoring_case(value, universes[i].name) ||
            slice_equals(value, universes[i].number)) {
            if (!universes[i].message)
                return 0;
            return value_error(reader, "the '%s' universe %s", universes[i].name,
                               universes[i].message);
        }
    value_error(reader, "there is no universe '%.*s'", SLICE_SHOWN(value));
    error_hint(reader->err, "leave the line out: programs run in the 'vanilla' universe");
    return -EINVAL;
}

/* How each command's value is read. GETENV and ALLOW_UNDEFINED are none of a single task's. */
static const struct {
    int (*read)(struct task_reader *reader, struct slice value);
    size_t text_offset; /* of a text in struct submit_task, where there is no function */
} value_readers[COMMAND_COUNT] = {
    [COMMAND_UNIVERSE] = {.read = read_universe},
    [COMMAND_EXECUTABLE] = {.text_offset = offsetof(struct submit_task, executable)},
    [COMMAND_TRANSFER_EXECUTABLE] = {.read = read_transfer_executable},
    [COMMAND_ARGUMENTS] = {.read = read_arguments},
    [COMMAND_ENVIRONMENT] = {.read = read_environment},
    [COMMAND_INITIALDIR] = {.text_offset = offsetof(struct submit_task, initialdir)},
    [COMMAND_INPUT] = {.text_offset = offsetof(struct submit_task, input)},
    [COMMAND_OUTPUT] = {.text_offset = offsetof(struct submit_task, output)},
    [COMMAND_ERROR] = {.text_offset = offsetof(struct submit_task, error)},
    [COMMAND_LOG] = {.text_offset = offsetof(struct submit_task, log)},
    [COMMAND_SHOULD_TRANSFER_FILES] = {.read = read_should_transfer_files},
    [COMMAND_WHEN_TO_TRANSFER_OUTPUT] = {.read = read_when_to_transfer_output},
    [COMMAND_TRANSFER_INPUT_FILES] = {.read = read_transfer_input_files},
    [COMMAND_TRANSFER_OUTPUT_FILES] = {.read = read_transfer_output_files},
    [COMMAND_TRANSFER_OUTPUT_REMAPS] = {.read = read_transfer_output_remaps},
    [COMMAND_REQUEST_CPUS] = {.read = read_request_cpus},
    [COMMAND_REQUEST_MEMORY] = {.read = read_request_memory},
    [COMMAND_REQUEST_DISK] = {.read = read_request_disk},
    [COMMAND_HOLD] = {.read = read_hold},
    [COMMAND_PRIORITY] = {.read = read_priority},
    [COMMAND_MAX_RETRIES] = {.read = read_max_retries},
    [COMMAND_BATCH_NAME] = {.read = read_batch_name},
};

/* Expands a template into the reader's buffer. */
static int expand_value(struct task_reader *reader, const struct template *template,
                        struct slice *ret_value)
{
    struct buffer *text = &reader->memory->text;
    int r;

    buffer_clear(text);
    r = macros_expand(&reader->expansion, template, text, reader->err);
    /* White space that a macro brought in is as meaningless as any other at the ends. */
    *ret_value = slice_trim((struct slice){buffer_text(text), text->length});
    return r;
}

/* A value that is empty counts as not given, as in HTCondor; only a list of outputs may be. */
static int read_value(struct task_reader *reader, struct slice value)
{
    char *field;

    if (value.length == 0 && reader->command != COMMAND_TRANSFER_OUTPUT_FILES)
        return 0;
    if (value_readers[reader->command].read)
        return value_readers[reader->command].read(reader, value);
    field = (char *)reader->task + value_readers[reader->command].text_offset;
    *(const char **)(void *)field = keep(reader, value);
    return 0;
}

/* The first mistake is told, and the rest when that is mended: together they only confuse. */
static int read_commands(struct task_reader *reader)
{
    for (enum command command = 0; command < COMMAND_COUNT; command++) {
        struct slice value;
        int r;

        if (reader->part->definitions[command] == MACRO_NONE ||
            !(value_readers[command].read || value_readers[command].text_offset))
            continue;
        reader->command = command;
        r = expand_value(reader, &reader_definition(reader)->template, &value);
        if (r == 0)
            r = read_value(reader, value);
        if (r < 0)
            return r;
    }
    /* It was defined, or there would be no part; but its value may be nothing for this task. */
    reader->command = COMMAND_EXECUTABLE;
    return reader->task->executable ? 0 : value_error(reader, "the program's name is empty");
}

/*
 * Custom attributes are kept as they are: ClassAds give them their meaning. Expanded they are all
 * the same, because macros in them are the submit file's business and not the pool's.
 */
static int read_attributes(struct task_reader *reader)
{
    const struct macros *macros = &reader->submit->macros;
    struct submit_task_memory *memory = reader->memory;
    struct submit_task *task = reader->task;

    for (size_t i = 0; i < reader->part->attribute_count; i++) {
        uint32_t index = reader->part->attributes[i];
        const struct definition *definition = &macros->definitions[index];
        struct slice value;
        int r;

        if (index == MACRO_NONE)
            continue;
        r = expand_value(reader, &definition->template, &value);
        if (r < 0)
            return r;
        array_reserve(memory->attributes, memory->attribute_capacity, task->attribute_count + 1);
        memory->attributes[task->attribute_count++] = (struct submit_attribute){
            .name = macros->symbols[definition->symbol].name + strlen("MY."),
            .expression = keep(reader, value),
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

/* Last, because the arrays have moved while they grew. */
static void task_publish(struct submit_task *task)
{
    struct submit_task_memory *memory = task->memory;

    task->arguments = publish_list(&memory->arguments);
    task->environment = publish_list(&memory->environment);
    task->transfer_input = publish_list(&memory->transfer_input);
    task->transfer_output = publish_list(&memory->transfer_output);
    task->remaps = memory->remaps;
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
        r = read_attributes(&reader);
    *steps_left = reader.expansion.steps_left;
    /* Half a task must not look like a whole one to a caller who forgets to ask. */
    if (r < 0)
        task_reset(task);
    else
        task_publish(task);
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
