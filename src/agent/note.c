/* SPDX-License-Identifier: Apache-2.0 */
/* See note.h. */
#include "note.h"

#include "lang/text.h"
#include "limits.h"
#include "runtime/keeper_message.h"

#include <errno.h>

int note_write(const struct wire_start *start, const char *gpus, struct buffer *note,
               struct error *err)
{
    struct wire_message message = {.kind = WIRE_START, .start = *start};
    struct wire_batch batch = {.frame = *note};
    struct wire_file inputs = {
        .name = (char *)"inputs", .sha256 = (char *)"", .size = limits_input_size(start)};

    message.start.arguments = (struct wire_strings){0};
    message.start.environment = (struct wire_strings){0};
    message.start.inputs = &inputs;
    message.start.input_count = 1;
    message.start.stdin_name = NULL;
    wire_batch_append(&batch, &message);
    wire_batch_close(&batch);
    *note = batch.frame;
    if (gpus)
        buffer_appendf(note, "\n%s", gpus);
    if (note->length <= KEEPER_NOTE_SIZE_MAX)
        return 0;
    error_set(err, -E2BIG, "the list of its outputs is longer than %d bytes", KEEPER_NOTE_SIZE_MAX);
    error_hint(err, "name a folder instead of the files in it");
    return -E2BIG;
}

static int take_start(void *userdata, struct wire_message *message)
{
    struct wire_start *start = userdata;

    if (message->kind != WIRE_START || start->epoch != 0)
        return -EPROTO;
    *start = message->start;
    message->start = (struct wire_start){0};
    return 0;
}

int note_read(struct slice note, struct wire_start *ret_start, char **ret_gpus, struct error *err)
{
    struct wire_start start = {0};
    struct slice message = text_take(&note, '\n');
    int r = wire_decode(message, take_start, &start, err);

    if (r == 0 && start.epoch == 0)
        r = error_set(err, -EPROTO, "the note is empty");
    if (r < 0) {
        wire_start_deinit(&start);
        return r;
    }
    *ret_start = start;
    *ret_gpus = note.length > 0 ? slice_copy(note) : NULL;
    return 0;
}
