/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last steps from a request to a running program, for whoever takes them: the keeper's child,
 * or the first process of a container. They are taken as the task's user, where the task's files
 * are; nothing here allocates (vfork_into.h), and what blocked the way is left behind to be told.
 */
#pragma once

#include "keeper_failure.h"

/* What the steps need to know, and how far they came. */
struct birth {
    const struct keeper_spawn *spawn;
    const char **environment; /* all of it, NULL at the end */
    enum keeper_step step;
    const char *path; /* what is used there */
    int error;        /* a positive errno: why it went no further; 0: it runs */
    char culprit[KEEPER_CULPRIT_SIZE];
};

/* From now on this step is the one that may fail, at `path` ("" where that is no file). */
void birth_enter(struct birth *birth, enum keeper_step step, const char *path);

/* Enters `folder` and opens the three streams below it. Returns 0 or a negative errno. */
int birth_enter_folder(struct birth *birth, const char *folder);

/* Becomes the program; returns only when that failed, a negative errno. */
int birth_execute(struct birth *birth, const char *program);
