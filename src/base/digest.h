/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A 64-bit digest of a sequence of numbers and texts, to compare two states or two runs. Not
 * cryptographic. The order matters; whoever walks a set first puts it in order.
 */
#pragma once

#include <stdint.h>

struct digest {
    uint64_t value;
};

#define DIGEST_INIT ((struct digest){.value = 0xcbf29ce484222325ULL})

static inline void digest_add(struct digest *digest, uint64_t number)
{
    uint64_t z = (digest->value ^ number) * 0xff51afd7ed558ccdULL;

    digest->value = (z ^ (z >> 32)) + 0x9e3779b97f4a7c15ULL;
}

static inline void digest_add_text(struct digest *digest, const char *text)
{
    for (; *text; text++)
        digest_add(digest, (unsigned char)*text);
    digest_add(digest, 0);
}
