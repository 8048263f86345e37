/* SPDX-License-Identifier: Apache-2.0 */
/* Frames, pieces and what messages own; see wire.h. The fields are in encode.c and decode.c. */
#include "wire.h"

#include "wire_internal.h"

#include <errno.h>

void wire_strings_deinit(struct wire_strings *strings)
{
    for (size_t i = 0; i < strings->count; i++)
        free(strings->items[i]);
    free(strings->items);
    *strings = (struct wire_strings){0};
}

static void free_outputs(struct wire_output *outputs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(outputs[i].name);
    free(outputs);
}

void wire_checkpoint_deinit(struct wire_checkpoint *checkpoint)
{
    free_outputs(checkpoint->files, checkpoint->file_count);
    *checkpoint = (struct wire_checkpoint){0};
}

void wire_result_deinit(struct wire_result *result)
{
    free_outputs(result->outputs, result->output_count);
    free(result->detail);
    *result = (struct wire_result){0};
}

void wire_start_deinit(struct wire_start *start)
{
    for (size_t i = 0; i < start->input_count; i++) {
        free(start->inputs[i].name);
        free(start->inputs[i].sha256);
    }
    free(start->inputs);
    free(start->user);
    free(start->program);
    free(start->stdin_name);
    free(start->image.sha256);
    wire_strings_deinit(&start->arguments);
    wire_strings_deinit(&start->environment);
    wire_strings_deinit(&start->outputs);
    attributes_deinit(&start->attributes);
    wire_strings_deinit(&start->saving.files);
    *start = (struct wire_start){0};
}

void wire_owner_deinit(struct wire_owner *owner)
{
    for (size_t i = 0; i < owner->source_count; i++) {
        free(owner->sources[i].name);
        free(owner->sources[i].why_not);
    }
    free(owner->sources);
    *owner = (struct wire_owner){0};
}

static void report_deinit(struct wire_report *report)
{
    wire_owner_deinit(&report->owner);
    for (size_t i = 0; i < report->attempt_count; i++) {
        wire_result_deinit(&report->attempts[i].result);
        wire_checkpoint_deinit(&report->attempts[i].checkpoint);
    }
    free(report->attempts);
    attributes_deinit(&report->changes);
}

void wire_message_deinit(struct wire_message *message)
{
    switch (message->kind) {
    case WIRE_HELLO:
        free(message->hello.version);
        free(message->hello.facts);
        attributes_deinit(&message->hello.attributes);
        break;
    case WIRE_REPORT:
        report_deinit(&message->report);
        break;
    case WIRE_START:
        wire_start_deinit(&message->start);
        break;
    case WIRE_WANT:
        free(message->want.sha256);
        break;
    case WIRE_END:
        free(message->end.detail);
        break;
    case WIRE_WAKE:
        free(message->card);
        break;
    case WIRE_WELCOME:
    case WIRE_STOP:
    case WIRE_FORGET:
    case WIRE_RENEW:
    case WIRE_CANCEL:
    case WIRE_SAVED:
    case WIRE_KIND_COUNT:
        break;
    }
    *message = (struct wire_message){.kind = message->kind};
}

void wire_batch_append(struct wire_batch *batch, const struct wire_message *message)
{
    buffer_append_character(&batch->frame, batch->frame.length == 0 ? '[' : ',');
    wire_encode(&batch->frame, message);
}

bool wire_batch_close(struct wire_batch *batch)
{
    if (batch->frame.length == 0)
        return false;
    buffer_append_character(&batch->frame, ']');
    return true;
}

void wire_batch_clear(struct wire_batch *batch)
{
    buffer_clear(&batch->frame);
}

void wire_batch_deinit(struct wire_batch *batch)
{
    buffer_deinit(&batch->frame);
}

int wire_decode(struct slice frame, int (*callback)(void *userdata, struct wire_message *message),
                void *userdata, struct error *err)
{
    json_error_t json_error;
    json_t *array = json_loadb(frame.data, frame.length, JSON_REJECT_DUPLICATES, &json_error);
    int r = 0;

    if (!array)
        return error_set(err, -EPROTO, "the frame is not JSON: %s", json_error.text);
    if (!json_is_array(array))
        r = error_set(err, -EPROTO, "the frame is not an array of messages");
    for (size_t i = 0; r == 0 && i < json_array_size(array); i++) {
        struct wire_message message = {0};

        r = wire_decode_message(json_array_get(array, i), &message, err);
        if (r == 0)
            r = callback(userdata, &message);
        wire_message_deinit(&message);
    }
    json_decref(array);
    return r;
}

void wire_piece_begin(struct buffer *frame, uint64_t stream)
{
    for (int shift = 56; shift >= 0; shift -= 8)
        buffer_append_character(frame, (char)(stream >> shift));
}

bool wire_piece_read(const void *data, size_t length, uint64_t *ret_stream, struct slice *ret_bytes)
{
    const unsigned char *bytes = data;
    uint64_t stream = 0;

    if (length < WIRE_PIECE_HEADER_SIZE)
        return false;
    for (size_t i = 0; i < WIRE_PIECE_HEADER_SIZE; i++)
        stream = stream << 8 | bytes[i];
    *ret_stream = stream;
    *ret_bytes = (struct slice){.data = (const char *)data + WIRE_PIECE_HEADER_SIZE,
                                .length = length - WIRE_PIECE_HEADER_SIZE};
    return true;
}
