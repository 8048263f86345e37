/* SPDX-License-Identifier: Apache-2.0 */
/* What scratch.c (laying and removing) and scratch_collect.c (taking) share. */
#pragma once

#include "scratch.h"

#define SCRATCH_WORK      "work"
#define SCRATCH_TEMPORARY "temporary"
#define SCRATCH_SNAPSHOT  "snapshot"

struct scratch {
    char *folder;    /* owned; absolute */
    char *work;      /* owned */
    char *temporary; /* owned */
    int folder_fd;
    int work_fd;
    int temporary_fd; /* -1 until it is needed */
    uid_t uid;
    gid_t gid;
};

/*
 * Opens a name below the work folder; links are followed as long as they stay below it. Returns the
 * descriptor or a negative errno, -EXDEV for what leads out.
 */
int scratch_open_beneath(const struct scratch *scratch, const char *name, int flags);
