/* SPDX-License-Identifier: Apache-2.0 */
/* See own_file.h. */
#include "own_file.h"

#include "base/memory.h"
#include "file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_SIZE_MAX = 1 << 20, FOLDER_MODE = 0700, FILE_MODE = 0600 };

char *own_file_path(const char *variable, const char *home_folder, const char *rest)
{
    const char *base = getenv(variable), *home = getenv("HOME");
    struct buffer path = BUFFER_INIT;

    if (base && *base == '/')
        buffer_appendf(&path, "%s/%s", base, rest);
    else if (home_folder && home && *home)
        buffer_appendf(&path, "%s/%s/%s", home, home_folder, rest);
    else
        return NULL;
    return buffer_take(&path);
}

/* Whether the line sets the key. */
static bool line_sets(struct slice line, const char *key)
{
    const char *equals = memchr(line.data, '=', line.length);

    return equals &&
           slice_equals(slice_trim((struct slice){line.data, (size_t)(equals - line.data)}), key);
}

static int make_folder_of(const char *path, struct error *err)
{
    const char *slash = strrchr(path, '/');
    _cleanup_free_ char *folder = NULL;

    if (!slash || slash == path)
        return 0;
    folder = memory_copy_bytes(path, (size_t)(slash - path));
    return file_make_folders(folder, FOLDER_MODE, err);
}

int own_file_store(const char *path, const char *key, const char *value, struct error *err)
{
    _cleanup_buffer_ struct buffer before = BUFFER_INIT, after = BUFFER_INIT;
    int r = make_folder_of(path, err);

    if (r == 0 && access(path, F_OK) == 0)
        r = file_read(path, FILE_SIZE_MAX, &before, err);
    if (r < 0)
        return r;
    for (const char *at = buffer_text(&before); *at;) {
        struct slice line = {.data = at, .length = strcspn(at, "\n")};

        if (!line_sets(line, key)) {
            buffer_append_slice(&after, line);
            buffer_append_character(&after, '\n');
        }
        at += line.length + (at[line.length] == '\n');
    }
    buffer_appendf(&after, "%s = %s\n", key, value);
    return file_replace(path, after.data, after.length, FILE_MODE, true, err);
}
