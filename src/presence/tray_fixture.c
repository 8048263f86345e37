/* SPDX-License-Identifier: Apache-2.0 */
/* See tray_fixture.h. */
#include "tray_fixture.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#define ITEM      "org.kde.StatusNotifierItem"
#define ITEM_PATH "/StatusNotifierItem"
#define MENU      "com.canonical.dbusmenu"
#define MENU_PATH "/MenuBar"
#define WATCHER   "org.kde.StatusNotifierWatcher"
#define NOTES     "org.freedesktop.Notifications"
#define NOTE_PATH "/org/freedesktop/Notifications"

enum { NOTE_ID = 7 };

struct desk desk;

static struct {
    bool is_there, is_error;
    struct buffer text;
    int (*read)(sd_bus_message *message);
} answer;

/* ---- what the desktop is told ---- */

static void keep(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text);
}

static int on_register(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
    const char *path;

    (void)userdata;
    (void)ret_error;
    assert_true(sd_bus_message_read(call, "s", &path) > 0);
    assert_string_equal(path, ITEM_PATH);
    keep(desk.item, sizeof(desk.item), sd_bus_message_get_sender(call));
    desk.registered++;
    return sd_bus_reply_method_return(call, NULL);
}

static int on_note(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
    const char *name, *icon, *title, *body, *text;

    (void)userdata;
    (void)ret_error;
    assert_true(sd_bus_message_read(call, "susss", &name, &desk.replaced, &icon, &title, &body) >
                0);
    keep(desk.title, sizeof(desk.title), title);
    keep(desk.body, sizeof(desk.body), body);
    desk.note_actions = 0;
    sd_bus_message_enter_container(call, 'a', "s");
    while (sd_bus_message_read(call, "s", &text) > 0)
        desk.note_actions++;
    desk.notes++;
    return sd_bus_reply_method_return(call, "u", NOTE_ID);
}

static int on_close(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
    (void)userdata;
    (void)ret_error;
    assert_true(sd_bus_message_read(call, "u", &desk.closed) > 0);
    return sd_bus_reply_method_return(call, NULL);
}

static int on_change(sd_bus_message *signal, void *userdata, sd_bus_error *ret_error)
{
    (void)signal;
    (void)userdata;
    (void)ret_error;
    desk.changes++;
    return 0;
}

static const sd_bus_vtable watcher[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("RegisterStatusNotifierItem", "s", NULL, on_register, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

static const sd_bus_vtable notes[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Notify", "susssasa{sv}i", "u", on_note, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("CloseNotification", "u", NULL, on_close, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

/* ---- its life ---- */

static void on_bus(uv_poll_t *poll, int status, int events)
{
    (void)poll;
    (void)events;
    while (status == 0 && sd_bus_process(desk.bus, NULL) > 0)
        continue;
}

void desk_begin(void)
{
    desk.bus = bus_fixture_connect();
    assert_true(sd_bus_add_object_vtable(desk.bus, NULL, "/StatusNotifierWatcher", WATCHER, watcher,
                                         NULL) >= 0);
    assert_true(sd_bus_add_object_vtable(desk.bus, NULL, NOTE_PATH, NOTES, notes, NULL) >= 0);
    assert_true(sd_bus_match_signal(desk.bus, NULL, NULL, MENU_PATH, MENU, "LayoutUpdated",
                                    on_change, NULL) >= 0);
    assert_true(sd_bus_request_name(desk.bus, NOTES, 0) >= 0);
    assert_true(sd_bus_request_name(desk.bus, WATCHER, 0) >= 0);
    uv_poll_init(&desk.fixture->loop, &desk.poll, sd_bus_get_fd(desk.bus));
    uv_poll_start(&desk.poll, UV_READABLE, on_bus);
    on_bus(&desk.poll, 0, 0);
}

void desk_end(void)
{
    if (!desk.bus)
        return;
    uv_close((uv_handle_t *)&desk.poll, NULL);
    fixture_settle(desk.fixture);
    desk.bus = sd_bus_flush_close_unref(desk.bus);
}

static void on_word(void *userdata, const struct owner_word *word)
{
    struct desk *told = userdata;

    told->word = *word;
    told->words++;
}

static void on_notes(void *userdata, bool wanted)
{
    struct desk *told = userdata;

    told->wants_notes = wanted;
    told->choices++;
}

void desk_begin_tray(void)
{
    static const struct tray_options options = {.shows_icon = true, .shows_notes = true};
    const struct tray_listener listener = {on_word, on_notes, &desk};

    desk.tray = tray_new(&desk.fixture->loop, &options, &listener);
}

int desk_set_up(void **state)
{
    int r = fixture_set_up(state);

    desk = (struct desk){.fixture = *state};
    if (r == 0)
        bus_fixture_begin(desk.fixture, "DBUS_SESSION_BUS_ADDRESS");
    return r;
}

int desk_tear_down(void **state)
{
    buffer_deinit(&answer.text);
    desk.tray = tray_free(desk.tray);
    desk_end();
    bus_fixture_end();
    return fixture_tear_down(state);
}

/* ---- what it asks ---- */

static int on_answer(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    (void)userdata;
    (void)ret_error;
    answer.is_error = sd_bus_message_is_method_error(message, NULL);
    if (!answer.is_error && answer.read)
        assert_true(answer.read(message) >= 0);
    answer.is_there = true;
    return 0;
}

/* Waits for the answer to what the last call asked. */
static bool wait_for_answer(int asked)
{
    assert_true(asked >= 0);
    sd_bus_flush(desk.bus);
    WAIT_UNTIL(desk.fixture, answer.is_there);
    return !answer.is_error;
}

static void expect(int (*read)(sd_bus_message *message))
{
    answer.is_there = false;
    answer.read = read;
    buffer_clear(&answer.text);
}

static int read_text(sd_bus_message *message)
{
    const char *text;
    int r = sd_bus_message_read(message, "v", "s", &text);

    if (r >= 0)
        buffer_append_text(&answer.text, text);
    return r;
}

const char *desk_get(const char *property)
{
    expect(read_text);
    if (!wait_for_answer(sd_bus_call_method_async(desk.bus, NULL, desk.item, ITEM_PATH,
                                                  "org.freedesktop.DBus.Properties", "Get",
                                                  on_answer, NULL, "ss", ITEM, property)))
        return "error";
    return buffer_text(&answer.text);
}

static int read_entry(sd_bus_message *message)
{
    const char *label = "", *name;
    int id, is_enabled = 0, is_on = 0, r;

    r = sd_bus_message_enter_container(message, 'v', "(ia{sv}av)");
    if (r <= 0)
        return r;
    sd_bus_message_enter_container(message, 'r', "ia{sv}av");
    sd_bus_message_read(message, "i", &id);
    sd_bus_message_enter_container(message, 'a', "{sv}");
    while (sd_bus_message_enter_container(message, 'e', "sv") > 0) {
        sd_bus_message_read(message, "s", &name);
        if (strcmp(name, "label") == 0)
            sd_bus_message_read(message, "v", "s", &label);
        else if (strcmp(name, "enabled") == 0)
            sd_bus_message_read(message, "v", "b", &is_enabled);
        else if (strcmp(name, "toggle-state") == 0)
            sd_bus_message_read(message, "v", "i", &is_on);
        else
            sd_bus_message_skip(message, "v");
        sd_bus_message_exit_container(message);
    }
    sd_bus_message_exit_container(message);
    sd_bus_message_skip(message, "av");
    sd_bus_message_exit_container(message);
    buffer_appendf(&answer.text, "%c%d %s%s\n", is_enabled ? '+' : '-', id, label,
                   is_on ? " *" : "");
    return sd_bus_message_exit_container(message) < 0 ? -1 : 1;
}

static int read_menu(sd_bus_message *message)
{
    uint32_t revision;
    int root, r;

    sd_bus_message_read(message, "u", &revision);
    sd_bus_message_enter_container(message, 'r', "ia{sv}av");
    sd_bus_message_read(message, "i", &root);
    sd_bus_message_skip(message, "a{sv}");
    r = sd_bus_message_enter_container(message, 'a', "v");
    while (r > 0)
        r = read_entry(message);
    return r;
}

const char *desk_read_menu(void)
{
    expect(read_menu);
    if (!wait_for_answer(sd_bus_call_method_async(desk.bus, NULL, desk.item, MENU_PATH, MENU,
                                                  "GetLayout", on_answer, NULL, "iias", 0, -1, 0)))
        return "error";
    return buffer_text(&answer.text);
}

bool desk_tell_menu(int id, const char *event)
{
    expect(NULL);
    return wait_for_answer(sd_bus_call_method_async(desk.bus, NULL, desk.item, MENU_PATH, MENU,
                                                    "Event", on_answer, NULL, "isvu", id, event,
                                                    "i", 0, 0));
}

bool desk_call(const char *path, const char *interface, const char *method, const char *types, ...)
{
    sd_bus_message *call = NULL;
    va_list arguments;

    expect(NULL);
    assert_true(
        sd_bus_message_new_method_call(desk.bus, &call, desk.item, path, interface, method) >= 0);
    va_start(arguments, types);
    assert_true(sd_bus_message_appendv(call, types, arguments) >= 0);
    va_end(arguments);
    assert_true(sd_bus_call_async(desk.bus, NULL, call, on_answer, NULL, 0) >= 0);
    sd_bus_message_unref(call);
    return wait_for_answer(0);
}

void desk_tell_note(const char *signal, uint32_t id, const char *key)
{
    if (key)
        sd_bus_emit_signal(desk.bus, NOTE_PATH, NOTES, signal, "us", id, key);
    else
        sd_bus_emit_signal(desk.bus, NOTE_PATH, NOTES, signal, "uu", id, 2);
    sd_bus_flush(desk.bus);
}
