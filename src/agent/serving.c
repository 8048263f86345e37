/* SPDX-License-Identifier: Apache-2.0 */
/* See serving.h. */
#include "serving.h"

#include "body.h"
#include "launch.h"

#include <errno.h>

static int open_output(const struct attempt *attempt, const struct wire_want *want,
                       uint64_t *ret_size, struct error *err)
{
    const struct wire_output *output;
    int fd;

    if (want->output >= attempt->result.output_count)
        return error_set(err, -ENOENT, "the attempt has no output %u", want->output);
    output = &attempt->result.outputs[want->output];
    if (output->kind == WIRE_OUTPUT_FOLDER)
        return error_set(err, -EISDIR, "'%s' is a folder", output->name);
    fd = scratch_open_output(attempt->scratch, output->name, err);
    if (fd >= 0)
        *ret_size = output->size;
    return fd;
}

/* What the server has asked for is the checkpoint that was reported, and no later one. */
static int open_saved(const struct attempt *attempt, const struct wire_want *want,
                      uint64_t *ret_size, struct error *err)
{
    const struct wire_checkpoint *checkpoint = &attempt->checkpoint;
    int fd;

    if (want->checkpoint != checkpoint->number || want->output >= checkpoint->file_count)
        return error_set(err, -ENOENT, "the attempt has no file %u of checkpoint %llu",
                         want->output, (unsigned long long)want->checkpoint);
    fd = scratch_open_output(attempt->scratch, checkpoint->files[want->output].name, err);
    if (fd >= 0)
        *ret_size = checkpoint->files[want->output].size;
    return fd;
}

/* The file appears when the attempt starts. */
static int open_tail(const struct attempt *attempt, const struct wire_want *want,
                     uint64_t *ret_size, struct error *err)
{
    const struct wire_start *start = &attempt->start;
    bool of_stderr = want->tail_of_stderr && !start->join_stderr;
    int fd;

    if (of_stderr ? !start->keep_stderr : !start->keep_stdout)
        return error_set(err, -ENOENT, "its %s is not kept: the submit file names no file for it",
                         of_stderr ? "standard error" : "standard output");
    if (!attempt->scratch)
        return -EAGAIN;
    fd = scratch_open_output(attempt->scratch, of_stderr ? LAUNCH_STDERR : LAUNCH_STDOUT, err);
    if (fd == -ENOENT) {
        error_clear(err);
        return -EAGAIN;
    }
    if (fd >= 0)
        *ret_size = UINT64_MAX;
    return fd;
}

static int open_wanted(void *userdata, const struct wire_want *want, uint64_t *ret_size,
                       struct error *err)
{
    struct body *body = userdata;
    const struct attempt *attempt = attempts_find(&body->attempts, want->epoch);

    if (!attempt)
        return error_set(err, -ENOENT, "this node does not have the attempt");
    switch (want->kind) {
    case WIRE_WANT_TAIL:
        return open_tail(attempt, want, ret_size, err);
    case WIRE_WANT_OUTPUT:
        return open_output(attempt, want, ret_size, err);
    case WIRE_WANT_SAVED:
        return open_saved(attempt, want, ret_size, err);
    case WIRE_WANT_CONTENT:
        break;
    }
    return error_set(err, -ENOENT, "a node has no contents for others");
}

static bool is_over(void *userdata, const struct wire_want *want)
{
    struct body *body = userdata;

    for (size_t i = 0; i < agent_count_attempts(body->brain); i++) {
        struct agent_attempt_view view = agent_view_attempt(body->brain, i);

        if (view.epoch == want->epoch)
            return view.phase >= AGENT_COLLECTING;
    }
    return true;
}

static bool has_room(void *userdata)
{
    struct body *body = userdata;

    return uplink_has_room(&body->uplink);
}

static void send_piece(void *userdata, const void *data, size_t length)
{
    struct body *body = userdata;

    /* A link that does not take it closes, and its streams with it. */
    (void)link_send_binary(body->uplink.link, data, length);
}

static void end_stream(void *userdata, const struct wire_end *end)
{
    struct wire_message message = {.kind = WIRE_END, .end = *end};

    body_say(userdata, &message);
}

struct outgoing_world serving_world(struct body *body)
{
    return (struct outgoing_world){.open = open_wanted,
                                   .is_over = is_over,
                                   .has_room = has_room,
                                   .send = send_piece,
                                   .end = end_stream,
                                   .userdata = body};
}
