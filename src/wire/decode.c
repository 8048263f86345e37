/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON to structs, for bytes from outside: every member is asked for by name with its type, its
 * range is checked, and what is wrong is named. Unknown members are passed over, so that a later
 * version may add some.
 */
#include "wire_internal.h"

#include "base/memory.h"

#include <errno.h>
#include <string.h>

/* What is absent or of another type is false, as a later version may leave it out. */
static bool get_bool(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

/*
 * Bounded before anything is allocated for it, so that a frame cannot buy much more memory than it
 * has bytes.
 */
static int get_list(const json_t *object, const char *name, size_t max, const json_t **ret,
                    struct error *err)
{
    const json_t *member = json_object_get(object, name);

    if (!json_is_array(member) || json_array_size(member) > max)
        return wire_wrong(err, name, "a list of bounded length");
    *ret = member;
    return 0;
}

static int get_strings(const json_t *object, const char *name, struct wire_strings *ret,
                       struct error *err)
{
    const json_t *list = NULL;
    int r = get_list(object, name, WIRE_LIST_MAX, &list, err);

    if (r < 0)
        return r;
    ret->items = memory_allocate((json_array_size(list) + 1) * sizeof(*ret->items));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);

        if (!json_is_string(item) || strlen(json_string_value(item)) != json_string_length(item))
            return wire_wrong(err, name, "a list of texts");
        ret->items[ret->count++] = memory_copy_string(json_string_value(item));
    }
    return 0;
}

static int get_resources(const json_t *object, struct resources *ret, struct error *err)
{
    int r = wire_get_u32(object, "cpus", &ret->cpus, err);

    if (r == 0)
        r = wire_get_u64(object, "memory", &ret->memory, err);
    if (r == 0)
        r = wire_get_u64(object, "disk", &ret->disk, err);
    if (r == 0 && json_object_get(object, "gpus"))
        r = wire_get_u32(object, "gpus", &ret->gpus, err);
    return r;
}

static int get_reason(const json_t *object, const char *name, enum reason *ret, struct error *err)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text && reason_from_name(text, ret) ? 0 : wire_wrong(err, name, "a known reason");
}

static int get_hexadecimal(const json_t *object, const char *name, uint64_t *ret, struct error *err)
{
    const char *text = json_string_value(json_object_get(object, name));

    if (!text || strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
        return wire_wrong(err, name, "16 hexadecimal digits");
    *ret = strtoull(text, NULL, 16);
    return 0;
}

/*
 * An older agent has none. Where changes are told, null says that the attribute goes. Two names
 * that differ in case alone are one, and which of them counts is the sender's own fault.
 */
static int get_attributes(const json_t *object, bool are_changes, struct attributes *ret,
                          struct error *err)
{
    json_t *members = json_object_get(object, "attributes"), *value;
    const char *name;
    int r;

    if (!members)
        return 0;
    if (!json_is_object(members) || json_object_size(members) > 2 * (size_t)ATTRIBUTES_MAX)
        return wire_wrong(err, "attributes", "an object of bounded size");
    json_object_foreach(members, name, value)
    {
        if (!json_is_string(value) && !(are_changes && json_is_null(value)))
            return wire_wrong(err, "attributes", "an object of texts");
        if (are_changes)
            r = attributes_set_change(ret, name, json_string_value(value), err);
        else
            r = attributes_set(ret, name, json_string_value(value), err);
        if (r < 0)
            return error_prefix(err, -EPROTO, "'attributes'");
    }
    return 0;
}

/*
 * The facts are the node's own words about itself: handed on as they are to whoever lists nodes,
 * and never acted upon.
 */
static int decode_hello(const json_t *object, struct wire_hello *hello, struct error *err)
{
    const json_t *facts = json_object_get(object, "facts");
    int r = wire_get_u32(object, "protocol", &hello->protocol, err);

    if (r == 0)
        r = wire_get_text(object, "version", false, &hello->version, err);
    if (r == 0)
        r = get_hexadecimal(object, "machine", &hello->machine, err);
    if (r == 0)
        r = get_resources(object, &hello->capacity, err);
    if (r < 0)
        return r;
    if (!json_is_object(facts))
        return wire_wrong(err, "facts", "an object");
    hello->facts = json_dumps(facts, JSON_COMPACT);
    if (!hello->facts || strlen(hello->facts) > WIRE_FACTS_SIZE_MAX)
        return wire_wrong(err, "facts", "an object of bounded size");
    return get_attributes(object, false, &hello->attributes, err);
}

static int decode_welcome(const json_t *object, struct wire_welcome *welcome, struct error *err)
{
    int r = wire_get_u64(object, "session", &welcome->session, err);

    if (r == 0)
        r = wire_get_u64(object, "heartbeat_ms", &welcome->heartbeat_ms, err);
    if (r == 0)
        r = wire_get_u64(object, "lease_ms", &welcome->lease_ms, err);
    welcome->woken = get_bool(object, "woken");
    return r;
}

/* A name is checked by whoever makes a path of it (file_name_is_contained()); here it is a text. */
static int decode_output(const json_t *object, struct wire_output *output, struct error *err)
{
    unsigned int kind = 0;
    int r =
        wire_get_word(object, "kind", wire_output_kind_names, WIRE_OUTPUT_STDERR + 1, &kind, err);

    output->kind = kind;
    if (r == 0)
        r = wire_get_text(object, "name", false, &output->name, err);
    if (r == 0)
        r = wire_get_u64(object, "size", &output->size, err);
    if (r == 0)
        r = wire_get_u32(object, "mode", &output->mode, err);
    output->mode &= 07777;
    return r;
}

/* Counted up as they are filled, so that what is half read can be freed. */
static int decode_outputs(const json_t *object, const char *name, struct wire_output **outputs,
                          size_t *count, struct error *err)
{
    const json_t *list = NULL;
    int r = get_list(object, name, WIRE_LIST_MAX, &list, err);

    if (r < 0)
        return r;
    *outputs = memory_allocate((json_array_size(list) + 1) * sizeof(**outputs));
    for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
        r = decode_output(json_array_get(list, i), &(*outputs)[(*count)++], err);
    return r;
}

static int decode_checkpoint(const json_t *object, struct wire_checkpoint *checkpoint,
                             struct error *err)
{
    unsigned int kind = 0;
    int r = wire_get_u64(object, "number", &checkpoint->number, err);

    if (r == 0 && checkpoint->number == 0)
        r = wire_wrong(err, "number", "a number from 1 on");
    if (r == 0)
        r = wire_get_word(object, "kind", wire_checkpoint_kind_names, WIRE_CHECKPOINT_FILES + 1,
                          &kind, err);
    checkpoint->kind = kind;
    return r == 0
               ? decode_outputs(object, "files", &checkpoint->files, &checkpoint->file_count, err)
               : r;
}

static int decode_result(const json_t *object, struct wire_result *result, struct error *err)
{
    uint64_t code = 0, signal = 0;
    int r = 0;

    result->exit_code = -1;
    if (json_object_get(object, "exit_code")) {
        r = wire_get_number(object, "exit_code", 255, &code, err);
        result->exit_code = (int32_t)code;
    }
    if (r == 0 && json_object_get(object, "exit_signal"))
        r = wire_get_number(object, "exit_signal", 64, &signal, err);
    result->exit_signal = (int32_t)signal;
    if (r == 0)
        r = wire_get_u64(object, "cpu_us", &result->cpu_us, err);
    if (r == 0)
        r = wire_get_u64(object, "wall_us", &result->wall_us, err);
    if (r == 0)
        r = wire_get_u64(object, "memory_peak", &result->memory_peak, err);
    if (r == 0)
        r = wire_get_text(object, "detail", true, &result->detail, err);
    return r == 0 ? decode_outputs(object, "outputs", &result->outputs, &result->output_count, err)
                  : r;
}

static int decode_attempt(const json_t *object, struct wire_attempt *attempt, struct error *err)
{
    const char *state = json_string_value(json_object_get(object, "state"));
    const char *outcome = json_string_value(json_object_get(object, "outcome"));
    int r = wire_get_u64(object, "epoch", &attempt->epoch, err);

    if (r == 0)
        r = wire_get_u32(object, "job", &attempt->job, err);
    if (r == 0)
        r = wire_get_u32(object, "task", &attempt->task, err);
    if (r == 0)
        r = wire_get_u32(object, "attempt", &attempt->attempt, err);
    if (r == 0)
        r = get_reason(object, "reason", &attempt->reason, err);
    if (r < 0)
        return r;
    if (!state || !attempt_state_from_name(state, &attempt->state))
        return wire_wrong(err, "state", "an attempt's state");
    if (attempt->state != ATTEMPT_ENDED)
        return json_object_get(object, "checkpoint")
                   ? decode_checkpoint(json_object_get(object, "checkpoint"), &attempt->checkpoint,
                                       err)
                   : 0;
    if (!outcome || !outcome_from_name(outcome, &attempt->outcome) ||
        attempt->outcome == OUTCOME_NONE)
        return wire_wrong(err, "outcome", "an outcome");
    return decode_result(json_object_get(object, "result"), &attempt->result, err);
}

static int decode_source(const json_t *object, struct wire_source *source, struct error *err)
{
    int r = wire_get_text(object, "name", false, &source->name, err);

    if (r == 0)
        r = wire_get_text(object, "why_not", true, &source->why_not, err);
    if (r == 0 && (strlen(source->name) > WIRE_SOURCE_TEXT_MAX ||
                   (source->why_not && strlen(source->why_not) > WIRE_SOURCE_TEXT_MAX)))
        r = wire_wrong(err, "sources", "a list of short texts");
    source->was_used = r == 0 && json_object_get(object, "used_ms_ago");
    return source->was_used ? wire_get_u64(object, "used_ms_ago", &source->used_ms_ago, err) : r;
}

static int decode_owner(const json_t *object, struct wire_owner *owner, struct error *err)
{
    const char *reason = json_string_value(json_object_get(object, "reason"));
    const json_t *list = NULL;
    int r = get_list(object, "sources", WIRE_SOURCES_MAX, &list, err);

    if (r < 0)
        return r;
    /* A later version may know more reasons; that there is one is what counts. */
    if (reason && !owner_reason_from_name(reason, &owner->reason))
        owner->reason = OWNER_REASON_USED;
    owner->has_end = json_object_get(object, "end_ms");
    if (owner->has_end)
        r = wire_get_u64(object, "end_ms", &owner->end_ms, err);
    owner->sources = memory_allocate((json_array_size(list) + 1) * sizeof(*owner->sources));
    for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
        r = decode_source(json_array_get(list, i), &owner->sources[owner->source_count++], err);
    return r;
}

static int decode_report(const json_t *object, struct wire_report *report, struct error *err)
{
    const json_t *list = NULL;
    int r = wire_get_u64(object, "session", &report->session, err);

    if (r == 0)
        r = wire_get_u64(object, "sent_ms", &report->sent_ms, err);
    if (r == 0)
        r = wire_get_u64(object, "highest_epoch", &report->highest_epoch, err);
    if (r == 0)
        r = get_list(object, "attempts", WIRE_ATTEMPTS_MAX, &list, err);
    if (r < 0)
        return r;
    report->full = get_bool(object, "full");
    report->owner_present = get_bool(object, "owner_present");
    report->leaving = get_bool(object, "leaving");
    report->asleep = get_bool(object, "asleep");
    if (json_object_get(object, "lent_ms"))
        r = wire_get_u64(object, "lent_ms", &report->lent_ms, err);
    if (r == 0 && json_object_get(object, "owner"))
        r = decode_owner(json_object_get(object, "owner"), &report->owner, err);
    report->attempts = memory_allocate((json_array_size(list) + 1) * sizeof(*report->attempts));
    for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
        r = decode_attempt(json_array_get(list, i), &report->attempts[report->attempt_count++],
                           err);
    return r == 0 ? get_attributes(object, true, &report->changes, err) : r;
}

static int decode_file(const json_t *object, struct wire_file *file, struct error *err)
{
    int r = wire_get_text(object, "name", false, &file->name, err);

    if (r == 0)
        r = wire_get_text(object, "sha256", false, &file->sha256, err);
    if (r == 0)
        r = wire_get_u64(object, "size", &file->size, err);
    if (r == 0)
        r = wire_get_u32(object, "mode", &file->mode, err);
    file->mode &= 0777;
    file->saved = get_bool(object, "saved");
    return r;
}

static int decode_inputs(const json_t *object, struct wire_start *start, struct error *err)
{
    const json_t *list = NULL;
    int r = get_list(object, "inputs", WIRE_LIST_MAX, &list, err);

    if (r < 0)
        return r;
    start->inputs = memory_allocate((json_array_size(list) + 1) * sizeof(*start->inputs));
    for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
        r = decode_file(json_array_get(list, i), &start->inputs[start->input_count++], err);
    return r;
}

/* The fields that make a start a claim; the rest of the message says what to run. */
static int decode_claim(const json_t *object, struct wire_start *start, struct error *err)
{
    int r = wire_get_u64(object, "session", &start->session, err);

    if (r == 0)
        r = wire_get_u64(object, "epoch", &start->epoch, err);
    if (r == 0)
        r = wire_get_u32(object, "job", &start->job, err);
    if (r == 0)
        r = wire_get_u32(object, "task", &start->task, err);
    if (r == 0)
        r = wire_get_u32(object, "attempt", &start->attempt, err);
    if (r == 0)
        r = get_resources(object, &start->request, err);
    if (r == 0)
        r = wire_get_u64(object, "answers_ms", &start->answers_ms, err);
    if (r == 0)
        r = wire_get_u64(object, "lease_ms", &start->lease_ms, err);
    return r;
}

static int decode_saving(const json_t *object, struct wire_saving *saving, struct error *err)
{
    uint64_t code = 0, signal = 0;
    int r = 0;

    if (!object)
        return 0;
    saving->exit_code_given = json_object_get(object, "exit_code") != NULL;
    if (saving->exit_code_given)
        r = wire_get_number(object, "exit_code", 255, &code, err);
    saving->exit_code = (uint32_t)code;
    if (r == 0 && json_object_get(object, "exit_signal"))
        r = wire_get_number(object, "exit_signal", 64, &signal, err);
    saving->exit_signal = (uint32_t)signal;
    saving->to_leave = get_bool(object, "to_leave");
    saving->files_given = json_object_get(object, "files") != NULL;
    return r == 0 && saving->files_given ? get_strings(object, "files", &saving->files, err) : r;
}

/* How it saves itself and leaves. */
static int decode_leaving(const json_t *object, struct wire_start *start, struct error *err)
{
    uint64_t signal = 0;
    int r = decode_saving(json_object_get(object, "saving"), &start->saving, err);

    if (r == 0 && json_object_get(object, "checkpoint"))
        r = wire_get_u64(object, "checkpoint", &start->checkpoint, err);
    if (r == 0 && json_object_get(object, "kill_signal"))
        r = wire_get_number(object, "kill_signal", 64, &signal, err);
    start->kill_signal = (int32_t)signal;
    start->vacate_given = json_object_get(object, "vacate_ms") != NULL;
    return r == 0 && start->vacate_given ? wire_get_u64(object, "vacate_ms", &start->vacate_ms, err)
                                         : r;
}

/* Absent as from older servers, which know of no images. */
static int decode_image(const json_t *object, struct wire_image *image, struct error *err)
{
    _cleanup_free_ char *kind = NULL;
    int r;

    if (!object)
        return 0;
    r = wire_get_text(object, "sha256", false, &image->sha256, err);
    if (r == 0)
        r = wire_get_u64(object, "size", &image->size, err);
    if (r == 0)
        r = wire_get_text(object, "kind", false, &kind, err);
    if (r == 0 && !image_kind_from_name(kind, &image->kind))
        r = wire_wrong(err, "kind", "a known word");
    return r;
}

static int decode_start(const json_t *object, struct wire_start *start, struct error *err)
{
    int r = decode_claim(object, start, err);

    if (r == 0)
        r = wire_get_text(object, "user", false, &start->user, err);
    if (r == 0)
        r = wire_get_text(object, "program", false, &start->program, err);
    if (r == 0)
        r = get_strings(object, "arguments", &start->arguments, err);
    if (r == 0)
        r = get_strings(object, "environment", &start->environment, err);
    if (r == 0)
        r = decode_inputs(object, start, err);
    if (r == 0)
        r = wire_get_text(object, "stdin_name", true, &start->stdin_name, err);
    start->gpus_given = json_object_get(object, "gpus") != NULL;
    start->program_is_input = get_bool(object, "program_is_input");
    start->wants_network = get_bool(object, "wants_network");
    start->keep_stdout = get_bool(object, "keep_stdout");
    start->keep_stderr = get_bool(object, "keep_stderr");
    start->join_stderr = get_bool(object, "join_stderr");
    start->outputs_given = json_object_get(object, "outputs") != NULL;
    if (r == 0 && start->outputs_given)
        r = get_strings(object, "outputs", &start->outputs, err);
    if (r == 0)
        r = decode_leaving(object, start, err);
    if (r == 0)
        r = decode_image(json_object_get(object, "image"), &start->image, err);
    return r == 0 ? get_attributes(object, false, &start->attributes, err) : r;
}

static int decode_renew(const json_t *object, struct wire_renew *renew, struct error *err)
{
    int r = wire_get_u64(object, "session", &renew->session, err);

    if (r == 0)
        r = wire_get_u64(object, "epoch", &renew->epoch, err);
    if (r == 0)
        r = wire_get_u64(object, "answers_ms", &renew->answers_ms, err);
    if (r == 0)
        r = wire_get_u64(object, "lease_ms", &renew->lease_ms, err);
    return r;
}

static int decode_want(const json_t *object, struct wire_want *want, struct error *err)
{
    unsigned int kind = 0;
    int r = wire_get_u64(object, "stream", &want->stream, err);

    if (r == 0)
        r = wire_get_word(object, "of", wire_want_kind_names, WIRE_WANT_SAVED + 1, &kind, err);
    if (r < 0)
        return r;
    want->kind = kind;
    want->tail_of_stderr = get_bool(object, "stderr");
    want->follow = get_bool(object, "follow");
    switch (want->kind) {
    case WIRE_WANT_CONTENT:
        return wire_get_text(object, "sha256", false, &want->sha256, err);
    case WIRE_WANT_OUTPUT:
        r = wire_get_u64(object, "epoch", &want->epoch, err);
        return r == 0 ? wire_get_u32(object, "output", &want->output, err) : r;
    case WIRE_WANT_TAIL:
        r = wire_get_u64(object, "epoch", &want->epoch, err);
        return r == 0 ? wire_get_u64(object, "offset", &want->offset, err) : r;
    case WIRE_WANT_SAVED:
        r = wire_get_u64(object, "epoch", &want->epoch, err);
        if (r == 0)
            r = wire_get_u64(object, "checkpoint", &want->checkpoint, err);
        return r == 0 ? wire_get_u32(object, "output", &want->output, err) : r;
    }
    return wire_wrong(err, "of", "a known word");
}

static int decode_end(const json_t *object, struct wire_end *end, struct error *err)
{
    int r = wire_get_u64(object, "stream", &end->stream, err);

    if (r == 0)
        r = get_reason(object, "failure", &end->failure, err);
    if (r == 0)
        r = wire_get_text(object, "detail", true, &end->detail, err);
    return r;
}

static int decode_saved(const json_t *object, struct wire_saved *saved, struct error *err)
{
    int r = wire_get_u64(object, "epoch", &saved->epoch, err);

    if (r == 0)
        r = wire_get_u64(object, "checkpoint", &saved->checkpoint, err);
    return r == 0 ? get_reason(object, "failure", &saved->failure, err) : r;
}

static int decode_fields(const json_t *object, struct wire_message *message, struct error *err)
{
    switch (message->kind) {
    case WIRE_HELLO:
        return decode_hello(object, &message->hello, err);
    case WIRE_WELCOME:
        return decode_welcome(object, &message->welcome, err);
    case WIRE_REPORT:
        return decode_report(object, &message->report, err);
    case WIRE_START:
        return decode_start(object, &message->start, err);
    case WIRE_STOP:
    case WIRE_FORGET:
        return wire_get_u64(object, "epoch", &message->epoch, err);
    case WIRE_RENEW:
        return decode_renew(object, &message->renew, err);
    case WIRE_WANT:
        return decode_want(object, &message->want, err);
    case WIRE_END:
        return decode_end(object, &message->end, err);
    case WIRE_CANCEL:
        return wire_get_u64(object, "stream", &message->stream, err);
    case WIRE_SAVED:
        return decode_saved(object, &message->saved, err);
    case WIRE_WAKE:
        return wire_get_text(object, "card", false, &message->card, err);
    case WIRE_KIND_COUNT:
        break;
    }
    return error_set(err, -EPROTO, "a message without a kind");
}

int wire_decode_message(const json_t *object, struct wire_message *message, struct error *err)
{
    for (enum wire_kind kind = 0; kind < WIRE_KIND_COUNT; kind++) {
        const json_t *fields = json_object_get(object, wire_kind_names[kind]);

        if (!fields)
            continue;
        message->kind = kind;
        if (decode_fields(fields, message, err) < 0)
            return error_prefix(err, -EPROTO, "in '%s'", wire_kind_names[kind]);
        return 0;
    }
    return error_set(err, -EPROTO, "a message of no known kind");
}
