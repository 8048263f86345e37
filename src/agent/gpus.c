/* SPDX-License-Identifier: Apache-2.0 */
/* See gpus.h. */
#include "gpus.h"

#include "base/memory.h"
#include "lang/text.h"

#include <errno.h>
#include <string.h>

/*
 * No card has such a number, and the libraries end the list of what they show at the first one that
 * there is not. It is HTCondor's ENVIRONMENT_VALUE_FOR_UnAssignedGPUs.
 */
#define NO_DEVICE "10000"

/* Whether the libraries may show the card under that name's number: "GPU0" is of either maker. */
static bool may_be_shown_as(const struct gpu *gpu, struct slice word)
{
    for (enum gpu_kind kind = GPU_NVIDIA; kind <= GPU_OTHER; kind++) {
        _cleanup_free_ char *name = gpu_name(kind, gpu->index);

        if ((kind == gpu->kind || kind == GPU_OTHER || gpu->kind == GPU_OTHER) &&
            slice_equals(word, name))
            return true;
    }
    return false;
}

/*
 * Whether the card is one of those in the list. An agent before us may have written it, when other
 * drivers were loaded or a card more was on the bus: each word of the list is enough.
 */
static bool is_among(const char *words, const struct gpu *gpu)
{
    struct slice rest = slice_from_text(words);

    while (rest.length > 0) {
        struct slice word = text_take(&rest, ',');

        if ((gpu->uuid && slice_equals(word, gpu->uuid)) ||
            (gpu->bus && slice_equals(word, gpu->bus)) || may_be_shown_as(gpu, word))
            return true;
    }
    return false;
}

static bool is_taken(const struct attempts *attempts, const struct gpu *gpu)
{
    for (size_t i = 0; i < attempts->count; i++) {
        const struct attempt *other = attempts->items[i];

        if (other->is_kept && !other->has_ended && other->gpus && is_among(other->gpus, gpu))
            return true;
    }
    return false;
}

static void append_item(struct buffer *list, const char *item)
{
    buffer_appendf(list, "%s%s", list->length > 0 ? "," : "", item);
}

/* All that tells which card it is. */
static void append_card(struct buffer *list, const struct gpu *gpu)
{
    append_item(list, gpu->name);
    if (gpu->uuid)
        append_item(list, gpu->uuid);
    if (gpu->bus)
        append_item(list, gpu->bus);
}

int gpus_assign(const struct gpu_list *list, size_t lent, const struct attempts *attempts,
                struct attempt *attempt, struct error *err)
{
    _cleanup_buffer_ struct buffer words = BUFFER_INIT;
    uint32_t missing = attempt->start.request.gpus;

    for (size_t i = 0; missing > 0 && i < list->count && i < lent; i++)
        if (!is_taken(attempts, &list->items[i])) {
            append_card(&words, &list->items[i]);
            missing--;
        }
    if (missing > 0)
        return error_set(err, -EBUSY, "%u of its GPUs are not there or still in use", missing);
    free(attempt->gpus);
    attempt->gpus = words.length > 0 ? buffer_take(&words) : NULL;
    return 0;
}

uint32_t gpus_count_held(const struct gpu_list *list, size_t lent, const struct attempt *attempt)
{
    uint32_t count = 0;

    for (size_t i = 0; i < list->count && i < lent; i++)
        if (!attempt->start.gpus_given ||
            (attempt->gpus && is_among(attempt->gpus, &list->items[i])))
            count++;
    return count;
}

/* ---- the environment ---- */

/* What the libraries of each maker are to show. A card of an unknown maker may be of either. */
struct shown {
    struct buffer names; /* of all of them */
    struct buffer cuda;  /* by UUID or number */
    struct buffer rocr;  /* by number */
    struct buffer hip;   /* by their number among those in `rocr`, which come before them */
    uint32_t hip_count;
    bool has_cuda, has_hip; /* the node has such a card, be it the task's or not */
};

static void shown_deinit(struct shown *shown)
{
    buffer_deinit(&shown->names);
    buffer_deinit(&shown->cuda);
    buffer_deinit(&shown->rocr);
    buffer_deinit(&shown->hip);
}

static void append_number(struct buffer *list, uint32_t number)
{
    buffer_appendf(list, "%s%u", list->length > 0 ? "," : "", number);
}

static void show(struct shown *shown, const struct gpu *gpu)
{
    append_item(&shown->names, gpu->uuid ? gpu->uuid : gpu->name);
    if (gpu->uuid)
        append_item(&shown->cuda, gpu->uuid);
    else if (gpu->kind != GPU_AMD)
        append_number(&shown->cuda, gpu->index);
    if (gpu->kind != GPU_NVIDIA) {
        append_number(&shown->rocr, gpu->index);
        append_number(&shown->hip, shown->hip_count++);
    }
}

static const char *variable(struct arena *arena, const char *name, const struct buffer *devices,
                            const char *without)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    buffer_appendf(&text, "%s=%s", name, devices->length > 0 ? devices->data : without);
    return arena_copy(arena, (struct slice){text.data, text.length});
}

size_t gpus_variables(const struct gpu_list *list, const char *assigned, struct arena *arena,
                      const char *ret_variables[GPUS_VARIABLES_MAX])
{
    _cleanup_(shown_deinit) struct shown shown = {0};
    size_t count = 0;

    for (size_t i = 0; i < list->count; i++) {
        const struct gpu *gpu = &list->items[i];

        shown.has_cuda = shown.has_cuda || gpu->kind != GPU_AMD;
        shown.has_hip = shown.has_hip || gpu->kind != GPU_NVIDIA;
        if (is_among(assigned, gpu))
            show(&shown, gpu);
    }
    if (list->count > 0)
        ret_variables[count++] = variable(arena, "_CONDOR_AssignedGPUs", &shown.names, NO_DEVICE);
    if (shown.has_cuda) {
        ret_variables[count++] = variable(arena, "CUDA_VISIBLE_DEVICES", &shown.cuda, NO_DEVICE);
        ret_variables[count++] = variable(arena, "NVIDIA_VISIBLE_DEVICES", &shown.cuda, "none");
        /* Else number 0 is the fastest card and not the first one. */
        ret_variables[count++] = "CUDA_DEVICE_ORDER=PCI_BUS_ID";
    }
    if (shown.has_hip) {
        ret_variables[count++] = variable(arena, "ROCR_VISIBLE_DEVICES", &shown.rocr, NO_DEVICE);
        ret_variables[count++] = variable(arena, "HIP_VISIBLE_DEVICES", &shown.hip, NO_DEVICE);
        ret_variables[count++] = variable(arena, "GPU_DEVICE_ORDINAL", &shown.hip, NO_DEVICE);
    }
    return count;
}
