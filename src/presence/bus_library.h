/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libsystemd's D-Bus (sd-bus(3)), loaded when somebody needs it. Linked to it, dusk would look for
 * it and for what it needs in turn at each start of each command, and not start at all without it.
 */
#pragma once

#include "base/error.h"

#include <systemd/sd-bus.h>

/* Each name stands for the function sd_bus_NAME() of the manual. */
#define BUS_FUNCTIONS(function)                                                                    \
    function(add_match_async);                                                                     \
    function(add_object_vtable);                                                                   \
    function(call_method_async);                                                                   \
    function(close_unref);                                                                         \
    function(emit_signal);                                                                         \
    function(error_set);                                                                           \
    function(get_events);                                                                          \
    function(get_fd);                                                                              \
    function(get_timeout);                                                                         \
    function(message_append);                                                                      \
    function(message_close_container);                                                             \
    function(message_enter_container);                                                             \
    function(message_exit_container);                                                              \
    function(message_get_error);                                                                   \
    function(message_get_member);                                                                  \
    function(message_get_path);                                                                    \
    function(message_get_sender);                                                                  \
    function(message_new_method_return);                                                           \
    function(message_open_container);                                                              \
    function(message_read);                                                                        \
    function(message_skip);                                                                        \
    function(message_unref);                                                                       \
    function(open_system);                                                                         \
    function(open_user);                                                                           \
    function(process);                                                                             \
    function(reply_method_return);                                                                 \
    function(send);                                                                                \
    function(slot_unref)

struct bus_library {
#define BUS_FUNCTION(name) __typeof__(sd_bus_##name) *name
    BUS_FUNCTIONS(BUS_FUNCTION);
#undef BUS_FUNCTION
};

/* The same each time; it stays loaded. NULL: it is not there, or lacks something. */
const struct bus_library *bus_library_load(struct error *err);
