/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See inputs.h. Every file that a task names is opened, looked at and hashed before anything is
 * sent: a name that is wrong costs a second, and not a night in the queue.
 *
 * What is kept of a file is its content; names only point at contents. So a file that all tasks
 * share, or that has two names, is read once and uploaded once.
 */
#define _GNU_SOURCE
#include "inputs.h"

#include "base/memory.h"
#include "sys/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is said about a file: which command names it, and what that is for people. */
struct input_kind {
    const char *command;
    const char *noun;
};

static const struct input_kind kind_executable = {"executable|Cmd", "executable"};
static const struct input_kind kind_stdin = {"input|stdin|In", "input file"};
static const struct input_kind kind_transferred = {
    "transfer_input_files|TransferInputFiles|TransferInput", "input file"};

struct collector {
    const struct origin *origin;
    struct inputs *inputs;
};

static void input_deinit(struct input *input)
{
    free(input->name);
    free(input->path);
}

void inputs_deinit(struct inputs *inputs)
{
    for (size_t i = 0; i < inputs->count; i++)
        input_deinit(&inputs->items[i]);
    free(inputs->items);
    string_map_deinit(&inputs->by_name);
    string_map_deinit(&inputs->by_path);
    string_map_deinit(&inputs->by_content);
    *inputs = INPUTS_INIT;
}

const struct input *inputs_find_content(const struct inputs *inputs, const char *sha256)
{
    uint64_t place;

    return string_map_get(&inputs->by_content, sha256, &place) ? &inputs->items[place] : NULL;
}

/* The usual mistake is to be in another folder than the file counts from: so the hint names that.
 */
static int refuse_open(const struct collector *collector, const struct input_kind *kind,
                       const char *path, int code, struct error *err)
{
    if (code == -ENOENT || code == -ENOTDIR) {
        origin_error(collector->origin, kind->command, -ENOENT, err, "the %s '%s' does not exist",
                     kind->noun, path);
        error_hint(err, "make it, or correct its name: relative ones count from '%s'",
                   collector->origin->folder);
        return -ENOENT;
    }
    return origin_error(collector->origin, kind->command, code, err, "cannot read the %s '%s': %s",
                        kind->noun, path, strerror(-code));
}

/* A folder, a pipe or a device has no content that a hash could name. */
static int check_kind(const struct collector *collector, const struct input_kind *kind,
                      const char *path, const struct stat *status, struct error *err)
{
    const struct origin *origin = collector->origin;

    if (S_ISDIR(status->st_mode)) {
        origin_error(origin, kind->command, -EISDIR, err,
                     "the %s '%s' is a folder, and a file is needed", kind->noun, path);
        error_hint(err, "add a file's name to it; whole folders go into transfer_input_files");
        return -EISDIR;
    }
    if (!S_ISREG(status->st_mode))
        return origin_error(origin, kind->command, -EINVAL, err, "the %s '%s' is no regular file",
                            kind->noun, path);
    if (kind == &kind_executable && !(status->st_mode & (S_IXUSR | S_IXGRP | S_IXOTH))) {
        origin_error(origin, kind->command, -EACCES, err, "the executable '%s' is not executable",
                     path);
        error_hint(err, "chmod +x '%s'", path);
        return -EACCES;
    }
    return 0;
}

/* Reads a file that was not seen yet: fills in content, size and mode. */
static int read_input(const struct collector *collector, const struct input_kind *kind,
                      struct input *input, struct error *err)
{
    /* A pipe must not stop us here before it can be refused. */
    _cleanup_fd_ int fd = open(input->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    int r;

    if (fd < 0 || fstat(fd, &status) < 0)
        return refuse_open(collector, kind, input->path, -errno, err);
    r = check_kind(collector, kind, input->path, &status, err);
    if (r < 0)
        return r;
    r = hash_file(fd, input->sha256, &input->size, err);
    if (r < 0)
        return error_prefix(err, r, "cannot read the %s '%s'", kind->noun, input->path);
    input->mode = status.st_mode & 07777;
    return 0;
}

/* Looks at one file unless that was done under this name; takes both texts over. */
static int add_file(struct collector *collector, const struct input_kind *kind, char *name,
                    char *path, struct error *err)
{
    _cleanup_(input_deinit) struct input input = {.name = name, .path = path};
    struct inputs *inputs = collector->inputs;
    uint64_t known;

    if (string_map_get(&inputs->by_name, name, &known))
        return 0;
    if (string_map_get(&inputs->by_path, path, &known)) {
        memcpy(input.sha256, inputs->items[known].sha256, sizeof(input.sha256));
        input.size = inputs->items[known].size;
        input.mode = inputs->items[known].mode;
    } else {
        int r = read_input(collector, kind, &input, err);

        if (r < 0)
            return r;
        string_map_put(&inputs->by_path, path, inputs->count);
        string_map_put(&inputs->by_content, input.sha256, inputs->count);
    }
    string_map_put(&inputs->by_name, name, inputs->count);
    array_reserve(inputs->items, inputs->capacity, inputs->count + 1);
    inputs->items[inputs->count++] = input;
    input = (struct input){0};
    return 0;
}

static int add_plain_file(struct collector *collector, const struct input_kind *kind,
                          const char *path, struct error *err)
{
    return add_file(collector, kind, memory_copy_string(path), memory_copy_string(path), err);
}

/* An empty folder travels too, and every folder keeps its permissions. */
static void add_bare_folder(struct collector *collector, const char *path, mode_t mode)
{
    struct inputs *inputs = collector->inputs;
    uint64_t known;

    if (string_map_get(&inputs->by_name, path, &known))
        return;
    string_map_put(&inputs->by_name, path, inputs->count);
    array_reserve(inputs->items, inputs->capacity, inputs->count + 1);
    inputs->items[inputs->count++] = (struct input){
        .name = memory_copy_string(path), .path = memory_copy_string(path), .mode = mode & 07777};
}

/*
 * The folder with all folders and regular files below it, also through links to files; never
 * through one to a folder.
 */
static int add_folder(struct collector *collector, char *path, struct error *err)
{
    char *const roots[] = {path, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    struct stat status;
    FTSENT *entry;
    int r = 0;

    if (!walk)
        return error_set_errno(err, -errno, "cannot read the folder '%s'", path);
    while (r == 0 && (entry = fts_read(walk))) {
        if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS)
            r = error_set_errno(err, -entry->fts_errno, "cannot read '%s'", entry->fts_path);
        else if (entry->fts_info == FTS_D)
            add_bare_folder(collector, entry->fts_path, entry->fts_statp->st_mode);
        else if (entry->fts_info == FTS_F ||
                 (entry->fts_info == FTS_SL && stat(entry->fts_path, &status) == 0 &&
                  S_ISREG(status.st_mode)))
            r = add_plain_file(collector, &kind_transferred, entry->fts_path, err);
    }
    fts_close(walk);
    return r;
}

static int add_transferred(struct collector *collector, const struct submit_task *task,
                           const char *name, struct error *err)
{
    _cleanup_free_ char *path = origin_path(collector->origin, task, name);
    size_t length = strlen(path);
    struct stat status;

    if (strstr(name, "://")) {
        origin_error(collector->origin, kind_transferred.command, -EINVAL, err,
                     "the input '%s' is an address, and dusk fetches nothing from the net", name);
        error_hint(err, "download it, and name the file");
        return -EINVAL;
    }
    while (length > 1 && path[length - 1] == '/')
        path[--length] = '\0';
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return add_folder(collector, path, err);
    return add_plain_file(collector, &kind_transferred, path, err);
}

static int add_executable(struct collector *collector, const struct submit_task *task,
                          struct error *err)
{
    const struct origin *origin = collector->origin;

    return add_file(collector, &kind_executable, origin_path(origin, task, task->executable),
                    origin_executable_path(origin, task), err);
}

/* On a shared file system HTCondor would run it in the submit folder; no node of ours has that. */
static int refuse_shared_files(const struct collector *collector, struct error *err)
{
    origin_error(collector->origin, "should_transfer_files|ShouldTransferFiles", -ENOTSUP, err,
                 "dusk always brings files to the nodes, and should_transfer_files forbids it");
    error_hint(err, "take that line out, and name what the program reads in transfer_input_files");
    return -ENOTSUP;
}

static int add_task(void *userdata, const struct submit_task *task, struct error *err)
{
    struct collector *collector = userdata;
    int r = 0;

    if (task->should_transfer_files == SUBMIT_TRANSFER_NO)
        return refuse_shared_files(collector, err);
    if (task->transfer_executable)
        r = add_executable(collector, task, err);
    if (r == 0 && task->input && *task->input && strcmp(task->input, "/dev/null") != 0) {
        _cleanup_free_ char *path = origin_path(collector->origin, task, task->input);

        r = add_plain_file(collector, &kind_stdin, path, err);
    }
    for (size_t i = 0; r == 0 && i < task->transfer_input.count; i++)
        r = add_transferred(collector, task, task->transfer_input.items[i], err);
    return r;
}

int inputs_collect(const struct submit *submit, const struct origin *origin, struct inputs *inputs,
                   struct error *err)
{
    static const char *const names[] = {"executable", "transfer_executable",
                                        "input",      "transfer_input_files",
                                        "initialdir", "should_transfer_files"};
    struct collector collector = {.origin = origin, .inputs = inputs};

    return origin_walk(submit, names, ARRAY_LENGTH(names), UINT64_MAX, add_task, &collector, err);
}
