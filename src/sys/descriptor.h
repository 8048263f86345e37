/* SPDX-License-Identifier: Apache-2.0 */
/* File descriptors that close themselves, and Unix sockets under paths of any length. */
#pragma once

#include "base/error.h"

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

int descriptor_set_nonblocking(int fd);

/*
 * Unix sockets of type SOCK_STREAM or SOCK_SEQPACKET, close-on-exec, at `path`, which may be longer
 * than the 108 bytes of sockaddr_un (the folder is reached through /proc/self/fd). Listening
 * replaces a stale socket file and gives the new one `mode`. Return the descriptor or a negative
 * errno.
 */
int descriptor_listen_unix(const char *path, int type, mode_t mode, struct error *err);
int descriptor_connect_unix(const char *path, int type, struct error *err);
