/* SPDX-License-Identifier: Apache-2.0 */
/* Which processes keep the pool away. */
#include "presence_fixture.h"

#include "sys/file.h"

#include <stdlib.h>
#include <string.h>

static void start(const struct fixture *fixture, const char *pid, const char *program,
                  const char *file, char state)
{
    char path[64], text[128];

    snprintf(path, sizeof(path), "proc/%s", pid);
    fixture_make_folder(fixture, path);
    snprintf(path, sizeof(path), "proc/%s/comm", pid);
    snprintf(text, sizeof(text), "%s\n", program);
    fixture_write(fixture, path, text);
    snprintf(path, sizeof(path), "proc/%s/stat", pid);
    snprintf(text, sizeof(text), "%s (%s) %c 1 1 1\n", pid, program, state);
    fixture_write(fixture, path, text);
    snprintf(path, sizeof(path), "proc/%s/exe", pid);
    if (file)
        assert_int_equal(symlink(file, fixture_path(fixture, path)), 0);
}

static void end(const struct fixture *fixture, const char *pid)
{
    char path[64];

    snprintf(path, sizeof(path), "proc/%s", pid);
    assert_int_equal(file_remove_tree(fixture_path(fixture, path), NULL), 0);
}

static bool is_disturbed(struct fixture *fixture)
{
    fixture_pass_time(fixture);
    assert_true(fixture_view(fixture).works);
    return fixture->holds[OWNER_REASON_DISTURB];
}

static void begin(struct fixture *fixture, const char *names)
{
    start(fixture, "1", "systemd", "/usr/lib/systemd/systemd", 'S');
    start(fixture, "2", "kthreadd", NULL, 'S');
    fixture_make_folder(fixture, "proc/irq");
    fixture->options.do_not_disturb = names;
    fixture_begin(fixture, "programs");
    assert_false(fixture->holds[OWNER_REASON_DISTURB]);
}

static void a_program_that_was_named_keeps_the_pool_away_while_it_lives(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "zoom, soffice.bin");
    assert_false(is_disturbed(fixture));
    start(fixture, "77", "zoom", "/opt/zoom/ZoomLauncher", 'S');
    assert_true(is_disturbed(fixture));
    end(fixture, "77");
    assert_false(is_disturbed(fixture));
    assert_int_equal(fixture->uses, 0);
}

static void the_name_of_its_file_counts_too(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "a-presentation-with-a-long-name");
    start(fixture, "77", "Main Thread", "/opt/office/a-presentation-with-a-long-name", 'R');
    assert_true(is_disturbed(fixture));
}

static void a_part_of_a_name_is_another_name(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "zoom");
    start(fixture, "77", "zoomer", "/opt/zoom/zoomer", 'S');
    start(fixture, "78", "zoo", "/opt/zoom/zoo", 'S');
    assert_false(is_disturbed(fixture));
}

static void one_that_ended_and_was_not_reaped_does_not_count(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "a) game");
    start(fixture, "77", "a) game", NULL, 'Z');
    assert_false(is_disturbed(fixture));
    start(fixture, "78", "a) game", NULL, 'S');
    assert_true(is_disturbed(fixture));
}

static uid_t task_uid;

static bool is_task(uid_t uid)
{
    return uid == task_uid;
}

static void what_a_task_runs_does_not_count(void **state)
{
    struct fixture *fixture = *state;

    task_uid = getuid();
    fixture->options.is_task = is_task;
    begin(fixture, "zoom");
    start(fixture, "77", "zoom", "/opt/zoom/zoom", 'S');
    assert_false(is_disturbed(fixture));
    task_uid = getuid() + 1;
    assert_true(is_disturbed(fixture));
}

static void without_a_name_nothing_is_looked_at(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "");
    assert_true(fixture_view(fixture).works);
    fixture->presence = presence_free(fixture->presence);
    fixture_begin(fixture, "auto");
    assert_int_equal(presence_count(fixture->presence), 0);
    fixture->options.do_not_disturb = "zoom";
    fixture->presence = presence_free(fixture->presence);
    fixture_begin(fixture, "auto");
    assert_string_equal(fixture_view(fixture).name, "programs");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_program_that_was_named_keeps_the_pool_away_while_it_lives),
        TEST(the_name_of_its_file_counts_too),
        TEST(a_part_of_a_name_is_another_name),
        TEST(one_that_ended_and_was_not_reaped_does_not_count),
        TEST(what_a_task_runs_does_not_count),
        TEST(without_a_name_nothing_is_looked_at),
    };

    unsetenv("DISPLAY");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
