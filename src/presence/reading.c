/* SPDX-License-Identifier: Apache-2.0 */
/* See reading.h. */
#include "reading.h"

#include "base/number.h"
#include "sys/file.h"

#include <dirent.h>
#include <errno.h>

/* A page is the most that a file of sysfs has, and /proc/stat is long on many processors. */
enum { TEXT_SIZE_MAX = 1024 * 1024 };

char *reading_text(const char *folder, const char *name)
{
    _cleanup_free_ char *path = file_join(folder, name);
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    if (file_read(path, TEXT_SIZE_MAX, &text, NULL) < 0)
        buffer_clear(&text);
    return slice_copy(slice_trim(slice_from_text(buffer_text(&text))));
}

bool reading_is(const char *folder, const char *name, const char *text)
{
    _cleanup_free_ char *found = reading_text(folder, name);

    return slice_equals(slice_from_text(found), text);
}

bool reading_number(const char *folder, const char *name, int64_t *ret_number)
{
    _cleanup_free_ char *text = reading_text(folder, name);

    return number_parse_i64(slice_from_text(text), ret_number) == 0;
}

int reading_each(const char *folder, void (*on_entry)(void *userdata, const char *name),
                 void *userdata, struct error *err)
{
    DIR *directory = opendir(folder);
    const struct dirent *entry;

    if (!directory)
        return error_set_errno(err, -errno, "cannot look into '%s'", folder);
    while ((entry = readdir(directory)))
        if (entry->d_name[0] != '.')
            on_entry(userdata, entry->d_name);
    closedir(directory);
    return 0;
}
