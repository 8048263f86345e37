/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4, by OpenSSL) as 64 lower-case hexadecimal digits: how content is named. */
#pragma once

#include "base/error.h"
#include "base/hash_text.h"

#include <stdint.h>

struct hash; /* one running computation */

struct hash *hash_new(void);
void hash_add(struct hash *hash, const void *data, size_t length);
/* Writes the digest and frees the computation. */
void hash_finish(struct hash *hash, char ret_text[HASH_TEXT_SIZE]);
/* For computations that are given up; accepts NULL, returns NULL. */
struct hash *hash_free(struct hash *hash);

void hash_bytes(const void *data, size_t length, char ret_text[HASH_TEXT_SIZE]);
/* Reads the open file from its start to its end; *ret_size is the number of bytes read. */
int hash_file(int fd, char ret_text[HASH_TEXT_SIZE], uint64_t *ret_size, struct error *err);
