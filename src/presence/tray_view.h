/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a tray icon shows of this computer, from what its agent says: which icon, which words, which
 * menu, and what is worth a notification. Nothing here knows of D-Bus; tray.h does.
 *
 * The icon is honest about one question: who has this computer? What the owner cannot see from it
 * (why, until when, for whom) stands in the menu. Notifications are for three things only: that
 * it will be lent in a moment, which he can put off, that something is wrong which he should know,
 * and that what he clicked was refused.
 * A pause, a use, a task that comes or goes are none: they are what he expects.
 */
#pragma once

#include "base/error.h"
#include "wire/owner_word.h"

#include <stdbool.h>

enum tray_state {
    TRAY_LENDING,   /* the pool has it, or may have it at once */
    TRAY_IN_USE,    /* it is the owner's just now */
    TRAY_PAUSED,    /* he said so */
    TRAY_NO_SERVER, /* it would be lent, and nobody asks for it */
    TRAY_ERROR,     /* there is no agent, or it cannot do its work */
    TRAY_STATE_COUNT
};

/* What a click means. The values are ids in the menu: what is clicked means what it meant when the
 * menu was shown, whatever has changed since. */
enum tray_action {
    TRAY_INFORM, /* nothing: a line that is to be read */
    TRAY_DIVIDE, /* nothing: a line between others */
    TRAY_PAUSE_HOUR,
    TRAY_PAUSE_TOMORROW, /* 7:00 in the morning */
    TRAY_PAUSE,
    TRAY_MINE_ONLY, /* to the tasks of one user, */
    TRAY_ANYBODYS,  /* and not to his alone any more */
    TRAY_NEVER,
    TRAY_RESUME,
    TRAY_NOTES, /* whether there are notifications */
    TRAY_ACTION_COUNT
};

struct tray_entry {
    enum tray_action action;
    char *label; /* owned; NULL for TRAY_DIVIDE */
    bool is_enabled;
};

enum tray_note { TRAY_NOTE_NONE, TRAY_NOTE_LENT_SOON, TRAY_NOTE_WRONG, TRAY_NOTE_REFUSED };

enum {
    TRAY_TASKS_MAX = 8,    /* lines in the menu; the others are counted, */
    TRAY_SOURCES_MAX = 4,  /* and so are sources that do not work */
    TRAY_ENTRIES_MAX = 32, /* more than there ever are with these */
    TRAY_COLUMNS_MAX = 72  /* of a line: names and reasons are others' texts */
};

struct tray_view {
    enum tray_state state;
    bool needs_attention; /* the owner should look */
    char *title;          /* owned; one line */
    char *text;           /* owned; some more, "" if there is none */
    enum tray_note note;  /* worth one, if he wants any */
    struct tray_entry entries[TRAY_ENTRIES_MAX];
    size_t entry_count;
};

struct tray_input {
    const struct owner_answer *answer; /* NULL: no agent answers; never an error */
    bool gives_notice;                 /* it will be lent at answer->until_at, and not before */
    double now;                        /* seconds since 1970 */
};

/* The caller's, for tray_view_deinit(). Times are told as the local clock shows them. */
void tray_view_make(const struct tray_input *input, struct tray_view *ret_view);
void tray_view_deinit(struct tray_view *view);

/* "dusk-lending": the name of its icon in the theme 'hicolor'. */
const char *tray_state_icon(enum tray_state state);

/* What is to be said to the agent; false: this action is none that is said. */
bool tray_action_word(enum tray_action action, double now, struct owner_word *ret_word);
