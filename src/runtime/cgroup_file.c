/* SPDX-License-Identifier: Apache-2.0 */
/* See cgroup_file.h. */
#define _GNU_SOURCE
#include "cgroup_file.h"

#include "base/number.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * In one write(2), because the kernel takes each for an order of its own, and the answer of write()
 * is all that tells whether it was obeyed.
 */
int cgroup_file_write(int folder, const char *name, const char *text)
{
    _cleanup_fd_ int fd = openat(folder, name, O_WRONLY | O_CLOEXEC);

    return fd < 0 ? -errno : file_write_all(fd, text, strlen(text));
}

/* kernfs makes the text anew at offset 0 only, so one that reads on would see the old one. */
int cgroup_file_read_open(int fd, char text[CGROUP_FILE_SIZE])
{
    ssize_t n = pread(fd, text, CGROUP_FILE_SIZE - 1, 0);

    if (n < 0)
        return -errno;
    text[n] = '\0';
    return 0;
}

int cgroup_file_read(int folder, const char *name, char text[CGROUP_FILE_SIZE])
{
    _cleanup_fd_ int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);

    return fd < 0 ? -errno : cgroup_file_read_open(fd, text);
}

int cgroup_file_find_number(const char *text, const char *name, uint64_t *ret_value)
{
    size_t length = strlen(name);

    for (const char *line = text; line && *line;) {
        const char *end = strchr(line, '\n');
        size_t rest = end ? (size_t)(end - line) : strlen(line);

        if (rest > length && strncmp(line, name, length) == 0 && line[length] == ' ')
            return number_parse_u64(
                (struct slice){.data = line + length + 1, .length = rest - length - 1}, ret_value);
        line = end ? end + 1 : NULL;
    }
    return -ENOENT;
}

int cgroup_file_each_process(int folder, void (*each)(void *context, int pid), void *context)
{
    int fd = openat(folder, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    int pid;

    if (!file) {
        descriptor_close(fd);
        return -errno;
    }
    while (fscanf(file, "%d", &pid) == 1)
        each(context, pid);
    fclose(file);
    return 0;
}

/*
 * rmdir() removes a group with its files, which cannot be unlinked; but not one that has groups
 * below it. O_NOFOLLOW, because a task to which its group was delegated may have made what is
 * there.
 */
void cgroup_file_remove_group(int above, const char *name)
{
    int fd;
    DIR *directory;
    struct dirent *entry;

    if (unlinkat(above, name, AT_REMOVEDIR) == 0)
        return;
    fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    directory = fd < 0 ? NULL : fdopendir(fd);
    if (!directory) {
        descriptor_close(fd);
        return;
    }
    while ((entry = readdir(directory)))
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
            cgroup_file_remove_group(fd, entry->d_name);
    closedir(directory);
    unlinkat(above, name, AT_REMOVEDIR);
}
