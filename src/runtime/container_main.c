/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dusk-init: a static program of its own, which makes a task's container and is process 1 in it
 * (container.h). It runs twice for each task:
 *
 *     dusk-init launch SPECIFICATION REPORTS   on the node: namespaces, user ids, mounts
 *     dusk-init run SPECIFICATION REPORTS      within, from the task's own root, as process 1
 *
 *     dusk-init probe                          within, as a program: it worked
 *     dusk-init specimen                       likewise, to be saved and restored
 *
 * The second is the same process after an execve(), because what is saved and restored elsewhere
 * may have nothing mapped that lies outside its root. Their arguments are descriptors.
 *
 * The process that the keeper started makes the namespaces by clone(2), since only somebody
 * outside may write the maps of user ids, and ends. CLONE_PARENT makes process 1 the keeper's
 * child.
 */
#define _GNU_SOURCE
#include "container_internal.h"

#include "base/buffer.h"
#include "base/number.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    EXIT_NOT_STARTED = 127,
    PATH_SIZE = 64,
    MAP_SIZE = 128,
    CAPABILITIES_MAX = 64,
    ARGUMENT_COUNT = 4,
    PROGRAM_ARGUMENT_COUNT = 2,
    NAMESPACES =
        CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP,
};

static bool tell(int reports, const void *bytes, size_t size)
{
    return write(reports, bytes, size) == (ssize_t)size;
}

/* Whether anybody listens any more makes no difference. */
_noreturn_ void container_give_up(struct container_birth *start, int error)
{
    struct container_report report = {.step = (int32_t)start->birth.step, .error = error};
    const int32_t nobody = 0;

    snprintf(report.path, sizeof(report.path), "%s", start->birth.path);
    if (start->is_announced || tell(start->reports, &nobody, sizeof(nobody)))
        (void)tell(start->reports, &report, sizeof(report));
    _exit(EXIT_NOT_STARTED);
}

void container_empty_bounding_set(void)
{
    for (unsigned long i = 0; i < CAPABILITIES_MAX && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) == 0; i++)
        ;
}

/* It lies in the memory of this process from now on; process 1 gives it back. */
static int read_specification(struct container_birth *start)
{
    struct keeper_request request;
    struct slice all;
    struct stat status;
    size_t length;

    if (fstat(start->specification, &status) < 0)
        return -errno;
    all.length = (size_t)status.st_size;
    all.data = mmap(NULL, all.length, PROT_READ, MAP_PRIVATE, start->specification, 0);
    if (all.data == MAP_FAILED)
        return -errno;
    if (keeper_message_find_frame(all, &length) != 1 ||
        keeper_message_decode_request((struct slice){.data = all.data, .length = length},
                                      &request) < 0)
        return -EBADMSG;
    start->mapped = all;
    start->spawn = request.spawn;
    start->filter = (struct slice){.data = all.data + length, .length = all.length - length};
    start->birth.spawn = &start->spawn;
    start->birth.environment = start->spawn.environment;
    return 0;
}

/* ---- outside ---- */

static bool write_file(pid_t pid, const char *name, const char *text)
{
    char path[PATH_SIZE];
    bool done;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return done;
}

/* Two users that have a name within, or, if the agent is nobody special, that one alone. */
static bool write_map(pid_t pid, const char *name, const struct keeper_spawn *spawn, unsigned id)
{
    char map[MAP_SIZE];

    if (spawn->becomes_user)
        snprintf(map, sizeof(map), "0 %d 1\n%d %u 1\n", CONTAINER_ROOT_UID, CONTAINER_UID, id);
    else
        snprintf(map, sizeof(map), "%u %u 1\n", id, id);
    return write_file(pid, name, map);
}

static bool write_maps(pid_t pid, const struct keeper_spawn *spawn)
{
    return write_file(pid, "setgroups", "deny") &&
           write_map(pid, "uid_map", spawn, spawn->becomes_user ? spawn->uid : geteuid()) &&
           write_map(pid, "gid_map", spawn, spawn->becomes_user ? spawn->gid : getegid());
}

/* ---- inside ---- */

/* The keeper's death ends it; if that was a moment ago, nobody can read the reports any more. */
static void follow_keeper(struct container_birth *start)
{
    struct pollfd reports = {.fd = start->reports, .events = POLLOUT};

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        container_give_up(start, errno);
    if (poll(&reports, 1, 0) < 0 || reports.revents & POLLERR)
        _exit(EXIT_NOT_STARTED);
}

_noreturn_ static void go_inside(struct container_birth *start, int gate, char **arguments)
{
    char none;

    /* Until the maps are written nobody has a name here. */
    if (read(gate, &none, 1) != 1)
        _exit(EXIT_NOT_STARTED);
    close(gate);
    start->is_announced = true;
    container_enter_root(start);
    follow_keeper(start);
    /* Who is not root within has no right to that after the execve(). */
    if (!start->spawn.becomes_user)
        container_empty_bounding_set();
    arguments[1] = (char *)"run";
    execve(CONTAINER_INIT, arguments, environ);
    birth_enter(&start->birth, KEEPER_STEP_CONTAINER, CONTAINER_INIT);
    container_give_up(start, errno);
}

_noreturn_ static void launch(struct container_birth *start, char **arguments)
{
    bool has_network = start->spawn.container.has_network;
    unsigned long flags = NAMESPACES | CLONE_PARENT | (has_network ? 0 : CLONE_NEWNET);
    int32_t pid;
    int gate[2];

    birth_enter(&start->birth, KEEPER_STEP_CONTAINER, "user namespace");
    if (start->spawn.becomes_user &&
        (start->spawn.uid == 0 || start->spawn.gid == 0 || syscall(SYS_setgroups, 0, NULL) < 0))
        container_give_up(start, EPERM);
    if (pipe2(gate, O_CLOEXEC) < 0)
        container_give_up(start, errno);
    pid = (int32_t)syscall(SYS_clone, flags, 0, 0, 0, 0);
    if (pid == 0) {
        close(gate[1]);
        go_inside(start, gate[0], arguments);
    }
    if (pid < 0)
        container_give_up(start, errno);
    /* Its number goes first: who cannot go on is to be reaped. */
    start->is_announced = tell(start->reports, &pid, sizeof(pid));
    if (!start->is_announced || !write_maps(pid, &start->spawn) || write(gate[1], "", 1) != 1)
        container_give_up(start, errno);
    _exit(0);
}

static int parse_descriptor(const char *text)
{
    uint64_t number;

    return number_parse_u64(slice_from_text(text), &number) == 0 && number < INT_MAX ? (int)number
                                                                                     : -1;
}

static int be_program(const char *name)
{
    if (strcmp(name, CONTAINER_SPECIMEN) == 0)
        return container_specimen();
    return strcmp(name, "probe") == 0 ? 0 : EXIT_NOT_STARTED;
}

int main(int argc, char **argv)
{
    static struct container_birth start;
    int r;

    if (argc == PROGRAM_ARGUMENT_COUNT)
        return be_program(argv[1]);
    if (argc != ARGUMENT_COUNT)
        return EXIT_NOT_STARTED;
    start.specification = parse_descriptor(argv[2]);
    start.reports = parse_descriptor(argv[3]);
    start.is_announced = strcmp(argv[1], "run") == 0;
    birth_enter(&start.birth, KEEPER_STEP_CONTAINER, "specification");
    r = read_specification(&start);
    if (r < 0)
        container_give_up(&start, -r);
    if (start.is_announced)
        container_run(&start);
    launch(&start, argv);
}
