/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See tray.h. The connection: opened, tried again, taken turns of. sd-bus's callbacks run deep
 * within bus_turn(), so nothing is closed in them; whatever finds the bus to be of no use says so
 * in `is_lost`, and the end of the turn acts on it.
 */
#include "tray_internal.h"

#include "base/memory.h"
#include "bus_turn.h"
#include "sys/clock.h"

#include <string.h>

enum { TRY_AGAIN_MS = 10000 };

static void on_time(uv_timer_t *timer);

/* ---- the connection ---- */

static void on_poll_closed(uv_handle_t *poll)
{
    free(poll);
}

static void disconnect_bus(struct tray *tray)
{
    tray_notes_disconnect(tray);
    if (tray->poll)
        uv_close((uv_handle_t *)tray->poll, on_poll_closed);
    tray->poll = NULL;
    /* A slot without an owner goes with its bus. */
    if (tray->bus)
        tray->library->close_unref(tray->bus);
    tray->bus = NULL;
    tray->is_lost = false;
}

static void turn(struct tray *tray)
{
    tray->is_turning = true;
    if (bus_turn(tray->library, tray->bus) < 0)
        tray->is_lost = true;
    tray->is_turning = false;
    tray_wait(tray);
}

static void on_bus(uv_poll_t *poll, int status, int events)
{
    struct tray *tray = poll->data;

    (void)status;
    (void)events;
    turn(tray);
}

void tray_wait(struct tray *tray)
{
    struct bus_wish wish;

    if (!tray->bus || tray->is_turning)
        return;
    if (tray->is_lost) {
        disconnect_bus(tray);
        uv_timer_start(&tray->timer, on_time, TRY_AGAIN_MS, 0);
        return;
    }
    wish = bus_wish(tray->library, tray->bus);
    uv_poll_start(tray->poll, UV_READABLE | (wish.to_write ? UV_WRITABLE : 0), on_bus);
    if (wish.has_delay)
        uv_timer_start(&tray->timer, on_time, wish.delay_ms, 0);
    else
        uv_timer_stop(&tray->timer);
}

static bool open_bus(struct tray *tray)
{
    if (tray->library->open_user(&tray->bus) < 0)
        return false;
    tray->poll = memory_allocate(sizeof(*tray->poll));
    if (uv_poll_init(tray->loop, tray->poll, tray->library->get_fd(tray->bus)) < 0) {
        free(take_pointer(tray->poll));
        return false;
    }
    tray->poll->data = tray;
    return (!tray->options.shows_icon ||
            (tray_menu_connect(tray) >= 0 && tray_item_connect(tray) >= 0)) &&
           tray_notes_connect(tray) >= 0;
}

static void connect_bus(struct tray *tray)
{
    if (!tray->library)
        tray->library = bus_library_load(NULL);
    if (tray->library && open_bus(tray)) {
        tray_wait(tray);
        return;
    }
    disconnect_bus(tray);
    uv_timer_start(&tray->timer, on_time, TRY_AGAIN_MS, 0);
}

static void on_time(uv_timer_t *timer)
{
    struct tray *tray = timer->data;

    if (tray->bus)
        turn(tray);
    else
        connect_bus(tray);
}

bool tray_is_from(const struct tray *tray, sd_bus_message *signal, const char *sender)
{
    const char *said_by = tray->library->message_get_sender(signal);

    return said_by && sender && strcmp(said_by, sender) == 0;
}

int tray_get(sd_bus *bus, const char *path, const char *interface, const char *property,
             sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    const struct tray *tray = userdata;

    (void)bus;
    (void)interface;
    (void)ret_error;
    return strcmp(path, TRAY_MENU_PATH) == 0 ? tray_menu_append(tray, property, reply)
                                             : tray_item_append(tray, property, reply);
}

/* ---- what is shown ---- */

static bool is_same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool is_same(const struct tray_view *a, const struct tray_view *b)
{
    bool same = a->state == b->state && a->needs_attention == b->needs_attention &&
                a->note == b->note && a->entry_count == b->entry_count &&
                is_same_text(a->title, b->title) && is_same_text(a->text, b->text);

    for (size_t i = 0; same && i < a->entry_count; i++)
        same = a->entries[i].action == b->entries[i].action &&
               a->entries[i].is_enabled == b->entries[i].is_enabled &&
               is_same_text(a->entries[i].label, b->entries[i].label);
    return same;
}

void tray_show_input(struct tray *tray, const struct tray_input *input)
{
    struct tray_view view;

    tray_view_make(input, &view);
    if (is_same(&view, &tray->view)) {
        tray_view_deinit(&view);
        return;
    }
    tray_view_deinit(&tray->view);
    tray->view = view;
    if (tray->bus && tray->options.shows_icon) {
        tray_item_change(tray);
        tray_menu_change(tray);
    }
    tray_notes_change(tray);
    tray_wait(tray);
}

void tray_show(struct tray *tray, const struct owner_answer *answer)
{
    struct tray_input input = {.answer = answer, .now = clock_wall_seconds()};

    if (answer && answer->error) {
        tray_notes_refuse(tray, answer);
        tray_wait(tray);
        return;
    }
    input.gives_notice = answer && answer->reason == OWNER_REASON_NOTICE;
    tray_show_input(tray, &input);
}

void tray_act(struct tray *tray, enum tray_action action)
{
    struct owner_word word;

    if (action == TRAY_NOTES) {
        tray->shows_notes = !tray->shows_notes;
        tray_menu_change(tray);
        tray_notes_change(tray);
        tray->listener.on_notes(tray->listener.userdata, tray->shows_notes);
    } else if (tray_action_word(action, clock_wall_seconds(), &word)) {
        tray->listener.on_word(tray->listener.userdata, &word);
    }
}

/* ---- its life ---- */

struct tray *tray_new(uv_loop_t *loop, const struct tray_options *options,
                      const struct tray_listener *listener)
{
    struct tray *tray = memory_allocate(sizeof(*tray));
    const struct tray_input nobody = {.now = clock_wall_seconds()};

    *tray = (struct tray){.loop = loop,
                          .listener = *listener,
                          .options = *options,
                          .shows_notes = options->shows_notes,
                          .open_handles = 2};
    uv_timer_init(loop, &tray->timer);
    uv_timer_init(loop, &tray->notes.timer);
    tray->timer.data = tray->notes.timer.data = tray;
    tray_view_make(&nobody, &tray->view);
    connect_bus(tray);
    return tray;
}

static void on_timer_closed(uv_handle_t *timer)
{
    struct tray *tray = timer->data;

    if (--tray->open_handles > 0)
        return;
    tray_view_deinit(&tray->view);
    free(tray->notes.refusal);
    free(tray);
}

struct tray *tray_free(struct tray *tray)
{
    if (!tray)
        return NULL;
    disconnect_bus(tray);
    uv_close((uv_handle_t *)&tray->timer, on_timer_closed);
    uv_close((uv_handle_t *)&tray->notes.timer, on_timer_closed);
    return NULL;
}
