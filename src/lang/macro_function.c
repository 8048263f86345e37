/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See macro_internal.h: HTCondor's functions on macros (condor_submit(1), "Function Macros in
 * Configuration", and its expand_macro() for what that leaves open), from text to what
 * macro_function_expand.c computes with.
 *
 * An argument is the name of a macro; where none of that name is defined, it is what it says. More
 * than in HTCondor, macros and arithmetic may stand in arguments, with parentheses in pairs. Names
 * of functions have capital letters: $int(x) is text.
 */
#include "macro_internal.h"
#include "text.h"

#include "base/memory.h"

#include <errno.h>
#include <string.h>

/* More choices belong into a list of items. */
enum { ARGUMENT_COUNT_MAX = 1000, STRING_WIDTH_MAX = 1000 };

static const struct function_form {
    const char *name;
    enum macro_function_kind kind;
    uint32_t count_min;
    uint32_t count_max;
    const char *form; /* for messages */
} forms[] = {
    {"INT", FUNCTION_INT, 1, 2, "$INT(NAME) or $INT(NAME, %05d)"},
    {"REAL", FUNCTION_REAL, 1, 2, "$REAL(NAME) or $REAL(NAME, %.3f)"},
    {"STRING", FUNCTION_STRING, 1, 2, "$STRING(NAME) or $STRING(NAME, %-10s)"},
    {"EVAL", FUNCTION_EVAL, 1, 1, "$EVAL(NAME)"},
    {"SUBSTR", FUNCTION_SUBSTR, 2, 3, "$SUBSTR(NAME, START) or $SUBSTR(NAME, START, LENGTH)"},
    {"CHOICE", FUNCTION_CHOICE, 2, ARGUMENT_COUNT_MAX,
     "$CHOICE(INDEX, LIST-NAME) or $CHOICE(INDEX, ITEM, ITEM...)"},
    {"RANDOM_CHOICE", FUNCTION_RANDOM_CHOICE, 1, ARGUMENT_COUNT_MAX,
     "$RANDOM_CHOICE(ITEM, ITEM...)"},
    {"RANDOM_INTEGER", FUNCTION_RANDOM_INTEGER, 2, 3,
     "$RANDOM_INTEGER(MIN, MAX) or $RANDOM_INTEGER(MIN, MAX, STEP)"},
    {"BASENAME", FUNCTION_FILE_NAME, 1, 2, "$BASENAME(NAME) or $BASENAME(NAME, SUFFIX)"},
    {"DIRNAME", FUNCTION_FILE_NAME, 1, 1, "$DIRNAME(NAME)"},
};
static const struct function_form file_name_form = {
    "F", FUNCTION_FILE_NAME, 1, 1, "$Fpnx(NAME), with any of the letters fpdnxqabuw"};

/* Arguments while their number is unknown. */
struct argument_list {
    struct macro_argument *items; /* owned */
    struct slice *texts;          /* owned; as they are written, trimmed */
    size_t count;
    size_t capacity;
    size_t text_capacity;
};

static void argument_list_deinit(struct argument_list *list)
{
    free(list->items);
    free(list->texts);
}

/* The letters behind $F, in any order; false if one of them is none. */
static bool read_parts(struct slice letters, struct file_name_parts *parts)
{
    bool quotes = false, for_arguments = false;

    *parts = (struct file_name_parts){0};
    for (size_t i = 0; i < letters.length; i++) {
        char letter = (char)(letters.data[i] | 0x20);

        parts->is_full |= letter == 'f';
        parts->has_path |= letter == 'p';
        parts->directories += letter == 'd';
        parts->has_name |= letter == 'n';
        parts->has_extension |= letter == 'x';
        parts->is_bare |= letter == 'b';
        quotes |= letter == 'q';
        for_arguments |= letter == 'a';
        parts->separator = letter == 'u' ? '/' : letter == 'w' ? '\\' : parts->separator;
        if (!memchr("fpdnxbqauw", letter, 10))
            return false;
    }
    if (quotes)
        parts->quote = for_arguments ? '\'' : '"';
    return true;
}

static const struct function_form *find_form(struct slice name, struct file_name_parts *parts)
{
    *parts = (struct file_name_parts){0};
    if (name.data[0] == 'F' && read_parts(text_behind(name, 1), parts))
        return &file_name_form;
    for (size_t i = 0; i < ARRAY_LENGTH(forms); i++)
        if (slice_equals(name, forms[i].name)) {
            parts->has_name = parts->has_extension = slice_equals(name, "BASENAME");
            parts->has_path = slice_equals(name, "DIRNAME");
            return &forms[i];
        }
    return NULL;
}

static const struct segment *keep_name(struct compiler *compiler, struct slice name,
                                       struct slice place)
{
    struct segment *kept = arena_allocate(compiler->macros->arena, 1, sizeof(*kept));

    *kept = compiler_make_macro(compiler, name, name.data);
    kept->text = place;
    return kept;
}

/* Up to the ',' or ')' behind it. */
static int read_argument(struct compiler *compiler, struct argument_list *list)
{
    const char *start = compiler->at;
    struct macro_argument argument = {0};
    int r;

    while (compiler->at < compiler->end && text_is_space(*compiler->at))
        compiler->at++;
    r = compiler_read_template(compiler, END_OF_ARGUMENT, &argument.text);
    if (r < 0)
        return r;
    if (list->count == ARGUMENT_COUNT_MAX)
        return compiler_error(compiler, start, "there are more than %d arguments",
                              ARGUMENT_COUNT_MAX);
    array_reserve(list->items, list->capacity, list->count + 1);
    array_reserve(list->texts, list->text_capacity, list->count + 1);
    list->texts[list->count] = slice_trim((struct slice){start, (size_t)(compiler->at - start)});
    list->items[list->count++] = argument;
    return 0;
}

static int read_arguments(struct compiler *compiler, const char *open, struct argument_list *list)
{
    int r;

    do {
        compiler->at++;
        r = read_argument(compiler, list);
        if (r < 0)
            return r;
    } while (compiler->at < compiler->end && *compiler->at == ',');
    if (compiler->at == compiler->end)
        return compiler_error(compiler, open, "this parenthesis is never closed");
    compiler->at++;
    return 0;
}

/* Which arguments may be names: not the items of a choice, which are what they say. */
static bool may_be_name(const struct macro_function *function, uint32_t index)
{
    if (function->kind == FUNCTION_CHOICE)
        return index == 0 || function->count == 2;
    return function->kind != FUNCTION_RANDOM_CHOICE || function->count == 1;
}

static int refuse_format(struct compiler *compiler, struct slice text,
                         enum macro_function_kind kind)
{
    compiler_error(compiler, text.data, "'%.*s' is no format for this", SLICE_SHOWN(text));
    error_hint(compiler->err, "write one conversion of printf, such as %s",
               kind == FUNCTION_INT    ? "%d, %05d or %x"
               : kind == FUNCTION_REAL ? "%f, %.3f or %g"
                                       : "%s or %-10s");
    return -EINVAL;
}

/* "%-10.3s": width and precision. */
static bool read_string_conversion(struct slice text, struct macro_format *format)
{
    _cleanup_buffer_ struct buffer number = BUFFER_INIT;

    format->left = text.length > 1 && text.data[1] == '-';
    text = text_behind(text, format->left ? 2 : 1);
    /* Read as that of an integer, which has the same form. */
    buffer_appendf(&number, "%%%.*sd", (int)text.length - 1, text.data);
    return number_format_parse((struct slice){number.data, number.length}, &format->number) == 0 &&
           format->number.flags[0] == '\0';
}

/*
 * Divides "job%04d.txt". printf(3) never sees it as a whole; a size as in %ld, which HTCondor's
 * users write, says nothing here.
 */
static bool divide_format(struct slice text, enum macro_function_kind kind,
                          struct macro_format *format)
{
    const char *percent = text.length > 0 ? memchr(text.data, '%', text.length) : NULL;
    const char *kinds = kind == FUNCTION_INT ? "diuxXo" : kind == FUNCTION_REAL ? "eEfFgG" : "s";
    _cleanup_buffer_ struct buffer conversion = BUFFER_INIT;
    struct slice rest;
    size_t length = 1;

    if (!percent)
        return false;
    format->before = (struct slice){text.data, (size_t)(percent - text.data)};
    rest = text_behind(text, format->before.length);
    while (length < rest.length && memchr("-+ #0123456789.", rest.data[length], 15))
        length++;
    buffer_append(&conversion, rest.data, length);
    while (length < rest.length && memchr("hlLqjzt", rest.data[length], 7))
        length++;
    if (length == rest.length || !strchr(kinds, rest.data[length]))
        return false;
    buffer_append_character(&conversion, rest.data[length]);
    format->behind = text_behind(rest, length + 1);
    if (format->behind.length > 0 && memchr(format->behind.data, '%', format->behind.length))
        return false;
    rest = (struct slice){conversion.data, conversion.length};
    return kind == FUNCTION_STRING ? read_string_conversion(rest, format)
                                   : number_format_parse(rest, &format->number) == 0;
}

static int read_format(struct compiler *compiler, struct slice text,
                       struct macro_function *function)
{
    struct macro_format *format = arena_allocate(compiler->macros->arena, 1, sizeof(*format));

    *format = (struct macro_format){0};
    if (!divide_format(text, function->kind, format))
        return refuse_format(compiler, text, function->kind);
    function->format = format;
    return 0;
}

/*
 * Each place in each definition draws for itself. The place is told by the name that is defined
 * and how often it was before, which a frozen text has in common with the one it was made of.
 */
static uint64_t next_draw(struct compiler *compiler)
{
    struct macros *macros = compiler->macros;
    const struct symbol *symbol =
        compiler->own_symbol == MACRO_NONE ? NULL : &macros->symbols[compiler->own_symbol];
    uint64_t hash = 0xcbf29ce484222325u, count = macros->segment_count;

    /* FNV-1a (Fowler, Noll, Vo): fixed, short, and the same everywhere. */
    for (const char *c = symbol ? symbol->name : ""; *c; c++)
        hash = (hash ^ (uint64_t)text_lower(*c)) * 0x100000001b3u;
    if (symbol)
        count = symbol->definition_count;
    macros->draws = true;
    return (hash ^ (count << 32)) + compiler->draws++;
}

/* What a function needs beside its arguments, as if it had been written there. */
static void add_name(struct compiler *compiler, const char *name, struct slice place,
                     struct argument_list *list)
{
    array_reserve(list->items, list->capacity, list->count + 1);
    list->items[list->count++] =
        (struct macro_argument){.name = keep_name(compiler, slice_from_text(name), place)};
}

/* Empty ones are none. */
static void drop_empty(struct argument_list *list, struct macro_function *function)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++)
        if (list->texts[i].length > 0) {
            list->texts[kept] = list->texts[i];
            list->items[kept++] = list->items[i];
        }
    list->count = kept;
    function->count = (uint32_t)kept;
}

/* What is left to know of a function whose arguments are read. */
static int settle(struct compiler *compiler, struct slice place, struct argument_list *list,
                  struct macro_function *function)
{
    static const char *const folders[] = {"SUBMIT_FOLDER", "initialdir", "initial_dir"};
    bool is_file = function->kind == FUNCTION_FILE_NAME;
    bool draws =
        function->kind == FUNCTION_RANDOM_CHOICE || function->kind == FUNCTION_RANDOM_INTEGER;
    bool formats = function->kind == FUNCTION_INT || function->kind == FUNCTION_REAL ||
                   function->kind == FUNCTION_STRING;

    if (function->kind == FUNCTION_RANDOM_CHOICE)
        drop_empty(list, function);
    for (uint32_t i = 0; i < function->count; i++)
        if (may_be_name(function, i) && macro_name_is_valid(list->texts[i]))
            list->items[i].name = keep_name(compiler, list->texts[i], list->texts[i]);
    if (draws || function->kind == FUNCTION_EVAL)
        function->draw = next_draw(compiler);
    if (is_file && function->count == 2)
        function->suffix = list->texts[1];
    for (size_t i = 0; function->parts.is_full && i < ARRAY_LENGTH(folders); i++)
        add_name(compiler, folders[i], place, list);
    compiler->macros->has_evaluations |= function->kind == FUNCTION_EVAL;
    if (function->kind == FUNCTION_EVAL)
        add_name(compiler, "SUBMIT_TIME", place, list);
    return formats && function->count == 2 ? read_format(compiler, list->texts[1], function) : 0;
}

int compiler_read_function(struct compiler *compiler, struct slice name, const char *start,
                           struct segment *ret_segment)
{
    _cleanup_(argument_list_deinit) struct argument_list list = {0};
    struct arena *arena = compiler->macros->arena;
    struct file_name_parts parts;
    const struct function_form *form = find_form(name, &parts);
    struct macro_function *function;
    struct macro_argument *arguments;
    struct slice place = {.data = start};
    int r;

    if (!form)
        return 1;
    compiler->at = name.data + name.length;
    r = read_arguments(compiler, compiler->at, &list);
    if (r < 0)
        return r;
    place.length = (size_t)(compiler->at - start);
    if (list.count < form->count_min || list.count > form->count_max || list.texts[0].length == 0) {
        compiler_error(compiler, start, "this has not the arguments that it needs");
        error_hint(compiler->err, "write %s", form->form);
        return -EINVAL;
    }
    function = arena_allocate(arena, 1, sizeof(*function));
    *function =
        (struct macro_function){.kind = form->kind, .count = (uint32_t)list.count, .parts = parts};
    r = settle(compiler, place, &list, function);
    if (r < 0)
        return r;
    arguments = arena_allocate(arena, list.count, sizeof(*arguments));
    memcpy(arguments, list.items, list.count * sizeof(*arguments));
    function->arguments = arguments;
    function->argument_count = (uint32_t)list.count;
    *ret_segment = (struct segment){.kind = SEGMENT_FUNCTION, .text = place, .function = function};
    return 0;
}
