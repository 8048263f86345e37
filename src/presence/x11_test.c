/* SPDX-License-Identifier: Apache-2.0 */
/* A real X server, and a second client of it. Without an Xvfb nothing is tested. */
#include "presence.h"

#include "base/test.h"
#include "presence_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xcb/xcb.h>
#include <xcb/xtest.h>

enum { KEY = 38, LOOKS = 5, TURNS_OF_A_CLIENT = 50 };

static pid_t server;
static xcb_connection_t *client;

/* ---- the X server ---- */

static _noreturn_ void become_server(int told, const char *without)
{
    char number[16];

    snprintf(number, sizeof(number), "%d", told);
    if (!freopen("/dev/null", "w", stderr))
        _exit(1);
    execlp("Xvfb", "Xvfb", "-displayfd", number, "-nolisten", "tcp", without ? "-extension" : NULL,
           without, NULL);
    _exit(127);
}

/* The line with the number of its display; false: there is no Xvfb. */
static bool read_display(int told, char *display, int size)
{
    FILE *file = fdopen(told, "r");
    bool is_told = file && fgets(display, size, file);

    assert_non_null(file);
    fclose(file);
    display[strcspn(display, "\n")] = '\0';
    return is_told;
}

static bool server_begin(const char *without)
{
    char display[32] = ":";
    int told[2];

    assert_int_equal(pipe(told), 0);
    server = fork();
    assert_true(server >= 0);
    if (server == 0) {
        close(told[0]);
        become_server(told[1], without);
    }
    close(told[1]);
    if (!read_display(told[0], display + 1, sizeof(display) - 1))
        return false;
    setenv("DISPLAY", display, 1);
    client = xcb_connect(NULL, NULL);
    assert_false(xcb_connection_has_error(client));
    return true;
}

static void server_end(void)
{
    if (client)
        xcb_disconnect(client);
    client = NULL;
    if (server <= 0)
        return;
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    server = 0;
}

static void press(void)
{
    xcb_test_fake_input(client, XCB_KEY_PRESS, KEY, XCB_CURRENT_TIME, XCB_NONE, 0, 0, 0);
    xcb_test_fake_input(client, XCB_KEY_RELEASE, KEY, XCB_CURRENT_TIME, XCB_NONE, 0, 0, 0);
    xcb_flush(client);
}

/*
 * Returns when the server has taken all that was sent before; of two clients' any may be first, and
 * for some turns it stays with the one that it has served (dix/dispatch.c, SmartScheduleClient).
 */
static void settle_server(void)
{
    for (unsigned int i = 0; i < TURNS_OF_A_CLIENT; i++)
        free(xcb_get_input_focus_reply(client, xcb_get_input_focus(client), NULL));
}

/* ---- tests ---- */

/* As in its watcher. */
static void begin(struct fixture *fixture, const char *without)
{
    if (!server_begin(without))
        skip();
    fixture->options.is_watcher = true;
    fixture_begin(fixture, "x11");
    assert_true(fixture_view(fixture).works);
}

static void a_key_is_a_use(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, NULL);
    assert_int_equal(fixture->uses, 1);
    press();
    WAIT_UNTIL(fixture, fixture->uses == 2);
}

static void a_server_without_a_screen_saver_is_watched_as_well(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "MIT-SCREEN-SAVER");
    press();
    WAIT_UNTIL(fixture, fixture->uses == 2);
    assert_false(fixture->held[OWNER_REASON_UNWATCHED]);
}

static void one_that_ends_is_gone(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, NULL);
    server_end();
    WAIT_UNTIL(fixture, fixture_view(fixture).has_failed);
    assert_true(fixture_view(fixture).is_gone);
    assert_true(fixture->holds[OWNER_REASON_UNWATCHED]);
}

static void one_that_stands_still_is_not_seen_to_be_unused(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, NULL);
    for (unsigned int i = 0; i < LOOKS; i++) {
        fixture_pass_look(fixture);
        press();
        settle_server();
    }
    assert_true(fixture->uses > 2);
    kill(server, SIGSTOP);
    fixture_pass_look(fixture);
    assert_false(fixture->held[OWNER_REASON_UNWATCHED]);
    fixture_pass_look(fixture);
    assert_true(fixture->holds[OWNER_REASON_UNWATCHED]);
    assert_string_equal(fixture_view(fixture).why_not, "the X server of DISPLAY gives no answer");
    assert_false(fixture_view(fixture).is_gone);
    kill(server, SIGCONT);
    fixture_pass_look(fixture);
    WAIT_UNTIL(fixture, fixture_view(fixture).works);
}

static int tear_down(void **state)
{
    int r = fixture_tear_down(state);

    server_end();
    return r;
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_key_is_a_use),
        TEST(a_server_without_a_screen_saver_is_watched_as_well),
        TEST(one_that_ends_is_gone),
        TEST(one_that_stands_still_is_not_seen_to_be_unused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
