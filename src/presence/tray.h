/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owner's icon in the tray of his desktop, and notifications, over his session's bus:
 * org.kde.StatusNotifierItem with the menu com.canonical.dbusmenu, and
 * org.freedesktop.Notifications (the Desktop Notifications Specification). What is shown is
 * tray_view.h's to say; nothing here decides.
 *
 * A bus that is not there, or goes away, is tried again for ever; so is a tray that comes later.
 * The bus is the user's own, and yet nothing is believed that comes from it: what is clicked is
 * looked up in what was offered, answers count only from whom was asked, and the loop is never
 * waited with.
 */
#pragma once

#include "tray_view.h"

#include <uv.h>

struct tray;

/* Called from the loop, never from within the functions below; tray_show() may be called in them,
 * and tray_free() may not. */
struct tray_listener {
    /* The owner says this to his agent; the answer is to be given to tray_show(). */
    void (*on_word)(void *userdata, const struct owner_word *word);
    /* He wants notifications, or none any more: to be remembered. */
    void (*on_notes)(void *userdata, bool wanted);
    void *userdata;
};

struct tray_options {
    bool shows_icon;
    bool shows_notes; /* at the beginning */
    /* How long something must be wrong before there is a note: 0 is half a minute, longer than an
     * agent takes to be replaced by the next. */
    uint64_t wrong_for_ms;
};

/* Never NULL. Before the first tray_show() no agent has answered. */
struct tray *tray_new(uv_loop_t *loop, const struct tray_options *options,
                      const struct tray_listener *listener);
/*
 * How things are now, as often as anything changes; NULL: no agent answers. An error is the agent's
 * answer to what was clicked, and says nothing else. Nothing is kept.
 */
void tray_show(struct tray *tray, const struct owner_answer *answer);
/* Its handles close with the next turn of the loop, and it calls nobody any more. Accepts NULL,
 * returns NULL. */
struct tray *tray_free(struct tray *tray);
