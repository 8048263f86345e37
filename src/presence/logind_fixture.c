/* SPDX-License-Identifier: Apache-2.0 */
/* See logind_fixture.h. */
#include "logind_fixture.h"

#include <string.h>

#define NAME         "org.freedesktop.login1"
#define MANAGER      "org.freedesktop.login1.Manager"
#define SESSION      "org.freedesktop.login1.Session"
#define ROOT_PATH    "/org/freedesktop/login1"
#define SESSION_PATH ROOT_PATH "/session"

struct fake_logind fake;

/* ---- what logind answers ---- */

static const struct fake_session *find_session(const char *path)
{
    for (size_t i = 0; i < fake.session_count; i++)
        if (strcmp(strrchr(path, '/') + 1, fake.sessions[i].name) == 0)
            return &fake.sessions[i];
    return NULL;
}

static int has_session(sd_bus *bus, const char *path, const char *interface, void *userdata,
                       void **ret_found, sd_bus_error *ret_error)
{
    (void)bus;
    (void)interface;
    (void)userdata;
    (void)ret_error;
    *ret_found = (void *)find_session(path);
    return *ret_found != NULL;
}

static int get_property(sd_bus *bus, const char *path, const char *interface, const char *property,
                        sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    const struct fake_session *session = userdata;

    (void)bus;
    (void)path;
    (void)interface;
    (void)ret_error;
    if (strcmp(property, "Class") == 0)
        return sd_bus_message_append(reply, "s", session->class);
    if (strcmp(property, "User") == 0)
        return sd_bus_message_append(reply, "(uo)", session->uid, ROOT_PATH "/user/_1");
    return sd_bus_message_append(reply, "b", 0);
}

static int list_sessions(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
    sd_bus_message *reply;

    (void)userdata;
    (void)ret_error;
    assert_true(sd_bus_message_new_method_return(call, &reply) >= 0);
    sd_bus_message_open_container(reply, 'a', "(susso)");
    for (size_t i = 0; i < fake.session_count; i++) {
        char path[128];

        snprintf(path, sizeof(path), SESSION_PATH "/%s", fake.sessions[i].name);
        sd_bus_message_append(reply, "(susso)", fake.sessions[i].name, fake.sessions[i].uid, "anna",
                              "seat0", path);
    }
    sd_bus_message_close_container(reply);
    assert_true(sd_bus_send(NULL, reply, NULL) >= 0);
    sd_bus_message_unref(reply);
    return 1;
}

static int list_inhibitors(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
    sd_bus_message *reply;

    (void)userdata;
    if (fake.refuses)
        return sd_bus_error_set(ret_error, SD_BUS_ERROR_ACCESS_DENIED, "not to you");
    assert_true(sd_bus_message_new_method_return(call, &reply) >= 0);
    sd_bus_message_open_container(reply, 'a', "(ssssuu)");
    for (size_t i = 0; i < fake.inhibitor_count; i++) {
        const struct fake_inhibitor *one = &fake.inhibitors[i];

        sd_bus_message_append(reply, "(ssssuu)", one->what, "somebody", "a film", one->mode,
                              one->uid, one->pid);
    }
    sd_bus_message_close_container(reply);
    assert_true(sd_bus_send(NULL, reply, NULL) >= 0);
    sd_bus_message_unref(reply);
    return 1;
}

static const sd_bus_vtable manager[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("ListSessions", NULL, "a(susso)", list_sessions, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("ListInhibitors", NULL, "a(ssssuu)", list_inhibitors, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

static const sd_bus_vtable session[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("Active", "b", get_property, 0, 0),
    SD_BUS_PROPERTY("Class", "s", get_property, 0, 0),
    SD_BUS_PROPERTY("IdleHint", "b", get_property, 0, 0),
    SD_BUS_PROPERTY("User", "(uo)", get_property, 0, 0),
    SD_BUS_VTABLE_END,
};

/* ---- its life ---- */

static void on_bus(uv_poll_t *poll, int status, int events)
{
    (void)poll;
    (void)events;
    while (status == 0 && sd_bus_process(fake.bus, NULL) > 0)
        continue;
}

void fake_listen(void)
{
    uv_poll_start(&fake.poll, UV_READABLE, on_bus);
    on_bus(&fake.poll, 0, 0);
}

void fake_begin_logind(void)
{
    fake.bus = bus_fixture_connect();
    assert_true(sd_bus_add_object_vtable(fake.bus, NULL, ROOT_PATH, MANAGER, manager, NULL) >= 0);
    assert_true(sd_bus_add_fallback_vtable(fake.bus, NULL, SESSION_PATH, SESSION, session,
                                           has_session, NULL) >= 0);
    assert_true(sd_bus_request_name(fake.bus, NAME, 0) >= 0);
    uv_poll_init(&fake.fixture->loop, &fake.poll, sd_bus_get_fd(fake.bus));
    fake_listen();
}

void fake_end_logind(void)
{
    if (!fake.bus)
        return;
    uv_close((uv_handle_t *)&fake.poll, NULL);
    fixture_settle(fake.fixture);
    fake.bus = sd_bus_flush_close_unref(fake.bus);
}

int fake_set_up(void **state)
{
    int r = fixture_set_up(state);

    fake = (struct fake_logind){.fixture = *state};
    if (r < 0)
        return r;
    fixture_make_folder(fake.fixture, "run/systemd/seats");
    bus_fixture_begin(fake.fixture, "DBUS_SYSTEM_BUS_ADDRESS");
    fake_begin_logind();
    return 0;
}

int fake_tear_down(void **state)
{
    fake_end_logind();
    bus_fixture_end();
    return fixture_tear_down(state);
}

/* ---- what it tells ---- */

static void tell_session(const char *signal, const char *name)
{
    char path[128];

    snprintf(path, sizeof(path), SESSION_PATH "/%s", name);
    assert_true(sd_bus_emit_signal(fake.bus, ROOT_PATH, MANAGER, signal, "so", name, path) >= 0);
}

void fake_begin_session(const char *name, const char *class, uint32_t uid)
{
    assert_true(fake.session_count < ARRAY_LENGTH(fake.sessions));
    fake.sessions[fake.session_count++] = (struct fake_session){name, class, uid};
    tell_session("SessionNew", name);
}

void fake_end_session(const char *name)
{
    for (size_t i = 0; i < fake.session_count; i++)
        if (strcmp(fake.sessions[i].name, name) == 0)
            fake.sessions[i] = fake.sessions[--fake.session_count];
    tell_session("SessionRemoved", name);
}

void fake_change_session(const char *name, const char *property, bool value)
{
    char path[128];

    snprintf(path, sizeof(path), SESSION_PATH "/%s", name);
    assert_true(sd_bus_emit_signal(fake.bus, path, "org.freedesktop.DBus.Properties",
                                   "PropertiesChanged", "sa{sv}as", SESSION, 2, "VTNr", "u", 3,
                                   property, "b", value, 0) >= 0);
}

void fake_inhibit(const struct fake_inhibitor *inhibitors, size_t count)
{
    assert_true(count <= ARRAY_LENGTH(fake.inhibitors));
    memcpy(fake.inhibitors, inhibitors, count * sizeof(*inhibitors));
    fake.inhibitor_count = count;
    assert_true(sd_bus_emit_signal(fake.bus, ROOT_PATH, "org.freedesktop.DBus.Properties",
                                   "PropertiesChanged", "sa{sv}as", MANAGER, 1, "BlockInhibited",
                                   "s", "whatever", 0) >= 0);
}

void fake_tell_sleep(bool begins)
{
    assert_true(sd_bus_emit_signal(fake.bus, ROOT_PATH, MANAGER, "PrepareForSleep", "b", begins) >=
                0);
}
