/* SPDX-License-Identifier: Apache-2.0 */
/* A list of texts that live elsewhere, with a NULL behind the last one, as execve(2) wants it. */
#pragma once

#include "base/buffer.h"

struct list {
    const char **items; /* owned, the texts are not; never NULL after the first clear */
    size_t count;
    size_t capacity;
};

#define LIST_OF_TEXTS_INIT ((struct list){0})
#define _cleanup_list_     _cleanup_(list_deinit)

void list_deinit(struct list *list);
/* Empties the list and keeps its memory. */
void list_clear(struct list *list);
void list_add(struct list *list, const char *text);
/* By bytes, as strcmp(3) orders them. */
void list_sort(struct list *list);
