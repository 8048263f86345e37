/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts of --help, against golden/, and against the manual pages. After a wanted change:
 *
 *     DUSK_REWRITE_GOLDEN=1 meson test -C build 'cli help'
 */
#include "help.h"

#include "base/test.h"
#include "sys/file.h"

#include <stdlib.h>
#include <string.h>

static void assert_golden(const char *name, const struct buffer *text)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT, golden = BUFFER_INIT;

    buffer_appendf(&path, "%s/%s.txt", GOLDEN_FOLDER, name);
    if (getenv("DUSK_REWRITE_GOLDEN"))
        assert_int_equal(file_replace(path.data, text->data, text->length, 0644, false, NULL), 0);
    assert_int_equal(file_read(path.data, 1 << 20, &golden, NULL), 0);
    assert_string_equal(buffer_text(text), buffer_text(&golden));
}

static void the_help_of_each_command_is_as_it_was(void **state)
{
    (void)state;
    for (size_t i = 0; i < command_count; i++) {
        _cleanup_buffer_ struct buffer text = BUFFER_INIT, name = BUFFER_INIT;

        help_append_command(&text, commands[i]);
        buffer_appendf(&name, "help-%s", commands[i]->name);
        assert_golden(name.data, &text);
    }
}

static void the_list_of_commands_is_as_it_was(void **state)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    (void)state;
    help_append_list(&text);
    assert_golden("help", &text);
}

static void every_command_has_examples_and_lines_that_fit(void **state)
{
    (void)state;
    for (size_t i = 0; i < command_count; i++) {
        _cleanup_buffer_ struct buffer text = BUFFER_INIT;

        help_append_command(&text, commands[i]);
        assert_non_null(strstr(commands[i]->examples, commands[i]->name));
        for (const char *line = text.data; *line; line += strcspn(line, "\n") + 1)
            if (strcspn(line, "\n") > 100)
                fail_msg("too long: %.*s", (int)strcspn(line, "\n"), line);
    }
}

static void assert_page_has_options(const char *page, const struct command *command)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT, text = BUFFER_INIT;

    buffer_appendf(&path, "%s/%s.scd", MANUAL_FOLDER, page);
    assert_int_equal(file_read(path.data, 1 << 20, &text, NULL), 0);
    for (size_t i = 0; i < command->option_count; i++) {
        _cleanup_buffer_ struct buffer option = BUFFER_INIT;

        if (!command->options[i].summary)
            continue;
        buffer_appendf(&option, "*--%s*", command->options[i].name);
        if (!strstr(text.data, option.data))
            fail_msg("%s does not explain %s", page, option.data);
    }
}

static void the_manual_pages_explain_every_option(void **state)
{
    (void)state;
    assert_page_has_options("dusk-submit.1", &command_submit);
    assert_page_has_options("dusk-run.1", &command_run);
    assert_page_has_options("dusk-q.1", &command_q);
    assert_page_has_options("dusk-q.1", &command_history);
    assert_page_has_options("dusk-node.1", &command_node);
    assert_page_has_options("dusk-owner.1", &command_owner);
    assert_page_has_options("dusk-image.1", &command_image);
    assert_page_has_options("dusk-node.1", &command_drain);
}

static void the_manual_page_of_dusk_names_every_command(void **state)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT, text = BUFFER_INIT;

    (void)state;
    buffer_appendf(&path, "%s/dusk.1.scd", MANUAL_FOLDER);
    assert_int_equal(file_read(path.data, 1 << 20, &text, NULL), 0);
    for (size_t i = 0; i < command_count; i++) {
        _cleanup_buffer_ struct buffer name = BUFFER_INIT;

        buffer_appendf(&name, "*dusk %s", commands[i]->name);
        if (!strstr(text.data, name.data))
            fail_msg("dusk.1 does not name %s", name.data);
    }
}

static void a_command_that_does_not_exist_has_a_nearest(void **state)
{
    (void)state;
    assert_string_equal(help_nearest("sumbit"), "submit");
    assert_string_equal(help_nearest("histroy"), "history");
    assert_null(help_nearest("zebra"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_help_of_each_command_is_as_it_was),
        cmocka_unit_test(the_list_of_commands_is_as_it_was),
        cmocka_unit_test(every_command_has_examples_and_lines_that_fit),
        cmocka_unit_test(the_manual_pages_explain_every_option),
        cmocka_unit_test(the_manual_page_of_dusk_names_every_command),
        cmocka_unit_test(a_command_that_does_not_exist_has_a_nearest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
