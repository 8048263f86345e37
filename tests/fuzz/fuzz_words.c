/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small things that people and peers write: numbers, sizes, durations, addresses, and words
 * that are nearly right. What is stored is in the range that was promised.
 */
#include "base/address.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/spelling.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_numbers(struct slice text)
{
    uint64_t value;
    int64_t with_sign;
    double real;

    (void)number_parse_u64(text, &value);
    (void)number_parse_i64(text, &with_sign);
    (void)number_parse_size(text, 1024, &value);
    (void)number_parse_duration(text, &value);
    if (number_parse_double(text, &real) == 0 && !isfinite(real))
        abort();
}

static void read_address(const char *text)
{
    char *host = NULL;
    uint16_t port = 0;

    if (address_split(text, 7433, &host, &port, NULL) == 0 && (port == 0 || host[0] == '\0'))
        abort();
    free(host);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const words[] = {"cpus", "memory", "cache_size", "a"};
    _cleanup_free_ char *text = memory_copy_bytes(data, size);

    read_numbers((struct slice){text, size});
    read_address(text);
    (void)spelling_nearest(text, words, ARRAY_LENGTH(words));
    return 0;
}
