/* SPDX-License-Identifier: Apache-2.0 */
/* See removal.h. */
#include "removal.h"

#include "errand.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* So many files are removed while everything else waits. */
enum { SMALL_ENTRIES = 64 };

void removal_init(struct removal *removal, uv_loop_t *loop, const struct state *state)
{
    *removal = (struct removal){.loop = loop, .state = state, .next_name = clock_boot_us()};
}

void removal_deinit(struct removal *removal)
{
    if (removal->errand)
        errand_cancel(removal->errand);
    removal->errand = NULL;
}

static int remove_all_in(void *context, struct error *err)
{
    const char *folder = context;
    DIR *open_folder = opendir(folder);
    struct dirent *entry;
    int r = 0;

    if (!open_folder)
        return error_set_errno(err, -errno, "cannot open '%s'", folder);
    while (r == 0 && (entry = readdir(open_folder))) {
        _cleanup_free_ char *path = file_join(folder, entry->d_name);

        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            r = file_remove_tree(path, err);
    }
    closedir(open_folder);
    return r;
}

static int run_emptying(void *context, struct error *err)
{
    struct removal *removal = context;

    return remove_all_in(removal->state->trash, err);
}

static void on_emptied(void *context, int result, const struct error *err)
{
    struct removal *removal = context;
    bool again = removal->has_more;

    removal->errand = NULL;
    if (result < 0)
        log_warning("cannot empty the trash: %s", error_text(err));
    else if (again)
        removal_empty_trash(removal);
}

void removal_empty_trash(struct removal *removal)
{
    struct errand_task task = {.run = run_emptying, .on_done = on_emptied, .context = removal};
    _cleanup_error_ struct error err = ERROR_INIT;

    removal->has_more = removal->errand != NULL;
    if (!removal->errand && errand_start(removal->loop, &task, &removal->errand, &err) < 0)
        log_warning("cannot empty the trash: %s", error_text(&err));
}

/* Moving costs the same for a file and for a million. */
static int move_to_trash(struct removal *removal, const char *folder)
{
    _cleanup_free_ char *attempts = file_join(removal->state->scratch, "attempts");
    _cleanup_free_ char *from = file_join(attempts, folder);
    _cleanup_free_ char *to = NULL;
    char name[32];

    snprintf(name, sizeof(name), "%llu", (unsigned long long)removal->next_name++);
    to = file_join(removal->state->trash, name);
    return rename(from, to) < 0 ? -errno : 0;
}

void removal_remove(struct removal *removal, struct scratch *scratch, const char *folder)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    uint64_t bytes;
    bool is_small = scratch && scratch_measure(scratch, SMALL_ENTRIES, &bytes, NULL) == 0;
    int r = 0;

    scratch_free(scratch);
    if (!is_small) {
        r = move_to_trash(removal, folder);
        if (r == 0)
            removal_empty_trash(removal);
    }
    if (is_small || (r < 0 && r != -ENOENT))
        r = scratch_remove(removal->state->scratch, folder, &err);
    if (r < 0 && r != -ENOENT)
        log_warning("cannot remove what is left of %s: %s", folder, error_text(&err));
}
