/* SPDX-License-Identifier: Apache-2.0 */
/* Who sits at this computer, by name: whose word counts as its owner's. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/*
 * Whether the user has a session on a seat of this computer, active just now, as logind writes it
 * into /run/systemd/sessions; where there is no logind, whether the console or the virtual terminal
 * in front was given to him, as login(1) and X servers do. Asked anew each time; files only, so
 * that nothing is waited for. `root` is "" but in tests: stands before /dev, /run and /sys.
 */
bool seated_is(const char *root, uid_t uid);

/*
 * Tells of each user who has a graphical session, at this computer or from afar, once a session.
 * Negative where there is no logind.
 */
int seated_each_desktop(const char *root, void (*on_desktop)(void *userdata, uid_t uid),
                        void *userdata);
