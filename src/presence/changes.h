/* SPDX-License-Identifier: Apache-2.0 */
/* inotify(7) for the sources: what happens to files and in folders. */
#pragma once

#include "source.h"

#include <sys/inotify.h>

/*
 * Begins to listen; `on_changes` is called with the returned descriptor, which stays the source's,
 * and takes the changes. Or returns a negative errno.
 */
int changes_begin(struct source *source, void (*on_changes)(struct source *source, int changes),
                  struct error *err);
/*
 * Listens for what is in `mask` at this path, in place of what was listened for there before.
 * Returns what tells this path's changes from others (`wd`), or a negative errno.
 */
int changes_add(int changes, const char *path, uint32_t mask, struct error *err);
/*
 * Calls `on_change` for all that has happened; it must not let the source fail. Where the kernel
 * had to drop some, one of them has IN_Q_OVERFLOW in its mask.
 */
void changes_take(int changes,
                  void (*on_change)(void *userdata, const struct inotify_event *change),
                  void *userdata);
