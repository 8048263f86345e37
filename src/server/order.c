/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a job's submit description to the message that starts one of its tasks, and back: where an
 * output of it goes. The files of a job are known by the absolute paths that the submitter's side
 * named them by; on the node everything lies side by side in the scratch folder, as with HTCondor.
 */
#include "server.h"

#include "base/memory.h"
#include "lang/submit_saving.h"
#include "sys/file.h"
#include "sys/hash.h"

#include <errno.h>
#include <string.h>

/* The name of the input that becomes standard input; nobody names his own file like this. */
#define STDIN_NAME "_dusk_stdin"

char *order_folder(const struct job_record *job, const struct submit_task *task)
{
    return task->initialdir ? file_join(job->row.folder, task->initialdir)
                            : memory_copy_string(job->row.folder);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* A start while its inputs are gathered. */
struct gathering {
    struct wire_start *start;
    const json_t *files; /* of the job: path -> hash, size and mode */
    const char *folder;  /* that its paths are relative to */
    struct string_map names;
    size_t capacity;
};

static void gathering_deinit(struct gathering *gathering)
{
    string_map_deinit(&gathering->names);
}

/*
 * Each name once: people list their program too, or "folder/" and a file of it. Of two files with
 * one name the later one is taken, as with HTCondor; but the program, which is first, stays.
 */
static void add_input(struct gathering *gathering, const char *name, const json_t *file)
{
    const char *sha256 = json_string_value(json_object_get(file, "sha256"));
    struct wire_start *start = gathering->start;
    struct wire_file input = {.size = (uint64_t)json_integer_value(json_object_get(file, "size")),
                              .mode = (uint32_t)json_integer_value(json_object_get(file, "mode"))};
    uint64_t index = start->input_count;

    if (string_map_get(&gathering->names, name, &index)) {
        if (index == 0 && start->program_is_input)
            return;
        free(start->inputs[index].name);
        free(start->inputs[index].sha256);
    } else {
        array_reserve(start->inputs, gathering->capacity, start->input_count + 1);
        string_map_put(&gathering->names, name, start->input_count++);
    }
    input.name = memory_copy_string(name);
    input.sha256 = memory_copy_string(sha256 ? sha256 : "");
    start->inputs[index] = input;
}

/*
 * A folder is everything below it; "folder/" means its content, "folder" itself with its name.
 * Folders have no hash; each stands before what is in it.
 */
static int add_folder(struct gathering *gathering, const char *path, const char *written)
{
    size_t length = strlen(path), found = 0;
    bool content_only = written[0] && written[strlen(written) - 1] == '/';
    const json_t *folder = json_object_get(gathering->files, path);
    const char *name;
    json_t *file;

    if (folder && !content_only)
        add_input(gathering, base_name(path), folder);

    json_object_foreach((json_t *)gathering->files, name, file)
    {
        _cleanup_free_ char *target = NULL;

        if (strncmp(name, path, length) != 0 || name[length] != '/')
            continue;
        target = content_only ? memory_copy_string(name + length + 1)
                              : file_join(base_name(path), name + length + 1);
        add_input(gathering, target, file);
        found++;
    }
    return found > 0 || folder ? 0 : -ENOENT;
}

static int add_path(struct gathering *gathering, const char *written, const char *name,
                    struct error *err)
{
    _cleanup_free_ char *path = file_join(gathering->folder, written);
    size_t length = strlen(path);
    const json_t *file;

    while (length > 1 && path[length - 1] == '/')
        path[--length] = '\0';
    file = json_object_get(gathering->files, path);
    if (file && json_object_get(file, "sha256")) {
        add_input(gathering, name ? name : base_name(path), file);
        return 0;
    }
    if (add_folder(gathering, path, written) == 0)
        return 0;
    return error_set(err, -ENOENT, "the input '%s' was not sent with the job", written);
}

static void copy_list(struct wire_strings *to, const struct submit_list *from)
{
    to->items = memory_allocate((from->count + 1) * sizeof(*to->items));
    for (size_t i = 0; i < from->count; i++)
        to->items[to->count++] = memory_copy_string(from->items[i]);
}

static int fill_program(struct gathering *gathering, const struct submit_task *task,
                        struct error *err)
{
    struct wire_start *start = gathering->start;

    start->program_is_input = task->transfer_executable;
    start->program = memory_copy_string(task->transfer_executable ? base_name(task->executable)
                                                                  : task->executable);
    if (!task->transfer_executable)
        return 0;
    return add_path(gathering, task->executable, NULL, err);
}

static bool path_is_real(const char *path)
{
    return path && path[0] && strcmp(path, "/dev/null") != 0;
}

static int fill_inputs(struct job_record *job, struct wire_start *start,
                       const struct submit_task *task, const char *folder, struct error *err)
{
    _cleanup_(gathering_deinit) struct gathering gathering = {
        .start = start, .files = job->files, .folder = folder};
    int r;

    r = fill_program(&gathering, task, err);
    for (size_t i = 0; r == 0 && i < task->transfer_input.count; i++)
        r = add_path(&gathering, task->transfer_input.items[i], NULL, err);
    if (r == 0 && path_is_real(task->input)) {
        r = add_path(&gathering, task->input, STDIN_NAME, err);
        start->stdin_name = memory_copy_string(STDIN_NAME);
    }
    return r;
}

static size_t strings_size(const struct wire_strings *strings)
{
    size_t size = 0;

    for (size_t i = 0; i < strings->count; i++)
        size += strlen(strings->items[i]);
    return size;
}

/*
 * What a link does not take (LINK_TEXT_SIZE_MAX) would be lost without a word, and what an agent
 * does not read (WIRE_LIST_MAX) would end its connection, again and again. Half of the size leaves
 * room for what JSON adds around and within the texts.
 */
static int check_size(const struct wire_start *start, struct error *err)
{
    enum { TEXTS_SIZE_MAX = LINK_TEXT_SIZE_MAX / 2, INPUT_SIZE = 128 };
    size_t size = strings_size(&start->arguments) + strings_size(&start->environment) +
                  strings_size(&start->outputs) + start->attributes.size;
    size_t count = start->arguments.count;

    for (size_t i = 0; i < start->input_count; i++)
        size += INPUT_SIZE + strlen(start->inputs[i].name);
    count = start->environment.count > count ? start->environment.count : count;
    count = start->outputs.count > count ? start->outputs.count : count;
    count = start->input_count > count ? start->input_count : count;
    if (size <= TEXTS_SIZE_MAX && count <= WIRE_LIST_MAX)
        return 0;
    error_set(err, -E2BIG,
              "a node cannot be told of %zu arguments and %zu input files (%zu bytes; %d of each "
              "and %d MB are the most)",
              start->arguments.count, start->input_count, size, WIRE_LIST_MAX,
              TEXTS_SIZE_MAX >> 20);
    error_hint(err, "put many small input files into one archive, and long arguments into a file");
    return -E2BIG;
}

/* "out" and "./out": both streams into one file, as a shell's 2>&1, or each would empty it. */
static bool is_same_file(const char *a, const char *b)
{
    while (strncmp(a, "./", 2) == 0)
        a += 2;
    while (strncmp(b, "./", 2) == 0)
        b += 2;
    return strcmp(a, b) == 0;
}

/* Whether the node says that it starts containers. */
static bool has_containers(const struct node_record *node)
{
    _cleanup_attributes_ struct attributes attributes = ATTRIBUTES_INIT;
    const char *value = NULL;

    if (node->attributes &&
        attributes_read(&attributes, slice_from_text(node->attributes), NULL) == 0)
        value = attributes_get(&attributes, "HasContainer");
    return value && slice_equals_ignoring_case(slice_from_text(value), "true");
}

/*
 * Held if the node has no container runtime, however often it is released: outside of its image it
 * would be another task.
 */
static int fill_image(struct job_record *job, const struct submit_task *task,
                      const struct node_record *node, struct wire_start *start, struct error *err)
{
    const char *image = images_of_task(task);

    if (!image)
        return 0;
    if (!has_containers(node))
        return error_set(err, -ENOTSUP,
                         "it runs in the image '%s', and no node has the container runtime", image);
    return images_fill(job->files, image, &start->image, err);
}

/* How it saves itself and is told to go, for those that say it. */
static void fill_saving(struct wire_start *start, const struct submit_task *task)
{
    _cleanup_submit_saving_ struct submit_saving saving = SUBMIT_SAVING_INIT;

    submit_saving_read(task, &saving);
    start->saving = (struct wire_saving){
        .exit_code_given = saving.exit_code >= 0,
        .exit_code = saving.exit_code >= 0 ? (uint32_t)saving.exit_code : 0,
        .exit_signal = (uint32_t)saving.exit_signal,
        .to_leave = saving.saves_to_leave,
        .files_given = saving.files_given,
    };
    if (saving.files_given)
        copy_list(&start->saving.files,
                  &(struct submit_list){saving.files.items, saving.files.count});
    start->kill_signal = saving.kill_signal;
    start->vacate_given = saving.vacate_given;
    start->vacate_ms = saving.vacate_ms;
}

int order_fill(struct server *server, struct job_record *job, uint32_t number,
               const struct node_record *node, struct wire_start *start, struct error *err)
{
    const struct submit_task *task = &server->task;
    _cleanup_free_ char *folder = NULL;
    int r;

    r = records_load_submit(server, job, err);
    if (r == 0)
        r = submit_expand(job->submit, job->row.number, number, &server->task, err);
    if (r == 0)
        r = fill_image(job, task, node, start, err);
    if (r < 0)
        return r;
    folder = order_folder(job, task);
    start->user = memory_copy_string(job->row.user);
    copy_list(&start->arguments, &task->arguments);
    copy_list(&start->environment, &task->environment);
    r = filling_fill(server, job, node, start, err);
    if (r == 0)
        r = fill_inputs(job, start, task, folder, err);
    start->wants_network = task->network && strcmp(task->network, "full") == 0;
    start->keep_stdout = path_is_real(task->output);
    start->keep_stderr = path_is_real(task->error);
    start->join_stderr =
        start->keep_stdout && start->keep_stderr && is_same_file(task->output, task->error);
    start->outputs_given = task->transfer_output_given;
    if (start->outputs_given)
        copy_list(&start->outputs, &task->transfer_output);
    if (r == 0)
        r = checkpoint_fill(server, start, err);
    fill_saving(start, task);
    return r < 0 ? r : check_size(start, err);
}

static const char *remapped(const struct submit_task *task, const char *name)
{
    for (size_t i = 0; i < task->remap_count; i++)
        if (strcmp(task->remaps[i].from, name) == 0)
            return task->remaps[i].to;
    return NULL;
}

/* The item of transfer_output_files that `name` is or lies in, and its length without a slash. */
static const char *find_listed(const struct submit_task *task, const char *name, size_t *ret_length)
{
    for (size_t i = 0; i < task->transfer_output.count; i++) {
        const char *listed = task->transfer_output.items[i];
        size_t length = strlen(listed);

        while (length > 1 && listed[length - 1] == '/')
            length--;
        *ret_length = length;
        if (strncmp(name, listed, length) == 0 && (name[length] == '\0' || name[length] == '/'))
            return listed;
    }
    return NULL;
}

bool order_wants_output(const struct submit_task *task, const struct wire_output *output)
{
    bool is_stream = output->kind == WIRE_OUTPUT_STDOUT || output->kind == WIRE_OUTPUT_STDERR;
    size_t length;

    return is_stream || !task->transfer_output_given || find_listed(task, output->name, &length);
}

/*
 * Where it goes below `folder`: "results/a" of a listed "results" to "results/a", of a listed
 * "out/results" too. *ret_within is the part of the path that the submitter has said.
 */
static char *flattened(const struct submit_task *task, const char *folder, const char *name,
                       char **ret_within)
{
    size_t length = 0;
    const char *listed = find_listed(task, name, &length);
    const char *to = listed ? remapped(task, listed) : NULL;

    if (to && name[length] == '\0')
        return file_join(folder, to);
    if (to) {
        *ret_within = file_join(folder, to);
        return file_join(*ret_within, name + length + 1);
    }
    while (listed && length > 0 && listed[length - 1] != '/')
        length--;
    *ret_within = memory_copy_string(folder);
    return file_join(folder, listed ? name + length : name);
}

char *order_output_path(const struct job_record *job, const struct submit_task *task,
                        const struct wire_output *output, char **ret_within)
{
    _cleanup_free_ char *folder = order_folder(job, task);
    const char *to = NULL;

    *ret_within = NULL;
    switch (output->kind) {
    case WIRE_OUTPUT_STDOUT:
        return path_is_real(task->output) ? file_join(folder, task->output) : NULL;
    case WIRE_OUTPUT_STDERR:
        return path_is_real(task->error) ? file_join(folder, task->error) : NULL;
    case WIRE_OUTPUT_FILE:
    case WIRE_OUTPUT_FOLDER:
        break;
    }
    to = remapped(task, output->name);
    if (to)
        return file_join(folder, to);
    return flattened(task, folder, output->name, ret_within);
}
