/* SPDX-License-Identifier: Apache-2.0 */
/* See hostile.h: what others on the node have, and the owner above all. */
#define _GNU_SOURCE
#include "hostile.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/vm_sockets.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- /proc ---- */

static int write_core_pattern(void)
{
    return write_path("/proc/sys/kernel/core_pattern", "|/job/hostile");
}

static int press_magic_key(void)
{
    return write_path("/proc/sysrq-trigger", "h");
}

static int read_core_of_kernel(void)
{
    return read_path("/proc/kcore");
}

static int read_log_of_kernel(void)
{
    return read_path("/proc/kmsg");
}

/* It lists what the reader may see. His own session's keyring is all that there is. */
static int find_keys(void)
{
    FILE *keys = fopen("/proc/keys", "r");
    char line[256];
    int r = ENOENT;

    while (keys && fgets(line, sizeof(line), keys))
        if (strstr(line, "of-the-owner"))
            r = 0;
    return r;
}

static int find_processes(void)
{
    char path[64];

    for (int pid = 2; pid < 100000; pid++) {
        snprintf(path, sizeof(path), "/proc/%d", pid);
        if (pid != getpid() && pid != getppid() && access(path, F_OK) == 0)
            return 0;
    }
    return ENOENT;
}

/* ---- process 1, and others ---- */

static int trace_init(void)
{
    return error_of(ptrace(PTRACE_SEIZE, 1, NULL, NULL));
}

static int read_init(void)
{
    char text[8];
    struct iovec here = {text, sizeof(text)}, there = {(void *)0x400000, sizeof(text)};

    return error_of(process_vm_readv(1, &here, 1, &there, 1, 0));
}

static int read_memory_of_init(void)
{
    return error_of(open("/proc/1/mem", O_RDWR));
}

static int read_root_of_init(void)
{
    char path[HOSTILE_PATH_SIZE];

    return error_of(readlink("/proc/1/root", path, sizeof(path)));
}

static int read_environment_of_init(void)
{
    return read_path("/proc/1/environ");
}

static int take_file_of_init(void)
{
    int init = (int)syscall(SYS_pidfd_open, 1, 0);

    return init < 0 ? errno : error_of(syscall(SYS_pidfd_getfd, init, 0, 0));
}

static int rename_init(void)
{
    return write_path("/proc/1/comm", "signal 9");
}

/* Whether it was refused or was nothing to it: process 1 is there afterwards, and so are we. */
static int kill_init(void)
{
    static const int numbers[] = {SIGKILL, SIGSTOP, SIGTERM, SIGSEGV};

    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
        (void)kill(1, numbers[i]);
    usleep(1000);
    return kill(1, 0) < 0 && errno != EPERM ? 0 : EPERM;
}

static int signal_by_number(const char *name)
{
    pid_t pid = (pid_t)strtol(value_of(name), NULL, 10);

    return error_of(kill(pid > 0 ? pid : 4000000, SIGKILL));
}

static int kill_victim(void)
{
    return signal_by_number("victim");
}

static int kill_keeper(void)
{
    return signal_by_number("keeper");
}

/* ---- files of others ---- */

static int read_owners_file(void)
{
    return read_path(value_of("secret"));
}

static int read_above(void)
{
    char path[HOSTILE_PATH_SIZE];

    snprintf(path, sizeof(path), "/proc/self/cwd/../../../../../..%s", value_of("secret"));
    return read_path(path);
}

static int list_victims_folder(void)
{
    return error_of(open(value_of("attempts"), O_RDONLY | O_DIRECTORY));
}

static int read_shadow(void)
{
    return read_path("/etc/shadow");
}

static int link_to_shadow(void)
{
    return error_of(link("/etc/shadow", "/job/linked"));
}

static int read_home(void)
{
    return error_of(open("/root", O_RDONLY | O_DIRECTORY));
}

/* ---- sockets ---- */

static int connect_path(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    return error_of(connect(fd, (struct sockaddr *)&address, sizeof(address)));
}

static int connect_keeper(void)
{
    return connect_path(value_of("keeper_socket"));
}

static int connect_agent(void)
{
    return connect_path(value_of("agent_socket"));
}

static int connect_server(void)
{
    return connect_path(value_of("server_socket"));
}

static int connect_docker(void)
{
    return connect_path("/var/run/docker.sock");
}

static int connect_resolver(void)
{
    return connect_path("/run/systemd/resolve/io.systemd.Resolve");
}

socklen_t name_abstract(struct sockaddr_un *address)
{
    address->sun_family = AF_UNIX;
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1) +
           (socklen_t)snprintf(address->sun_path + 1, sizeof(address->sun_path) - 1, "%s",
                               value_of("mark"));
}

static int connect_abstract(void)
{
    struct sockaddr_un address = {0};
    socklen_t length = name_abstract(&address);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    return error_of(connect(fd, (struct sockaddr *)&address, length));
}

static int connect_local(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)strtol(value_of("port"), NULL, 10)),
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    return error_of(connect(fd, (struct sockaddr *)&address, sizeof(address)));
}

static int connect_outside(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(53), .sin_addr = {.s_addr = htonl(0xc0000201)}};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    return error_of(connect(fd, (struct sockaddr *)&address, sizeof(address)));
}

static int open_raw(void)
{
    return error_of(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static int open_packet(void)
{
    return error_of(socket(AF_PACKET, SOCK_RAW, 0));
}

static int open_host(void)
{
    return error_of(socket(AF_VSOCK, SOCK_STREAM, 0));
}

static int open_cipher(void)
{
    return error_of(socket(AF_ALG, SOCK_SEQPACKET, 0));
}

/* The calls of another architecture have numbers of their own, and this one many in one. */
static int open_host_otherwise(void)
{
#if defined(__x86_64__)
    enum { SOCKETCALL = 102, SYS_SOCKET_CALL = 1 };
    uint32_t *arguments = mmap(NULL, HOSTILE_PIECE, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    int result;

    arguments[0] = AF_VSOCK;
    arguments[1] = SOCK_STREAM;
    arguments[2] = 0;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(SOCKETCALL), "b"(SYS_SOCKET_CALL), "c"((uint32_t)(uintptr_t)arguments)
                     : "memory", "r8", "r9", "r10", "r11");
    return result < 0 ? -result : 0;
#else
    return ENOSYS;
#endif
}

static int unshare_otherwise(void)
{
#if defined(__x86_64__)
    enum { UNSHARE = 310 };
    int result;

    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(UNSHARE), "b"(CLONE_NEWUSER)
                     : "memory", "r8", "r9", "r10", "r11");
    return result < 0 ? -result : 0;
#else
    return ENOSYS;
#endif
}

/* The answer to a message of one of the kernel's own families, which is an error if it refuses. */
static int ask_kernel(int family, struct nlmsghdr *message)
{
    struct {
        struct nlmsghdr head;
        struct nlmsgerr error;
    } answer = {0};
    int fd = socket(AF_NETLINK, SOCK_RAW, family);

    message->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
    if (fd < 0 || send(fd, message, message->nlmsg_len, 0) < 0 ||
        recv(fd, &answer, sizeof(answer), 0) < 0)
        return errno;
    return answer.head.nlmsg_type == NLMSG_ERROR ? -answer.error.error : 0;
}

static int take_down_network(void)
{
    struct {
        struct nlmsghdr head;
        struct ifinfomsg link;
    } message = {.head = {.nlmsg_len = sizeof(message), .nlmsg_type = RTM_NEWLINK},
                 .link = {.ifi_index = 1, .ifi_change = 1}};

    return ask_kernel(NETLINK_ROUTE, &message.head);
}

static int stop_audit(void)
{
    struct {
        struct nlmsghdr head;
        struct audit_status status;
    } message = {.head = {.nlmsg_len = sizeof(message), .nlmsg_type = AUDIT_SET},
                 .status = {.mask = AUDIT_STATUS_ENABLED}};

    return ask_kernel(NETLINK_AUDIT, &message.head);
}

/* ---- what processes share ---- */

static int attach_shared_memory(void)
{
    return error_of(shmget((key_t)strtol(value_of("shared"), NULL, 0), 0, 0));
}

static int open_named(const char *folder)
{
    char path[HOSTILE_PATH_SIZE];

    snprintf(path, sizeof(path), "%s%s", folder, value_of("mark"));
    return error_of(folder[1] ? open(path, O_RDONLY) : mq_open(path, O_RDONLY));
}

static int open_message_queue(void)
{
    return open_named("/");
}

static int open_shared_file(void)
{
    return open_named("/dev/shm/");
}

static int open_temporary_file(void)
{
    return open_named("/tmp/");
}

const struct attack neighbours[] = {
    ATTACK(write_core_pattern),
    ATTACK(press_magic_key),
    ATTACK(read_core_of_kernel),
    ATTACK(read_log_of_kernel),
    ATTACK(find_keys),
    ATTACK(find_processes),
    ATTACK(trace_init),
    ATTACK(read_init),
    ATTACK(read_memory_of_init),
    ATTACK(read_root_of_init),
    ATTACK(read_environment_of_init),
    ATTACK(take_file_of_init),
    ATTACK(rename_init),
    ATTACK(kill_init),
    ATTACK(kill_victim),
    ATTACK(kill_keeper),
    ATTACK(read_owners_file),
    ATTACK(read_above),
    ATTACK(list_victims_folder),
    ATTACK(read_shadow),
    ATTACK(link_to_shadow),
    ATTACK(read_home),
    ATTACK(connect_keeper),
    ATTACK(connect_agent),
    ATTACK(connect_server),
    ATTACK(connect_docker),
    ATTACK(connect_resolver),
    ATTACK(connect_abstract),
    ATTACK(connect_local),
    ATTACK(connect_outside),
    ATTACK(open_raw),
    ATTACK(open_packet),
    ATTACK(open_host),
    ATTACK(open_cipher),
    ATTACK(open_host_otherwise),
    ATTACK(unshare_otherwise),
    ATTACK(take_down_network),
    ATTACK(stop_audit),
    ATTACK(attach_shared_memory),
    ATTACK(open_message_queue),
    ATTACK(open_shared_file),
    ATTACK(open_temporary_file),
    {0},
};
