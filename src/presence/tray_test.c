/* SPDX-License-Identifier: Apache-2.0 */
/* A tray on a real bus, with a desktop that shows it, asks it, clicks, comes late and goes away. */
#include "tray_fixture.h"
#include "tray_internal.h"

#include <string.h>

#define MENU      "com.canonical.dbusmenu"
#define MENU_PATH "/MenuBar"
#define ITEM      "org.kde.StatusNotifierItem"
#define ITEM_PATH "/StatusNotifierItem"

enum { NOTE_ID = 7 };

static struct owner_answer answer_of(enum owner_presence presence, enum owner_reason reason)
{
    return (struct owner_answer){
        .node = (char *)"pc_1", .presence = presence, .reason = reason, .since_at = 1000};
}

static void show(enum owner_presence presence, enum owner_reason reason)
{
    const struct owner_answer answer = answer_of(presence, reason);

    tray_show(desk.tray, &answer);
}

/* The desktop is there first. */
static void begin(struct fixture *fixture)
{
    desk_begin();
    desk_begin_tray();
    WAIT_UNTIL(fixture, desk.registered == 1);
}

static void an_icon_is_shown_where_there_is_a_tray(void **state)
{
    begin(*state);
    assert_string_equal(desk_get("Id"), "dusk");
    assert_string_equal(desk_get("Category"), "SystemServices");
    assert_string_equal(desk_get("IconName"), "dusk-error");
    assert_string_equal(desk_get("Status"), "Active");
    assert_string_equal(desk_get("Title"), "dusk's agent does not answer");
    show(OWNER_AWAY, OWNER_REASON_NONE);
    assert_string_equal(desk_get("IconName"), "dusk-lending");
    show(OWNER_PRESENT, OWNER_REASON_UNWATCHED);
    assert_string_equal(desk_get("Status"), "NeedsAttention");
    assert_string_equal(desk_get("AttentionIconName"), "dusk-error");
    assert_true(desk_call(ITEM_PATH, "org.freedesktop.DBus.Properties", "GetAll", "s", ITEM));
    assert_true(desk_call(ITEM_PATH, ITEM, "Activate", "ii", 5, 5));
    assert_true(desk_call(ITEM_PATH, "org.freedesktop.DBus.Introspectable", "Introspect", ""));
}

static void a_tray_that_comes_later_and_one_in_its_place_show_it_as_well(void **state)
{
    struct fixture *fixture = *state;

    desk_begin_tray();
    fixture_settle(fixture);
    desk_begin();
    WAIT_UNTIL(fixture, desk.registered == 1);
    desk_end();
    desk_begin();
    WAIT_UNTIL(fixture, desk.registered == 2);
    assert_string_equal(desk_get("Id"), "dusk");
}

static void a_bus_that_goes_away_is_tried_again(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture);
    desk_end();
    bus_fixture_end();
    show(OWNER_AWAY, OWNER_REASON_NONE);
    fixture_pass_time(fixture);
    show(OWNER_PRESENT, OWNER_REASON_PAUSED);
    bus_fixture_begin(fixture, "DBUS_SESSION_BUS_ADDRESS");
    desk_begin();
    /* The next try is due in its own time, which the fixture lets go by. */
    while (desk.registered < 2)
        fixture_pass_time(fixture);
    assert_string_equal(desk_get("IconName"), "dusk-paused");
}

static void the_menu_is_told_and_told_again_when_it_changes(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture);
    show(OWNER_AWAY, OWNER_REASON_NONE);
    WAIT_UNTIL(fixture, desk.changes == 1);
    assert_string_equal(desk_read_menu(), "-100 pc__1 is lent to the pool: nobody uses it\n"
                                          "-101 \n"
                                          "+2 Pause for an hour\n"
                                          "+3 Pause until tomorrow, 7:00\n"
                                          "+4 Pause until I lend it again\n"
                                          "+5 Lend it to my own tasks only\n"
                                          "+7 Never lend this computer\n"
                                          "-8 Lend it again\n"
                                          "-108 \n"
                                          "-109 No task is here\n"
                                          "-110 \n"
                                          "+9 Show notifications *\n");
    show(OWNER_AWAY, OWNER_REASON_NONE);
    show(OWNER_PRESENT, OWNER_REASON_NEVER);
    WAIT_UNTIL(fixture, desk.changes == 2);
    assert_non_null(strstr(desk_read_menu(), "\n-7 Never lend this computer\n+8 Lend it again\n"));
    assert_int_equal(desk.changes, 2);
}

static void a_click_is_a_word_of_the_owner(void **state)
{
    begin(*state);
    show(OWNER_AWAY, OWNER_REASON_NONE);
    assert_true(desk_tell_menu(TRAY_NEVER, "clicked"));
    assert_int_equal(desk.words, 1);
    assert_int_equal(desk.word.kind, OWNER_WORD_NEVER);
    assert_true(desk_tell_menu(TRAY_PAUSE_HOUR, "clicked"));
    assert_int_equal(desk.words, 2);
    assert_true(desk.word.kind == OWNER_WORD_PAUSE && desk.word.has_end);
    assert_true(
        desk_call(MENU_PATH, MENU, "EventGroup", "a(isvu)", 1, TRAY_PAUSE, "clicked", "i", 0, 0));
    assert_int_equal(desk.words, 3);
}

static void whose_tasks_are_welcome_is_switched_on_and_off(void **state)
{
    struct owner_answer answer = answer_of(OWNER_AWAY, OWNER_REASON_NONE);

    begin(*state);
    tray_show(desk.tray, &answer);
    assert_true(desk_tell_menu(TRAY_MINE_ONLY, "clicked"));
    assert_int_equal(desk.words, 1);
    assert_true(desk.word.kind == OWNER_WORD_MINE_ONLY && !desk.word.user);
    answer.only_user = (char *)"erika_1";
    tray_show(desk.tray, &answer);
    assert_non_null(strstr(desk_read_menu(), "+6 Lend it to tasks of erika__1 only *\n"));
    /* Who clicks what a menu offered before means that, and not its opposite. */
    assert_true(desk_tell_menu(TRAY_MINE_ONLY, "clicked"));
    assert_int_equal(desk.words, 1);
    assert_true(desk_tell_menu(TRAY_ANYBODYS, "clicked"));
    assert_int_equal(desk.words, 2);
    assert_int_equal(desk.word.kind, OWNER_WORD_RESUME);
    answer.presence = OWNER_PRESENT;
    answer.reason = OWNER_REASON_PAUSED;
    tray_show(desk.tray, &answer);
    assert_non_null(strstr(desk_read_menu(), "-6 Lend it to tasks of erika__1 only *\n"));
    assert_true(desk_tell_menu(TRAY_ANYBODYS, "clicked"));
    assert_int_equal(desk.words, 2);
}

static void what_is_not_offered_cannot_be_clicked(void **state)
{
    static const int ids[] = {TRAY_RESUME, TRAY_INFORM, TRAY_DIVIDE, TRAY_ACTION_COUNT,
                              100,         101,         -1,          INT32_MAX};

    begin(*state);
    show(OWNER_AWAY, OWNER_REASON_NONE);
    for (size_t i = 0; i < ARRAY_LENGTH(ids); i++)
        assert_true(desk_tell_menu(ids[i], "clicked"));
    assert_true(desk_tell_menu(TRAY_NEVER, "hovered"));
    /* Without an agent there is nobody to say it to. */
    tray_show(desk.tray, NULL);
    assert_true(desk_tell_menu(TRAY_NEVER, "clicked"));
    assert_int_equal(desk.words, 0);
}

static void nonsense_is_refused(void **state)
{
    begin(*state);
    assert_false(desk_call(MENU_PATH, MENU, "GetLayout", "iias", 4711, -1, 0));
    assert_false(desk_call(MENU_PATH, MENU, "GetLayout", "s", "all"));
    assert_false(desk_call(MENU_PATH, MENU, "Event", "i", 5));
    assert_false(desk_call(MENU_PATH, MENU, "GetProperty", "is", TRAY_PAUSE, "colour"));
    assert_false(desk_call(MENU_PATH, MENU, "Explode", ""));
    assert_false(desk_call(ITEM_PATH, ITEM, "Activate", "s", "now"));
    /* What makes sense is still answered. */
    assert_true(desk_call(MENU_PATH, MENU, "GetLayout", "iias", TRAY_PAUSE, 0, 0));
    assert_true(desk_call(MENU_PATH, MENU, "GetProperty", "is", TRAY_PAUSE, "label"));
    assert_true(
        desk_call(MENU_PATH, MENU, "GetGroupProperties", "aias", 3, 0, TRAY_PAUSE, 4711, 0));
    assert_true(desk_call(MENU_PATH, MENU, "GetGroupProperties", "aias", 0, 0));
    assert_true(desk_call(MENU_PATH, MENU, "EventGroup", "a(isvu)", 0));
    assert_true(desk_call(MENU_PATH, MENU, "AboutToShow", "i", 0));
    assert_true(desk_call(MENU_PATH, MENU, "AboutToShowGroup", "ai", 1, 0));
    assert_true(desk_call(MENU_PATH, "org.freedesktop.DBus.Properties", "GetAll", "s", MENU));
}

static void what_stays_wrong_is_worth_a_note_until_it_is_right(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture);
    show(OWNER_PRESENT, OWNER_REASON_UNWATCHED);
    show(OWNER_AWAY, OWNER_REASON_NONE);
    fixture_pass_time(fixture);
    assert_int_equal(desk.notes, 0);
    show(OWNER_PRESENT, OWNER_REASON_UNWATCHED);
    fixture_pass_time(fixture);
    WAIT_UNTIL(fixture, desk.notes == 1);
    assert_string_equal(desk.title, "pc_1 is not lent: whether somebody uses it cannot be seen");
    assert_int_equal(desk.note_actions, 0);
    show(OWNER_PRESENT, OWNER_REASON_USED);
    WAIT_UNTIL(fixture, desk.closed == NOTE_ID);
    assert_int_equal(desk.notes, 1);
}

static void a_click_that_was_refused_is_answered_each_time(void **state)
{
    const struct owner_answer no = {
        .error = (char *)"<b>a & b</b>", .hint = (char *)"ask\nroot", .refused = true};
    struct fixture *fixture = *state;

    begin(fixture);
    show(OWNER_AWAY, OWNER_REASON_NONE);
    tray_show(desk.tray, &no);
    WAIT_UNTIL(fixture, desk.notes == 1);
    assert_string_equal(desk.title, "dusk did not take that");
    assert_string_equal(desk.body, "&lt;b>a &amp; b&lt;/b>: ask\xef\xbf\xbdroot");
    tray_show(desk.tray, &no);
    WAIT_UNTIL(fixture, desk.notes == 2);
    /* It says nothing of the computer. */
    assert_string_equal(desk_get("IconName"), "dusk-lending");
    assert_true(desk_tell_menu(TRAY_NOTES, "clicked"));
    tray_show(desk.tray, &no);
    assert_string_equal(desk_get("Id"), "dusk");
    assert_int_equal(desk.notes, 2);
}

static void pauses_and_uses_are_worth_none(void **state)
{
    begin(*state);
    show(OWNER_AWAY, OWNER_REASON_NONE);
    show(OWNER_PRESENT, OWNER_REASON_USED);
    show(OWNER_PRESENT, OWNER_REASON_PAUSED);
    tray_show(desk.tray, NULL);
    fixture_pass_time(*state);
    assert_string_equal(desk_get("Id"), "dusk");
    assert_int_equal(desk.notes, 0);
}

static void who_is_given_notice_can_put_it_off(void **state)
{
    struct fixture *fixture = *state;
    const struct owner_answer answer = answer_of(OWNER_NEAR, OWNER_REASON_USED);
    const struct tray_input notice = {&answer, true, 1000};

    begin(fixture);
    tray_show_input(desk.tray, &notice);
    WAIT_UNTIL(fixture, desk.notes == 1);
    assert_string_equal(desk.title, "pc_1 will be lent in a moment");
    assert_int_equal(desk.note_actions, 2);
    /* Only of this note, only this button, and only from the server. */
    desk_tell_note("ActionInvoked", NOTE_ID + 1, "not-now");
    desk_tell_note("ActionInvoked", NOTE_ID, "default");
    assert_string_equal(desk_get("Id"), "dusk");
    assert_int_equal(desk.words, 0);
    desk_tell_note("ActionInvoked", NOTE_ID, "not-now");
    WAIT_UNTIL(fixture, desk.words == 1);
    assert_true(desk.word.kind == OWNER_WORD_PAUSE && desk.word.has_end);
    show(OWNER_PRESENT, OWNER_REASON_PAUSED);
    WAIT_UNTIL(fixture, desk.closed == NOTE_ID);
}

static void notes_can_be_switched_off_and_on(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture);
    show(OWNER_PRESENT, OWNER_REASON_UNWATCHED);
    fixture_pass_time(fixture);
    WAIT_UNTIL(fixture, desk.notes == 1);
    assert_true(desk_tell_menu(TRAY_NOTES, "clicked"));
    assert_true(desk.choices == 1 && !desk.wants_notes);
    WAIT_UNTIL(fixture, desk.closed == NOTE_ID);
    assert_non_null(strstr(desk_read_menu(), "+9 Show notifications\n"));
    fixture_pass_time(fixture);
    assert_true(desk_tell_menu(TRAY_NOTES, "clicked"));
    assert_true(desk.choices == 2 && desk.wants_notes);
    fixture_pass_time(fixture);
    WAIT_UNTIL(fixture, desk.notes == 2);
    /* Closed by the owner, it does not come again. */
    desk_tell_note("NotificationClosed", NOTE_ID, NULL);
    assert_string_equal(desk_get("Id"), "dusk");
    fixture_pass_time(fixture);
    assert_string_equal(desk_get("Id"), "dusk");
    assert_int_equal(desk.notes, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, desk_set_up, desk_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_icon_is_shown_where_there_is_a_tray),
        TEST(a_tray_that_comes_later_and_one_in_its_place_show_it_as_well),
        TEST(a_bus_that_goes_away_is_tried_again),
        TEST(the_menu_is_told_and_told_again_when_it_changes),
        TEST(a_click_is_a_word_of_the_owner),
        TEST(whose_tasks_are_welcome_is_switched_on_and_off),
        TEST(what_is_not_offered_cannot_be_clicked),
        TEST(nonsense_is_refused),
        TEST(what_stays_wrong_is_worth_a_note_until_it_is_right),
        TEST(a_click_that_was_refused_is_answered_each_time),
        TEST(pauses_and_uses_are_worth_none),
        TEST(who_is_given_notice_can_put_it_off),
        TEST(notes_can_be_switched_off_and_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
