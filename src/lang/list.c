/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See list.h. The NULL behind the last entry is kept at all times, because that is how execve()
 * wants its lists, and nobody remembers to add it in the end.
 */
#include "list.h"

#include "base/memory.h"

void list_deinit(struct list *list)
{
    free(list->items);
    *list = LIST_INIT;
}

void list_clear(struct list *list)
{
    array_reserve(list->items, list->capacity, 1);
    list->count = 0;
    list->items[0] = NULL;
}

void list_add(struct list *list, const char *text)
{
    array_reserve(list->items, list->capacity, list->count + 2);
    list->items[list->count++] = text;
    list->items[list->count] = NULL;
}
