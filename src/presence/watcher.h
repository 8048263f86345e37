/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A desktop is watched in a process of its own: who speaks to an X server or a compositor has to
 * wait for its answers, and one that stands still must not stop whoever waits for other keys as
 * well; nor is it anybody's to trust. The watcher is this program again (watcher_main.h). It says
 * what it sees in short lines (watcher_line.h) over a socket, and dies with its parent.
 *
 * To the parent it is a source like any other: one that gives no answer at the beginning, babbles,
 * says what makes no sense or ends has failed, is killed, and started again later.
 */
#pragma once

#include "source.h"

/* As a kind's `open` and `close`, for a kind that has a `desktop`. */
int watcher_open(struct source *source, struct error *err);
void watcher_close(struct source *source);
