/* SPDX-License-Identifier: Apache-2.0 */
/* What helpers of desktop sessions mean to whoever asked for them, and to whoever did not. */
#include "session.h"

#include "base/test.h"
#include "presence_fixture.h"

#include <string.h>

static void begin(struct fixture *fixture, const char *sources)
{
    fixture->options.hears_sessions = true;
    fixture_begin(fixture, sources);
}

static void log_in(const struct fixture *fixture, const char *name, const char *text)
{
    fixture_make_folder(fixture, "run/systemd/sessions");
    fixture_write(fixture, name, text);
}

static void what_a_helper_sees_is_a_use_and_so_is_his_end(void **state)
{
    struct fixture *fixture = *state;
    struct session_helper *helper;

    fixture_make_folder(fixture, "dev/pts");
    begin(fixture, "session");
    helper = session_come(fixture->presence, 1000);
    session_watches(fixture->presence, helper, NULL);
    assert_true(fixture_view(fixture).works);
    assert_int_equal(fixture->uses, 0);
    session_used(fixture->presence, 0);
    assert_int_equal(fixture->uses, 1);
    session_go(fixture->presence, helper);
    assert_int_equal(fixture->uses, 2);
}

static void auto_asks_nothing_of_helpers(void **state)
{
    struct fixture *fixture = *state;
    struct session_helper *helper;

    fixture_make_folder(fixture, "dev/pts");
    log_in(fixture, "run/systemd/sessions/2", "CLASS=user\nUID=1000\nTYPE=x11\n");
    fixture_become_ordinary();
    begin(fixture, "auto");
    fixture_become_self();
    assert_string_equal(presence_view(fixture->presence, 0).name, "session");
    assert_true(presence_view(fixture->presence, 0).works);
    helper = session_come(fixture->presence, 1000);
    session_watches(fixture->presence, helper, "no extension");
    assert_true(presence_view(fixture->presence, 0).works);
    assert_false(fixture->holds[OWNER_REASON_UNWATCHED]);
}

static void without_logind_one_helper_must_be_there(void **state)
{
    struct fixture *fixture = *state;
    struct session_helper *helper;

    begin(fixture, "session");
    assert_string_equal(fixture_view(fixture).why_not,
                        "no desktop session has a helper here; start 'dusk agent --session' in it");
    assert_true(fixture->holds[OWNER_REASON_UNWATCHED]);
    helper = session_come(fixture->presence, 1000);
    fixture_pass_time(fixture);
    assert_false(fixture_view(fixture).works);
    session_watches(fixture->presence, helper, NULL);
    assert_true(fixture_view(fixture).works);
    session_go(fixture->presence, helper);
    assert_true(fixture->holds[OWNER_REASON_UNWATCHED]);
}

static void each_desktop_of_logind_needs_a_helper_of_its_user(void **state)
{
    struct fixture *fixture = *state;
    struct session_helper *helper;

    log_in(fixture, "run/systemd/sessions/c1", "CLASS=greeter\nUID=110\nTYPE=x11\n");
    log_in(fixture, "run/systemd/sessions/3", "CLASS=user\nUID=1001\nTYPE=tty\n");
    log_in(fixture, "run/systemd/sessions/4", "CLASS=user\nUID=1002\nTYPE=x11\nSTATE=closing\n");
    begin(fixture, "session");
    assert_true(fixture_view(fixture).works);
    log_in(fixture, "run/systemd/sessions/2", "CLASS=user\nUID=1000\nTYPE=wayland\n");
    fixture_pass_time(fixture);
    assert_non_null(
        strstr(fixture_view(fixture).why_not, "nobody watches the desktop of user 1000"));
    helper = session_come(fixture->presence, 1001);
    session_watches(fixture->presence, helper, NULL);
    assert_false(fixture_view(fixture).works);
    helper = session_come(fixture->presence, 1000);
    session_watches(fixture->presence, helper, NULL);
    assert_true(fixture_view(fixture).works);
    session_watches(fixture->presence, helper, "no extension");
    assert_string_equal(fixture_view(fixture).why_not,
                        "the desktop of user 1000 is not seen: no extension");
}

static void without_a_socket_nobody_can_come(void **state)
{
    struct fixture *fixture = *state;

    fixture_begin(fixture, "session");
    assert_non_null(strstr(fixture_view(fixture).why_not, "has no socket"));
}

static void who_did_not_ask_for_helpers_hears_nothing_of_them(void **state)
{
    struct fixture *fixture = *state;
    struct session_helper *helper;

    fixture_make_folder(fixture, "dev/pts");
    begin(fixture, "tty");
    helper = session_come(fixture->presence, 1000);
    session_watches(fixture->presence, helper, "no extension");
    session_used(fixture->presence, 0);
    session_go(fixture->presence, helper);
    assert_int_equal(fixture->uses, 0);
    assert_false(fixture->holds[OWNER_REASON_UNWATCHED]);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_a_helper_sees_is_a_use_and_so_is_his_end),
        TEST(auto_asks_nothing_of_helpers),
        TEST(without_logind_one_helper_must_be_there),
        TEST(each_desktop_of_logind_needs_a_helper_of_its_user),
        TEST(without_a_socket_nobody_can_come),
        TEST(who_did_not_ask_for_helpers_hears_nothing_of_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
