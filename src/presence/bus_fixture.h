/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests that need a bus: dbus-daemon(1) in the fixture's root, on which everybody may do
 * everything, as on a session's. One at a time.
 */
#pragma once

#include "presence_fixture.h"

#include <systemd/sd-bus.h>

/* Its address is in this variable from then on, DBUS_SYSTEM_BUS_ADDRESS for one. */
void bus_fixture_begin(const struct fixture *fixture, const char *variable);
void bus_fixture_end(void);
/* A peer on it, which nobody serves yet; the caller's. */
sd_bus *bus_fixture_connect(void);
