/* SPDX-License-Identifier: Apache-2.0 */
/* See attributes.h. Sets are small and change seldom, so a sorted array serves. */
#include "attributes.h"

#include "base/json_write.h"
#include "base/memory.h"
#include "lang/text.h"

#include <errno.h>
#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
#define DIGITS  "0123456789"

enum { SEPARATOR_SIZE = 4, SHOWN_MAX = 60 }; /* " = " and the line's end; of a bad line */

/* A line that begins with one of them would be read as an expression, or as nothing at all. */
static const char *const reserved[] = {"error", "false",  "is",     "isnt",
                                       "true",  "parent", "target", "undefined"};

void attributes_deinit(struct attributes *attributes)
{
    for (size_t i = 0; i < attributes->count; i++) {
        free(attributes->items[i].name);
        free(attributes->items[i].value);
    }
    free(attributes->items);
    *attributes = ATTRIBUTES_INIT;
}

bool attribute_name_is_valid(const char *name)
{
    size_t length = strlen(name);

    if (length == 0 || length > ATTRIBUTE_NAME_LENGTH_MAX || strchr(DIGITS, name[0]) ||
        strspn(name, LETTERS DIGITS) != length)
        return false;
    for (size_t i = 0; i < ARRAY_LENGTH(reserved); i++)
        if (slice_equals_ignoring_case(slice_from_text(name), reserved[i]))
            return false;
    return true;
}

bool attribute_value_is_valid(const char *value)
{
    size_t length = strlen(value);

    if (length > ATTRIBUTE_VALUE_LENGTH_MAX || slice_trim(slice_from_text(value)).length == 0)
        return false;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)value[i] < ' ' || value[i] == 0x7f)
            return false;
    return json_text_is_valid(value);
}

/* ---- the array ---- */

/* Where the name is, or belongs. */
static size_t find_place(const struct attributes *attributes, const char *name, bool *ret_is_there)
{
    size_t low = 0, high = attributes->count;

    *ret_is_there = false;
    while (low < high && !*ret_is_there) {
        size_t middle = low + (high - low) / 2;
        int order = text_compare_ignoring_case(attributes->items[middle].name, name);

        *ret_is_there = order == 0;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return high;
}

static size_t size_of(const char *name, const char *value)
{
    return strlen(name) + (value ? strlen(value) : 0) + SEPARATOR_SIZE;
}

static void insert(struct attributes *attributes, size_t place, const char *name)
{
    array_reserve(attributes->items, attributes->capacity, attributes->count + 1);
    memmove(&attributes->items[place + 1], &attributes->items[place],
            (attributes->count - place) * sizeof(*attributes->items));
    attributes->items[place] = (struct attribute){.name = memory_copy_string(name)};
    attributes->count++;
}

static void remove_at(struct attributes *attributes, size_t place)
{
    attributes->size -= size_of(attributes->items[place].name, attributes->items[place].value);
    free(attributes->items[place].name);
    free(attributes->items[place].value);
    attributes->count--;
    memmove(&attributes->items[place], &attributes->items[place + 1],
            (attributes->count - place) * sizeof(*attributes->items));
}

/* A value of NULL is one here: that of a change. `times` the usual bounds. */
static int put(struct attributes *attributes, size_t times, const char *name, const char *value,
               struct error *err)
{
    bool is_there;
    size_t place = find_place(attributes, name, &is_there), size = attributes->size;

    if (!is_there && attributes->count >= times * ATTRIBUTES_MAX)
        return error_set(err, -E2BIG, "there are more than %zu attributes", times * ATTRIBUTES_MAX);
    if (is_there)
        size -= size_of(attributes->items[place].name, attributes->items[place].value);
    size += size_of(name, value);
    if (size > times * ATTRIBUTES_SIZE_MAX)
        return error_set(err, -E2BIG, "the attributes have more than %zu bytes together",
                         times * ATTRIBUTES_SIZE_MAX);
    if (!is_there)
        insert(attributes, place, name);
    free(attributes->items[place].value);
    attributes->items[place].value = value ? memory_copy_string(value) : NULL;
    attributes->size = size;
    return 0;
}

/* ---- setting and asking ---- */

static int check(const char *name, const char *value, struct error *err)
{
    if (!attribute_name_is_valid(name)) {
        error_set(err, -EINVAL, "'%.*s' is no name of an attribute", SHOWN_MAX, name);
        error_hint(err, "a name has letters, digits and '_', no digit first, %d at most",
                   ATTRIBUTE_NAME_LENGTH_MAX);
        return -EINVAL;
    }
    if (value && !attribute_value_is_valid(value))
        return error_set(err, -EINVAL, "the value of '%s' is no line of text up to %d bytes", name,
                         ATTRIBUTE_VALUE_LENGTH_MAX);
    return 0;
}

int attributes_set(struct attributes *attributes, const char *name, const char *value,
                   struct error *err)
{
    int r = check(name, value, err);

    return r < 0 ? r : put(attributes, 1, name, value, err);
}

int attributes_set_text(struct attributes *attributes, const char *name, const char *text,
                        struct error *err)
{
    _cleanup_buffer_ struct buffer literal = BUFFER_INIT;
    bool is_utf8 = json_text_is_valid(text);

    buffer_append_character(&literal, '"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        bool ends_it = c == '\\' && (text[1] == '"' || text[1] == '\0');

        if (c == '"')
            buffer_append_character(&literal, '\\');
        if (c < ' ' || c == 0x7f || (c > 0x7f && !is_utf8) || ends_it)
            c = '?';
        buffer_append_character(&literal, (char)c);
    }
    buffer_append_character(&literal, '"');
    return attributes_set(attributes, name, literal.data, err);
}

int attributes_set_change(struct attributes *changes, const char *name, const char *value,
                          struct error *err)
{
    int r = check(name, value, err);

    return r < 0 ? r : put(changes, 2, name, value, err);
}

const char *attributes_get(const struct attributes *attributes, const char *name)
{
    bool is_there;
    size_t place = find_place(attributes, name, &is_there);

    return is_there ? attributes->items[place].value : NULL;
}

/* ---- changes ---- */

/* The next of both in their common order; the one that has no such name is NULL. */
static void merge_next(const struct attributes *a, size_t *at_a, const struct attributes *b,
                       size_t *at_b, const struct attribute **ret_a, const struct attribute **ret_b)
{
    const struct attribute *left = *at_a < a->count ? &a->items[*at_a] : NULL;
    const struct attribute *right = *at_b < b->count ? &b->items[*at_b] : NULL;
    int order = !left ? 1 : !right ? -1 : text_compare_ignoring_case(left->name, right->name);

    *ret_a = order <= 0 ? left : NULL;
    *ret_b = order >= 0 ? right : NULL;
    *at_a += *ret_a != NULL;
    *at_b += *ret_b != NULL;
}

static int check_sum(const struct attributes *attributes, const struct attributes *changes,
                     struct error *err)
{
    size_t at = 0, at_change = 0, count = 0, size = 0;

    while (at < attributes->count || at_change < changes->count) {
        const struct attribute *old, *change, *one;

        merge_next(attributes, &at, changes, &at_change, &old, &change);
        one = change ? change : old;
        if (!one->value)
            continue;
        count++;
        size += size_of(one->name, one->value);
    }
    if (count > ATTRIBUTES_MAX || size > ATTRIBUTES_SIZE_MAX)
        return error_set(err, -E2BIG, "there are more attributes than %d, or than %d bytes of them",
                         ATTRIBUTES_MAX, ATTRIBUTES_SIZE_MAX);
    return 0;
}

/* What goes does so first, so that the sum is never above what it is in the end. */
int attributes_apply(struct attributes *attributes, const struct attributes *changes,
                     struct error *err)
{
    int r = check_sum(attributes, changes, err);
    bool is_there;

    for (size_t i = 0; r == 0 && i < changes->count; i++) {
        size_t place = find_place(attributes, changes->items[i].name, &is_there);

        if (is_there)
            remove_at(attributes, place);
    }
    for (size_t i = 0; r == 0 && i < changes->count; i++)
        if (changes->items[i].value)
            r = put(attributes, 1, changes->items[i].name, changes->items[i].value, err);
    return r;
}

/* A name that changed its case alone is another name to people: it is said again. */
void attributes_compare(const struct attributes *from, const struct attributes *to,
                        struct attributes *changes)
{
    size_t at_from = 0, at_to = 0;

    while (at_from < from->count || at_to < to->count) {
        const struct attribute *old, *new;

        merge_next(from, &at_from, to, &at_to, &old, &new);
        if (!new)
            (void)put(changes, 2, old->name, NULL, NULL);
        else if (!old || strcmp(old->value, new->value) != 0 || strcmp(old->name, new->name) != 0)
            (void)put(changes, 2, new->name, new->value, NULL);
    }
}

/* ---- lines ---- */

void attributes_write(const struct attributes *attributes, struct buffer *lines)
{
    for (size_t i = 0; i < attributes->count; i++)
        if (attributes->items[i].value)
            buffer_appendf(lines, "%s = %s\n", attributes->items[i].name,
                           attributes->items[i].value);
}

static int read_line(struct attributes *attributes, struct slice line, struct error *err)
{
    const char *equals = memchr(line.data, '=', line.length);
    _cleanup_free_ char *name = NULL, *value = NULL;

    if (!equals)
        return error_set(err, -EINVAL, "'%.*s' is not 'Name = expression'",
                         (int)(line.length < SHOWN_MAX ? line.length : SHOWN_MAX), line.data);
    name = slice_copy(slice_trim((struct slice){line.data, (size_t)(equals - line.data)}));
    equals++;
    value =
        slice_copy(slice_trim((struct slice){equals, line.length - (size_t)(equals - line.data)}));
    return attributes_set(attributes, name, value, err);
}

int attributes_read(struct attributes *attributes, struct slice lines, struct error *err)
{
    int r = 0;

    while (r == 0 && lines.length > 0) {
        struct slice line = slice_trim(text_take(&lines, '\n'));

        /* A NUL would end the text that is looked at, and not the line. */
        if (memchr(line.data, '\0', line.length))
            return error_set(err, -EINVAL, "a line has a NUL in it");
        if (line.length > 0 && line.data[0] != '#' && line.data[0] != '-')
            r = read_line(attributes, line, err);
    }
    return r;
}
