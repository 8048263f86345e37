/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who logs in and out where no logind tells it: each change of utmp(5) is a use. Who it was and
 * what he does afterwards is not looked at; the terminals' source sees the latter.
 */
#include "source.h"

#include "changes.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static bool exists(const struct presence_options *options, const char *path)
{
    _cleanup_free_ char *whole = source_path(options, path);

    return access(whole, F_OK) == 0;
}

/* utmp(5) still names the place that it once had, which is most often a link to the new one. */
static const char *find_path(const struct presence_options *options)
{
    return exists(options, "/var/run/utmp") ? "/var/run/utmp" : "/run/utmp";
}

/* Where logind runs, this folder is there (sd_login(3)), and its source knows better. */
static bool is_here(const struct presence_options *options)
{
    return exists(options, find_path(options)) && !exists(options, "/run/systemd/seats");
}

static void on_change(void *userdata, const struct inotify_event *change)
{
    uint32_t *mask = userdata;

    *mask |= change->mask;
}

static void on_changes(struct source *source, int changes)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    uint32_t mask = 0;

    changes_take(changes, on_change, &mask);
    if ((mask & (IN_MODIFY | IN_Q_OVERFLOW)) != 0)
        source_used(source);
    if ((mask & IN_IGNORED) == 0)
        return;
    error_set(&err, -ENOENT, "the file of logins is gone");
    source_fail(source, &err);
}

static int utmp_open(struct source *source, struct error *err)
{
    _cleanup_free_ char *path = source_path(source->options, find_path(source->options));
    int r = changes_begin(source, on_changes, err);

    if (r >= 0)
        r = changes_add(r, path, IN_MODIFY, err);
    if (r == -ENOENT)
        error_hint(err, "this system does not write down who logs in: ask for 'tty' instead");
    return r < 0 ? r : 0;
}

const struct source_kind source_utmp = {.name = "utmp", .is_here = is_here, .open = utmp_open};
