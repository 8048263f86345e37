/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structs to JSON, written straight into the frame: starts and reports are what a busy pool spends
 * its time on. Members that have their usual value are left out.
 */
#include "wire_internal.h"

#include "base/json_write.h"

#include <stdio.h>
#include <string.h>

const char *const wire_kind_names[WIRE_KIND_COUNT] = {
    [WIRE_HELLO] = "hello",   [WIRE_WELCOME] = "welcome", [WIRE_REPORT] = "report",
    [WIRE_START] = "start",   [WIRE_STOP] = "stop",       [WIRE_FORGET] = "forget",
    [WIRE_RENEW] = "renew",   [WIRE_WANT] = "want",       [WIRE_END] = "end",
    [WIRE_CANCEL] = "cancel", [WIRE_WAKE] = "wake",       [WIRE_SAVED] = "saved"};

const char *const wire_output_kind_names[] = {
    [WIRE_OUTPUT_FILE] = "file",
    [WIRE_OUTPUT_FOLDER] = "folder",
    [WIRE_OUTPUT_STDOUT] = "stdout",
    [WIRE_OUTPUT_STDERR] = "stderr",
};

const char *const wire_want_kind_names[] = {[WIRE_WANT_CONTENT] = "content",
                                            [WIRE_WANT_OUTPUT] = "output",
                                            [WIRE_WANT_TAIL] = "tail",
                                            [WIRE_WANT_SAVED] = "saved"};

const char *const wire_checkpoint_kind_names[] = {[WIRE_CHECKPOINT_FILES] = "files"};

static void member_number(struct buffer *out, const char *name, uint64_t number)
{
    json_write_name(out, name);
    json_write_number(out, number);
}

/* What is not known is left out, and the reader takes it for absent. */
static void member_string(struct buffer *out, const char *name, const char *text)
{
    if (!text)
        return;
    json_write_name(out, name);
    json_write_text(out, text);
}

/* False is the usual value of all of them: absent. */
static void member_true(struct buffer *out, const char *name, bool value)
{
    if (!value)
        return;
    json_write_name(out, name);
    buffer_append_text(out, "true");
}

static void member_strings(struct buffer *out, const char *name, const struct wire_strings *strings)
{
    json_write_name(out, name);
    buffer_append_character(out, '[');
    for (size_t i = 0; i < strings->count; i++) {
        if (i > 0)
            buffer_append_character(out, ',');
        json_write_text(out, strings->items[i]);
    }
    buffer_append_character(out, ']');
}

static void member_resources(struct buffer *out, const struct resources *resources)
{
    member_number(out, "cpus", resources->cpus);
    member_number(out, "memory", resources->memory);
    member_number(out, "disk", resources->disk);
}

/* None is the usual case: absent. */
static void member_attributes(struct buffer *out, const struct attributes *attributes)
{
    if (attributes->count == 0)
        return;
    json_write_name(out, "attributes");
    buffer_append_character(out, '{');
    for (size_t i = 0; i < attributes->count; i++) {
        json_write_name(out, attributes->items[i].name);
        json_write_text(out, attributes->items[i].value);
    }
    buffer_append_character(out, '}');
}

static void member_outputs(struct buffer *out, const char *name, const struct wire_output *outputs,
                           size_t count)
{
    json_write_name(out, name);
    buffer_append_character(out, '[');
    for (size_t i = 0; i < count; i++) {
        buffer_append_text(out, i > 0 ? ",{" : "{");
        member_string(out, "kind", wire_output_kind_names[outputs[i].kind]);
        member_string(out, "name", outputs[i].name);
        member_number(out, "size", outputs[i].size);
        member_number(out, "mode", outputs[i].mode);
        buffer_append_character(out, '}');
    }
    buffer_append_character(out, ']');
}

static void encode_hello(struct buffer *out, const struct wire_hello *hello)
{
    member_number(out, "protocol", hello->protocol);
    member_string(out, "version", hello->version);
    /* Hexadecimal, because JSON readers cannot be trusted with 64 bits. */
    json_write_name(out, "machine");
    buffer_appendf(out, "\"%016llx\"", (unsigned long long)hello->machine);
    member_resources(out, &hello->capacity);
    if (hello->capacity.gpus > 0)
        member_number(out, "gpus", hello->capacity.gpus);
    json_write_name(out, "facts");
    buffer_append_text(out, hello->facts);
    member_attributes(out, &hello->attributes);
}

/*
 * A program ends by itself or by a signal, so one of the two is always absent; for a start that
 * failed both are.
 */
static void encode_result(struct buffer *out, const struct wire_result *result)
{
    json_write_name(out, "result");
    buffer_append_character(out, '{');
    if (result->exit_code >= 0)
        member_number(out, "exit_code", (uint64_t)result->exit_code);
    if (result->exit_signal > 0)
        member_number(out, "exit_signal", (uint64_t)result->exit_signal);
    member_number(out, "cpu_us", result->cpu_us);
    member_number(out, "wall_us", result->wall_us);
    member_number(out, "memory_peak", result->memory_peak);
    member_string(out, "detail", result->detail);
    member_outputs(out, "outputs", result->outputs, result->output_count);
    buffer_append_character(out, '}');
}

static void encode_checkpoint(struct buffer *out, const struct wire_checkpoint *checkpoint)
{
    json_write_name(out, "checkpoint");
    buffer_append_character(out, '{');
    member_number(out, "number", checkpoint->number);
    member_string(out, "kind", wire_checkpoint_kind_names[checkpoint->kind]);
    member_outputs(out, "files", checkpoint->files, checkpoint->file_count);
    buffer_append_character(out, '}');
}

/*
 * Only what has ended has an outcome; the rest of a report is as short as it can be, as it is said
 * again and again.
 */
static void encode_attempt(struct buffer *out, const struct wire_attempt *attempt)
{
    member_number(out, "epoch", attempt->epoch);
    member_number(out, "job", attempt->job);
    member_number(out, "task", attempt->task);
    member_number(out, "attempt", attempt->attempt);
    member_string(out, "state", attempt_state_name(attempt->state));
    member_string(out, "reason", reason_name(attempt->reason));
    if (attempt->checkpoint.number != 0)
        encode_checkpoint(out, &attempt->checkpoint);
    if (attempt->state != ATTEMPT_ENDED)
        return;
    member_string(out, "outcome", outcome_name(attempt->outcome));
    encode_result(out, &attempt->result);
}

static void encode_source(struct buffer *out, const struct wire_source *source)
{
    member_string(out, "name", source->name);
    member_string(out, "why_not", source->why_not);
    if (source->was_used)
        member_number(out, "used_ms_ago", source->used_ms_ago);
}

static void encode_owner(struct buffer *out, const struct wire_owner *owner)
{
    if (owner->reason != OWNER_REASON_NONE)
        member_string(out, "reason", owner_reason_name(owner->reason));
    if (owner->has_end)
        member_number(out, "end_ms", owner->end_ms);
    json_write_name(out, "sources");
    buffer_append_character(out, '[');
    for (size_t i = 0; i < owner->source_count; i++) {
        buffer_append_text(out, i > 0 ? ",{" : "{");
        encode_source(out, &owner->sources[i]);
        buffer_append_character(out, '}');
    }
    buffer_append_character(out, ']');
}

static bool owner_is_usual(const struct wire_owner *owner)
{
    return owner->reason == OWNER_REASON_NONE && owner->source_count == 0;
}

static void encode_report(struct buffer *out, const struct wire_report *report)
{
    member_number(out, "session", report->session);
    member_number(out, "sent_ms", report->sent_ms);
    member_number(out, "highest_epoch", report->highest_epoch);
    member_true(out, "full", report->full);
    member_true(out, "owner_present", report->owner_present);
    member_true(out, "leaving", report->leaving);
    member_true(out, "asleep", report->asleep);
    if (report->lent_ms > 0)
        member_number(out, "lent_ms", report->lent_ms);
    if (!owner_is_usual(&report->owner)) {
        json_write_name(out, "owner");
        buffer_append_character(out, '{');
        encode_owner(out, &report->owner);
        buffer_append_character(out, '}');
    }
    json_write_name(out, "attempts");
    buffer_append_character(out, '[');
    for (size_t i = 0; i < report->attempt_count; i++) {
        buffer_append_text(out, i > 0 ? ",{" : "{");
        encode_attempt(out, &report->attempts[i]);
        buffer_append_character(out, '}');
    }
    buffer_append_character(out, ']');
    member_attributes(out, &report->changes);
}

static void encode_inputs(struct buffer *out, const struct wire_start *start)
{
    json_write_name(out, "inputs");
    buffer_append_character(out, '[');
    for (size_t i = 0; i < start->input_count; i++) {
        const struct wire_file *file = &start->inputs[i];

        buffer_append_text(out, i > 0 ? ",{" : "{");
        member_string(out, "name", file->name);
        member_string(out, "sha256", file->sha256);
        member_number(out, "size", file->size);
        member_number(out, "mode", file->mode);
        member_true(out, "saved", file->saved);
        buffer_append_character(out, '}');
    }
    buffer_append_character(out, ']');
}

/* Most tasks do nothing of it. */
static void encode_saving(struct buffer *out, const struct wire_saving *saving)
{
    if (!saving->exit_code_given && saving->exit_signal == 0 && !saving->to_leave)
        return;
    json_write_name(out, "saving");
    buffer_append_character(out, '{');
    if (saving->exit_code_given)
        member_number(out, "exit_code", saving->exit_code);
    if (saving->exit_signal > 0)
        member_number(out, "exit_signal", saving->exit_signal);
    member_true(out, "to_leave", saving->to_leave);
    if (saving->files_given)
        member_strings(out, "files", &saving->files);
    buffer_append_character(out, '}');
}

static void encode_image(struct buffer *out, const struct wire_image *image)
{
    if (!image->sha256)
        return;
    json_write_name(out, "image");
    buffer_append_character(out, '{');
    member_string(out, "sha256", image->sha256);
    member_string(out, "kind", image_kind_name(image->kind));
    member_number(out, "size", image->size);
    buffer_append_character(out, '}');
}

/*
 * Everything that the node needs, at once: it must be able to run the task while the server is
 * away.
 */
static void encode_start(struct buffer *out, const struct wire_start *start)
{
    member_number(out, "session", start->session);
    member_number(out, "epoch", start->epoch);
    member_number(out, "job", start->job);
    member_number(out, "task", start->task);
    member_number(out, "attempt", start->attempt);
    member_resources(out, &start->request);
    /* None is said as well: from a task that asked for none the cards are hidden. */
    if (start->gpus_given)
        member_number(out, "gpus", start->request.gpus);
    member_number(out, "answers_ms", start->answers_ms);
    member_number(out, "lease_ms", start->lease_ms);
    member_string(out, "user", start->user);
    member_string(out, "program", start->program);
    member_true(out, "program_is_input", start->program_is_input);
    member_strings(out, "arguments", &start->arguments);
    member_strings(out, "environment", &start->environment);
    encode_inputs(out, start);
    member_string(out, "stdin_name", start->stdin_name);
    member_true(out, "wants_network", start->wants_network);
    member_true(out, "keep_stdout", start->keep_stdout);
    member_true(out, "keep_stderr", start->keep_stderr);
    member_true(out, "join_stderr", start->join_stderr);
    /* An empty list says that nothing shall come back; no list, that all that is new shall. */
    if (start->outputs_given)
        member_strings(out, "outputs", &start->outputs);
    member_attributes(out, &start->attributes);
    if (start->checkpoint > 0)
        member_number(out, "checkpoint", start->checkpoint);
    encode_saving(out, &start->saving);
    if (start->kill_signal > 0)
        member_number(out, "kill_signal", (uint64_t)start->kill_signal);
    if (start->vacate_given)
        member_number(out, "vacate_ms", start->vacate_ms);
    encode_image(out, &start->image);
}

static void encode_want(struct buffer *out, const struct wire_want *want)
{
    member_number(out, "stream", want->stream);
    member_string(out, "of", wire_want_kind_names[want->kind]);
    switch (want->kind) {
    case WIRE_WANT_CONTENT:
        member_string(out, "sha256", want->sha256);
        break;
    case WIRE_WANT_OUTPUT:
        member_number(out, "epoch", want->epoch);
        member_number(out, "output", want->output);
        break;
    case WIRE_WANT_TAIL:
        member_number(out, "epoch", want->epoch);
        member_true(out, "stderr", want->tail_of_stderr);
        member_true(out, "follow", want->follow);
        member_number(out, "offset", want->offset);
        break;
    case WIRE_WANT_SAVED:
        member_number(out, "epoch", want->epoch);
        member_number(out, "checkpoint", want->checkpoint);
        member_number(out, "output", want->output);
        break;
    }
}

static void encode_fields(struct buffer *out, const struct wire_message *message)
{
    switch (message->kind) {
    case WIRE_HELLO:
        encode_hello(out, &message->hello);
        break;
    case WIRE_WELCOME:
        member_number(out, "session", message->welcome.session);
        member_number(out, "heartbeat_ms", message->welcome.heartbeat_ms);
        member_number(out, "lease_ms", message->welcome.lease_ms);
        member_true(out, "woken", message->welcome.woken);
        break;
    case WIRE_REPORT:
        encode_report(out, &message->report);
        break;
    case WIRE_START:
        encode_start(out, &message->start);
        break;
    case WIRE_STOP:
    case WIRE_FORGET:
        member_number(out, "epoch", message->epoch);
        break;
    case WIRE_RENEW:
        member_number(out, "session", message->renew.session);
        member_number(out, "epoch", message->renew.epoch);
        member_number(out, "answers_ms", message->renew.answers_ms);
        member_number(out, "lease_ms", message->renew.lease_ms);
        break;
    case WIRE_WANT:
        encode_want(out, &message->want);
        break;
    case WIRE_END:
        member_number(out, "stream", message->end.stream);
        member_string(out, "failure", reason_name(message->end.failure));
        member_string(out, "detail", message->end.detail);
        break;
    case WIRE_CANCEL:
        member_number(out, "stream", message->stream);
        break;
    case WIRE_SAVED:
        member_number(out, "epoch", message->saved.epoch);
        member_number(out, "checkpoint", message->saved.checkpoint);
        member_string(out, "failure", reason_name(message->saved.failure));
        break;
    case WIRE_WAKE:
        member_string(out, "card", message->card);
        break;
    case WIRE_KIND_COUNT:
        abort();
    }
}

void wire_encode(struct buffer *frame, const struct wire_message *message)
{
    buffer_appendf(frame, "{\"%s\":{", wire_kind_names[message->kind]);
    encode_fields(frame, message);
    buffer_append_text(frame, "}}");
}
