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

/* With the inputs of any task they are to fit into a start; the server takes no more. */
enum { CHECKPOINT_FILES_MAX = WIRE_LIST_MAX / 2 - 2 };

/* The two streams come on top. */
static_assert(SCRATCH_OUTPUTS_MAX + 2 <= WIRE_LIST_MAX,
              "no list of outputs is too long to be sent");

void collect_exit(struct attempt *attempt, const struct keeper_result *kept)
{
    struct wire_result *result = &attempt->result;

    result->exit_code = WIFEXITED(kept->wait_status) ? WEXITSTATUS(kept->wait_status) : -1;
    result->exit_signal = WIFSIGNALED(kept->wait_status) ? WTERMSIG(kept->wait_status) : 0;
    /* A program that saves itself runs several times in one attempt. */
    result->cpu_us += kept->user_us + kept->system_us;
    result->wall_us += kept->wall_us;
    if (kept->memory_peak_bytes > result->memory_peak)
        result->memory_peak = kept->memory_peak_bytes;
    attempt->is_over_memory = kept->over_memory;
    attempt->over_processes = kept->refused_processes;
}

/* Files and streams of an attempt, as they are said to the server. */
struct listing {
    struct wire_output *items; /* owned; room for the streams is made beforehand */
    size_t count;
};

static void add_output(struct listing *listing, enum wire_output_kind kind, char *name,
                       uint64_t size, mode_t mode)
{
    listing->items[listing->count++] =
        (struct wire_output){.kind = kind, .name = name, .size = size, .mode = mode & 0777};
}

/* A task may remove the file of its stream: it has written nothing then. */
static void add_stream(const struct attempt *attempt, struct listing *listing,
                       enum wire_output_kind kind, const char *name)
{
    _cleanup_fd_ int fd = scratch_open_output(attempt->scratch, name, NULL);
    struct stat status;

    if (fd >= 0 && fstat(fd, &status) == 0)
        add_output(listing, kind, memory_copy_string(name), (uint64_t)status.st_size,
                   status.st_mode);
}

static void add_streams(const struct attempt *attempt, struct listing *listing)
{
    if (attempt->start.keep_stdout)
        add_stream(attempt, listing, WIRE_OUTPUT_STDOUT, LAUNCH_STDOUT);
    if (attempt->start.keep_stderr && !attempt->start.join_stderr)
        add_stream(attempt, listing, WIRE_OUTPUT_STDERR, LAUNCH_STDERR);
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
static struct listing take_outputs(struct scratch_outputs *outputs)
{
    struct listing listing = {.items =
                                  memory_allocate((outputs->count + 2) * sizeof(*listing.items))};

    for (size_t i = 0; i < outputs->count; i++) {
        struct scratch_output *item = &outputs->items[i];

        add_output(&listing, item->kind == SCRATCH_FOLDER ? WIRE_OUTPUT_FOLDER : WIRE_OUTPUT_FILE,
                   take_pointer(item->name), item->size, item->mode);
    }
    return listing;
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

/* What it was held to, and has used more of. */
static enum reason check_limits(struct attempt *attempt)
{
    if (attempt->is_over_memory) {
        limits_explain_memory(attempt);
        return REASON_OVER_MEMORY;
    }
    if (attempt->disk_bytes > limits_disk(&attempt->start)) {
        limits_explain_disk(attempt);
        return REASON_OVER_DISK;
    }
    if (attempt->over_processes > 0) {
        limits_explain_processes(attempt);
        return REASON_OVER_PROCESSES;
    }
    return REASON_NONE;
}

enum reason collect_outputs(struct attempt *attempt)
{
    _cleanup_(scratch_outputs_deinit) struct scratch_outputs outputs = SCRATCH_OUTPUTS_INIT;
    _cleanup_error_ struct error err = ERROR_INIT;
    enum reason failure = check_limits(attempt);
    struct listing listing;
    int r;

    if (failure != REASON_NONE)
        return failure;
    r = list_outputs(attempt, &outputs, &err);
    if (r == 0)
        r = check_outputs(&outputs, &err);
    if (r < 0) {
        attempt_add_error(attempt, &err);
        return REASON_CANNOT_COLLECT_OUTPUT;
    }
    listing = take_outputs(&outputs);
    add_streams(attempt, &listing);
    attempt->result.outputs = listing.items;
    attempt->result.output_count = listing.count;
    return REASON_NONE;
}

static int list_checkpoint(struct attempt *attempt, struct scratch_outputs *outputs,
                           struct error *err)
{
    const struct wire_saving *saving = &attempt->start.saving;
    int r;

    if (saving->files_given)
        r = scratch_collect_listed(attempt->scratch, (const char *const *)saving->files.items,
                                   saving->files.count, outputs, err);
    else
        r = list_outputs(attempt, outputs, err);
    if (r == 0)
        r = check_outputs(outputs, err);
    if (r < 0 || outputs->count <= CHECKPOINT_FILES_MAX)
        return r;
    error_set(err, -E2BIG, "it has %zu files, more than %d", outputs->count, CHECKPOINT_FILES_MAX);
    error_hint(err, "name its files in transfer_checkpoint_files, or pack them into an archive");
    return -E2BIG;
}

enum reason collect_checkpoint(struct attempt *attempt)
{
    _cleanup_(scratch_outputs_deinit) struct scratch_outputs outputs = SCRATCH_OUTPUTS_INIT;
    _cleanup_error_ struct error err = ERROR_INIT;
    enum reason failure = check_limits(attempt);
    struct listing listing;

    if (failure != REASON_NONE)
        return failure;
    if (list_checkpoint(attempt, &outputs, &err) < 0) {
        attempt_add_error(attempt, &err);
        return REASON_CANNOT_SAVE;
    }
    listing = take_outputs(&outputs);
    add_streams(attempt, &listing);
    wire_checkpoint_deinit(&attempt->checkpoint);
    attempt->checkpoint = (struct wire_checkpoint){.number = attempt->saving,
                                                   .kind = WIRE_CHECKPOINT_FILES,
                                                   .files = listing.items,
                                                   .file_count = listing.count};
    return REASON_NONE;
}
