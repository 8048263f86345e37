/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions, by PCRE2 (pcre2api(3)). A pattern that is a literal is compiled with the
 * expression that holds it, and once for each call otherwise. Matching is bounded: each item of the
 * pattern that is tried is a step of the evaluation, told by PCRE2's automatic callouts
 * (pcre2callout(3)), and a pattern that backtracks without end is an ERROR.
 */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "classad_internal.h"

#include "base/memory.h"

#include <pcre2.h>

/* Steps of one match, and what it may take of memory (in KiB). */
enum { MATCH_LIMIT = 100 * 1000, HEAP_LIMIT_KIB = 1024 };

struct regexp {
    struct regexp *next;
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *context;
};

static void regexp_free(struct regexp *regexp)
{
    pcre2_match_context_free(regexp->context);
    pcre2_match_data_free(regexp->match);
    pcre2_code_free(regexp->code);
    free(regexp);
}

DEFINE_CLEANUP(struct regexp *, regexp_free);
#define _cleanup_regexp_ _cleanup_(regexp_free_p)

void regexps_free(struct regexp *regexps)
{
    while (regexps) {
        struct regexp *next = regexps->next;

        regexp_free(regexps);
        regexps = next;
    }
}

/* The letters that HTCondor knows; others are passed over. */
static uint32_t compile_options(struct slice options)
{
    uint32_t flags = PCRE2_AUTO_CALLOUT;

    for (size_t i = 0; i < options.length; i++) {
        char letter = (char)(options.data[i] | 0x20);

        flags |= letter == 'i' ? PCRE2_CASELESS : 0;
        flags |= letter == 'm' ? PCRE2_MULTILINE : 0;
        flags |= letter == 's' ? PCRE2_DOTALL : 0;
        flags |= letter == 'x' ? PCRE2_EXTENDED : 0;
    }
    return flags;
}

/* NULL if the pattern is none. */
static struct regexp *regexp_new(struct slice pattern, struct slice options)
{
    _cleanup_regexp_ struct regexp *regexp = memory_allocate(sizeof(*regexp));
    PCRE2_SIZE offset;
    int error;

    regexp->code = pcre2_compile((PCRE2_SPTR)pattern.data, pattern.length, compile_options(options),
                                 &error, &offset, NULL);
    if (!regexp->code)
        return NULL;
    regexp->match = pcre2_match_data_create_from_pattern(regexp->code, NULL);
    regexp->context = pcre2_match_context_create(NULL);
    if (!regexp->match || !regexp->context)
        return NULL;
    pcre2_set_match_limit(regexp->context, MATCH_LIMIT);
    pcre2_set_heap_limit(regexp->context, HEAP_LIMIT_KIB);
    return take_pointer(regexp);
}

static bool is_string_literal(const struct classad_node *node)
{
    return node->kind == NODE_LITERAL && node->value.type == CLASSAD_STRING;
}

/* Where a function has its options, and whether it has a pattern in front at all. */
static bool options_index(const struct classad_function *function, uint32_t *ret_index)
{
    if (function->code == classad_function_regexp ||
        function->code == classad_function_regexp_member)
        *ret_index = 2;
    else if (function->code == classad_function_regexp_replace ||
             function->code == classad_function_regexp_words)
        *ret_index = 3;
    else
        return false;
    return true;
}

void classad_call_prepare(struct classad_node *call, struct regexp **regexps)
{
    struct slice options = {"", 0};
    uint32_t index;

    if (!options_index(call->function, &index) || call->count == 0 ||
        !is_string_literal(call->operands[0]))
        return;
    if (call->count > index) {
        if (!is_string_literal(call->operands[index]))
            return;
        options = value_text(&call->operands[index]->value);
    }
    call->regexp = regexp_new(value_text(&call->operands[0]->value), options);
    if (call->regexp) {
        call->regexp->next = *regexps;
        *regexps = call->regexp;
    }
}

/* The call's own, made when it is first asked for; NULL if the pattern is none. */
static const struct regexp *call_regexp(struct call *call, struct slice pattern,
                                        struct slice options)
{
    if (call->node->regexp)
        return call->node->regexp;
    /* Compiling is charged with what it may cost. */
    if (!call->regexp && evaluation_spend(call->evaluation, 100 + pattern.length))
        call->regexp = regexp_new(pattern, options);
    return call->regexp;
}

static int spend_on_item(pcre2_callout_block *block, void *user_data)
{
    (void)block;
    return evaluation_spend(user_data, 1) ? 0 : PCRE2_ERROR_CALLOUT;
}

/* With \K in a subroutine PCRE2 tells matches that end before they begin, or begin before `start`.
 */
static bool is_sound(const struct regexp *regexp, int group_count, size_t start)
{
    const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(regexp->match);

    for (int i = 0; i < group_count; i++)
        if (offsets[2 * i] != PCRE2_UNSET && offsets[2 * i] > offsets[2 * i + 1])
            return false;
    return offsets[0] >= start;
}

/*
 * If it matches from `start` on: one more than the number of the last group that took part. 0 if it
 * does not; -1 if that took too long, or if the match is none that a text could be cut by.
 */
static int match_at(struct evaluation *evaluation, const struct regexp *regexp, struct slice text,
                    size_t start, uint32_t options)
{
    int r;

    if (!evaluation_spend(evaluation, 1 + (text.length - start) / 16))
        return -1;
    pcre2_set_callout(regexp->context, spend_on_item, evaluation);
    r = pcre2_match(regexp->code, (PCRE2_SPTR)text.data, text.length, start, options, regexp->match,
                    regexp->context);
    if (r == PCRE2_ERROR_NOMATCH)
        return 0;
    return r > 0 && is_sound(regexp, r, start) ? r : -1;
}

struct classad_value regexp_match(struct call *call, const struct classad_value *pattern,
                                  const struct classad_value *options, struct slice text)
{
    const struct regexp *regexp;
    int r;

    if (pattern->type != CLASSAD_STRING)
        return pattern->type == CLASSAD_UNDEFINED ? VALUE_UNDEFINED : VALUE_ERROR;
    regexp = call_regexp(call, value_text(pattern), value_text(options));
    r = regexp ? match_at(call->evaluation, regexp, text, 0, 0) : -1;
    return r < 0 ? VALUE_ERROR : value_boolean(r > 0);
}

/* Evaluates the first `count` arguments and the options behind them; ERROR before UNDEFINED. */
static bool take_texts(struct call *call, uint32_t count, struct classad_value *values,
                       struct classad_value *ret_wrong)
{
    bool error = false, undefined = false;

    values[count] = value_string((struct slice){"", 0});
    for (uint32_t i = 0; i < call->count && i <= count; i++) {
        values[i] = call_argument(call, i);
        undefined = undefined || values[i].type == CLASSAD_UNDEFINED;
        error = error || values[i].type == CLASSAD_ERROR;
    }
    *ret_wrong = undefined && !error ? VALUE_UNDEFINED : VALUE_ERROR;
    return !error && !undefined && values[count].type == CLASSAD_STRING;
}

/* regexp(pattern, text[, options]) */
struct classad_value classad_function_regexp(struct call *call)
{
    struct classad_value values[3], wrong;

    if (!take_texts(call, 2, values, &wrong))
        return wrong;
    if (values[0].type != CLASSAD_STRING || values[1].type != CLASSAD_STRING)
        return VALUE_ERROR;
    return regexp_match(call, &values[0], &values[2], value_text(&values[1]));
}

/* regexpMember(pattern, list[, options]): UNDEFINED if only what is not known could match. */
struct classad_value classad_function_regexp_member(struct call *call)
{
    struct classad_value values[3], wrong, element, result;
    bool undefined = false;
    struct list_walk walk;

    if (!take_texts(call, 2, values, &wrong))
        return wrong;
    if (values[0].type != CLASSAD_STRING || values[1].type != CLASSAD_LIST)
        return VALUE_ERROR;
    walk = list_walk_begin(call->evaluation, &values[1]);
    while (list_walk_next(&walk, &element)) {
        if (element.type == CLASSAD_UNDEFINED) {
            undefined = true;
            continue;
        }
        if (element.type != CLASSAD_STRING)
            return VALUE_ERROR;
        result = regexp_match(call, &values[0], &values[2], value_text(&element));
        if (result.type != CLASSAD_BOOLEAN || result.boolean)
            return result;
    }
    return undefined ? VALUE_UNDEFINED : value_boolean(false);
}

/*
 * Appends the substitute: \0 to \9 are groups of the match, any other backslash is itself. Returns
 * false for a group behind the last one that took part.
 */
static bool append_substitute(const struct regexp *regexp, uint32_t group_count, struct slice text,
                              struct slice substitute, struct buffer *result)
{
    const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(regexp->match);

    for (size_t i = 0; i < substitute.length; i++) {
        char next = i + 1 < substitute.length ? substitute.data[i + 1] : '\0';
        uint32_t group;

        if (substitute.data[i] != '\\' || next < '0' || next > '9') {
            buffer_append_character(result, substitute.data[i]);
            continue;
        }
        group = (uint32_t)(next - '0');
        if (group >= group_count)
            return false;
        if (offsets[2 * group] != PCRE2_UNSET)
            buffer_append(result, text.data + offsets[2 * group],
                          offsets[2 * group + 1] - offsets[2 * group]);
        i++;
    }
    return true;
}

/* What regexps() and its kind are asked for. */
struct replacement {
    struct slice text;
    struct slice substitute;
    bool whole; /* with what did not match around it */
    bool all;   /* every match */
};

/*
 * Behind an empty match the same place is tried again for one that is not. If there is none, one
 * character is kept: by HTCondor's library even if nothing else around the matches is.
 */
static struct classad_value replace_with(struct evaluation *evaluation, const struct regexp *regexp,
                                         const struct replacement *replacement)
{
    _cleanup_buffer_ struct buffer result = BUFFER_INIT;
    const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(regexp->match);
    struct slice text = replacement->text;
    uint32_t options = 0;
    size_t at = 0;
    int r;

    for (;;) {
        r = match_at(evaluation, regexp, text, at, options);
        if (r == 0 && options != 0 && at < text.length) {
            buffer_append_character(&result, text.data[at++]);
            options = 0;
            continue;
        }
        if (r <= 0)
            break;
        if (replacement->whole)
            buffer_append(&result, text.data + at, offsets[0] - at);
        if (!append_substitute(regexp, (uint32_t)r, text, replacement->substitute, &result) ||
            result.length > CLASSAD_VALUE_SIZE_MAX)
            return VALUE_ERROR;
        at = offsets[1];
        options = offsets[0] == at ? PCRE2_NOTEMPTY_ATSTART | PCRE2_ANCHORED : 0;
        if (!replacement->all)
            break;
    }
    if (r < 0)
        return VALUE_ERROR;
    if (replacement->whole && at < text.length)
        buffer_append_slice(&result, text_behind(text, at));
    return evaluation_string(evaluation, (struct slice){buffer_text(&result), result.length});
}

static bool has_option(struct slice options, char letter)
{
    for (size_t i = 0; i < options.length; i++)
        if ((options.data[i] | 0x20) == letter)
            return true;
    return false;
}

/* regexps(pattern, text, substitute[, options]), replace() and replaceAll(). */
struct classad_value classad_function_regexp_replace(struct call *call)
{
    struct classad_value values[4], wrong;
    struct replacement replacement;
    const struct regexp *regexp;

    if (!take_texts(call, 3, values, &wrong))
        return wrong;
    for (int i = 0; i < 3; i++)
        if (values[i].type != CLASSAD_STRING)
            return VALUE_ERROR;
    replacement = (struct replacement){
        .text = value_text(&values[1]),
        .substitute = value_text(&values[2]),
        .whole = call->variant > 0 || has_option(value_text(&values[3]), 'f'),
        .all = call->variant == 2 || has_option(value_text(&values[3]), 'g'),
    };
    regexp = call_regexp(call, value_text(&values[0]), value_text(&values[3]));
    return regexp ? replace_with(call->evaluation, regexp, &replacement) : VALUE_ERROR;
}
