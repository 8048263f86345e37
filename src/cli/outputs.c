/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See outputs.h. Results come hours or days later, and a folder that is missing would be found out
 * only then. So folders are looked at when the job is submitted, each once. It is a courtesy and no
 * promise: a folder may be gone by then, and of tasks that differ only so many are looked at.
 */
#include "outputs.h"

#include "base/map.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TASKS_LOOKED_AT = 10000 };

struct checker {
    const struct origin *origin;
    struct string_map good; /* folders that were looked at */
};

static int refuse_folder(const struct checker *checker, const char *command, const char *folder,
                         int code, struct error *err)
{
    if (code == -ENOENT) {
        origin_error(checker->origin, command, code, err, "the folder '%s' does not exist", folder);
        error_hint(err, "mkdir -p '%s'", folder);
    } else if (code == -ENOTDIR) {
        origin_error(checker->origin, command, code, err, "'%s' is not a folder", folder);
    } else {
        origin_error(checker->origin, command, code, err, "you may not write into the folder '%s'",
                     folder);
        error_hint(err, "let the results go to a folder of yours");
    }
    return code;
}

static int check_folder(struct checker *checker, const char *command, const char *folder,
                        struct error *err)
{
    struct stat status;
    uint64_t known;

    if (string_map_get(&checker->good, folder, &known))
        return 0;
    if (stat(folder, &status) < 0)
        return refuse_folder(checker, command, folder, errno == EACCES ? -EACCES : -ENOENT, err);
    if (!S_ISDIR(status.st_mode))
        return refuse_folder(checker, command, folder, -ENOTDIR, err);
    if (access(folder, W_OK | X_OK) < 0)
        return refuse_folder(checker, command, folder, -EACCES, err);
    string_map_put(&checker->good, folder, 1);
    return 0;
}

/* One file that will be written; `name` may be NULL. */
static int check_file(struct checker *checker, const struct submit_task *task, const char *command,
                      const char *name, struct error *err)
{
    _cleanup_free_ char *path = NULL;
    struct stat status;
    char *slash;

    /* An address is no file of this computer. */
    if (!name || *name == '\0' || strcmp(name, "/dev/null") == 0 || strstr(name, "://"))
        return 0;
    path = origin_path(checker->origin, task, name);
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        origin_error(checker->origin, command, -EISDIR, err,
                     "'%s' is a folder, and a file shall be written there", path);
        error_hint(err, "add a file's name to it");
        return -EISDIR;
    }
    slash = strrchr(path, '/');
    if (slash == path)
        return check_folder(checker, command, "/", err);
    *slash = '\0';
    return check_folder(checker, command, path, err);
}

static int check_task(void *userdata, const struct submit_task *task, struct error *err)
{
    struct checker *checker = userdata;
    int r = 0;

    if (task->initialdir) {
        _cleanup_free_ char *folder = origin_path(checker->origin, task, "");

        r = check_folder(checker, "initialdir|initial_dir|Iwd|job_iwd", folder, err);
    }
    if (r == 0)
        r = check_file(checker, task, "output|stdout|Out", task->output, err);
    if (r == 0)
        r = check_file(checker, task, "error|stderr|Err", task->error, err);
    if (r == 0)
        r = check_file(checker, task, "log|UserLog", task->log, err);
    for (size_t i = 0; r == 0 && i < task->remap_count; i++)
        r = check_file(checker, task, "transfer_output_remaps|TransferOutputRemaps",
                       task->remaps[i].to, err);
    return r;
}

int outputs_check(const struct submit *submit, const struct origin *origin, struct error *err)
{
    static const char *const names[] = {"initialdir", "output", "error", "log",
                                        "transfer_output_remaps"};
    struct checker checker = {.origin = origin};
    int r;

    r = origin_walk(submit, names, ARRAY_LENGTH(names), TASKS_LOOKED_AT, check_task, &checker, err);
    string_map_deinit(&checker.good);
    return r;
}
