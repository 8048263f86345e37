/* SPDX-License-Identifier: Apache-2.0 */
/* See changes.h. */
#include "changes.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdalign.h>
#include <unistd.h>

/* Room for several changes, and for one whatever its name. */
enum { ROOM_SIZE = 4096 };

static_assert(ROOM_SIZE > sizeof(struct inotify_event) + NAME_MAX, "the longest name fits");

int changes_begin(struct source *source, void (*on_changes)(struct source *source, int changes),
                  struct error *err)
{
    int changes = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    int r;

    if (changes < 0) {
        r = error_set_errno(err, -errno, "cannot begin to watch files");
        if (r == -EMFILE)
            error_hint(err, "raise the limit fs.inotify.max_user_instances with sysctl");
        return r;
    }
    r = source_watch(source, changes, on_changes, err);
    return r < 0 ? r : changes;
}

int changes_add(int changes, const char *path, uint32_t mask, struct error *err)
{
    int watch = inotify_add_watch(changes, path, mask);

    if (watch >= 0)
        return watch;
    watch = error_set_errno(err, -errno, "cannot watch '%s'", path);
    /* The system's words for it speak of a device that is full. */
    if (watch == -ENOSPC)
        error_hint(err, "raise the limit fs.inotify.max_user_watches with sysctl");
    return watch;
}

void changes_take(int changes,
                  void (*on_change)(void *userdata, const struct inotify_event *change),
                  void *userdata)
{
    alignas(struct inotify_event) char room[ROOM_SIZE];
    ssize_t length;

    while ((length = read(changes, room, sizeof(room))) > 0)
        for (ssize_t at = 0; at < length;) {
            const struct inotify_event *change = (const void *)(room + at);

            on_change(userdata, change);
            at += (ssize_t)(sizeof(*change) + change->len);
        }
}
