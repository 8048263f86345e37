/* SPDX-License-Identifier: Apache-2.0 */
/* This program started again is the watcher, and does what the test says in the environment. */
#include "watcher.h"

#include "base/test.h"
#include "presence_fixture.h"
#include "sys/file.h"
#include "watcher_line.h"
#include "watcher_main.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SENSELESS "the process that watches it makes no sense"

/* ---- in the watcher ---- */

static void say(const char *text)
{
    if (file_write_all(STDIN_FILENO, text, strlen(text)) < 0)
        _exit(1);
}

/* Says the text, `times` over, and then waits to be killed. */
static _noreturn_ void play(const char *text, unsigned int times)
{
    for (unsigned int i = 0; i < times; i++)
        say(text);
    for (;;)
        pause();
}

/* ---- in the test ---- */

static void begin(struct fixture *fixture, const char *text, const char *times)
{
    setenv("WATCHER_SAYS", text, 1);
    setenv("WATCHER_SAYS_IT", times, 1);
    fixture_begin(fixture, "x11");
}

static void fails_with(struct fixture *fixture, const char *why)
{
    WAIT_UNTIL(fixture, fixture_view(fixture).has_failed);
    assert_string_equal(fixture_view(fixture).why_not, why);
    assert_true(fixture->holds[OWNER_REASON_UNWATCHED]);
}

static void what_it_says_is_what_the_source_sees(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "used 60000\nworks\nused 0\n", "1");
    assert_true(fixture->held[OWNER_REASON_UNWATCHED]);
    WAIT_UNTIL(fixture, fixture->uses == 2);
    assert_true(fixture_view(fixture).works);
    assert_false(fixture->holds[OWNER_REASON_UNWATCHED]);
    fixture_pass_time(fixture);
    assert_true(fixture_view(fixture).works);
}

static void one_that_gives_no_answer_has_failed(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "used 100", "1");
    assert_false(fixture_view(fixture).has_failed);
    assert_string_equal(fixture_view(fixture).why_not, "it has not answered yet");
    fixture_pass_look(fixture);
    fails_with(fixture, "the X server of DISPLAY gives no answer");
    assert_int_equal(fixture->uses, 0);
}

static void one_that_ends_is_started_again(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "works\n", "0");
    fails_with(fixture, "the process that watches it has ended");
    assert_false(fixture_view(fixture).is_gone);
    setenv("WATCHER_SAYS_IT", "1", 1);
    fixture_pass_look(fixture);
    WAIT_UNTIL(fixture, fixture_view(fixture).works);
}

static void its_reason_is_the_sources_and_nothing_but_letters(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "fails it \033[2Jis \303\244 bad\n", "1");
    fails_with(fixture, "it ?[2Jis ?? bad");
    assert_false(fixture_view(fixture).is_gone);
}

static void a_desktop_that_is_gone_is_told_from_one_that_cannot_be_watched(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "works\ngone away\n", "1");
    fails_with(fixture, "away");
    assert_true(fixture_view(fixture).is_gone);
}

static void what_makes_no_sense_has_failed(void **state)
{
    static const char *const texts[] = {"\n",        "works too\n", "used\n",
                                        "used -1\n", "fails\n",     "WORKS\n"};

    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        assert_int_equal(fixture_set_up(state), 0);
        begin(*state, texts[i], "1");
        fails_with(*state, SENSELESS);
        assert_int_equal(fixture_tear_down(state), 0);
    }
}

static void who_babbles_has_failed(void **state)
{
    begin(*state, "used 5000\n", "1000000");
    fails_with(*state, SENSELESS);
}

static void a_line_without_end_has_failed(void **state)
{
    begin(*state, "fails to end", "1000000");
    fails_with(*state, SENSELESS);
}

static void a_long_reason_is_cut_to_a_line(void **state)
{
    _cleanup_buffer_ struct buffer out = BUFFER_INIT;
    char why[2 * WATCHER_LINE_SIZE_MAX] = "";
    struct watcher_line line = {.word = WATCHER_FAILS, .why = why};

    (void)state;
    memset(why, 'y', sizeof(why) - 1);
    watcher_line_write(&out, &line);
    assert_int_equal(out.length, WATCHER_LINE_SIZE_MAX + 1);
    assert_true(watcher_line_read((struct slice){out.data, out.length - 1}, &line));
    assert_int_equal(line.word, WATCHER_FAILS);
    free(line.why);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(what_it_says_is_what_the_source_sees),
        TEST(one_that_gives_no_answer_has_failed),
        TEST(one_that_ends_is_started_again),
        TEST(its_reason_is_the_sources_and_nothing_but_letters),
        TEST(a_desktop_that_is_gone_is_told_from_one_that_cannot_be_watched),
        cmocka_unit_test(what_makes_no_sense_has_failed),
        TEST(who_babbles_has_failed),
        TEST(a_line_without_end_has_failed),
        cmocka_unit_test(a_long_reason_is_cut_to_a_line),
    };

    if (argc > 1 && strcmp(argv[1], WATCHER_COMMAND) == 0) {
        unsigned long times = strtoul(getenv("WATCHER_SAYS_IT"), NULL, 10);

        if (times > 0)
            play(getenv("WATCHER_SAYS"), (unsigned int)times);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
