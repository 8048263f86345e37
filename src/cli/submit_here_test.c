/* SPDX-License-Identifier: Apache-2.0 */
/* What a submit text may ask of this computer, in a folder with a few files. */
#include "submit_here.h"

#include "automatics.h"
#include "base/memory.h"
#include "base/test.h"
#include "sys/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/dusk-here-XXXXXX";

static void write_file(const char *name, const char *content)
{
    assert_int_equal(file_replace(name, content, strlen(content), 0600, false, NULL), 0);
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder) || chdir(folder) < 0)
        return -1;
    setenv("XDG_CONFIG_HOME", folder, 1);
    write_file("b.dat", "");
    write_file("a.dat", "");
    write_file("c.txt", "");
    return file_make_folders("d.dat", 0700, NULL) + file_make_folders("dusk/templates", 0700, NULL);
}

static int remove_folder(void **state)
{
    (void)state;
    return file_remove_tree(folder, NULL);
}

/* The names that a pattern matches, with '|' behind each. */
static void assert_matches(const char *pattern, enum submit_match match, const char *expected)
{
    _cleanup_buffer_ struct buffer names = BUFFER_INIT;

    assert_int_equal(submit_here.match_files(NULL, pattern, match, &names, NULL), 0);
    for (size_t i = 0; i < names.length; i++)
        if (names.data[i] == '\0')
            names.data[i] = '|';
    assert_string_equal(buffer_text(&names), expected);
}

static void patterns_match_in_order(void **state)
{
    (void)state;
    assert_matches("*.dat", SUBMIT_MATCH_ANY, "a.dat|b.dat|d.dat/|");
    assert_matches("*.dat", SUBMIT_MATCH_FILES, "a.dat|b.dat|");
    assert_matches("[a-d]*", SUBMIT_MATCH_DIRS, "d.dat/|dusk/|");
    assert_matches("*.none", SUBMIT_MATCH_ANY, "");
}

static void the_users_own_templates_are_found(void **state)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    _cleanup_error_ struct error err = ERROR_INIT;

    (void)state;
    write_file("dusk/templates/Big", "request_cpus = 8\n");
    assert_int_equal(submit_here.read_template(NULL, "Big", &text, &err), 0);
    assert_string_equal(buffer_text(&text), "request_cpus = 8\n");
    assert_int_equal(submit_here.read_template(NULL, "NoSuchTemplate", &text, &err), 1);
    assert_null(err.text);
}

static void commands_that_fail_say_how(void **state)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    _cleanup_error_ struct error err = ERROR_INIT;

    (void)state;
    assert_int_equal(submit_here.run_command(NULL, "echo a; echo b", &text, &err), 0);
    assert_string_equal(buffer_text(&text), "a\nb\n");
    assert_int_equal(submit_here.run_command(NULL, "exit 3", &text, &err), -ECHILD);
    assert_string_equal(error_text(&err), "the command 'exit 3' failed with exit code 3");
}

static void what_is_included_is_kept_in_a_file(void **state)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    _cleanup_error_ struct error err = ERROR_INIT;
    struct slice lines = slice_from_text("a = 1\n");

    (void)state;
    assert_int_equal(submit_here.write_file(NULL, "kept.sub", lines, &err), 0);
    assert_int_equal(submit_here.read_file(NULL, "kept.sub", &text, &err), 0);
    assert_string_equal(buffer_text(&text), "a = 1\n");
    assert_int_equal(submit_here.write_file(NULL, "nowhere/kept.sub", lines, &err), -ENOENT);
}

static const char *find(const struct submit_automatic *automatics, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(automatics[i].name, name) == 0)
            return automatics[i].value;
    return NULL;
}

static void automatic_macros_say_when_and_where(void **state)
{
    _cleanup_arena_ struct arena arena = ARENA_INIT;
    size_t count;
    const struct submit_automatic *automatics = automatics_make("x/y.sub", "/h/u", &arena, &count);

    (void)state;
    assert_string_equal(find(automatics, count, "SUBMIT_FILE"), "/h/u/x/y.sub");
    assert_string_equal(find(automatics, count, "SUBMIT_FOLDER"), "/h/u");
    assert_string_equal(find(automatics, count, "OPSYS"), "LINUX");
    assert_string_equal(find(automatics, count, "Node"), "");
    assert_int_equal(strlen(find(automatics, count, "Year")), 4);
    assert_int_equal(strlen(find(automatics, count, "Month")), 2);
    assert_true(strtoll(find(automatics, count, "SUBMIT_TIME"), NULL, 10) > 1700000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_in_order),
        cmocka_unit_test(the_users_own_templates_are_found),
        cmocka_unit_test(commands_that_fail_say_how),
        cmocka_unit_test(what_is_included_is_kept_in_a_file),
        cmocka_unit_test(automatic_macros_say_when_and_where),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
