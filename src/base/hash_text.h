/* SPDX-License-Identifier: Apache-2.0 */
/* A SHA-256 as text: 64 lower-case hexadecimal digits. sys/hash.h computes it. */
#pragma once

#include <stdbool.h>

enum { HASH_TEXT_SIZE = 65 }; /* with the NUL */

/* Whether a text from outside is such a one. */
bool hash_text_is_valid(const char *text);
