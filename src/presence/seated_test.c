/* SPDX-License-Identifier: Apache-2.0 */
#include "seated.h"

#include "presence_fixture.h"

#include <unistd.h>

enum { MARIE = 1000, SOMEBODY = 1001 };

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

/* A session as logind writes it, with what tells the ones from the others. */
static void write_session(const struct fixture *fixture, const char *name, const char *lines)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT, text = BUFFER_INIT;

    buffer_appendf(&path, "run/systemd/sessions/%s", name);
    buffer_appendf(&text, "# This is private data. Do not parse.\nUID=1000\nUSER=marie\n%s", lines);
    fixture_make_folder(fixture, "run/systemd/sessions");
    fixture_write(fixture, path.data, text.data);
}

static void who_has_the_active_session_of_a_seat_sits_there(void **state)
{
    struct fixture *fixture = *state;

    write_session(fixture, "2", "ACTIVE=1\nREMOTE=0\nCLASS=user\nSEAT=seat0\n");
    assert_true(seated_is(fixture->root, MARIE));
    assert_false(seated_is(fixture->root, SOMEBODY));
    assert_false(seated_is(fixture->root, 0));
}

static void other_sessions_are_of_those_who_do_not(void **state)
{
    struct fixture *fixture = *state;

    write_session(fixture, "2", "ACTIVE=0\nREMOTE=0\nCLASS=user\nSEAT=seat0\n");
    write_session(fixture, "3", "ACTIVE=1\nREMOTE=1\nCLASS=user\nSEAT=seat0\n");
    write_session(fixture, "4", "ACTIVE=1\nREMOTE=0\nCLASS=user\n");
    write_session(fixture, "5", "ACTIVE=1\nREMOTE=0\nCLASS=greeter\nSEAT=seat0\n");
    write_session(fixture, "6", "ACTIVE=1\nREMOTE=0\nCLASS=us");
    write_session(fixture, "c1", "");
    assert_false(seated_is(fixture->root, MARIE));
}

/* Only root can give a file to somebody; the test itself is whoever runs it. */
static void without_logind_it_is_whom_the_terminal_in_front_was_given(void **state)
{
    struct fixture *fixture = *state;
    uid_t uid = getuid();

    fixture_make_folder(fixture, "sys/class/tty/tty0");
    fixture_make_folder(fixture, "dev");
    fixture_write(fixture, "dev/tty1", "");
    fixture_write(fixture, "dev/tty2", "");
    if (uid == 0) {
        uid = MARIE;
        assert_int_equal(chown(fixture_path(fixture, "dev/tty2"), uid, (gid_t)-1), 0);
        assert_int_equal(chown(fixture_path(fixture, "dev/tty1"), SOMEBODY, (gid_t)-1), 0);
    }
    assert_false(seated_is(fixture->root, uid));
    fixture_write(fixture, "sys/class/tty/tty0/active", "tty2\n");
    assert_true(seated_is(fixture->root, uid));
    assert_false(seated_is(fixture->root, SOMEBODY));
    assert_false(seated_is(fixture->root, 0));
}

static void with_logind_a_terminal_proves_nothing(void **state)
{
    struct fixture *fixture = *state;

    fixture_make_folder(fixture, "run/systemd/sessions");
    fixture_make_folder(fixture, "dev");
    fixture_write(fixture, "dev/console", "");
    assert_false(seated_is(fixture->root, getuid()));
}

static void no_name_leads_out_of_dev(void **state)
{
    struct fixture *fixture = *state;

    fixture_make_folder(fixture, "sys/class/tty/tty0");
    fixture_make_folder(fixture, "dev");
    fixture_write(fixture, "file", "");
    fixture_write(fixture, "sys/class/tty/tty0/active", "../file\n");
    if (getuid() == 0)
        assert_int_equal(chown(fixture_path(fixture, "file"), MARIE, (gid_t)-1), 0);
    assert_false(seated_is(fixture->root, getuid() == 0 ? MARIE : getuid()));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_has_the_active_session_of_a_seat_sits_there),
        TEST(other_sessions_are_of_those_who_do_not),
        TEST(without_logind_it_is_whom_the_terminal_in_front_was_given),
        TEST(with_logind_a_terminal_proves_nothing),
        TEST(no_name_leads_out_of_dev),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
