/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls that a contained task may make: all that libseccomp knows, but for those below.
 * What it does not know, because the kernel is younger, answers ENOSYS, as an older kernel would,
 * and programs fall back to what they did before. So does clone3(), whose flags a filter cannot
 * see; of clone() those for new namespaces are refused, in which a task would have rights again.
 *
 * The list is that of container engines (their default profile, what it keeps for capabilities that
 * no task has), and io_uring: its requests pass no filter, and what uses it cannot be saved.
 */
#define _GNU_SOURCE
#include "container.h"

#include "sys/descriptor.h"
#include "sys/file.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NUMBER_MAX = 1024, FILTER_SIZE_MAX = 32768 };

/* For these there is something to fall back to. */
static const char *const unknown[] = {
    "clone3",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
};

static const char *const refused[] = {
    "acct",
    "add_key",
    "adjtimex",
    "bpf",
    "chroot",
    "clock_adjtime",
    "clock_adjtime64",
    "clock_settime",
    "clock_settime64",
    "create_module",
    "delete_module",
    "fanotify_init",
    "finit_module",
    "fsconfig",
    "fsmount",
    "fsopen",
    "fspick",
    "get_kernel_syms",
    "init_module",
    "ioperm",
    "iopl",
    "kcmp",
    "kexec_file_load",
    "kexec_load",
    "keyctl",
    "lookup_dcookie",
    "mount",
    "mount_setattr",
    "move_mount",
    "move_pages",
    "name_to_handle_at",
    "nfsservctl",
    "open_by_handle_at",
    "open_tree",
    "perf_event_open",
    "pivot_root",
    "query_module",
    "quotactl",
    "quotactl_fd",
    "reboot",
    "request_key",
    "setdomainname",
    "sethostname",
    "setns",
    "settimeofday",
    "stime",
    "swapoff",
    "swapon",
    "_sysctl",
    "syslog",
    "umount",
    "umount2",
    "unshare",
    "uselib",
    "userfaultfd",
    "ustat",
    "vhangup",
    "vm86",
    "vm86old",
};

static bool is_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* The kernel looks at the lower half of what stands in the register, and so must the rule. */
static int add_socket(scmp_filter_ctx context, int number)
{
    static const uint64_t families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
    int r = 0;

    for (size_t i = 0; i < ARRAY_LENGTH(families) && r == 0; i++)
        r = seccomp_rule_add(context, SCMP_ACT_ALLOW, number, 1,
                             SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, families[i]));
    return r;
}

static int add_call(scmp_filter_ctx context, int number, const char *name)
{
    const uint64_t namespaces = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC |
                                CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWNET;

    if (is_among(name, unknown, ARRAY_LENGTH(unknown)))
        return 0;
    if (is_among(name, refused, ARRAY_LENGTH(refused)))
        return seccomp_rule_add(context, SCMP_ACT_ERRNO(EPERM), number, 0);
    if (strcmp(name, "clone") == 0)
        return seccomp_rule_add(context, SCMP_ACT_ALLOW, number, 1,
                                SCMP_A0(SCMP_CMP_MASKED_EQ, namespaces, 0));
    if (strcmp(name, "socket") == 0)
        return add_socket(context, number);
    return seccomp_rule_add(context, SCMP_ACT_ALLOW, number, 0);
}

/* Every call that has a name on this architecture. Those of another one are added by name. */
static int add_calls(scmp_filter_ctx context, uint32_t architecture)
{
    for (int number = 0; number < NUMBER_MAX; number++) {
        _cleanup_free_ char *name = seccomp_syscall_resolve_num_arch(architecture, number);
        int here = name ? seccomp_syscall_resolve_name(name) : __NR_SCMP_ERROR;
        int r = here == __NR_SCMP_ERROR ? 0 : add_call(context, here, name);

        if (r < 0 && r != -EEXIST)
            return r;
    }
    return 0;
}

/* 32-bit programs run on a 64-bit kernel, too. */
static int add_architectures(scmp_filter_ctx context)
{
    int r = 0;

    if (seccomp_arch_native() == SCMP_ARCH_X86_64)
        r = seccomp_arch_add(context, SCMP_ARCH_X86);
    if (r == 0)
        r = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
    if (r == 0)
        r = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (r == 0)
        r = add_calls(context, seccomp_arch_native());
    if (r == 0 && seccomp_arch_native() == SCMP_ARCH_X86_64)
        r = add_calls(context, SCMP_ARCH_X86);
    return r;
}

/*
 * With 32 bits a socket is also had by socketcall(), which is many calls in one and has its
 * arguments where no rule sees them. libseccomp lets it make sockets of all families as soon as it
 * lets socket() make one, so it is refused that in front of the rules; it may do all else.
 */
static int write_beginning(int fd)
{
#if defined(__x86_64__)
    enum { SOCKETCALL = 102, MAKE_SOCKET = 1, RULES = 7 };
    const struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_I386, 0, RULES - 2),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOCKETCALL, 0, RULES - 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MAKE_SOCKET, 0, RULES - 6),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
    };

    return file_write_all(fd, steps, sizeof(steps));
#else
    (void)fd;
    return 0;
#endif
}

/* libseccomp writes the program to a descriptor. All jumps are relative and forward. */
static int export(scmp_filter_ctx context, struct slice *ret_filter)
{
    _cleanup_fd_ int fd = memfd_create("dusk-filter", MFD_CLOEXEC);
    struct stat status;
    int r;

    if (fd < 0)
        return -errno;
    r = write_beginning(fd);
    if (r == 0)
        r = seccomp_export_bpf(context, fd);
    if (r < 0)
        return r;
    if (fstat(fd, &status) < 0 || status.st_size > FILTER_SIZE_MAX)
        return -EFBIG;
    ret_filter->length = (size_t)status.st_size;
    ret_filter->data = mmap(NULL, ret_filter->length, PROT_READ, MAP_PRIVATE, fd, 0);
    return ret_filter->data == MAP_FAILED ? -errno : 0;
}

int container_filter(struct slice *ret_filter)
{
    static struct slice made;
    scmp_filter_ctx context;
    int r;

    if (made.data) {
        *ret_filter = made;
        return 0;
    }
    context = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    r = context ? add_architectures(context) : -ENOMEM;
    if (r == 0)
        r = export(context, ret_filter);
    if (r == 0)
        made = *ret_filter;
    if (context)
        seccomp_release(context);
    return r;
}
