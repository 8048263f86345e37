/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON of OCI images, as any bytes: nothing may crash, hang or leak, and what is taken for the
 * name of a part is one.
 */
#include "cli/image_index.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_image_index_ struct image_index index = IMAGE_INDEX_INIT;
    int r = image_index_read((struct slice){(const char *)data, size}, "amd64", &index, NULL);

    if (index.count > IMAGE_LAYERS_MAX || (r == 0 && !index.is_manifest && index.count != 1))
        abort();
    for (size_t i = 0; i < index.count; i++)
        if (strspn(index.digests[i], "0123456789abcdef") != IMAGE_DIGEST_SIZE - 1)
            abort();
    return 0;
}
