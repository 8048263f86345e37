/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See vfork_into.h. A child on the parent's stack would overwrite what the parent returns to, so it
 * gets a stack of its own; to come from the system call to the child's function on a stack that
 * is empty takes a few instructions per architecture. Where they are not written, or the kernel has
 * no clone3(2) (before 5.3, or because a sandbox says so, as those of containers often do), the C
 * library's clone() does the same, and the child joins the group itself, which is right but slow:
 * milliseconds on an idle computer (an RCU grace period).
 */
#define _GNU_SOURCE
#include "vfork_into.h"

#include "base/memory.h"
#include "sys/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STACK_SIZE = 64 * 1024 };

typedef void child_function(void *context);

#if defined(__x86_64__)

/* The parent goes on behind the label; the child calls its function and never comes back. */
static long clone_on_stack(struct clone_args *arguments, child_function *child, void *context)
{
    register child_function *function __asm__("r12") = child;
    register void *argument __asm__("r13") = context;
    long result;

    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "mov %%r13, %%rdi\n\t"
                     "call *%%r12\n\t"
                     "hlt\n"
                     "1:"
                     : "=a"(result)
                     : "a"((long)SYS_clone3), "D"(arguments), "S"(sizeof(*arguments)),
                       "r"(function), "r"(argument)
                     : "rcx", "r11", "memory", "cc");
    return result;
}

#elif defined(__aarch64__)

static long clone_on_stack(struct clone_args *arguments, child_function *child, void *context)
{
    register long result __asm__("x0") = (long)arguments;
    register size_t size __asm__("x1") = sizeof(*arguments);
    register long number __asm__("x8") = SYS_clone3;
    register child_function *function __asm__("x19") = child;
    register void *argument __asm__("x20") = context;

    __asm__ volatile("svc #0\n\t"
                     "cbnz x0, 1f\n\t"
                     "mov x29, xzr\n\t"
                     "mov x0, x20\n\t"
                     "blr x19\n\t"
                     "brk #1\n"
                     "1:"
                     : "+r"(result)
                     : "r"(size), "r"(number), "r"(function), "r"(argument)
                     : "memory", "cc");
    return result;
}

#endif

#if defined(__x86_64__) || defined(__aarch64__)

static pid_t clone_at_once(int group, char *stack, child_function *child, void *context)
{
    struct clone_args arguments = {
        .flags = CLONE_VM | CLONE_VFORK,
        .exit_signal = SIGCHLD,
        .stack = (uintptr_t)stack,
        .stack_size = STACK_SIZE,
    };

    if (group >= 0) {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = (uint64_t)group;
    }
    return (pid_t)clone_on_stack(&arguments, child, context);
}

#else

static pid_t clone_at_once(int group, char *stack, child_function *child, void *context)
{
    (void)group, (void)stack, (void)child, (void)context;
    return -ENOSYS;
}

#endif

struct late_joiner {
    int group;
    child_function *child;
    void *context;
};

static int join_late(void *context)
{
    const struct late_joiner *joiner = context;
    int fd = joiner->group < 0 ? -1 : openat(joiner->group, "cgroup.procs", O_WRONLY | O_CLOEXEC);

    if (joiner->group >= 0 && write(fd, "0", 1) != 1)
        _exit(1);
    joiner->child(joiner->context);
    return 1;
}

static pid_t clone_late(int group, char *stack, child_function *child, void *context)
{
    struct late_joiner joiner = {.group = group, .child = child, .context = context};
    pid_t pid = clone(join_late, stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | SIGCHLD, &joiner);

    return pid < 0 ? -errno : pid;
}

pid_t vfork_into(int group, void (*child)(void *context), void *context)
{
    _cleanup_free_ char *stack = memory_allocate(STACK_SIZE);
    pid_t pid = clone_at_once(group, stack, child, context);

    return pid == -ENOSYS ? clone_late(group, stack, child, context) : pid;
}
