/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See environment.h. Entries are collected first and made unique afterwards, because a later one
 * may overrule what getenv brought in as well as what stands before it in the same value.
 */
#include "environment.h"

#include "arguments.h"
#include "text.h"

#include "base/map.h"
#include "base/memory.h"

#include <errno.h>
#include <string.h>

/* Fewer variables than this are compared one by one, which needs no memory. */
enum { WALK_COUNT_MAX = 64 };

/* A name cannot be empty, a value can. */
static int environment_add(struct list *list, const char *entry, const char **ret_message)
{
    const char *equals = strchr(entry, '=');

    if (!equals || equals == entry) {
        *ret_message = equals ? "an environment variable has no name before its '='"
                              : "an environment variable is not of the form NAME=value";
        return -EINVAL;
    }
    /* Linux bounds all of them together (ARG_MAX); that many would not start a program. */
    if (list->count == ENVIRONMENT_COUNT_MAX) {
        *ret_message = "there are more than 2000 environment variables";
        return -EINVAL;
    }
    list_add(list, entry);
    return 0;
}

typedef int split_function(struct slice text, struct arena *arena, struct list *list,
                           const char **ret_message);

/* The entries are arguments; only then they are looked at as variables. */
static int merge_new(struct slice text, split_function *split, struct arena *arena,
                     struct list *list, const char **ret_message)
{
    _cleanup_list_ struct list entries = LIST_OF_TEXTS_INIT;
    int r;

    r = split(text, arena, &entries, ret_message);
    for (size_t i = 0; r == 0 && i < entries.count; i++)
        r = environment_add(list, entries.items[i], ret_message);
    return r;
}

/* HTCondor drops white space in front of a name and keeps it everywhere else. */
static int merge_old(struct slice text, struct arena *arena, struct list *list,
                     const char **ret_message)
{
    int r = 0;

    while (r == 0 && text.length > 0) {
        struct slice entry = text_take(&text, ';');

        while (entry.length > 0 && text_is_space(*entry.data))
            entry = text_behind(entry, 1);
        if (entry.length > 0)
            r = environment_add(list, arena_copy(arena, entry), ret_message);
    }
    return r;
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

/* Of variables with one name the last value counts, at the place of the first. */
static void environment_deduplicate(struct list *list)
{
    bool few = list->count <= WALK_COUNT_MAX;
    struct string_map index;
    size_t kept = 0;

    /* Kept entries move to the front of the same list, over those that were looked at already. */
    string_map_init(&index, false);
    for (size_t i = 0; i < list->count; i++) {
        const char *entry = list->items[i];
        size_t place =
            few ? find_by_walking(list, kept, entry) : find_in_index(&index, kept, entry);

        list->items[place] = entry;
        kept += place == kept ? 1 : 0;
    }
    string_map_deinit(&index);
    list->count = kept;
    list->items[kept] = NULL;
}

static int finish(int r, struct list *list)
{
    if (r == 0 && list->count > 0)
        environment_deduplicate(list);
    return r;
}

int environment_merge_old(struct slice text, struct arena *arena, struct list *list,
                          const char **ret_message)
{
    return finish(merge_old(text, arena, list, ret_message), list);
}

int environment_merge_raw(struct slice text, struct arena *arena, struct list *list,
                          const char **ret_message)
{
    return finish(merge_new(text, arguments_split_raw, arena, list, ret_message), list);
}

int environment_merge(struct slice text, struct arena *arena, struct list *list,
                      const char **ret_message)
{
    if (!arguments_are_quoted(text))
        return environment_merge_old(text, arena, list, ret_message);
    return finish(merge_new(text, arguments_split_quoted, arena, list, ret_message), list);
}
