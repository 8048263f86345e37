/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See submit_here.h. The submitter's computer as a submit text sees it. This is the only place
 * where reading a text opens files and runs commands, with the rights of the user who wrote or
 * chose it, in the folder where he submits. A server reads texts without any such world.
 */
#define _GNU_SOURCE
#include "submit_here.h"

#include "base/memory.h"
#include "config.h"
#include "sys/file.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Bounded while it is read: a command that prints for ever must not fill the memory. */
static int read_stream(FILE *stream, const char *name, struct buffer *text, struct error *err)
{
    enum { CHUNK = 64 * 1024 };
    size_t start = text->length;

    for (;;) {
        size_t n;

        buffer_reserve(text, CHUNK);
        n = fread(text->data + text->length, 1, CHUNK, stream);
        text->length += n;
        text->data[text->length] = '\0';
        if (n == 0 && ferror(stream))
            return error_set_errno(err, -EIO, "cannot read %s", name);
        if (n == 0)
            return 0;
        if (text->length - start > SUBMIT_TEXT_SIZE_MAX)
            return error_set(err, -EFBIG, "%s is longer than %zu bytes", name,
                             SUBMIT_TEXT_SIZE_MAX);
    }
}

/* "-" is standard input, as in HTCondor. */
static int read_item_file(void *user_data, const char *path, struct buffer *text, struct error *err)
{
    (void)user_data;
    if (strcmp(path, "-") == 0)
        return read_stream(stdin, "standard input", text, err);
    return file_read(path, SUBMIT_TEXT_SIZE_MAX, text, err);
}

static int write_included(void *user_data, const char *path, struct slice text, struct error *err)
{
    (void)user_data;
    return file_replace(path, text.data, text.length, 0644, false, err);
}

/* Through the shell, as the user would type it. What a command prints before it fails is not used.
 */
static int run_shell_command(void *user_data, const char *command, struct buffer *text,
                             struct error *err)
{
    FILE *output = popen(command, "re");
    int r, status;

    (void)user_data;
    if (!output)
        return error_set_errno(err, -errno, "cannot run '%s'", command);
    r = read_stream(output, "its output", text, err);
    status = pclose(output);
    if (r < 0)
        return error_prefix(err, r, "cannot run '%s'", command);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    error_set(err, -ECHILD, "the command '%s' failed with %s %d", command,
              WIFEXITED(status) ? "exit code" : "signal",
              WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    error_hint(err, "run it in a shell to see why");
    return -ECHILD;
}

/* glob(3) says of each failure only its kind. */
static int fail_to_match(const char *pattern, int kind, struct error *err)
{
    if (kind == GLOB_ABORTED)
        return error_set_errno(err, errno ? -errno : -EIO, "cannot read a folder of '%s'", pattern);
    return error_set(err, -ENOMEM, "there are too many files like '%s'", pattern);
}

static int match_files(void *user_data, const char *pattern, enum submit_match match,
                       struct buffer *names, struct error *err)
{
    glob_t found;
    int r;

    (void)user_data;
    errno = 0;
    r = glob(pattern, GLOB_MARK, NULL, &found);
    if (r == GLOB_NOMATCH)
        return 0;
    if (r != 0)
        return fail_to_match(pattern, r, err);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *name = found.gl_pathv[i];
        bool is_folder = name[strlen(name) - 1] == '/';

        if ((match != SUBMIT_MATCH_FILES || !is_folder) &&
            (match != SUBMIT_MATCH_DIRS || is_folder))
            buffer_append(names, name, strlen(name) + 1);
    }
    globfree(&found);
    return 0;
}

/* The user's own template hides the one that the computer has for all. */
static int read_template(void *user_data, const char *name, struct buffer *text, struct error *err)
{
    _cleanup_free_ char *own = config_template_path(name);
    _cleanup_buffer_ struct buffer common = BUFFER_INIT;
    const char *paths[2] = {own};
    int r = 0;

    (void)user_data;
    buffer_appendf(&common, "/etc/dusk/templates/%s", name);
    paths[1] = common.data;
    for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
        if (!paths[i])
            continue;
        if (err)
            error_clear(err);
        r = file_read(paths[i], SUBMIT_TEXT_SIZE_MAX, text, err);
        if (r != -ENOENT)
            return r;
    }
    if (err)
        error_clear(err);
    return 1;
}

static int get_variable(void *user_data, const char *name, struct buffer *value, struct error *err)
{
    const char *text = getenv(name);

    (void)user_data;
    (void)err;
    if (!text)
        return 1;
    buffer_append_text(value, text);
    return 0;
}

static int list_variables(void *user_data, struct buffer *names, struct error *err)
{
    (void)user_data;
    (void)err;
    for (char **variable = environ; variable && *variable; variable++) {
        const char *equals = strchr(*variable, '=');

        if (!equals)
            continue;
        buffer_append(names, *variable, (size_t)(equals - *variable));
        buffer_append_character(names, '\n');
    }
    return 0;
}

const struct submit_world submit_here = {
    .read_file = read_item_file,
    .write_file = write_included,
    .run_command = run_shell_command,
    .match_files = match_files,
    .read_template = read_template,
    .get_environment = get_variable,
    .list_environment = list_variables,
};

int submit_read_text(const char *path, struct buffer *text, struct error *err)
{
    int r;

    if (strcmp(path, "-") == 0)
        return read_stream(stdin, "standard input", text, err);
    r = file_read(path, SUBMIT_TEXT_SIZE_MAX, text, err);
    if (r < 0)
        return error_prefix(err, r, "cannot submit");
    return 0;
}

int submit_current_folder(char **ret_folder, struct error *err)
{
    char *folder = getcwd(NULL, 0);

    if (!folder)
        return error_set_errno(err, -errno, "cannot find out the current folder");
    *ret_folder = folder;
    return 0;
}
