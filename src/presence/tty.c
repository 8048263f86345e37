/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who types at a terminal: at this computer's consoles, its serial lines, and the pseudo-terminals
 * of windows and ssh sessions. A program that reads from its terminal has got input, which the
 * kernel tells as an access; output is a modification, and tells nothing of who is there.
 *
 * A watch on a folder does not tell of accesses to the devices in it, so that nobody may watch
 * others type; each terminal is watched by itself. Those that the agent may not read (it is an
 * ordinary user, and they are others') are looked at every few seconds: anyone may see when the
 * last input was, if only to 8 seconds (tty_update_time() in the kernel).
 *
 * A task's own terminal is told by its user, and left out.
 */
#include "source.h"

#include "base/memory.h"
#include "changes.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct tty {
    int changes;
    int pseudo;          /* which changes are those of the pseudo-terminals' folder */
    char *pseudo_folder; /* owned */
    time_t input;        /* when the last one was, at any terminal; 0: there is none */
    time_t closed_input; /* at those that may not be watched */
    bool looks;          /* whether there are such */
};

static bool is_here(const struct presence_options *options)
{
    _cleanup_free_ char *path = source_path(options, "/dev/pts");

    return access(path, F_OK) == 0;
}

/* ---- which terminals ---- */

static bool is_number(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* tty0 is whichever console is shown, tty the one of who asks: neither is one more. */
static bool is_console(const char *name)
{
    if (strncmp(name, "tty", 3) != 0 || strcmp(name, "tty0") == 0)
        return false;
    return is_number(name + 3) || (name[3] == 'S' && is_number(name + 4));
}

static void raise_time(time_t *newest, time_t time)
{
    if (time > *newest)
        *newest = time;
}

/*
 * Watches the terminal, or changes how it is watched because its owner is another now. One that is
 * gone again is none.
 */
static int add_terminal(struct source *source, const char *folder, const char *name,
                        struct error *err)
{
    struct tty *tty = source->data;
    _cleanup_free_ char *path = file_join(folder, name);
    struct stat status;
    bool is_task;
    int r;

    if (stat(path, &status) < 0)
        return 0;
    is_task = source->options->is_task && source->options->is_task(status.st_uid);
    /* A terminal never moves, so a task that reads all day long does not even wake the agent. */
    r = changes_add(tty->changes, path, is_task ? IN_MOVE_SELF : IN_ACCESS, err);
    if (r < 0 && r != -ENOENT && r != -EACCES)
        return r;
    error_clear(err);
    if (is_task)
        return 0;
    raise_time(&tty->input, status.st_atime);
    if (r == -EACCES) {
        tty->looks = true;
        raise_time(&tty->closed_input, status.st_atime);
    }
    return 0;
}

static int add_terminals(struct source *source, const char *path, bool (*is_one)(const char *name),
                         struct error *err)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    int r = 0;

    if (!folder)
        return error_set_errno(err, -errno, "cannot look for terminals in '%s'", path);
    while (r == 0 && (entry = readdir(folder)))
        if (is_one(entry->d_name))
            r = add_terminal(source, path, entry->d_name, err);
    closedir(folder);
    return r;
}

static int add_all_terminals(struct source *source, struct error *err)
{
    const struct tty *tty = source->data;
    _cleanup_free_ char *consoles = source_path(source->options, "/dev");
    int r = add_terminals(source, tty->pseudo_folder, is_number, err);

    return r < 0 ? r : add_terminals(source, consoles, is_console, err);
}

/* ---- what happens at them ---- */

static void look(struct source *source)
{
    const struct tty *tty = source->data;
    time_t before = tty->closed_input;
    _cleanup_error_ struct error err = ERROR_INIT;

    if (add_all_terminals(source, &err) < 0) {
        source_fail(source, &err);
        return;
    }
    source_wake_together(source, SOURCE_LOOK_MS, look);
    if (tty->closed_input > before)
        source_used(source);
}

struct taken {
    struct source *source;
    bool used;
    int result;
    struct error *err;
};

static void on_change(void *userdata, const struct inotify_event *change)
{
    struct taken *taken = userdata;
    const struct tty *tty = taken->source->data;

    if (taken->result < 0)
        return;
    taken->used = taken->used || (change->mask & (IN_ACCESS | IN_Q_OVERFLOW)) != 0;
    if ((change->mask & IN_Q_OVERFLOW) != 0)
        taken->result = add_all_terminals(taken->source, taken->err);
    else if (change->wd == tty->pseudo && (change->mask & IN_IGNORED) != 0)
        taken->result = error_set(taken->err, -ENOENT, "'%s' is gone", tty->pseudo_folder);
    else if (change->wd == tty->pseudo && change->len > 0 && is_number(change->name))
        taken->result = add_terminal(taken->source, tty->pseudo_folder, change->name, taken->err);
}

static void on_changes(struct source *source, int changes)
{
    const struct tty *tty = source->data;
    _cleanup_error_ struct error err = ERROR_INIT;
    struct taken taken = {.source = source, .err = &err};
    bool looked = tty->looks;

    changes_take(changes, on_change, &taken);
    if (taken.result < 0) {
        source_fail(source, &err);
        return;
    }
    if (tty->looks && !looked)
        source_wake_together(source, SOURCE_LOOK_MS, look);
    if (taken.used)
        source_used(source);
}

/* ---- its life ---- */

static void tell_last_input(struct source *source)
{
    const struct tty *tty = source->data;
    double ago_s = clock_wall_seconds() - (double)tty->input;

    if (tty->input > 0)
        source_used_before(source, ago_s > 0 ? (uint64_t)(ago_s * 1000) : 0);
}

static int tty_open(struct source *source, struct error *err)
{
    struct tty *tty = memory_allocate(sizeof(*tty));
    int r;

    tty->pseudo_folder = source_path(source->options, "/dev/pts");
    source->data = tty;
    r = tty->changes = changes_begin(source, on_changes, err);
    if (r >= 0)
        r = tty->pseudo =
            changes_add(tty->changes, tty->pseudo_folder, IN_CREATE | IN_ATTRIB | IN_ONLYDIR, err);
    if (r >= 0)
        r = add_all_terminals(source, err);
    if (r < 0)
        return r;
    if (tty->looks)
        source_wake_together(source, SOURCE_LOOK_MS, look);
    tell_last_input(source);
    return 0;
}

static void tty_close(struct source *source)
{
    struct tty *tty = source->data;

    if (tty)
        free(tty->pseudo_folder);
    free(tty);
}

const struct source_kind source_tty = {
    .name = "tty", .is_here = is_here, .open = tty_open, .close = tty_close};
