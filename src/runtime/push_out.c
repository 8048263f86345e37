/* SPDX-License-Identifier: Apache-2.0 */
/* See push_out.h. */
#define _GNU_SOURCE
#include "push_out.h"

#include "priority.h"
#include "sys/descriptor.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * The agent's connection must not stay open with it, nor may it outlive its keeper. The folder is
 * the group's own, which is kept open by its number alone.
 */
static _Noreturn void run_child(const struct cgroup_limits *limits)
{
    int folder = limits->by_controller[CGROUP_MEMORY].folder;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    priority_give_way(0);
    if (folder > 0)
        descriptor_close_range(0, (unsigned)folder - 1, false);
    descriptor_close_range((unsigned)folder + 1, UINT_MAX, false);
    _exit(cgroup_limits_push_out(limits) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

bool push_out_begin(struct push_out *push_out, uint64_t key, const struct cgroup_limits *limits)
{
    pid_t child = fork();

    if (child == 0)
        run_child(limits);
    if (child < 0)
        return false;
    *push_out = (struct push_out){.child = child, .key = key};
    return true;
}

/* The kernel looks for a signal between any two of its own, small steps. */
void push_out_stop(struct push_out *push_out)
{
    if (push_out->child > 0)
        kill(push_out->child, SIGKILL);
    *push_out = PUSH_OUT_INIT;
}

bool push_out_has_ended(struct push_out *push_out, pid_t pid, int wait_status, bool *ret_is_out)
{
    if (push_out->child == 0 || pid != push_out->child)
        return false;
    *ret_is_out = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == EXIT_SUCCESS;
    *push_out = PUSH_OUT_INIT;
    return true;
}
