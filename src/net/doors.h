/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets on a libuv loop: who comes is accepted and handed on. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct door;

/* The new descriptor (nonblocking, close-on-exec) becomes the callback's. */
typedef void (*door_accept)(void *userdata, int fd, bool unix_socket);

/* `host` may be NULL for all of this computer (IPv6 and IPv4), `port` 0 for any. */
int door_open_port(uv_loop_t *loop, const char *host, uint16_t port, door_accept on_accept,
                   void *userdata, struct door **ret_door, struct error *err);
/* The socket can be connected to by every user (mode 0666): the peer's uid says who he is. */
int door_open_socket(uv_loop_t *loop, const char *path, door_accept on_accept, void *userdata,
                     struct door **ret_door, struct error *err);

/* A door that is not open lets newcomers wait in the kernel's queue. Accepts NULL. */
void door_set_open(struct door *door, bool open);
/* 0 for NULL and for a Unix socket. */
uint16_t door_port(const struct door *door);
/* Stops listening and removes the socket file; the memory goes with the loop's next turn. */
void door_close(struct door *door);
