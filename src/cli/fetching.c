/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See fetching.h. First the list of all outputs, then one after the other; the modes of folders
 * come last, because one that may not be written could not be filled.
 */
#define _GNU_SOURCE
#include "fetching.h"

#include "base/memory.h"
#include "exit_code.h"
#include "sys/contained.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What one message names, far below what the server reads of one. */
enum { TASKS_TOLD_MAX = 10000 };

struct output {
    struct id task;
    uint64_t index; /* within its task */
    char *folder;   /* owned; the user's word: where it may go */
    char *name;     /* owned; perhaps a node's word: must stay in there */
    bool is_folder;
    uint64_t size;
    mode_t mode;
};

struct outputs {
    const struct fetching *fetching;
    struct output *items; /* owned */
    size_t count;
    size_t capacity;
    uint64_t *tasks; /* owned; of which the server keeps something, be it only what is skipped */
    size_t task_count;
    size_t task_capacity;
};

static void outputs_deinit(struct outputs *outputs)
{
    for (size_t i = 0; i < outputs->count; i++) {
        free(outputs->items[i].folder);
        free(outputs->items[i].name);
    }
    free(outputs->items);
    free(outputs->tasks);
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);

    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/*
 * Where an output goes. A path that ends in "/name" is a folder of the user's with the node's name
 * in it; any other was written as a whole by the user (output, error, a remap).
 */
static void place_output(const struct fetching *fetching, const char *path, const char *name,
                         const char *task, struct output *output)
{
    _cleanup_buffer_ struct buffer suffix = BUFFER_INIT;
    const char *slash = strrchr(path, '/');
    size_t folder_length;

    buffer_appendf(&suffix, "/%s", name);
    if (ends_with(path, suffix.data)) {
        folder_length = strlen(path) - suffix.length;
        output->name = memory_copy_string(name);
    } else {
        folder_length = slash ? (size_t)(slash - path) : 0;
        output->name = memory_copy_string(slash ? slash + 1 : path);
    }
    if (fetching->into)
        output->folder = file_join(fetching->into, task);
    else if (folder_length > 0)
        output->folder = memory_copy_bytes(path, folder_length);
    else
        output->folder = memory_copy_string(slash ? "/" : ".");
}

static bool is_skipped(const struct fetching *fetching, const char *path)
{
    const char *slash = strrchr(path, '/'), *prefix = fetching->skip_prefix;

    return prefix && strncmp(slash ? slash + 1 : path, prefix, strlen(prefix)) == 0;
}

static int take_output(void *userdata, const json_t *element, struct error *err)
{
    struct outputs *outputs = userdata;
    const char *task = json_member_text(element, "task", "");
    const char *name = json_member_text(element, "name", "");
    const char *path = json_member_text(element, "path", name);
    struct output output = {
        .is_folder = strcmp(json_member_text(element, "kind", ""), "folder") == 0,
        .index = json_member_number(element, "index"),
        .size = json_member_number(element, "size"),
        .mode = (mode_t)(json_member_number(element, "mode") & 0777),
    };

    if (id_parse(task, &output.task, NULL) < 0 || !output.task.has_task)
        return error_set(err, -EBADMSG, "the server names an output of the task '%s'", task);
    /* The outputs of a task stand together in the list. */
    if (outputs->task_count == 0 || outputs->tasks[outputs->task_count - 1] != output.task.task) {
        array_reserve(outputs->tasks, outputs->task_capacity, outputs->task_count + 1);
        outputs->tasks[outputs->task_count++] = output.task.task;
    }
    if (is_skipped(outputs->fetching, path))
        return 0;
    place_output(outputs->fetching, path, name, task, &output);
    array_reserve(outputs->items, outputs->capacity, outputs->count + 1);
    outputs->items[outputs->count++] = output;
    return 0;
}

struct destination {
    int fd;
    int result;
};

static int write_piece(void *userdata, const void *data, size_t length)
{
    struct destination *destination = userdata;

    destination->result = file_write_all(destination->fd, data, length);
    return destination->result;
}

void fetching_append_path(struct buffer *path, const struct id *task, uint64_t index)
{
    buffer_append_text(path, "/v1/tasks/");
    id_append(path, task);
    buffer_appendf(path, "/outputs/%" PRIu64, index);
}

/* An error of this computer's disk is told in place of the stream that broke off because of it. */
static int copy_output(const struct fetching *fetching, const struct output *output, int fd,
                       struct error *err)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    struct destination destination = {.fd = fd};
    int r;

    fetching_append_path(&path, &output->task, output->index);
    r = connection_stream(fetching->connection, path.data, write_piece, &destination, err);
    if (destination.result < 0)
        return error_set_errno(err, destination.result, "cannot write");
    return r;
}

/* The user's own folders have to be there; those below --into are made. */
static int open_folder(const struct output *output, const struct fetching *fetching,
                       struct error *err)
{
    int fd;

    if (fetching->into) {
        int r = file_make_folders(output->folder, 0777, err);

        if (r < 0)
            return r;
    }
    fd = open(output->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        return fd;
    error_set_errno(err, -errno, "cannot put '%s' into the folder '%s'", output->name,
                    output->folder);
    error_hint(err, "make the folder, or use 'dusk fetch --into FOLDER'");
    return -EIO;
}

/* Under its name only when it is complete, and never outside of its folder, whatever a node called
 * it. */
static int fetch_output(const struct fetching *fetching, const struct output *output,
                        struct error *err)
{
    _cleanup_contained_file_ struct contained_file file = CONTAINED_FILE_INIT;
    _cleanup_fd_ int folder = open_folder(output, fetching, err);
    int r;

    if (folder < 0)
        return folder;
    if (output->is_folder)
        return contained_make_folder(folder, output->name, output->mode | 0700, err);
    r = contained_file_begin(&file, folder, output->name, err);
    if (r < 0)
        return r;
    r = copy_output(fetching, output, file.fd, err);
    if (r < 0)
        return error_prefix(err, r, "cannot fetch '%s/%s'", output->folder, output->name);
    return contained_file_commit(&file, output->mode, false, err);
}

/* Last of all, from the innermost folder up: the server lists a folder before what is in it. */
static int finish_folders(const struct outputs *outputs, struct error *err)
{
    for (size_t i = outputs->count; i-- > 0;) {
        const struct output *output = &outputs->items[i];
        _cleanup_fd_ int folder = -1;
        int r;

        if (!output->is_folder || (output->mode & 0700) == 0700)
            continue;
        folder = open_folder(output, outputs->fetching, err);
        r = folder < 0 ? folder : contained_make_folder(folder, output->name, output->mode, err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Tells the server that these tasks' outputs arrived. */
static int tell_fetched(const struct fetching *fetching, json_t *tasks, struct error *err)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    _cleanup_json_ json_t *body = json_pack("{s:O}", "tasks", tasks);

    buffer_appendf(&path, "/v1/jobs/%" PRIu64 "/fetched", fetching->id.job);
    return connection_call(fetching->connection, "POST", path.data, body, NULL, err);
}

/* Names the tasks that were listed: others may have ended meanwhile, and nobody has theirs. */
static int empty_spool(const struct fetching *fetching, const struct outputs *outputs,
                       struct error *err)
{
    size_t begin = 0;
    int r = 0;

    while (r == 0 && begin < outputs->task_count) {
        _cleanup_json_ json_t *tasks = json_array();

        for (; begin < outputs->task_count && json_array_size(tasks) < TASKS_TOLD_MAX; begin++)
            json_array_append_new(tasks, json_integer((json_int_t)outputs->tasks[begin]));
        r = tell_fetched(fetching, tasks, err);
    }
    return r;
}

int fetching_run(const struct fetching *fetching, struct fetched *ret_fetched, struct error *err)
{
    _cleanup_(outputs_deinit) struct outputs outputs = {.fetching = fetching};
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    struct fetched fetched = {0};
    int r;

    buffer_appendf(&path, "/v1/jobs/%" PRIu64 "/outputs", fetching->id.job);
    id_append_task_query(&path, &fetching->id, '?');
    r = connection_walk(fetching->connection, path.data, take_output, &outputs, err);
    for (size_t i = 0; r == 0 && i < outputs.count; i++) {
        r = fetch_output(fetching, &outputs.items[i], err);
        if (r == 0 && !outputs.items[i].is_folder) {
            fetched.files++;
            fetched.bytes += outputs.items[i].size;
        }
    }
    if (r == 0)
        r = finish_folders(&outputs, err);
    if (r == 0 && !fetching->keep)
        r = empty_spool(fetching, &outputs, err);
    if (r == 0)
        *ret_fetched = fetched;
    return r;
}
