/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See submit.h and submit_internal.h: the lines of a submit text, in their order: the settings of
 * the caller, the text with the appended lines right before its first queue statement, and then a
 * look at what was never used.
 *
 * The language has no declarations: any name may be defined, and a command is only a name that dusk
 * knows. So a mistyped command is a macro that nobody uses, which is a warning and no error; only
 * what cannot mean anything is refused.
 */
#include "submit_internal.h"
#include "text.h"

#include "base/memory.h"
#include "base/spelling.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

void submit_warnings_deinit(struct submit_warnings *warnings)
{
    for (size_t i = 0; i < warnings->count; i++)
        free(warnings->texts[i]);
    free(warnings->texts);
    *warnings = SUBMIT_WARNINGS_INIT;
}

/*
 * What HTCondor defines in every submit text and no computer has to say. Of its list SPOOL is left
 * out: a folder of the server is nothing that a submit text could use, so the name has no value.
 */
static const char *const standards[][2] = {
    {"JobId", "$(ClusterId).$(ProcId)"},    {"Request_CPUs", "$(RequestCPUs)"},
    {"Request_Memory", "$(RequestMemory)"}, {"VM_VCPUS", "$(Request_CPUs)"},
    {"VM_MEMORY", "$(Request_Memory)"},
};

/* The macros point into the submit, which therefore never moves. */
static struct submit *submit_new(void)
{
    struct submit *submit = memory_allocate(sizeof(*submit));

    macros_init(&submit->macros, &submit->sources, &submit->arena);
    for (size_t i = 0; i < ARRAY_LENGTH(standards); i++) {
        int r = macros_set_standard(&submit->macros, standards[i][0], standards[i][1]);

        assert(r == 0);
    }
    return submit;
}

void submit_free(struct submit *submit)
{
    if (!submit)
        return;
    macros_deinit(&submit->macros);
    sources_deinit(&submit->sources);
    arena_deinit(&submit->arena);
    free(submit->parts);
    free(submit->item_templates);
    free(submit->attribute_symbols);
    free(submit->resource_symbols);
    free(submit);
}

/* What HTCondor and people write. Anything else is a mistake and never false. */
bool boolean_parse(struct slice text, bool *ret_value)
{
    static const char *const words[][2] = {
        {"true", "false"}, {"yes", "no"}, {"t", "f"}, {"y", "n"}, {"1", "0"},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(words); i++)
        for (size_t j = 0; j < 2; j++)
            if (slice_equals_ignoring_case(text, words[i][j])) {
                *ret_value = j == 0;
                return true;
            }
    return false;
}

/* Whether the line is `word` alone, or with white space, ':', '(' or '=' behind. */
static bool line_is_statement(struct slice line, const char *word)
{
    size_t length = strlen(word);

    return text_begins(line, word) &&
           (line.length == length || memchr(" \t:(=", line.data[length], 5));
}

/* What was it meant to be? The word in front says it best. */
static int refuse_line(struct submit_reader *reader, struct slice line)
{
    static const char *const queue = "queue";
    size_t length = 0;
    _cleanup_free_ char *word = NULL;
    const char *nearest;
    int r;

    /* "queeu 10" and "executable: walk" are what this is for. */
    while (length < line.length && !memchr(" \t:(", line.data[length], 4))
        length++;
    word = slice_copy((struct slice){line.data, length});
    r = reader_error(reader, line.data, -EINVAL,
                     "this line is neither 'name = value' nor a queue statement");
    nearest = spelling_nearest(word, &queue, 1);
    if (!nearest)
        nearest = command_nearest(word);
    if (nearest)
        error_hint(reader->err, "did you mean '%s%s'?", nearest, nearest == queue ? "" : " =");
    return r;
}

/* Notes "MY.Name" the first time. */
static int note_attribute(struct submit_reader *reader, uint32_t symbol, const char *place)
{
    struct submit *submit = reader->submit;

    /* Later ones overrule the value; the task has the attribute once. */
    if (submit->macros.symbols[symbol].definition_count > 0)
        return 0;
    if (submit->attribute_symbol_count == ATTRIBUTE_COUNT_MAX)
        return reader_error(reader, place, -E2BIG, "there are more than %d custom attributes",
                            ATTRIBUTE_COUNT_MAX);
    array_reserve(submit->attribute_symbols, submit->attribute_symbol_capacity,
                  submit->attribute_symbol_count + 1);
    submit->attribute_symbols[submit->attribute_symbol_count++] = symbol;
    return 0;
}

/* "+Name = value" and "MY.Name = value" are one and the same; "-Name =" leaves it undefined. */
static int read_attribute(struct submit_reader *reader, struct slice key, struct slice value)
{
    bool is_signed = key.data[0] == '+' || key.data[0] == '-';
    struct slice name = text_behind(key, is_signed ? 1 : strlen("MY."));
    _cleanup_buffer_ struct buffer full = BUFFER_INIT;
    uint32_t symbol;
    int r;

    if (!macro_name_is_valid(name))
        return reader_error(reader, key.data, -EINVAL, "'%.*s' is not an attribute's name",
                            SLICE_SHOWN(key));
    buffer_append_text(&full, "MY.");
    buffer_append_slice(&full, name);
    /* One symbol for both ways to write it. */
    symbol = macros_symbol(&reader->submit->macros, (struct slice){full.data, full.length});
    if (key.data[0] == '-')
        value.length = 0;
    r = note_attribute(reader, symbol, key.data);
    if (r < 0)
        return r;
    return macros_define(&reader->submit->macros, symbol, key, value, reader->err);
}

/* It holds for the whole text, so that a task's values do not depend on when they are asked for. */
static int read_allow_undefined(struct submit_reader *reader, struct slice value)
{
    if (reader->queue_seen)
        return reader_error(reader, value.data, -EINVAL,
                            "allow_undefined must stand before the first queue statement");
    if (boolean_parse(value, &reader->submit->macros.allow_undefined))
        return 0;
    return reader_error(reader, value.data, -EINVAL, "allow_undefined must be true or false");
}

/* A command, a macro, or both at once: the language does not tell them apart. */
static int read_definition(struct submit_reader *reader, struct slice key, struct slice value)
{
    struct macros *macros = &reader->submit->macros;
    uint32_t symbol;
    int r;

    r = reader_expand(reader, &key, false);
    if (r < 0)
        return r;
    if (key.length + value.length > SUBMIT_LINE_LENGTH_MAX - LINE_LENGTH_SPARE)
        return reader_error(reader, key.data, -E2BIG, "this line is too long");
    r = reader_count_size(reader, key.length + value.length + LINE_LENGTH_SPARE, key.data);
    if (r < 0)
        return r;
    if (text_begins(key, "+") || text_begins(key, "-") || text_begins(key, "MY."))
        return read_attribute(reader, key, value);
    if (!macro_name_is_valid(key))
        return reader_error(reader, key.data, -EINVAL, "'%.*s' is not a name of a command or macro",
                            SLICE_SHOWN(key));
    symbol = macros_symbol(macros, key);
    r = macros_define(macros, symbol, key, value, reader->err);
    if (r == 0 && slice_equals_ignoring_case(key, "allow_undefined"))
        r = read_allow_undefined(reader, value);
    return r;
}

/* Lines with their places. */
struct here_lines {
    struct slice *items; /* owned, the texts are not */
    size_t count;
    size_t capacity;
};

static void here_lines_deinit(struct here_lines *lines)
{
    free(lines->items);
}

/* The lines up to the one that is '@' and the tag, with line feeds between. */
static int collect_here_document(struct submit_reader *reader, struct slice opening,
                                 struct slice tag, struct buffer *text, struct here_lines *lines)
{
    for (;;) {
        struct slice line;
        int r = line_reader_next(&reader->lines, &line, reader->err);

        if (r < 0)
            return r;
        if (r == 0) {
            reader_error(reader, opening.data, -EINVAL, "this value of several lines never ends");
            error_hint(reader->err, "put '@%.*s' on a line of its own behind it", SLICE_SHOWN(tag));
            return -EINVAL;
        }
        if (line.data[0] == '@' && line.length == tag.length + 1 &&
            memcmp(line.data + 1, tag.data, tag.length) == 0)
            return 0;
        if (text->length + line.length > SUBMIT_LINE_LENGTH_MAX - LINE_LENGTH_SPARE)
            return reader_error(reader, opening.data, -E2BIG, "this value is too long");
        if (lines->count > 0)
            buffer_append_character(text, '\n');
        array_reserve(lines->items, lines->capacity, lines->count + 1);
        lines->items[lines->count++] = line;
        buffer_append_slice(text, line);
    }
}

/* "name @=tag": what follows is the value, up to "@tag". Each of its lines keeps its place. */
static int read_here_document(struct submit_reader *reader, struct slice key, struct slice tag)
{
    struct sources *sources = &reader->submit->sources;
    _cleanup_(here_lines_deinit) struct here_lines lines = {0};
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    struct slice value;
    int r;

    r = collect_here_document(reader, key, tag, &text, &lines);
    if (r < 0)
        return r;
    value = (struct slice){.length = text.length};
    value.data =
        arena_copy(&reader->submit->arena, (struct slice){buffer_text(&text), text.length});
    for (size_t i = 0, at = 0; i < lines.count; i++) {
        sources_add_copy(sources, (struct slice){value.data + at, lines.items[i].length},
                         lines.items[i].data, false);
        at += lines.items[i].length + 1;
    }
    /* Freezing writes line ends anew, and an end that the value does not hold. */
    r = reader_count_size(reader, 2 * value.length + 3 * lines.count, key.data);
    return r < 0 ? r : read_definition(reader, key, value);
}

static int read_assignment(struct submit_reader *reader, struct slice line)
{
    /* At the first one: values may have more, as arguments = --level=3 does. */
    const char *equals = memchr(line.data, '=', line.length);
    struct slice key, value;

    if (!equals)
        return refuse_line(reader, line);
    key = slice_trim((struct slice){line.data, (size_t)(equals - line.data)});
    value = slice_trim(text_behind(line, (size_t)(equals - line.data) + 1));
    if (equals > line.data && equals[-1] == '@')
        return read_here_document(
            reader, slice_trim((struct slice){line.data, (size_t)(equals - line.data) - 1}), value);
    return read_definition(reader, key, value);
}

/* Lines of the caller, each a source of its own. */
static int read_given(struct submit_reader *reader, const char *source, const char *const *lines,
                      size_t count)
{
    /* These lines are read in the middle of the text, which goes on afterwards. */
    struct line_reader outer = reader->lines;
    int r = 0;

    for (size_t i = 0; r == 0 && i < count; i++)
        r = reader_read_lines(
            reader, sources_add(&reader->submit->sources, source, slice_from_text(lines[i])));
    reader->lines = outer;
    return r;
}

/* The lines that belong right before the first queue statement, once. */
static int read_appended(struct submit_reader *reader)
{
    if (reader->appended_read)
        return 0;
    /* Before they are read, because a queue statement among them comes back here. */
    reader->appended_read = true;
    return read_given(reader, "appended line", reader->options->appended,
                      reader->options->appended_count);
}

static int read_queue(struct submit_reader *reader, struct slice line)
{
    int r;

    if (reader->queue_refused)
        return reader_error(reader, line.data, -EINVAL, "%s", reader->queue_refused);
    /* Two sources of queue statements would leave open which comes first. */
    if (!reader->queue_seen)
        reader->queue_refused = "the submit file has a queue statement already";
    r = read_appended(reader);
    reader->queue_refused = NULL;
    reader->queue_seen = true;
    return r < 0 ? r : queue_read(reader, slice_trim(text_behind(line, strlen("queue"))));
}

/* What HTCondor would do with a line is tried in the same order; an assignment is what is left. */
static int read_line(struct submit_reader *reader, struct slice line)
{
    int r;

    /* What hid the branches of an if from HTCondor before 8.1.5. */
    if (line.data[0] == ':' && (reader->condition_count > 0 || text_begins(line, ":if ")))
        line = slice_trim(text_behind(line, 1));
    if (line.length == 0)
        return 0;
    r = reader_read_condition(reader, line);
    if (r <= 0 || !reader_is_enabled(reader))
        return r < 0 ? r : 0;
    r = frozen_read_line(reader, line);
    if (r > 0 && line_is_statement(line, "queue"))
        return read_queue(reader, line);
    if (r > 0)
        r = reader_read_include(reader, line);
    return r > 0 ? read_assignment(reader, line) : r;
}

/* A list of items takes lines of its own from the same reader. */
int reader_read_lines(struct submit_reader *reader, struct slice text)
{
    struct submit *submit = reader->submit;
    struct slice line;
    int r;

    line_reader_init(&reader->lines, &submit->sources, &submit->arena, text);
    do {
        r = line_reader_next(&reader->lines, &line, reader->err);
        if (r == 0)
            return 0;
        if (r > 0)
            r = read_line(reader, line);
    } while (r == 0);
    return r;
}

/* Only where the value stands there as it is; one of macros is known for each task alone. */
static void warn_of_transfer(struct submit_reader *reader, struct slice value)
{
    if (slice_equals_ignoring_case(slice_trim(value), "on_success"))
        reader_warn(reader, value.data,
                    "'on_success' is not there yet: outputs come when the task has ended");
}

/* Says why a command does not do what it should; true if the name is one that means something. */
static bool warn_of_command(struct submit_reader *reader, const struct definition *first,
                            const char *name)
{
    const struct command_about *about = command_find(name);
    const struct command_family *family = about ? NULL : command_find_family(name);

    if (about && about->effect == EFFECT_LATER)
        reader_warn(reader, first->name.data, "'%s' has no effect yet: %s", name, about->reason);
    if (family && family->effect == EFFECT_LATER)
        reader_warn(reader, first->name.data, "'%s' has no effect yet: %s", name, family->reason);
    if (about && about->command == COMMAND_WHEN_TO_TRANSFER_OUTPUT)
        warn_of_transfer(reader, first->value);
    return about || family;
}

/* A name that is no command and that nothing refers to was probably meant to be a command. */
static void warn_of_symbol(struct submit_reader *reader, const struct symbol *symbol)
{
    const struct definition *first = &reader->submit->macros.definitions[symbol->definitions[0]];
    const char *nearest;

    if (symbol->builtin != BUILTIN_NONE) {
        reader_warn(reader, first->name.data, "'%s' is set for each task; this line has no effect",
                    symbol->name);
        return;
    }
    if (warn_of_command(reader, first, symbol->name) || symbol->is_referenced ||
        text_begins(first->name, "+") || text_begins(first->name, "-") ||
        text_begins(first->name, "MY."))
        return;
    /* Nobody uses it and nobody knows it: a slip, or a line that was forgotten. */
    nearest = command_nearest(symbol->name);
    if (nearest)
        reader_warn(reader, first->name.data, "there is no command '%.*s'; did you mean '%s'?",
                    SLICE_SHOWN(first->name), nearest);
    else if (!reader->submit->macros.has_computed_names)
        reader_warn(reader, first->name.data, "there is no command '%.*s', and no $(%.*s)",
                    SLICE_SHOWN(first->name), SLICE_SHOWN(first->name));
}

/* Each name once, where it was first defined. */
static void warn_of_unused(struct submit_reader *reader)
{
    const struct macros *macros = &reader->submit->macros;

    /* Looking for the nearest of names costs time that nobody pays for nothing. */
    if (!reader->warnings)
        return;
    for (size_t i = 0; i < macros->definition_count; i++) {
        const struct symbol *symbol = &macros->symbols[macros->definitions[i].symbol];

        if (symbol->definitions[0] == i && reader->warnings->count < WARNING_COUNT_MAX)
            warn_of_symbol(reader, symbol);
    }
}

/* Before the text, so that the text may refer to them; it may also overrule them. */
static int read_settings(struct submit_reader *reader)
{
    int r;

    reader->queue_refused = "a queue statement cannot stand here";
    r = read_given(reader, "command line", reader->options->settings,
                   reader->options->setting_count);
    reader->queue_refused = NULL;
    return r;
}

static int read_text(struct submit_reader *reader, struct slice text, const char *name)
{
    int r = reader_add_source(reader, name, text, NULL, &text);

    if (r < 0)
        return r;
    r = reader_read_lines(reader, text);
    if (r == 0)
        reader_end_conditions(reader, 0);
    return r;
}

static int fail_without_tasks(struct submit_reader *reader, const char *name)
{
    /* Two mistakes, although the result is one: a list that is empty, and a line that is missing.
     */
    if (reader->queue_seen) {
        error_set(reader->err, -EINVAL, "%s: there are no tasks: each queue statement is for none",
                  name);
        error_hint(reader->err, "check the numbers and lists behind 'queue'");
        return -EINVAL;
    }
    error_set(reader->err, -EINVAL, "%s: there is no queue statement", name);
    error_hint(reader->err, "end the file with a line 'queue', or 'queue 10' for ten tasks");
    return -EINVAL;
}

/* The lines of the environment in the canonical text, where quotes double a value at most. */
static int count_environment(struct submit_reader *reader)
{
    const struct macros *macros = &reader->submit->macros;
    int r = 0;

    for (size_t i = 0; r == 0 && i < macros->environment_count; i++) {
        const struct environment_variable *variable = &macros->environment[i];
        size_t size = strlen(variable->name) + (variable->value ? 2 * strlen(variable->value) : 0);

        r = reader_count_size(reader, size + LINE_LENGTH_SPARE, NULL);
    }
    for (size_t i = 0; r == 0 && i < macros->symbol_count; i++)
        if (macros->symbols[i].automatic)
            r = reader_count_size(reader,
                                  strlen(macros->symbols[i].name) +
                                      2 * strlen(macros->symbols[i].automatic) + LINE_LENGTH_SPARE,
                                  NULL);
    return r;
}

/* Without a queue statement in the text, the appended lines may hold one. */
static int read_end(struct submit_reader *reader, const char *name)
{
    int r = 0;

    if (!reader->queue_seen) {
        reader->queue_refused = NULL;
        r = read_appended(reader);
    }
    if (r == 0 && reader->submit->task_count == 0)
        r = fail_without_tasks(reader, name);
    return r < 0 ? r : count_environment(reader);
}

int submit_parse(struct slice text, const char *name, const struct submit_options *options,
                 struct submit **ret_submit, struct submit_warnings *warnings, struct error *err)
{
    static const struct submit_options no_options = {0};
    _cleanup_submit_ struct submit *submit = submit_new();
    struct submit_reader reader = {
        .submit = submit,
        .options = options ? options : &no_options,
        .warnings = warnings,
        .steps_left = SUBMIT_STEP_COUNT_MAX,
        .err = err,
    };
    int r;

    submit->macros.world = reader.options->world;
    submit->macros.allow_undefined = reader.options->allow_undefined;
    submit->macros.seed = reader.options->seed;
    for (size_t i = 0; i < reader.options->automatic_count; i++)
        macros_set_automatic(&submit->macros, slice_from_text(reader.options->automatics[i].name),
                             reader.options->automatics[i].value);
    /* Each step leaves the reader where the next one wants it; the first that fails says why. */
    r = read_settings(&reader);
    if (r == 0)
        r = read_text(&reader, text, name);
    if (r == 0)
        r = read_end(&reader, name);
    if (r < 0)
        return r;
    warn_of_unused(&reader);
    /* What is not here by now is never asked for. */
    submit->macros.world = NULL;
    *ret_submit = take_pointer(submit);
    return 0;
}

uint64_t submit_task_count(const struct submit *submit)
{
    return submit->task_count;
}

size_t submit_part_count(const struct submit *submit)
{
    return submit->part_count;
}
