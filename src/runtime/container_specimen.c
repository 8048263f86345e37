/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is saved and restored to see whether that works (checkpoint_probe()): a program that listens
 * on a socket, since that is what CRIU and the kernel have disagreed on most, says that it does,
 * and works until there is a file `go` in its working folder.
 */
#define _GNU_SOURCE
#include "container_internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define READY "ready\n"

int container_specimen(void)
{
    const struct sockaddr_in here = {.sin_family = AF_INET,
                                     .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    const struct timespec moment = {.tv_nsec = 1000000};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (listener < 0 || bind(listener, (const struct sockaddr *)&here, sizeof(here)) < 0 ||
        listen(listener, 1) < 0)
        return EXIT_FAILURE;
    if (write(STDOUT_FILENO, READY, sizeof(READY) - 1) != sizeof(READY) - 1)
        return EXIT_FAILURE;
    while (access(CONTAINER_SPECIMEN_GO, F_OK) < 0)
        nanosleep(&moment, NULL);
    return CONTAINER_SPECIMEN_STATUS;
}
