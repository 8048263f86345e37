/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What programs can compute on beside the processors: the cards that the drivers of NVIDIA
 * (/proc/driver/nvidia) and AMD (/sys/class/kfd, amdkfd) list. A card that only draws, or without
 * such a driver, is none.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum gpu_kind { GPU_NVIDIA, GPU_AMD, GPU_OTHER };

struct gpu {
    enum gpu_kind kind;
    uint32_t index; /* among those of its kind, in the order of the bus or of the driver */
    char *name;     /* owned: "CUDA0", "HIP0", "GPU0"; the same while no card comes or goes */
    char *uuid;     /* owned: "GPU-" and digits; NULL: not known */
    char *bus;      /* owned: its place on the bus, as its driver tells it; NULL: not known */
};

struct gpu_list {
    struct gpu *items; /* owned; those of NVIDIA first, each kind by its index */
    size_t count;
    size_t capacity;
};

#define GPU_LIST_INIT ((struct gpu_list){0})

/* "CUDA0"; the caller's. */
char *gpu_name(enum gpu_kind kind, uint32_t index);

/* Fills an empty list. `root` is "" but in tests. */
void gpu_list_find(struct gpu_list *list, const char *root);
/*
 * Adds cards that no driver tells of, until there are `count`; each has its place in the list as
 * its index, for that is the number which the libraries of a lone maker would give it.
 */
void gpu_list_extend(struct gpu_list *list, size_t count);
void gpu_list_deinit(struct gpu_list *list);
