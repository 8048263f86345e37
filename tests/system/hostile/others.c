/* SPDX-License-Identifier: Apache-2.0 */
/* See hostile.h: those who take all that there is of something, and what else needs a task. */
#define _GNU_SOURCE
#include "hostile.h"

#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What an owner has that is not in a folder of his own, until SIGTERM. */
static int own(void)
{
    struct sockaddr_un address = {0};
    socklen_t length = name_abstract(&address);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), shared, number;
    char file[HOSTILE_PATH_SIZE], temporary[HOSTILE_PATH_SIZE];
    const char *queue = file + strlen("/dev/shm");
    sigset_t ends;

    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    snprintf(file, sizeof(file), "/dev/shm/%s", value_of("mark"));
    snprintf(temporary, sizeof(temporary), "/tmp/%s", value_of("mark"));
    shared = shmget((key_t)strtol(value_of("shared"), NULL, 0), HOSTILE_PIECE, IPC_CREAT | 0600);
    if (shared < 0 || bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, 9) < 0 ||
        mq_open(queue, O_CREAT | O_RDWR, 0600, NULL) < 0 ||
        open(file, O_CREAT | O_RDWR, 0600) < 0 || open(temporary, O_CREAT | O_RDWR, 0600) < 0) {
        perror("hostile");
        return 1;
    }
    puts("ready");
    sigwait(&ends, &number);
    unlink(file);
    unlink(temporary);
    mq_unlink(queue);
    return shmctl(shared, IPC_RMID, NULL) < 0;
}

/* Another one's task, which wants no more than to compute. */
_Noreturn static int compute(void)
{
    for (int i = 0;; i++) {
        printf("%d\n", i);
        usleep(20000);
    }
}

/* ---- those who take all ---- */

/* A moment between the pieces: whoever only looks now and then must have the time to. */
static void rest(void)
{
    usleep(10000);
}

_Noreturn static int take_memory(void)
{
    for (;;) {
        char *piece = malloc(HOSTILE_PIECE);

        if (piece)
            memset(piece, 'x', HOSTILE_PIECE);
        rest();
    }
}

/* Into a file until there is no more, and then for ever: whoever fills must be stopped. */
_Noreturn static void fill(int fd)
{
    static char piece[HOSTILE_PIECE];

    memset(piece, 'x', sizeof(piece));
    if (fd < 0) {
        perror("hostile");
        exit(1);
    }
    for (;;) {
        if (write(fd, piece, sizeof(piece)) < 0 && errno != ENOSPC) {
            perror("hostile");
            exit(1);
        }
        rest();
    }
}

_Noreturn static int take_shared_files(void)
{
    fill(open("/dev/shm/all", O_WRONLY | O_CREAT, 0600));
}

_Noreturn static int take_nameless_memory(void)
{
    fill((int)syscall(SYS_memfd_create, "all", 0));
}

_Noreturn static int take_shared_memory(void)
{
    for (;;) {
        int segment = shmget(IPC_PRIVATE, HOSTILE_PIECE, IPC_CREAT | 0600);
        void *piece = segment < 0 ? (void *)-1 : shmat(segment, NULL, 0);

        if (piece != (void *)-1) {
            memset(piece, 'x', HOSTILE_PIECE);
            shmdt(piece);
        }
        rest();
    }
}

_Noreturn static int take_folder(void)
{
    fill(open("/job/all", O_WRONLY | O_CREAT, 0600));
}

_Noreturn static int take_temporary(void)
{
    fill(open("/tmp/all", O_WRONLY | O_CREAT, 0600));
}

/* What has no name any more is in no folder either. */
_Noreturn static int take_unseen(void)
{
    int fd = open("/job/all", O_WRONLY | O_CREAT, 0600);

    unlink("/job/all");
    fill(fd);
}

_Noreturn static int take_names(void)
{
    char name[32];

    for (int i = 0;; i++) {
        snprintf(name, sizeof(name), "/job/%d", i);
        close(open(name, O_WRONLY | O_CREAT, 0600));
        if (i % 100 == 0)
            rest();
    }
}

/* Deeper than any path is long. */
_Noreturn static int take_depth(void)
{
    char name[250];

    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    for (int i = 0; i < 20; i++)
        if (mkdir(name, 0700) < 0 || chdir(name) < 0)
            exit(1);
    fill(open("all", O_WRONLY | O_CREAT, 0600));
}

/* Who cannot fork any more tries again: nothing but an end from outside ends this. */
_Noreturn static int take_processes(void)
{
    signal(SIGTERM, SIG_IGN);
    for (;;)
        if (fork() < 0)
            rest();
}

/* It leaves a child that has no parent, no session and no name of ours, and lives for ever. */
static int stay(void)
{
    if (fork() == 0) {
        setsid();
        signal(SIGTERM, SIG_IGN);
        signal(SIGHUP, SIG_IGN);
        if (fork() == 0)
            for (;;)
                pause();
        _exit(0);
    }
    usleep(1000);
    return 0;
}

/* As process 1 says it, and it is not process 1. */
static int pose(void)
{
    prctl(PR_SET_NAME, "signal 9", 0, 0, 0);
    return 128 + SIGKILL;
}

/* What is not to come home as it is: links that lead away, and what is neither file nor folder. */
static int leave(void)
{
    return symlink("/etc/shadow", "stolen") < 0 || symlink("../../..", "above") < 0 ||
           mkdir("folder", 0777) < 0 || symlink("/etc/passwd", "folder/far") < 0 ||
           mkfifo("folder/pipe", 0666) < 0;
}

static int leave_raised(void)
{
    close(open("raised", O_WRONLY | O_CREAT, 0755));
    return chmod("raised", 06755) < 0;
}

static int leave_behind(void)
{
    char path[HOSTILE_PATH_SIZE];

    snprintf(path, sizeof(path), "/dev/shm/%s", value_of("mark"));
    close(open(path, O_WRONLY | O_CREAT, 0600));
    snprintf(path, sizeof(path), "/tmp/%s", value_of("mark"));
    close(open(path, O_WRONLY | O_CREAT, 0600));
    return shmget(0x64757374, HOSTILE_PIECE, IPC_CREAT | 0600) < 0 ||
           mq_open("/left", O_CREAT | O_RDWR, 0600, NULL) < 0;
}

const struct attack others[] = {
    ATTACK(own),
    ATTACK(compute),
    ATTACK(take_memory),
    ATTACK(take_shared_files),
    ATTACK(take_nameless_memory),
    ATTACK(take_shared_memory),
    ATTACK(take_folder),
    ATTACK(take_temporary),
    ATTACK(take_unseen),
    ATTACK(take_names),
    ATTACK(take_depth),
    ATTACK(take_processes),
    ATTACK(stay),
    ATTACK(pose),
    ATTACK(leave),
    ATTACK(leave_raised),
    ATTACK(leave_behind),
    {0},
};
