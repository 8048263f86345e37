/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See list.h. The NULL behind the last entry is kept at all times, because that is how execve()
 * wants its lists, and nobody remembers to add it in the end.
 */
#include "list.h"

#include "base/memory.h"

#include <string.h>

void list_deinit(struct list *list)
{
    free(list->items);
    *list = LIST_OF_TEXTS_INIT;
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

/* Where `text` belongs among the first `count`, behind its equals. */
static size_t find_place(const struct list *list, size_t count, const char *text)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(list->items[middle], text) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* One after the other into those before it: the lists are short, or nearly in order. */
void list_sort(struct list *list)
{
    for (size_t i = 1; i < list->count; i++) {
        const char *text = list->items[i];
        size_t place = find_place(list, i, text);

        memmove(&list->items[place + 1], &list->items[place], (i - place) * sizeof(*list->items));
        list->items[place] = text;
    }
}
