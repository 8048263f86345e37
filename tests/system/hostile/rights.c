/* SPDX-License-Identifier: Apache-2.0 */
/* See hostile.h: what the kernel has to give, and a task shall not have. */
#define _GNU_SOURCE
#include "hostile.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- mounts and roots ---- */

static int mount_tmpfs(void)
{
    return error_of(mount("none", "/tmp", "tmpfs", 0, NULL));
}

static int mount_bind(void)
{
    return error_of(mount("/usr", "/job", NULL, MS_BIND, NULL));
}

static int mount_groups(void)
{
    return error_of(mount("none", "/tmp", "cgroup2", 0, NULL));
}

static int remount_writable(void)
{
    return error_of(mount(NULL, "/usr", NULL, MS_REMOUNT | MS_BIND, NULL));
}

static int set_mount_writable(void)
{
    struct mount_attr attributes = {.attr_clr = MOUNT_ATTR_RDONLY};

    return error_of(
        syscall(SYS_mount_setattr, AT_FDCWD, "/usr", 0, &attributes, sizeof(attributes)));
}

static int unmount_usr(void)
{
    return error_of(umount2("/usr", MNT_DETACH));
}

static int open_file_system(void)
{
    return error_of(syscall(SYS_fsopen, "tmpfs", 0));
}

static int copy_mount(void)
{
    return error_of(syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE));
}

static int pivot(void)
{
    return error_of(syscall(SYS_pivot_root, "/job", "/job"));
}

static int change_root(void)
{
    return error_of(chroot("/job"));
}

static int write_read_only(void)
{
    return error_of(open("/usr/planted", O_WRONLY | O_CREAT, 0644));
}

static int write_root(void)
{
    return error_of(open("/planted", O_WRONLY | O_CREAT, 0644));
}

static int replace_init(void)
{
    return error_of(rename("/job/hostile", "/.dusk/dusk-init"));
}

/* ---- namespaces ---- */

static int unshare_user(void)
{
    return error_of(unshare(CLONE_NEWUSER));
}

static int unshare_mounts(void)
{
    return error_of(unshare(CLONE_NEWNS));
}

static int unshare_groups(void)
{
    return error_of(unshare(CLONE_NEWCGROUP));
}

static int join_namespace(void)
{
    int fd = open("/proc/self/ns/mnt", O_RDONLY);

    return fd < 0 ? errno : error_of(setns(fd, 0));
}

static int join_pidfd(void)
{
    int fd = (int)syscall(SYS_pidfd_open, 1, 0);

    return fd < 0 ? errno : error_of(setns(fd, CLONE_NEWNS | CLONE_NEWPID));
}

static int end_child(long pid)
{
    if (pid == 0)
        _exit(0);
    if (pid > 0)
        waitpid((pid_t)pid, NULL, 0);
    return error_of(pid);
}

static int clone_user(void)
{
    return end_child(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
}

/* The kernel looks at the lower half of the flags alone. */
static int clone_user_masked(void)
{
    return end_child(
        syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD | 0xffffffff00000000ULL, 0, 0, 0, 0));
}

static int clone3_user(void)
{
    struct clone_args arguments = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};

    return end_child(syscall(SYS_clone3, &arguments, sizeof(arguments)));
}

static int map_root(void)
{
    return write_path("/proc/self/uid_map", "0 0 1\n");
}

/* ---- rights ---- */

static int become_root(void)
{
    return error_of(syscall(SYS_setresuid, 0, 0, 0));
}

static int join_group(void)
{
    gid_t group = 0;

    return error_of(syscall(SYS_setgroups, 1, &group));
}

static int take_capability(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct wanted[2] = {
        {.effective = 1 << CAP_CHOWN, .permitted = 1 << CAP_CHOWN}};

    return error_of(syscall(SYS_capset, &header, wanted));
}

static int give_to_root(void)
{
    return error_of(chown("/job/own", 0, 0));
}

/* With the bit for its owner's rights it runs as before, and as nobody else. */
static int run_set_uid(void)
{
    struct stat status;

    if (chmod("/job/hostile", 04755) < 0 || stat("/usr/bin/su", &status) < 0)
        return errno;
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? EPERM : 0;
}

static int raise_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return errno;
    limit.rlim_max++;
    return error_of(setrlimit(RLIMIT_NOFILE, &limit));
}

static int run_first(void)
{
    const struct sched_param first = {.sched_priority = 1};

    return error_of(sched_setscheduler(0, SCHED_FIFO, &first));
}

static int be_less_nice(void)
{
    return error_of(setpriority(PRIO_PROCESS, 0, -5));
}

static int outlive_shortage(void)
{
    return write_path("/proc/self/oom_score_adj", "-500");
}

/* ---- the kernel ---- */

static int load_program(void)
{
    union bpf_attr attributes = {
        .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};

    return error_of(syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof(attributes)));
}

static int watch_processor(void)
{
    struct perf_event_attr attributes = {.type = PERF_TYPE_SOFTWARE,
                                         .size = sizeof(attributes),
                                         .config = PERF_COUNT_SW_TASK_CLOCK,
                                         .exclude_kernel = 1};

    return error_of(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
}

static int ring(void)
{
    struct io_uring_params parameters = {0};

    return error_of(syscall(SYS_io_uring_setup, 1, &parameters));
}

static int handle_faults(void)
{
    return error_of(syscall(SYS_userfaultfd, UFFD_USER_MODE_ONLY));
}

static int add_key(void)
{
    return error_of(syscall(SYS_add_key, "user", "planted", "x", 1, KEY_SPEC_SESSION_KEYRING));
}

static int request_key(void)
{
    return error_of(syscall(SYS_request_key, "user", "of-the-owner", NULL, 0));
}

static int join_keyring(void)
{
    return error_of(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
}

static int set_host_name(void)
{
    return error_of(sethostname("planted", 7));
}

static int set_clock(void)
{
    struct timex change = {.modes = ADJ_TICK, .tick = 10000};

    return error_of(adjtimex(&change));
}

static int restart_computer(void)
{
    return error_of(syscall(SYS_reboot, 0xfee1deadL, 672274793L, 0x00000000L, NULL));
}

static int load_module(void)
{
    return error_of(syscall(SYS_init_module, "", 0, ""));
}

static int read_kernel_log(void)
{
    char text[64];

    return error_of(syscall(SYS_syslog, 3, text, sizeof(text)));
}

static int swap_off(void)
{
    return error_of(syscall(SYS_swapoff, "/job/own"));
}

static int count_processes(void)
{
    return error_of(syscall(SYS_acct, NULL));
}

static int open_handle(void)
{
    struct {
        struct file_handle head;
        unsigned char bytes[8];
    } handle = {.head = {.handle_bytes = 8, .handle_type = 1}, .bytes = {2}};

    return error_of(syscall(SYS_open_by_handle_at, AT_FDCWD, &handle, O_RDONLY));
}

static int make_device(void)
{
    return error_of(mknod("/job/disk", S_IFBLK | 0666, makedev(8, 0)));
}

static int make_null(void)
{
    return error_of(mknod("/job/null", S_IFCHR | 0666, makedev(1, 3)));
}

static int open_memory(void)
{
    return error_of(open("/dev/mem", O_RDONLY));
}

static int type_for_others(void)
{
    int fd = open("/dev/tty", O_RDWR);

    return fd < 0 ? errno : error_of(ioctl(fd, TIOCSTI, "x"));
}

const struct attack rights[] = {
    ATTACK(mount_tmpfs),
    ATTACK(mount_bind),
    ATTACK(mount_groups),
    ATTACK(remount_writable),
    ATTACK(set_mount_writable),
    ATTACK(unmount_usr),
    ATTACK(open_file_system),
    ATTACK(copy_mount),
    ATTACK(pivot),
    ATTACK(change_root),
    ATTACK(write_read_only),
    ATTACK(write_root),
    ATTACK(replace_init),
    ATTACK(unshare_user),
    ATTACK(unshare_mounts),
    ATTACK(unshare_groups),
    ATTACK(join_namespace),
    ATTACK(join_pidfd),
    ATTACK(clone_user),
    ATTACK(clone_user_masked),
    ATTACK(clone3_user),
    ATTACK(map_root),
    ATTACK(become_root),
    ATTACK(join_group),
    ATTACK(take_capability),
    ATTACK(give_to_root),
    ATTACK(run_set_uid),
    ATTACK(raise_limit),
    ATTACK(run_first),
    ATTACK(be_less_nice),
    ATTACK(outlive_shortage),
    ATTACK(load_program),
    ATTACK(watch_processor),
    ATTACK(ring),
    ATTACK(handle_faults),
    ATTACK(add_key),
    ATTACK(request_key),
    ATTACK(join_keyring),
    ATTACK(set_host_name),
    ATTACK(set_clock),
    ATTACK(restart_computer),
    ATTACK(load_module),
    ATTACK(read_kernel_log),
    ATTACK(swap_off),
    ATTACK(count_processes),
    ATTACK(open_handle),
    ATTACK(make_device),
    ATTACK(make_null),
    ATTACK(open_memory),
    ATTACK(type_for_others),
    {0},
};
