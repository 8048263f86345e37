/* SPDX-License-Identifier: Apache-2.0 */
/* What an owner reads in his tray for all that his agent may say, word for word. */
#include "tray_view.h"

#include "base/test.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* 2026-03-02 14:00 in UTC, which is the local time here. */
#define NOW 1772460000.0

static int use_utc(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1);
    tzset();
    return 0;
}

/* The view as lines: state, title, text, and the menu with '-' before what cannot be clicked. */
static char *describe(const struct owner_answer *answer, bool gives_notice)
{
    const struct tray_input input = {answer, gives_notice, NOW};
    struct buffer text = BUFFER_INIT;
    struct tray_view view;

    tray_view_make(&input, &view);
    buffer_appendf(&text, "%s%s note %d\n%s\n%s\n", tray_state_icon(view.state),
                   view.needs_attention ? "!" : "", view.note, view.title, view.text);
    for (size_t i = 0; i < view.entry_count; i++)
        buffer_appendf(&text, "%s%s\n", view.entries[i].is_enabled ? "+ " : "- ",
                       view.entries[i].label ? view.entries[i].label : "");
    tray_view_deinit(&view);
    return buffer_take(&text);
}

static void assert_view(const struct owner_answer *answer, const char *expected)
{
    _cleanup_free_ char *text = describe(answer, false);

    assert_string_equal(text, expected);
}

static void assert_begins(const struct owner_answer *answer, const char *expected)
{
    _cleanup_free_ char *text = describe(answer, false);

    text[strlen(expected)] = '\0';
    assert_string_equal(text, expected);
}

static struct owner_answer answer_of(enum owner_presence presence, enum owner_reason reason)
{
    return (struct owner_answer){
        .node = (char *)"pc1", .presence = presence, .reason = reason, .since_at = NOW - 60};
}

static void a_computer_that_is_lent_shows_for_whom(void **state)
{
    struct owner_task tasks[] = {
        {17, 3, ATTEMPT_RUNNING, (char *)"marie_c", NOW - 3600},
        {18, 0, ATTEMPT_PREPARING, NULL, NOW - 2 * 86400},
    };
    struct owner_answer answer = answer_of(OWNER_AWAY, OWNER_REASON_NONE);

    (void)state;
    answer.tasks = tasks;
    answer.task_count = 2;
    assert_view(&answer, "dusk-lending note 0\n"
                         "pc1 is lent to the pool: nobody uses it\n"
                         "\n"
                         "- pc1 is lent to the pool: nobody uses it\n"
                         "- \n"
                         "+ Pause for an hour\n"
                         "+ Pause until tomorrow, 7:00\n"
                         "+ Pause until I lend it again\n"
                         "+ Lend it to my own tasks only\n"
                         "+ Never lend this computer\n"
                         "- Lend it again\n"
                         "- \n"
                         "- Task 17.3 for marie_c: running since 13:00\n"
                         "- Task 18.0 for somebody: preparing since 2026-02-28 14:00\n"
                         "- \n"
                         "+ Show notifications\n");
}

static void a_computer_in_use_says_until_when(void **state)
{
    struct owner_answer answer = answer_of(OWNER_PRESENT, OWNER_REASON_USED);

    (void)state;
    answer.has_end = true;
    answer.until_at = NOW + 600;
    assert_view(&answer, "dusk-in-use note 0\n"
                         "pc1 is not lent: somebody uses it\n"
                         "Lent when nobody uses it until 14:10\n"
                         "- pc1 is not lent: somebody uses it\n"
                         "- Lent when nobody uses it until 14:10\n"
                         "- \n"
                         "+ Pause for an hour\n"
                         "+ Pause until tomorrow, 7:00\n"
                         "+ Pause until I lend it again\n"
                         "+ Lend it to my own tasks only\n"
                         "+ Never lend this computer\n"
                         "- Lend it again\n"
                         "- \n"
                         "- No task is here\n"
                         "- \n"
                         "+ Show notifications\n");
}

static void a_pause_can_be_taken_back(void **state)
{
    struct owner_answer answer = answer_of(OWNER_PRESENT, OWNER_REASON_PAUSED);

    (void)state;
    assert_view(&answer, "dusk-paused note 0\n"
                         "pc1 is not lent: its owner has paused it\n"
                         "Until you lend it again\n"
                         "- pc1 is not lent: its owner has paused it\n"
                         "- Until you lend it again\n"
                         "- \n"
                         "+ Pause for an hour\n"
                         "+ Pause until tomorrow, 7:00\n"
                         "- Pause until I lend it again\n"
                         "+ Lend it to my own tasks only\n"
                         "+ Never lend this computer\n"
                         "+ Lend it again\n"
                         "- \n"
                         "- No task is here\n"
                         "- \n"
                         "+ Show notifications\n");
    answer.has_end = true;
    answer.until_at = NOW + 3 * 86400;
    assert_begins(&answer, "dusk-paused note 0\n"
                           "pc1 is not lent: its owner has paused it\n"
                           "Until 2026-03-05 14:00\n");
    answer = answer_of(OWNER_PRESENT, OWNER_REASON_NEVER);
    assert_begins(&answer, "dusk-paused note 0\n"
                           "pc1 is not lent: its owner does not lend it\n"
                           "Until you lend it again\n");
}

static void whose_tasks_alone_it_takes_is_said(void **state)
{
    struct owner_answer answer = answer_of(OWNER_AWAY, OWNER_REASON_NONE);

    (void)state;
    answer.only_user = (char *)"erika";
    assert_view(&answer, "dusk-lending note 0\n"
                         "pc1 is lent to the pool: nobody uses it\n"
                         "Only tasks of erika\n"
                         "- pc1 is lent to the pool: nobody uses it\n"
                         "- Only tasks of erika\n"
                         "- \n"
                         "+ Pause for an hour\n"
                         "+ Pause until tomorrow, 7:00\n"
                         "+ Pause until I lend it again\n"
                         "+ Lend it to tasks of erika only\n"
                         "+ Never lend this computer\n"
                         "- Lend it again\n"
                         "- \n"
                         "- No task is here\n"
                         "- \n"
                         "+ Show notifications\n");
    answer.presence = OWNER_PRESENT;
    answer.reason = OWNER_REASON_PAUSED;
    assert_begins(&answer, "dusk-paused note 0\n"
                           "pc1 is not lent: its owner has paused it\n"
                           "Until you lend it again\n"
                           "Only tasks of erika\n");
}

static void who_is_near_has_it_unless_tasks_go_on(void **state)
{
    struct owner_task task = {17, 3, ATTEMPT_RUNNING, (char *)"marie", NOW};
    struct owner_answer answer = answer_of(OWNER_NEAR, OWNER_REASON_CLOSING);

    (void)state;
    assert_begins(&answer, "dusk-in-use note 0\n"
                           "pc1 begins no new tasks: its working hours begin soon\n");
    answer.tasks = &task;
    answer.task_count = 1;
    assert_begins(&answer, "dusk-lending note 0\n");
    task.state = ATTEMPT_SUSPENDED;
    assert_begins(&answer, "dusk-in-use note 0\n");
}

static void without_a_server_it_is_lent_to_nobody(void **state)
{
    struct owner_answer answer = answer_of(OWNER_AWAY, OWNER_REASON_NONE);

    (void)state;
    answer.server_problem = (char *)"connection refused";
    assert_begins(&answer, "dusk-no-server note 0\n"
                           "pc1 is lent to the pool: nobody uses it\n"
                           "The server is not reached: connection refused\n"
                           "- pc1 is lent to the pool: nobody uses it\n"
                           "- The server is not reached: connection refused\n"
                           "- \n");
    /* Whose it is comes first. */
    answer.presence = OWNER_PRESENT;
    answer.reason = OWNER_REASON_USED;
    answer.has_end = true;
    answer.until_at = NOW + 600;
    assert_begins(&answer, "dusk-in-use note 0\n"
                           "pc1 is not lent: somebody uses it\n"
                           "Lent when nobody uses it until 14:10\n"
                           "The server is not reached: connection refused\n");
}

static void without_an_agent_nothing_can_be_said(void **state)
{
    (void)state;
    assert_view(NULL, "dusk-error note 0\n"
                      "dusk's agent does not answer\n"
                      "Is it running? systemctl status dusk-agent tells.\n"
                      "- dusk's agent does not answer\n"
                      "- Is it running? systemctl status dusk-agent tells.\n"
                      "- \n"
                      "- Pause for an hour\n"
                      "- Pause until tomorrow, 7:00\n"
                      "- Pause until I lend it again\n"
                      "- Lend it to my own tasks only\n"
                      "- Never lend this computer\n"
                      "- Lend it again\n"
                      "- \n"
                      "+ Show notifications\n");
}

static void what_is_wrong_is_said(void **state)
{
    struct wire_source sources[] = {
        {.name = (char *)"x11", .why_not = (char *)"there is no\n\033display"},
        {.name = (char *)"tty", .was_used = true},
    };
    struct owner_answer answer = answer_of(OWNER_PRESENT, OWNER_REASON_UNWATCHED);

    (void)state;
    answer.sources = sources;
    answer.source_count = 2;
    assert_begins(&answer, "dusk-error! note 2\n"
                           "pc1 is not lent: whether somebody uses it cannot be seen\n"
                           "x11: there is no\xef\xbf\xbd\xef\xbf\xbd"
                           "display\n"
                           "- pc1 is not lent: whether somebody uses it cannot be seen\n"
                           "- x11: there is no\xef\xbf\xbd\xef\xbf\xbd"
                           "display\n"
                           "- \n");
}

static void notice_is_given_before_it_is_lent(void **state)
{
    struct owner_answer answer = answer_of(OWNER_NEAR, OWNER_REASON_USED);
    _cleanup_free_ char *text = NULL;

    (void)state;
    answer.has_end = true;
    answer.until_at = NOW + 30;
    text = describe(&answer, true);
    assert_non_null(strstr(text, "dusk-in-use note 1\npc1 will be lent in a moment\n"
                                 "Lent when nobody uses it until 14:00\n"));
}

/* As many as there may be, of names as long as there may be. */
static void others_cannot_fill_the_screen(void **state)
{
    static struct wire_source sources[20];
    static struct owner_task tasks[100];
    struct owner_answer answer = answer_of(OWNER_PRESENT, OWNER_REASON_UNWATCHED);
    static char name[10001];
    _cleanup_free_ char *text = NULL;

    (void)state;
    memset(name, 'x', sizeof(name) - 1);
    for (size_t i = 0; i < ARRAY_LENGTH(tasks); i++)
        tasks[i] = (struct owner_task){1, (uint32_t)i, ATTEMPT_RUNNING, name, NOW};
    for (size_t i = 0; i < ARRAY_LENGTH(sources); i++)
        sources[i] = (struct wire_source){.name = name, .why_not = name};
    answer.sources = sources;
    answer.source_count = ARRAY_LENGTH(sources);
    answer.has_end = true;
    answer.tasks = tasks;
    answer.task_count = ARRAY_LENGTH(tasks);
    answer.node = answer.server_problem = answer.only_user = name;
    text = describe(&answer, false);
    assert_non_null(strstr(text, "- Task 1.7 for xxx"));
    assert_non_null(strstr(text, "- … and 92 more\n"));
    assert_non_null(strstr(text, "- … and 16 more\n"));
    assert_true(strlen(text) < 4000);
}

static void clicks_are_words(void **state)
{
    struct owner_word word = {0};

    (void)state;
    assert_true(tray_action_word(TRAY_PAUSE_HOUR, NOW, &word));
    assert_true(word.kind == OWNER_WORD_PAUSE && word.has_end && word.until_at == NOW + 3600);
    assert_true(tray_action_word(TRAY_PAUSE_TOMORROW, NOW, &word));
    assert_true(word.kind == OWNER_WORD_PAUSE && word.has_end && word.until_at == NOW + 17 * 3600);
    assert_true(tray_action_word(TRAY_PAUSE, NOW, &word));
    assert_true(word.kind == OWNER_WORD_PAUSE && !word.has_end);
    assert_true(tray_action_word(TRAY_MINE_ONLY, NOW, &word));
    assert_true(word.kind == OWNER_WORD_MINE_ONLY && !word.user);
    assert_true(tray_action_word(TRAY_ANYBODYS, NOW, &word));
    assert_int_equal(word.kind, OWNER_WORD_RESUME);
    assert_true(tray_action_word(TRAY_NEVER, NOW, &word));
    assert_int_equal(word.kind, OWNER_WORD_NEVER);
    assert_true(tray_action_word(TRAY_RESUME, NOW, &word));
    assert_int_equal(word.kind, OWNER_WORD_RESUME);
    for (int action = 0; action < TRAY_PAUSE_HOUR; action++)
        assert_false(tray_action_word((enum tray_action)action, NOW, &word));
    assert_false(tray_action_word(TRAY_NOTES, NOW, &word));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_computer_that_is_lent_shows_for_whom),
        cmocka_unit_test(a_computer_in_use_says_until_when),
        cmocka_unit_test(a_pause_can_be_taken_back),
        cmocka_unit_test(whose_tasks_alone_it_takes_is_said),
        cmocka_unit_test(who_is_near_has_it_unless_tasks_go_on),
        cmocka_unit_test(without_a_server_it_is_lent_to_nobody),
        cmocka_unit_test(without_an_agent_nothing_can_be_said),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(notice_is_given_before_it_is_lent),
        cmocka_unit_test(others_cannot_fill_the_screen),
        cmocka_unit_test(clicks_are_words),
    };

    return cmocka_run_group_tests(tests, use_utc, NULL);
}
