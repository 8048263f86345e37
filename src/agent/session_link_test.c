/* SPDX-License-Identifier: Apache-2.0 */
/* A session's helper and an agent that the test plays, well and badly. */
#include "session_link.h"

#include "base/test.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANSWER                                                                                     \
    "{\"version\":1,\"node\":\"pc1\",\"owner\":\"away\",\"reason\":\"none\",\"since_at\":1,"       \
    "\"sources\":[],\"tasks\":[]}\n"

enum { OTHER = 65534 };

struct fixture {
    char folder[64], path[80];
    uv_loop_t loop;
    uv_timer_t clock; /* so that a turn of the loop ends in which only the link's own timer came */
    struct session_link *link;
    int listener, agent; /* the agent's ends; -1: none */
    unsigned int connections, answers, losses, errors;
};

static struct fixture fixture;

static void on_connected(void *userdata)
{
    ((struct fixture *)userdata)->connections++;
}

static void on_answer(void *userdata, const struct owner_answer *answer)
{
    struct fixture *heard = userdata;

    if (!answer)
        heard->losses++;
    else if (answer->error)
        heard->errors++;
    else
        heard->answers++;
}

static void on_clock(uv_timer_t *clock)
{
    (void)clock;
}

static int set_up(void **state)
{
    struct session_link_listener listener = {on_connected, on_answer, &fixture};

    fixture = (struct fixture){.folder = "/tmp/dusk-link-XXXXXX", .listener = -1, .agent = -1};
    *state = &fixture;
    if (!mkdtemp(fixture.folder) || uv_loop_init(&fixture.loop) < 0)
        return -1;
    snprintf(fixture.path, sizeof(fixture.path), "%s/socket", fixture.folder);
    uv_timer_init(&fixture.loop, &fixture.clock);
    uv_timer_start(&fixture.clock, on_clock, 1, 1);
    fixture.link = session_link_new(&fixture.loop, fixture.path, &listener);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    session_link_free(fixture.link);
    uv_close((uv_handle_t *)&fixture.clock, NULL);
    uv_run(&fixture.loop, UV_RUN_DEFAULT);
    descriptor_close(fixture.listener);
    descriptor_close(fixture.agent);
    if (uv_loop_close(&fixture.loop) != 0)
        return -1;
    return file_remove_tree(fixture.folder, NULL);
}

#define WAIT_UNTIL(condition)                                                                      \
    while (!(condition))                                                                           \
    uv_run(&fixture.loop, UV_RUN_ONCE)

static void listen_as_agent(void)
{
    fixture.listener = descriptor_listen_unix(fixture.path, SOCK_STREAM, 0666, NULL);
    assert_true(fixture.listener >= 0);
}

/* The helper has connected, and what he said first is this. */
static void expect_words(const char *words)
{
    char said[512] = "";
    unsigned int connections = fixture.connections;
    ssize_t n;

    WAIT_UNTIL(fixture.connections > connections);
    fixture.agent = accept(fixture.listener, NULL, NULL);
    assert_true(fixture.agent >= 0);
    n = read(fixture.agent, said, sizeof(said) - 1);
    assert_true(n > 0);
    assert_string_equal(said, words);
}

static void say(const char *text, size_t length)
{
    assert_int_equal(send(fixture.agent, text, length, MSG_NOSIGNAL), length);
}

#define HELLO "{\"version\":1,\"word\":\"session\"}\n"

static void he_says_what_he_is_and_hears_each_answer(void **state)
{
    (void)state;
    listen_as_agent();
    expect_words(HELLO);
    say(ANSWER ANSWER, 2 * strlen(ANSWER));
    say(ANSWER, strlen(ANSWER) - 7);
    WAIT_UNTIL(fixture.answers == 2);
    say(ANSWER + strlen(ANSWER) - 7, 7);
    WAIT_UNTIL(fixture.answers == 3);
    assert_int_equal(fixture.losses, 0);
}

static void an_agent_that_comes_later_is_found(void **state)
{
    (void)state;
    uv_run(&fixture.loop, UV_RUN_NOWAIT);
    assert_int_equal(fixture.connections, 0);
    listen_as_agent();
    expect_words(HELLO);
}

static void one_that_goes_is_lost_and_found_again(void **state)
{
    (void)state;
    listen_as_agent();
    expect_words(HELLO);
    say(ANSWER, strlen(ANSWER));
    WAIT_UNTIL(fixture.answers == 1);
    fixture.agent = descriptor_close(fixture.agent);
    WAIT_UNTIL(fixture.losses == 1);
    expect_words(HELLO);
}

static void nonsense_is_no_agent(void **state)
{
    (void)state;
    listen_as_agent();
    expect_words(HELLO);
    say("hello\n" ANSWER, 6 + strlen(ANSWER));
    WAIT_UNTIL(fixture.losses == 1);
    assert_int_equal(fixture.answers, 0);
}

static void an_answer_without_end_is_none(void **state)
{
    static char piece[64 * 1024];

    (void)state;
    memset(piece, 'x', sizeof(piece));
    listen_as_agent();
    expect_words(HELLO);
    while (fixture.losses == 0) {
        (void)send(fixture.agent, piece, sizeof(piece), MSG_NOSIGNAL | MSG_DONTWAIT);
        uv_run(&fixture.loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(fixture.answers, 0);
}

static void who_does_not_read_is_given_up(void **state)
{
    struct owner_word word = {.kind = OWNER_WORD_USED};

    (void)state;
    listen_as_agent();
    expect_words(HELLO);
    while (fixture.losses == 0)
        session_link_say(fixture.link, &word);
    session_link_say(fixture.link, &word);
    assert_int_equal(fixture.losses, 1);
}

/* Whoever makes the socket first is asked nothing: the kernel says who he is. */
static void another_user_is_no_agent(void **state)
{
    char letter;

    (void)state;
    if (getuid() != 0)
        skip();
    assert_int_equal(chmod(fixture.folder, 0777), 0);
    assert_int_equal(seteuid(OTHER), 0);
    listen_as_agent();
    assert_int_equal(seteuid(0), 0);
    uv_run(&fixture.loop, UV_RUN_ONCE);
    assert_int_equal(fixture.connections, 0);
    fixture.agent = accept(fixture.listener, NULL, NULL);
    assert_int_equal(read(fixture.agent, &letter, 1), 0);
}

static void a_refusal_is_an_answer(void **state)
{
    static const char refusal[] = "{\"version\":1,\"error\":\"no\"}\n";

    (void)state;
    listen_as_agent();
    expect_words(HELLO);
    say(refusal, strlen(refusal));
    WAIT_UNTIL(fixture.errors == 1);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(he_says_what_he_is_and_hears_each_answer),
        TEST(an_agent_that_comes_later_is_found),
        TEST(one_that_goes_is_lost_and_found_again),
        TEST(nonsense_is_no_agent),
        TEST(an_answer_without_end_is_none),
        TEST(who_does_not_read_is_given_up),
        TEST(another_user_is_no_agent),
        TEST(a_refusal_is_an_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
