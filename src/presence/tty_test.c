/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Terminals: real ones, opened by the test and linked into its own folder of terminals, so that
 * nobody else's typing is heard.
 */
#include "presence_fixture.h"

#include "sys/clock.h"

#include <errno.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct terminal {
    int keyboard; /* the end where somebody types and sees */
    int program;
    char path[64];
};

static struct terminal open_terminal(void)
{
    struct terminal terminal = {0};

    assert_int_equal(openpty(&terminal.keyboard, &terminal.program, terminal.path, NULL, NULL), 0);
    return terminal;
}

static void close_terminal(const struct terminal *terminal)
{
    close(terminal->keyboard);
    close(terminal->program);
}

static void show_as(const struct fixture *fixture, const struct terminal *terminal,
                    const char *name)
{
    assert_int_equal(symlink(terminal->path, fixture_path(fixture, name)), 0);
}

static void type_line(struct fixture *fixture, const struct terminal *terminal)
{
    char line[16];

    assert_int_equal(write(terminal->keyboard, "ls\n", 3), 3);
    assert_int_equal(read(terminal->program, line, sizeof(line)), 3);
    fixture_settle(fixture);
}

static void print_line(struct fixture *fixture, const struct terminal *terminal)
{
    char line[64];

    assert_int_equal(write(terminal->program, "done\n", 5), 5);
    assert_true(read(terminal->keyboard, line, sizeof(line)) > 0);
    fixture_settle(fixture);
}

static void begin(struct fixture *fixture)
{
    fixture_begin(fixture, "tty");
    assert_true(fixture_view(fixture).works);
    fixture->uses = 0;
}

static void what_is_typed_is_a_use_and_what_is_printed_is_none(void **state)
{
    struct terminal terminal = open_terminal();
    struct fixture *fixture = *state;

    fixture_make_folder(fixture, "dev/pts");
    show_as(fixture, &terminal, "dev/pts/7");
    begin(fixture);
    print_line(fixture, &terminal);
    assert_int_equal(fixture->uses, 0);
    type_line(fixture, &terminal);
    assert_int_equal(fixture->uses, 1);
    fixture_pass_time(fixture);
    assert_int_equal(fixture->uses, 1);
    type_line(fixture, &terminal);
    assert_int_equal(fixture->uses, 2);
    close_terminal(&terminal);
}

static void a_terminal_that_is_opened_later_is_watched(void **state)
{
    struct terminal terminal = open_terminal();
    struct fixture *fixture = *state;

    fixture_make_folder(fixture, "dev/pts");
    begin(fixture);
    show_as(fixture, &terminal, "dev/pts/0");
    fixture_settle(fixture);
    assert_int_equal(fixture->uses, 0);
    type_line(fixture, &terminal);
    assert_int_equal(fixture->uses, 1);
    close_terminal(&terminal);
}

static void one_that_is_closed_leaves_the_others(void **state)
{
    struct terminal gone = open_terminal(), stays = open_terminal();
    struct fixture *fixture = *state;

    fixture_make_folder(fixture, "dev/pts");
    show_as(fixture, &gone, "dev/pts/0");
    show_as(fixture, &stays, "dev/pts/1");
    begin(fixture);
    assert_int_equal(unlink(fixture_path(fixture, "dev/pts/0")), 0);
    close_terminal(&gone);
    fixture_pass_time(fixture);
    assert_true(fixture_view(fixture).works);
    assert_int_equal(fixture->uses, 0);
    type_line(fixture, &stays);
    assert_int_equal(fixture->uses, 1);
    close_terminal(&stays);
}

static void consoles_and_serial_lines_are_watched_and_their_like_are_not(void **state)
{
    static const struct {
        const char *name;
        bool counts;
    } all[] = {{"dev/tty1", true},  {"dev/tty63", true}, {"dev/ttyS0", true},
               {"dev/tty", false},  {"dev/tty0", false}, {"dev/ttyUSB0", false},
               {"dev/ptmx", false}, {"dev/ttyS", false}, {"dev/pts/ptmx", false}};
    struct fixture *fixture = *state;

    fixture_make_folder(fixture, "dev/pts");
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        struct terminal terminal = open_terminal();

        show_as(fixture, &terminal, all[i].name);
        begin(fixture);
        type_line(fixture, &terminal);
        assert_int_equal(fixture->uses, all[i].counts);
        fixture->presence = presence_free(fixture->presence);
        assert_int_equal(unlink(fixture_path(fixture, all[i].name)), 0);
        close_terminal(&terminal);
    }
}

static void it_knows_when_somebody_typed_last(void **state)
{
    struct timespec times[2] = {{.tv_sec = (time_t)clock_wall_seconds() - 30},
                                {.tv_nsec = UTIME_OMIT}};
    struct terminal terminal = open_terminal();
    struct fixture *fixture = *state;
    uint64_t ago_ms;

    fixture_make_folder(fixture, "dev/pts");
    show_as(fixture, &terminal, "dev/pts/0");
    assert_int_equal(futimens(terminal.program, times), 0);
    fixture_begin(fixture, "tty");
    assert_int_equal(fixture->uses, 1);
    ago_ms = clock_boot_ms() - fixture->used_ms;
    assert_true(ago_ms >= 29000);
    close_terminal(&terminal);
}

static bool is_everybody(uid_t uid)
{
    (void)uid;
    return true;
}

static void a_tasks_own_terminal_is_left_out(void **state)
{
    struct terminal terminal = open_terminal();
    struct fixture *fixture = *state;

    fixture_make_folder(fixture, "dev/pts");
    show_as(fixture, &terminal, "dev/pts/0");
    fixture->options.is_task = is_everybody;
    fixture_begin(fixture, "tty");
    type_line(fixture, &terminal);
    assert_true(fixture_view(fixture).works);
    assert_int_equal(fixture->uses, 0);
    close_terminal(&terminal);
}

/* Of one that the agent may not watch, the kernel still tells everybody when it was used. */
static void one_of_somebody_else_is_looked_at_from_time_to_time(void **state)
{
    struct timespec times[2] = {{.tv_sec = (time_t)clock_wall_seconds() + 30},
                                {.tv_nsec = UTIME_OMIT}};
    struct terminal terminal = open_terminal();
    struct fixture *fixture = *state;

    assert_int_equal(fchmod(terminal.program, 0), 0);
    fixture_make_folder(fixture, "dev/pts");
    show_as(fixture, &terminal, "dev/pts/0");
    fixture_become_ordinary();
    begin(fixture);
    fixture_pass_time(fixture);
    assert_int_equal(fixture->uses, 0);
    fixture_become_self();
    assert_int_equal(futimens(terminal.program, times), 0);
    fixture_become_ordinary();
    fixture_pass_time(fixture);
    assert_int_equal(fixture->uses, 1);
    close_terminal(&terminal);
}

static void without_a_folder_of_terminals_the_computer_counts_as_used(void **state)
{
    struct fixture *fixture = *state;

    fixture_make_folder(fixture, "dev/pts");
    begin(fixture);
    assert_int_equal(rmdir(fixture_path(fixture, "dev/pts")), 0);
    fixture_settle(fixture);
    assert_true(fixture->holds[OWNER_REASON_UNWATCHED]);
    fixture_pass_time(fixture);
    assert_non_null(strstr(fixture_view(fixture).why_not, "dev/pts': No such file or directory"));
    fixture_make_folder(fixture, "dev/pts");
    fixture_pass_time(fixture);
    assert_true(fixture_view(fixture).works);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_typed_is_a_use_and_what_is_printed_is_none),
        TEST(a_terminal_that_is_opened_later_is_watched),
        TEST(one_that_is_closed_leaves_the_others),
        TEST(consoles_and_serial_lines_are_watched_and_their_like_are_not),
        TEST(it_knows_when_somebody_typed_last),
        TEST(a_tasks_own_terminal_is_left_out),
        TEST(one_of_somebody_else_is_looked_at_from_time_to_time),
        TEST(without_a_folder_of_terminals_the_computer_counts_as_used),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
