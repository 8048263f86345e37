/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of the server's, as any bytes in pieces of any size: nothing may crash, hang or leak, and
 * how it was cut changes nothing of what is understood.
 */
#include "cli/json_array.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int count_element(void *userdata, const json_t *element, struct error *err)
{
    size_t *count = userdata;

    (void)err;
    if (!json_is_object(element))
        abort();
    (*count)++;
    return 0;
}

/* The number of elements before the end or the first mistake. */
static size_t read_in_pieces(const uint8_t *data, size_t size, size_t piece)
{
    size_t count = 0;
    struct json_array *array = json_array_new(count_element, &count);
    int r = 0;

    for (size_t at = 0; r == 0 && at < size; at += piece)
        r = json_array_feed(array, data + at, size - at < piece ? size - at : piece, NULL);
    if (r == 0)
        (void)json_array_end(array, NULL);
    json_array_free(array);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t whole = read_in_pieces(data, size, size + 1);

    for (size_t piece = 1; piece <= 7; piece += 3)
        if (read_in_pieces(data, size, piece) != whole)
            abort();
    return 0;
}
