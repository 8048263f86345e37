/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expressions and ads as things with an owner, and attributes by name.
 *
 * An ad keeps everything in one arena; a value that is replaced stays there until the ad is freed,
 * which is why an ad that changes for ever is better made anew.
 */
#include "classad_internal.h"

#include "base/memory.h"

#include <assert.h>
#include <errno.h>

struct classad {
    struct node_store store;
    struct attributes attributes;
};

struct classad_expression {
    struct node_store store;
    const struct classad_node *node;
};

const struct attributes classad_no_attributes = {0};

static void node_store_deinit(struct node_store *store)
{
    regexps_free(store->regexps);
    arena_deinit(&store->arena);
}

/*
 * A name of up to eight letters is its own hash, turned so that its bits depend on each other and
 * no two become one: an odd factor and a xored shift can be turned back. name_equals() relies on
 * it.
 */
static uint64_t hash_short(struct slice text)
{
    uint64_t hash = 0;

    for (size_t i = 0; i < text.length; i++)
        hash = hash << 8 | (uint8_t)text_lower(text.data[i]);
    return hash * 0x9e3779b97f4a7c15u;
}

/* FNV-1a */
static uint64_t hash_long(struct slice text)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (size_t i = 0; i < text.length; i++)
        hash = (hash ^ (uint8_t)text_lower(text.data[i])) * 0x100000001b3u;
    return hash;
}

struct name name_from_slice(struct slice text)
{
    uint64_t hash = text.length <= sizeof(hash) ? hash_short(text) : hash_long(text);

    return (struct name){.text = text, .hash = hash ^ hash >> 32};
}

static uint64_t letters_at(const char *text)
{
    uint64_t letters;

    memcpy(&letters, text, sizeof(letters));
    return letters;
}

/* More than eight letters, eight at a time: a call of memcmp() takes longer than most names do. */
static bool is_same_text(const char *left, const char *right, size_t length)
{
    size_t last = length - sizeof(uint64_t);

    for (size_t at = 0; at < last; at += sizeof(uint64_t))
        if (letters_at(left + at) != letters_at(right + at))
            return false;
    return letters_at(left + last) == letters_at(right + last);
}

static bool is_same_but_for_case(struct slice left, struct slice right)
{
    for (size_t i = 0; i < left.length; i++)
        if (text_lower(left.data[i]) != text_lower(right.data[i]))
            return false;
    return true;
}

bool name_equals_long(struct slice left, struct slice right)
{
    return is_same_text(left.data, right.data, left.length) || is_same_but_for_case(left, right);
}

enum special special_from_name(struct slice name)
{
    static const struct {
        const char *name;
        enum special special;
    } specials[] = {
        {"my", SPECIAL_MY},
        {"self", SPECIAL_MY},
        {"target", SPECIAL_TARGET},
        {"parent", SPECIAL_PARENT},
        {"root", SPECIAL_ROOT},
        {"toplevel", SPECIAL_ROOT},
        {"currenttime", SPECIAL_CURRENT_TIME},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(specials); i++)
        if (slice_equals_ignoring_case(name, specials[i].name))
            return specials[i].special;
    return SPECIAL_NONE;
}

/* The slot that holds the name, or the empty one where it belongs. */
static inline uint32_t *find_slot(const struct attributes *attributes, const struct name *name)
{
    uint32_t mask = attributes->slot_count - 1;
    uint32_t at = (uint32_t)name->hash & mask;

    for (;; at = (at + 1) & mask) {
        uint32_t *slot = &attributes->slots[at];

        if (*slot == 0 || name_equals(&attributes->items[*slot - 1].name, name))
            return slot;
    }
}

const struct classad_node *attributes_find(const struct attributes *attributes,
                                           const struct name *name)
{
    uint32_t slot;

    if (attributes->count == 0)
        return NULL;
    slot = *find_slot(attributes, name);
    return slot > 0 ? attributes->items[slot - 1].expression : NULL;
}

static void index_again(struct attributes *attributes)
{
    memset(attributes->slots, 0, attributes->slot_count * sizeof(*attributes->slots));
    for (uint32_t i = 0; i < attributes->count; i++)
        *find_slot(attributes, &attributes->items[i].name) = i + 1;
}

/* Half of the slots stay empty, so that a name that is not there is soon known not to be. */
static void grow(struct attributes *attributes, struct arena *arena)
{
    uint32_t capacity = attributes->capacity > 0 ? 2 * attributes->capacity : 4;
    struct attribute *items = arena_allocate(arena, capacity, sizeof(*items));

    if (attributes->count > 0)
        memcpy(items, attributes->items, attributes->count * sizeof(*items));
    attributes->items = items;
    attributes->capacity = capacity;
    attributes->slot_count = 2 * capacity;
    attributes->slots = arena_allocate(arena, attributes->slot_count, sizeof(*attributes->slots));
    index_again(attributes);
}

void attributes_put(struct attributes *attributes, struct arena *arena, const struct name *name,
                    const struct classad_node *expression)
{
    uint32_t *slot;

    if (attributes->count == attributes->capacity)
        grow(attributes, arena);
    slot = find_slot(attributes, name);
    if (*slot > 0) {
        attributes->items[*slot - 1].expression = expression;
        return;
    }
    attributes->has_special =
        attributes->has_special || special_from_name(name->text) != SPECIAL_NONE;
    attributes->items[attributes->count++] =
        (struct attribute){.name = *name, .expression = expression};
    *slot = attributes->count;
}

static int refuse_size(struct slice text, struct classad_failure *ret_failure)
{
    *ret_failure = (struct classad_failure){.at = text.data, .message = "this is too long"};
    return -E2BIG;
}

int classad_expression_parse(struct slice text, enum classad_spelling spelling,
                             struct classad_expression **ret_expression,
                             struct classad_failure *ret_failure)
{
    _cleanup_classad_expression_ struct classad_expression *expression = NULL;

    if (text.length > CLASSAD_TEXT_SIZE_MAX)
        return refuse_size(text, ret_failure);
    expression = memory_allocate(sizeof(*expression));
    expression->node = classad_parse_expression(text, spelling, &expression->store.arena,
                                                &expression->store.regexps, ret_failure);
    if (!expression->node)
        return -EINVAL;
    *ret_expression = take_pointer(expression);
    return 0;
}

void classad_expression_free(struct classad_expression *expression)
{
    if (!expression)
        return;
    node_store_deinit(&expression->store);
    free(expression);
}

const struct classad_node *classad_expression_node(const struct classad_expression *expression)
{
    return expression->node;
}

struct classad *classad_new(void)
{
    return memory_allocate(sizeof(struct classad));
}

void classad_free(struct classad *ad)
{
    if (!ad)
        return;
    node_store_deinit(&ad->store);
    free(ad);
}

static void set_node(struct classad *ad, struct slice name, const struct classad_node *node)
{
    struct name copy =
        name_from_slice((struct slice){arena_copy(&ad->store.arena, name), name.length});

    attributes_put(&ad->attributes, &ad->store.arena, &copy, node);
}

int classad_set(struct classad *ad, struct slice name, struct slice expression,
                enum classad_spelling spelling, struct classad_failure *ret_failure)
{
    const struct classad_node *node;

    if (name.length > CLASSAD_TEXT_SIZE_MAX || expression.length > CLASSAD_TEXT_SIZE_MAX)
        return refuse_size(expression, ret_failure);
    node = classad_parse_expression(expression, spelling, &ad->store.arena, &ad->store.regexps,
                                    ret_failure);
    if (!node)
        return -EINVAL;
    set_node(ad, name, node);
    return 0;
}

static void set_value(struct classad *ad, const char *name, struct classad_value value)
{
    set_node(ad, slice_from_text(name), classad_node_literal(&ad->store.arena, value));
}

void classad_set_string(struct classad *ad, const char *name, struct slice value)
{
    struct slice copy = {arena_copy(&ad->store.arena, value), value.length};

    set_value(ad, name, value_string(copy));
}

void classad_set_integer(struct classad *ad, const char *name, int64_t value)
{
    set_value(ad, name, value_integer(value));
}

void classad_set_real(struct classad *ad, const char *name, double value)
{
    set_value(ad, name, value_real(value));
}

void classad_set_boolean(struct classad *ad, const char *name, bool value)
{
    set_value(ad, name, value_boolean(value));
}

void classad_remove(struct classad *ad, const char *name)
{
    struct name key = name_from_slice(slice_from_text(name));
    struct attributes *attributes = &ad->attributes;
    uint32_t at;

    if (!attributes_find(attributes, &key))
        return;
    at = *find_slot(attributes, &key) - 1;
    attributes->count--;
    memmove(&attributes->items[at], &attributes->items[at + 1],
            (attributes->count - at) * sizeof(*attributes->items));
    index_again(attributes);
}

/* "name = expression" */
static int read_line(struct classad *ad, struct slice line, struct classad_failure *ret_failure)
{
    const char *equals = memchr(line.data, '=', line.length);
    struct slice name;

    if (!equals) {
        *ret_failure = (struct classad_failure){line.data, "expected 'name = expression' here"};
        return -EINVAL;
    }
    name = slice_trim((struct slice){line.data, (size_t)(equals - line.data)});
    if (name.length == 0) {
        *ret_failure = (struct classad_failure){line.data, "expected a name here"};
        return -EINVAL;
    }
    if (memchr(name.data, '\0', name.length)) {
        *ret_failure = (struct classad_failure){line.data, "a name cannot hold a NUL character"};
        return -EINVAL;
    }
    return classad_set(ad, name, slice_trim(text_behind(line, (size_t)(equals + 1 - line.data))),
                       CLASSAD_OLD, ret_failure);
}

/* The next line that says something; false behind the last one. */
static bool take_line(struct slice *text, struct slice *ret_line)
{
    while (text->length > 0) {
        *ret_line = slice_trim(text_take(text, '\n'));
        if (ret_line->length > 0 && ret_line->data[0] != '#')
            return true;
    }
    return false;
}

int classad_read(struct classad *ad, struct slice text, enum classad_spelling spelling,
                 struct classad_failure *ret_failure)
{
    struct slice line;
    int r = 0;

    if (text.length > CLASSAD_TEXT_SIZE_MAX)
        return refuse_size(text, ret_failure);
    if (spelling == CLASSAD_NEW)
        return classad_parse_ad(text, &ad->store, &ad->attributes, ret_failure);
    while (r == 0 && take_line(&text, &line))
        r = read_line(ad, line, ret_failure);
    return r;
}

void classad_read_tolerantly(struct classad *ad, struct slice lines)
{
    struct classad_failure failure;
    struct slice line;

    while (take_line(&lines, &line))
        (void)read_line(ad, line, &failure);
}

void classad_print(const struct classad *ad, enum classad_spelling spelling, struct buffer *text)
{
    const struct attributes *attributes = &ad->attributes;

    if (spelling == CLASSAD_NEW) {
        attributes_print(attributes, spelling, text);
        return;
    }
    for (uint32_t i = 0; i < attributes->count; i++) {
        classad_name_print(attributes->items[i].name.text, text);
        buffer_append_text(text, " = ");
        classad_node_print(attributes->items[i].expression, spelling, text);
        buffer_append_character(text, '\n');
    }
}

size_t classad_count(const struct classad *ad)
{
    return ad->attributes.count;
}

struct slice classad_name(const struct classad *ad, size_t index)
{
    assert(index < ad->attributes.count);
    return ad->attributes.items[index].name.text;
}

const struct classad_node *classad_at(const struct classad *ad, size_t index)
{
    assert(index < ad->attributes.count);
    return ad->attributes.items[index].expression;
}

const struct classad_node *classad_get(const struct classad *ad, const char *name)
{
    struct name key = name_from_slice(slice_from_text(name));

    return attributes_find(&ad->attributes, &key);
}

const struct attributes *classad_attributes(const struct classad *ad)
{
    return &ad->attributes;
}
