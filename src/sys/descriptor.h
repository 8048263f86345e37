/* SPDX-License-Identifier: Apache-2.0 */
/* File descriptors that close themselves, and Unix sockets under paths of any length. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <sys/types.h>

/* Closes the descriptor unless it is negative; errno stays as it was. Returns -1. */
int descriptor_close(int fd);

static inline void descriptor_close_p(int *fd)
{
    descriptor_close(*fd);
}

#define _cleanup_fd_ _cleanup_(descriptor_close_p)

/* The descriptor becomes the caller's; -1 stays behind for the cleanup attribute. */
static inline int descriptor_take(int *fd)
{
    int taken = *fd;

    *fd = -1;
    return taken;
}

/*
 * Closes all descriptors from `first` to `last`, or has them closed by execve() (`at_exec`): what
 * close_range(2) does, also where the kernel has none (before Linux 5.9, for `at_exec` before 5.11,
 * or because a sandbox says so), and by the same promise: nothing is allocated, so a child of
 * vfork() may call it. Returns 0 or a negative errno: there is neither that call nor a /proc.
 */
int descriptor_close_range(unsigned first, unsigned last, bool at_exec);

int descriptor_set_nonblocking(int fd);

/*
 * Unix sockets of type SOCK_STREAM or SOCK_SEQPACKET, close-on-exec, at `path`, which may be longer
 * than the 108 bytes of sockaddr_un (the folder is reached through /proc/self/fd). Listening
 * replaces a stale socket file and gives the new one `mode`. Return the descriptor or a negative
 * errno.
 */
int descriptor_listen_unix(const char *path, int type, mode_t mode, struct error *err);
int descriptor_connect_unix(const char *path, int type, struct error *err);
