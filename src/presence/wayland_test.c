/* SPDX-License-Identifier: Apache-2.0 */
/* A real connection to a compositor that does what the test says. */
#include "presence.h"

#include "base/test.h"
#include "presence_fixture.h"
#include "wayland_fixture.h"

#include <stdlib.h>
#include <string.h>

/* As in its watcher. */
static void begin(struct fixture *fixture)
{
    fixture->options.is_watcher = true;
    fixture_begin(fixture, "wayland");
}

/* The seat is told to pause, and then nobody uses it. */
static void let_pause(struct fixture *fixture)
{
    unsigned int uses;

    WAIT_UNTIL(fixture, fixture_view(fixture).works);
    compositor_pause();
    do {
        uses = fixture->uses;
        fixture_pass_time(fixture);
        fixture_pass_time(fixture);
    } while (fixture->uses != uses);
}

static void who_comes_back_is_heard(void **state)
{
    struct fixture *fixture = *state;
    unsigned int uses;

    compositor_begin(fixture->root, true);
    begin(fixture);
    assert_true(fixture->held[OWNER_REASON_UNWATCHED]);
    let_pause(fixture);
    assert_false(fixture->holds[OWNER_REASON_UNWATCHED]);
    uses = fixture->uses;
    compositor_resume();
    WAIT_UNTIL(fixture, fixture->uses > uses);
}

static void as_long_as_he_does_not_pause_he_is_there(void **state)
{
    struct fixture *fixture = *state;
    unsigned int uses;

    compositor_begin(fixture->root, true);
    begin(fixture);
    WAIT_UNTIL(fixture, fixture_view(fixture).works);
    uses = fixture->uses;
    fixture_pass_time(fixture);
    WAIT_UNTIL(fixture, fixture->uses > uses);
    uses = fixture->uses;
    fixture_pass_time(fixture);
    fixture_pass_time(fixture);
    WAIT_UNTIL(fixture, fixture->uses > uses);
}

static void a_compositor_that_does_not_tell_leaves_the_computer_used(void **state)
{
    struct fixture *fixture = *state;

    compositor_begin(fixture->root, false);
    begin(fixture);
    WAIT_UNTIL(fixture, strstr(fixture_view(fixture).why_not ?: "", "ext-idle-notify-v1"));
    assert_true(fixture->holds[OWNER_REASON_UNWATCHED]);
}

static void one_that_ends_leaves_it_used_until_there_is_another(void **state)
{
    struct fixture *fixture = *state;

    compositor_begin(fixture->root, true);
    begin(fixture);
    WAIT_UNTIL(fixture, fixture_view(fixture).works);
    compositor_end();
    WAIT_UNTIL(fixture, !fixture_view(fixture).works);
    assert_string_equal(fixture_view(fixture).why_not,
                        "the compositor of WAYLAND_DISPLAY=wayland-test is gone");
    compositor_begin(fixture->root, true);
    fixture_pass_time(fixture);
    WAIT_UNTIL(fixture, fixture_view(fixture).works);
}

static int tear_down(void **state)
{
    int r = fixture_tear_down(state);

    compositor_end();
    return r;
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_comes_back_is_heard),
        TEST(as_long_as_he_does_not_pause_he_is_there),
        TEST(a_compositor_that_does_not_tell_leaves_the_computer_used),
        TEST(one_that_ends_leaves_it_used_until_there_is_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
