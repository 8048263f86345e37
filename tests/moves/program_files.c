/* SPDX-License-Identifier: Apache-2.0 */
/* See program.h: files that are open, and what is known of them. */
#define _GNU_SOURCE
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { LINE_SIZE = 32, LINES_MAX = 100000, BLOCK_SIZE = 4096, BLOCKS = 64, MOMENT_MS = 50 };

static int file, other, watch;
static unsigned count;

/* ---- a file that grows: no line is lost, and none is there twice ---- */

static void begin_append(void)
{
    file = open("lines", O_RDWR | O_CREAT | O_APPEND, 0644);
    require(file >= 0, "open");
}

/* The last line is read again from where it must be. */
static void check_append(void)
{
    char line[LINE_SIZE], again[LINE_SIZE] = {0};
    off_t at = lseek(file, 0, SEEK_END);
    int length = snprintf(line, sizeof(line), "%012u\n", count);

    require(at == (off_t)count * length, "length");
    count += count < LINES_MAX;
    if (count == LINES_MAX)
        return;
    require(write(file, line, (size_t)length) == length, "write");
    require(pread(file, again, (size_t)length, at) == length && strcmp(line, again) == 0, "read");
}

/* ---- a file that has no name any more ---- */

static void begin_unlinked(void)
{
    char block[BLOCK_SIZE];

    file = open("unlinked", O_RDWR | O_CREAT, 0600);
    require(file >= 0 && unlink("unlinked") == 0, "unlink");
    for (unsigned i = 0; i < BLOCKS; i++) {
        memset(block, (int)i, sizeof(block));
        require(write(file, block, sizeof(block)) == sizeof(block), "write");
    }
}

static void check_unlinked(void)
{
    char block[BLOCK_SIZE], expected[BLOCK_SIZE];

    count = (count + 1) % BLOCKS;
    memset(expected, (int)count, sizeof(expected));
    require(pread(file, block, sizeof(block), count * BLOCK_SIZE) == BLOCK_SIZE, "read");
    require(memcmp(block, expected, sizeof(block)) == 0, "content");
}

/* ---- locks of both kinds, which another process must not get ---- */

static void begin_locks(void)
{
    struct flock whole = {.l_type = F_WRLCK};

    file = open("record", O_RDWR | O_CREAT, 0644);
    other = open("whole", O_RDWR | O_CREAT, 0644);
    require(fcntl(file, F_SETLK, &whole) == 0 && flock(other, LOCK_EX) == 0, "lock");
}

static bool is_locked(void)
{
    struct flock whole = {.l_type = F_WRLCK};
    int record = open("record", O_RDWR), entire = open("whole", O_RDWR);

    return fcntl(record, F_SETLK, &whole) < 0 && flock(entire, LOCK_EX | LOCK_NB) < 0;
}

static void check_locks(void)
{
    pid_t child = fork();
    int status;

    if (child == 0)
        _exit(is_locked() ? EXIT_SUCCESS : EXIT_FAILURE);
    require(child > 0 && waitpid(child, &status, 0) == child && status == 0, "locked");
}

/* ---- whoever watches a folder sees what happens there ---- */

static void begin_inotify(void)
{
    require(mkdir("watched", 0700) == 0, "folder");
    file = inotify_init1(IN_NONBLOCK);
    watch = inotify_add_watch(file, "watched", IN_CREATE);
    require(file >= 0 && watch >= 0, "watch");
}

static void make_file(void)
{
    int made = open("watched/made", O_WRONLY | O_CREAT, 0600);

    require(made >= 0 && close(made) == 0 && unlink("watched/made") == 0, "make");
}

/* What had happened and was not yet read is lost in a move, so it happens again. */
static void check_inotify(void)
{
    char events[BLOCK_SIZE];
    const struct inotify_event *event = (const void *)events;
    struct pollfd wait = {.fd = file, .events = POLLIN};

    do {
        make_file();
        (void)poll(&wait, 1, MOMENT_MS);
    } while (read(file, events, sizeof(events)) < 0);
    require(event->wd == watch && strcmp(event->name, "made") == 0, "event");
}

/* ---- a terminal of its own, as it was set: bytes as they are, and no echo ---- */

static void begin_pty(void)
{
    struct termios settings;

    file = posix_openpt(O_RDWR | O_NOCTTY);
    require(file >= 0 && grantpt(file) == 0 && unlockpt(file) == 0, "terminal");
    other = open(ptsname(file), O_RDWR | O_NOCTTY);
    require(other >= 0 && tcgetattr(other, &settings) == 0, "its other end");
    cfmakeraw(&settings);
    require(tcsetattr(other, TCSANOW, &settings) == 0, "settings");
}

static void check_pty(void)
{
    char line[LINE_SIZE] = {0};

    require(write(other, "word\n", 5) == 5, "show");
    require(read(file, line, sizeof(line)) == 5 && strcmp(line, "word\n") == 0, "read");
}

const struct program file_programs[] = {
    {"append", begin_append, check_append}, {"unlinked", begin_unlinked, check_unlinked},
    {"locks", begin_locks, check_locks},    {"inotify", begin_inotify, check_inotify},
    {"pty", begin_pty, check_pty},          {NULL, NULL, NULL},
};
