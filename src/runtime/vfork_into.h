/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vfork(2) with a child that is born into a control group: what posix_spawn() does, and clone3(2)
 * offers without a function of the C library.
 *
 * The child shares the parent's memory, and the parent stands still until the child calls execve()
 * or _exit(). A fork() of the keeper costs a task of a millisecond a third more CPU time than this:
 * page tables are copied, pages are faulted in again, and all is thrown away by execve().
 */
#pragma once

#include <sys/types.h>

/*
 * Runs child(context), which must not return, in a new process in the group whose folder `group`
 * is (-1: the parent's). It may change memory, but must not leave any allocated, and call nothing
 * that keeps an idea of its own of the process (raise(), setuid(), threads, stdio). Returns
 * the child's pid when it has called execve() or ended, or a negative errno.
 */
pid_t vfork_into(int group, void (*child)(void *context), void *context);
