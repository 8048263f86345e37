/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay PORT: a piece of network cable. Passes every connection to its own port (printed as
 * "ready PORT") on to PORT of this computer, both ways, and understands nothing of it.
 *
 * Stopped (SIGSTOP), it is a cable that was pulled out: nothing arrives, nothing is refused, and
 * nobody is told. Continued (SIGCONT), it carries again, and what was on its way comes late.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 64, PIECE_SIZE = 65536 };

/* Two ends each: what is read from one is written to the other. */
static struct pollfd ends[1 + 2 * CONNECTIONS_MAX];

static struct sockaddr_in loopback(long port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void accept_one(long port)
{
    struct sockaddr_in address = loopback(port);
    int from = accept(ends[0].fd, NULL, NULL), to = -1;
    size_t i = 1;

    if (from < 0)
        return;
    while (i <= 2 * CONNECTIONS_MAX && ends[i].fd >= 0)
        i += 2;
    if (i <= 2 * CONNECTIONS_MAX)
        to = socket(AF_INET, SOCK_STREAM, 0);
    if (to < 0 || connect(to, (struct sockaddr *)&address, sizeof(address)) < 0) {
        close(from);
        if (to >= 0)
            close(to);
        return;
    }
    ends[i] = (struct pollfd){.fd = from, .events = POLLIN};
    ends[i + 1] = (struct pollfd){.fd = to, .events = POLLIN};
}

static int pass(int from, int to)
{
    static char piece[PIECE_SIZE];
    ssize_t length = read(from, piece, sizeof(piece));

    for (ssize_t done = 0; done < length;) {
        ssize_t written = write(to, piece + done, (size_t)(length - done));

        if (written <= 0)
            return 0;
        done += written;
    }
    return length > 0;
}

/* When one direction ends, both do: nobody here needs half a connection. */
static void serve(size_t i)
{
    size_t other = i % 2 == 1 ? i + 1 : i - 1;

    if (ends[i].revents == 0 || ends[i].fd < 0 || pass(ends[i].fd, ends[other].fd))
        return;
    close(ends[i].fd);
    close(ends[other].fd);
    ends[i].fd = ends[other].fd = -1;
}

int main(int argument_count, char **arguments)
{
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof(address);
    long port = argument_count == 2 ? strtol(arguments[1], NULL, 10) : 0;

    if (port < 1 || port > 65535) {
        fprintf(stderr, "usage: relay PORT\n");
        return 2;
    }
    for (size_t i = 0; i <= 2 * CONNECTIONS_MAX; i++)
        ends[i] = (struct pollfd){.fd = -1, .events = POLLIN};
    ends[0].fd = socket(AF_INET, SOCK_STREAM, 0);
    if (ends[0].fd < 0 || bind(ends[0].fd, (struct sockaddr *)&address, size) < 0 ||
        listen(ends[0].fd, CONNECTIONS_MAX) < 0 ||
        getsockname(ends[0].fd, (struct sockaddr *)&address, &size) < 0)
        fail("relay: cannot listen");
    printf("ready %d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        if (poll(ends, sizeof(ends) / sizeof(ends[0]), -1) < 0)
            fail("relay: cannot wait");
        for (size_t i = 1; i <= 2 * CONNECTIONS_MAX; i++)
            serve(i);
        if (ends[0].revents != 0)
            accept_one(port);
    }
}
