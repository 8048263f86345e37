/* SPDX-License-Identifier: Apache-2.0 */
/*
 * if, elif, else and endif (condor_submit(1), "If/Else macros"), and what may stand behind them, as
 * HTCondor has it: a truth value, a number, `defined NAME`, `version >= X.Y.Z`, with a '!' in front
 * if wanted. What is more is refused here as there. Macros are replaced first, one without a
 * definition is nothing, and nothing is false.
 *
 * Lines that do not count are passed over one by one, without a look at what they hold, but for
 * further ifs. So by the time a submit is frozen no condition is left.
 */
#include "submit_internal.h"
#include "text.h"

#include "base/memory.h"

#include <errno.h>
#include <string.h>

/* Whose submit files these are: what `version` is compared with. */
static const int64_t version_here[3] = {23, 9, 6};

static const struct {
    const char *word;
    bool value;
} truths[] = {
    {"true", true}, {"yes", true}, {"t", true}, {"false", false}, {"no", false}, {"f", false},
};

static bool read_truth(struct slice text, bool *ret_value)
{
    for (size_t i = 0; i < ARRAY_LENGTH(truths); i++)
        if (slice_equals_ignoring_case(text, truths[i].word)) {
            *ret_value = truths[i].value;
            return true;
        }
    return false;
}

static bool read_number(struct slice text, bool *ret_value)
{
    struct number number;

    if (number_parse(text, &number) < 0)
        return false;
    *ret_value = number.is_real ? number.real != 0 : number.integer != 0;
    return true;
}

static int refuse(struct submit_reader *reader, struct slice condition)
{
    reader_error(reader, condition.data, -EINVAL, "'%.*s' is no condition that can be decided",
                 SLICE_SHOWN(condition));
    error_hint(reader->err,
               "write a truth value or a number, 'defined NAME' or 'version >= 8.4.0'; "
               "a comparison can be computed by a macro, as in $EVAL($(x) > 3)");
    return -EINVAL;
}

/* "23.9.6", the last number of which may be missing; HTCondor had no version before 6. */
static bool read_version(struct slice text, int64_t version[static 3])
{
    size_t count = 0;

    if (text.length > 0 && (text.data[0] | 0x20) == 'v')
        text = text_behind(text, 1);
    memcpy(version, version_here, sizeof(version_here));
    for (; count < 3 && text.length > 0; count++) {
        struct slice part = text_take(&text, '.');
        struct number number;

        if (number_parse(part, &number) < 0 || number.is_real || number.integer < 0)
            return false;
        version[count] = number.integer;
    }
    return count >= 2 && text.length == 0 && version[0] >= 6;
}

/* -1, 0 or 1: how this version compares with the other. */
static int compare_version(const int64_t version[static 3])
{
    for (size_t i = 0; i < 3; i++)
        if (version_here[i] != version[i])
            return version_here[i] < version[i] ? -1 : 1;
    return 0;
}

/* Behind the word "version". */
static bool decide_version(struct slice text, bool *ret_value)
{
    static const char *const operators[] = {"!=", "<=", ">=", "==", "<", ">", "="};
    size_t chosen = 0;
    int64_t version[3];
    int order;

    while (chosen < ARRAY_LENGTH(operators) && !text_begins(text, operators[chosen]))
        chosen++;
    if (chosen == ARRAY_LENGTH(operators))
        return false;
    text = slice_trim(text_behind(text, strlen(operators[chosen])));
    if (!read_version(text, version))
        return false;
    order = compare_version(version);
    *ret_value = (order < 0 && operators[chosen][0] == '<') ||
                 (order > 0 && operators[chosen][0] == '>') ||
                 (order != 0 && operators[chosen][0] == '!') ||
                 (order == 0 && operators[chosen][0] != '!' &&
                  memchr(operators[chosen], '=', strlen(operators[chosen])));
    return true;
}

/* A value that is empty as it is written counts as none. */
static bool is_defined(struct submit_reader *reader, struct slice name)
{
    struct macros *macros = &reader->submit->macros;
    uint32_t index = macros_symbol(macros, name), definition;
    struct symbol *symbol = &macros->symbols[index];

    symbol->is_referenced = true;
    definition = macros_find_definition(macros, index, (uint32_t)macros->definition_count);
    if (definition != MACRO_NONE)
        return macros->definitions[definition].value.length > 0;
    return symbol->automatic && symbol->automatic[0] != '\0';
}

/* Behind the word "defined". */
static int decide_defined(struct submit_reader *reader, struct slice text, bool *ret_value)
{
    bool value;

    *ret_value = text.length > 0;
    if (text.length == 0)
        return 0;
    if (text_begins(text, "use "))
        return reader_find_template(reader, slice_trim(text_behind(text, 4)), ret_value);
    if (macro_name_is_valid(text)) {
        *ret_value = is_defined(reader, text) || read_truth(text, &value);
        return 0;
    }
    if (read_number(text, &value))
        return 0;
    return reader_error(reader, text.data, -EINVAL, "behind 'defined' a macro's name is missing");
}

static int decide(struct submit_reader *reader, struct slice condition, bool *ret_value)
{
    struct slice rest = condition, word = text_take_word(&rest, "<>=!");

    if (read_number(condition, ret_value) || read_truth(condition, ret_value))
        return 0;
    rest = slice_trim(rest);
    if (slice_equals_ignoring_case(word, "defined"))
        return decide_defined(reader, rest, ret_value);
    if (slice_equals_ignoring_case(word, "version") && decide_version(rest, ret_value))
        return 0;
    if (slice_equals_ignoring_case(word, "version"))
        return reader_error(reader, condition.data, -EINVAL,
                            "a version is compared with two or three numbers, as in "
                            "'version >= 8.4.0'");
    return refuse(reader, condition);
}

/* With its macros replaced, and '!' in front turned into its meaning. */
static int test_condition(struct submit_reader *reader, struct slice condition, bool *ret_value)
{
    bool has_macros = condition.length > 0 && memchr(condition.data, '$', condition.length) != NULL;
    struct slice place = condition;
    bool negated, value = false;
    int r;

    r = reader_expand(reader, &condition, true);
    if (r < 0)
        return r;
    negated = condition.length > 0 && condition.data[0] == '!';
    if (negated)
        condition = slice_trim(text_behind(condition, 1));
    if (condition.length == 0 && !has_macros)
        return reader_error(reader, place.data, -EINVAL, "here a condition is missing");
    if (condition.length > 0)
        r = decide(reader, condition, &value);
    if (r < 0)
        return r;
    *ret_value = value != negated;
    return 0;
}

bool reader_is_enabled(const struct submit_reader *reader)
{
    return reader->condition_count == 0 ||
           reader->conditions[reader->condition_count - 1].is_enabled;
}

static int begin_if(struct submit_reader *reader, struct slice line, struct slice condition)
{
    struct condition *top = &reader->conditions[reader->condition_count];
    bool outer = reader_is_enabled(reader), value = false;
    int r = 0;

    if (reader->condition_count == CONDITION_COUNT_MAX)
        return reader_error(reader, line.data, -E2BIG,
                            "there are more than %d ifs within each other", CONDITION_COUNT_MAX);
    if (outer)
        r = test_condition(reader, condition, &value);
    if (r < 0)
        return r;
    *top = (struct condition){
        .place = line.data, .is_outer_enabled = outer, .is_enabled = value, .was_true = value};
    reader->condition_count++;
    return 0;
}

/* The if that an elif, else or endif belongs to, in the same file; NULL with an error if none. */
static struct condition *find_if(struct submit_reader *reader, struct slice line, const char *word)
{
    if (reader->condition_count > reader->condition_base)
        return &reader->conditions[reader->condition_count - 1];
    reader_error(reader, line.data, -EINVAL, "there is no 'if' that this '%s' belongs to", word);
    return NULL;
}

static int continue_if(struct submit_reader *reader, struct slice line, struct slice condition,
                       bool is_else)
{
    const char *word = is_else ? "else" : "elif";
    struct condition *top = find_if(reader, line, word);
    bool value = is_else;
    int r = 0;

    if (!top)
        return -EINVAL;
    if (top->has_else)
        return reader_error(reader, line.data, -EINVAL, "an '%s' cannot stand behind an 'else'",
                            word);
    if (!is_else && top->is_outer_enabled && !top->was_true)
        r = test_condition(reader, condition, &value);
    if (r < 0)
        return r;
    top->has_else = is_else;
    top->is_enabled = top->is_outer_enabled && !top->was_true && value;
    top->was_true = top->was_true || top->is_enabled;
    return 0;
}

int reader_read_condition(struct submit_reader *reader, struct slice line)
{
    struct slice rest = line, word = text_take_word(&rest, "");
    struct slice condition = slice_trim(rest);

    /* A macro may be called so: then a '=' stands behind. */
    if (condition.length > 0 && condition.data[0] == '=')
        return 1;
    if (slice_equals_ignoring_case(word, "if"))
        return begin_if(reader, line, condition);
    if (slice_equals_ignoring_case(word, "elif"))
        return continue_if(reader, line, condition, false);
    if (slice_equals_ignoring_case(word, "else"))
        return continue_if(reader, line, condition, true);
    if (!slice_equals_ignoring_case(word, "endif"))
        return 1;
    if (!find_if(reader, line, "endif"))
        return -EINVAL;
    reader->condition_count--;
    return 0;
}

/* HTCondor takes the end of the file for it. */
void reader_end_conditions(struct submit_reader *reader, size_t count)
{
    while (reader->condition_count > count)
        reader_warn(reader, reader->conditions[--reader->condition_count].place,
                    "this 'if' has no 'endif'");
}
