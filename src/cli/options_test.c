/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include "base/buffer.h"
#include "base/test.h"
#include "command.h"
#include "exit_code.h"

#include <string.h>

enum { KEY_BATCH = KEY_OWN };

static const struct option_word words[] = {
    {"quiet", 'q', OPTION_FLAG, NULL, "says less"},
    {"append", 'a', OPTION_VALUE, "LINE", "a line"},
    {"batch-name", KEY_BATCH, OPTION_VALUE, "NAME", "a name"},
    {"af", KEY_AUTOFORMAT, OPTION_WORDS, "NAME...", "values"},
};
static const struct command command = {
    .name = "test", .options = words, .option_count = ARRAY_LENGTH(words)};
static const struct command command_that_stops = {
    .name = "run", .options = words, .option_count = ARRAY_LENGTH(words), .stops_at_operand = true};

static size_t count_words(const char *const *line)
{
    size_t count = 0;

    while (line[count])
        count++;
    return count;
}

/* "q a=LINE | operand operand": what a command line means, or "! error". */
static void read_line(const struct command *of, const char *const *line, struct buffer *meaning)
{
    _cleanup_(options_free_p) struct options *options =
        options_new(of, (int)count_words(line), (char *const *)line);
    _cleanup_error_ struct error err = ERROR_INIT;
    char *const *operands;
    const char *value;
    size_t count;
    int key;

    while ((key = options_next(options, &value, &err)) > 0) {
        if (key < KEY_SERVER)
            buffer_appendf(meaning, "%c", key);
        else
            buffer_appendf(meaning, "%d", key);
        if (value)
            buffer_appendf(meaning, "=%s", value);
        buffer_append_character(meaning, ' ');
    }
    if (key < 0) {
        assert_int_equal(key, FAILURE_USAGE);
        buffer_appendf(meaning, "! %s (%s)", error_text(&err), err.hint);
        return;
    }
    buffer_append_character(meaning, '|');
    operands = options_operands(options, &count);
    for (size_t i = 0; i < count; i++)
        buffer_appendf(meaning, " %s", operands[i]);
}

#define assert_line_of(command, expected, ...)                                                     \
    do {                                                                                           \
        const char *const line[] = {__VA_ARGS__, NULL};                                            \
        _cleanup_buffer_ struct buffer meaning = BUFFER_INIT;                                      \
                                                                                                   \
        read_line(&(command), line, &meaning);                                                     \
        assert_string_equal(buffer_text(&meaning), expected);                                      \
    } while (0)
#define assert_line(expected, ...) assert_line_of(command, expected, __VA_ARGS__)

static void gnu_options_stand_anywhere(void **state)
{
    (void)state;
    assert_line("q a=x y | file", "-q", "file", "--append=x y");
    assert_line("q a=x | file", "-qa", "x", "file");
    assert_line("a=queue | file", "-aqueue", "file");
    assert_line("q | -a file", "-q", "--", "-a", "file");
    assert_line("| -", "-");
    assert_line("256=host:1 |", "--server", "host:1");
}

static void long_words_of_htcondor_have_one_dash(void **state)
{
    (void)state;
    assert_line("a=x | file", "-append", "x", "file");
    assert_line("300=n | file", "file", "-batch-name", "n");
    assert_line("300=n |", "-batch-name=n");
    assert_line("a=-dash |", "-append", "-dash");
}

static void an_option_of_words_takes_all_up_to_the_next_dash(void **state)
{
    (void)state;
    assert_line("260=Id State q | 17", "17", "-af", "Id", "State", "-q");
    assert_line("260=:jh Id State |", "-af:jh", "Id", "State");
    assert_line("260=Id,State |", "--af=Id,State");
}

static void behind_the_first_operand_nothing_is_an_option_of_run(void **state)
{
    (void)state;
    assert_line_of(command_that_stops, "q a=x | ls -l -append", "-q", "-a", "x", "ls", "-l",
                   "-append");
    assert_line_of(command_that_stops, "a=x | ls -q", "-append", "x", "ls", "-q");
}

static void a_wrong_option_names_the_nearest(void **state)
{
    (void)state;
    assert_line("! 'dusk test' has no option '--quite' (did you mean '--quiet'? See "
                "'dusk test --help')",
                "--quite");
    assert_line("! 'dusk test' has no option '--zebra' (see 'dusk test --help')", "--zebra");
    assert_line("! 'dusk test' has no option '-z' (see 'dusk test --help')", "-z");
    assert_line("q ! 'dusk test' has no option '-z' (see 'dusk test --help')", "-qz");
    assert_line("! the option '--append' needs a value: LINE (see 'dusk test --help')", "-a");
    assert_line("! the option '--quiet' takes no value (see 'dusk test --help')", "--quiet=3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gnu_options_stand_anywhere),
        cmocka_unit_test(long_words_of_htcondor_have_one_dash),
        cmocka_unit_test(an_option_of_words_takes_all_up_to_the_next_dash),
        cmocka_unit_test(behind_the_first_operand_nothing_is_an_option_of_run),
        cmocka_unit_test(a_wrong_option_names_the_nearest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
