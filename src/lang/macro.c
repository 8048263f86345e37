/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See macro.h: the tables of names, definitions and environment variables.
 *
 * Names become numbers here, once, when they are read; whatever is done for each task afterwards
 * works with numbers. A name that is only referred to has a symbol as well, without a definition,
 * because it may be defined further down.
 *
 * Definitions are never changed or removed: one that is overruled still counts for the queue
 * statements before the one that overrules it.
 */
#include "macro.h"
#include "text.h"

#include "base/memory.h"

#include <errno.h>
#include <string.h>

/* HTCondor has two names for most of them; "Item" is an ordinary variable. */
static const struct {
    const char *name;
    enum macro_builtin builtin;
} builtins[] = {
    {"Cluster", BUILTIN_CLUSTER}, {"ClusterId", BUILTIN_CLUSTER}, {"Process", BUILTIN_PROCESS},
    {"ProcId", BUILTIN_PROCESS},  {"Step", BUILTIN_STEP},         {"Row", BUILTIN_ROW},
    {"ItemIndex", BUILTIN_ROW},   {"DOLLAR", BUILTIN_DOLLAR},
};

void macros_init(struct macros *macros, struct sources *sources, struct arena *arena)
{
    *macros = (struct macros){.sources = sources, .arena = arena};
    /* Names of macros are the same in either case, as in HTCondor; Unix tells its own apart. */
    string_map_init(&macros->symbol_index, true);
    string_map_init(&macros->environment_index, false);
    for (size_t i = 0; i < ARRAY_LENGTH(builtins); i++) {
        uint32_t symbol = macros_symbol(macros, slice_from_text(builtins[i].name));

        macros->symbols[symbol].builtin = builtins[i].builtin;
    }
}

int macros_set_standard(struct macros *macros, const char *name, const char *value)
{
    struct template *template = arena_allocate(macros->arena, 1, sizeof(*template));
    uint32_t symbol = macros_symbol(macros, slice_from_text(name));
    int r = macros_compile(macros, slice_from_text(value), MACRO_NONE, template, NULL);

    macros->symbols[symbol].standard = r < 0 ? NULL : template;
    return r;
}

/* Names, values and templates lie in the arena, which is the caller's. */
void macros_deinit(struct macros *macros)
{
    for (size_t i = 0; i < macros->symbol_count; i++)
        free(macros->symbols[i].definitions);
    free(macros->symbols);
    free(macros->definitions);
    free(macros->environment);
    string_map_deinit(&macros->symbol_index);
    string_map_deinit(&macros->environment_index);
    *macros = (struct macros){0};
}

/* Written out, because isalpha() would ask the locale. */
size_t macro_name_length(struct slice text)
{
    size_t length = 0;

    for (; length < text.length; length++) {
        bool digit = text_is_digit(text.data[length]) || text.data[length] == '.';

        /* A name cannot begin with a digit: then it would be a number in arithmetic. */
        if (digit ? length == 0 : !text_is_of_name(text.data[length]))
            break;
    }
    return length;
}

bool macro_text_may_draw(struct slice text)
{
    for (; text.length > 0; text = text_behind(text, 1))
        if ((text.data[0] | 0x20) == 'r' && text_begins(text, "random"))
            return true;
    return false;
}

bool macro_name_is_valid(struct slice name)
{
    return name.length > 0 && macro_name_length(name) == name.length;
}

uint32_t macros_symbol(struct macros *macros, struct slice name)
{
    _cleanup_free_ char *copy = slice_copy(name);
    uint64_t symbol;

    if (string_map_get(&macros->symbol_index, copy, &symbol))
        return (uint32_t)symbol;
    symbol = macros->symbol_count;
    array_reserve(macros->symbols, macros->symbol_capacity, symbol + 1);
    macros->symbols[macros->symbol_count++] =
        (struct symbol){.name = arena_copy(macros->arena, name)};
    string_map_put(&macros->symbol_index, copy, symbol);
    return (uint32_t)symbol;
}

uint32_t macros_find_symbol(const struct macros *macros, const char *name)
{
    uint64_t symbol;

    return string_map_get(&macros->symbol_index, name, &symbol) ? (uint32_t)symbol : MACRO_NONE;
}

int macros_define(struct macros *macros, uint32_t symbol, struct slice name, struct slice value,
                  struct error *err)
{
    struct definition definition = {.symbol = symbol, .name = name, .value = value};
    struct symbol *s;
    int r;

    if (macros->definition_count == MACRO_DEFINITION_COUNT_MAX)
        return sources_error(macros->sources, name.data, err, -E2BIG,
                             "there are more than %zu definitions", MACRO_DEFINITION_COUNT_MAX);
    /* Before it is in the table, so that a reference to itself finds the one before. */
    r = macros_compile(macros, value, symbol, &definition.template, err);
    if (r < 0)
        return r;
    s = &macros->symbols[symbol];
    array_reserve(s->definitions, s->definition_capacity, s->definition_count + 1);
    s->definitions[s->definition_count++] = (uint32_t)macros->definition_count;
    array_reserve(macros->definitions, macros->definition_capacity, macros->definition_count + 1);
    macros->definitions[macros->definition_count++] = definition;
    return 0;
}

void macros_set_automatic(struct macros *macros, struct slice name, const char *value)
{
    uint32_t symbol = macros_symbol(macros, name);
    struct number seconds;

    /* What the task's number is, nobody else can say. */
    if (macros->symbols[symbol].builtin == BUILTIN_NONE)
        macros->symbols[symbol].automatic = arena_copy(macros->arena, slice_from_text(value));
    /* To functions that ask for the time, it stands still. */
    if (slice_equals_ignoring_case(name, "SUBMIT_TIME") &&
        number_parse(slice_from_text(value), &seconds) == 0 && !seconds.is_real)
        macros->submit_seconds = seconds.integer;
}

/* The numbers ascend, so that this is a binary search: a text may define a name ten thousand times.
 */
uint32_t macros_find_definition(const struct macros *macros, uint32_t symbol, uint32_t horizon)
{
    const struct symbol *s = &macros->symbols[symbol];
    size_t low = 0, high = s->definition_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (s->definitions[middle] < horizon)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? s->definitions[low - 1] : MACRO_NONE;
}

/* What could not be written into the frozen text, as $ENV(NAME) = "value", and read back. */
bool environment_name_is_valid(struct slice name)
{
    for (size_t i = 0; i < name.length; i++)
        if ((unsigned char)name.data[i] <= ' ' || name.data[i] == '=' || name.data[i] == ')')
            return false;
    return name.length > 0;
}

/* `value` counts only if the state is ENVIRONMENT_SET. */
static uint32_t macros_add_environment(struct macros *macros, struct slice name,
                                       enum environment_state state, const char *value)
{
    struct environment_variable variable = {.name = arena_copy(macros->arena, name),
                                            .state = state};
    size_t index = macros->environment_count;
    _cleanup_buffer_ struct buffer entry = BUFFER_INIT;

    /* Both halves are needed: $ENV() wants the value, getenv the whole. */
    if (state == ENVIRONMENT_SET) {
        buffer_appendf(&entry, "%s=%s", variable.name, value);
        variable.entry = arena_copy(macros->arena, (struct slice){entry.data, entry.length});
        variable.value = variable.entry + name.length + 1;
        variable.may_draw = macro_text_may_draw(slice_from_text(variable.value));
    }
    array_reserve(macros->environment, macros->environment_capacity, index + 1);
    macros->environment[macros->environment_count++] = variable;
    string_map_put(&macros->environment_index, variable.name, index);
    return (uint32_t)index;
}

void macros_set_environment(struct macros *macros, const char *name, const char *value)
{
    uint64_t index;

    /* The first word counts: what was used once must stay what it was. */
    if (!string_map_get(&macros->environment_index, name, &index))
        macros_add_environment(macros, slice_from_text(name),
                               value ? ENVIRONMENT_SET : ENVIRONMENT_UNSET, value);
}

/*
 * Asks the world; the value is appended. On the server there is no world, and a variable that the
 * frozen text does not hold is unknown there, which is not the same as unset: its value may have
 * been anything.
 */
static int macros_ask_environment(const struct macros *macros, const char *name,
                                  struct buffer *value, enum environment_state *ret_state,
                                  struct error *err)
{
    const struct submit_world *world = macros->world;
    int r;

    *ret_state = macros->environment_is_complete ? ENVIRONMENT_UNSET : ENVIRONMENT_UNKNOWN;
    if (macros->environment_is_complete || !world || !world->get_environment)
        return 0;
    r = world->get_environment(world->user_data, name, value, err);
    if (r < 0)
        return r;
    /* No program could be started with it anyway. */
    if (value->length > ENVIRONMENT_VALUE_SIZE_MAX)
        return error_set(err, -E2BIG, "environment variable '%s' is longer than 128 KiB", name);
    *ret_state = r == 0 ? ENVIRONMENT_SET : ENVIRONMENT_UNSET;
    return 0;
}

int macros_environment_variable(struct macros *macros, struct slice name, uint32_t *ret_variable,
                                struct error *err)
{
    _cleanup_buffer_ struct buffer value = BUFFER_INIT;
    _cleanup_free_ char *copy = slice_copy(name);
    enum environment_state state;
    uint64_t index;
    int r;

    /* Asked once: all tasks see the same value, whatever happens to the variable meanwhile. */
    if (string_map_get(&macros->environment_index, copy, &index)) {
        *ret_variable = (uint32_t)index;
        return 0;
    }
    r = macros_ask_environment(macros, copy, &value, &state, err);
    if (r < 0)
        return r;
    *ret_variable = macros_add_environment(macros, name, state, buffer_text(&value));
    return 0;
}
