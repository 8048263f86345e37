/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See references.h. Where a reference ends follows HTCondor: an attribute's at the first ')', an
 * expression's at the first "])", so that it may hold parentheses.
 */
#include "references.h"
#include "text.h"

#include <errno.h>
#include <string.h>

struct reference {
    enum reference_kind kind;
    struct slice text;
    bool has_fallback;
    struct slice fallback;
    size_t length; /* of the whole, with "$$(" and ")" */
};

static size_t name_length(struct slice text)
{
    size_t length = 0;

    while (length < text.length && (text_is_of_name(text.data[length]) || text.data[length] == '.'))
        length++;
    return length;
}

/* At "$$([": up to the first "])". */
static bool read_expression(struct slice text, struct reference_horizon *horizon,
                            struct reference *reference)
{
    size_t start = strlen("$$([");

    for (size_t i = start; !horizon->no_expression_end && i + 1 < text.length; i++)
        if (text.data[i] == ']' && text.data[i + 1] == ')') {
            *reference = (struct reference){
                .kind = REFERENCE_EXPRESSION,
                .text = slice_trim((struct slice){text.data + start, i - start}),
                .length = i + 2,
            };
            return true;
        }
    horizon->no_expression_end = true;
    return false;
}

/* Whether a reference begins the text. */
static bool read_reference(struct slice text, struct reference_horizon *horizon,
                           struct reference *reference)
{
    struct slice body;
    const char *close;
    size_t name;

    if (text.length < 4 || memcmp(text.data, "$$(", 3) != 0)
        return false;
    if (text.data[3] == '[')
        return read_expression(text, horizon, reference);
    body = text_behind(text, 3);
    name = name_length(body);
    if (horizon->no_close || name == 0 || name == body.length ||
        (body.data[name] != ')' && body.data[name] != ':'))
        return false;
    close = memchr(body.data + name, ')', body.length - name);
    horizon->no_close = !close;
    if (!close)
        return false;
    body.length = (size_t)(close - body.data);
    *reference = (struct reference){
        .kind = REFERENCE_ATTRIBUTE,
        .text = {body.data, name},
        .has_fallback = name < body.length,
        .length = body.length + 4,
    };
    if (reference->has_fallback)
        reference->fallback = text_behind(body, name + 1);
    return true;
}

bool references_are_in(struct slice text)
{
    struct reference_horizon horizon = {0};
    struct reference reference;

    for (; text.length > 0; text = text_behind(text, 1))
        if (text.data[0] == '$' && read_reference(text, &horizon, &reference))
            return true;
    return false;
}

size_t references_measure(struct slice text, struct reference_horizon *horizon)
{
    struct reference reference;

    return read_reference(text, horizon, &reference) ? reference.length : 0;
}

static int append_reference(const struct reference *reference, reference_lookup *lookup,
                            void *user_data, struct buffer *expanded, struct error *err)
{
    size_t start = expanded->length;
    int r;

    if (reference->kind == REFERENCE_ATTRIBUTE &&
        slice_equals_ignoring_case(reference->text, "DOLLARDOLLAR")) {
        buffer_append_text(expanded, "$$");
        return 0;
    }
    r = lookup(user_data, reference->kind, reference->text, expanded, err);
    if (r <= 0)
        return r;
    expanded->length = start;
    if (reference->has_fallback) {
        buffer_append_slice(expanded, reference->fallback);
        return 0;
    }
    if (reference->kind == REFERENCE_EXPRESSION)
        return error_set(err, -EINVAL, "the expression $$([%.*s]) is undefined on this node",
                         (int)reference->text.length, reference->text.data);
    error_set(err, -EINVAL, "the node has no attribute '%.*s'", (int)reference->text.length,
              reference->text.data);
    error_hint(err, "give it a fallback as in $$(%.*s:value), or require the attribute",
               (int)reference->text.length, reference->text.data);
    return -EINVAL;
}

int references_expand(struct slice text, size_t size_max, reference_lookup *lookup, void *user_data,
                      struct buffer *expanded, struct error *err)
{
    size_t start = expanded->length;
    struct reference_horizon horizon = {0};

    while (text.length > 0) {
        struct reference reference = {.length = 1};
        int r = 0;

        if (text.data[0] == '$' && read_reference(text, &horizon, &reference))
            r = append_reference(&reference, lookup, user_data, expanded, err);
        else
            buffer_append_character(expanded, text.data[0]);
        if (r < 0)
            return r;
        if (expanded->length - start > size_max)
            return error_set(err, -E2BIG,
                             "with what the node says, a value is longer than %zu bytes", size_max);
        text = text_behind(text, reference.length);
    }
    return 0;
}
