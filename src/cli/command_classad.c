/* SPDX-License-Identifier: Apache-2.0 */
/* dusk classad: what an expression is worth, as on a calculator; asks no server. */
#include "session.h"

#include "exit_code.h"
#include "lang/classad.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <stdio.h>
#include <string.h>

enum { KEY_MY = KEY_OWN, KEY_TARGET };

static const struct option_word classad_words[] = {
    {"my", KEY_MY, OPTION_VALUE, "FILE", "an ad: what MY.x, and x alone, look into"},
    {"target", KEY_TARGET, OPTION_VALUE, "FILE", "another ad: what TARGET.x looks into"},
    {"ad-file", KEY_MY, OPTION_VALUE, "FILE", NULL},
    {"target-file", KEY_TARGET, OPTION_VALUE, "FILE", NULL},
};

struct calculator {
    struct classad *my;     /* owned; NULL: none */
    struct classad *target; /* owned; NULL: none */
    struct classad_evaluator evaluator;
};

static void calculator_deinit(struct calculator *calculator)
{
    classad_free(calculator->my);
    classad_free(calculator->target);
    classad_evaluator_deinit(&calculator->evaluator);
}

/* The line and the column of a place, both from 1. */
static void locate(struct slice text, const char *at, size_t *ret_line, size_t *ret_column)
{
    const char *line_start = text.data;

    *ret_line = 1;
    for (const char *c = text.data; c < at; c++) {
        if (*c != '\n')
            continue;
        ++*ret_line;
        line_start = c + 1;
    }
    *ret_column = (size_t)(at - line_start) + 1;
}

/* Either spelling: what begins with '[' is new. */
static int read_ad(const char *path, struct classad **ret_ad, struct error *err)
{
    _cleanup_buffer_ struct buffer content = BUFFER_INIT;
    _cleanup_classad_ struct classad *ad = classad_new();
    struct classad_failure failure;
    enum classad_spelling spelling = CLASSAD_OLD;
    struct slice text;
    size_t line, column;
    int r = file_read(path, CLASSAD_TEXT_SIZE_MAX, &content, err);

    if (r < 0)
        return r;
    text = slice_trim((struct slice){buffer_text(&content), content.length});
    if (text.length > 0 && text.data[0] == '[')
        spelling = CLASSAD_NEW;
    r = classad_read(ad, text, spelling, &failure);
    if (r < 0) {
        locate(text, failure.at, &line, &column);
        return error_set(err, r, "%s:%zu:%zu: %s", path, line, column, failure.message);
    }
    classad_free(*ret_ad);
    *ret_ad = take_pointer(ad);
    return 0;
}

/* Prints the value and a line feed. Returns -EINVAL with the place of what cannot be understood. */
static int print_value(struct calculator *calculator, struct slice text, struct error *err)
{
    _cleanup_classad_expression_ struct classad_expression *expression = NULL;
    _cleanup_buffer_ struct buffer printed = BUFFER_INIT;
    struct classad_failure failure;
    struct classad_value value;
    int r = classad_expression_parse(text, CLASSAD_NEW, &expression, &failure);

    if (r < 0)
        return error_set(err, r, "%s\n%.*s\n%*s", failure.message, (int)text.length, text.data,
                         (int)(failure.at - text.data) + 1, "^");
    value = classad_evaluate(&calculator->evaluator, classad_expression_node(expression),
                             calculator->my, calculator->target);
    classad_value_print(&value, CLASSAD_NEW, &printed);
    buffer_append_character(&printed, '\n');
    fwrite(printed.data, 1, printed.length, stdout);
    return 0;
}

/* One value a line, whatever happens: what cannot be read is "error", and told on stderr. */
static int print_values_of_stdin(struct calculator *calculator)
{
    _cleanup_free_ char *line = NULL;
    size_t capacity = 0, number = 0;
    int result = EXIT_CODE_OK;
    ssize_t length;

    while ((length = getline(&line, &capacity, stdin)) >= 0) {
        _cleanup_error_ struct error err = ERROR_INIT;
        struct slice text = slice_trim((struct slice){line, (size_t)length});

        number++;
        if (print_value(calculator, text, &err) == 0)
            continue;
        printf("error\n");
        fprintf(stderr, "dusk classad: line %zu: %s\n", number, error_text(&err));
        result = EXIT_CODE_FAILED;
    }
    return result;
}

static int take_options(struct session *session, struct calculator *calculator, struct error *err)
{
    const char *value;
    int key, r;

    while ((key = session_next_option(session, &value, err)) > 0) {
        r = read_ad(value, key == KEY_MY ? &calculator->my : &calculator->target, err);
        if (r < 0)
            return r;
    }
    return key;
}

static int run_classad(struct session *session, struct error *err)
{
    _cleanup_(calculator_deinit) struct calculator calculator = {0};
    double now = clock_wall_seconds();
    int r = take_options(session, &calculator, err);

    if (r == 0)
        r = session_need_operands(session, 1, 2, "'eval [EXPRESSION]'", err);
    if (r < 0)
        return r;
    if (strcmp(session->operands[0], "eval") != 0)
        return options_refuse(session->command, err, "'dusk classad' cannot '%s'",
                              session->operands[0]);
    calculator.evaluator.now_seconds = (int64_t)now;
    calculator.evaluator.utc_offset_seconds = clock_utc_offset_seconds(now);
    calculator.evaluator.seed = clock_boot_us();
    if (session->operand_count == 1)
        return print_values_of_stdin(&calculator);
    return print_value(&calculator, slice_from_text(session->operands[1]), err);
}

const struct command command_classad = {
    .name = "classad",
    .summary = "evaluates ClassAd expressions",
    .synopsis = "[OPTION]... eval [EXPRESSION]",
    .description =
        "Prints the value of an expression in HTCondor's ClassAd language, as HTCondor's\n"
        "library prints it. Without one it reads an expression a line from standard\n"
        "input, and prints a value a line.\n"
        "\n"
        "An ad is a file with a 'Name = expression' a line, or '[ Name = expression; ... ]'.\n",
    .examples =
        "  dusk classad eval '8 * 1024'\n"
        "  dusk classad --target pc17.ad eval 'TARGET.Memory >= 2048 && Arch == \"X86_64\"'\n",
    .options = classad_words,
    .option_count = ARRAY_LENGTH(classad_words),
    .is_local = true,
    .stops_at_operand = true, /* an expression may begin with a minus */
    .run = run_classad,
};
