/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notifications: org.freedesktop.Notifications. At most one is shown, it is taken back when it is
 * not true any more, and one that the owner has closed does not come again before something else
 * was to be said. One that is on its way when things change is taken back when it has arrived.
 */
#include "tray_internal.h"

#include "base/memory.h"
#include "sys/text.h"

#include <string.h>

#define SERVICE "org.freedesktop.Notifications"
#define PATH    "/org/freedesktop/Notifications"
#define NOT_NOW "not-now"

enum { WRONG_FOR_MS = 30000, AS_USUAL = -1, UNTIL_CLOSED = 0, URGENCY_NORMAL = 1 };

static void settle(struct tray *tray);

/* What is shown is the server's own: it may know nothing of it any more. */
static int on_closed(sd_bus_message *answer, void *userdata, sd_bus_error *ret_error)
{
    (void)answer;
    (void)userdata;
    (void)ret_error;
    return 0;
}

/* Bodies may have markup, by the specification; ours has none. */
static char *escape(const char *text)
{
    struct buffer escaped = BUFFER_INIT;

    for (; *text; text++) {
        if (*text == '&')
            buffer_append_text(&escaped, "&amp;");
        else if (*text == '<')
            buffer_append_text(&escaped, "&lt;");
        else
            buffer_append_character(&escaped, *text);
    }
    return buffer_take(&escaped);
}

static int on_shown(sd_bus_message *answer, void *userdata, sd_bus_error *ret_error)
{
    struct tray *tray = userdata;
    struct tray_notes *notes = &tray->notes;
    const char *sender = tray->library->message_get_sender(answer);
    uint32_t id;

    (void)ret_error;
    notes->asked = tray->library->slot_unref(notes->asked);
    if (tray->library->message_get_error(answer) || !sender ||
        tray->library->message_read(answer, "u", &id) < 0)
        return 0;
    free(notes->sender);
    notes->sender = memory_copy_string(sender);
    notes->id = id;
    settle(tray);
    return 0;
}

/* Only one that can be put off has a button. */
static int notify(struct tray *tray, const char *title, const char *body, bool has_button)
{
    const struct bus_library *library = tray->library;
    struct tray_notes *notes = &tray->notes;
    const char *icon = tray_state_icon(tray->view.state);
    int timeout_ms = notes->shown == TRAY_NOTE_REFUSED ? AS_USUAL : UNTIL_CLOSED;

    if (has_button)
        return library->call_method_async(tray->bus, &notes->asked, SERVICE, PATH, SERVICE,
                                          "Notify", on_shown, tray, "susssasa{sv}i", "dusk",
                                          notes->id, icon, title, body, 2, NOT_NOW, "Not now", 1,
                                          "urgency", "y", URGENCY_NORMAL, timeout_ms);
    return library->call_method_async(
        tray->bus, &notes->asked, SERVICE, PATH, SERVICE, "Notify", on_shown, tray, "susssasa{sv}i",
        "dusk", notes->id, icon, title, body, 0, 1, "urgency", "y", URGENCY_NORMAL, timeout_ms);
}

static int show(struct tray *tray)
{
    enum tray_note note = tray->notes.shown;
    bool is_refusal = note == TRAY_NOTE_REFUSED;
    _cleanup_free_ char *body = escape(is_refusal ? tray->notes.refusal : tray->view.text);

    if (note == TRAY_NOTE_LENT_SOON)
        return notify(tray, tray->view.title, "Use it, or say 'Not now' to keep it for an hour.",
                      true);
    return notify(tray, is_refusal ? "dusk did not take that" : tray->view.title, body, false);
}

static int close_note(struct tray *tray)
{
    uint32_t id = tray->notes.id;

    tray->notes.id = 0;
    return tray->library->call_method_async(tray->bus, NULL, SERVICE, PATH, SERVICE,
                                            "CloseNotification", on_closed, tray, "u", id);
}

/* Makes what is shown be what is due, one question at a time. */
static void settle(struct tray *tray)
{
    struct tray_notes *notes = &tray->notes;
    int r = 0;

    if (!tray->bus || notes->asked || notes->due == notes->shown)
        return;
    notes->shown = notes->due;
    if (notes->due != TRAY_NOTE_NONE)
        r = show(tray);
    else if (notes->id != 0)
        r = close_note(tray);
    tray->is_lost = tray->is_lost || r < 0;
}

static void on_signal_read(struct tray *tray, sd_bus_message *signal)
{
    struct tray_notes *notes = &tray->notes;
    const char *member = tray->library->message_get_member(signal), *key = "";
    bool is_click = strcmp(member, "ActionInvoked") == 0;
    uint32_t id, why;

    if (tray->library->message_read(signal, "u", &id) < 0 || id == 0 || id != notes->id)
        return;
    if (is_click && tray->library->message_read(signal, "s", &key) >= 0 &&
        strcmp(key, NOT_NOW) == 0 && notes->shown == TRAY_NOTE_LENT_SOON)
        tray_act(tray, TRAY_PAUSE_HOUR);
    if (strcmp(member, "NotificationClosed") == 0 &&
        tray->library->message_read(signal, "u", &why) >= 0)
        notes->id = 0;
}

static int on_signal(sd_bus_message *signal, void *userdata, sd_bus_error *ret_error)
{
    struct tray *tray = userdata;

    (void)ret_error;
    if (tray_is_from(tray, signal, tray->notes.sender))
        on_signal_read(tray, signal);
    return 0;
}

int tray_notes_connect(struct tray *tray)
{
    int r = tray->library->add_match_async(tray->bus, NULL,
                                           "type='signal',sender='" SERVICE "',path='" PATH
                                           "',interface='" SERVICE "'",
                                           on_signal, NULL, tray);

    settle(tray);
    return r;
}

void tray_notes_disconnect(struct tray *tray)
{
    struct tray_notes *notes = &tray->notes;

    if (notes->asked)
        notes->asked = tray->library->slot_unref(notes->asked);
    free(take_pointer(notes->sender));
    notes->id = 0;
    notes->shown = TRAY_NOTE_NONE;
}

static void on_time(uv_timer_t *timer)
{
    struct tray *tray = timer->data;

    tray->notes.due = TRAY_NOTE_WRONG;
    settle(tray);
    tray_wait(tray);
}

void tray_notes_change(struct tray *tray)
{
    struct tray_notes *notes = &tray->notes;
    enum tray_note note = tray->shows_notes ? tray->view.note : TRAY_NOTE_NONE;
    uint64_t delay_ms = tray->options.wrong_for_ms ? tray->options.wrong_for_ms : WRONG_FOR_MS;

    if (note == notes->seen)
        return;
    notes->seen = note;
    uv_timer_stop(&notes->timer);
    if (note == TRAY_NOTE_WRONG)
        uv_timer_start(&notes->timer, on_time, delay_ms, 0);
    notes->due = note == TRAY_NOTE_WRONG ? TRAY_NOTE_NONE : note;
    settle(tray);
}

void tray_notes_refuse(struct tray *tray, const struct owner_answer *answer)
{
    struct buffer text = BUFFER_INIT;

    if (!tray->shows_notes)
        return;
    text_append_printable(&text, answer->error, true);
    if (answer->hint) {
        buffer_append_text(&text, ": ");
        text_append_printable(&text, answer->hint, true);
    }
    free(tray->notes.refusal);
    tray->notes.refusal = buffer_take(&text);
    tray->notes.due = TRAY_NOTE_REFUSED;
    /* Also if the last one was refused as well. */
    tray->notes.shown = TRAY_NOTE_NONE;
    settle(tray);
}
