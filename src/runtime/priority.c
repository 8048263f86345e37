/* SPDX-License-Identifier: Apache-2.0 */
/* See priority.h. */
#define _GNU_SOURCE
#include "priority.h"

#include "sys/descriptor.h"

#include <fcntl.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NICE_FIRST = -10, NICE_LAST = 10 };

static void wait_for_the_disk(pid_t pid)
{
    (void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, pid, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
}

/* Whoever started us with another nice value meant it. */
void priority_go_first(void)
{
    if (getpriority(PRIO_PROCESS, 0) == 0)
        (void)setpriority(PRIO_PROCESS, 0, NICE_FIRST);
}

void priority_raise_session(void)
{
    _cleanup_fd_ int fd = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
    char nice[8];

    snprintf(nice, sizeof(nice), "%d", NICE_FIRST);
    if (fd >= 0)
        (void)!write(fd, nice, strlen(nice));
}

bool priority_go_before_all(void)
{
    const struct sched_param least = {.sched_priority = 1};

    return sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &least) == 0;
}

void priority_set_nice(int nice)
{
    (void)setpriority(PRIO_PROCESS, 0, nice);
}

void priority_wait(void)
{
    (void)setpriority(PRIO_PROCESS, 0, NICE_LAST);
    wait_for_the_disk(0);
}

void priority_give_way(pid_t pid)
{
    const struct sched_param none = {0};

    (void)sched_setscheduler(pid, SCHED_IDLE, &none);
    wait_for_the_disk(pid);
}
