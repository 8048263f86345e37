/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the user of a desktop wants his session's helper to show, in session.ini of his own folder
 * ~/.config/dusk ($XDG_CONFIG_HOME):
 *
 *     [session]
 *     tray = no             no icon
 *     notifications = no    no notes; the icon's menu writes this one as well
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>

struct session_settings {
    bool tray;
    bool notifications;
};

/* What is not said is yes. After an error the settings are what was understood. */
int session_settings_read(struct session_settings *ret_settings, struct error *err);
/* Remembers it in the file, whose other lines stay. */
int session_settings_store_notifications(bool wanted, struct error *err);
