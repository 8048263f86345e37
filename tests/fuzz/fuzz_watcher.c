/* SPDX-License-Identifier: Apache-2.0 */
/* What a desktop's watcher may say, as any bytes: what is understood reads back to the same. */
#include "presence/watcher_line.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_buffer_ struct buffer once = BUFFER_INIT, twice = BUFFER_INIT;
    struct watcher_line line;

    if (!watcher_line_read((struct slice){(const char *)data, size}, &line))
        return 0;
    watcher_line_write(&once, &line);
    free(line.why);
    if (!watcher_line_read((struct slice){once.data, once.length - 1}, &line))
        abort();
    watcher_line_write(&twice, &line);
    free(line.why);
    if (strcmp(once.data, twice.data) != 0)
        abort();
    return 0;
}
