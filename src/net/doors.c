/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See doors.h. When descriptors run out, accept() fails and the newcomer stays in the queue, so
 * the socket stays readable; polling it on would spin. The door then pauses for a moment.
 */
#define _GNU_SOURCE
#include "doors.h"

#include "base/memory.h"
#include "sys/descriptor.h"
#include "sys/log.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * In one turn of the loop no more than these are let in: 10,000 agents that come back at once must
 * not keep those waiting who are in already.
 */
enum { ACCEPT_TURN = 64, PAUSE_MS = 200 };

struct door {
    uv_poll_t poll;
    uv_timer_t pause;
    unsigned int open_handles; /* of the two above */
    int fd;
    uint16_t port;
    char *path; /* owned; NULL for a port */
    door_accept on_accept;
    void *userdata;
    bool open;
};

static void on_readable(uv_poll_t *poll, int status, int events);

static void on_pause_over(uv_timer_t *timer)
{
    struct door *door = timer->data;

    if (door->open)
        uv_poll_start(&door->poll, UV_READABLE, on_readable);
}

static void pause_door(struct door *door, int error_number)
{
    log_debug("no connection can be accepted for a moment: %s", strerror(error_number));
    uv_poll_stop(&door->poll);
    uv_timer_start(&door->pause, on_pause_over, PAUSE_MS, 0);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct door *door = poll->data;

    (void)status, (void)events;
    /* The callback may close the door, when the newcomer was the last for whom there is room. */
    for (int i = 0; i < ACCEPT_TURN && door->open; i++) {
        int fd = accept4(door->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        /* Aborted: he gave up while he waited in the queue. Others may stand behind him. */
        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (fd < 0 && errno != EAGAIN)
            pause_door(door, errno);
        if (fd < 0)
            return;
        door->on_accept(door->userdata, fd, door->path != NULL);
    }
}

void door_set_open(struct door *door, bool open)
{
    if (!door || door->open == open)
        return;
    door->open = open;
    uv_timer_stop(&door->pause);
    if (open)
        uv_poll_start(&door->poll, UV_READABLE, on_readable);
    else
        uv_poll_stop(&door->poll);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct door *door = handle->data;

    if (--door->open_handles > 0)
        return;
    free(door->path);
    free(door);
}

void door_close(struct door *door)
{
    if (!door)
        return;
    uv_close((uv_handle_t *)&door->poll, on_handle_closed);
    uv_close((uv_handle_t *)&door->pause, on_handle_closed);
    /* After uv_close(), which takes it out of the epoll set while its number still means it. */
    descriptor_close(door->fd);
    /* Whoever comes now shall hear that nobody is there, and not wait for an answer. */
    if (door->path)
        unlink(door->path);
}

uint16_t door_port(const struct door *door)
{
    return door ? door->port : 0;
}

/* Takes the listening descriptor over, also on failure. */
static int make_door(uv_loop_t *loop, int listening, door_accept on_accept, void *userdata,
                     struct door **ret_door, struct error *err)
{
    _cleanup_fd_ int fd = listening;
    struct door *door;
    int r;

    r = descriptor_set_nonblocking(fd);
    if (r < 0)
        return error_set_errno(err, r, "cannot prepare a listening socket");
    door = memory_allocate(sizeof(*door));
    r = uv_poll_init(loop, &door->poll, fd);
    if (r < 0) {
        free(door);
        return error_set_errno(err, r, "cannot wait on a listening socket");
    }
    uv_timer_init(loop, &door->pause);
    door->poll.data = door->pause.data = door;
    door->open_handles = 2;
    door->fd = descriptor_take(&fd);
    door->on_accept = on_accept;
    door->userdata = userdata;
    door_set_open(door, true);
    *ret_door = door;
    return 0;
}

int door_open_socket(uv_loop_t *loop, const char *path, door_accept on_accept, void *userdata,
                     struct door **ret_door, struct error *err)
{
    struct door *door = NULL;
    int r;

    r = descriptor_listen_unix(path, SOCK_STREAM, 0666, err);
    if (r >= 0)
        r = make_door(loop, r, on_accept, userdata, &door, err);
    if (r < 0)
        return r;
    door->path = memory_copy_string(path);
    *ret_door = door;
    return 0;
}

/*
 * Without SO_REUSEADDR a server that starts again could not listen for a minute, as long as
 * connections of the one before are in TIME_WAIT. One socket for IPv6 also takes IPv4, if it is
 * told so: the system's default differs. Nagle's algorithm would hold back small messages until
 * larger ones were acknowledged, and all of ours that matter are small.
 */
static void set_options(int fd, int family)
{
    static const int on = 1, off = 0;
    static const int idle_s = 30, interval_s = 10, count = 3;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    /*
     * Accepted connections inherit these. A caller whose computer was switched off while he waits
     * for a reply sends no FIN; the kernel asks after him at no cost to us.
     */
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
}

/* Returns the listening descriptor or a negative errno. */
static int listen_on(const struct addrinfo *address)
{
    _cleanup_fd_ int fd =
        socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, address->ai_protocol);

    if (fd < 0)
        return -errno;
    set_options(fd, address->ai_family);
    /* The longest queue that the system allows: a pool's agents come all at once. */
    if (bind(fd, address->ai_addr, address->ai_addrlen) < 0 || listen(fd, SOMAXCONN) < 0)
        return -errno;
    return descriptor_take(&fd);
}

/* Without a host the IPv6 wildcard alone: set_options() has it take IPv4 as well. */
static int resolve(const char *host, uint16_t port, struct addrinfo **ret_addresses,
                   struct error *err)
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
                             .ai_socktype = SOCK_STREAM,
                             .ai_family = host ? AF_UNSPEC : AF_INET6};
    char service[8];
    int r;

    snprintf(service, sizeof(service), "%u", (unsigned int)port);
    r = getaddrinfo(host, service, &hints, ret_addresses);
    if (r != 0)
        return error_set(err, -EADDRNOTAVAIL, "cannot listen on '%s': %s",
                         host ? host : "::", gai_strerror(r));
    return 0;
}

/* For port 0 the kernel has chosen one, which everybody who shall dial must be told. */
static uint16_t real_port(int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);

    if (getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        return 0;
    if (address.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)(const void *)&address)->sin6_port);
    return ntohs(((const struct sockaddr_in *)(const void *)&address)->sin_port);
}

int door_open_port(uv_loop_t *loop, const char *host, uint16_t port, door_accept on_accept,
                   void *userdata, struct door **ret_door, struct error *err)
{
    struct addrinfo *addresses = NULL;
    struct door *door = NULL;
    int fd = -EADDRNOTAVAIL, r;

    r = resolve(host, port, &addresses, err);
    if (r < 0)
        return r;
    for (const struct addrinfo *a = addresses; a && fd < 0; a = a->ai_next)
        fd = listen_on(a);
    freeaddrinfo(addresses);
    /* A kernel without IPv6: then all of this computer is all of its IPv4. */
    if (fd == -EAFNOSUPPORT && !host)
        return door_open_port(loop, "0.0.0.0", port, on_accept, userdata, ret_door, err);
    if (fd < 0)
        return error_set_errno(err, fd, "cannot listen on '%s', port %u",
                               host ? host : "::", (unsigned int)port);
    r = make_door(loop, fd, on_accept, userdata, &door, err);
    if (r < 0)
        return r;
    door->port = real_port(door->fd);
    *ret_door = door;
    return 0;
}
