/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a contained task finds: a read-only root out of parts of the node or of an image, its own
 * /job and /tmp, and /dev and /proc with no more in them than programs need. All of it exists in
 * this mount namespace alone and is gone with its last process.
 *
 * The root's folder on the node has nothing in it but mount points (agent/root.c makes it), because
 * nothing can be made below a read-only image. What is bound from the node is bound with all that
 * is mounted below it: in a user namespace the kernel lets nobody see what a mount covers.
 */
#define _GNU_SOURCE
#include "container_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { OPTIONS_SIZE = 64, PATH_SIZE = PATH_MAX, PARENT_MODE = 0755 };

/* The step that is told if it fails is always the same; what it was about is not. */
static void expect(struct container_birth *start, bool done, const char *what)
{
    int error = errno;

    if (done)
        return;
    birth_enter(&start->birth, KEEPER_STEP_CONTAINER, what);
    container_give_up(start, error);
}

/* Before Linux 5.12 only the mount itself can be made so, and not what lies below it. */
static bool set_attributes(const char *target, bool is_read_only)
{
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                                                (is_read_only ? MOUNT_ATTR_RDONLY : 0)};
    unsigned long flags = MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV;

    if (syscall(SYS_mount_setattr, AT_FDCWD, target, AT_RECURSIVE, &attributes,
                sizeof(attributes)) == 0)
        return true;
    if (errno != ENOSYS)
        return false;
    return mount(NULL, target, NULL, flags | (is_read_only ? MS_RDONLY : 0), NULL) == 0;
}

static void bind_folder(struct container_birth *start, const char *source, const char *target,
                        bool is_read_only)
{
    expect(start, mount(source, target, NULL, MS_BIND | MS_REC, NULL) == 0, source);
    expect(start, set_attributes(target, is_read_only), source);
}

static void mount_new(struct container_birth *start, const char *type, const char *target,
                      const char *options)
{
    unsigned long flags = MS_NOSUID | MS_NOEXEC | (strcmp(type, "tmpfs") == 0 ? 0 : MS_NODEV);

    if (strcmp(target, "dev/shm") == 0)
        flags |= MS_NODEV;
    if (strcmp(type, "devpts") == 0)
        flags &= ~(unsigned long)MS_NODEV;
    expect(start, mount(type, target, type, flags, options) == 0, target);
}

/* The mount itself, and nothing that is mounted below it. */
static void make_read_only(struct container_birth *start, const char *target)
{
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
    unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID;

    if (syscall(SYS_mount_setattr, AT_FDCWD, target, 0, &attributes, sizeof(attributes)) < 0)
        expect(start, errno == ENOSYS && mount(NULL, target, NULL, flags, NULL) == 0, target);
}

/* ---- /dev ---- */

/* The folders above a device's name, which may be in one: "dri/renderD128". */
static void make_parents(const char *path)
{
    char parent[PATH_SIZE];

    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);
        (void)mkdir(parent, PARENT_MODE);
    }
}

/* No node is made, which no user namespace may: the one of the node is bound to an empty file. */
static void bind_device(struct container_birth *start, const char *name)
{
    char source[PATH_SIZE], target[PATH_SIZE];
    int fd;

    snprintf(source, sizeof(source), "/dev/%s", name);
    snprintf(target, sizeof(target), "dev/%s", name);
    make_parents(target);
    fd = open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    expect(start, fd >= 0, source);
    close(fd);
    expect(start, mount(source, target, NULL, MS_BIND, NULL) == 0, source);
}

static void make_devices(struct container_birth *start)
{
    static const char *const usual[] = {CONTAINER_DEVICES};
    static const char *const links[][2] = {
        {"/proc/self/fd", "dev/fd"},       {"/proc/self/fd/0", "dev/stdin"},
        {"/proc/self/fd/1", "dev/stdout"}, {"/proc/self/fd/2", "dev/stderr"},
        {"pts/ptmx", "dev/ptmx"},
    };
    const struct keeper_spawn *spawn = &start->spawn;
    char options[OPTIONS_SIZE] = "mode=1777";

    mount_new(start, "tmpfs", "dev", "mode=755,size=64k");
    for (size_t i = 0; i < ARRAY_LENGTH(usual); i++)
        bind_device(start, usual[i]);
    for (const char **device = spawn->container.devices; *device; device++)
        bind_device(start, *device);
    for (size_t i = 0; i < ARRAY_LENGTH(links); i++)
        expect(start, symlink(links[i][0], links[i][1]) == 0, links[i][1]);
    expect(start, mkdir("dev/pts", PARENT_MODE) == 0 && mkdir("dev/shm", PARENT_MODE) == 0, "/dev");
    mount_new(start, "devpts", "dev/pts", "newinstance,ptmxmode=0666,mode=620");
    if (spawn->memory_max > 0)
        snprintf(options, sizeof(options), "mode=1777,size=%llu",
                 (unsigned long long)spawn->memory_max);
    mount_new(start, "tmpfs", "dev/shm", options);
    make_read_only(start, "dev");
}

/* ---- the whole ---- */

static void raise_loopback(struct container_birth *start)
{
    struct ifreq request = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool done = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0;

    request.ifr_flags |= IFF_UP;
    expect(start, done && ioctl(fd, SIOCSIFFLAGS, &request) == 0, "lo");
    close(fd);
}

/*
 * Root within is nobody on the node. It is as that one that things are made here: who is root on
 * the node has no name in these namespaces, and nothing can belong to him.
 */
static void become_root_within(struct container_birth *start)
{
    if (start->spawn.becomes_user)
        expect(start,
               prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 && syscall(SYS_setresgid, 0, 0, 0) == 0 &&
                   syscall(SYS_setresuid, 0, 0, 0) == 0,
               "user namespace");
}

static void change_root(struct container_birth *start)
{
    expect(start, syscall(SYS_pivot_root, ".", ".") == 0 && umount2(".", MNT_DETACH) == 0,
           "pivot_root");
    expect(start, chdir("/") == 0, "/");
    make_read_only(start, "/");
}

/*
 * What services keep in /run, whose sockets answer whoever can see them: the one that finds names
 * would be a way out.
 */
static bool is_for_network(const char *target)
{
    return strncmp(target, "run/", strlen("run/")) == 0;
}

void container_enter_root(struct container_birth *start)
{
    const struct keeper_container *container = &start->spawn.container;

    expect(start, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "mount namespace");
    bind_folder(start, container->root, container->root, false);
    expect(start, chdir(container->root) == 0, container->root);
    for (size_t i = 0; container->sources[i]; i++)
        if (container->has_network || !is_for_network(container->targets[i]))
            bind_folder(start, container->sources[i], container->targets[i], true);
    bind_folder(start, start->spawn.folder, CONTAINER_WORK + 1, false);
    bind_folder(start, container->temporary, CONTAINER_TEMPORARY + 1, false);
    become_root_within(start);
    make_devices(start);
    mount_new(start, "proc", "proc", NULL);
    if (!container->has_network)
        raise_loopback(start);
    expect(start, sethostname(container->host_name, strlen(container->host_name)) == 0,
           "host name");
    change_root(start);
}
