/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What scripts print as attributes, as any bytes: nothing may crash, hang or leak; what was
 * understood is written so that it reads back to the same, and what two sets differ in makes one of
 * the other. A NUL divides the bytes into the two.
 */
#include "wire/attributes.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void assert_same(const struct attributes *left, const struct attributes *right)
{
    _cleanup_buffer_ struct buffer one = BUFFER_INIT, other = BUFFER_INIT;

    attributes_write(left, &one);
    attributes_write(right, &other);
    if (strcmp(buffer_text(&one), buffer_text(&other)) != 0 || left->size != one.length)
        abort();
}

static void read_back(const struct attributes *attributes)
{
    _cleanup_attributes_ struct attributes again = ATTRIBUTES_INIT;
    _cleanup_buffer_ struct buffer lines = BUFFER_INIT;

    attributes_write(attributes, &lines);
    if (attributes_read(&again, (struct slice){lines.data, lines.length}, NULL) < 0)
        abort();
    assert_same(&again, attributes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_attributes_ struct attributes from = ATTRIBUTES_INIT, to = ATTRIBUTES_INIT,
                                           changes = ATTRIBUTES_INIT;
    const char *text = (const char *)data, *nul = size > 0 ? memchr(text, '\0', size) : NULL;
    size_t length = nul ? (size_t)(nul - text) : size;

    /* What was read before a line that makes no sense is a set as well. */
    (void)attributes_read(&from, (struct slice){text, length}, NULL);
    if (nul)
        (void)attributes_read(&to, (struct slice){nul + 1, size - length - 1}, NULL);
    read_back(&from);
    attributes_compare(&from, &to, &changes);
    if (attributes_apply(&from, &changes, NULL) < 0)
        abort();
    assert_same(&from, &to);
    return 0;
}
