/* SPDX-License-Identifier: Apache-2.0 */
/* Members of JSON objects from outside, each with its type and its range; see wire_internal.h. */
#include "wire_internal.h"

#include "base/memory.h"

#include <errno.h>
#include <string.h>

/* The member is named and never what stood in it: it comes from outside, and may be long. */
int wire_wrong(struct error *err, const char *name, const char *expected)
{
    return error_set(err, -EPROTO, "'%s' is missing or not %s", name, expected);
}

int wire_get_number(const json_t *object, const char *name, uint64_t max, uint64_t *ret,
                    struct error *err)
{
    const json_t *member = json_object_get(object, name);
    json_int_t number = json_integer_value(member);

    if (!json_is_integer(member) || number < 0 || (uint64_t)number > max)
        return wire_wrong(err, name, "a number in its range");
    *ret = (uint64_t)number;
    return 0;
}

/* JSON's integers end there for jansson, and no honest number comes near. */
int wire_get_u64(const json_t *object, const char *name, uint64_t *ret, struct error *err)
{
    return wire_get_number(object, name, INT64_MAX, ret, err);
}

int wire_get_u32(const json_t *object, const char *name, uint32_t *ret, struct error *err)
{
    uint64_t number = 0;
    /* NONE stands for "no such thing" in the brains and can be no real number. */
    int r = wire_get_number(object, name, UINT32_MAX - 1, &number, err);

    if (r == 0)
        *ret = (uint32_t)number;
    return r;
}

/* A text of our own, or NULL where the member may be absent. Strings with NULs are no texts. */
int wire_get_text(const json_t *object, const char *name, bool optional, char **ret,
                  struct error *err)
{
    const json_t *member = json_object_get(object, name);

    if (!member && optional)
        return 0;
    if (!json_is_string(member) || strlen(json_string_value(member)) != json_string_length(member))
        return wire_wrong(err, name, "a text");
    *ret = memory_copy_string(json_string_value(member));
    return 0;
}

/* The place in the table is the enum's value. */
int wire_get_word(const json_t *object, const char *name, const char *const *words, size_t count,
                  unsigned int *ret, struct error *err)
{
    const char *text = json_string_value(json_object_get(object, name));

    for (unsigned int i = 0; text && i < count; i++)
        if (strcmp(text, words[i]) == 0) {
            *ret = i;
            return 0;
        }
    return wire_wrong(err, name, "a known word");
}
