/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See checkpoint.h: whether tasks can be saved here, found out by doing it. No version of CRIU or
 * of the kernel tells; what does is a contained process of our own (container_specimen.c) that ends
 * with its status after it was saved, killed and restored.
 *
 * All of it waits, with limits: nothing else is to be done before it is known.
 */
#define _GNU_SOURCE
#include "checkpoint.h"

#include "base/memory.h"
#include "container.h"
#include "container_tree.h"
#include "keeper_child.h"
#include "keeper_failure.h"
#include "process_tree.h"
#include "sys/clock.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 5000, LINE_SIZE_MAX = 64, FOLDER_MODE = 0711 };

struct probe {
    const struct container_tree *tree;
    struct keeper_spawn spawn;
    char *place, *work, *temporary, *images; /* owned */
    pid_t leader;                            /* 0: none lives */
};

/* ---- waiting ---- */

/* What has not ended then is killed. Returns the wait status, or -1 if it was. */
static int await_end(pid_t pid)
{
    _cleanup_fd_ int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd wait = {.fd = pidfd, .events = POLLIN};
    bool is_over = pidfd >= 0 && poll(&wait, 1, PATIENCE_MS) == 1;
    int status;

    if (!is_over)
        kill(pid, SIGKILL);
    return waitpid(pid, &status, 0) == pid && is_over ? status : -1;
}

/* A file is all that leads out of a container. */
static bool await_ready(const struct probe *probe)
{
    _cleanup_free_ char *path = file_join(probe->work, probe->spawn.output);
    uint64_t end_ms = clock_boot_ms() + PATIENCE_MS;

    while (clock_boot_ms() < end_ms) {
        _cleanup_buffer_ struct buffer line = BUFFER_INIT;

        if (file_read(path, LINE_SIZE_MAX, &line, NULL) == 0 && strchr(buffer_text(&line), '\n'))
            return true;
        poll(NULL, 0, 1);
    }
    return false;
}

/* ---- the steps ---- */

static void kill_leader(struct probe *probe)
{
    if (probe->leader > 0) {
        kill(probe->leader, SIGKILL);
        waitpid(probe->leader, NULL, 0);
    }
    probe->leader = 0;
}

/* Belongs to the one who runs the probe, within. */
static int make_own_folder(const char *path, struct error *err)
{
    int r = file_make_folders(path, FOLDER_MODE, err);

    if (r == 0 && chown(path, CONTAINER_UID, CONTAINER_UID) < 0)
        return error_set_errno(err, -errno, "cannot change the owner of '%s'", path);
    return r;
}

static int prepare(struct probe *probe, struct error *err)
{
    int r = file_make_folders(probe->images, FOLDER_MODE, err);

    if (r == 0)
        r = make_own_folder(probe->work, err);
    if (r == 0)
        r = make_own_folder(probe->temporary, err);
    return r;
}

static void describe(struct probe *probe, const char *criu)
{
    static const char *words[] = {"dusk-init", CONTAINER_SPECIMEN, NULL};
    static const char *none[] = {NULL};

    probe->spawn = (struct keeper_spawn){
        .program = CONTAINER_INIT,
        .arguments = words,
        .environment = none,
        .folder = probe->work,
        .input = "",
        .output = "out",
        .error = "err",
        .becomes_user = true,
        .uid = CONTAINER_UID,
        .gid = CONTAINER_UID,
        .container = {.root = probe->tree->root,
                      .sources = (const char **)probe->tree->sources,
                      .targets = (const char **)probe->tree->targets,
                      .devices = none,
                      .temporary = probe->temporary,
                      .host_name = "probe"},
        .restore = {.folder = probe->images, .criu = criu},
    };
}

static int start(struct probe *probe, struct error *err)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    struct keeper_failure failure;

    if (keeper_child_start(&probe->spawn, PROCESS_TREE_VARIABLE "=probe", NULL, &probe->leader,
                           &path, &failure) == 0)
        return 0;
    return keeper_failure_describe(&failure, err);
}

static int await_criu(const struct probe *probe, enum checkpoint_verb verb, pid_t child,
                      struct error *err)
{
    int status = await_end(child);

    if (status == 0)
        return 0;
    if (status < 0)
        return error_set(err, -ETIMEDOUT, "CRIU came to no end within %d seconds",
                         PATIENCE_MS / 1000);
    checkpoint_explain(&probe->spawn.restore, verb, status, err);
    return -ENOTSUP;
}

static int save(struct probe *probe, struct error *err)
{
    pid_t child;
    int r;

    if (!await_ready(probe))
        return error_set(err, -ETIMEDOUT, "a contained process did not begin");
    r = checkpoint_begin_dump(&probe->spawn.restore, probe->leader, NULL, &child, err);
    return r < 0 ? r : await_criu(probe, CHECKPOINT_DUMP, child, err);
}

static int restore(struct probe *probe, struct error *err)
{
    pid_t child;
    int r;

    kill_leader(probe);
    r = checkpoint_begin_restore(&probe->spawn, NULL, &child, err);
    if (r == 0)
        r = await_criu(probe, CHECKPOINT_RESTORE, child, err);
    if (r == 0)
        probe->leader = checkpoint_read_leader(probe->images);
    return r;
}

static int see_it_go_on(struct probe *probe, struct error *err)
{
    _cleanup_free_ char *go = file_join(probe->work, CONTAINER_SPECIMEN_GO);
    int r = file_replace(go, "", 0, 0644, false, err), status;

    if (r < 0)
        return r;
    status = probe->leader > 0 ? await_end(probe->leader) : -1;
    probe->leader = 0;
    if (status < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != CONTAINER_SPECIMEN_STATUS)
        return error_set(err, -ENOTSUP, "what was restored did not go on");
    return 0;
}

/* ---- the whole ---- */

static int run(struct probe *probe, const char *criu, struct error *err)
{
    int r = prepare(probe, err);

    describe(probe, criu);
    if (r == 0)
        r = start(probe, err);
    if (r == 0)
        r = save(probe, err);
    if (r == 0)
        r = restore(probe, err);
    if (r == 0)
        r = see_it_go_on(probe, err);
    kill_leader(probe);
    return r;
}

static void probe_deinit(struct probe *probe)
{
    (void)file_remove_tree(probe->place, NULL);
    free(probe->place);
    free(probe->work);
    free(probe->temporary);
    free(probe->images);
}

int checkpoint_probe(const char *criu, const struct container_tree *tree, const char *folder,
                     struct error *err)
{
    struct probe probe = {.tree = tree, .place = file_join(folder, "saving-XXXXXX")};
    int r = 0;

    if (geteuid() != 0)
        r = error_set(err, -EPERM, "only an agent that is root can save tasks");
    else if (!mkdtemp(probe.place) || chmod(probe.place, FOLDER_MODE) < 0)
        r = error_set_errno(err, -errno, "cannot make a folder in '%s'", folder);
    probe.work = file_join(probe.place, "work");
    probe.temporary = file_join(probe.place, "temporary");
    probe.images = file_join(probe.place, "images");
    if (r == 0)
        r = run(&probe, criu, err);
    probe_deinit(&probe);
    return r;
}
