/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of dusk-init share (container.h): each part ends the process if it fails. */
#pragma once

#include "container.h"
#include "container_report.h"

/* A start, from the specification to the program. */
struct container_birth {
    struct slice mapped; /* the specification, which spawn and filter lie in */
    struct keeper_spawn spawn;
    struct slice filter; /* for seccomp(2) */
    int specification;   /* descriptors, both to be closed before the program runs */
    int reports;
    bool is_announced; /* the pid of process 1 was told */
    struct birth birth;
};

/* Tells the keeper what blocked the way, and ends this process. */
_noreturn_ void container_give_up(struct container_birth *start, int error);

/* So that no capability can be had again: not by what has it in its file, and not by being root. */
void container_empty_bounding_set(void);

/*
 * In the new namespaces, with the rights of their owner: builds the root out of mounts and enters
 * it. The working folder is "/" afterwards.
 */
void container_enter_root(struct container_birth *start);

/* As process 1 within the root: starts the program, waits for its end, and says how that was. */
_noreturn_ void container_run(struct container_birth *start);

/* As the program itself, in a container like any other: returns its exit status. */
int container_specimen(void);
