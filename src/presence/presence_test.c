/* SPDX-License-Identifier: Apache-2.0 */
/* Which sources there are, and what one that does not work means. */
#include "presence.h"

#include "base/test.h"
#include "presence_fixture.h"

#include <stdlib.h>
#include <string.h>

static void names_are_checked_and_the_error_lists_what_there_is(void **state)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    (void)state;
    assert_int_equal(presence_check("auto", &err), 0);
    assert_int_equal(presence_check("none", &err), 0);
    assert_int_equal(presence_check("x11", &err), 0);
    assert_int_equal(presence_check(" x11 , x11", &err), 0);
    assert_true(presence_check("x11,camera", &err) < 0);
    assert_string_equal(err.text, "there is no way 'camera' to notice the owner");
    assert_non_null(strstr(err.hint, "x11"));
    assert_true(presence_check("", &err) < 0);
    assert_true(presence_check("none,x11", &err) < 0);
}

static void none_watches_nothing(void **state)
{
    struct fixture *fixture = *state;

    assert_false(presence_is_wanted("none"));
    fixture_begin(fixture, "none");
    assert_int_equal(presence_count(fixture->presence), 0);
    assert_false(fixture->holds[OWNER_REASON_UNWATCHED]);
}

static void auto_takes_what_can_be_watched_here(void **state)
{
    struct fixture *fixture = *state;

    unsetenv("DISPLAY");
    fixture_make_folder(fixture, "dev/pts");
    fixture_become_ordinary();
    fixture_begin(fixture, "auto");
    fixture_become_self();
    assert_string_equal(fixture_view(fixture).name, "tty");
    assert_false(fixture->holds[OWNER_REASON_UNWATCHED]);
}

/* Most often its X server is Xwayland, which would only ever fail. */
static void beside_a_compositor_auto_does_not_ask_the_x_server(void **state)
{
    struct fixture *fixture = *state;

    setenv("DISPLAY", ":0", 1);
    setenv("WAYLAND_DISPLAY", "wayland-no-such", 1);
    fixture->options.is_watcher = true;
    fixture_become_ordinary();
    fixture_begin(fixture, "auto");
    fixture_become_self();
    unsetenv("DISPLAY");
    unsetenv("WAYLAND_DISPLAY");
    assert_string_equal(fixture_view(fixture).name, "wayland");
}

static void where_nothing_can_be_watched_the_computer_counts_as_used(void **state)
{
    struct fixture *fixture = *state;

    unsetenv("DISPLAY");
    fixture_begin(fixture, "auto");
    assert_int_equal(presence_count(fixture->presence), 0);
    assert_true(fixture->holds[OWNER_REASON_UNWATCHED]);
}

static void one_that_was_asked_for_and_does_not_work_leaves_the_computer_used(void **state)
{
    struct fixture *fixture = *state;
    struct presence_view view;

    setenv("DISPLAY", ":no-such-display", 1);
    fixture->options.is_watcher = true;
    fixture_begin(fixture, "x11,x11");
    view = fixture_view(fixture);
    assert_string_equal(view.name, "x11");
    assert_false(view.works);
    assert_string_equal(view.why_not, "cannot connect to the X server of DISPLAY=:no-such-display");
    assert_true(fixture->holds[OWNER_REASON_UNWATCHED]);
    assert_true(view.has_failed);
    assert_true(view.is_gone);
    assert_int_equal(fixture->uses, 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_checked_and_the_error_lists_what_there_is),
        TEST(none_watches_nothing),
        TEST(auto_takes_what_can_be_watched_here),
        TEST(beside_a_compositor_auto_does_not_ask_the_x_server),
        TEST(where_nothing_can_be_watched_the_computer_counts_as_used),
        TEST(one_that_was_asked_for_and_does_not_work_leaves_the_computer_used),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
