/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See macro.h: from the text of a value to its template. What stands behind "$(" is a name, with a
 * fallback behind ':' if wanted, or else arithmetic, in which names may stand with or without the
 * "$(" around them. Functions are read in macro_function.c.
 *
 * Only what is wrong whatever the other lines say is refused. Whether a name has a value is no
 * question yet: its definition may follow, and each queue statement may see another one.
 */
#include "macro_internal.h"
#include "text.h"

#include "base/memory.h"

#include <errno.h>
#include <string.h>

/* Nobody reads more; and with it the C stack has a bound, which a hostile text cannot move. */
enum { NESTING_MAX = 32 };

/* Segments of a template while its number is unknown. */
struct segment_list {
    struct segment *items; /* owned */
    size_t count;
    size_t capacity;
};

/* Operands of arithmetic while their number is unknown. */
struct operand_list {
    struct template *items; /* owned */
    size_t count;
    size_t capacity;
};

static void segment_list_deinit(struct segment_list *list)
{
    free(list->items);
}

static void operand_list_deinit(struct operand_list *list)
{
    free(list->items);
}

static void segment_list_add(struct segment_list *list, struct segment segment)
{
    array_reserve(list->items, list->capacity, list->count + 1);
    list->items[list->count++] = segment;
}

/* Nothing between two macros is no segment. */
static void segment_list_add_text(struct segment_list *list, const char *start, const char *end)
{
    struct slice text = {.data = start, .length = (size_t)(end - start)};

    if (end > start)
        segment_list_add(list, (struct segment){.kind = SEGMENT_TEXT,
                                                .text = text,
                                                .may_draw = macro_text_may_draw(text)});
}

/* To where it stays. */
static struct template make_template(struct compiler *compiler, const struct segment *segments,
                                     size_t count)
{
    struct segment *copy = arena_allocate(compiler->macros->arena, count, sizeof(*copy));

    if (count > 0)
        memcpy(copy, segments, count * sizeof(*copy));
    return (struct template){.segments = copy, .count = (uint32_t)count};
}

int compiler_error(struct compiler *compiler, const char *place, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    sources_error_formatted(compiler->macros->sources, place, compiler->err, -EINVAL, format,
                            arguments);
    va_end(arguments);
    return -EINVAL;
}

/* The longest prefix that can be a name; empty if there is none. */
static struct slice peek_name(const struct compiler *compiler)
{
    struct slice rest = {compiler->at, (size_t)(compiler->end - compiler->at)};

    return (struct slice){.data = rest.data, .length = macro_name_length(rest)};
}

static bool next_is(const struct compiler *compiler, char character)
{
    return compiler->at < compiler->end && *compiler->at == character;
}

/* Behind a name: nothing, or ':' and what counts if the name has no value; then ')'. */
static int read_fallback(struct compiler *compiler, const char *open, struct segment *segment)
{
    struct template *fallback;
    int r;

    if (next_is(compiler, ':')) {
        compiler->at++;
        fallback = arena_allocate(compiler->macros->arena, 1, sizeof(*fallback));
        r = compiler_read_template(compiler, END_OF_PARENTHESES, fallback);
        if (r < 0)
            return r;
        segment->fallback = fallback;
    }
    if (!next_is(compiler, ')'))
        return compiler_error(compiler, open, "this parenthesis is never closed");
    compiler->at++;
    segment->text.length = (size_t)(compiler->at - segment->text.data);
    return 0;
}

/* A reference to the own name is no use of the name: it does not keep off a warning. */
struct segment compiler_make_macro(struct compiler *compiler, struct slice name, const char *start)
{
    struct macros *macros = compiler->macros;
    struct segment segment = {
        .kind = SEGMENT_MACRO,
        .text = {.data = start, .length = (size_t)(name.data + name.length - start)},
        .index = macros_symbol(macros, name),
        .previous = MACRO_NONE,
    };

    macros->symbols[segment.index].automatic_is_used = true;
    segment.is_own = segment.index == compiler->own_symbol;
    /* The definition that is being read is not in the table yet: the last one there is the one
     * before. */
    if (segment.is_own)
        segment.previous = macros_find_definition(macros, segment.index, MACRO_NONE);
    else
        macros->symbols[segment.index].is_referenced = true;
    return segment;
}

/* $ENV(NAME) and $ENV(NAME:fallback); `at` stands behind the parenthesis. */
static int read_environment(struct compiler *compiler, const char *start,
                            struct segment *ret_segment)
{
    const char *open = compiler->at - 1;
    struct slice name = {.data = compiler->at};
    struct segment segment = {.kind = SEGMENT_ENVIRONMENT, .text = {.data = start}};
    int r;

    /* Any character may stand in such a name, if the kernel has its way; these end it for us. */
    while (compiler->at < compiler->end && *compiler->at != ')' && *compiler->at != ':')
        compiler->at++;
    name.length = (size_t)(compiler->at - name.data);
    name = slice_trim(name);
    if (!environment_name_is_valid(name))
        return compiler_error(compiler, open,
                              "here the name of an environment variable is missing");
    r = macros_environment_variable(compiler->macros, name, &segment.index, compiler->err);
    if (r < 0)
        return r;
    *ret_segment = segment;
    return read_fallback(compiler, open, ret_segment);
}

static int read_dollar(struct compiler *compiler, struct segment *ret_segment);

/* An operand of arithmetic: a name, or what begins with '$'. */
static int read_operand(void *user_data, const char **at, const char *end, uint32_t *ret_operand)
{
    struct compiler *compiler = user_data;
    struct operand_list *operands = compiler->operands;
    struct segment segment;
    int r = 0;

    (void)end;
    /* Arithmetic and macros read the same text in turn, and hand each other the place. */
    compiler->at = *at;
    if (**at == '$') {
        /* 1 says that the '$' is only a character, which no number begins with. */
        r = read_dollar(compiler, &segment);
    } else {
        segment = compiler_make_macro(compiler, peek_name(compiler), *at);
        compiler->at += segment.text.length;
    }
    if (r < 0)
        return r;
    if (r > 0)
        return compiler_error(compiler, *at, "here a number or a macro is missing");
    array_reserve(operands->items, operands->capacity, operands->count + 1);
    /* A template of one segment, so that it is expanded like any other. */
    operands->items[operands->count] = make_template(compiler, &segment, 1);
    *ret_operand = (uint32_t)operands->count++;
    *at = compiler->at;
    return 0;
}

/* Behind the expression: nothing, or ',' and a conversion; then ')'. */
static int read_format(struct compiler *compiler, const char *open,
                       struct number_format *ret_format)
{
    struct slice text = {.data = compiler->at + 1};

    *ret_format = (struct number_format){.precision = -1};
    if (next_is(compiler, ',')) {
        while (compiler->at < compiler->end && *compiler->at != ')')
            compiler->at++;
        text.length = (size_t)(compiler->at - text.data);
        text = slice_trim(text);
        if (number_format_parse(text, ret_format) < 0) {
            compiler_error(compiler, text.data, "'%.*s' is not a number format", SLICE_SHOWN(text));
            error_hint(compiler->err, "write one conversion of printf, such as %%d, %%05d, %%x or "
                                      "%%.3f");
            return -EINVAL;
        }
    }
    if (compiler->at == compiler->end)
        return compiler_error(compiler, open, "this parenthesis is never closed");
    if (*compiler->at != ')') {
        compiler_error(compiler, compiler->at, "here an operator or ')' is missing");
        error_hint(compiler->err, "a macro's name has letters, digits, '_' and '.'; anything else "
                                  "between $( and ) is arithmetic");
        return -EINVAL;
    }
    compiler->at++;
    return 0;
}

/* Operands within operands have lists of their own; the outer one is put back. */
static int read_arithmetic(struct compiler *compiler, const char *start,
                           struct segment *ret_segment)
{
    _cleanup_(operand_list_deinit) struct operand_list operands = {0};
    struct operand_list *outer = compiler->operands;
    struct arithmetic_operands access = {.user_data = compiler, .read = read_operand};
    struct arena *arena = compiler->macros->arena;
    struct arithmetic_failure failure = {0};
    const char *open = compiler->at - 1;
    const char *at = compiler->at;
    struct macro_arithmetic *arithmetic = arena_allocate(arena, 1, sizeof(*arithmetic));
    struct template *copies;
    int r;

    compiler->operands = &operands;
    r = arithmetic_compile(&at, compiler->end, &access, arena, &arithmetic->program, &failure);
    compiler->operands = outer;
    if (r < 0)
        return failure.message ? compiler_error(compiler, failure.at, "%s", failure.message) : r;
    compiler->at = at;
    r = read_format(compiler, open, &arithmetic->format);
    if (r < 0)
        return r;
    copies = arena_allocate(arena, operands.count, sizeof(*copies));
    if (operands.count > 0)
        memcpy(copies, operands.items, operands.count * sizeof(*copies));
    arithmetic->operands = copies;
    arithmetic->operand_count = (uint32_t)operands.count;
    *ret_segment = (struct segment){
        .kind = SEGMENT_ARITHMETIC,
        .text = {.data = start, .length = (size_t)(compiler->at - start)},
        .arithmetic = arithmetic,
    };
    return 0;
}

/* Behind the "$(" of a macro: up to the ')' that closes it, or the end. */
static const char *skip_macro(const char *at, const char *end)
{
    size_t open = 1;

    for (; at < end && open > 0; at++)
        open += *at == '(' ? 1 : *at == ')' ? (size_t)-1 : 0;
    return at;
}

/* Whether letters and macros alone stand here, up to ':' or ')': $($(kind)_size). */
static bool name_is_computed(const struct compiler *compiler)
{
    bool has_macro = false;

    for (const char *at = compiler->at; at < compiler->end;) {
        if (*at == ')' || *at == ':')
            return has_macro;
        if (*at == '$' && at + 1 < compiler->end && at[1] == '(') {
            has_macro = true;
            at = skip_macro(at + 2, compiler->end);
        } else if (macro_name_length((struct slice){at, 1}) == 1 ||
                   (at > compiler->at && (text_is_digit(*at) || *at == '.'))) {
            at++;
        } else {
            return false;
        }
    }
    return false;
}

static int read_computed(struct compiler *compiler, const char *start, struct segment *ret_segment)
{
    const char *open = compiler->at - 1;
    struct template *name = arena_allocate(compiler->macros->arena, 1, sizeof(*name));
    int r;

    r = compiler_read_template(compiler, END_OF_NAME, name);
    if (r < 0)
        return r;
    compiler->macros->has_computed_names = true;
    *ret_segment =
        (struct segment){.kind = SEGMENT_COMPUTED, .text = {.data = start}, .computed = name};
    return read_fallback(compiler, open, ret_segment);
}

/* Behind "$(". */
static int read_macro(struct compiler *compiler, const char *start, struct segment *ret_segment)
{
    const char *open = compiler->at - 1;
    struct slice name = peek_name(compiler);
    const char *behind = name.data + name.length;

    if (compiler->at == compiler->end)
        return compiler_error(compiler, open, "this parenthesis is never closed");
    if (next_is(compiler, ')'))
        return compiler_error(compiler, open, "between these parentheses a name is missing");
    if (name_is_computed(compiler))
        return read_computed(compiler, start, ret_segment);
    /* A name and nothing else, or else it is arithmetic. So $(a-b) is a difference. */
    if (name.length == 0 || behind == compiler->end || (*behind != ')' && *behind != ':'))
        return read_arithmetic(compiler, start, ret_segment);
    *ret_segment = compiler_make_macro(compiler, name, start);
    compiler->at = behind;
    return read_fallback(compiler, open, ret_segment);
}

static bool text_follows(const struct compiler *compiler, const char *text)
{
    return text_begins((struct slice){compiler->at, (size_t)(compiler->end - compiler->at)}, text);
}

/* Behind a '$' at `start`; see read_dollar(). */
static int read_behind_dollar(struct compiler *compiler, const char *start,
                              struct segment *ret_segment)
{
    struct slice name;

    /* "$$(" is filled in when the task has found a node; a macro within it is filled in here. */
    if (text_follows(compiler, "$(")) {
        compiler->at++;
        return 1;
    }
    if (next_is(compiler, '(')) {
        compiler->at++;
        return read_macro(compiler, start, ret_segment);
    }
    if (text_follows(compiler, "ENV(")) {
        compiler->at += strlen("ENV(");
        return read_environment(compiler, start, ret_segment);
    }
    /* $name(...) of no function that we know of is text, as in HTCondor. */
    name = peek_name(compiler);
    if (name.length > 0 && name.data + name.length < compiler->end && name.data[name.length] == '(')
        return compiler_read_function(compiler, name, start, ret_segment);
    return 1;
}

/*
 * At a '$'. Returns 0 with a segment, or 1 with `at` behind the '$' if it is only a character.
 * Every way into the depth leads through here, so here it is bounded.
 */
static int read_dollar(struct compiler *compiler, struct segment *ret_segment)
{
    const char *start = compiler->at++;
    int r;

    if (compiler->nesting == NESTING_MAX)
        return compiler_error(compiler, start, "macros are nested too deeply");
    compiler->nesting++;
    r = read_behind_dollar(compiler, start, ret_segment);
    compiler->nesting--;
    return r;
}

/* To its end; parentheses that are plain text come in pairs. */
int compiler_read_template(struct compiler *compiler, enum template_end end,
                           struct template *ret_template)
{
    _cleanup_(segment_list_deinit) struct segment_list list = {0};
    const char *start = compiler->at;
    size_t open = 0;

    for (; compiler->at < compiler->end; compiler->at++) {
        const char *here = compiler->at;
        struct segment segment;
        int r;

        /* In a value itself ')' and ',' are characters like others. */
        if (end == END_OF_ARGUMENT && *here == ',' && open == 0)
            break;
        if (end == END_OF_NAME && *here == ':')
            break;
        if (end != END_OF_TEXT && *here == ')' && open-- == 0)
            break;
        if (*here == '(')
            open++;
        if (*here != '$')
            continue;
        r = read_dollar(compiler, &segment);
        if (r < 0)
            return r;
        if (r == 0) {
            segment_list_add_text(&list, start, here);
            segment_list_add(&list, segment);
            start = compiler->at;
        }
        compiler->at--;
    }
    segment_list_add_text(&list, start, compiler->at);
    /* Over all templates: many short values cost as much as one long one. */
    compiler->macros->segment_count += list.count;
    if (compiler->macros->segment_count > MACRO_SEGMENT_COUNT_MAX)
        return sources_error(compiler->macros->sources, start, compiler->err, -E2BIG,
                             "there are more than %zu macros and texts between them",
                             MACRO_SEGMENT_COUNT_MAX);
    *ret_template = make_template(compiler, list.items, list.count);
    return 0;
}

int macros_compile(struct macros *macros, struct slice value, uint32_t own_symbol,
                   struct template *ret_template, struct error *err)
{
    struct compiler compiler = {
        .macros = macros,
        .err = err,
        .at = value.data,
        .end = value.data + value.length,
        .own_symbol = own_symbol,
    };

    return compiler_read_template(&compiler, END_OF_TEXT, ret_template);
}
