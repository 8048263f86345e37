/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a queue statement fixes: which definition each command has there, which custom attributes
 * there are, which environment variables come from the submitter, and which values differ between
 * its tasks. Then its first and last task are tried, so that mistakes are found at once.
 *
 * The first and the last, because mistakes in sweeps show at the ends: a list that is one item too
 * short, a divisor that becomes zero. To try them all would cost as much as running the job.
 */
#include "submit_internal.h"
#include "text.h"

#include "base/memory.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static uint32_t find_definition(const struct submit *submit, const struct part *part,
                                const char *name)
{
    uint32_t symbol = macros_find_symbol(&submit->macros, name);

    if (symbol == MACRO_NONE)
        return MACRO_NONE;
    return macros_find_definition(&submit->macros, symbol, part->horizon);
}

/* The first spelling that is defined counts, whatever stands further down in the text. */
static uint32_t find_command(const struct submit *submit, const struct part *part,
                             const struct command_about *about)
{
    const char *spelling;

    for (size_t i = 0; (spelling = command_spelling(about, i)); i++) {
        uint32_t definition = find_definition(submit, part, spelling);

        if (definition != MACRO_NONE)
            return definition;
    }
    return MACRO_NONE;
}

/* New names since the last queue statement, so that each is looked at once. */
static void note_resources(struct submit *submit)
{
    for (; submit->resource_symbols_end < submit->macros.symbol_count;
         submit->resource_symbols_end++) {
        const char *name = submit->macros.symbols[submit->resource_symbols_end].name;

        if (!command_resource(name))
            continue;
        array_reserve(submit->resource_symbols, submit->resource_symbol_capacity,
                      submit->resource_symbol_count + 1);
        submit->resource_symbols[submit->resource_symbol_count++] =
            (uint32_t)submit->resource_symbols_end;
    }
}

static const char *resource_attribute(struct submit *submit, const char *name)
{
    _cleanup_buffer_ struct buffer attribute = BUFFER_INIT;

    buffer_appendf(&attribute, "Request%s", command_resource(name));
    return arena_copy(&submit->arena, (struct slice){attribute.data, attribute.length});
}

/* "request_NAME" of any NAME asks for a resource that the site has given that name. */
static size_t find_resources(struct submit *submit, const struct part *part,
                             struct plain_command *plain)
{
    size_t count = 0;

    for (size_t i = 0; i < submit->resource_symbol_count; i++) {
        const char *name = submit->macros.symbols[submit->resource_symbols[i]].name;
        uint32_t definition = find_definition(submit, part, name);

        if (definition != MACRO_NONE)
            plain[count++] = (struct plain_command){.attribute = resource_attribute(submit, name),
                                                    .definition = definition};
    }
    return count;
}

static void part_find_commands(struct submit *submit, struct part *part)
{
    _cleanup_free_ struct plain_command *plain = NULL;
    size_t rows = 0, count = 0;

    note_resources(submit);
    while (command_table[rows].name)
        rows++;
    /* Ten thousand parts need no more memory than what they have. */
    plain = memory_allocate((rows + submit->resource_symbol_count) * sizeof(*plain));
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        part->definitions[i] = MACRO_NONE;
    for (size_t i = 0; i < rows; i++) {
        const struct command_about *about = &command_table[i];
        uint32_t definition = find_command(submit, part, about);

        if (about->command != COMMAND_NONE)
            part->definitions[about->command] = definition;
        else if (definition != MACRO_NONE && about->form != FORM_NONE)
            plain[count++] = (struct plain_command){
                .about = about, .attribute = about->attribute, .definition = definition};
    }
    count += find_resources(submit, part, plain + count);
    part->plain = arena_allocate(&submit->arena, count, sizeof(*plain));
    memcpy(part->plain, plain, count * sizeof(*plain));
    part->plain_count = count;
}

struct macro_scope part_scope(const struct submit *submit, const struct part *part,
                              uint64_t cluster, uint64_t process)
{
    struct macro_scope scope = {
        .horizon = part->horizon,
        .variables = part->variables,
        .variable_count = part->variable_count,
        .templates = submit->item_templates,
        .row_varies = part->row_count > 1 || part->has_templates,
        .has_task = process != UINT64_MAX,
    };

    /* For what is asked about the part as a whole: getenv, and whether values vary. */
    if (!scope.has_task)
        return scope;
    assert(process >= part->range.first);
    assert(process - part->range.first < part->range.count);
    scope.cluster = cluster;
    scope.process = process;
    /* Items in order, each `repeat` times. */
    scope.step = (process - part->range.first) % part->repeat;
    scope.row = (process - part->range.first) / part->repeat;
    scope.fields = part->fields + scope.row * part->variable_count;
    return scope;
}

/* A later queue statement may know more attributes than this one. */
static void part_find_attributes(struct submit *submit, struct part *part)
{
    uint32_t *definitions =
        arena_allocate(&submit->arena, submit->attribute_symbol_count, sizeof(*definitions));

    part->attributes = definitions;
    for (size_t i = 0; i < submit->attribute_symbol_count; i++)
        definitions[part->attribute_count++] =
            macros_find_definition(&submit->macros, submit->attribute_symbols[i], part->horizon);
}

/*
 * Shell patterns with '*' only; names of environment variables are case-sensitive. Going back to
 * the last star alone is enough, because an earlier one can match no more than that has left.
 */
static bool pattern_matches(struct slice pattern, const char *name)
{
    /* Where to go back to if what followed the last star did not match after all. */
    const char *star = NULL, *resume = NULL;
    size_t at = 0;

    while (*name) {
        if (at < pattern.length && pattern.data[at] == '*') {
            star = &pattern.data[at++];
            resume = name;
        } else if (at < pattern.length && pattern.data[at] == *name) {
            at++;
            name++;
        } else if (star) {
            at = (size_t)(star - pattern.data) + 1;
            name = ++resume;
        } else {
            return false;
        }
    }
    while (at < pattern.length && pattern.data[at] == '*')
        at++;
    return at == pattern.length;
}

/* The environment variables that getenv asks for, each once. */
struct imports {
    struct submit_reader *reader;
    const char *place;
    uint32_t *variables; /* owned; in the order of getenv */
    size_t count;
    size_t capacity;
    bool *taken; /* owned; by variable */
    size_t taken_capacity;
    size_t taken_count; /* of variables that `taken` has room for */
};

static void imports_deinit(struct imports *imports)
{
    free(imports->variables);
    free(imports->taken);
}

/* A value of several lines (shell functions, mostly) cannot be carried, as in HTCondor. */
static void imports_add(struct imports *imports, uint32_t variable)
{
    const struct environment_variable *v = &imports->reader->submit->macros.environment[variable];

    /* Asking for a variable may have added it, so there may be more than when this began. */
    array_reserve(imports->taken, imports->taken_capacity, (size_t)variable + 1);
    for (; imports->taken_count <= variable; imports->taken_count++)
        imports->taken[imports->taken_count] = false;
    if (v->state != ENVIRONMENT_SET || strchr(v->value, '\n') || imports->taken[variable])
        return;
    imports->taken[variable] = true;
    array_reserve(imports->variables, imports->capacity, imports->count + 1);
    imports->variables[imports->count++] = variable;
}

/* What was taken away may be asked for again. */
static void imports_remove(struct imports *imports, struct slice pattern)
{
    const struct macros *macros = &imports->reader->submit->macros;
    size_t kept = 0;

    for (size_t i = 0; i < imports->count; i++) {
        uint32_t variable = imports->variables[i];

        imports->taken[variable] = !pattern_matches(pattern, macros->environment[variable].name);
        if (imports->taken[variable])
            imports->variables[kept++] = variable;
    }
    imports->count = kept;
}

/* Asks for every variable in the list of names. */
static int environment_load(struct submit_reader *reader, struct slice names)
{
    struct macros *macros = &reader->submit->macros;

    while (names.length > 0) {
        struct slice name = text_take(&names, '\n');
        uint32_t variable;
        int r = 0;

        /* Shells pass on names that nobody can write here; they are nobody's loss. */
        if (environment_name_is_valid(name))
            r = macros_environment_variable(macros, name, &variable, reader->err);
        if (r < 0)
            return r;
    }
    /* Freezing writes down that there is nothing else. */
    macros->environment_is_complete = true;
    return 0;
}

/* Makes sure that the environment is known as a whole. */
static int imports_complete(struct imports *imports)
{
    struct submit_reader *reader = imports->reader;
    const struct submit_world *world = reader->submit->macros.world;
    _cleanup_buffer_ struct buffer names = BUFFER_INIT;
    int r;

    /* Also on the server, where the frozen text has said so. */
    if (reader->submit->macros.environment_is_complete)
        return 0;
    if (!world || !world->list_environment)
        return reader_error(reader, imports->place, -EINVAL,
                            "the submitter's environment is not available here");
    r = world->list_environment(world->user_data, &names, reader->err);
    if (r < 0)
        return r;
    return environment_load(reader, (struct slice){buffer_text(&names), names.length});
}

/* One that is not set is no mistake: it is not set for the task either. */
static int imports_add_name(struct imports *imports, struct slice name)
{
    struct submit_reader *reader = imports->reader;
    struct macros *macros = &reader->submit->macros;
    uint32_t variable;
    int r;

    if (!environment_name_is_valid(name))
        return reader_error(reader, imports->place, -EINVAL,
                            "'%.*s' is not a name of an environment variable", SLICE_SHOWN(name));
    r = macros_environment_variable(macros, name, &variable, reader->err);
    if (r < 0)
        return r;
    if (macros->environment[variable].state == ENVIRONMENT_UNKNOWN)
        return reader_error(reader, imports->place, -EINVAL,
                            "the submitter's environment is not available here");
    imports_add(imports, variable);
    return 0;
}

static int imports_add_pattern(struct imports *imports, struct slice pattern)
{
    const struct macros *macros = &imports->reader->submit->macros;
    int r;

    r = imports_complete(imports);
    for (uint32_t i = 0; r == 0 && i < macros->environment_count; i++)
        if (pattern_matches(pattern, macros->environment[i].name))
            imports_add(imports, i);
    return r;
}

static int imports_read_word(struct imports *imports, struct slice word)
{
    int r;

    /* Each word looks at every variable. */
    r = reader_count_steps(imports->reader, imports->reader->submit->macros.environment_count + 1,
                           imports->place);
    if (r < 0)
        return r;
    if (word.length > 1 && word.data[0] == '!') {
        imports_remove(imports, (struct slice){word.data + 1, word.length - 1});
        return 0;
    }
    return memchr(word.data, '*', word.length) ? imports_add_pattern(imports, word)
                                               : imports_add_name(imports, word);
}

/* "true", "false", or names and patterns; '!' in front takes away. */
static int imports_read(struct imports *imports, struct slice value)
{
    struct slice word;
    bool all;
    int r = 0;

    if (boolean_parse(value, &all))
        return all ? imports_read_word(imports, slice_from_text("*")) : 0;
    while (r == 0 && text_take_item(&value, ", \t;", &word))
        r = imports_read_word(imports, word);
    return r;
}

/* For all tasks of the part alike: getenv cannot depend on a task. */
static int part_find_imports(struct submit_reader *reader, struct part *part)
{
    struct submit *submit = reader->submit;
    uint32_t index = part->definitions[COMMAND_GETENV];
    const struct definition *definition = &submit->macros.definitions[index];
    struct macro_scope scope = part_scope(submit, part, 0, UINT64_MAX);
    struct expansion expansion = {
        .macros = &submit->macros, .scope = &scope, .steps_left = reader->steps_left};
    _cleanup_(imports_deinit) struct imports imports = {.reader = reader};
    _cleanup_buffer_ struct buffer value = BUFFER_INIT;
    const char **entries;
    int r;

    if (index == MACRO_NONE)
        return 0;
    imports.place = definition->value.data;
    /* Expanded without a task, so that a getenv which names Process is refused there. */
    r = macros_expand(&expansion, &definition->template, &value, reader->err);
    if (r == 0)
        r = imports_read(&imports, slice_trim((struct slice){buffer_text(&value), value.length}));
    if (r < 0)
        return r;
    entries = arena_allocate(&submit->arena, imports.count, sizeof(*entries));
    for (size_t i = 0; i < imports.count; i++)
        entries[i] = submit->macros.environment[imports.variables[i]].entry;
    part->imports = entries;
    part->import_count = imports.count;
    return 0;
}

static bool definition_varies(const struct macros *macros, const struct macro_scope *scope,
                              uint32_t definition, uint8_t *marks)
{
    return definition != MACRO_NONE &&
           macros_vary(macros, scope, &macros->definitions[definition].template, marks);
}

/* Computed once, because the scheduler asks for every part again and again. */
static void part_find_variation(struct submit *submit, struct part *part)
{
    const struct macros *macros = &submit->macros;
    struct macro_scope scope = part_scope(submit, part, 0, UINT64_MAX);
    _cleanup_free_ uint8_t *marks = memory_allocate(macros->definition_count + 1);
    bool *vary = arena_allocate(&submit->arena, part->attribute_count, sizeof(*vary));
    /* One task does not differ from itself. */
    bool many = part->range.count > 1;

    for (size_t i = 0; i < COMMAND_COUNT; i++)
        part->varies[i] = many && definition_varies(macros, &scope, part->definitions[i], marks);
    for (size_t i = 0; i < part->plain_count; i++)
        part->plain[i].varies =
            many && definition_varies(macros, &scope, part->plain[i].definition, marks);
    /* See apply_sizes(). */
    for (size_t i = 0; i < part->plain_count; i++) {
        if (part->plain[i].varies && strcmp(part->plain[i].attribute, "ImageSize") == 0)
            part->varies[COMMAND_REQUEST_MEMORY] = true;
        if (part->plain[i].varies && strcmp(part->plain[i].attribute, "DiskUsage") == 0)
            part->varies[COMMAND_REQUEST_DISK] = true;
    }
    for (size_t i = 0; i < part->attribute_count; i++)
        vary[i] = many && definition_varies(macros, &scope, part->attributes[i], marks);
    part->attributes_vary = vary;
}

static bool items_have_colon(const struct part *part, size_t column)
{
    for (size_t row = 0; row < part->row_count; row++) {
        const struct item_field *field = &part->fields[row * part->variable_count + column];

        if (field->template != 0 || (field->length > 0 && memchr(field->data, ':', field->length)))
            return true;
    }
    return false;
}

static bool template_has_colon(const struct submit *submit, const struct part *part,
                               const struct template *template, unsigned *steps_left);

static bool macro_has_colon(const struct submit *submit, const struct part *part,
                            const struct segment *segment, unsigned *steps_left)
{
    const struct macros *macros = &submit->macros;
    uint32_t definition;

    if (segment->fallback || segment->is_own || *steps_left == 0)
        return true;
    --*steps_left;
    for (size_t i = 0; i < part->variable_count; i++)
        if (part->variables[i] == segment->index)
            return items_have_colon(part, i);
    /* These are numbers. */
    if (macros->symbols[segment->index].builtin != BUILTIN_NONE)
        return false;
    definition = macros_find_definition(macros, segment->index, part->horizon);
    return definition == MACRO_NONE ||
           template_has_colon(submit, part, &macros->definitions[definition].template, steps_left);
}

/* Whether a value may hold a ':' in any task; it says no only if that is seen at a glance. */
static bool template_has_colon(const struct submit *submit, const struct part *part,
                               const struct template *template, unsigned *steps_left)
{
    for (uint32_t i = 0; i < template->count; i++) {
        const struct segment *segment = &template->segments[i];
        bool may_have = segment->kind != SEGMENT_TEXT && segment->kind != SEGMENT_MACRO;

        if (segment->kind == SEGMENT_TEXT)
            may_have = memchr(segment->text.data, ':', segment->text.length) != NULL;
        else if (segment->kind == SEGMENT_MACRO)
            may_have = macro_has_colon(submit, part, segment, steps_left);
        if (may_have)
            return true;
    }
    return false;
}

/*
 * Inputs differ from task to task in most sweeps, but what a node must be able to fetch them with
 * seldom does: then all tasks have the same requirements, and one look at a node is enough for all.
 */
static void part_look_at_inputs(const struct submit *submit, struct part *part)
{
    unsigned steps_left = 100;
    uint32_t definition = part->definitions[COMMAND_TRANSFER_INPUT_FILES];

    part->inputs_are_files =
        definition == MACRO_NONE ||
        !template_has_colon(submit, part, &submit->macros.definitions[definition].template,
                            &steps_left);
}

/* Without a program, only an image has one of its own. */
static int check_executable(struct submit_reader *reader, const struct part *part)
{
    if (part->definitions[COMMAND_EXECUTABLE] != MACRO_NONE ||
        part->definitions[COMMAND_CONTAINER_IMAGE] != MACRO_NONE ||
        part->definitions[COMMAND_DOCKER_IMAGE] != MACRO_NONE)
        return 0;
    reader_error(reader, part->place, -EINVAL,
                 "no executable was given before this queue statement");
    error_hint(reader->err, "add a line 'executable = PROGRAM' above it");
    return -EINVAL;
}

int part_settle(struct submit_reader *reader, struct part *part)
{
    struct submit *submit = reader->submit;
    size_t index = (size_t)(part - submit->parts);
    struct submit_task task;
    int r;

    part_find_commands(submit, part);
    part_find_attributes(submit, part);
    part_find_variation(submit, part);
    part_look_at_inputs(submit, part);
    r = check_executable(reader, part);
    if (r == 0)
        r = part_find_imports(reader, part);
    if (r < 0)
        return r;
    /* From the account of the whole text: ten thousand statements are tried as well. */
    submit_task_init(&task);
    r = part_expand(submit, index, 0, part->range.first, &reader->steps_left, &task, reader->err);
    if (r == 0)
        part_find_request_variation(part, &task);
    if (r == 0)
        r = part_expand(submit, index, 0, part->range.first + part->range.count - 1,
                        &reader->steps_left, &task, reader->err);
    submit_task_deinit(&task);
    part->settled = r == 0;
    return r;
}

struct submit_range submit_part_range(const struct submit *submit, size_t part)
{
    assert(part < submit->part_count);
    return submit->parts[part].range;
}

/* The last part that begins at or before the task. */
size_t submit_part_of(const struct submit *submit, uint64_t process)
{
    size_t low = 0, high = submit->part_count;

    assert(process < submit->task_count);
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (submit->parts[middle].range.first <= process)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* A value that is only this name varies as the name does. */
static bool name_varies(const struct submit *submit, const struct part *part, const char *name)
{
    const struct macros *macros = &submit->macros;
    struct macro_scope scope = part_scope(submit, part, 0, UINT64_MAX);
    _cleanup_free_ uint8_t *marks = memory_allocate(macros->definition_count + 1);
    uint32_t symbol = macros_find_symbol(macros, name);
    /* As if somebody had written $(name), because to that the walk has an answer. */
    struct segment segment = {.kind = SEGMENT_MACRO, .index = symbol, .previous = MACRO_NONE};
    struct template template = {.segments = &segment, .count = 1};

    return symbol != MACRO_NONE && macros_vary(macros, &scope, &template, marks);
}

bool submit_varies(const struct submit *submit, size_t part, const char *name)
{
    const struct command_about *about = command_find(name);
    _cleanup_buffer_ struct buffer attribute = BUFFER_INIT;

    assert(part < submit->part_count);
    /* A command by any of its spellings, an attribute by its '+', and else a macro. */
    if (submit->parts[part].range.count == 1)
        return false;
    if (about && about->command != COMMAND_NONE)
        return submit->parts[part].varies[about->command];
    if (name[0] != '+')
        return name_varies(submit, &submit->parts[part], name);
    buffer_appendf(&attribute, "MY.%s", name + 1);
    return name_varies(submit, &submit->parts[part], buffer_text(&attribute));
}
