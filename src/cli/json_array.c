/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See json_array.h. jansson reads whole texts, and a list of a million tasks is not to be held as
 * one. So brackets are counted outside of strings, which is just enough to see where an element
 * ends, and each element is given to jansson alone. Whether it is right JSON, jansson says.
 */
#include "json_array.h"

#include "base/buffer.h"
#include "base/memory.h"

#include <errno.h>

#define ELEMENT_SIZE_MAX ((size_t)16 * 1024 * 1024)

struct json_array {
    int (*take)(void *userdata, const json_t *element, struct error *err);
    void *userdata;
    enum { BEFORE, INSIDE, IN_ELEMENT, BEHIND } place;
    size_t depth; /* of open brackets within the element */
    bool in_string;
    bool escaped; /* the character before was a backslash in a string */
    struct buffer element;
};

struct json_array *json_array_new(int (*take)(void *userdata, const json_t *element,
                                              struct error *err),
                                  void *userdata)
{
    struct json_array *array = memory_allocate(sizeof(*array));

    array->take = take;
    array->userdata = userdata;
    return array;
}

struct json_array *json_array_free(struct json_array *array)
{
    if (array)
        buffer_deinit(&array->element);
    free(array);
    return NULL;
}

static int refuse(struct error *err, const char *why)
{
    error_set(err, -EBADMSG, "cannot understand the server's answer: %s", why);
    error_hint(err, "compare 'dusk version' here and on the server");
    return -EBADMSG;
}

/* At the end of an element: reads it, and makes room for the next one. */
static int hand_on(struct json_array *array, struct error *err)
{
    json_error_t why;
    json_t *element = json_loadb(array->element.data, array->element.length, 0, &why);
    int r;

    if (!element)
        return refuse(err, why.text);
    r = array->take(array->userdata, element, err);
    json_decref(element);
    buffer_clear(&array->element);
    array->place = INSIDE;
    return r;
}

/* One character of an element; returns whether it was the last. */
static bool follow_element(struct json_array *array, char character)
{
    if (array->in_string) {
        if (array->escaped)
            array->escaped = false;
        else if (character == '\\')
            array->escaped = true;
        else if (character == '"')
            array->in_string = false;
        return false;
    }
    if (character == '"')
        array->in_string = true;
    else if (character == '{' || character == '[')
        array->depth++;
    else if (character == '}' || character == ']')
        array->depth--;
    return array->depth == 0;
}

/* One character between elements; returns false if it does not belong there. */
static bool follow_array(struct json_array *array, char character)
{
    if (character == ' ' || character == '\n' || character == '\r' || character == '\t')
        return true;
    if (array->place == BEFORE && character == '[') {
        array->place = INSIDE;
        return true;
    }
    if (array->place != INSIDE)
        return false;
    if (character == '{') {
        array->place = IN_ELEMENT;
        array->depth = 1;
    } else if (character == ']') {
        array->place = BEHIND;
    } else {
        return character == ',';
    }
    return true;
}

int json_array_feed(struct json_array *array, const void *data, size_t length, struct error *err)
{
    const char *text = data;
    size_t element_start = 0;

    for (size_t i = 0; i < length; i++) {
        int r;

        if (array->place != IN_ELEMENT) {
            if (!follow_array(array, text[i]))
                return refuse(err, "it is no array of objects");
            element_start = i;
            continue;
        }
        if (!follow_element(array, text[i]))
            continue;
        buffer_append(&array->element, text + element_start, i + 1 - element_start);
        r = hand_on(array, err);
        if (r < 0)
            return r;
    }
    if (array->place == IN_ELEMENT)
        buffer_append(&array->element, text + element_start, length - element_start);
    if (array->element.length > ELEMENT_SIZE_MAX)
        return refuse(err, "an element of it is too large");
    return 0;
}

int json_array_end(struct json_array *array, struct error *err)
{
    return array->place == BEHIND ? 0 : refuse(err, "it ends in the middle");
}
