/* SPDX-License-Identifier: Apache-2.0 */
/* The classes of one side, by number and by the text that makes them (match_internal.h). */
#include "core/match_internal.h"

#include "base/memory.h"

void match_classes_init(struct match_classes *classes)
{
    *classes = (struct match_classes){.used = 1, .free_number = 1};
    string_map_init(&classes->by_key, false);
    /* Class 0: tasks that ask for nothing, nodes of which nothing is known. */
    array_reserve(classes->items, classes->capacity, 1);
    classes->items[classes->count++] =
        (struct match_class){.key = memory_copy_string(""), .ad = classad_new()};
    string_map_put(&classes->by_key, "", 0);
}

void match_classes_deinit(struct match_classes *classes)
{
    for (size_t i = 0; i < classes->count; i++) {
        free(classes->items[i].key);
        free(classes->items[i].user);
        free(classes->items[i].whose);
        free(classes->items[i].wishes);
        classad_free(classes->items[i].ad);
    }
    free(classes->items);
    string_map_deinit(&classes->by_key);
}

uint32_t match_classes_next(struct match_classes *classes)
{
    while (classes->free_number < classes->count && classes->items[classes->free_number].key)
        classes->free_number++;
    return classes->free_number;
}

void match_classes_put(struct match_classes *classes, uint32_t number, const char *key,
                       struct classad *ad, char *whose)
{
    array_reserve(classes->items, classes->capacity, classes->count + 1);
    if (number == classes->count)
        classes->count++;
    classes->items[number] = (struct match_class){
        .key = memory_copy_string(key),
        .ad = ad,
        .whose = whose,
    };
    string_map_put(&classes->by_key, key, number);
    classes->used++;
}

void match_classes_drop(struct match_classes *classes, uint32_t number)
{
    struct match_class *class = &classes->items[number];

    string_map_remove(&classes->by_key, class->key);
    free(class->key);
    free(class->user);
    free(class->whose);
    free(class->wishes);
    classad_free(class->ad);
    *class = (struct match_class){0};
    classes->used--;
    if (number < classes->free_number)
        classes->free_number = number;
}
