/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the test of logind's source: a bus, and a logind on it, which has the sessions and inhibitors
 * that the test gives it. It lives on the fixture's loop.
 */
#pragma once

#include "bus_fixture.h"

/* Its path is /org/freedesktop/login1/session/NAME. */
struct fake_session {
    const char *name;
    const char *class;
    uint32_t uid;
};

struct fake_inhibitor {
    const char *what;
    const char *mode;
    uint32_t uid;
    uint32_t pid;
};

struct fake_logind {
    struct fixture *fixture;
    sd_bus *bus;    /* NULL: there is no logind */
    uv_poll_t poll; /* of that; stopped, it has nothing to say */
    struct fake_session sessions[4];
    size_t session_count;
    struct fake_inhibitor inhibitors[4];
    size_t inhibitor_count;
    bool refuses; /* to say who inhibits */
};

extern struct fake_logind fake;

/* For cmocka: bus and logind run, and DBUS_SYSTEM_BUS_ADDRESS is the bus. */
int fake_set_up(void **state);
int fake_tear_down(void **state);

void fake_begin_logind(void);
void fake_end_logind(void);
/* Takes what was asked since its poll was stopped, and goes on. */
void fake_listen(void);

/* Tells of a session that is there from now on, and that it is not any more. */
void fake_begin_session(const char *name, const char *class, uint32_t uid);
void fake_end_session(const char *name);
/* Tells that this property of a session has changed. */
void fake_change_session(const char *name, const char *property, bool value);
/* Tells that the inhibitors are these. */
void fake_inhibit(const struct fake_inhibitor *inhibitors, size_t count);
void fake_tell_sleep(bool begins);
