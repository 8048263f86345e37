/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See submit_task_internal.h: commands that are an attribute of the job and nothing else. Each has
 * a form, which says how its text becomes the attribute's expression; the forms are those of
 * HTCondor 23.9 (condor_submit(1)).
 */
#include "submit_task_internal.h"

#include "expression.h"
#include "text.h"

#include "base/memory.h"
#include "base/number.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum { LIST_WORD_COUNT_MAX = 1000 };

/* Where two commands give one attribute, the ad takes the later one that has an expression. */
static void add_command(struct task_reader *reader, const char *attribute, const char *expression)
{
    struct submit_task_memory *memory = reader->memory;
    struct submit_task *task = reader->task;

    array_reserve(memory->commands, memory->command_capacity, task->command_count + 1);
    memory->commands[task->command_count++] = (struct submit_attribute){
        .name = attribute, .expression = expression, .varies = reader->varies};
}

static const char *keep_made(struct task_reader *reader)
{
    struct buffer *made = &reader->memory->made;
    const char *kept = task_keep(reader, (struct slice){made->data, made->length});

    buffer_clear(made);
    return kept;
}

static const char *keep_string(struct task_reader *reader, struct slice value)
{
    expression_append_string(&reader->memory->made, value);
    return keep_made(reader);
}

static const char *keep_integer(struct task_reader *reader, int64_t value)
{
    buffer_appendf(&reader->memory->made, "%lld", (long long)value);
    return keep_made(reader);
}

static int form_boolean(struct task_reader *reader, struct slice value, const char **ret_expression)
{
    bool boolean;
    int r = read_boolean(reader, value, &boolean);

    if (r == 0)
        *ret_expression = boolean ? "true" : "false";
    return r;
}

static int form_integer(struct task_reader *reader, struct slice value, int64_t min,
                        const char **ret_expression)
{
    int64_t number;

    if (!integer_parse(value, &number) || number < min)
        return value_error(reader, "'%.*s' is not a%s whole number", SLICE_SHOWN(value),
                           min < 0 ? "" : "n unsigned");
    *ret_expression = keep_integer(reader, number);
    return 0;
}

/* In units of `unit` bytes, rounded up. */
static bool size_parse(struct slice value, uint64_t unit, int64_t *ret_units)
{
    uint64_t bytes;

    if (number_parse_size(value, unit, &bytes) < 0)
        return false;
    *ret_units = (int64_t)(bytes / unit + (bytes % unit ? 1 : 0));
    return true;
}

static int form_megabytes(struct task_reader *reader, struct slice value,
                          const char **ret_expression)
{
    int64_t units;

    if (!size_parse(value, 1024 * 1024, &units))
        return read_expression(reader, value, ret_expression);
    *ret_expression = keep_integer(reader, units);
    return 0;
}

static int form_kilobytes(struct task_reader *reader, struct slice value,
                          const char **ret_expression)
{
    int64_t units;

    /* So much that it can still be counted in bytes. */
    if (!size_parse(value, 1024, &units) || units < 1 || units > INT64_C(1) << 52)
        return value_error(reader, "'%.*s' is not a size of at least 1K", SLICE_SHOWN(value));
    *ret_expression = keep_integer(reader, units);
    return 0;
}

/* The words of a list, in the arena, between commas and white space. */
static int split_words(struct task_reader *reader, struct slice value, struct list *words)
{
    struct slice word;

    list_clear(words);
    while (text_take_item(&value, ", \t\n\v\f\r", &word)) {
        if (words->count == LIST_WORD_COUNT_MAX)
            return value_error(reader, "there are more than %d words", LIST_WORD_COUNT_MAX);
        list_add(words, task_keep(reader, word));
    }
    return 0;
}

static const char *keep_list(struct task_reader *reader, const struct list *words)
{
    struct buffer *made = &reader->memory->made;

    buffer_append_character(made, '"');
    for (size_t i = 0; i < words->count; i++) {
        buffer_append_text(made, i > 0 ? "," : "");
        expression_append_quoted(made, slice_from_text(words->items[i]));
    }
    buffer_append_character(made, '"');
    return keep_made(reader);
}

static int form_list(struct task_reader *reader, struct slice value, const char **ret_expression)
{
    struct list *words = &reader->memory->words;
    int r = split_words(reader, value, words);

    if (r == 0)
        *ret_expression = keep_list(reader, words);
    return r;
}

/* NAME, NAME.PART or NAME:COUNT; each in lower case. */
static int check_limit(struct task_reader *reader, const char *word)
{
    const char *colon = strchr(word, ':');
    size_t length = colon ? (size_t)(colon - word) : strlen(word);
    double count;

    for (char *c = (char *)word; *c; c++)
        *c = text_lower(*c);
    if (macro_name_is_valid((struct slice){word, length}) &&
        (!colon || (number_parse_double(slice_from_text(colon + 1), &count) == 0 && count > 0)))
        return 0;
    return value_error(reader, "'%.60s' is not a limit of the form NAME or NAME:COUNT", word);
}

/* Sorted, so that jobs with the same limits are seen to have the same. */
static int form_limits(struct task_reader *reader, struct slice value, const char **ret_expression)
{
    struct list *words = &reader->memory->words;
    int r = split_words(reader, value, words);

    for (size_t i = 0; r == 0 && i < words->count; i++)
        r = check_limit(reader, words->items[i]);
    if (r < 0)
        return r;
    list_sort(words);
    *ret_expression = keep_list(reader, words);
    return 0;
}

static int form_notification(struct task_reader *reader, struct slice value,
                             const char **ret_expression)
{
    static const struct word words[] = {{"never", 0}, {"always", 1}, {"complete", 2}, {"error", 3}};
    int found;
    int r = read_word(reader, value, words, ARRAY_LENGTH(words), &found);

    if (r == 0)
        *ret_expression = keep_integer(reader, found);
    return r;
}

bool signal_parse(struct slice value, int32_t *ret_number, const char **ret_name)
{
    static const struct word signals[] = {
        {"SIGHUP", 1},     {"SIGINT", 2},   {"SIGQUIT", 3},   {"SIGILL", 4},   {"SIGTRAP", 5},
        {"SIGABRT", 6},    {"SIGBUS", 7},   {"SIGFPE", 8},    {"SIGKILL", 9},  {"SIGUSR1", 10},
        {"SIGSEGV", 11},   {"SIGUSR2", 12}, {"SIGPIPE", 13},  {"SIGALRM", 14}, {"SIGTERM", 15},
        {"SIGSTKFLT", 16}, {"SIGCHLD", 17}, {"SIGCONT", 18},  {"SIGSTOP", 19}, {"SIGTSTP", 20},
        {"SIGTTIN", 21},   {"SIGTTOU", 22}, {"SIGURG", 23},   {"SIGXCPU", 24}, {"SIGXFSZ", 25},
        {"SIGVTALRM", 26}, {"SIGPROF", 27}, {"SIGWINCH", 28}, {"SIGIO", 29},   {"SIGPWR", 30},
        {"SIGSYS", 31},
    };
    uint64_t number = 0;

    (void)number_parse_u64(value, &number);
    for (size_t i = 0; i < ARRAY_LENGTH(signals); i++) {
        if (!slice_equals_ignoring_case(value, signals[i].word) &&
            number != (uint64_t)signals[i].value)
            continue;
        *ret_number = signals[i].value;
        if (ret_name)
            *ret_name = signals[i].word;
        return true;
    }
    return false;
}

/* By name or number; in the job it is a name. */
static int form_signal(struct task_reader *reader, struct slice value, const char **ret_expression)
{
    const char *name;
    int32_t number;

    if (!signal_parse(value, &number, &name))
        return value_error(reader, "'%.*s' is not a signal", SLICE_SHOWN(value));
    *ret_expression = keep_string(reader, slice_from_text(name));
    return 0;
}

/* MAJOR or MAJOR.MINOR; false if it is neither. */
static bool version_parse(struct slice value, uint64_t *ret_major, uint64_t *ret_minor)
{
    struct slice major = text_take(&value, '.');

    *ret_minor = 0;
    return number_parse_u64(major, ret_major) == 0 && *ret_major < 1000 * 1000 &&
           (value.length == 0 || (number_parse_u64(value, ret_minor) == 0 && *ret_minor < 100));
}

/* What is above 1000 is taken for a version in that form already. */
static int form_runtime(struct task_reader *reader, struct slice value, const char **ret_expression)
{
    uint64_t major, minor;

    if (!version_parse(value, &major, &minor))
        return read_expression(reader, value, ret_expression);
    *ret_expression =
        keep_integer(reader, (int64_t)(major > 1000 ? major : major * 1000 + minor * 10));
    return 0;
}

/* HTCondor counts the minor version another way here. */
static int form_cuda(struct task_reader *reader, struct slice value, const char **ret_expression)
{
    uint64_t major, minor;

    if (!version_parse(value, &major, &minor))
        return value_error(reader, "'%.*s' is not a version such as 12 or 12.1",
                           SLICE_SHOWN(value));
    *ret_expression = keep_integer(reader, (int64_t)(major >= 1000 ? major : major * 1000 + minor));
    return 0;
}

static int form_value(struct task_reader *reader, enum command_form form, struct slice value,
                      const char **ret_expression)
{
    switch (form) {
    case FORM_NONE:
    case FORM_EXPRESSION:
        return read_expression(reader, value, ret_expression);
    case FORM_STRING:
        *ret_expression = keep_string(reader, value);
        return 0;
    case FORM_NAME:
        *ret_expression = keep_string(reader, without_quotes(value));
        return 0;
    case FORM_LIST:
        return form_list(reader, value, ret_expression);
    case FORM_BOOLEAN:
        return form_boolean(reader, value, ret_expression);
    case FORM_INTEGER:
        return form_integer(reader, value, INT64_MIN, ret_expression);
    case FORM_COUNT:
        return form_integer(reader, value, 0, ret_expression);
    case FORM_MEGABYTES:
        return form_megabytes(reader, value, ret_expression);
    case FORM_KILOBYTES:
        return form_kilobytes(reader, value, ret_expression);
    case FORM_LIMITS:
        return form_limits(reader, value, ret_expression);
    case FORM_NOTIFICATION:
        return form_notification(reader, value, ret_expression);
    case FORM_SIGNAL:
        return form_signal(reader, value, ret_expression);
    case FORM_RUNTIME:
        return form_runtime(reader, value, ret_expression);
    case FORM_CUDA:
        return form_cuda(reader, value, ret_expression);
    }
    assert(false);
    return -EINVAL;
}

int read_plain_command(struct task_reader *reader, const struct plain_command *plain,
                       struct slice value)
{
    const char *expression = NULL;
    int r = 0;

    /* Empty means not given; another task may have it, and that has to be known. */
    if (value.length > 0)
        r = form_value(reader, plain->about ? plain->about->form : FORM_EXPRESSION, value,
                       &expression);
    if (r == 0 && (expression || reader->varies))
        add_command(reader, plain->attribute, expression);
    return r;
}
