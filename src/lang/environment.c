/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See environment.h. What is in the list before has each name once. So new entries are put behind
 * it as they come, then looked at one after the other: each replaces the one of its name before it,
 * be that from getenv or from the same value, or stays.
 */
#include "environment.h"

#include "arguments.h"
#include "references.h"
#include "text.h"

#include "base/map.h"
#include "base/memory.h"

#include <errno.h>
#include <string.h>

/* So many comparisons of names are made one by one, which needs no memory: every task pays them. */
enum { WALK_COUNT_MAX = 64 * 64 };

/* A name cannot be empty, a value can. */
static int check_entry(const char *entry, const char **ret_message)
{
    const char *equals = strchr(entry, '=');

    if (equals && equals > entry)
        return 0;
    *ret_message = equals ? "an environment variable has no name before its '='"
                          : "an environment variable is not of the form NAME=value";
    return -EINVAL;
}

/* Up to the next ';' that is no part of what the node fills in. */
static struct slice take_entry(struct slice *text, struct reference_horizon *horizon)
{
    struct slice entry = {.data = text->data};

    while (entry.length < text->length && text->data[entry.length] != ';') {
        size_t size = text->data[entry.length] == '$'
                          ? references_measure(text_behind(*text, entry.length), horizon)
                          : 0;

        entry.length += size > 0 ? size : 1;
    }
    *text = text_behind(*text, entry.length + (entry.length < text->length ? 1 : 0));
    return entry;
}

/* HTCondor drops white space in front of a name and keeps it everywhere else. */
static void split_old(struct slice text, struct arena *arena, struct list *list)
{
    struct reference_horizon horizon = {0};

    while (text.length > 0) {
        struct slice entry = take_entry(&text, &horizon);

        while (entry.length > 0 && text_is_space(*entry.data))
            entry = text_behind(entry, 1);
        if (entry.length > 0)
            list_add(list, arena_copy(arena, entry));
    }
}

static size_t name_length(const char *entry)
{
    return (size_t)(strchr(entry, '=') - entry);
}

/* The place of a variable with the name of `entry` among the first `count`; `count` if none. */
static size_t find_by_walking(const struct list *list, size_t count, const char *entry)
{
    size_t length = name_length(entry);
    size_t i = 0;

    while (i < count &&
           (name_length(list->items[i]) != length || memcmp(list->items[i], entry, length) != 0))
        i++;
    return i;
}

/* Notes the name if it is new. */
static size_t find_in_index(struct string_map *index, size_t count, const char *entry)
{
    _cleanup_free_ char *name = memory_copy_bytes(entry, name_length(entry));
    uint64_t place = count;

    if (!string_map_get(index, name, &place))
        string_map_put(index, name, count);
    return place;
}

/* Puts the entries from `first` on into their places: of one name the last value counts. */
static int settle(struct list *list, size_t first, const char **ret_message)
{
    bool few = (list->count - first) * list->count <= WALK_COUNT_MAX;
    struct string_map index;
    size_t kept = first;
    int r = 0;

    string_map_init(&index, false);
    for (size_t i = 0; !few && i < first; i++)
        (void)find_in_index(&index, i, list->items[i]);
    /* What is kept moves to the front of the same list, over those that were looked at already. */
    for (size_t i = first; r == 0 && i < list->count; i++) {
        const char *entry = list->items[i];
        size_t place;

        r = check_entry(entry, ret_message);
        if (r < 0)
            break;
        place = few ? find_by_walking(list, kept, entry) : find_in_index(&index, kept, entry);
        list->items[place] = entry;
        kept += place == kept ? 1 : 0;
    }
    string_map_deinit(&index);
    list->count = kept;
    list->items[kept] = NULL;
    return r;
}

/* Linux bounds all of them together (ARG_MAX); that many would not start a program. */
static int finish(int r, struct list *list, size_t first, const char **ret_message)
{
    if (r == 0 && list->count > ENVIRONMENT_COUNT_MAX) {
        *ret_message = "there are more than 2000 environment variables";
        r = -EINVAL;
    }
    return r < 0 || list->count == first ? r : settle(list, first, ret_message);
}

int environment_merge_old(struct slice text, struct arena *arena, struct list *list,
                          const char **ret_message)
{
    size_t first = list->count;

    split_old(text, arena, list);
    return finish(0, list, first, ret_message);
}

int environment_merge_raw(struct slice text, struct arena *arena, struct list *list,
                          const char **ret_message)
{
    size_t first = list->count;
    int r = arguments_split_environment(text, false, arena, list, ret_message);

    return finish(r, list, first, ret_message);
}

int environment_merge(struct slice text, struct arena *arena, struct list *list,
                      const char **ret_message)
{
    size_t first = list->count;
    int r;

    if (!arguments_are_quoted(text))
        return environment_merge_old(text, arena, list, ret_message);
    r = arguments_split_environment(text, true, arena, list, ret_message);
    return finish(r, list, first, ret_message);
}
