/* SPDX-License-Identifier: Apache-2.0 */
/* See hash.h. */
#include "hash.h"

#include "base/memory.h"

#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { READ_CHUNK = 256 * 1024 };

struct hash {
    EVP_MD_CTX *context;
};

struct hash *hash_new(void)
{
    struct hash *hash = memory_allocate(sizeof(*hash));

    hash->context = EVP_MD_CTX_new();
    if (!hash->context || EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL) != 1)
        abort();
    return hash;
}

void hash_add(struct hash *hash, const void *data, size_t length)
{
    if (EVP_DigestUpdate(hash->context, data, length) != 1)
        abort();
}

void hash_finish(struct hash *hash, char ret_text[HASH_TEXT_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length;

    if (EVP_DigestFinal_ex(hash->context, digest, &length) != 1)
        abort();
    assert(length * 2 + 1 == HASH_TEXT_SIZE);
    for (unsigned int i = 0; i < length; i++)
        snprintf(ret_text + 2 * i, 3, "%02x", digest[i]);
    hash_free(hash);
}

struct hash *hash_free(struct hash *hash)
{
    if (hash)
        EVP_MD_CTX_free(hash->context);
    free(hash);
    return NULL;
}

void hash_bytes(const void *data, size_t length, char ret_text[HASH_TEXT_SIZE])
{
    struct hash *hash = hash_new();

    hash_add(hash, data, length);
    hash_finish(hash, ret_text);
}

int hash_file(int fd, char ret_text[HASH_TEXT_SIZE], uint64_t *ret_size, struct error *err)
{
    _cleanup_free_ char *chunk = memory_resize(NULL, READ_CHUNK, 1);
    struct hash *hash = hash_new();
    uint64_t size = 0;

    for (;;) {
        ssize_t n = pread(fd, chunk, READ_CHUNK, (off_t)size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            hash_free(hash);
            return error_set_errno(err, -errno, "cannot read a file");
        }
        if (n == 0)
            break;
        hash_add(hash, chunk, (size_t)n);
        size += (uint64_t)n;
    }
    hash_finish(hash, ret_text);
    *ret_size = size;
    return 0;
}
