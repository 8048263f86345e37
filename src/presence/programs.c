/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs during which nobody wants to be disturbed, by name: a presentation, a game, a video
 * call. One of them lives if a process has that name (comm in proc_pid_comm(5), which is cut to 15
 * bytes) or was started from a file of that name (proc_pid_exe(5)). A process of the pool's tasks
 * keeps nobody away, whatever it is called, nor does one that has ended and is not reaped.
 */
#define _GNU_SOURCE
#include "source.h"

#include "base/memory.h"
#include "base/number.h"
#include "lang/text.h"
#include "reading.h"
#include "sys/file.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct walk {
    const struct presence_options *options;
    const char *folder;
    bool found;
};

static bool is_here(const struct presence_options *options)
{
    return options->do_not_disturb && options->do_not_disturb[0] != '\0';
}

static bool is_named(const struct presence_options *options, const char *program)
{
    struct slice rest = slice_from_text(options->do_not_disturb);

    while (rest.length > 0) {
        struct slice name = slice_trim(text_take(&rest, ','));

        /* An empty one would be everything that has no file. */
        if (name.length > 0 && slice_equals(name, program))
            return true;
    }
    return false;
}

/* The name of the file that it was started from; "" for kernel threads, and if it is forbidden. */
static char *find_file(const char *process)
{
    _cleanup_free_ char *link = file_join(process, "exe");
    char path[PATH_MAX];
    ssize_t length = readlink(link, path, sizeof(path));
    const char *slash = length > 0 ? memrchr(path, '/', (size_t)length) : NULL;

    return slash ? memory_copy_bytes(slash + 1, (size_t)(path + length - slash) - 1)
                 : memory_copy_string("");
}

/* The state stands behind the last ')', whatever the name before it holds (proc_pid_stat(5)). */
static bool has_ended(const char *process)
{
    _cleanup_free_ char *stat = reading_text(process, "stat");
    const char *state = strrchr(stat, ')');

    return state && strncmp(state, ") Z", 3) == 0;
}

static bool is_task(const struct presence_options *options, const char *process)
{
    struct stat status;

    return options->is_task && stat(process, &status) == 0 && options->is_task(status.st_uid);
}

static void look_at(void *userdata, const char *name)
{
    struct walk *walk = userdata;
    _cleanup_free_ char *process = NULL, *program = NULL, *file = NULL;
    uint64_t pid;

    if (walk->found || number_parse_u64(slice_from_text(name), &pid) < 0)
        return;
    process = file_join(walk->folder, name);
    program = reading_text(process, "comm");
    file = find_file(process);
    walk->found = (is_named(walk->options, program) || is_named(walk->options, file)) &&
                  !is_task(walk->options, process) && !has_ended(process);
}

static int look(struct source *source, struct error *err)
{
    _cleanup_free_ char *folder = source_path(source->options, "/proc");
    struct walk walk = {.options = source->options, .folder = folder};
    int r = reading_each(folder, look_at, &walk, err);

    if (r == 0)
        source_lasts(source, OWNER_REASON_DISTURB, walk.found);
    return r;
}

/* Without a name there is nothing to look for. */
static int programs_open(struct source *source, struct error *err)
{
    return is_here(source->options) ? source_look(source, SOURCE_LOOK_MS, look, err) : 0;
}

const struct source_kind source_programs = {
    .name = "programs", .is_here = is_here, .open = programs_open};
