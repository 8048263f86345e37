/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A task that means harm: what hostile.t has run in a container, beside somebody else's task. Each
 * attack is a function, and it says what stood in its way.
 */
#pragma once

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { HOSTILE_PATH_SIZE = 4096, HOSTILE_PIECE = 1 << 20 };

struct attack {
    const char *name;
    int (*run)(void); /* a positive errno; 0: nothing stood in its way */
};

#define ATTACK(name)                                                                               \
    {                                                                                              \
#name, name                                                                                \
    }

/* NULL behind the name at the end of each. */
extern const struct attack rights[];     /* what the kernel has to give */
extern const struct attack neighbours[]; /* what others have */
extern const struct attack others[];     /* what takes a task of its own */

/*
 * The words NAME=VALUE of the command line, which say where things are on the node: what a task
 * would have to guess. The empty text if there is none of that name.
 */
const char *value_of(const char *name);

/* For a call that gives -1. */
static inline int error_of(long result)
{
    return result < 0 ? errno : 0;
}

/* A socket that is in no folder, but in the network alone. Returns the length of its address. */
socklen_t name_abstract(struct sockaddr_un *address);

int read_path(const char *path);
int write_path(const char *path, const char *text);
