/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of any bytes: nothing may crash, hang or leak, and what was understood, written out and
 * read once more must be written out the same.
 */
#include "wire/wire.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int encode_again(void *userdata, struct wire_message *message)
{
    wire_batch_append(userdata, message);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_batch once = {0}, twice = {0};

    if (wire_decode((struct slice){(const char *)data, size}, encode_again, &once, NULL) == 0 &&
        wire_batch_close(&once)) {
        if (wire_decode((struct slice){once.frame.data, once.frame.length}, encode_again, &twice,
                        NULL) != 0)
            abort();
        if (!wire_batch_close(&twice) || strcmp(once.frame.data, twice.frame.data) != 0)
            abort();
    }
    wire_batch_deinit(&once);
    wire_batch_deinit(&twice);
    return 0;
}
