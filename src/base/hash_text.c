/* SPDX-License-Identifier: Apache-2.0 */
/* See hash_text.h. */
#include "hash_text.h"

#include <string.h>

bool hash_text_is_valid(const char *text)
{
    size_t length = 0;

    while (length < HASH_TEXT_SIZE && text[length] && strchr("0123456789abcdef", text[length]))
        length++;
    return length == HASH_TEXT_SIZE - 1 && text[length] == '\0';
}
