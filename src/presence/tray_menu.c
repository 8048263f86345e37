/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The menu: com.canonical.dbusmenu, as the document in libdbusmenu describes it. A root (id 0) with
 * one floor of entries; what can be clicked has its action as id, all else its place behind
 * INFORM_BASE. A click on what is not offered just now does nothing.
 */
#include "tray_internal.h"

#include "base/memory.h"

#include <string.h>

#define INTERFACE "com.canonical.dbusmenu"

enum { ROOT, VERSION = 3, INFORM_BASE = 100, IDS_MAX = 1000 };

static int id_of(const struct tray *tray, size_t place)
{
    enum tray_action action = tray->view.entries[place].action;

    return action > TRAY_DIVIDE ? (int)action : INFORM_BASE + (int)place;
}

static const struct tray_entry *find(const struct tray *tray, int id)
{
    for (size_t i = 0; i < tray->view.entry_count; i++)
        if (id_of(tray, i) == id)
            return &tray->view.entries[i];
    return NULL;
}

/* ---- how it is told ---- */

/* '_' stands before the letter of a shortcut, twice for itself. */
static char *escape_label(const char *label)
{
    struct buffer text = BUFFER_INIT;

    for (; *label; label++) {
        if (*label == '_')
            buffer_append_character(&text, '_');
        buffer_append_character(&text, *label);
    }
    return buffer_take(&text);
}

static bool has_mark(enum tray_action action)
{
    return action == TRAY_NOTES || action == TRAY_MINE_ONLY || action == TRAY_ANYBODYS;
}

static bool is_marked(const struct tray *tray, enum tray_action action)
{
    return action == TRAY_NOTES ? tray->shows_notes : action == TRAY_ANYBODYS;
}

/* The dictionary of an entry, or of the root. Which properties were asked for is not looked at:
 * they are few. */
static int append_properties(const struct tray *tray, sd_bus_message *to,
                             const struct tray_entry *entry)
{
    const struct bus_library *library = tray->library;
    _cleanup_free_ char *label = NULL;

    if (!entry)
        return library->message_append(to, "a{sv}", 1, "children-display", "s", "submenu");
    if (entry->action == TRAY_DIVIDE)
        return library->message_append(to, "a{sv}", 1, "type", "s", "separator");
    label = escape_label(entry->label);
    if (has_mark(entry->action))
        return library->message_append(to, "a{sv}", 4, "label", "s", label, "enabled", "b",
                                       (int)entry->is_enabled, "toggle-type", "s", "checkmark",
                                       "toggle-state", "i", (int)is_marked(tray, entry->action));
    return library->message_append(to, "a{sv}", 2, "label", "s", label, "enabled", "b",
                                   (int)entry->is_enabled);
}

/* (ia{sv}av) without children. */
static int append_entry(const struct tray *tray, sd_bus_message *to, int id,
                        const struct tray_entry *entry)
{
    const struct bus_library *library = tray->library;
    int r = library->message_open_container(to, SD_BUS_TYPE_STRUCT, "ia{sv}av");

    if (r >= 0)
        r = library->message_append(to, "i", id);
    if (r >= 0)
        r = append_properties(tray, to, entry);
    if (r >= 0)
        r = library->message_append(to, "av", 0);
    return r < 0 ? r : library->message_close_container(to);
}

static int append_root(const struct tray *tray, sd_bus_message *to, int depth)
{
    const struct bus_library *library = tray->library;
    int r = library->message_open_container(to, SD_BUS_TYPE_STRUCT, "ia{sv}av");

    if (r >= 0)
        r = library->message_append(to, "i", ROOT);
    if (r >= 0)
        r = append_properties(tray, to, NULL);
    if (r >= 0)
        r = library->message_open_container(to, SD_BUS_TYPE_ARRAY, "v");
    for (size_t i = 0; r >= 0 && depth != 0 && i < tray->view.entry_count; i++) {
        r = library->message_open_container(to, SD_BUS_TYPE_VARIANT, "(ia{sv}av)");
        if (r >= 0)
            r = append_entry(tray, to, id_of(tray, i), &tray->view.entries[i]);
        if (r >= 0)
            r = library->message_close_container(to);
    }
    if (r >= 0)
        r = library->message_close_container(to);
    return r < 0 ? r : library->message_close_container(to);
}

/* Takes the reply; sends it if it came to be. */
static int send_reply(const struct tray *tray, sd_bus_message *reply, int r)
{
    if (r >= 0)
        r = tray->library->send(NULL, reply, NULL);
    tray->library->message_unref(reply);
    return r;
}

static int refuse(const struct tray *tray, sd_bus_error *ret_error)
{
    return tray->library->error_set(ret_error, SD_BUS_ERROR_INVALID_ARGS, "there is no such entry");
}

/* ---- what is asked ---- */

static int get_layout(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
    const struct tray *tray = userdata;
    const struct tray_entry *entry;
    sd_bus_message *reply = NULL;
    int id, depth, r = tray->library->message_read(call, "ii", &id, &depth);

    if (r < 0)
        return r;
    entry = find(tray, id);
    if (!entry && id != ROOT)
        return refuse(tray, ret_error);
    r = tray->library->message_new_method_return(call, &reply);
    if (r >= 0)
        r = tray->library->message_append(reply, "u", tray->revision);
    if (r >= 0)
        r = entry ? append_entry(tray, reply, id, entry) : append_root(tray, reply, depth);
    return send_reply(tray, reply, r);
}

static int append_group(const struct tray *tray, sd_bus_message *to, int id)
{
    const struct tray_entry *entry = find(tray, id);
    int r;

    if (!entry && id != ROOT)
        return 0;
    r = tray->library->message_open_container(to, SD_BUS_TYPE_STRUCT, "ia{sv}");
    if (r >= 0)
        r = tray->library->message_append(to, "i", id);
    if (r >= 0)
        r = append_properties(tray, to, entry);
    return r < 0 ? r : tray->library->message_close_container(to);
}

/* Nothing asked for means all; the same twice, or thousands, is more than anybody means. */
static int append_groups(const struct tray *tray, sd_bus_message *call, sd_bus_message *to)
{
    unsigned int count = 0;
    int id, r = tray->library->message_enter_container(call, SD_BUS_TYPE_ARRAY, "i");

    while (r >= 0 && count < IDS_MAX && (r = tray->library->message_read(call, "i", &id)) > 0) {
        r = append_group(tray, to, id);
        count++;
    }
    for (size_t i = 0; r >= 0 && count == 0 && i < tray->view.entry_count; i++)
        r = append_group(tray, to, id_of(tray, i));
    return r;
}

static int get_group_properties(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
    const struct tray *tray = userdata;
    sd_bus_message *reply = NULL;
    int r = tray->library->message_new_method_return(call, &reply);

    (void)ret_error;
    if (r >= 0)
        r = tray->library->message_open_container(reply, SD_BUS_TYPE_ARRAY, "(ia{sv})");
    if (r >= 0)
        r = append_groups(tray, call, reply);
    if (r >= 0)
        r = tray->library->message_close_container(reply);
    return send_reply(tray, reply, r);
}

static int get_property(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
    const struct tray *tray = userdata;
    const struct tray_entry *entry;
    const char *name;
    int id, r = tray->library->message_read(call, "is", &id, &name);

    if (r < 0)
        return r;
    entry = find(tray, id);
    if (entry && strcmp(name, "label") == 0)
        return tray->library->reply_method_return(call, "v", "s", entry->label ? entry->label : "");
    if (entry && strcmp(name, "enabled") == 0)
        return tray->library->reply_method_return(call, "v", "b", (int)entry->is_enabled);
    return refuse(tray, ret_error);
}

/* ---- clicks ---- */

/* The message stands before isvu. */
static int read_event(struct tray *tray, sd_bus_message *message)
{
    const struct tray_entry *entry;
    const char *what;
    uint32_t when;
    int id, r = tray->library->message_read(message, "is", &id, &what);

    if (r > 0)
        r = tray->library->message_skip(message, "v");
    if (r >= 0)
        r = tray->library->message_read(message, "u", &when);
    if (r < 0)
        return r;
    entry = find(tray, id);
    if (entry && entry->is_enabled && strcmp(what, "clicked") == 0)
        tray_act(tray, entry->action);
    return 0;
}

static int on_event(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
    struct tray *tray = userdata;
    int r = read_event(tray, call);

    (void)ret_error;
    return r < 0 ? r : tray->library->reply_method_return(call, NULL);
}

/* Nobody clicks twice at once: of a group the first is taken. */
static int on_event_group(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
    struct tray *tray = userdata;
    int r = tray->library->message_enter_container(call, SD_BUS_TYPE_ARRAY, "(isvu)");

    (void)ret_error;
    if (r > 0)
        r = tray->library->message_enter_container(call, SD_BUS_TYPE_STRUCT, "isvu");
    if (r > 0)
        r = read_event(tray, call);
    return r < 0 ? r : tray->library->reply_method_return(call, "ai", 0);
}

/* The menu is always what it should be. */
static int about_to_show(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
    const struct tray *tray = userdata;

    (void)ret_error;
    return tray->library->reply_method_return(call, "b", 0);
}

static int about_to_show_group(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
    const struct tray *tray = userdata;

    (void)ret_error;
    return tray->library->reply_method_return(call, "aiai", 0, 0);
}

int tray_menu_append(const struct tray *tray, const char *property, sd_bus_message *to)
{
    if (strcmp(property, "Version") == 0)
        return tray->library->message_append(to, "u", VERSION);
    if (strcmp(property, "TextDirection") == 0)
        return tray->library->message_append(to, "s", "ltr");
    if (strcmp(property, "Status") == 0)
        return tray->library->message_append(to, "s", "normal");
    return tray->library->message_append(to, "as", 0);
}

static const sd_bus_vtable menu[] = {
    TRAY_VTABLE_START,
    SD_BUS_PROPERTY("Version", "u", tray_get, 0, 0),
    SD_BUS_PROPERTY("TextDirection", "s", tray_get, 0, 0),
    SD_BUS_PROPERTY("Status", "s", tray_get, 0, 0),
    SD_BUS_PROPERTY("IconThemePath", "as", tray_get, 0, 0),
    SD_BUS_METHOD("GetLayout", "iias", "u(ia{sv}av)", get_layout, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("GetGroupProperties", "aias", "a(ia{sv})", get_group_properties,
                  SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("GetProperty", "is", "v", get_property, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Event", "isvu", NULL, on_event, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("EventGroup", "a(isvu)", "ai", on_event_group, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("AboutToShow", "i", "b", about_to_show, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("AboutToShowGroup", "ai", "aiai", about_to_show_group,
                  SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_SIGNAL("LayoutUpdated", "ui", 0),
    SD_BUS_SIGNAL("ItemsPropertiesUpdated", "a(ia{sv})a(ias)", 0),
    SD_BUS_SIGNAL("ItemActivationRequested", "iu", 0),
    SD_BUS_VTABLE_END,
};

int tray_menu_connect(struct tray *tray)
{
    return tray->library->add_object_vtable(tray->bus, NULL, TRAY_MENU_PATH, INTERFACE, menu, tray);
}

void tray_menu_change(struct tray *tray)
{
    tray->revision++;
    if (tray->library->emit_signal(tray->bus, TRAY_MENU_PATH, INTERFACE, "LayoutUpdated", "ui",
                                   tray->revision, ROOT) < 0)
        tray->is_lost = true;
}
