/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the test of the tray: a desktop on a bus of its own, with a watcher for icons, a server for
 * notifications, and whoever clicks. It lives on the fixture's loop.
 */
#pragma once

#include "bus_fixture.h"
#include "tray.h"

struct desk {
    struct fixture *fixture;
    struct tray *tray;
    sd_bus *bus;    /* NULL: the desktop is not there */
    uv_poll_t poll; /* of that */

    /* What it was told. */
    unsigned int registered; /* how often an icon was */
    char item[128];          /* who that was, on the bus */
    unsigned int changes;    /* of the menu */
    unsigned int notes;
    uint32_t replaced; /* by the last one */
    char title[256], body[512];
    unsigned int note_actions;
    uint32_t closed; /* the note that was taken back last */

    /* What the tray told its owner's agent. */
    unsigned int words;
    struct owner_word word;
    unsigned int choices;
    bool wants_notes;
};

extern struct desk desk;

/* For cmocka: a bus, and no desktop on it yet. */
int desk_set_up(void **state);
int desk_tear_down(void **state);

void desk_begin(void);
void desk_end(void);
/* A tray that shows all. */
void desk_begin_tray(void);

/* What the icon answers to Get of org.freedesktop.DBus.Properties for a text; valid until the next
 * one. "error" if it refuses. */
const char *desk_get(const char *property);
/* The menu as lines: "+2 Pause for an hour", with '-' for what cannot be clicked, and '*' behind
 * what is checked. */
const char *desk_read_menu(void);
/* An event of the menu, answered when it returns; whether it was taken. */
bool desk_tell_menu(int id, const char *event);
/* Any call of the icon's connection, likewise. */
bool desk_call(const char *path, const char *interface, const char *method, const char *types, ...);
/* Sends the tray a signal of the notification server. */
void desk_tell_note(const char *signal, uint32_t id, const char *key);
