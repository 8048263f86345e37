/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The icon: org.kde.StatusNotifierItem (freedesktop.org's StatusNotifierItem), told to the
 * desktop's org.kde.StatusNotifierWatcher at once and whenever another one appears. By its path,
 * because the name that we have on the bus is the watcher's to see.
 */
#include "tray_internal.h"

#include <string.h>

#define INTERFACE "org.kde.StatusNotifierItem"
#define WATCHER   "org.kde.StatusNotifierWatcher"
#define BUS       "org.freedesktop.DBus"

/* ---- what it is asked ---- */

static const char *text_of(const struct tray *tray, const char *property)
{
    static const struct {
        const char *property, *text;
    } fixed[] = {
        {"Category", "SystemServices"},
        {"Id", "dusk"},
        {"IconThemePath", DUSK_ICON_FOLDER},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(fixed); i++)
        if (strcmp(property, fixed[i].property) == 0)
            return fixed[i].text;
    if (strcmp(property, "Title") == 0)
        return tray->view.title;
    if (strcmp(property, "Status") == 0)
        return tray->view.needs_attention ? "NeedsAttention" : "Active";
    if (strcmp(property, "IconName") == 0 || strcmp(property, "AttentionIconName") == 0)
        return tray_state_icon(tray->view.state);
    return "";
}

static int append_tool_tip(const struct tray *tray, sd_bus_message *to)
{
    return tray->library->message_append(to, "(sa(iiay)ss)", tray_state_icon(tray->view.state), 0,
                                         tray->view.title, tray->view.text);
}

int tray_item_append(const struct tray *tray, const char *property, sd_bus_message *to)
{
    if (strcmp(property, "ToolTip") == 0)
        return append_tool_tip(tray, to);
    if (strcmp(property, "ItemIsMenu") == 0)
        return tray->library->message_append(to, "b", 1);
    if (strcmp(property, "WindowId") == 0)
        return tray->library->message_append(to, "i", 0);
    if (strcmp(property, "Menu") == 0)
        return tray->library->message_append(to, "o", TRAY_MENU_PATH);
    /* Icons come by name; those who want pixels look that up. */
    if (strstr(property, "Pixmap"))
        return tray->library->message_append(to, "a(iiay)", 0);
    return tray->library->message_append(to, "s", text_of(tray, property));
}

/* Everything is in the menu, which the desktop shows by itself. */
static int ignore(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
    const struct tray *tray = userdata;

    (void)ret_error;
    return tray->library->reply_method_return(call, NULL);
}

static const sd_bus_vtable item[] = {
    TRAY_VTABLE_START,
    SD_BUS_PROPERTY("Category", "s", tray_get, 0, 0),
    SD_BUS_PROPERTY("Id", "s", tray_get, 0, 0),
    SD_BUS_PROPERTY("Title", "s", tray_get, 0, 0),
    SD_BUS_PROPERTY("Status", "s", tray_get, 0, 0),
    SD_BUS_PROPERTY("WindowId", "i", tray_get, 0, 0),
    SD_BUS_PROPERTY("IconThemePath", "s", tray_get, 0, 0),
    SD_BUS_PROPERTY("IconName", "s", tray_get, 0, 0),
    SD_BUS_PROPERTY("IconPixmap", "a(iiay)", tray_get, 0, 0),
    SD_BUS_PROPERTY("OverlayIconName", "s", tray_get, 0, 0),
    SD_BUS_PROPERTY("OverlayIconPixmap", "a(iiay)", tray_get, 0, 0),
    SD_BUS_PROPERTY("AttentionIconName", "s", tray_get, 0, 0),
    SD_BUS_PROPERTY("AttentionIconPixmap", "a(iiay)", tray_get, 0, 0),
    SD_BUS_PROPERTY("AttentionMovieName", "s", tray_get, 0, 0),
    SD_BUS_PROPERTY("ToolTip", "(sa(iiay)ss)", tray_get, 0, 0),
    SD_BUS_PROPERTY("ItemIsMenu", "b", tray_get, 0, 0),
    SD_BUS_PROPERTY("Menu", "o", tray_get, 0, 0),
    SD_BUS_METHOD("ContextMenu", "ii", NULL, ignore, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Activate", "ii", NULL, ignore, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("SecondaryActivate", "ii", NULL, ignore, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Scroll", "is", NULL, ignore, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_SIGNAL("NewTitle", NULL, 0),
    SD_BUS_SIGNAL("NewIcon", NULL, 0),
    SD_BUS_SIGNAL("NewAttentionIcon", NULL, 0),
    SD_BUS_SIGNAL("NewToolTip", NULL, 0),
    SD_BUS_SIGNAL("NewStatus", "s", 0),
    SD_BUS_VTABLE_END,
};

/* ---- who shows it ---- */

/* Refused, or nobody is there: the next watcher tells of itself. */
static int on_registered(sd_bus_message *answer, void *userdata, sd_bus_error *ret_error)
{
    (void)answer;
    (void)userdata;
    (void)ret_error;
    return 0;
}

static int tell_watcher(struct tray *tray)
{
    return tray->library->call_method_async(tray->bus, NULL, WATCHER, "/StatusNotifierWatcher",
                                            WATCHER, "RegisterStatusNotifierItem", on_registered,
                                            tray, "s", TRAY_ITEM_PATH);
}

static int on_owner_changed(sd_bus_message *signal, void *userdata, sd_bus_error *ret_error)
{
    struct tray *tray = userdata;
    const char *name, *before, *now;

    (void)ret_error;
    if (!tray_is_from(tray, signal, BUS) ||
        tray->library->message_read(signal, "sss", &name, &before, &now) < 0 ||
        strcmp(name, WATCHER) != 0 || now[0] == '\0')
        return 0;
    if (tell_watcher(tray) < 0)
        tray->is_lost = true;
    return 0;
}

int tray_item_connect(struct tray *tray)
{
    int r =
        tray->library->add_object_vtable(tray->bus, NULL, TRAY_ITEM_PATH, INTERFACE, item, tray);

    if (r >= 0)
        r = tray->library->add_match_async(tray->bus, NULL,
                                           "type='signal',sender='" BUS
                                           "',member='NameOwnerChanged',arg0='" WATCHER "'",
                                           on_owner_changed, NULL, tray);
    return r < 0 ? r : tell_watcher(tray);
}

void tray_item_change(struct tray *tray)
{
    static const char *const signals[] = {"NewTitle", "NewIcon", "NewAttentionIcon", "NewToolTip"};
    int r = 0;

    for (size_t i = 0; r >= 0 && i < ARRAY_LENGTH(signals); i++)
        r = tray->library->emit_signal(tray->bus, TRAY_ITEM_PATH, INTERFACE, signals[i], NULL);
    if (r >= 0)
        r = tray->library->emit_signal(tray->bus, TRAY_ITEM_PATH, INTERFACE, "NewStatus", "s",
                                       text_of(tray, "Status"));
    tray->is_lost = tray->is_lost || r < 0;
}
