/* SPDX-License-Identifier: Apache-2.0 */
/* See gpu.h. */
#include "gpu.h"

#include "base/buffer.h"
#include "sys/file.h"

#include <dirent.h>
#include <string.h>

enum { PROPERTIES_SIZE_MAX = 64 * 1024 };

/* AMD's driver lists processors as well; those have no cores for vectors. */
static bool has_vector_cores(const char *list, const char *name)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT, text = BUFFER_INIT;
    const char *cores;

    buffer_appendf(&path, "%s/%s/properties", list, name);
    if (file_read(path.data, PROPERTIES_SIZE_MAX, &text, NULL) < 0)
        return false;
    cores = strstr(buffer_text(&text), "simd_count ");
    return cores && cores[strlen("simd_count ")] != '0';
}

static bool is_any(const char *list, const char *name)
{
    (void)list;
    (void)name;
    return true;
}

static size_t count_in(const char *root, const char *folder,
                       bool (*is_one)(const char *list, const char *name))
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    const struct dirent *device;
    size_t count = 0;
    DIR *list;

    buffer_appendf(&path, "%s%s", root, folder);
    list = opendir(path.data);
    while (list && (device = readdir(list)))
        if (device->d_name[0] != '.' && is_one(path.data, device->d_name))
            count++;
    if (list)
        closedir(list);
    return count;
}

size_t gpu_count(const char *root)
{
    return count_in(root, "/proc/driver/nvidia/gpus", is_any) +
           count_in(root, "/sys/class/kfd/kfd/topology/nodes", has_vector_cores);
}
