/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See state.h. The lock is a POSIX record lock: unlike flock(), it is not inherited by the children
 * and the keeper that the agent forks, so it ends with the agent whatever they do.
 */
#define _GNU_SOURCE
#include "state.h"

#include "base/memory.h"
#include "base/number.h"
#include "sys/descriptor.h"
#include "sys/file.h"
#include "sys/hash.h"
#include "sys/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Passable for the tasks' users, readable for nobody else. */
enum { PASSABLE = 0711, SECRET = 0700, EPOCH_DIGITS = 20 };

#define LARGE_TEMPORARY_FOLDER "/var/tmp"

static int make_folder(const char *path, mode_t mode, struct error *err)
{
    int r = file_make_folders(path, mode, err);

    if (r == 0 && chmod(path, mode) < 0)
        r = error_set_errno(err, -errno, "cannot set the mode of '%s'", path);
    return r;
}

/*
 * A folder that is there already may be somebody's for something else (/tmp), so it stays as it is;
 * but whoever may write to it could exchange the agent's own files.
 */
static int enter_state_folder(const char *path, struct error *err)
{
    struct stat status;

    if (stat(path, &status) < 0)
        return make_folder(path, PASSABLE, err);
    if (!S_ISDIR(status.st_mode))
        return error_set(err, -ENOTDIR, "'%s' is no folder", path);
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) == 0 &&
        (status.st_uid == geteuid() || status.st_uid == 0))
        return 0;
    error_set(err, -EPERM, "others may write to the state folder '%s'", path);
    error_hint(err, "name a folder that is not there yet with --state, or, if it is the agent's "
                    "alone: chmod go-w, and chown to whom the agent runs as");
    return -EPERM;
}

static int take_lock(struct state *state, struct error *err)
{
    _cleanup_free_ char *path = file_join(state->folder, "lock");
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    state->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (state->lock < 0)
        return error_set_errno(err, -errno, "cannot open '%s'", path);
    if (fcntl(state->lock, F_SETLK, &lock) == 0)
        return 0;
    if (errno != EAGAIN && errno != EACCES)
        return error_set_errno(err, -errno, "cannot lock '%s'", path);
    error_set(err, -EBUSY, "another agent runs with the state folder '%s'", state->folder);
    error_hint(err, "end it first, or give each agent a folder of its own with --state");
    return -EBUSY;
}

static int open_epoch(struct state *state, struct error *err)
{
    _cleanup_free_ char *path = file_join(state->folder, "epoch");
    char text[EPOCH_DIGITS + 1] = "";
    ssize_t n;

    state->epoch_file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (state->epoch_file < 0)
        return error_set_errno(err, -errno, "cannot open '%s'", path);
    n = pread(state->epoch_file, text, EPOCH_DIGITS, 0);
    if (n < 0)
        return error_set_errno(err, -errno, "cannot read '%s'", path);
    if (n > 0 && number_parse_u64(slice_from_text(text), &state->epoch) < 0)
        return error_set(err, -EINVAL, "'%s' holds no number", path);
    return 0;
}

void state_save_epoch(struct state *state, uint64_t epoch)
{
    char text[EPOCH_DIGITS + 2];

    snprintf(text, sizeof(text), "%0*llu\n", EPOCH_DIGITS, (unsigned long long)epoch);
    /* Written over in place, the file never grows: a full disk does no harm. */
    if (pwrite(state->epoch_file, text, EPOCH_DIGITS + 1, 0) < 0)
        log_warning("cannot save the epoch %s: %s", text, strerror(errno));
    state->epoch = epoch;
}

/* Whether everybody may pass through this folder and all above it. */
static bool is_passable(const char *path)
{
    _cleanup_free_ char *folder = realpath(path, NULL);
    struct stat status;
    char *slash;

    while (folder && stat(folder[0] ? folder : "/", &status) == 0 && status.st_mode & S_IXOTH) {
        slash = strrchr(folder, '/');
        if (!slash)
            return true;
        *slash = '\0';
    }
    return false;
}

/* A folder that is always the same for this state folder, and that nobody else can have made. */
static int make_scratch_elsewhere(struct state *state, struct error *err)
{
    char digest[HASH_TEXT_SIZE];
    struct stat status;
    struct buffer path = BUFFER_INIT;

    hash_bytes(state->folder, strlen(state->folder), digest);
    buffer_appendf(&path, LARGE_TEMPORARY_FOLDER "/dusk-agent-%.16s", digest);
    state->scratch = buffer_take(&path);
    if (mkdir(state->scratch, PASSABLE) < 0 && errno != EEXIST)
        return error_set_errno(err, -errno, "cannot make '%s'", state->scratch);
    if (lstat(state->scratch, &status) < 0 || !S_ISDIR(status.st_mode) ||
        status.st_uid != geteuid())
        return error_set(err, -EPERM, "'%s' is somebody else's", state->scratch);
    log_notice("other users cannot pass to '%s', so their tasks run below '%s'", state->folder,
               state->scratch);
    return 0;
}

static int make_scratch(struct state *state, struct error *err)
{
    _cleanup_free_ char *attempts = NULL;
    int r = 0;

    if (geteuid() != 0 || is_passable(state->folder))
        state->scratch = memory_copy_string(state->folder);
    else
        r = make_scratch_elsewhere(state, err);
    if (r < 0)
        return r;
    attempts = file_join(state->scratch, "attempts");
    state->trash = file_join(state->scratch, "trash");
    r = make_folder(attempts, PASSABLE, err);
    return r < 0 ? r : make_folder(state->trash, SECRET, err);
}

int state_open(const char *folder, struct state *ret_state, struct error *err)
{
    int r;

    *ret_state = (struct state){
        .folder = memory_copy_string(folder),
        .identity = file_join(folder, "identity"),
        .content = file_join(folder, "content"),
        .images = file_join(folder, "images"),
        .lock = -1,
        .epoch_file = -1,
    };
    r = enter_state_folder(folder, err);
    if (r == 0)
        r = take_lock(ret_state, err);
    if (r == 0)
        r = make_folder(ret_state->identity, SECRET, err);
    if (r == 0)
        r = make_folder(ret_state->content, SECRET, err);
    if (r == 0)
        r = make_folder(ret_state->images, SECRET, err);
    if (r == 0)
        r = open_epoch(ret_state, err);
    if (r == 0)
        r = make_scratch(ret_state, err);
    return r;
}

/* Only what is empty goes: kept results stay. */
static void remove_scratch_elsewhere(const struct state *state)
{
    _cleanup_free_ char *attempts = file_join(state->scratch, "attempts");

    rmdir(attempts);
    rmdir(state->trash);
    rmdir(state->scratch);
}

void state_deinit(struct state *state)
{
    if (state->trash && strcmp(state->scratch, state->folder) != 0)
        remove_scratch_elsewhere(state);
    descriptor_close(state->epoch_file);
    descriptor_close(state->lock);
    free(state->folder);
    free(state->identity);
    free(state->content);
    free(state->images);
    free(state->scratch);
    free(state->trash);
    *state = (struct state){.lock = -1, .epoch_file = -1};
}
