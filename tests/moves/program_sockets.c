/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See program.h: sockets, all within the task, but for `outside`, which is not to be moved. Of
 * those that carry bytes one message is always under way when it is moved.
 */
#define _GNU_SOURCE
#include "program.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_PATH "/tmp/socket"

enum { MOMENT_MS = 50 };

static int ends[2], listener;
static uint32_t sent, received;

static void send_one(void)
{
    sent++;
    require(write(ends[0], &sent, sizeof(sent)) == sizeof(sent), "send");
}

static void check_stream(void)
{
    uint32_t got;

    send_one();
    require(read(ends[1], &got, sizeof(got)) == sizeof(got) && got == ++received, "receive");
}

/* ---- Unix sockets ---- */

static void begin_pair(void)
{
    require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "pair");
    send_one();
}

static void begin_unix(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET_PATH};

    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    require(listener >= 0, "socket");
    require(bind(listener, (const struct sockaddr *)&address, sizeof(address)) == 0, "bind");
    require(listen(listener, 1) == 0, "listen");
}

/* Each time a new connection, by the name. */
static void check_unix(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET_PATH};

    ends[0] = socket(AF_UNIX, SOCK_STREAM, 0);
    require(connect(ends[0], (const struct sockaddr *)&address, sizeof(address)) == 0, "connect");
    ends[1] = accept(listener, NULL, NULL);
    require(ends[1] >= 0, "accept");
    send_one();
    received = sent - 1;
    check_stream();
    close(ends[0]);
    close(ends[1]);
}

/* ---- TCP and UDP over the loopback ---- */

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
}

static struct sockaddr_in bind_any(int fd)
{
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof(address);

    require(fd >= 0 && bind(fd, (const struct sockaddr *)&address, size) == 0, "bind");
    require(getsockname(fd, (struct sockaddr *)&address, &size) == 0, "name");
    return address;
}

static void connect_to(const struct sockaddr_in *address)
{
    ends[0] = socket(AF_INET, SOCK_STREAM, 0);
    require(connect(ends[0], (const struct sockaddr *)address, sizeof(*address)) == 0, "connect");
}

static void begin_tcp(void)
{
    struct sockaddr_in address;

    listener = socket(AF_INET, SOCK_STREAM, 0);
    address = bind_any(listener);
    require(listen(listener, 1) == 0, "listen");
    connect_to(&address);
    ends[1] = accept(listener, NULL, NULL);
    require(ends[1] >= 0, "accept");
    send_one();
}

static void begin_udp(void)
{
    struct sockaddr_in address;

    ends[0] = socket(AF_INET, SOCK_DGRAM, 0);
    ends[1] = socket(AF_INET, SOCK_DGRAM, 0);
    bind_any(ends[0]);
    address = bind_any(ends[1]);
    require(connect(ends[0], (const struct sockaddr *)&address, sizeof(address)) == 0, "connect");
}

/* What is under way is lost, even between the two calls, and is sent again, as on any network. */
static void check_udp(void)
{
    struct pollfd wait = {.fd = ends[1], .events = POLLIN};
    uint32_t got = 0;

    while (got == 0 || got != sent) {
        send_one();
        while (got != sent && poll(&wait, 1, MOMENT_MS) == 1)
            (void)!recv(ends[1], &got, sizeof(got), MSG_DONTWAIT);
    }
}

/* ---- what cannot be moved ---- */

/* The file has the port of whoever listens outside; each round goes there and back. */
static void begin_outside(void)
{
    FILE *file = fopen("port", "r");
    struct sockaddr_in address;
    int port = 0;

    require(file && fscanf(file, "%d", &port) == 1, "port");
    address = loopback(port);
    connect_to(&address);
}

static void check_outside(void)
{
    require(send(ends[0], "", 0, MSG_NOSIGNAL) == 0, "send");
}

/* io_uring is as on a kernel without it, so that nobody uses what could not be saved. */
static void begin_nothing(void)
{
}

static void check_no_uring(void)
{
    require(syscall(SYS_io_uring_setup, 1, NULL) < 0 && errno == ENOSYS, "io_uring");
}

const struct program socket_programs[] = {
    {"pair", begin_pair, check_stream},
    {"unix", begin_unix, check_unix},
    {"tcp", begin_tcp, check_stream},
    {"udp", begin_udp, check_udp},
    {"outside", begin_outside, check_outside},
    {"uring", begin_nothing, check_no_uring},
    {NULL, NULL, NULL},
};
