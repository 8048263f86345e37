/* SPDX-License-Identifier: Apache-2.0 */
/* Logins and logouts, where nobody but utmp(5) tells them. */
#include "presence_fixture.h"

#include <stdlib.h>
#include <string.h>

static void a_login_and_a_logout_are_uses(void **state)
{
    struct fixture *fixture = *state;

    fixture_make_folder(fixture, "run");
    fixture_write(fixture, "run/utmp", "boot");
    fixture_begin(fixture, "utmp");
    assert_true(fixture_view(fixture).works);
    assert_int_equal(fixture->uses, 0);
    fixture_write(fixture, "run/utmp", "anna tty1");
    fixture_settle(fixture);
    assert_int_equal(fixture->uses, 1);
    fixture_write(fixture, "run/utmp", "anna gone");
    fixture_settle(fixture);
    assert_int_equal(fixture->uses, 1);
    fixture_pass_time(fixture);
    assert_int_equal(fixture->uses, 2);
}

static void it_may_be_where_it_once_was(void **state)
{
    struct fixture *fixture = *state;

    fixture_make_folder(fixture, "var/run");
    fixture_write(fixture, "var/run/utmp", "boot");
    fixture_begin(fixture, "utmp");
    fixture_write(fixture, "var/run/utmp", "anna tty1");
    fixture_settle(fixture);
    assert_int_equal(fixture->uses, 1);
}

static void a_file_that_goes_leaves_the_computer_used_until_there_is_one(void **state)
{
    struct fixture *fixture = *state;

    fixture_make_folder(fixture, "run");
    fixture_write(fixture, "run/utmp", "boot");
    fixture_begin(fixture, "utmp");
    assert_int_equal(unlink(fixture_path(fixture, "run/utmp")), 0);
    fixture_settle(fixture);
    assert_false(fixture_view(fixture).works);
    assert_true(fixture->holds[OWNER_REASON_UNWATCHED]);
    fixture_pass_time(fixture);
    assert_non_null(strstr(fixture_view(fixture).why_not, "ask for 'tty' instead"));
    fixture_write(fixture, "run/utmp", "boot");
    fixture_pass_time(fixture);
    assert_true(fixture_view(fixture).works);
    assert_false(fixture->holds[OWNER_REASON_UNWATCHED]);
}

static void auto_takes_it_where_there_is_no_logind(void **state)
{
    struct fixture *fixture = *state;

    unsetenv("DISPLAY");
    fixture_make_folder(fixture, "run");
    fixture_write(fixture, "run/utmp", "boot");
    fixture_begin(fixture, "auto");
    assert_string_equal(fixture_view(fixture).name, "utmp");
    fixture->presence = presence_free(fixture->presence);
    fixture_make_folder(fixture, "run/systemd/seats");
    setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/no-such-bus", 1);
    fixture_begin(fixture, "auto");
    assert_string_equal(fixture_view(fixture).name, "logind");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_login_and_a_logout_are_uses),
        TEST(it_may_be_where_it_once_was),
        TEST(a_file_that_goes_leaves_the_computer_used_until_there_is_one),
        TEST(auto_takes_it_where_there_is_no_logind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
