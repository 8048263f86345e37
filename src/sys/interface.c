/* SPDX-License-Identifier: Apache-2.0 */
/* See interface.h. */
#define _GNU_SOURCE
#include "interface.h"

#include "base/memory.h"
#include "base/number.h"
#include "descriptor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ETHERNET = 1 /* ARPHRD_ETHER */, DISCARD_PORT = 9, REPEATS = 16, PREFIX_MAX = 30 };

static uint32_t mask_of(uint32_t prefix)
{
    return UINT32_MAX << (32 - prefix);
}

uint32_t interface_network(const struct interface *interface)
{
    return interface->address & mask_of(interface->prefix);
}

/* ---- what there is ---- */

/* The kernel tells it to those who may set it. */
static enum interface_wake read_wake(const char *name)
{
    _cleanup_fd_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ethtool_wolinfo info = {.cmd = ETHTOOL_GWOL};
    struct ifreq request = {.ifr_data = (char *)&info};

    memcpy(request.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
    if (fd < 0 || ioctl(fd, SIOCETHTOOL, &request) < 0)
        return INTERFACE_WAKE_UNKNOWN;
    return (info.wolopts & WAKE_MAGIC) != 0 ? INTERFACE_WAKES : INTERFACE_DOES_NOT_WAKE;
}

static bool find_hardware(const struct ifaddrs *all, const char *name,
                          uint8_t ret_hardware[HARDWARE_ADDRESS_SIZE])
{
    static const uint8_t none[HARDWARE_ADDRESS_SIZE];

    for (const struct ifaddrs *at = all; at; at = at->ifa_next) {
        const struct sockaddr_ll *link = (const void *)at->ifa_addr;

        if (!link || link->sll_family != AF_PACKET || strcmp(at->ifa_name, name) != 0)
            continue;
        memcpy(ret_hardware, link->sll_addr, HARDWARE_ADDRESS_SIZE);
        return link->sll_hatype == ETHERNET && link->sll_halen == HARDWARE_ADDRESS_SIZE &&
               memcmp(ret_hardware, none, sizeof(none)) != 0;
    }
    return false;
}

/* What has no hardware address, no broadcast or no segment around it cannot be woken. */
static bool describe(const struct ifaddrs *all, const struct ifaddrs *at,
                     struct interface *ret_interface)
{
    const unsigned int wanted = IFF_UP | IFF_BROADCAST;
    const struct sockaddr_in *address = (const void *)at->ifa_addr;
    const struct sockaddr_in *mask = (const void *)at->ifa_netmask;
    struct interface found = {0};

    if (!address || !mask || address->sin_family != AF_INET ||
        (at->ifa_flags & (wanted | IFF_LOOPBACK)) != wanted)
        return false;
    found.address = ntohl(address->sin_addr.s_addr);
    found.prefix = (uint32_t)__builtin_popcount(mask->sin_addr.s_addr);
    if (found.prefix == 0 || found.prefix > PREFIX_MAX ||
        !find_hardware(all, at->ifa_name, found.hardware))
        return false;
    memcpy(found.name, at->ifa_name, strnlen(at->ifa_name, IFNAMSIZ - 1));
    found.wake = read_wake(found.name);
    *ret_interface = found;
    return true;
}

size_t interfaces_list(struct interface *ret_interfaces, size_t most)
{
    struct ifaddrs *all = NULL;
    size_t count = 0;

    if (getifaddrs(&all) < 0)
        return 0;
    for (const struct ifaddrs *at = all; at && count < most; at = at->ifa_next)
        if (describe(all, at, &ret_interfaces[count]))
            count++;
    freeifaddrs(all);
    return count;
}

/* ---- as texts ---- */

void interface_write(const struct interface *interface, struct buffer *text)
{
    const uint8_t *hardware = interface->hardware;
    uint32_t address = interface->address;

    buffer_appendf(text, "%02x:%02x:%02x:%02x:%02x:%02x %u.%u.%u.%u/%u", hardware[0], hardware[1],
                   hardware[2], hardware[3], hardware[4], hardware[5], address >> 24,
                   address >> 16 & 255, address >> 8 & 255, address & 255, interface->prefix);
    if (interface->wake != INTERFACE_WAKE_UNKNOWN)
        buffer_append_text(text, interface->wake == INTERFACE_WAKES ? " +" : " -");
}

int interface_read(struct slice text, struct interface *ret_interface)
{
    struct interface read = {0};
    unsigned int hardware[HARDWARE_ADDRESS_SIZE], parts[4];
    char sign = '\0';
    _cleanup_free_ char *copy = slice_copy(slice_trim(text));
    int count = sscanf(copy, "%2x:%2x:%2x:%2x:%2x:%2x %3u.%3u.%3u.%3u/%2u %c", &hardware[0],
                       &hardware[1], &hardware[2], &hardware[3], &hardware[4], &hardware[5],
                       &parts[0], &parts[1], &parts[2], &parts[3], &read.prefix, &sign);

    if (count < 11 || read.prefix == 0 || read.prefix > PREFIX_MAX)
        return -EINVAL;
    for (size_t i = 0; i < HARDWARE_ADDRESS_SIZE; i++)
        read.hardware[i] = (uint8_t)hardware[i];
    for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
        if (parts[i] > UINT8_MAX)
            return -EINVAL;
        read.address = read.address << 8 | parts[i];
    }
    if (sign == '+')
        read.wake = INTERFACE_WAKES;
    else if (sign == '-')
        read.wake = INTERFACE_DOES_NOT_WAKE;
    *ret_interface = read;
    return 0;
}

/* ---- the packet ---- */

static int send_from(const struct interface *own, const uint8_t *packet, size_t size)
{
    _cleanup_fd_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr = {htonl(own->address)}};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(DISCARD_PORT)};
    int yes = 1;

    to.sin_addr.s_addr = htonl(own->address | ~mask_of(own->prefix));
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &yes, sizeof(yes)) < 0)
        return -errno;
    /* Where the kernel does not let us, the address still says which card it is. */
    (void)setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, own->name, (socklen_t)strlen(own->name));
    if (bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0 ||
        sendto(fd, packet, size, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
        return -errno;
    return 0;
}

int interface_wake(const struct interface *card, struct error *err)
{
    uint8_t packet[HARDWARE_ADDRESS_SIZE * (1 + REPEATS)];
    struct interface own[INTERFACES_MAX];
    size_t count = interfaces_list(own, INTERFACES_MAX);

    memset(packet, 0xff, HARDWARE_ADDRESS_SIZE);
    for (size_t i = 1; i <= REPEATS; i++)
        memcpy(packet + i * HARDWARE_ADDRESS_SIZE, card->hardware, HARDWARE_ADDRESS_SIZE);
    for (size_t i = 0; i < count; i++) {
        int r;

        if (own[i].prefix != card->prefix || interface_network(&own[i]) != interface_network(card))
            continue;
        r = send_from(&own[i], packet, sizeof(packet));
        return r < 0 ? error_set_errno(err, r, "cannot send by '%s'", own[i].name) : 0;
    }
    return error_set(err, -ENETUNREACH, "this computer is not in that segment of the network");
}
