/* SPDX-License-Identifier: Apache-2.0 */
/* See folders.h. */
#include "folders.h"

#include "base/buffer.h"
#include "errand.h"
#include "launch.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* So many files are removed while everything else waits. */
enum { SMALL_ENTRIES = 64 };

void folders_init(struct folders *folders, uv_loop_t *loop, const struct state *state)
{
    *folders = (struct folders){.loop = loop, .state = state, .next_name = clock_boot_us()};
}

/* ---- removing ---- */

/*
 * The child works through what lies there when it looks, which may be more than it was started for;
 * what comes later is for the next one (has_more).
 */
static int run_emptying(void *context, struct error *err)
{
    const struct folders *folders = context;
    const char *trash = folders->state->trash;
    DIR *folder = opendir(trash);
    struct dirent *entry;
    int r = 0;

    if (!folder)
        return error_set_errno(err, -errno, "cannot open '%s'", trash);
    while (r == 0 && (entry = readdir(folder))) {
        _cleanup_free_ char *path = file_join(trash, entry->d_name);

        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            r = file_remove_tree(path, err);
    }
    closedir(folder);
    return r;
}

static void on_emptied(void *context, int result, const struct error *err)
{
    struct folders *folders = context;
    bool again = folders->has_more;

    folders->errand = NULL;
    if (result < 0)
        log_warning("cannot empty the trash: %s", error_text(err));
    else if (again)
        folders_empty_trash(folders);
}

void folders_empty_trash(struct folders *folders)
{
    struct errand_task task = {.run = run_emptying, .on_done = on_emptied, .context = folders};
    _cleanup_error_ struct error err = ERROR_INIT;

    folders->has_more = folders->errand != NULL;
    if (!folders->errand && errand_start(folders->loop, &task, &folders->errand, &err) < 0)
        log_warning("cannot empty the trash: %s", error_text(&err));
}

static void remove_now(struct folders *folders, const char *name)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    if (scratch_remove(folders->state->scratch, name, &err) < 0)
        log_warning("cannot remove what is left of %s: %s", name, error_text(&err));
}

/* Moving costs the same for a file and for a million. */
void folders_remove(struct folders *folders, const char *name)
{
    _cleanup_free_ char *attempts = file_join(folders->state->scratch, "attempts");
    _cleanup_free_ char *from = file_join(attempts, name);
    _cleanup_free_ char *to = NULL;
    char number[32];

    snprintf(number, sizeof(number), "%llu", (unsigned long long)folders->next_name++);
    to = file_join(folders->state->trash, number);
    if (rename(from, to) == 0)
        folders_empty_trash(folders);
    else if (errno != ENOENT)
        remove_now(folders, name);
}

/* ---- spares ---- */

/* The spare leaves the list; its name and scratch are the caller's. */
static struct folders_spare take_spare(struct folders *folders, size_t place)
{
    struct folders_spare spare = folders->spares[place];

    folders->spares[place] = folders->spares[--folders->spare_count];
    return spare;
}

void folders_deinit(struct folders *folders)
{
    if (folders->errand)
        errand_cancel(folders->errand);
    folders->errand = NULL;
    while (folders->spare_count > 0) {
        struct folders_spare spare = take_spare(folders, folders->spare_count - 1);

        scratch_free(spare.scratch);
        remove_now(folders, spare.name);
        free(spare.name);
    }
}

/*
 * NULL if there is none that will do. A folder that a user's task had goes to the same user only:
 * its owner is right then, and what scratch_empty() might have missed is no secret from him.
 */
static struct scratch *reuse(struct folders *folders, const char *name, uid_t uid)
{
    struct folders_spare spare;
    size_t place = folders->spare_count;

    while (place > 0 && folders->spares[place - 1].uid != uid)
        place--;
    if (place == 0)
        return NULL;
    spare = take_spare(folders, place - 1);
    if (scratch_reuse(spare.scratch, folders->state->scratch, name, NULL) < 0) {
        spare.scratch = scratch_free(spare.scratch);
        folders_remove(folders, spare.name);
    }
    free(spare.name);
    return spare.scratch;
}

int folders_make(struct folders *folders, const char *name, const struct identity *identity,
                 struct scratch **ret_scratch, struct error *err)
{
    struct scratch *scratch = reuse(folders, name, identity->uid);

    if (!scratch)
        return scratch_make(folders->state->scratch, name, identity->uid, identity->gid,
                            ret_scratch, err);
    *ret_scratch = scratch;
    return 0;
}

/* Under a name of its own: the attempt's folder is gone, for whoever looks. */
static void keep_spare(struct folders *folders, struct scratch *scratch, const char *name,
                       uid_t uid)
{
    struct buffer spare = BUFFER_INIT;

    buffer_appendf(&spare, "spare-%llu", (unsigned long long)folders->next_name++);
    if (scratch_reuse(scratch, folders->state->scratch, buffer_text(&spare), NULL) < 0) {
        scratch_free(scratch);
        buffer_deinit(&spare);
        folders_remove(folders, name);
        return;
    }
    folders->spares[folders->spare_count++] =
        (struct folders_spare){.scratch = scratch, .name = buffer_take(&spare), .uid = uid};
}

void folders_give_back(struct folders *folders, struct scratch *scratch, const char *name,
                       const struct identity *identity)
{
    static const char *const streams[] = {LAUNCH_STDOUT, LAUNCH_STDERR};
    uint64_t bytes;

    if (folders->spare_count < FOLDERS_SPARE_MAX &&
        scratch_empty(scratch, streams, ARRAY_LENGTH(streams)) == 0) {
        keep_spare(folders, scratch, name, identity->uid);
        return;
    }
    if (scratch_measure(scratch, SMALL_ENTRIES, &bytes, NULL) == 0)
        remove_now(folders, name);
    else
        folders_remove(folders, name);
    scratch_free(scratch);
}
