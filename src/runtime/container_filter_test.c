/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filter, run here as the kernel runs it: whether a computer has the calls of 32 bits or not,
 * it is known what would become of them.
 */
#define _GNU_SOURCE
#include "container.h"

#include "base/memory.h"
#include "base/test.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

enum { ALLOWED = 0 };

static bool jumps(const struct sock_filter *step, uint32_t value)
{
    switch (BPF_OP(step->code)) {
    case BPF_JEQ:
        return value == step->k;
    case BPF_JGT:
        return value > step->k;
    case BPF_JGE:
        return value >= step->k;
    case BPF_JSET:
        return (value & step->k) != 0;
    default:
        return true;
    }
}

/* What the kernel gives for a call: ALLOWED, or the errno. Of the language as much as is used. */
static int judge(const struct seccomp_data *call)
{
    struct slice filter;
    const struct sock_filter *steps;
    uint32_t value = 0;

    assert_int_equal(container_filter(&filter), 0);
    steps = (const struct sock_filter *)(const void *)filter.data;
    for (size_t i = 0; i < filter.length / sizeof(*steps); i++) {
        const struct sock_filter *step = &steps[i];

        switch (BPF_CLASS(step->code)) {
        case BPF_LD:
            assert_int_equal(step->code, BPF_LD | BPF_W | BPF_ABS);
            assert_true(step->k + sizeof(value) <= sizeof(*call));
            memcpy(&value, (const char *)call + step->k, sizeof(value));
            break;
        case BPF_ALU:
            assert_int_equal(step->code, BPF_ALU | BPF_AND | BPF_K);
            value &= step->k;
            break;
        case BPF_JMP:
            if (BPF_OP(step->code) == BPF_JA)
                i += step->k;
            else
                i += jumps(step, value) ? step->jt : step->jf;
            break;
        case BPF_RET:
            if (step->k == SECCOMP_RET_ALLOW)
                return ALLOWED;
            assert_int_equal(step->k & SECCOMP_RET_ACTION_FULL, SECCOMP_RET_ERRNO);
            return (int)(step->k & SECCOMP_RET_DATA);
        default:
            fail_msg("step %zu is %#x", i, step->code);
        }
    }
    fail_msg("the filter has no end");
    return -1;
}

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#define ARCHITECTURE 0
#endif

static int judge_here(int number, uint64_t first)
{
    struct seccomp_data call = {.nr = number, .arch = ARCHITECTURE, .args = {first}};

    return judge(&call);
}

static void what_programs_do_passes(void **state)
{
    static const int numbers[] = {SYS_read,   SYS_mmap,  SYS_execve, SYS_ptrace,
                                  SYS_futex,  SYS_wait4, SYS_kill,   SYS_seccomp,
                                  SYS_openat, SYS_prctl, SYS_capset, SYS_setresuid};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++)
        if (judge_here(numbers[i], 0) != ALLOWED)
            fail_msg("call %d", numbers[i]);
}

static void what_needs_rights_is_refused(void **state)
{
    static const int numbers[] = {
        SYS_mount,      SYS_umount2,           SYS_setns,           SYS_unshare,    SYS_bpf,
        SYS_keyctl,     SYS_add_key,           SYS_pivot_root,      SYS_chroot,     SYS_fsopen,
        SYS_move_mount, SYS_open_by_handle_at, SYS_perf_event_open, SYS_userfaultfd};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++)
        if (judge_here(numbers[i], 0) != EPERM)
            fail_msg("call %d", numbers[i]);
}

static void what_cannot_be_seen_or_is_too_young_is_not_there(void **state)
{
    (void)state;
    assert_int_equal(judge_here(SYS_clone3, 0), ENOSYS);
    assert_int_equal(judge_here(SYS_io_uring_setup, 0), ENOSYS);
    assert_int_equal(judge_here(1000, 0), ENOSYS);
}

static void flags_for_namespaces_are_refused_in_any_company(void **state)
{
    (void)state;
    assert_int_equal(judge_here(SYS_clone, SIGCHLD | CLONE_VM | CLONE_VFORK), ALLOWED);
    assert_int_equal(judge_here(SYS_clone, SIGCHLD | CLONE_NEWUSER), ENOSYS);
    assert_int_equal(judge_here(SYS_clone, SIGCHLD | CLONE_NEWNS | CLONE_VM), ENOSYS);
    assert_int_equal(judge_here(SYS_clone, SIGCHLD | CLONE_NEWNET | (uint64_t)UINT32_MAX << 32),
                     ENOSYS);
}

static void sockets_are_of_a_few_families(void **state)
{
    (void)state;
    assert_int_equal(judge_here(SYS_socket, AF_UNIX), ALLOWED);
    assert_int_equal(judge_here(SYS_socket, AF_INET6), ALLOWED);
    assert_int_equal(judge_here(SYS_socket, AF_VSOCK), ENOSYS);
    assert_int_equal(judge_here(SYS_socket, AF_PACKET), ENOSYS);
    assert_int_equal(judge_here(SYS_socket, (uint64_t)1 << 32 | AF_ALG), ENOSYS);
}

#if defined(__x86_64__)

/* Their numbers are those of asm/unistd_32.h. */
static int judge_32(int number, uint64_t first)
{
    struct seccomp_data call = {.nr = number, .arch = AUDIT_ARCH_I386, .args = {first}};

    return judge(&call);
}

static void calls_of_32_bits_are_judged_alike(void **state)
{
    enum { READ = 3, MOUNT = 21, CLONE = 120, UNSHARE = 310, SOCKET = 359, CLONE3 = 435 };

    (void)state;
    assert_int_equal(judge_32(READ, 0), ALLOWED);
    assert_int_equal(judge_32(MOUNT, 0), EPERM);
    assert_int_equal(judge_32(UNSHARE, 0), EPERM);
    assert_int_equal(judge_32(CLONE, SIGCHLD | CLONE_NEWUSER), ENOSYS);
    assert_int_equal(judge_32(CLONE3, 0), ENOSYS);
    assert_int_equal(judge_32(SOCKET, AF_INET), ALLOWED);
    assert_int_equal(judge_32(SOCKET, AF_VSOCK), ENOSYS);
}

static void a_socket_of_any_family_cannot_be_had_by_socketcall(void **state)
{
    enum { SOCKETCALL = 102, MAKE_SOCKET = 1, CONNECT = 3 };

    (void)state;
    assert_int_equal(judge_32(SOCKETCALL, MAKE_SOCKET), ENOSYS);
    assert_int_equal(judge_32(SOCKETCALL, CONNECT), ALLOWED);
}

/* The third way into this kernel: 64-bit registers, 32-bit pointers. */
static void calls_of_x32_are_not_there(void **state)
{
    enum { X32 = 0x40000000 };

    (void)state;
    assert_int_equal(judge_here(X32 | SYS_read, 0), ENOSYS);
    assert_int_equal(judge_here(X32 | SYS_mount, 0), ENOSYS);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_programs_do_passes),
        cmocka_unit_test(what_needs_rights_is_refused),
        cmocka_unit_test(what_cannot_be_seen_or_is_too_young_is_not_there),
        cmocka_unit_test(flags_for_namespaces_are_refused_in_any_company),
        cmocka_unit_test(sockets_are_of_a_few_families),
#if defined(__x86_64__)
        cmocka_unit_test(calls_of_32_bits_are_judged_alike),
        cmocka_unit_test(a_socket_of_any_family_cannot_be_had_by_socketcall),
        cmocka_unit_test(calls_of_x32_are_not_there),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
