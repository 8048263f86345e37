/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTCondor's own table of expressions and values (the corpus' classad/functional_tests.txt):
 * "same A, B" and "diff A, B" are checked, "eval x = E" names a text that $x stands for. Lines with
 * a slip of the pen, where no comma splits two expressions, are passed over, and counted, so that
 * no more of them are.
 */
#include "classad.h"

#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What version 23.9.6 answers otherwise where its documentation says so too. */
static const struct {
    const char *line;
    const char *value;
} corrections[] = {
    {"same sum($list0), undefined", "0"},
    {"same avg($list0), undefined", "0"},
    {"same $x[\"c\"], error", "undefined"},
};

enum { CHECKED_MIN = 221, SLIPS_MAX = 6, NAMES_MAX = 32 };

struct table {
    char *names[NAMES_MAX];
    char *texts[NAMES_MAX];
    size_t count;
    size_t checked;
    size_t slips;
    size_t wrong;
};

static bool is_name(char character)
{
    return character == '_' || (character >= '0' && character <= '9') ||
           ((character | 0x20) >= 'a' && (character | 0x20) <= 'z');
}

/* With each $name replaced by the text that it stands for. */
static void substitute(const struct table *table, struct slice text, struct buffer *result)
{
    for (size_t i = 0; i < text.length; i++) {
        size_t end = i + 1;
        const char *found = NULL;

        while (text.data[i] == '$' && end < text.length && is_name(text.data[end]))
            end++;
        for (size_t n = 0; n < table->count; n++)
            if (slice_equals((struct slice){text.data + i + 1, end - i - 1}, table->names[n]))
                found = table->texts[n];
        if (!found) {
            buffer_append_character(result, text.data[i]);
            continue;
        }
        buffer_append_text(result, found);
        i = end - 1;
    }
}

static struct classad_expression *parse(struct slice text)
{
    struct classad_expression *expression = NULL;
    struct classad_failure failure;

    if (classad_expression_parse(text, CLASSAD_NEW, &expression, &failure) < 0)
        return NULL;
    return expression;
}

/* Splits at the first comma that has an expression on both sides. */
static bool split(struct slice text, struct classad_expression **ret_left,
                  struct classad_expression **ret_right)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] != ',')
            continue;
        *ret_left = parse((struct slice){text.data, i});
        *ret_right = parse((struct slice){text.data + i + 1, text.length - i - 1});
        if (*ret_left && *ret_right)
            return true;
        classad_expression_free(*ret_left);
        classad_expression_free(*ret_right);
        *ret_left = *ret_right = NULL;
    }
    return false;
}

static void check(struct table *table, struct slice line, bool same)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    _cleanup_classad_expression_ struct classad_expression *left = NULL, *right = NULL;
    struct classad_evaluator evaluators[2] = {0};
    struct classad_value values[2];

    substitute(table, (struct slice){line.data + 5, line.length - 5}, &text);
    for (size_t i = 0; i < ARRAY_LENGTH(corrections); i++)
        if (slice_equals(line, corrections[i].line)) {
            text.length = (size_t)(strrchr(text.data, ',') + 1 - text.data);
            buffer_append_text(&text, corrections[i].value);
        }
    if (!split((struct slice){text.data, text.length}, &left, &right)) {
        printf("# passed over: %.*s\n", (int)line.length, line.data);
        table->slips++;
        return;
    }
    values[0] = classad_evaluate(&evaluators[0], classad_expression_node(left), NULL, NULL);
    values[1] = classad_evaluate(&evaluators[1], classad_expression_node(right), NULL, NULL);
    table->checked++;
    if (classad_value_is_same(&values[0], &values[1]) != same) {
        _cleanup_buffer_ struct buffer shown = BUFFER_INIT;

        classad_value_print(&values[0], CLASSAD_NEW, &shown);
        printf("# wrong: %.*s: %s\n", (int)line.length, line.data, shown.data);
        table->wrong++;
    }
    classad_evaluator_deinit(&evaluators[0]);
    classad_evaluator_deinit(&evaluators[1]);
}

/* "eval name = text"; a later one replaces what the name stood for. */
static void define(struct table *table, struct slice line)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    const char *equals = memchr(line.data, '=', line.length);
    struct slice name;
    size_t i = 0;

    assert_non_null(equals);
    name = slice_trim((struct slice){line.data + 5, (size_t)(equals - line.data) - 5});
    substitute(
        table,
        slice_trim((struct slice){equals + 1, line.length - (size_t)(equals + 1 - line.data)}),
        &text);
    while (i < table->count && !slice_equals(name, table->names[i]))
        i++;
    assert_true(i < NAMES_MAX);
    if (i == table->count) {
        table->names[table->count++] = slice_copy(name);
        table->texts[i] = NULL;
    }
    free(table->texts[i]);
    table->texts[i] = buffer_take(&text);
}

/* How many brackets are open behind the text. */
static int depth_behind(struct slice text)
{
    int depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == '"')
            quoted = !quoted;
        else if (!quoted && strchr("[{", text.data[i]))
            depth++;
        else if (!quoted && strchr("]}", text.data[i]))
            depth--;
    }
    return depth;
}

static void read_statement(struct table *table, struct slice line)
{
    if (line.length > 0 && line.data[line.length - 1] == ';')
        line = slice_trim((struct slice){line.data, line.length - 1});
    if (line.length > 5 && memcmp(line.data, "same ", 5) == 0)
        check(table, line, true);
    else if (line.length > 5 && memcmp(line.data, "diff ", 5) == 0)
        check(table, line, false);
    else if (line.length > 5 && memcmp(line.data, "eval ", 5) == 0)
        define(table, line);
}

static void corpus_path(struct buffer *path)
{
    const char *given = getenv("DUSK_CORPUS");
    const char *source = strstr(__FILE__, "src/lang/");

    if (given)
        buffer_appendf(path, "%s/classad/functional_tests.txt", given);
    else
        buffer_appendf(path, "%.*s../shared/corpus/classad/functional_tests.txt",
                       source ? (int)(source - __FILE__) : 0, __FILE__);
}

static void the_table_is_answered_as_htcondor_answers_it(void **state)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT, statement = BUFFER_INIT;
    _cleanup_free_ char *line = NULL;
    struct table table = {0};
    size_t capacity = 0;
    ssize_t length;
    FILE *file;

    (void)state;
    corpus_path(&path);
    file = fopen(path.data, "r");
    if (!file)
        TEST_SKIP("there is no corpus of ClassAds");
    while ((length = getline(&line, &capacity, file)) >= 0) {
        buffer_append(&statement, line, (size_t)length);
        if (depth_behind((struct slice){statement.data, statement.length}) > 0)
            continue;
        read_statement(&table, slice_trim((struct slice){statement.data, statement.length}));
        buffer_clear(&statement);
    }
    fclose(file);
    for (size_t i = 0; i < table.count; i++) {
        free(table.names[i]);
        free(table.texts[i]);
    }
    printf("# %zu checked, %zu passed over\n", table.checked, table.slips);
    assert_int_equal(table.wrong, 0);
    assert_true(table.checked >= CHECKED_MIN);
    assert_true(table.slips <= SLIPS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_answered_as_htcondor_answers_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
