/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See macro.h: from a template to text, for one task. Nothing is parsed here, with one exception:
 * the value of a macro within arithmetic must be a number, or is read as arithmetic itself.
 *
 * Work is bounded three ways: the length of the result, the depth of definitions within
 * definitions, and the number of segments visited. Each alone would not do: ten lines can make a
 * short result of a million empty parts, or a long one in twenty steps.
 */
#include "macro_internal.h"

#include "base/memory.h"
#include "base/spelling.h"

#include <errno.h>

/* Of arithmetic that is the value of a macro: it is read anew each time. */
enum { NUMBER_TEXT_LENGTH_MAX = 1000 };

/* So many bytes of text count as a step, too: about as much work as visiting a segment. */
enum { STEP_LENGTH = 16 };

int expansion_fail(struct expansion *expansion, const char *at, int code, struct error *err,
                   const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    sources_error_formatted(expansion->macros->sources, at, err, code, format, arguments);
    va_end(arguments);
    return code;
}

/* Few variables: walking them beats any index. */
bool macro_scope_find(const struct macro_scope *scope, uint32_t symbol, size_t *ret_column)
{
    for (size_t i = 0; i < scope->variable_count; i++)
        if (scope->variables[i] == symbol) {
            *ret_column = i;
            return true;
        }
    return false;
}

/* Without a task a variable has no value; its fallback may stand in. */
static struct meaning variable_meaning(const struct macro_scope *scope, size_t column)
{
    const struct item_field *field;

    if (!scope->fields)
        return (struct meaning){0};
    field = &scope->fields[column];
    if (field->template)
        return (struct meaning){.kind = MEANING_TEMPLATE,
                                .template = &scope->templates[field->template - 1]};
    return (struct meaning){.kind = MEANING_TEXT, .text = {field->data, field->length}};
}

/* A queue statement is read before there are tasks: there Process and the like mean nothing. */
static struct meaning builtin_meaning(const struct macro_scope *scope, enum macro_builtin builtin)
{
    struct meaning meaning = {.kind = MEANING_NUMBER};

    switch (builtin) {
    case BUILTIN_DOLLAR:
        /* The same for all, so it has a value without a task too. */
        return (struct meaning){.kind = MEANING_TEXT, .text = {"$", 1}};
    case BUILTIN_CLUSTER:
        meaning.number = scope->cluster;
        break;
    case BUILTIN_PROCESS:
        meaning.number = scope->process;
        break;
    case BUILTIN_STEP:
        meaning.number = scope->step;
        break;
    case BUILTIN_ROW:
        meaning.number = scope->row;
        break;
    case BUILTIN_NONE:
        break;
    }
    return scope->has_task ? meaning : (struct meaning){0};
}

/*
 * Without a definition before this queue statement, what the submitter's side says of itself, or
 * what the name stands for in all submits. If that is only another name, it is that name: without a
 * value for it there is none, and the place to complain of is where the submitter wrote the first.
 */
static struct meaning definition_meaning(const struct expansion *expansion,
                                         const struct symbol *symbol, uint32_t definition)
{
    const struct macros *macros = expansion->macros;

    if (definition != MACRO_NONE)
        return (struct meaning){.kind = MEANING_TEMPLATE,
                                .template = &macros->definitions[definition].template};
    if (symbol->automatic)
        return (struct meaning){.kind = MEANING_TEXT, .text = slice_from_text(symbol->automatic)};
    if (symbol->standard && symbol->standard->count == 1)
        return expansion_find(expansion, &symbol->standard->segments[0]);
    if (symbol->standard)
        return (struct meaning){.kind = MEANING_TEMPLATE, .template = symbol->standard};
    return (struct meaning){0};
}

/*
 * The order is that of macro.h. Own names come first: they never mean a variable. In PATH =
 * $(PATH):here somebody adds to what is there, and a variable of the same name would hide it.
 */
struct meaning expansion_find(const struct expansion *expansion, const struct segment *segment)
{
    const struct macros *macros = expansion->macros;
    const struct symbol *symbol = &macros->symbols[segment->index];
    const struct macro_scope *scope = expansion->scope;
    size_t column;

    if (segment->is_own)
        return definition_meaning(expansion, symbol, segment->previous);
    if (symbol->is_variable && macro_scope_find(scope, segment->index, &column))
        return variable_meaning(scope, column);
    if (symbol->builtin != BUILTIN_NONE)
        return builtin_meaning(scope, symbol->builtin);
    return definition_meaning(expansion, symbol,
                              macros_find_definition(macros, segment->index, scope->horizon));
}

/* The defined name that was probably meant, or NULL. */
static const char *nearest_name(const struct expansion *expansion, const struct symbol *wanted)
{
    const struct macros *macros = expansion->macros;
    _cleanup_free_ const char **names =
        memory_allocate((macros->symbol_count + 1) * sizeof(*names));
    size_t count = 0;

    /* Symbols that are only referred to are slips themselves, perhaps the very same one. */
    for (size_t i = 0; i < macros->symbol_count; i++) {
        const struct symbol *symbol = &macros->symbols[i];
        size_t column;

        if (symbol != wanted &&
            (symbol->builtin != BUILTIN_NONE || symbol->definition_count > 0 || symbol->automatic ||
             macro_scope_find(expansion->scope, (uint32_t)i, &column)))
            names[count++] = symbol->name;
    }
    return spelling_nearest(wanted->name, names, count);
}

/* Names the nearest name that would have been right: most of the time it is a slip of the pen. */
static int fail_undefined(struct expansion *expansion, const struct segment *segment,
                          struct error *err)
{
    const struct symbol *symbol = &expansion->macros->symbols[segment->index];
    const char *nearest;
    int r;

    if (symbol->builtin != BUILTIN_NONE)
        return sources_error(expansion->macros->sources, segment->text.data, err, -EINVAL,
                             "macro '%s' has no value outside of a task", symbol->name);
    r = sources_error(expansion->macros->sources, segment->text.data, err, -EINVAL,
                      "macro '%s' is not defined", symbol->name);
    nearest = err ? nearest_name(expansion, symbol) : NULL;
    if (nearest)
        error_hint(err, "did you mean '%s'?", nearest);
    else
        error_hint(err,
                   "define it, give it a fallback as in $(%s:0), or set allow_undefined = "
                   "true if it is meant to be empty",
                   symbol->name);
    return r;
}

/* HTCondor looks at a value as it is written: one of macros that are empty is not empty itself. */
static bool meaning_is_empty(struct meaning meaning)
{
    return (meaning.kind == MEANING_TEXT && meaning.text.length == 0) ||
           (meaning.kind == MEANING_TEMPLATE && meaning.template->count == 0);
}

/* Nothing may still be something: a fallback, or nothing on purpose. */
int expansion_append(struct expansion *expansion, const struct segment *segment,
                     struct meaning meaning, struct buffer *text, struct error *err)
{
    static const struct number_format plain = {0};

    if (segment->fallback && meaning_is_empty(meaning))
        return macros_expand(expansion, segment->fallback, text, err);
    switch (meaning.kind) {
    case MEANING_TEXT:
        buffer_append_slice(text, meaning.text);
        return 0;
    case MEANING_NUMBER:
        return number_format_append(&plain, (struct number){.integer = (int64_t)meaning.number},
                                    text);
    case MEANING_TEMPLATE:
        return macros_expand(expansion, meaning.template, text, err);
    case MEANING_NOTHING:
        break;
    }
    if (segment->fallback)
        return macros_expand(expansion, segment->fallback, text, err);
    /* Process and the like are no mistake that HTCondor passes over: here they can mean nothing. */
    if (expansion->macros->allow_undefined ||
        (expansion->allow_undefined &&
         expansion->macros->symbols[segment->index].builtin == BUILTIN_NONE))
        return 0;
    return fail_undefined(expansion, segment, err);
}

/* Three ways not to be there: unset, never asked for, and allowed to be so. */
static int expand_environment(struct expansion *expansion, const struct segment *segment,
                              struct buffer *text, struct error *err)
{
    const struct macros *macros = expansion->macros;
    const struct environment_variable *variable = &macros->environment[segment->index];

    /* The value is text: a '$' in it is not the submitter's word and is not expanded. */
    if (variable->state == ENVIRONMENT_SET) {
        buffer_append_text(text, variable->value);
        return 0;
    }
    if (segment->fallback)
        return macros_expand(expansion, segment->fallback, text, err);
    if (variable->state == ENVIRONMENT_UNKNOWN)
        return expansion_fail(expansion, segment->text.data, -EINVAL, err,
                              "the submitter's environment is not available here");
    /* HTCondor's word for it, which scripts look for. */
    if (macros->allow_undefined) {
        buffer_append_text(text, "UNDEFINED");
        return 0;
    }
    sources_error(macros->sources, segment->text.data, err, -EINVAL,
                  "environment variable '%s' is not set", variable->name);
    error_hint(err, "set it before you submit, or give it a fallback as in $ENV(%s:value)",
               variable->name);
    return -EINVAL;
}

/* The value of a macro within arithmetic: mostly a number, sometimes arithmetic again. */
int expansion_read_number(struct expansion *expansion, struct slice text,
                          const struct segment *segment, struct number *ret_value,
                          struct error *err)
{
    struct arithmetic_failure failure = {.message = "this is not a number"};
    const char *at;
    int r = -EINVAL;

    text = slice_trim(text);
    if (number_parse(text, ret_value) == 0)
        return 0;
    at = text.data;
    /* "2*$(x)" where x is "1+1": its value is read as a whole, so that it means 4 and not 3. */
    if (text.length <= NUMBER_TEXT_LENGTH_MAX)
        r = arithmetic_constant(&at, text.data + text.length, ret_value, &failure);
    if (r == 0 && at == text.data + text.length)
        return 0;
    return sources_error(expansion->macros->sources, segment->text.data, err, -EINVAL,
                         "the value of %.*s is '%.*s': %s", SLICE_SHOWN(segment->text),
                         SLICE_SHOWN(text), r < 0 ? failure.message : "this is not a number");
}

struct computation {
    struct expansion *expansion;
    const struct macro_arithmetic *arithmetic;
    struct error *err;
};

static int compute_operand(void *user_data, uint32_t operand, struct number *ret_value)
{
    struct computation *computation = user_data;
    struct expansion *expansion = computation->expansion;
    const struct template *template = &computation->arithmetic->operands[operand];
    const struct segment *segment = &template->segments[0];
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    int r;

    if (segment->kind == SEGMENT_MACRO) {
        struct meaning meaning = expansion_find(expansion, segment);

        /* The fast way for Process and its like: no text in between. */
        if (meaning.kind == MEANING_NUMBER) {
            *ret_value = (struct number){.integer = (int64_t)meaning.number};
            return 0;
        }
    }
    r = macros_expand(expansion, template, &text, computation->err);
    if (r < 0)
        return r;
    return expansion_read_number(expansion, (struct slice){buffer_text(&text), text.length},
                                 segment, ret_value, computation->err);
}

/* A message without a place here comes from an operand and is complete. */
static int expand_arithmetic(struct expansion *expansion, const struct segment *segment,
                             struct buffer *text, struct error *err)
{
    struct computation computation = {
        .expansion = expansion, .arithmetic = segment->arithmetic, .err = err};
    struct arithmetic_operands operands = {.user_data = &computation, .compute = compute_operand};
    struct arithmetic_failure failure = {0};
    struct number value;
    int r;

    r = arithmetic_evaluate(segment->arithmetic->program, &operands, &value, &failure);
    if (r < 0)
        return failure.message
                   ? expansion_fail(expansion, failure.at, r, err, "%s", failure.message)
                   : r;
    r = number_format_append(&segment->arithmetic->format, value, text);
    if (r < 0)
        return expansion_fail(expansion, segment->text.data, -EINVAL, err,
                              "the result does not fit the number format");
    return 0;
}

/* The name first, which is one of this place; a number is as good as a name, and means itself. */
static int expand_computed(struct expansion *expansion, const struct segment *segment,
                           struct buffer *text, struct error *err)
{
    static const struct number_format plain = {0};
    const struct macros *macros = expansion->macros;
    _cleanup_buffer_ struct buffer name = BUFFER_INIT;
    struct segment macro = *segment;
    struct number number;
    int r;

    r = macros_expand(expansion, segment->computed, &name, err);
    if (r < 0)
        return r;
    if (name.length > 0 && !macro_name_is_valid((struct slice){name.data, name.length})) {
        r = expansion_read_number(expansion, (struct slice){name.data, name.length}, segment,
                                  &number, err);
        return r < 0 ? r : number_format_append(&plain, number, text);
    }
    macro.kind = SEGMENT_MACRO;
    macro.previous = MACRO_NONE;
    macro.index = macros_find_symbol(macros, buffer_text(&name));
    if (macro.index != MACRO_NONE)
        return expansion_append(expansion, &macro, expansion_find(expansion, &macro), text, err);
    if (segment->fallback)
        return macros_expand(expansion, segment->fallback, text, err);
    if (macros->allow_undefined || expansion->allow_undefined)
        return 0;
    return expansion_fail(expansion, segment->text.data, -EINVAL, err,
                          "macro '%s', which is meant here, is not defined", buffer_text(&name));
}

/* One segment; recursion goes through macros_expand(), which counts. */
static int expand_segment(struct expansion *expansion, const struct segment *segment,
                          struct buffer *text, struct error *err)
{
    switch (segment->kind) {
    case SEGMENT_TEXT:
        buffer_append_slice(text, segment->text);
        return 0;
    case SEGMENT_MACRO:
        return expansion_append(expansion, segment, expansion_find(expansion, segment), text, err);
    case SEGMENT_ENVIRONMENT:
        return expand_environment(expansion, segment, text, err);
    case SEGMENT_ARITHMETIC:
        return expand_arithmetic(expansion, segment, text, err);
    case SEGMENT_COMPUTED:
        return expand_computed(expansion, segment, text, err);
    case SEGMENT_FUNCTION:
        return function_expand(expansion, segment, text, err);
    }
    abort();
}

int macros_expand(struct expansion *expansion, const struct template *template, struct buffer *text,
                  struct error *err)
{
    for (uint32_t i = 0; i < template->count; i++) {
        const struct segment *segment = &template->segments[i];
        size_t length = text->length;
        uint64_t steps;
        int r;

        if (expansion->depth == MACRO_DEPTH_MAX)
            return expansion_fail(expansion, segment->text.data, -E2BIG, err,
                                  "this macro is defined by itself, or nested too deeply");
        /* A circle comes here as well: it needs no search of its own. */
        expansion->depth++;
        r = expand_segment(expansion, segment, text, err);
        expansion->depth--;
        if (r < 0)
            return r;
        if (text->length > SUBMIT_VALUE_SIZE_MAX)
            return expansion_fail(expansion, segment->text.data, -E2BIG, err,
                                  "the value becomes longer than 1 MiB");
        /* After the fact, but what one segment adds beyond its own count is bounded above. */
        steps = 1 + (text->length - length) / STEP_LENGTH;
        if (steps > expansion->steps_left)
            return expansion_fail(expansion, segment->text.data, -E2BIG, err,
                                  "expanding this value takes too many steps");
        expansion->steps_left -= steps;
    }
    return 0;
}
