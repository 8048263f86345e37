/* SPDX-License-Identifier: Apache-2.0 */
/* See match_wishes.h. There are few, so they are walked along. */
#include "core/match_wishes.h"

#include "base/memory.h"
#include "lang/text.h"

#include <string.h>

void match_wishes_deinit(struct match_wishes *wishes)
{
    for (size_t i = 0; i < wishes->count; i++)
        free(wishes->items[i].name);
    wishes->count = 0;
}

/* The place of the name, or how many there are. */
static size_t find(const struct match_wishes *wishes, const char *name)
{
    size_t at = 0;

    while (at < wishes->count &&
           !slice_equals_ignoring_case(slice_from_text(name), wishes->items[at].name))
        at++;
    return at;
}

bool match_wishes_have(const struct match_wishes *wishes, const char *name)
{
    return find(wishes, name) < wishes->count;
}

static bool is_plain(const char *name)
{
    while (text_is_of_name(*name))
        name++;
    return *name == '\0';
}

uint64_t match_wishes_take(struct match_wishes *wishes, const char *name)
{
    size_t at = find(wishes, name);

    if (at == MATCH_WISHES_MAX || !is_plain(name))
        return 0;
    if (at == wishes->count) {
        wishes->items[wishes->count++] =
            (struct match_wish){.name = memory_copy_string(name), .number = ++wishes->last};
        wishes->has_news = true;
    }
    wishes->items[at].users++;
    return wishes->items[at].number;
}

void match_wishes_give_back(struct match_wishes *wishes, uint64_t number)
{
    size_t at = 0;

    while (wishes->items[at].number != number)
        at++;
    if (--wishes->items[at].users > 0)
        return;
    free(wishes->items[at].name);
    wishes->count--;
    memmove(&wishes->items[at], &wishes->items[at + 1],
            (wishes->count - at) * sizeof(wishes->items[0]));
}

void match_wish_list_deinit(struct match_wish_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->names[i]);
    list->count = 0;
}

void match_wish_list_add(struct match_wish_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (slice_equals_ignoring_case(slice_from_text(name), list->names[i]))
            return;
    if (list->count == MATCH_NODE_WISHES_MAX)
        list->is_too_long = true;
    else
        list->names[list->count++] = memory_copy_string(name);
}
