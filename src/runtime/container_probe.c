/* SPDX-License-Identifier: Apache-2.0 */
/* See container.h: whether tasks can be contained here is known when one was. */
#define _GNU_SOURCE
#include "container.h"

#include "container_tree.h"
#include "keeper_child.h"
#include "sys/file.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The parent of both folders is the agent's own; whoever is in the container cannot see it. */
static int run(const struct container_tree *tree, const char *folder, const char *temporary,
               struct error *err)
{
    const char *arguments[] = {CONTAINER_INIT, "probe", NULL}, *none[] = {NULL};
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    struct keeper_failure failure;
    struct keeper_spawn spawn = {
        .note = {.data = ""},
        .program = CONTAINER_INIT,
        .arguments = arguments,
        .environment = none,
        .folder = folder,
        .input = "",
        .output = "",
        .error = "",
        .becomes_user = geteuid() == 0,
        .uid = CONTAINER_UID,
        .gid = CONTAINER_UID,
        .container = {.root = tree->root,
                      .sources = (const char **)tree->sources,
                      .targets = (const char **)tree->targets,
                      .devices = none,
                      .temporary = temporary,
                      .host_name = "probe"},
    };
    int status = 0;
    pid_t pid;

    if (keeper_child_start(&spawn, "DUSK_PROBE=1", NULL, &pid, &path, &failure) != 0)
        return keeper_failure_describe(&failure, err);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status == 0 ? 0 : error_set(err, -EIO, "a contained program ended with %d", status);
}

int container_probe(const struct container_tree *tree, const char *folder, struct error *err)
{
    _cleanup_free_ char *place = file_join(folder, "probe-XXXXXX"), *temporary = NULL;
    int r;

    if (!mkdtemp(place))
        return error_set_errno(err, -errno, "cannot make a folder in '%s'", folder);
    temporary = file_join(place, "temporary");
    if (mkdir(temporary, 0700) < 0 ||
        (geteuid() == 0 && (chown(place, CONTAINER_UID, CONTAINER_UID) < 0 ||
                            chown(temporary, CONTAINER_UID, CONTAINER_UID) < 0)))
        r = error_set_errno(err, -errno, "cannot make a folder in '%s'", place);
    else
        r = run(tree, place, temporary, err);
    (void)file_remove_tree(place, NULL);
    return r;
}
