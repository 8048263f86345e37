/* SPDX-License-Identifier: Apache-2.0 */
/* See gpu.h. */
#define _GNU_SOURCE
#include "gpu.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "sys/file.h"

#include <dirent.h>
#include <stdbool.h>
#include <string.h>

enum { PROPERTIES_SIZE_MAX = 64 * 1024 };

#define UUID_CHARACTERS "0123456789abcdefABCDEF-"

char *gpu_name(enum gpu_kind kind, uint32_t index)
{
    static const char *const names[] = {
        [GPU_NVIDIA] = "CUDA", [GPU_AMD] = "HIP", [GPU_OTHER] = "GPU"};
    struct buffer name = BUFFER_INIT;

    buffer_appendf(&name, "%s%u", names[kind], index);
    return buffer_take(&name);
}

/* Takes the uuid and the place on the bus over. */
static void add(struct gpu_list *list, enum gpu_kind kind, uint32_t index, char *uuid, char *bus)
{
    array_reserve(list->items, list->capacity, list->count + 1);
    list->items[list->count++] = (struct gpu){
        .kind = kind, .index = index, .name = gpu_name(kind, index), .uuid = uuid, .bus = bus};
}

/* What stands in a file of a card's folder behind that word; false if there is none. */
static bool read_property(const char *folder, const char *card, const char *file, const char *word,
                          struct buffer *value)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT, text = BUFFER_INIT;
    const char *at;

    buffer_appendf(&path, "%s/%s/%s", folder, card, file);
    if (file_read(path.data, PROPERTIES_SIZE_MAX, &text, NULL) < 0)
        return false;
    at = strstr(buffer_text(&text), word);
    if (!at)
        return false;
    at += strlen(word);
    at += strspn(at, " \t");
    buffer_append(value, at, strcspn(at, "\n"));
    return true;
}

/* AMD's driver lists processors as well; those have no cores for vectors. */
static bool has_vector_cores(const char *folder, const char *card)
{
    _cleanup_buffer_ struct buffer count = BUFFER_INIT;

    return read_property(folder, card, "properties", "simd_count ", &count) &&
           buffer_text(&count)[0] != '0';
}

/* Of a card that nobody has used since the start, the driver tells question marks. */
static char *read_uuid(const char *folder, const char *card)
{
    _cleanup_buffer_ struct buffer uuid = BUFFER_INIT;
    const char *text;

    if (!read_property(folder, card, "information", "GPU UUID:", &uuid))
        return NULL;
    text = buffer_text(&uuid);
    if (strncmp(text, "GPU-", 4) != 0 || text[4 + strspn(text + 4, UUID_CHARACTERS)] != '\0')
        return NULL;
    return memory_copy_string(text);
}

/* AMD's driver tells it in two numbers, before Linux 5.8 without the first. */
static char *read_bus(const char *folder, const char *card)
{
    _cleanup_buffer_ struct buffer bus = BUFFER_INIT;

    read_property(folder, card, "properties", "domain ", &bus);
    buffer_append_character(&bus, ':');
    if (!read_property(folder, card, "properties", "location_id ", &bus))
        return NULL;
    return buffer_take(&bus);
}

static int is_shown(const struct dirent *card)
{
    return card->d_name[0] != '.';
}

/* Numbers by their value; and names of equal length, as the addresses on the bus are, by letters.
 */
static int compare(const struct dirent **a, const struct dirent **b)
{
    size_t a_length = strlen((*a)->d_name), b_length = strlen((*b)->d_name);

    if (a_length != b_length)
        return a_length < b_length ? -1 : 1;
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void find_kind(struct gpu_list *list, enum gpu_kind kind, const char *root, const char *name)
{
    _cleanup_buffer_ struct buffer folder = BUFFER_INIT;
    struct dirent **cards = NULL;
    uint32_t index = 0;
    int count;

    buffer_appendf(&folder, "%s%s", root, name);
    count = scandir(folder.data, &cards, is_shown, compare);
    for (int i = 0; i < count; i++) {
        const char *card = cards[i]->d_name;

        if (kind == GPU_NVIDIA)
            add(list, kind, index++, read_uuid(folder.data, card), memory_copy_string(card));
        else if (has_vector_cores(folder.data, card))
            add(list, kind, index++, NULL, read_bus(folder.data, card));
        free(cards[i]);
    }
    free(cards);
}

void gpu_list_find(struct gpu_list *list, const char *root)
{
    find_kind(list, GPU_NVIDIA, root, "/proc/driver/nvidia/gpus");
    find_kind(list, GPU_AMD, root, "/sys/class/kfd/kfd/topology/nodes");
}

void gpu_list_extend(struct gpu_list *list, size_t count)
{
    while (list->count < count)
        add(list, GPU_OTHER, (uint32_t)list->count, NULL, NULL);
}

void gpu_list_deinit(struct gpu_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].name);
        free(list->items[i].uuid);
        free(list->items[i].bus);
    }
    free(list->items);
    *list = GPU_LIST_INIT;
}
