/* SPDX-License-Identifier: Apache-2.0 */
/* What of all that logind tells is a use, or keeps the pool away, and what comes after its end. */
#include "logind_fixture.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { ANNA = 1000, TASK = 5000 };

static bool is_task(uid_t uid)
{
    return uid == TASK;
}

static void begin(struct fixture *fixture)
{
    fixture->options.is_task = is_task;
    fixture_begin(fixture, "logind");
    WAIT_UNTIL(fixture, fixture_view(fixture).works);
}

static void set_inhibitor(const char *what, const char *mode, uint32_t uid, uint32_t pid)
{
    const struct fake_inhibitor inhibitors[] = {
        {"sleep", "delay", 0, 1},
        {"handle-power-key:handle-lid-switch", "block", ANNA, 1},
        {what, mode, uid, pid}};

    fake_inhibit(inhibitors, ARRAY_LENGTH(inhibitors));
}

/*
 * Everything that was told until now was heard once what is told after it is; first the source's
 * rest comes to its end.
 */
static void hear_all(struct fixture *fixture)
{
    fixture_pass_time(fixture);
    set_inhibitor("idle", "block", ANNA, 1);
    WAIT_UNTIL(fixture, fixture->holds[OWNER_REASON_DISTURB]);
    fixture_pass_time(fixture);
    set_inhibitor("shutdown", "block", ANNA, 1);
    WAIT_UNTIL(fixture, !fixture->holds[OWNER_REASON_DISTURB]);
}

static bool was_used(struct fixture *fixture)
{
    unsigned int before = fixture->uses;

    hear_all(fixture);
    return fixture->uses > before;
}

static void it_works_once_logind_has_answered(void **state)
{
    struct fixture *fixture = *state;

    uv_poll_stop(&fake.poll);
    fixture_begin(fixture, "logind");
    assert_false(fixture_view(fixture).works);
    assert_string_equal(fixture_view(fixture).why_not, "it has not answered yet");
    assert_true(fixture->holds[OWNER_REASON_UNWATCHED]);
    fake_listen();
    WAIT_UNTIL(fixture, fixture_view(fixture).works);
    assert_false(fixture->holds[OWNER_REASON_UNWATCHED]);
}

static void what_a_person_does_with_a_session_is_a_use(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture);
    assert_false(was_used(fixture));
    fake_begin_session("c1", "user", ANNA);
    assert_true(was_used(fixture));
    fake_change_session("c1", "IdleHint", true);
    fake_change_session("c1", "LockedHint", true);
    assert_false(was_used(fixture));
    fake_change_session("c1", "IdleHint", false);
    assert_true(was_used(fixture));
    fake_change_session("c1", "LockedHint", false);
    assert_true(was_used(fixture));
    fake_change_session("c1", "Active", false);
    assert_true(was_used(fixture));
    fake_change_session("c1", "Active", true);
    assert_true(was_used(fixture));
    fake_end_session("c1");
    assert_true(was_used(fixture));
    fake_change_session("c1", "Active", false);
    assert_false(was_used(fixture));
}

static void sessions_that_were_there_before_are_none_until_something_happens(void **state)
{
    struct fixture *fixture = *state;

    fake_begin_session("c1", "user", ANNA);
    fake_begin_session("c2", "greeter", 110);
    begin(fixture);
    assert_false(was_used(fixture));
    fake_change_session("c2", "IdleHint", false);
    assert_false(was_used(fixture));
    fake_change_session("c1", "IdleHint", false);
    assert_true(was_used(fixture));
}

static void sessions_without_a_person_do_not_count(void **state)
{
    static const char *const classes[] = {"greeter", "manager", "manager-early", "background",
                                          "background-light"};
    struct fixture *fixture = *state;

    begin(fixture);
    for (size_t i = 0; i < ARRAY_LENGTH(classes); i++) {
        fake_begin_session("c1", classes[i], 0);
        hear_all(fixture);
        fake_change_session("c1", "IdleHint", false);
        hear_all(fixture);
        fake_end_session("c1");
        hear_all(fixture);
    }
    fake_begin_session("c2", "user", TASK);
    hear_all(fixture);
    fake_end_session("c2");
    hear_all(fixture);
    assert_int_equal(fixture->uses, 0);
}

static void a_session_that_ends_before_it_could_be_asked_is_none(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture);
    fake_begin_session("c1", "user", ANNA);
    fake.session_count = 0;
    assert_false(was_used(fixture));
    fake_end_session("c1");
    fake_begin_session("c2", "user", ANNA);
    fake_end_session("c2");
    assert_false(was_used(fixture));
    assert_true(fixture_view(fixture).works);
}

static void to_be_sent_to_sleep_is_a_use_and_so_is_waking_up(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture);
    fake_tell_sleep(true);
    assert_true(was_used(fixture));
    fake_tell_sleep(false);
    assert_true(was_used(fixture));
}

static bool yes(void *own_userdata)
{
    (void)own_userdata;
    return true;
}

static void a_sleep_of_the_agents_own_is_none(void **state)
{
    struct fixture *fixture = *state;

    fixture->options.sleeps_by_itself = yes;
    begin(fixture);
    fake_tell_sleep(true);
    fake_tell_sleep(false);
    assert_false(was_used(fixture));
}

static bool disturbs(struct fixture *fixture, const char *what, const char *mode, uint32_t uid,
                     uint32_t pid)
{
    bool disturbs;

    set_inhibitor(what, mode, uid, pid);
    /* A session is asked about after them, so its answer comes after theirs. */
    fake_begin_session("c1", "user", ANNA);
    WAIT_UNTIL(fixture, fixture->uses > 0);
    disturbs = fixture->holds[OWNER_REASON_DISTURB];
    fixture_pass_time(fixture);
    fake_end_session("c1");
    hear_all(fixture);
    fixture->uses = 0;
    return disturbs;
}

static void who_blocks_idleness_or_sleep_does_not_want_to_be_disturbed(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture);
    assert_true(disturbs(fixture, "idle", "block", ANNA, 1));
    assert_true(disturbs(fixture, "shutdown:sleep", "block", ANNA, 1));
    assert_true(disturbs(fixture, "idle", "block-weak", ANNA, 1));
    assert_false(disturbs(fixture, "shutdown", "block", ANNA, 1));
    assert_false(disturbs(fixture, "idle:sleep", "delay", ANNA, 1));
    assert_false(disturbs(fixture, "handle-suspend-key", "block", ANNA, 1));
}

static void we_and_our_tasks_disturb_nobody(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture);
    assert_false(disturbs(fixture, "sleep", "block", 0, (uint32_t)getpid()));
    assert_false(disturbs(fixture, "sleep", "block", TASK, 1));
}

static void inhibitors_that_change_all_the_time_are_known_in_the_end(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture);
    for (unsigned int i = 0; i < 1000; i++)
        set_inhibitor(i % 2 ? "idle" : "shutdown", "block", ANNA, 1);
    WAIT_UNTIL(fixture, fixture->holds[OWNER_REASON_DISTURB]);
    assert_false(was_used(fixture));
}

static void a_logind_that_ends_leaves_the_computer_used_until_there_is_another(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture);
    set_inhibitor("idle", "block", ANNA, 1);
    WAIT_UNTIL(fixture, fixture->holds[OWNER_REASON_DISTURB]);
    fake_end_logind();
    WAIT_UNTIL(fixture, !fixture_view(fixture).works);
    assert_non_null(strstr(fixture_view(fixture).why_not, "logind has ended"));
    assert_true(fixture->holds[OWNER_REASON_UNWATCHED]);
    assert_false(fixture->holds[OWNER_REASON_DISTURB]);
    fake_begin_logind();
    fixture_pass_time(fixture);
    WAIT_UNTIL(fixture, fixture_view(fixture).works);
    assert_false(fixture->holds[OWNER_REASON_UNWATCHED]);
    assert_true(fixture->holds[OWNER_REASON_DISTURB]);
}

static void so_does_a_bus_that_ends(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture);
    fake_end_logind();
    bus_fixture_end();
    WAIT_UNTIL(fixture, !fixture_view(fixture).works);
    fixture_pass_time(fixture);
    assert_non_null(strstr(fixture_view(fixture).why_not, "cannot connect to the system bus"));
    assert_true(fixture->holds[OWNER_REASON_UNWATCHED]);
    bus_fixture_begin(fixture, "DBUS_SYSTEM_BUS_ADDRESS");
    fake_begin_logind();
    fixture_pass_time(fixture);
    WAIT_UNTIL(fixture, fixture_view(fixture).works);
}

static void a_logind_that_refuses_to_answer_is_as_good_as_none(void **state)
{
    struct fixture *fixture = *state;

    fake.refuses = true;
    fixture_begin(fixture, "logind");
    WAIT_UNTIL(fixture, strcmp(fixture_view(fixture).why_not,
                               "logind does not say who blocks sleep: not to you") == 0);
    assert_true(fixture->holds[OWNER_REASON_UNWATCHED]);
}

static void a_bus_that_says_nothing_is_waited_for_without_standing_still(void **state)
{
    struct fixture *fixture = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    fake_end_logind();
    bus_fixture_end();
    unlink(fixture_path(fixture, "bus"));
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", fixture_path(fixture, "bus"));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    fixture_begin(fixture, "logind");
    fixture_pass_time(fixture);
    assert_string_equal(fixture_view(fixture).why_not, "it has not answered yet");
    assert_true(fixture->holds[OWNER_REASON_UNWATCHED]);
    close(fd);
    WAIT_UNTIL(fixture, strcmp(fixture_view(fixture).why_not, "it has not answered yet") != 0);
}

static void auto_takes_it_where_logind_is(void **state)
{
    struct fixture *fixture = *state;

    fixture_begin(fixture, "auto");
    assert_string_equal(fixture_view(fixture).name, "logind");
    fixture->presence = presence_free(fixture->presence);
    assert_int_equal(rmdir(fixture_path(fixture, "run/systemd/seats")), 0);
    fixture_begin(fixture, "auto");
    assert_int_equal(presence_count(fixture->presence), 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fake_set_up, fake_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_works_once_logind_has_answered),
        TEST(what_a_person_does_with_a_session_is_a_use),
        TEST(sessions_that_were_there_before_are_none_until_something_happens),
        TEST(sessions_without_a_person_do_not_count),
        TEST(a_session_that_ends_before_it_could_be_asked_is_none),
        TEST(to_be_sent_to_sleep_is_a_use_and_so_is_waking_up),
        TEST(a_sleep_of_the_agents_own_is_none),
        TEST(who_blocks_idleness_or_sleep_does_not_want_to_be_disturbed),
        TEST(we_and_our_tasks_disturb_nobody),
        TEST(inhibitors_that_change_all_the_time_are_known_in_the_end),
        TEST(a_logind_that_ends_leaves_the_computer_used_until_there_is_another),
        TEST(so_does_a_bus_that_ends),
        TEST(a_logind_that_refuses_to_answer_is_as_good_as_none),
        TEST(a_bus_that_says_nothing_is_waited_for_without_standing_still),
        TEST(auto_takes_it_where_logind_is),
    };

    unsetenv("DISPLAY");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
