/* SPDX-License-Identifier: Apache-2.0 */
/* What is believed of the kernel's files, and which groups are beside ours. */
#include "pressure.h"

#include "base/memory.h"
#include "presence_fixture.h"

#include <stdlib.h>
#include <string.h>

/* As an agent that is a service finds it, with everything that systemd begins with. */
#define TREE "sys/fs/cgroup"
#define OWN  TREE "/system.slice/dusk-agent.service"

static void set(const struct fixture *fixture, const char *folder, const char *name,
                const char *text)
{
    char path[256];

    fixture_make_folder(fixture, folder);
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    unlink(fixture_path(fixture, path));
    fixture_write(fixture, path, text);
}

/* All wait for disks so long, and for memory not at all. */
static void set_group(const struct fixture *fixture, const char *group, double percent)
{
    char text[256];

    set(fixture, group, "cgroup.procs", "");
    snprintf(text, sizeof(text),
             "some avg10=%.2f avg60=77.00 avg300=88.00 total=1158539868\n"
             "full avg10=%.2f avg60=77.00 avg300=88.00 total=7679659\n",
             percent, percent / 2);
    set(fixture, group, "io.pressure", text);
    set(fixture, group, "memory.pressure",
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
        "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
}

static void set_computer(struct fixture *fixture)
{
    fixture->options.root = fixture->root;
    fixture->options.groups = "/" TREE;
    fixture->options.own_group = "/" OWN;
    set_group(fixture, TREE, 95);
    set_group(fixture, TREE "/init.scope", 0);
    set_group(fixture, TREE "/user.slice", 3.25);
    set_group(fixture, TREE "/system.slice", 91);
    set_group(fixture, TREE "/system.slice/cron.service", 1.5);
    set_group(fixture, OWN, 92);
    set_group(fixture, TREE "/dusk.slice", 94);
    set_group(fixture, TREE "/dusk.slice/run-1.scope/dusk-1/task-1", 93);
}

/* In hundredths of a percent; -1: nobody knows. */
static int beside(const struct fixture *fixture)
{
    double percent = -1;

    if (!pressure_beside(&fixture->options, "io", &percent)) {
        assert_true(percent < 0);
        return -1;
    }
    return (int)(percent * 100 + 0.5);
}

static void the_last_ten_seconds_are_read(void **state)
{
    struct fixture *fixture = *state;
    struct pressure pressure;

    set_group(fixture, "group", 12.5);
    assert_true(pressure_read(fixture_path(fixture, "group"), "io.pressure", &pressure));
    assert_int_equal(pressure.some * 100, 1250);
    assert_int_equal(pressure.full * 100, 625);
}

static void what_makes_no_sense_is_not_believed(void **state)
{
    static const char full[] = "\nfull avg10=1.00 avg60=1.00 avg300=1.00 total=1\n";
    static const char *const first_lines[] = {
        "",
        "some",
        "some avg10",
        "some avg10=",
        "some avg10=nan avg60=1.00",
        "some avg10=inf avg60=1.00",
        "some avg10=-1.00 avg60=1.00",
        "some avg10=100.01 avg60=1.00",
        "some avg10=1e999 avg60=1.00",
        "some avg60=1.00 avg10=1.00",
        "someavg10=1.00",
        "some avg10=1.00\xff avg60=1.00",
        "some avg10=1.00 avg60=1.00\nsome avg10=x",
    };
    struct fixture *fixture = *state;
    struct pressure pressure = {.some = 7};
    char text[256];

    for (size_t i = 0; i < ARRAY_LENGTH(first_lines); i++) {
        snprintf(text, sizeof(text), "%s%s", first_lines[i], full);
        set(fixture, "group", "io.pressure", text);
        assert_false(pressure_read(fixture_path(fixture, "group"), "io.pressure", &pressure));
    }
    set(fixture, "group", "io.pressure", "some avg10=1.00 avg60=1.00");
    assert_false(pressure_read(fixture_path(fixture, "group"), "io.pressure", &pressure));
    assert_false(pressure_read(fixture_path(fixture, "group"), "cpu.pressure", &pressure));
    assert_false(pressure_read(fixture_path(fixture, "nowhere"), "io.pressure", &pressure));
    assert_int_equal(pressure.some, 7);
}

static void a_file_without_end_is_not_read(void **state)
{
    enum { SIZE = 2 * 1024 * 1024 };
    struct fixture *fixture = *state;
    struct pressure pressure;
    char *text = memory_allocate(SIZE + 1);

    memset(text, '\n', SIZE);
    set_group(fixture, "group", 12.5);
    fixture_write(fixture, "group/io.pressure", text);
    assert_false(pressure_read(fixture_path(fixture, "group"), "io.pressure", &pressure));
    free(text);
}

static void the_most_of_the_groups_beside_ours_counts(void **state)
{
    struct fixture *fixture = *state;

    set_computer(fixture);
    assert_int_equal(beside(fixture), 325);
    set_group(fixture, TREE "/system.slice/cron.service", 41.75);
    assert_int_equal(beside(fixture), 4175);
    set_group(fixture, TREE "/user.slice", 100);
    assert_int_equal(beside(fixture), 10000);
    /* What is below a group is in it already. */
    set_group(fixture, TREE "/user.slice", 2);
    set_group(fixture, TREE "/user.slice/user-1000.slice", 99);
    assert_int_equal(beside(fixture), 4175);
}

static void memory_is_another_matter_than_disks(void **state)
{
    struct fixture *fixture = *state;
    double percent = -1;

    set_computer(fixture);
    assert_true(pressure_beside(&fixture->options, "memory", &percent));
    assert_int_equal(percent, 0);
}

/* His agent is in the session, or a service of his own, and his tasks are in neither. */
static void a_user_s_tasks_are_found_in_his_own_systemd(void **state)
{
    static const char session[] = "/" TREE "/user.slice/user-1000.slice/session-3.scope";
    struct fixture *fixture = *state;

    set_computer(fixture);
    fixture->options.own_group = session;
    set_group(fixture, TREE "/user.slice", 90);
    set_group(fixture, TREE "/user.slice/user-1000.slice", 90);
    set_group(fixture, session + 1, 89);
    set_group(fixture, TREE "/user.slice/user-1000.slice/session-30.scope", 5);
    set_group(fixture, TREE "/user.slice/user-1000.slice/user@1000.service", 90);
    set_group(fixture, TREE "/user.slice/user-1000.slice/user@1000.service/dusk.slice", 90);
    set_group(fixture, TREE "/user.slice/user-1000.slice/user@1000.service/app.slice", 7);
    set_group(fixture, TREE "/user.slice/user-1001.slice", 6);
    assert_int_equal(beside(fixture), 700);
    set_group(fixture, TREE "/user.slice/user-1000.slice/session-30.scope", 8);
    assert_int_equal(beside(fixture), 800);
    set_group(fixture, TREE "/user.slice/user-1001.slice", 9);
    assert_int_equal(beside(fixture), 900);
    /* A name that ours begins with is not ours. */
    set_group(fixture, TREE "/user", 10);
    assert_int_equal(beside(fixture), 1000);
}

/* Without systemd all are at the root, and the keeper's groups beside the other ones. */
static void what_stands_below_our_own_group_may_be_others(void **state)
{
    struct fixture *fixture = *state;

    fixture->options.root = fixture->root;
    fixture->options.groups = "/" TREE;
    fixture->options.own_group = "/" TREE;
    set_group(fixture, TREE, 95);
    set_group(fixture, TREE "/dusk-fe00-a7644a", 94);
    set_group(fixture, TREE "/dusk-fe00-a7644a/task-1", 94);
    assert_int_equal(beside(fixture), -1);
    set_group(fixture, TREE "/docker", 11);
    assert_int_equal(beside(fixture), 1100);
    /* An agent's in a container: what else is there is not looked into twice. */
    set_group(fixture, TREE "/docker/dusk-1", 90);
    set_group(fixture, TREE "/docker/other", 4);
    assert_int_equal(beside(fixture), 400);
}

static void groups_that_tell_nothing_are_none(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(beside(fixture), -1);
    set_computer(fixture);
    set(fixture, TREE "/user.slice", "io.pressure", "rubbish\n");
    assert_int_equal(beside(fixture), 150);
    /* The kernel lets a group be without (cgroup.pressure), and those below it have it. */
    assert_int_equal(unlink(fixture_path(fixture, TREE "/system.slice/io.pressure")), 0);
    assert_int_equal(beside(fixture), 150);
    assert_int_equal(unlink(fixture_path(fixture, TREE "/init.scope/io.pressure")), 0);
    assert_int_equal(unlink(fixture_path(fixture, TREE "/system.slice/cron.service/io.pressure")),
                     0);
    assert_int_equal(beside(fixture), -1);
    fixture->options.groups = "/nowhere";
    assert_int_equal(beside(fixture), -1);
}

/* Whoever may make groups could let an agent go down as deep as a path is long. */
static void groups_within_groups_have_an_end(void **state)
{
    enum { DEPTH = 50, SHALLOW = 20 };
    struct fixture *fixture = *state;
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;

    set_computer(fixture);
    buffer_append_text(&path, TREE "/user.slice");
    for (unsigned int i = 0; i < DEPTH; i++) {
        buffer_append_text(&path, "/dusk-");
        fixture_make_folder(fixture, buffer_text(&path));
        path.length -= strlen("dusk-");
        buffer_append_text(&path, "a");
        set_group(fixture, buffer_text(&path), 50);
        if (i == SHALLOW)
            assert_int_equal(beside(fixture), 5000);
    }
    assert_int_equal(beside(fixture), 150);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_last_ten_seconds_are_read),
        TEST(what_makes_no_sense_is_not_believed),
        TEST(a_file_without_end_is_not_read),
        TEST(the_most_of_the_groups_beside_ours_counts),
        TEST(memory_is_another_matter_than_disks),
        TEST(a_user_s_tasks_are_found_in_his_own_systemd),
        TEST(what_stands_below_our_own_group_may_be_others),
        TEST(groups_that_tell_nothing_are_none),
        TEST(groups_within_groups_have_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
