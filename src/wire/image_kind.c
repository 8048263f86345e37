/* SPDX-License-Identifier: Apache-2.0 */
/* See image.h. Apart from the manifests, because messages name kinds and have no hashes to check.
 */
#include "image.h"

#include <string.h>

static const char *const kind_names[IMAGE_KIND_COUNT] = {[IMAGE_TREE] = "tree",
                                                         [IMAGE_SQUASHFS] = "squashfs",
                                                         [IMAGE_EXT4] = "ext4",
                                                         [IMAGE_EROFS] = "erofs"};

const char *image_kind_name(enum image_kind kind)
{
    return kind_names[kind];
}

bool image_kind_from_name(const char *name, enum image_kind *ret_kind)
{
    for (enum image_kind kind = 0; kind < IMAGE_KIND_COUNT; kind++) {
        if (strcmp(name, kind_names[kind]) != 0)
            continue;
        *ret_kind = kind;
        return true;
    }
    return false;
}
