/* SPDX-License-Identifier: Apache-2.0 */
/* See reading.h. */
#include "reading.h"

#include "base/number.h"
#include "lang/text.h"
#include "sys/file.h"

#include <dirent.h>
#include <errno.h>

/* A page is the most that a file of sysfs has, and /proc/stat is long on many processors. */
enum { TEXT_SIZE_MAX = 1024 * 1024, LEFT_PARTS = 10 };

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

/* The number behind "NAME:" at the beginning of a line; 0 if there is none. */
static uint64_t find_number(const char *text, const char *name)
{
    struct slice rest = slice_from_text(text);
    uint64_t number = 0;

    while (rest.length > 0) {
        struct slice line = text_take(&rest, '\n'), value = line;

        if (slice_equals(text_take(&value, ':'), name) &&
            number_parse_u64(text_take_word(&value, ""), &number) == 0)
            break;
    }
    return number;
}

bool reading_memory_is_short(const char *proc)
{
    _cleanup_free_ char *memory = reading_text(proc, "meminfo");

    return find_number(memory, "MemAvailable") < find_number(memory, "MemTotal") / LEFT_PARTS;
}
