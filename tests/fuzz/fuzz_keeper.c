/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper's messages under any bytes: nothing may crash, hang, leak or read beyond the frame,
 * and a message that can be read whole is written again as the same bytes.
 */
#include "base/buffer.h"
#include "runtime/keeper_message.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void assert_same(struct slice frame, const struct buffer *again)
{
    assert(again->length == frame.length);
    assert(memcmp(again->data, frame.data, frame.length) == 0);
}

/* Of such a hello only version and process are read; what follows them is not known to us. */
static bool is_of_another_version(const struct keeper_news *news)
{
    return news->type == KEEPER_NEWS_HELLO && news->version != KEEPER_VERSION;
}

static void try_frame(struct slice frame)
{
    struct keeper_request request;
    struct keeper_news news;

    if (keeper_message_decode_request(frame, &request) == 0) {
        _cleanup_buffer_ struct buffer again = BUFFER_INIT;

        if (keeper_message_encode_request(&request, &again) == 0)
            assert_same(frame, &again);
        keeper_request_deinit(&request);
    }
    if (keeper_message_decode_news(frame, &news) == 0 && !is_of_another_version(&news)) {
        _cleanup_buffer_ struct buffer again = BUFFER_INIT;

        if (keeper_message_encode_news(&news, &again) == 0)
            assert_same(frame, &again);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = {.data = (const char *)data, .length = size};
    size_t length = 0;

    while (keeper_message_find_frame(rest, &length) == 1) {
        try_frame((struct slice){.data = rest.data, .length = length});
        rest.data += length;
        rest.length -= length;
    }
    return 0;
}
