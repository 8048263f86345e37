/* SPDX-License-Identifier: Apache-2.0 */
/* See collect.h. The outputs stay where they are; only their names and sizes are taken down. */
#define _GNU_SOURCE
#include "collect.h"

#include "base/json_write.h"
#include "base/memory.h"
#include "launch.h"
#include "limits.h"
#include "sys/descriptor.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* All names of one attempt together must fit into a frame with room for others. */
enum { NAMES_SIZE_MAX = 1024 * 1024 };

/* The two streams come on top. */
static_assert(SCRATCH_OUTPUTS_MAX + 2 <= WIRE_LIST_MAX,
              "no list of outputs is too long to be sent");

void collect_exit(struct attempt *attempt, const struct keeper_result *kept)
{
    struct wire_result *result = &attempt->result;

    result->exit_code = WIFEXITED(kept->wait_status) ? WEXITSTATUS(kept->wait_status) : -1;
    result->exit_signal = WIFSIGNALED(kept->wait_status) ? WTERMSIG(kept->wait_status) : 0;
    result->cpu_us = kept->user_us + kept->system_us;
    result->wall_us = kept->wall_us;
    result->memory_peak = kept->memory_peak_bytes;
    attempt->is_over_memory = kept->over_memory;
}

static struct wire_output *add_output(struct wire_result *result, enum wire_output_kind kind,
                                      char *name, uint64_t size, mode_t mode)
{
    struct wire_output *output = &result->outputs[result->output_count++];

    *output = (struct wire_output){.kind = kind, .name = name, .size = size, .mode = mode & 0777};
    return output;
}

/* A task may remove the file of its stream: it has written nothing then. */
static void add_stream(struct attempt *attempt, enum wire_output_kind kind, const char *name)
{
    _cleanup_fd_ int fd = scratch_open_output(attempt->scratch, name, NULL);
    struct stat status;

    if (fd >= 0 && fstat(fd, &status) == 0)
        add_output(&attempt->result, kind, memory_copy_string(name), (uint64_t)status.st_size,
                   status.st_mode);
}

/* Whether the list can travel; the culprit is named. */
static int check_outputs(const struct scratch_outputs *outputs, struct error *err)
{
    size_t size = 0;

    for (size_t i = 0; i < outputs->count; i++) {
        if (!json_text_is_valid(outputs->items[i].name)) {
            error_set(err, -EILSEQ, "the name of the output '%s' is no UTF-8",
                      outputs->items[i].name);
            error_hint(err, "give it another name, or pack it into an archive");
            return -EILSEQ;
        }
        size += strlen(outputs->items[i].name);
    }
    if (size <= NAMES_SIZE_MAX)
        return 0;
    error_set(err, -E2BIG, "it left %zu files", outputs->count);
    error_hint(err, "pack them into an archive");
    return -E2BIG;
}

/* Takes the names over: they are most of both lists, and there may be sixty thousand. */
static void add_outputs(struct wire_result *result, struct scratch_outputs *outputs)
{
    for (size_t i = 0; i < outputs->count; i++) {
        struct scratch_output *item = &outputs->items[i];

        add_output(result, item->kind == SCRATCH_FOLDER ? WIRE_OUTPUT_FOLDER : WIRE_OUTPUT_FILE,
                   take_pointer(item->name), item->size, item->mode);
    }
}

/* As HTCondor does it: what was named, or else whatever is new at the top level. */
static int list_outputs(struct attempt *attempt, struct scratch_outputs *outputs, struct error *err)
{
    static const char *const excluded[] = {LAUNCH_STDOUT, LAUNCH_STDERR};
    const struct wire_start *start = &attempt->start;

    if (start->outputs_given)
        return scratch_collect_listed(attempt->scratch, (const char *const *)start->outputs.items,
                                      start->outputs.count, outputs, err);
    return scratch_collect_changed(attempt->scratch, excluded, ARRAY_LENGTH(excluded), outputs,
                                   err);
}

enum reason collect_outputs(struct attempt *attempt)
{
    _cleanup_(scratch_outputs_deinit) struct scratch_outputs outputs = SCRATCH_OUTPUTS_INIT;
    _cleanup_error_ struct error err = ERROR_INIT;
    struct wire_result *result = &attempt->result;
    int r;

    if (attempt->is_over_memory) {
        limits_explain_memory(attempt);
        return REASON_OVER_MEMORY;
    }
    if (attempt->disk_bytes > limits_disk(&attempt->start)) {
        limits_explain_disk(attempt);
        return REASON_OVER_DISK;
    }
    r = list_outputs(attempt, &outputs, &err);
    if (r == 0)
        r = check_outputs(&outputs, &err);
    if (r < 0) {
        attempt_add_error(attempt, &err);
        return REASON_CANNOT_COLLECT_OUTPUT;
    }
    result->outputs = memory_allocate((outputs.count + 2) * sizeof(*result->outputs));
    add_outputs(result, &outputs);
    if (attempt->start.keep_stdout)
        add_stream(attempt, WIRE_OUTPUT_STDOUT, LAUNCH_STDOUT);
    if (attempt->start.keep_stderr && !attempt->start.join_stderr)
        add_stream(attempt, WIRE_OUTPUT_STDERR, LAUNCH_STDERR);
    return REASON_NONE;
}
