/* SPDX-License-Identifier: Apache-2.0 */
/* A real connection to a compositor that does what the test says. */
#include "presence.h"

#include "base/test.h"
#include "presence_fixture.h"
#include "wayland_fixture.h"

#include <stdlib.h>
#include <string.h>

enum { LOOKS = 20 };

/* As in its watcher. */
static void begin(struct fixture *fixture)
{
    fixture->options.is_watcher = true;
    fixture_begin(fixture, "wayland");
}

/* Looks that are due, one by one; the compositor answers each before the next. */
static void pass_looks(struct fixture *fixture)
{
    for (unsigned int i = 0; i < LOOKS; i++) {
        fixture_pass_look(fixture);
        compositor_settle();
        fixture_settle(fixture);
    }
}

/* The seat is told to pause, and then nobody uses it. */
static void let_pause(struct fixture *fixture)
{
    unsigned int uses;

    WAIT_UNTIL(fixture, fixture_view(fixture).works);
    /* Who tells of pauses only later would never hear of this one. */
    compositor_settle();
    compositor_pause();
    do {
        uses = fixture->uses;
        pass_looks(fixture);
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

static void one_that_stands_still_is_not_seen_to_be_unused(void **state)
{
    struct fixture *fixture = *state;

    compositor_begin(fixture->root, true);
    begin(fixture);
    let_pause(fixture);
    fixture->held[OWNER_REASON_UNWATCHED] = false;
    pass_looks(fixture);
    assert_false(fixture->held[OWNER_REASON_UNWATCHED]);
    compositor_stop();
    fixture_pass_look(fixture);
    assert_true(fixture_view(fixture).works);
    fixture_pass_look(fixture);
    assert_true(fixture->holds[OWNER_REASON_UNWATCHED]);
    assert_string_equal(fixture_view(fixture).why_not,
                        "the compositor of WAYLAND_DISPLAY gives no answer");
    assert_false(fixture_view(fixture).is_gone);
    compositor_continue();
    fixture_pass_look(fixture);
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
        TEST(one_that_stands_still_is_not_seen_to_be_unused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
