/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network cards of this computer, as far as one can wake it or it others: those with a hardware
 * address that are up, have an IPv4 address and reach a segment by broadcast. And the magic packet
 * that wakes a computer: six bytes of ones, then sixteen times its hardware address, which its card
 * looks for in whatever it hears (AMD, Magic Packet Technology, 1995).
 *
 * As a text a card is "52:54:00:12:34:56 10.0.0.5/24", with " +" behind it if it is known to be
 * set to wake by such a packet, " -" if it is known not to be.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"

#include <net/if.h>
#include <stddef.h>
#include <stdint.h>

enum { INTERFACES_MAX = 8, HARDWARE_ADDRESS_SIZE = 6 };

enum interface_wake { INTERFACE_WAKE_UNKNOWN, INTERFACE_WAKES, INTERFACE_DOES_NOT_WAKE };

struct interface {
    char name[IFNAMSIZ]; /* empty if it was read from a text */
    uint8_t hardware[HARDWARE_ADDRESS_SIZE];
    uint32_t address; /* host byte order */
    uint32_t prefix;  /* bits, 1 to 30 */
    enum interface_wake wake;
};

/* The first ones, in the kernel's order; how many there are. Only root learns whether they wake. */
size_t interfaces_list(struct interface *ret_interfaces, size_t most);
void interface_write(const struct interface *interface, struct buffer *text);
/* -EINVAL if it is none. */
int interface_read(struct slice text, struct interface *ret_interface);
/* The first address of its segment; two are in one segment if this and the prefix are equal. */
uint32_t interface_network(const struct interface *interface);
/*
 * Sends a magic packet for the card through one of this computer's that is in the same segment; to
 * nobody else. -ENETUNREACH if there is none.
 */
int interface_wake(const struct interface *card, struct error *err);
