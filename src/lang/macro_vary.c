/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See macro.h: whether a value can differ between the tasks of a queue statement. It is asked
 * instead of expanding ten million tasks to see; it says no only if it is certain.
 */
#include "macro_internal.h"

#include <stdlib.h>

/* The marks of macros_vary(). */
enum { MARK_NEW, MARK_SAME, MARK_VARIES };

/* A walk through definitions that remembers where it was: each is looked at once, not per use. */
struct variation {
    const struct macros *macros;
    const struct macro_scope *scope;
    uint8_t *marks;
    unsigned int depth;
};

static bool template_varies(struct variation *variation, const struct template *template);

static bool definition_varies(struct variation *variation, uint32_t definition)
{
    uint8_t *mark = &variation->marks[definition];

    if (*mark == MARK_NEW) {
        *mark = MARK_SAME; /* a circle comes back here; expanding it fails anyway */
        if (template_varies(variation, &variation->macros->definitions[definition].template))
            *mark = MARK_VARIES;
    }
    return *mark == MARK_VARIES;
}

/* The same order of meanings as in expansion_find(), without a task. */
static bool macro_varies(struct variation *variation, const struct segment *segment)
{
    const struct macros *macros = variation->macros;
    const struct symbol *symbol = &macros->symbols[segment->index];
    const struct macro_scope *scope = variation->scope;
    uint32_t definition = segment->previous;
    size_t column;

    /* A variable counts as varying if any row differs in any column: to compare costs more. */
    if (!segment->is_own) {
        if (symbol->is_variable && macro_scope_find(scope, segment->index, &column))
            return scope->row_varies ||
                   (segment->fallback && template_varies(variation, segment->fallback));
        if (symbol->builtin != BUILTIN_NONE)
            return symbol->builtin == BUILTIN_PROCESS || symbol->builtin == BUILTIN_STEP ||
                   (symbol->builtin == BUILTIN_ROW && scope->row_varies);
        definition = macros_find_definition(macros, segment->index, scope->horizon);
    }
    if (definition != MACRO_NONE && definition_varies(variation, definition))
        return true;
    if (definition == MACRO_NONE && symbol->standard &&
        template_varies(variation, symbol->standard))
        return true;
    /* The fallback of a name with a value counts only if that is empty: the careful answer. */
    return segment->fallback && template_varies(variation, segment->fallback);
}

static bool function_varies(struct variation *variation, const struct macro_function *function)
{
    if (function->kind == FUNCTION_RANDOM_CHOICE || function->kind == FUNCTION_RANDOM_INTEGER)
        return true;
    for (uint32_t i = 0; i < function->argument_count; i++) {
        const struct macro_argument *argument = &function->arguments[i];

        if ((argument->name && macro_varies(variation, argument->name)) ||
            template_varies(variation, &argument->text))
            return true;
    }
    return false;
}

static bool segment_varies(struct variation *variation, const struct segment *segment)
{
    switch (segment->kind) {
    case SEGMENT_TEXT:
        return variation->macros->has_evaluations && segment->may_draw;
    case SEGMENT_MACRO:
        return macro_varies(variation, segment);
    case SEGMENT_ENVIRONMENT:
        /* The variable itself is the same for all; its fallback may name Process. */
        return (variation->macros->has_evaluations &&
                variation->macros->environment[segment->index].may_draw) ||
               (segment->fallback && template_varies(variation, segment->fallback));
    case SEGMENT_ARITHMETIC:
        for (uint32_t i = 0; i < segment->arithmetic->operand_count; i++)
            if (template_varies(variation, &segment->arithmetic->operands[i]))
                return true;
        return false;
    case SEGMENT_COMPUTED:
        /* What it means would have to be expanded to be known: the careful answer. */
        return true;
    case SEGMENT_FUNCTION:
        return function_varies(variation, segment->function);
    }
    abort();
}

static bool template_varies(struct variation *variation, const struct template *template)
{
    bool varies = false;

    /* Too deep to look: the careful answer. */
    if (variation->depth == MACRO_DEPTH_MAX)
        return true;
    variation->depth++;
    for (uint32_t i = 0; i < template->count && !varies; i++)
        varies = segment_varies(variation, &template->segments[i]);
    variation->depth--;
    return varies;
}

bool macros_vary(const struct macros *macros, const struct macro_scope *scope,
                 const struct template *template, uint8_t *marks)
{
    struct variation variation = {.macros = macros, .scope = scope, .marks = marks};

    return template_varies(&variation, template);
}
