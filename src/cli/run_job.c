/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See run_job.h. `dusk run` is a submit file that nobody wrote, read by the reader that reads all
 * of them, so that a task is described in one way only. What the command line says is not put into
 * that text, where a '$', a quote or a line end would mean something: it is the value of a
 * variable, and $ENV() takes that as it is.
 */
#define _GNU_SOURCE
#include "run_job.h"

#include "base/memory.h"
#include "exit_code.h"
#include "sys/file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void run_job_deinit(struct run_job *job)
{
    buffer_deinit(&job->environment);
    buffer_deinit(&job->inputs);
}

/*
 * One word of HTCondor's new syntax: in single quotes; both kinds of quotes inside are doubled.
 * What would be filled in on the node is written so that the word itself comes out.
 */
static void append_quoted(struct buffer *text, const char *word)
{
    buffer_append_character(text, '\'');
    for (; *word; word++) {
        if (strncmp(word, "$$(", 3) == 0) {
            buffer_append_text(text, "$$(DOLLARDOLLAR)");
            word++;
            continue;
        }
        if (*word == '\'' || *word == '"')
            buffer_append_character(text, *word);
        buffer_append_character(text, *word);
    }
    buffer_append_character(text, '\'');
}

int run_job_add_variable(struct run_job *job, const char *variable, struct error *err)
{
    _cleanup_buffer_ struct buffer whole = BUFFER_INIT;

    buffer_append_text(&whole, variable);
    if (!strchr(variable, '=')) {
        const char *value = getenv(variable);

        if (!value)
            return error_set(err, FAILURE_USAGE, "the variable '%s' is not set here", variable);
        buffer_appendf(&whole, "=%s", value);
    }
    if (job->environment.length > 0)
        buffer_append_character(&job->environment, ' ');
    append_quoted(&job->environment, buffer_text(&whole));
    return 0;
}

static bool is_program(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

/* As execvp(3) looks: an entry that is empty is the current folder. */
static char *search_path(const char *name)
{
    const char *at = getenv("PATH");

    if (!at)
        at = "/usr/bin:/bin";
    for (;;) {
        size_t length = strcspn(at, ":");
        _cleanup_free_ char *folder = memory_copy_bytes(length > 0 ? at : ".", length ?: 1);
        char *path = file_join(folder, name);

        if (is_program(path))
            return path;
        free(path);
        if (at[length] == '\0')
            return NULL;
        at += length + 1;
    }
}

/* Whether a node with the same operating system has it at the same place. */
static bool is_of_system(const char *path)
{
    static const char *const folders[] = {"/bin/", "/sbin/", "/usr/", "/lib/", "/opt/"};

    for (size_t i = 0; i < ARRAY_LENGTH(folders); i++)
        if (strncmp(path, folders[i], strlen(folders[i])) == 0)
            return true;
    return false;
}

int run_find_program(const char *name, char **ret_path, bool *ret_transfer, struct error *err)
{
    _cleanup_free_ char *path = strchr(name, '/') ? memory_copy_string(name) : search_path(name);

    if (!path || access(path, F_OK) < 0) {
        error_set(err, -ENOENT, "cannot run '%s': there is no such program", name);
        error_hint(err, strchr(name, '/') ? "correct its path"
                                          : "write ./NAME for a program in the current folder");
        return -ENOENT;
    }
    if (!is_program(path)) {
        error_set(err, -EACCES, "cannot run '%s': it is not an executable file", name);
        error_hint(err, "chmod +x '%s'", path);
        return -EACCES;
    }
    *ret_transfer = !is_of_system(path);
    *ret_path = take_pointer(path);
    return 0;
}

/* The values behind the $ENV() of the text. */
static int get_value(void *user_data, const char *name, struct buffer *value, struct error *err)
{
    const struct run_job *job = user_data;

    (void)err;
    if (strcmp(name, "PROGRAM") == 0) {
        buffer_append_text(value, job->program);
    } else if (strcmp(name, "ARGUMENTS") == 0) {
        buffer_append_character(value, '"');
        for (size_t i = 0; job->arguments[i]; i++) {
            buffer_append_text(value, i > 0 ? " " : "");
            append_quoted(value, job->arguments[i]);
        }
        buffer_append_character(value, '"');
    } else if (strcmp(name, "STDIN") == 0) {
        buffer_append_text(value, job->stdin_path);
    } else if (strcmp(name, "INPUTS") == 0) {
        buffer_append_text(value, buffer_text(&job->inputs));
    } else {
        buffer_appendf(value, "\"%s\"", buffer_text(&job->environment));
    }
    return 0;
}

static void write_text(const struct run_job *job, struct buffer *text)
{
    buffer_appendf(text,
                   "executable = $ENV(PROGRAM)\n"
                   "transfer_executable = %s\n"
                   "arguments = $ENV(ARGUMENTS)\n"
                   "output = " RUN_STDOUT "\n"
                   "error = " RUN_STDERR "\n"
                   "batch_name = $ENV(PROGRAM)\n",
                   job->transfer ? "true" : "false");
    if (job->stdin_path)
        buffer_append_text(text, "input = $ENV(STDIN)\n");
    if (job->inputs.length > 0)
        buffer_append_text(text, "transfer_input_files = $ENV(INPUTS)\n");
    if (job->environment.length > 0)
        buffer_append_text(text, "environment = $ENV(ENVIRONMENT)\n");
    if (job->cpus)
        buffer_appendf(text, "request_cpus = %s\n", job->cpus);
    if (job->memory)
        buffer_appendf(text, "request_memory = %s\n", job->memory);
    if (job->disk)
        buffer_appendf(text, "request_disk = %s\n", job->disk);
    if (job->gpus)
        buffer_appendf(text, "request_gpus = %s\n", job->gpus);
    buffer_append_text(text, "queue\n");
}

int run_job_parse(const struct run_job *job, struct origin *origin, struct buffer *text,
                  struct submit **ret_submit, struct error *err)
{
    const struct submit_world world = {.user_data = (void *)job, .get_environment = get_value};
    const struct submit_options options = {.world = &world};

    write_text(job, text);
    origin->name = "run";
    origin->text = (struct slice){.data = text->data, .length = text->length};
    return submit_parse(origin->text, origin->name, &options, ret_submit, NULL, err);
}
