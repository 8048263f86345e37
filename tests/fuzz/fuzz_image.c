/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests of images and trees of files, as any bytes: nothing may crash, hang or leak, and what
 * is taken is written out as just the bytes that were read.
 */
#include "wire/image.h"
#include "wire/image_tree.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_manifest(struct slice text)
{
    _cleanup_image_manifest_ struct image_manifest manifest = IMAGE_MANIFEST_INIT;
    _cleanup_buffer_ struct buffer again = BUFFER_INIT;

    if (image_manifest_read(text, &manifest, NULL) < 0)
        return;
    image_manifest_write(&manifest, &again);
    if (again.length != text.length || memcmp(again.data, text.data, text.length) != 0)
        abort();
}

/* Contents are passed over, so that a short input may have large ones. */
static void read_tree(struct slice bytes)
{
    _cleanup_image_entry_ struct image_entry before = IMAGE_ENTRY_INIT;
    struct image_entry entry = IMAGE_ENTRY_INIT;
    size_t length;

    while (image_entry_read(bytes, &entry, &length, NULL) == 0) {
        _cleanup_buffer_ struct buffer again = BUFFER_INIT;

        image_entry_append(&again, &entry);
        if (again.length != length || memcmp(again.data, bytes.data, length) != 0)
            abort();
        (void)image_entry_check_order(before.path ? &before : NULL, &entry, NULL);
        image_entry_deinit(&before);
        before = entry;
        entry = IMAGE_ENTRY_INIT;
        bytes = (struct slice){bytes.data + length, bytes.length - length};
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = {(const char *)data, size};

    read_manifest(bytes);
    read_tree(bytes);
    return 0;
}
