/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See seated.h. The files of logind are those that sd_session_get_uid(3) and its like read; they
 * are no promise of its authors, but stayed as they are since there is a logind. Who comes by ssh
 * has a session without a seat, and so has whatever runs in the background.
 */
#include "seated.h"

#include "base/number.h"
#include "reading.h"
#include "sys/file.h"

#include <string.h>
#include <sys/stat.h>

struct search {
    const char *folder; /* of the sessions */
    uid_t uid;
    bool is_found;
};

/* What stands behind "NAME=" in one of the lines; nothing if it is not there. */
static struct slice find_value(const char *text, const char *name)
{
    size_t length = strlen(name);

    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
        if (strncmp(line, name, length) == 0 && line[length] == '=')
            return (struct slice){line + length + 1, strcspn(line + length + 1, "\n")};
    return slice_from_text("");
}

static bool value_is(const char *text, const char *name, const char *value)
{
    return slice_equals(find_value(text, name), value);
}

/* The greeter sits at the seat as well, and is nobody. "user-early" and the like are users. */
static bool find_user(const char *text, uint64_t *ret_uid)
{
    struct slice class = find_value(text, "CLASS");

    return class.length >= strlen("user") && strncmp(class.data, "user", strlen("user")) == 0 &&
           number_parse_u64(find_value(text, "UID"), ret_uid) == 0;
}

static void look_at_session(void *userdata, const char *name)
{
    struct search *search = userdata;
    _cleanup_free_ char *text = reading_text(search->folder, name);
    uint64_t uid;

    if (!find_user(text, &uid) || uid != search->uid)
        return;
    if (value_is(text, "REMOTE", "0") && value_is(text, "ACTIVE", "1") &&
        find_value(text, "SEAT").length > 0)
        search->is_found = true;
}

static bool owns(const char *path, uid_t uid)
{
    struct stat status;

    return lstat(path, &status) == 0 && status.st_uid == uid;
}

/* A terminal that nobody logged in at is root's, who needs no such proof. */
static bool has_console(const char *root, uid_t uid)
{
    _cleanup_buffer_ struct buffer folder = BUFFER_INIT, console = BUFFER_INIT, front = BUFFER_INIT;
    _cleanup_free_ char *name = NULL;

    buffer_appendf(&folder, "%s/sys/class/tty/tty0", root);
    buffer_appendf(&console, "%s/dev/console", root);
    name = reading_text(folder.data, "active");
    buffer_appendf(&front, "%s/dev/%s", root, name);
    if (uid == 0)
        return false;
    return owns(console.data, uid) || (file_name_is_contained(name) && owns(front.data, uid));
}

bool seated_is(const char *root, uid_t uid)
{
    _cleanup_buffer_ struct buffer folder = BUFFER_INIT;
    struct search search = {.uid = uid};

    buffer_appendf(&folder, "%s/run/systemd/sessions", root);
    search.folder = folder.data;
    if (reading_each(folder.data, look_at_session, &search, NULL) < 0)
        return has_console(root, uid);
    return search.is_found;
}

struct desktops {
    const char *folder;
    void (*on_desktop)(void *userdata, uid_t uid);
    void *userdata;
};

static void look_for_desktop(void *userdata, const char *name)
{
    const struct desktops *desktops = userdata;
    _cleanup_free_ char *text = reading_text(desktops->folder, name);
    uint64_t uid;

    if (find_user(text, &uid) && !value_is(text, "STATE", "closing") &&
        (value_is(text, "TYPE", "x11") || value_is(text, "TYPE", "wayland")))
        desktops->on_desktop(desktops->userdata, (uid_t)uid);
}

int seated_each_desktop(const char *root, void (*on_desktop)(void *userdata, uid_t uid),
                        void *userdata)
{
    _cleanup_buffer_ struct buffer folder = BUFFER_INIT;
    struct desktops desktops = {.on_desktop = on_desktop, .userdata = userdata};

    buffer_appendf(&folder, "%s/run/systemd/sessions", root);
    desktops.folder = folder.data;
    return reading_each(folder.data, look_for_desktop, &desktops, NULL);
}
