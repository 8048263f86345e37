/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a tray: tray.c has the connection and joins them, tray_item.c is the icon,
 * tray_menu.c its menu, tray_notes.c the notifications. Each is told when there is a new bus, and
 * when the view has changed. What a part asks of the bus in vain it does not ask again by itself:
 * the next bus, tray or view is its next chance.
 */
#pragma once

#include "bus_library.h"
#include "tray.h"

#define TRAY_ITEM_PATH "/StatusNotifierItem"
#define TRAY_MENU_PATH "/MenuBar"

/*
 * SD_BUS_VTABLE_START refers to a variable of libsystemd, which is not linked (bus_library.h); that
 * reference is there for the linker alone (sd_bus_add_object_vtable(3)).
 */
#define TRAY_VTABLE_START                                                                          \
    {                                                                                              \
        .type = _SD_BUS_VTABLE_START, .x.start = {                                                 \
            .element_size = sizeof(sd_bus_vtable),                                                 \
            .features = _SD_BUS_VTABLE_PARAM_NAMES                                                 \
        }                                                                                          \
    }

struct tray_notes {
    uv_timer_t timer;     /* until something was wrong for long enough */
    sd_bus_slot *asked;   /* owned; a note that is on its way */
    char *sender;         /* owned; who showed the last one */
    char *refusal;        /* owned; why the agent did not take the last click */
    enum tray_note seen;  /* what the view asks for, */
    enum tray_note due;   /* what is to be shown now, */
    enum tray_note shown; /* and what was sent last; its owner may have closed it since */
    uint32_t id;          /* of the one that is there; 0: none is */
};

struct tray {
    uv_loop_t *loop;
    struct tray_listener listener;
    struct tray_options options;
    const struct bus_library *library;
    sd_bus *bus;               /* owned; NULL: there is none just now */
    uv_poll_t *poll;           /* of that; owned by the loop once it closes */
    uv_timer_t timer;          /* the bus's, or that of the next try */
    unsigned int open_handles; /* of those within this struct */
    bool is_lost;              /* the bus is of no use any more */
    bool is_turning;           /* its callbacks run: it must stay until they are done */
    bool shows_notes;
    struct tray_view view;
    uint32_t revision; /* of the menu */
    struct tray_notes notes;
};

/* tray_show(), of what it makes of the answer. */
void tray_show_input(struct tray *tray, const struct tray_input *input);
/* Makes the bus's turn happen soon, after something was sent. */
void tray_wait(struct tray *tray);
/* What a click means is done. */
void tray_act(struct tray *tray, enum tray_action action);
/* Whether a signal is from this name on the bus; anybody may send us any. */
bool tray_is_from(const struct tray *tray, sd_bus_message *signal, const char *sender);
/* An sd_bus_property_get_t for the properties of both objects. */
int tray_get(sd_bus *bus, const char *path, const char *interface, const char *property,
             sd_bus_message *reply, void *userdata, sd_bus_error *ret_error);

int tray_item_connect(struct tray *tray);
void tray_item_change(struct tray *tray);
/* The value of one that its object has; negative as sd-bus has it. */
int tray_item_append(const struct tray *tray, const char *property, sd_bus_message *to);

int tray_menu_connect(struct tray *tray);
void tray_menu_change(struct tray *tray);
int tray_menu_append(const struct tray *tray, const char *property, sd_bus_message *to);

int tray_notes_connect(struct tray *tray);
void tray_notes_disconnect(struct tray *tray);
void tray_notes_change(struct tray *tray);
/* The agent did not take what the owner clicked, with an error. */
void tray_notes_refuse(struct tray *tray, const struct owner_answer *answer);
