/* SPDX-License-Identifier: Apache-2.0 */
/* See session_settings.h. */
#include "session_settings.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "settings.h"
#include "sys/file.h"
#include "sys/own_file.h"

#include <errno.h>
#include <ini.h>
#include <string.h>
#include <unistd.h>

enum { FILE_SIZE_MAX = 1 << 20 };

#define NOTIFICATIONS "notifications"

struct reader {
    struct session_settings *settings;
    struct error *err;
    int result;
};

/* inih's handler: 1 goes on, 0 is an error. */
static int take_line(void *userdata, const char *section, const char *name, const char *value)
{
    struct reader *reader = userdata;
    bool *setting = strcmp(name, "tray") == 0          ? &reader->settings->tray
                    : strcmp(name, NOTIFICATIONS) == 0 ? &reader->settings->notifications
                                                       : NULL;

    (void)section;
    if (setting) {
        reader->result = settings_parse_yes_or_no(value, setting, reader->err);
        if (reader->result < 0)
            error_prefix(reader->err, reader->result, "'%s'", name);
        return reader->result == 0;
    }
    reader->result = error_set(reader->err, -EINVAL, "there is no key '%s'", name);
    error_hint(reader->err, "the keys are 'tray' and '" NOTIFICATIONS "'");
    return 0;
}

static char *find_file(void)
{
    return own_file_path("XDG_CONFIG_HOME", ".config", "dusk/session.ini");
}

int session_settings_read(struct session_settings *ret_settings, struct error *err)
{
    _cleanup_free_ char *path = find_file();
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    struct reader reader = {.settings = ret_settings, .err = err};
    int r;

    *ret_settings = (struct session_settings){true, true};
    if (!path || access(path, F_OK) < 0)
        return 0;
    r = file_read(path, FILE_SIZE_MAX, &text, err);
    if (r < 0)
        return r;
    r = ini_parse_string(buffer_text(&text), take_line, &reader);
    if (reader.result < 0)
        return error_prefix(err, reader.result, "'%s'", path);
    return r == 0 ? 0
                  : error_set(err, -EINVAL, "'%s', line %d: this is not 'key = value'", path, r);
}

int session_settings_store_notifications(bool wanted, struct error *err)
{
    _cleanup_free_ char *path = find_file();

    if (!path)
        return error_set(err, -ENOENT, "there is no home folder to remember it in");
    return own_file_store(path, NOTIFICATIONS, wanted ? "yes" : "no", err);
}
